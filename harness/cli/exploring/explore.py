"""`instance-sync explore`: looks for what nobody wrote a scenario for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.attach.databases import SQLITE
from harness.attach.setup import (
    check_database,
    check_fleet_address,
    check_running,
    fleet_addresses,
    worker_addresses,
)
from harness.catalogue.features import catalogue
from harness.catalogue.requirements import Profile
from harness.cli.exploring import campaign
from harness.cli.exploring.campaign import spread_options
from harness.cli.group import epilog
from harness.cli.options import targets
from harness.errors import TargetError
from harness.exit_codes import DONE, ExitCode
from harness.explore.exploring import Bounds, Exploration
from harness.explore.found import kept, page, proving, telling
from harness.explore.workers import Post, judged_of
from harness.report.folder import make_folder, replace_all
from harness.run.interruption import Interruption
from harness.run.progress import Line, say
from harness.run.workers import cores_of_this_process, workers_for_stories
from harness.targets.reader import load_target
from harness.wording import visible

if TYPE_CHECKING:
    from harness.cli.exploring.campaign import Spread
    from harness.contract import Target
    from harness.explore.campaign.merging import Merged
    from harness.explore.exploring import Explored

_EXAMPLES = """\
  instance-sync explore --target acme.toml                  for a minute
  instance-sync explore --target acme.toml --seconds 600 --seed 7
  instance-sync explore --target acme.toml --stories 2000   however long that takes
  instance-sync explore --target acme.toml --shard 3/40     the third of forty parts of the same stories
  instance-sync explore --target acme.toml --stories 100000 --results campaign --scheduler tcp://10.0.0.5:8786
  pytest counterexamples/ --target acme.toml                what was found, as scenarios
"""
_UNBOUNDED = 10**9
_LONG_SECONDS = 24 * 3600.0


@click.command(epilog=epilog("explore", _EXAMPLES))
@click.option(
    "--target", default="reference", metavar="NAME|FILE", help="what to explore", shell_complete=targets
)
@click.option("--seconds", type=click.FloatRange(min=1), help="how long to tell stories  [default: 60]")
@click.option("--stories", type=click.IntRange(min=1), help="how many stories to tell in all")
@click.option("--seed", type=int, default=1, help="the same seed makes up the same stories")
@click.option(
    "-n", "workers", type=click.IntRange(min=1), help="how many workers tell them  [default: by cores]"
)
@click.option("--shard", metavar="K/N", help="only the Kth of N parts of the stories")
@click.option("--findings", type=click.IntRange(min=0), default=12, help="how many findings to look into")
@click.option(
    "--counterexamples",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("counterexamples"),
    help="where what is found is kept, and told first the next time",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    help="save explore.html and explore.json here",
)
@click.option("--database", default=SQLITE, metavar="sqlite|URL", help="as for verify")
@click.option(
    "--fleet-address", metavar="ADDRESS", help="where the first worker's instances listen; others follow"
)
@click.option(
    "--fleet-ports", default="document", metavar="PORTS", help="document (3001-3004), free, or four ports"
)
@spread_options
@click.option("--covered", is_flag=True, help="show which disturbance met a send, a webhook or a check")
def command(  # noqa: PLR0913, PLR0917 - its options
    target: str,
    seconds: float | None,
    stories: int | None,
    seed: int,
    workers: int | None,
    shard: str | None,
    findings: int,
    counterexamples: Path,
    report: Path | None,
    database: str,
    fleet_address: str | None,
    fleet_ports: str,
    spread: Spread,
    *,
    covered: bool,
) -> ExitCode:
    """Make up stories, carry them out on an implementation, and tell which promise it does not keep.

    What is found is replayed, shrunk to the least story, and kept as a scenario that pytest runs.
    """
    loaded = load_target(target)
    _check(loaded, database, fleet_address, workers)
    many = workers or workers_for_stories(loaded, cores_of_this_process())
    exploring = campaign.Exploring(target, database, seed, stories, _shard(shard) if shard else None, many)
    campaign.check(spread, loaded, exploring, seconds)
    first = kept.kept_stories(counterexamples)
    known = catalogue()
    judged = judged_of(loaded, known)
    addresses = (
        [fleet_addresses(fleet_address or "localhost", fleet_ports)]
        if many == 1
        else [worker_addresses(fleet_address, fleet_ports, place) for place in range(many)]
    )
    posts = [Post(target, one, database, seed, judged) for one in addresses]
    allowed = seconds or (_LONG_SECONDS if stories else 60.0)
    bounds = Bounds(allowed, stories or _UNBOUNDED, findings, _shard(shard))
    say(
        visible(f"{loaded.name} {loaded.version}, --seed {seed}, {many} worker{'s' if many > 1 else ''}")
        + "\n"
    )
    line = Line(sys.stderr)
    if report is not None:
        make_folder(report, str(report))
    exploration, merged = Exploration(posts, bounds, known, line.show), None
    with Interruption().obeyed():
        if spread.is_asked:
            if (merged := campaign.gather(spread, exploring, line)) is None:
                return DONE
            found = [(one.violation, one.earlier) for one in merged.broken]
            explored = exploration.look_into(merged.told, found, merged.seconds, merged.load)
        else:
            explored = exploration.run(first)
        where = _keep(explored, counterexamples, seed)
        proved = proving.prove([*where.values()], target, posts[0].addresses[0].host, line.show)
        line.show("")
        if report is not None:
            _save(report, explored, loaded, seed, many, merged)
    for one in telling.chosen_first(explored.findings, known):
        path = where.get(id(one))
        saved = "" if path is None else f"{path}, which {proved.get(path, 'did not run')}"
        for text in telling.finding_lines(one, known[one.requirement], saved):
            say(visible(text) + "\n")
    lines = [*telling.covered_lines(explored.told.covered), ""] if covered else []
    lines += [*telling.summary_lines(explored, many, seed), *(merged.lines() if merged else ())]
    lines.append(telling.verdict_line(explored, known))
    say("\n".join(map(visible, lines)) + "\n")
    if telling.is_convicted(explored.findings, known):
        return ExitCode.NON_CONFORMANT
    return ExitCode.INCOMPLETE if merged and merged.missing else DONE


def _check(target: Target, database: str, address: str | None, workers: int | None) -> None:
    if not {*target.claims} - {Profile.INSTANCE}:
        raise TargetError(
            f"{target.name} claims no profile of a control plane, and only those can be explored"
        )
    check_database(target, database)
    check_running(target, in_workers=(workers or 1) > 1)
    if address is not None:
        check_fleet_address(address)


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, 1
    number, slash, of = text.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise TargetError(f"--shard {text!r}: write which of how many, as 3/40")
    return int(number) - 1, int(of)


def _keep(explored: Explored, folder: Path, seed: int) -> dict[int, Path]:
    """Save what was surely found; return the path of each feature."""
    known = catalogue()
    sure = [one for one in explored.findings if one.convicts and not one.earlier]
    if not sure:
        return {}
    saved = kept.save(folder, [(one, kept.gherkin(one, known[one.requirement], seed)) for one in sure])
    return {id(one): path for one, path in zip(sure, saved, strict=True)}


def _save(  # noqa: PLR0913, PLR0917 - what a report has
    folder: Path, explored: Explored, target: Target, seed: int, workers: int, merged: Merged | None
) -> None:
    told = telling.to_json(explored, target.name, target.version, seed, workers)
    told["campaign"] = merged.to_json() if merged else None
    who = f"{target.name} {target.version}"
    replace_all(
        {
            folder / "explore.json": json.dumps(told, indent=1, ensure_ascii=False) + "\n",
            folder / "explore.html": page.render(explored, who, seed, workers, catalogue()),
        }
    )
