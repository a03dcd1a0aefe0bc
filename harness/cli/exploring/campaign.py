"""What `explore` does where its stories are told in units: here, in shards elsewhere, or by a Dask cluster."""

from __future__ import annotations

import functools
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.attach.databases import kind_of
from harness.errors import TargetError
from harness.explore.campaign import results as files
from harness.explore.campaign import spreading
from harness.explore.campaign.digests import campaign_of
from harness.explore.campaign.merging import merge, missing_units, of_campaign
from harness.explore.campaign.running import Job
from harness.explore.campaign.units import STORIES, shard, units
from harness.report.folder import can_write
from harness.run.progress import say
from harness.targets.reader import built_in_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from harness.contract import Target
    from harness.explore.campaign.merging import Merged
    from harness.explore.campaign.results import Result
    from harness.explore.campaign.units import Campaign, Unit
    from harness.run.progress import Line

_FOLDER = click.Path(path_type=Path, file_okay=False)


@dataclass(frozen=True, slots=True)
class Spread:
    """The options by which stories are told in units."""

    results: Path | None
    merge: Path | None
    scheduler: str | None
    unit_stories: int

    @property
    def is_asked(self) -> bool:
        """Whether any of them was given."""
        return self.results is not None or self.merge is not None


@dataclass(frozen=True, slots=True)
class Exploring:
    """The options of an exploration that matter to its units."""

    target: str
    database: str
    seed: int
    stories: int | None
    shard: tuple[int, int] | None
    workers: int


def spread_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options by which stories are told in units, as one argument, `spread`."""

    @click.option(
        "--results",
        type=_FOLDER,
        metavar="DIR",
        help="tell stories in units, and save what came of each here",
    )
    @click.option("--merge", type=_FOLDER, metavar="DIR", help="tell none; merge the results that are there")
    @click.option("--scheduler", metavar="URL", help="have a Dask cluster tell the units that have no result")
    @click.option(
        "--unit-stories", type=click.IntRange(min=1), default=STORIES, help="how many stories a unit has"
    )
    @functools.wraps(command)
    def with_spread(
        *,
        results: Path | None,
        merge: Path | None,
        scheduler: str | None,
        unit_stories: int,
        **others: object,
    ) -> object:
        return command(spread=Spread(results, merge, scheduler, unit_stories), **others)

    return with_spread


def check(spread: Spread, target: Target, exploring: Exploring, seconds: float | None) -> None:
    """Check that the options agree with each other, and can be had with a target; TargetError if not."""
    wrong = ""
    if spread.merge is not None and (spread.results or spread.scheduler or exploring.shard):
        wrong = "--merge tells no stories: leave out --results, --scheduler and --shard"
    elif spread.merge is not None and not spread.merge.is_dir():
        wrong = f"--merge {spread.merge}: there is no such folder; --results makes one"
    elif spread.scheduler and spread.results is None:
        wrong = (
            "--scheduler needs --results DIR: what comes back is saved there, so that a campaign can go on"
        )
    elif spread.scheduler and exploring.shard:
        wrong = "--scheduler shares units out by itself: leave out --shard"
    elif spread.results is not None and (exploring.stories is None or seconds is not None):
        wrong = "--results needs --stories, without --seconds: units are made before they are told"
    elif spread.results is not None and (target.url or target.shares_a_log):
        wrong = (
            f"{target.name} cannot be had twice, and each unit has an implementation of its own: explore it "
            "without --results"
        )
    if wrong:
        raise TargetError(wrong)


def gather(spread: Spread, exploring: Exploring, line: Line) -> Merged | None:
    """Tell the units that have no result yet, and merge all; None where this was a shard alone.

    Raises:
        TargetError: results cannot be read or saved, or none is of this campaign.
        LaunchError: the implementation did not come up.
        HarnessError: a unit broke.
    """
    campaign = campaign_of(exploring.target, kind_of(exploring.database), exploring.seed)
    if spread.merge is not None:
        return merge(_of_this_campaign(spread.merge, campaign, line), exploring.stories or 0)
    folder, stories = spread.results, exploring.stories
    if folder is None or stories is None:
        raise TargetError("--results needs --stories: units are made before they are told")
    can_write(folder, f"--results {folder}")
    chosen = all_units = units(campaign, stories, spread.unit_stories)
    if exploring.shard is not None:
        chosen = shard(all_units, *exploring.shard)
    due = missing_units(chosen, of_campaign(files.read(folder), campaign))
    if due:
        _tell(folder, _coming(spread.scheduler, exploring, due, line), len(due), len(chosen), line)
    if exploring.shard is not None:
        say(f"{len(chosen)} of {len(all_units)} units are in {folder}; --merge {folder} merges all\n")
        return None
    return merge(_of_this_campaign(folder, campaign, line), stories)


def _coming(
    scheduler: str | None, exploring: Exploring, due: Sequence[Unit], line: Line
) -> Generator[Result, None, None]:
    """Have units told, here or by a cluster, and return each result as it comes."""
    built_in = exploring.target in built_in_targets()
    target = exploring.target if built_in else str(Path(exploring.target).absolute())
    jobs = [Job(one, target, exploring.database) for one in due]
    if scheduler:
        return spreading.over_cluster(scheduler, jobs, line.end)
    return spreading.here(jobs, exploring.workers)


def _tell(folder: Path, coming: Generator[Result, None, None], due: int, total: int, line: Line) -> None:
    """Save each result as it comes, of so many that are due."""
    began, there = time.monotonic(), total - due
    line.show(_progress(there, total, 0, 0.0))
    with closing(coming):
        for done, result in enumerate(coming, 1):
            files.write(folder, result)
            line.show(_progress(there + done, total, done, time.monotonic() - began))
    line.show("")


def _progress(there: int, total: int, done: int, seconds: float) -> str:
    left = f", about {seconds / done * (total - there):.0f} s left" if done else ""
    return f"{there} of {total} units{left}"


def _of_this_campaign(folder: Path, campaign: Campaign, line: Line) -> list[Result]:
    there = files.read(folder)
    found = of_campaign(there, campaign)
    if not found:
        others = {one.unit.campaign for one in there}
        differing = sorted({name for one in others for name in campaign.differs_from(one)})
        why = f"{len(there)} are of another {' or '.join(differing)}" if there else "it has none"
        raise TargetError(f"{folder} has no result of this campaign: {why}")
    if len(found) < len(there):
        line.end(f"{len(there) - len(found)} results in {folder} are of other campaigns, and left out")
    return found
