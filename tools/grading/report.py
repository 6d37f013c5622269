"""The grader's result as text, as JSON (Gradescope's results.json), as JUnit's XML, and as a table for a class."""

import csv
import io
import json
import textwrap
from xml.etree import ElementTree

from .exercise import Lacking, Untried

_WIDTH = 100


def _wrapped(text, indent):
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)


def _steps_title(result, checked):
    if checked.wrong.again:
        return f"What was seen (once more: {checked.wrong.again}):"
    return f"Step by step (the same once more: tools/grade {result.exercise.name} {result.source} --seed={checked.seed}):"


def _explanation(result, checked, indent=""):
    wrong = checked.wrong
    parts = [_wrapped(wrong.what + ".", indent)]
    if wrong.why:
        parts.append(_wrapped(wrong.why, indent))
    if wrong.look:
        parts.append(_wrapped(f"Read: {wrong.look}", indent))
    if checked.steps:
        parts.append(indent + _steps_title(result, checked))
        parts += [f"{indent}{line}" for line in checked.steps]
    return "\n".join(parts)


def text(results):
    lines = []
    for result in results:
        lines.append(f"{result.exercise.name}: {result.source}")
        if not result.compiled:
            lines += ["  WRONG  it does not compile", textwrap.indent(result.messages, "         ")]
        elif result.messages:
            lines += ["  the compiler warns:", textwrap.indent(result.messages, "         ")]
        for checked in result.checks:
            lines.append(f"  {'ok   ' if checked.wrong is None else checked.wrong.label}  {checked.check.title}")
            if checked.wrong is not None and not isinstance(checked.wrong, Untried):
                lines.append(_explanation(result, checked, "         "))
        if any(isinstance(checked.wrong, Untried) for checked in result.checks):
            lines.append("  later: these are tried when what is WRONG above them is right")
        verdict = "it works, but lacks something: " if result.works and not result.passed else ""
        lines.append(f"  {verdict}{result.score} of {result.max_score} points")
    return "\n".join(lines) + "\n"


def as_json(results):
    """For Gradescope, the file /autograder/results/results.json of one submission."""
    tests = []
    for result in results:
        if not result.compiled:
            tests.append({"name": f"{result.exercise.name}: compiles", "score": 0, "max_score": result.max_score,
                          "status": "failed", "output": result.messages})
        for checked in result.checks:
            failed = checked.wrong is not None
            tests.append({"name": f"{result.exercise.name}: {checked.check.title}",
                          "score": 0 if failed else checked.check.points, "max_score": checked.check.points,
                          "status": "passed" if checked.is_fine else "failed",
                          "output": _explanation(result, checked) if failed else ""})
    return json.dumps({"score": sum(test["score"] for test in tests), "output_format": "text", "tests": tests}, indent=2) + "\n"


def as_junit(results):
    root = ElementTree.Element("testsuites")
    for result in results:
        lacking = sum(isinstance(checked.wrong, Lacking) for checked in result.checks)
        failures = sum(checked.wrong is not None for checked in result.checks) - lacking
        suite = ElementTree.SubElement(root, "testsuite", name=result.exercise.name, tests=str(len(result.exercise.checks)),
                                       failures=str(failures), skipped=str(lacking), errors=str(int(not result.compiled)))
        if not result.compiled:
            case = ElementTree.SubElement(suite, "testcase", classname=result.source, name="compiles")
            ElementTree.SubElement(case, "error", message="it does not compile").text = result.messages
        for checked in result.checks:
            case = ElementTree.SubElement(suite, "testcase", classname=result.source, name=checked.check.title)
            if checked.wrong is not None:
                kind = "skipped" if isinstance(checked.wrong, Lacking) else "failure"
                ElementTree.SubElement(case, kind, message=checked.wrong.what).text = _explanation(result, checked)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def as_csv(results):
    """A row for each file, with the columns of Gradescope's list of grades that a file can fill."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["File", "Assignment", "Total Score", "Max Points", "Status", "First Failure"])
    for result in results:
        first = next((checked.wrong.what for checked in result.checks if not checked.is_fine), "")
        writer.writerow([result.source, result.exercise.name, result.score, result.max_score,
                         "Graded" if result.compiled else "Does Not Compile", first])
    return out.getvalue()
