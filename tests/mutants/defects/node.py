"""Mistakes in the implementation in Node.js, each a changed line."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.machinery.registry import Defect

SOURCE = Path(__file__).parents[2] / "node_implementation"
TARGET = "node.toml"


@dataclass(frozen=True, kw_only=True)
class NodeMistake(Defect):
    """A known-bad implementation in Node.js: in `module`, the text `right` is replaced by `wrong`."""

    module: str
    right: str
    wrong: str

    def make(self, folder: Path) -> Path:
        """Put the implementation with the mistake into a folder and return its target file.

        Raises ValueError unless the text to replace is there exactly once.
        """
        target = copy(folder)
        module = target.with_name(f"{self.module}.mjs")
        text = module.read_text("utf-8")
        if text.count(self.right) != 1:
            raise ValueError(f"{self.name}: {module.name} has {text.count(self.right)} times {self.right!r}")
        module.write_text(text.replace(self.right, self.wrong), "utf-8")
        return target


def copy(folder: Path) -> Path:
    """Put the implementation as it is into a folder and return its target file."""
    return Path(shutil.copytree(SOURCE, folder / SOURCE.name)) / TARGET


MISTAKES = (
    NodeMistake(
        name="node-timestamp-left-out-of-the-signature",
        requirement="AUTH-01",
        mistake="The timestamp is left out of what is signed.",
        scenarios=(
            "A clock that is a little off is no reason to refuse",
            "A correctly signed webhook is accepted and acted upon",
        ),
        module="webhooks",
        right=".update(timestamp).update(body)",
        wrong=".update(body)",
    ),
    NodeMistake(
        name="node-body-signed-as-it-is-written-anew",
        requirement="AUTH-03",
        mistake="The signature is verified over the body as it is parsed and serialised again, not over its bytes.",
        scenarios=("A webhook whose signature does not fit changes nothing [other spacing]",),
        module="webhooks",
        right=".update(body)",
        wrong=".update(JSON.stringify(JSON.parse(body)))",
    ),
    NodeMistake(
        name="node-window-open-towards-the-future",
        requirement="AUTH-05",
        mistake="A timestamp may lie any time in the future.",
        scenarios=("A timestamp further ahead than the window is refused",),
        module="webhooks",
        right="Math.abs(Date.now() / 1000 - Number(timestamp))",
        wrong="Date.now() / 1000 - Number(timestamp)",
    ),
    NodeMistake(
        name="node-session-matched-by-its-beginning",
        requirement="VERIFY-04",
        mistake="An instance that holds a session whose id begins alike counts as the holder.",
        scenarios=(
            "A session id that is only alike does not count [begins like]",
            "A session id that is only alike does not count [is the beginning of]",
        ),
        module="instances",
        right='listed?.get(sessionId) === "connected"',
        wrong="[...(listed?.keys() ?? [])].some((one) => one.startsWith(sessionId.slice(0, 12)))",
    ),
    NodeMistake(
        name="node-status-of-a-session-ignored",
        requirement="VERIFY-09",
        mistake="A session that is listed counts as held, whatever its status.",
        scenarios=(
            "A copy in another state is passed over for the connected one [3001-3001-disconnected-3002]",
            "A copy in another state is passed over for the connected one [3001-3001-qr_scanning-3003]",
            "A copy in another state is passed over for the connected one [3002-3002-failed-3001]",
            "A copy in another state is passed over for the connected one [3004-3004-authenticated-3001]",
            "A copy whose login only begins does not draw the row",
        ),
        module="instances",
        right='listed?.get(sessionId) === "connected"',
        wrong="listed?.has(sessionId)",
        perhaps=(
            "A copy in another state is passed over for the connected one [3003-3001-disconnected-3004]",
        ),
    ),
    NodeMistake(
        name="node-timeout-for-each-read",
        requirement="VERIFY-08",
        mistake="The verify timeout starts again with each piece of an answer.",
        scenarios=(
            "An answer that comes too slowly is given up after the verify timeout [drips its answer byte by byte]",
        ),
        module="instances",
        right="const deadline = setTimeout(() => finish({ connected }), timeout * 1000);",
        wrong="const deadline = 0; request.setTimeout(timeout * 1000, () => finish({ connected }));",
    ),
    NodeMistake(
        name="node-first-instance-that-answers-taken",
        requirement="SCAN-04",
        mistake="The scan takes the first instance that answers, whatever it holds.",
        scenarios=("Earlier instances with sessions of others are passed over",),
        module="sends",
        right="const holder = await first;",
        wrong="const holder = instances[(await Promise.all(asked)).findIndex((one) => one !== null)] ?? null;",
    ),
    NodeMistake(
        name="node-new-url-logged-as-the-old-one",
        requirement="SCAN-02",
        mistake="The old URL in the log is read after the write.",
        scenarios=("The repair is logged with the value before the write",),
        module="sends",
        right="old_url: row.assigned_instance_url,",
        wrong="old_url: rows.get(id).assigned_instance_url,",
    ),
    NodeMistake(
        name="node-row-moved-by-whoever-comes-last",
        requirement="SCAN-11",
        mistake="A scan overwrites what was written to the row meanwhile.",
        scenarios=("A webhook that lands while a scan waits for its answers has the last word",),
        module="rows",
        right=" || viewOf(id) !== view",
        wrong="",
    ),
    NodeMistake(
        name="node-lost-answer-posted-again",
        requirement="SEND-04",
        mistake="A message whose answer was lost is posted again.",
        scenarios=("A message whose answer was lost is not sent again",),
        module="sends",
        right='if (outcome === "unknown") throw',
        wrong="if (0) throw",
    ),
    NodeMistake(
        name="node-any-200-taken-for-sent",
        requirement="SEND-11",
        mistake="Every answer with status 200 is reported as sent.",
        scenarios=(
            "An answer without success is not reported as sent [an empty object]",
            "An answer without success is not reported as sent [success as a text]",
            "An answer without success is not reported as sent [success false]",
        ),
        module="instances",
        right="told?.success === true",
        wrong="true",
    ),
    NodeMistake(
        name="node-any-url-taken-for-an-instance",
        requirement="SPOOF-02",
        mistake="A row's URL is trusted even if it is no configured instance.",
        scenarios=(
            "A captured webhook that comes again for a stranger gets it nothing",
            "A row that names a stranger gets it neither the message nor a key",
            "A signed webhook that names a stranger gets it neither the message nor a key",
        ),
        module="settings",
        right="settings.instances.includes(base) ? base : null",
        wrong="base || null",
    ),
    NodeMistake(
        name="node-claims-believed-unasked",
        requirement="SPOOF-04",
        mistake="The instance that a webhook names is not asked whether it holds the session.",
        scenarios=("A location without the session is not stored",),
        module="webhooks",
        right="if (!holds(there, row.session_id)) return",
        wrong="if (0) return",
    ),
    NodeMistake(
        name="node-dry-run-that-writes",
        requirement="HEALTH-06",
        mistake="A dry run of the health check writes.",
        scenarios=("A dry run reports what a real check then does",),
        module="check",
        right="if (dryRun) continue;",
        wrong="",
    ),
    NodeMistake(
        name="node-url-cleared-when-a-session-is-nowhere",
        requirement="HEALTH-04",
        mistake="The health check clears the URL of a session that it finds nowhere.",
        scenarios=("A lost session is counted as failed and its row keeps its URL",),
        module="check",
        right="if (holder === undefined) {",
        wrong="if (holder === undefined) {\n      rows.change(row.id, { assigned_instance_url: null });",
    ),
    NodeMistake(
        name="node-check-takes-the-first-holder",
        requirement="HEALTH-11",
        mistake="The health check moves a row to the first instance that holds its session, from another holder too.",
        scenarios=(
            "A second copy elsewhere does not attract the row in a check [3003-3001]",
            "A second copy that answers faster does not attract the row in a check",
            "An instance that comes back with a copy of every session draws no row",
        ),
        module="check",
        right=" || holds(own, row.session_id)) {",
        wrong=" || settings.instances.find((one) => holds(listed.get(one), row.session_id)) === assigned) {",
    ),
    NodeMistake(
        name="node-check-that-ends-at-the-first-odd-row",
        requirement="HEALTH-12",
        mistake="The health check ends at the first row that names no configured instance.",
        scenarios=(
            "A row that somebody writes while the check asks stops no other row's repair",
            "The rows before and after one that names no instance are repaired",
        ),
        module="check",
        right="const own = assigned ? listed.get(assigned) : undefined;",
        wrong="if (assigned === null) return { ...report, checked: report.checked - 1 };\n"
        "    const own = listed.get(assigned);",
    ),
    NodeMistake(
        name="node-check-that-runs-once",
        requirement="HEALTH-07",
        mistake="The scheduled health check is not scheduled again after its first run.",
        scenarios=("What goes wrong after one check is repaired by a later one",),
        module="server",
        right=".then(again)",
        wrong="",
    ),
)
