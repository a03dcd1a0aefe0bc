"""Mistakes in the implementation in Node.js: each is a line of it, changed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from harness.targets.reader import load_target

SOURCE = Path(__file__).parents[2] / "node_implementation"
TARGET = "node.toml"
CLAIMS = load_target(str(SOURCE / TARGET)).claims


@dataclass(frozen=True)
class NodeMistake:
    """A known-bad implementation in Node.js: what is changed in which module. The rest is as for a Mutant."""

    name: str
    requirement: str
    mistake: str
    scenarios: tuple[str, ...]
    module: str
    right: str
    wrong: str
    perhaps: tuple[str, ...] = ()
    """Runs that fail or pass by which instance answers first."""
    asynchronous: bool = False
    crashes: bool = False

    def make(self, folder: Path) -> Path:
        """Put the implementation with the mistake into a folder, and give its target file.

        Raises:
            ValueError: the line that is to be changed is not there, or is there twice.
        """
        target = copy(folder)
        module = target.with_name(f"{self.module}.mjs")
        text = module.read_text("utf-8")
        if text.count(self.right) != 1:
            raise ValueError(f"{self.name}: {module.name} has {text.count(self.right)} times {self.right!r}")
        module.write_text(text.replace(self.right, self.wrong), "utf-8")
        return target


def copy(folder: Path) -> Path:
    """Put the implementation as it is into a folder, and give its target file."""
    return Path(shutil.copytree(SOURCE, folder / SOURCE.name)) / TARGET


MISTAKES = (
    NodeMistake(
        "node-timestamp-left-out-of-the-signature",
        "AUTH-01",
        "The timestamp is left out of what is signed.",
        (
            "A clock that is a little off is no reason to refuse",
            "A correctly signed webhook is accepted and acted upon",
        ),
        "webhooks",
        ".update(timestamp).update(body)",
        ".update(body)",
    ),
    NodeMistake(
        "node-body-signed-as-it-is-written-anew",
        "AUTH-03",
        "The signature is verified over the body as it is parsed and written anew, not over its bytes.",
        ("A webhook whose signature does not fit changes nothing [other spacing]",),
        "webhooks",
        ".update(body)",
        ".update(JSON.stringify(JSON.parse(body)))",
    ),
    NodeMistake(
        "node-window-open-towards-the-future",
        "AUTH-05",
        "A timestamp may lie as far in the future as it likes.",
        ("A timestamp further ahead than the window is refused",),
        "webhooks",
        "Math.abs(Date.now() / 1000 - Number(timestamp))",
        "Date.now() / 1000 - Number(timestamp)",
    ),
    NodeMistake(
        "node-session-matched-by-its-beginning",
        "VERIFY-04",
        "An instance that holds a session whose id begins alike counts as the holder.",
        (
            "A session id that is only alike does not count [begins like]",
            "A session id that is only alike does not count [is the beginning of]",
        ),
        "instances",
        'listed?.get(sessionId) === "connected"',
        "[...(listed?.keys() ?? [])].some((one) => one.startsWith(sessionId.slice(0, 12)))",
    ),
    NodeMistake(
        "node-status-of-a-session-ignored",
        "VERIFY-09",
        "A session that is listed counts as held, whatever its status.",
        (
            "A copy in another state is passed over for the connected one [3001-3001-disconnected-3002]",
            "A copy in another state is passed over for the connected one [3001-3001-qr_scanning-3003]",
            "A copy in another state is passed over for the connected one [3002-3002-failed-3001]",
            "A copy in another state is passed over for the connected one [3004-3004-authenticated-3001]",
        ),
        "instances",
        'listed?.get(sessionId) === "connected"',
        "listed?.has(sessionId)",
        perhaps=(
            "A copy in another state is passed over for the connected one [3003-3001-disconnected-3004]",
        ),
    ),
    NodeMistake(
        "node-timeout-for-each-read",
        "VERIFY-08",
        "The verify timeout starts anew with each piece of an answer.",
        (
            "An answer that comes too slowly is given up after the verify timeout [drips its answer byte by byte]",
        ),
        "instances",
        "const deadline = setTimeout(() => finish({ connected }), timeout * 1000);",
        "const deadline = 0; request.setTimeout(timeout * 1000, () => finish({ connected }));",
    ),
    NodeMistake(
        "node-first-instance-that-answers-taken",
        "SCAN-04",
        "The scan takes the first instance that answers, whoever it holds.",
        ("Earlier instances with sessions of others are passed over",),
        "sends",
        "const holder = await first;",
        "const holder = instances[(await Promise.all(asked)).findIndex((one) => one !== null)] ?? null;",
    ),
    NodeMistake(
        "node-new-url-logged-as-the-old-one",
        "SCAN-02",
        "The repair is logged with the row as it is after the write.",
        ("The repair is logged with the value before the write",),
        "sends",
        "old_url: row.assigned_instance_url,",
        "old_url: rows.get(id).assigned_instance_url,",
    ),
    NodeMistake(
        "node-row-moved-by-whoever-comes-last",
        "SCAN-11",
        "A scan writes the row whatever has been written to it in between.",
        ("A webhook that lands while a scan waits for its answers has the last word",),
        "rows",
        " || viewOf(id) !== view",
        "",
    ),
    NodeMistake(
        "node-lost-answer-posted-again",
        "SEND-04",
        "A message whose answer was lost is posted again.",
        ("A message whose answer was lost is not sent again",),
        "sends",
        'if (outcome === "unknown") throw',
        "if (0) throw",
    ),
    NodeMistake(
        "node-any-200-taken-for-sent",
        "SEND-11",
        "Whatever an instance answers with status 200 is reported as sent.",
        (
            "An answer without success is not reported as sent [an empty object]",
            "An answer without success is not reported as sent [success as a text]",
            "An answer without success is not reported as sent [success false]",
        ),
        "instances",
        "told?.success === true",
        "true",
    ),
    NodeMistake(
        "node-any-url-taken-for-an-instance",
        "SPOOF-02",
        "A row's URL is trusted whether it is a configured instance or not.",
        (
            "A captured webhook that comes again for a stranger gets it nothing",
            "A row that names a stranger gets it neither the message nor a key",
            "A signed webhook that names a stranger gets it neither the message nor a key",
        ),
        "settings",
        "settings.instances.includes(base) ? base : null",
        "base || null",
    ),
    NodeMistake(
        "node-claims-believed-unasked",
        "SPOOF-04",
        "The claimed instance is not asked whether it holds the session.",
        ("A location without the session is not stored",),
        "webhooks",
        "if (!holds(there, row.session_id)) return",
        "if (0) return",
    ),
    NodeMistake(
        "node-dry-run-that-writes",
        "HEALTH-06",
        "A dry run of the health check writes.",
        ("A dry run reports what a real check then does",),
        "check",
        "if (dryRun) continue;",
        "",
    ),
    NodeMistake(
        "node-url-cleared-when-a-session-is-nowhere",
        "HEALTH-04",
        "The health check clears the URL of a session that it finds nowhere.",
        ("A lost session is counted as failed and its row keeps its URL",),
        "check",
        "if (holder === undefined) {",
        "if (holder === undefined) {\n      rows.change(row.id, { assigned_instance_url: null });",
    ),
)
