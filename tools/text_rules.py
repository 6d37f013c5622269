"""Rules for files that no other checker covers: BUILD files list their dependencies in order, pages are wrapped, JSON is JSON, and
lines end as .editorconfig says. Each fault is a line "file:number: what"."""

import json
import os
import re

WIDTH = 100
# Pages that a tool writes; see CONTRIBUTING.md.
MADE = ("docs/benchmarks.md", "docs/benchmarks/figures.md", "docs/claims.md")
TEXT = (".bzl", ".cc", ".h", ".json", ".md", ".py", ".sh", ".yml", "BUILD", "WORKSPACE", ".BUILD")
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


def _words(text):
    """The parts between which a line may be broken: not within code, and not before what would begin a list or a heading."""
    words = []
    for word in re.findall(r"(?:`[^`]*`|[^\s`])+|`", text):
        if words and re.match(r"([-+*>#|]|\d+[.)])", word) and not re.match(r"[*#>|+-]*[\w`]|\*\*", word):
            words[-1] += " " + word
        else:
            words.append(word)
    return words


def _wrap(lines):
    """The lines of one paragraph or list item, wrapped anew if one of them is too long."""
    if all(len(line) <= WIDTH for line in lines):
        return lines
    marker = re.match(r"\s*(?:[-*] |\d+\. )?", lines[0]).group()
    wrapped, line = [], marker
    for word in _words(" ".join(lines)[len(marker):]):
        if line.strip() and line != marker and len(line) + 1 + len(word) > WIDTH:
            wrapped.append(line)
            line = " " * len(marker)
        line += word if not line.strip() or line == marker else " " + word
    return [*wrapped, line]


def rewrap(text):
    """The page with its prose wrapped at WIDTH. Only paragraphs and list items with a longer line change; tables, code, headings, and
    lines of HTML stay as they are, and so does what has no place to break it at."""
    result, block, fence = [], [], None

    def finish():
        result.extend(_wrap(block))
        block.clear()

    for line in text.split("\n"):
        opening = re.match(r"\s*(```|~~~)", line)
        if fence or opening or not line.strip() or re.match(r"\s*(\||<|#|>|\[[^]]*\]:)", line):
            finish()
            result.append(line)
            if opening:
                fence = None if fence == opening.group(1) else fence or opening.group(1)
        else:
            if re.match(r"\s*([-*] |\d+\. )", line):
                finish()
            block.append(line)
    finish()
    return "\n".join(result)


def long_lines(text):
    """(line number, what) of the first line of prose that is too long."""
    wrapped = rewrap(text).split("\n")
    for number, (line, better) in enumerate(zip(text.split("\n"), wrapped), 1):
        if line != better:
            yield number, f"prose is wrapped at {WIDTH} columns; tools/lint --fix does it"
            return


def untidy_ends(text):
    """(line number, what) of blanks and tabs at the end of a line, and of a missing end of the last one."""
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip(" \t\r"):
            yield number, "blanks at the end"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "the last line has no end"


def invalid_json(text):
    """(line number, what) of the first thing that is no JSON; comments are none."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        yield error.lineno, f"no JSON: {error.msg}"


def _is_page(name):
    return name.endswith(".md") and name not in MADE


def mend(top, names):
    """Wraps the pages among these files."""
    for name in filter(_is_page, names):
        with open(os.path.join(top, name), encoding="utf-8") as file:
            text = file.read()
        if rewrap(text) != text:
            with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                file.write(rewrap(text))


def faults(top, names):
    """What is wrong with these files, which are relative to the folder."""
    for name in names:
        if not name.endswith(TEXT):
            continue
        with open(os.path.join(top, name), encoding="utf-8") as file:
            text = file.read()
        # The data of a run is kept as it was written.
        rules = [invalid_json] if name.endswith(".json") else [untidy_ends]
        if os.path.basename(name) == "BUILD":
            rules.append(unsorted_lists)
        if _is_page(name):
            rules.append(long_lines)
        for rule in rules:
            yield from (f"{name}:{number}: {what}" for number, what in rule(text))
