"""What the stand-in for a control plane answers a gateway that asks it something. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from harness.placeholders import filled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.gateway_contract import Canned


@dataclass(frozen=True)
class CannedAnswers:
    """Answers by method and path; `given` fills the placeholders in their bodies, beside the segments of the path."""

    answers: Sequence[Canned] = ()
    given: Mapping[str, object] = field(default_factory=dict)

    def find(self, method: str, target: str, more: Mapping[str, object]) -> tuple[int, bytes] | None:
        """Return status and body for a request, by the first answer that fits it, or None. A query is not looked at.

        `more` are more placeholders.
        """
        path = target.partition("?")[0]
        for one in self.answers:
            found = _pattern(one.path).fullmatch(path)
            if one.method == method and found:
                segments = {
                    name: unquote(value, errors="replace") for name, value in found.groupdict().items()
                }
                body = filled(one.body, {**self.given, **more, **segments})
                return one.status, json.dumps(body, ensure_ascii=False, default=str).encode()
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """Return what matches a path, of which each `{name}` is one segment or a part of one."""
    seen: set[str] = set()
    parts = []
    for part in re.split(r"(\{[A-Za-z_]\w*\})", path):
        name = part[1:-1]
        if not part.startswith("{"):
            parts.append(re.escape(part))
        elif name in seen:
            parts.append(f"(?P={name})")
        else:
            seen.add(name)
            parts.append(f"(?P<{name}>[^/]+)")
    return re.compile("".join(parts), re.ASCII)
