"""A run as JUnit XML, for CI servers. Pure.

Red exactly when the verdict is not conformant: the first case is the verdict itself. What was not judged or not
claimed, and a SHOULD that failed, is a skipped case that says so.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from harness.catalogue.requirements import Level
from harness.catalogue.verdict import Conclusion, Outcome
from harness.wording import visible

if TYPE_CHECKING:
    from harness.catalogue.record import Record
    from harness.report.model import Report

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(report: Report) -> str:
    """Return the report as JUnit XML."""
    root = ET.Element("testsuites", name="instance-sync")
    suites = [_verdict(report)]
    for file, scenarios in groupby(report.scenarios, key=lambda one: one.file):
        suites.append(ET.Element("testsuite", name=file))
        for one in scenarios:
            suites[-1].append(_case(one, report))
    for suite in suites:
        _count(suite)
    root.extend(suites)
    _count(root)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _verdict(report: Report) -> ET.Element:
    suite = ET.Element("testsuite", name="verdict", timestamp=_clean(report.run.began))
    properties = ET.SubElement(suite, "properties")
    for name, value in (
        ("implementation", f"{report.implementation.name} {report.implementation.version}"),
        ("claims", ", ".join(report.implementation.claims)),
        ("verdict", report.verdict.conclusion),
        ("exit-code", str(report.verdict.exit_code)),
        ("gate", ", ".join(report.verdict.gate.profiles) if report.verdict.gate else ""),
        ("complete", str(report.complete).lower()),
        ("seed", str(report.run.seed)),
        ("selection", report.run.selection),
        ("sensitivity", report.sensitivity.words if report.sensitivity else ""),
    ):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    case = ET.SubElement(suite, "testcase", classname="verdict", name="conformant", time="0")
    deciding = report.verdict.gate or report.verdict
    conclusion, why = deciding.conclusion, _clean(deciding.why)
    if conclusion is not Conclusion.CONFORMANT:
        kind = "failure" if conclusion is Conclusion.NON_CONFORMANT else "error"
        ET.SubElement(case, kind, message=f"{conclusion.value}: {why}", type=conclusion.value)
    return suite


def _case(one: Record, report: Report) -> ET.Element:
    name = f"{one.name}[{one.row}]" if one.row else one.name
    case = ET.Element(
        "testcase", classname=_clean(one.file), name=_clean(name), time=f"{one.evidence.seconds:.3f}"
    )
    properties = ET.SubElement(case, "properties")
    for id_ in one.requirement_ids:
        ET.SubElement(properties, "property", name="requirement", value=id_)
    ET.SubElement(properties, "property", name="level", value=one.level.value)
    if one.judged_again:
        ET.SubElement(properties, "property", name="judged-again", value=one.again_because)
    carried = [report.requirement(id_) for id_ in one.requirement_ids]
    claimed = [each.level for each in carried if each.outcome is not Outcome.NOT_CLAIMED]
    gate = report.verdict.gate
    gated = gate is None or any(each.profile in gate.profiles for each in carried if each.level is Level.MUST)
    instrument = Level.SELF in claimed and len(set(claimed)) == 1
    match one.outcome:
        case Outcome.PASSED:
            pass
        case Outcome.BROKEN:
            _told(case, "error", one, one.outcome.value)
        case Outcome.FAILED if instrument:
            _told(case, "error", one, "the instrument failed")
        case Outcome.FAILED if Level.MUST in claimed and not gated:
            _told(case, "skipped", one, "failed, outside the gate")
        case Outcome.FAILED if Level.MUST in claimed:
            words = " ".join(f"{each.id}: {each.words}" for each in carried)
            _told(case, "failure", one, "failed", words)
        case Outcome.FAILED if not claimed:
            _told(case, "skipped", one, "failed, and is not claimed")
        case Outcome.FAILED:
            _told(case, "skipped", one, "failed, as a SHOULD may")
        case _:
            _told(case, "skipped", one, one.outcome.value)
    return case


def _told(case: ET.Element, kind: str, one: Record, what: str, *more: str) -> None:
    first = one.reason.splitlines()[0] if one.reason else ""
    said = ET.SubElement(case, kind, message=_clean(f"{what}: {first}"))
    if kind != "skipped":
        said.set("type", one.outcome.value)
    said.text = _clean("\n".join([*more, one.reason, *one.evidence.timeline]))


def _count(suite: ET.Element) -> None:
    cases = list(suite.iter("testcase"))
    counts = {
        "tests": len(cases),
        "failures": sum(1 for case in cases if case.find("failure") is not None),
        "errors": sum(1 for case in cases if case.find("error") is not None),
        "skipped": sum(1 for case in cases if case.find("skipped") is not None),
    }
    for name, count in counts.items():
        suite.set(name, str(count))
    suite.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _clean(text: str) -> str:
    """Return a text with each character that XML cannot hold replaced."""
    return _NOT_XML.sub("\ufffd", visible(text))
