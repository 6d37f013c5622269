"""What conform says of the results: as text, as JSON, and as JUnit's XML."""

import json
from xml.etree import ElementTree

from .case import MUST
from .runner import FAILED, LEFT_OUT, NOT_OFFERED, PASSED

_MARKS = {PASSED: "ok", FAILED: "FAILED", NOT_OFFERED: "-", LEFT_OUT: "left out"}
_MOST_STEPS = 14


def _cut(steps):
    """The last steps, which lead to the failure, and the first one."""
    if len(steps) <= _MOST_STEPS:
        return list(steps)
    return [steps[0], f"... {len(steps) - _MOST_STEPS} more steps ...", *steps[1 - _MOST_STEPS:]]


def line(result):
    """One line; several for a failure."""
    mark = "advice" if result.outcome == FAILED and result.case.level != MUST else _MARKS[result.outcome]
    head = f"{mark:9} {result.case.full_name:42} {result.case.level:7} {result.seconds:6.2f} s"
    if result.outcome == PASSED:
        return head
    if result.outcome != FAILED:
        return f"{head}  {result.why}"
    return "\n".join([head, f"    Expected: the server {result.case.duty}", f"    But:      {result.why}",
                      f"    Written:  {result.case.written}", "    What was done:",
                      *(f"      {step}" for step in _cut(result.steps))])


def counts(results):
    """outcome -> how many; what a server should do and does not counts as "advice"."""
    found = {"passed": 0, "failed": 0, "advice": 0, "not offered": 0, "left out": 0}
    for result in results:
        is_advice = result.outcome == FAILED and not result.is_fatal
        found["advice" if is_advice else result.outcome] += 1
    return found


def closing(results):
    """The last line."""
    found = counts(results)
    verdict = "does not conform" if found["failed"] else "conforms"
    return f"conform: {verdict}: " + ", ".join(f"{number} {outcome}" for outcome, number in found.items() if number)


def as_json(results, servers):
    """servers  service -> {"address": ..., "round_trip_s": ...}"""
    return json.dumps({
        "conforms": not any(result.is_fatal for result in results), "counts": counts(results), "servers": servers,
        "cases": [{"service": result.case.service, "name": result.case.name, "level": result.case.level,
                   "outcome": result.outcome, "duty": result.case.duty, "written": result.case.written, "why": result.why,
                   "steps": list(result.steps), "seconds": round(result.seconds, 4)} for result in results]},
        ensure_ascii=False, indent=1)


def _printable(text):
    """XML 1.0 has no control characters, escaped or not."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def as_junit(results):
    """A testsuite for each service. What a server should do and does not is no failure there, but a line of its output."""
    top = ElementTree.Element("testsuites", name="conform")
    for service in dict.fromkeys(result.case.service for result in results):
        own = [result for result in results if result.case.service == service]
        skipped = sum(result.outcome in (NOT_OFFERED, LEFT_OUT) for result in own)
        suite = ElementTree.SubElement(top, "testsuite", name=service, tests=str(len(own)), skipped=str(skipped),
                                       failures=str(sum(result.is_fatal for result in own)),
                                       time=f"{sum(result.seconds for result in own):.3f}")
        for result in own:
            _add_junit(suite, result)
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode", xml_declaration=True)


def _add_junit(suite, result):
    entry = ElementTree.SubElement(suite, "testcase", classname=f"conform.{result.case.service}", name=result.case.name,
                                   time=f"{result.seconds:.3f}")
    if result.is_fatal:
        ElementTree.SubElement(entry, "failure", message=_printable(result.why)).text = _printable(line(result))
    elif result.outcome in (NOT_OFFERED, LEFT_OUT):
        ElementTree.SubElement(entry, "skipped", message=_printable(result.why))
    elif result.outcome == FAILED:
        ElementTree.SubElement(entry, "system-out").text = _printable(line(result))


def listing(cases):
    """The cases, without a server."""
    return "\n".join(f"{case.full_name:42} {case.level:7} {'several clients' if case.clients > 1 else 'one client':16} "
                     f"{case.duty} [{case.written}]" for case in cases)
