"""The log of contract section 4: one event a line, a text and then a JSON object."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

STANDARD_ERROR = 2
LONGEST_FIELD = 300
LONGEST_QUOTED = 200


class EventLog:
    """Appends lines such as ``[2024-11-22 10:00:00] reference.INFO: text {"session_id":"..."}``, times in UTC.

    Each line is one write, so that lines of several threads never mix and a killed process leaves whole lines.
    Safe to call from any thread and from a signal handler.
    """

    def __init__(self, path: str | None, secrets: tuple[str, ...] = ()) -> None:
        """Open ``path`` for appending, or standard error if it is None; raises OSError.

        No text in ``secrets`` is ever written: it is replaced wherever a field contains it.
        """
        self._secrets = secrets
        self._file = STANDARD_ERROR
        if path is not None:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def info(self, text: str, **fields: object) -> None:
        """Log an event that is as it should be."""
        self._write("INFO", text, fields)

    def warning(self, text: str, **fields: object) -> None:
        """Log an event that the implementation repairs or refuses."""
        self._write("WARNING", text, fields)

    def error(self, text: str, **fields: object) -> None:
        """Log an event that leaves someone without what they asked for."""
        self._write("ERROR", text, fields)

    def close(self) -> None:
        """Close the file; nothing may be logged afterwards."""
        if self._file != STANDARD_ERROR:
            os.close(self._file)

    def _write(self, level: str, text: str, fields: dict[str, object]) -> None:
        safe = {name: self._safe(value) for name, value in fields.items()}
        # Only values have blanks now. Escaped, a value still parses to the same text, but a search for the text of
        # another event cannot find it there.
        values = json.dumps(safe, separators=(",", ":")).replace(" ", "\\u0020")
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        os.write(self._file, f"[{now}] reference.{level}: {text} {values}\n".encode())

    def _safe(self, value: object) -> object:
        if isinstance(value, str):
            return bounded(redacted(value, self._secrets), LONGEST_FIELD)
        if isinstance(value, list):
            return [self._safe(item) for item in value]
        return value


def bounded(text: str, longest: int = LONGEST_QUOTED) -> str:
    """Return the text, cut off visibly after ``longest`` characters."""
    return text if len(text) <= longest else text[:longest] + "..."


def redacted(text: str, secrets: tuple[str, ...]) -> str:
    """Return the text with every secret in it replaced."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    return text
