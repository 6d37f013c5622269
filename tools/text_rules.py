"""Rules for files that no other check reads: BUILD files list their dependencies in order, pages are wrapped, and lines end
as .editorconfig says. Each fault is a line "file:number: what"."""

import os
import re

WIDTH = 100
# Pages that a tool writes; see CONTRIBUTING.md.
MADE = ("docs/benchmarks.md", "docs/claims.md")
TEXT = (".bzl", ".cc", ".h", ".md", ".py", ".sh", ".yml", "BUILD", "WORKSPACE", ".BUILD")
# Lists in which the order has no meaning.
SORTED_LISTS = re.compile(r"^    (deps|data) = \[\n((?:        .*\n)*?)    \]", re.MULTILINE)


def _order(label):
    """As buildifier has it: ":same", "//other", "@external"; and ":" before "/"."""
    return ([":", "//", "@"].index(re.match(":|//|@", label).group()), label.replace(":", "!").replace("/", '"'))


def unsorted_lists(text):
    """(line number, what) of each list of dependencies that is not in order."""
    for match in SORTED_LISTS.finditer(text):
        lines = match.group(2).splitlines()
        labels = [re.fullmatch(r'        "((?::|//|@).*)",', line) for line in lines]
        if not all(labels):
            continue  # With comments, or more than labels: a human's order.
        labels = [label.group(1) for label in labels]
        if labels != sorted(labels, key=_order):
            number = text.count("\n", 0, match.start()) + 1
            yield number, f"{match.group(1)} are not in order: {', '.join(sorted(labels, key=_order))}"


def long_lines(text):
    """(line number, what) of each line of prose that is too long. Tables, code and lines that a link or a code span makes long
    are left alone: they cannot be broken."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        opening = re.match(r"\s*(```|~~~)", line)
        if opening:
            fence = None if fence == opening.group(1) else fence or opening.group(1)
        if fence or opening or len(line) <= WIDTH or re.match(r"\s*(\||<|#|\[[^]]*\]:)", line):
            continue
        yield number, f"{len(line)} columns; prose is wrapped at {WIDTH}"


def untidy_ends(text):
    """(line number, what) of blanks and tabs at the end of a line, and of a missing end of the last one."""
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip(" \t\r"):
            yield number, "blanks at the end"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line has no end"


def faults(top, names):
    """What is wrong with these files, which are relative to the folder."""
    for name in names:
        if not name.endswith(TEXT):
            continue
        with open(os.path.join(top, name), encoding="utf-8") as file:
            text = file.read()
        rules = [untidy_ends]
        if os.path.basename(name) == "BUILD":
            rules.append(unsorted_lists)
        for rule in rules:
            yield from (f"{name}:{number}: {what}" for number, what in rule(text))
