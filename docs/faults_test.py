#!/usr/bin/python3
"""The table of faults in operations.md: each cell names a test, and each test that it names is in tests/. Looks at the sources
themselves, as links_test.py does."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADING = "## Faults, model by model"
NAME = re.compile(r"`(\w+)\.(\w+)`")
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", re.MULTILINE)


def rows(page):
    """The cells of each row of the table, without its head."""
    section = page.split(HEADING + "\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def faults_of(table, tests):
    """What is wrong with it, a line each."""
    for fault, *cells in table:
        for number, cell in enumerate(cells):
            names = NAME.findall(cell)
            if not names:
                yield f"{fault}: cell {number + 1} names no test"
            yield from (f"{fault}: there is no test {suite}.{case}" for suite, case in names if (suite, case) not in tests)
    if len({len(row) for row in table}) != 1:
        yield "the rows differ in length"


def main():
    tests = set()
    for source in (ROOT / "tests").glob("*.cc"):
        tests.update(TEST.findall(source.read_text(encoding="utf-8")))
    table = rows((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    faults = list(faults_of(table, tests))
    # It can fail: a cell without a test, and a test that is not there.
    if len(list(faults_of([["a fault", "nothing", "`NoTest.OfThatName`"]], tests))) != 2:
        faults.append("this test finds nothing")
    if len(table) < 10:
        faults.append("the table is not found")
    for fault in faults:
        print(f"docs/operations.md: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
