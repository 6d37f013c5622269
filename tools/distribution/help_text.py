"""What the programs and tools say of themselves, as data: the output of --help (base/help_text.h has its layout, argparse that of
the tools in Python), and the text at the top of a tool's file."""

import ast
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Entry:
    """A flag, a command, a model: what stands in the first column, and what beside it."""
    head: str
    text: str

    @property
    def flag(self):
        """What introduces it on a command line, such as --model or -o; empty if it is none."""
        match = re.match(r"(--?)(?:\[no\])?([A-Za-z][\w-]*)", self.head.split(", ")[-1])
        return "".join(match.groups()) if match else ""

    @property
    def is_negatable(self):
        return self.head.startswith("--[no]")

    @property
    def value(self):
        """What stands for its value: DIR, N, wait|refuse; empty if it takes none."""
        match = re.match(r"--?(?:\[no\])?[A-Za-z][\w-]*[= ](.*)", self.head.split(", ")[-1])
        return match[1] if match else ""

    @property
    def choices(self):
        """All values, if they are named."""
        words = re.split(r"[|,]", self.value.strip("{}"))
        return words if len(words) > 1 and all(re.fullmatch(r"[a-z][a-z0-9_-]*", word) for word in words) else []


@dataclasses.dataclass
class Section:
    title: str
    entries: list


@dataclasses.dataclass
class Help:
    name: str
    summary: str
    examples: list = dataclasses.field(default_factory=list)  # (command, what it does; may be empty)
    sections: list = dataclasses.field(default_factory=list)
    paragraphs: list = dataclasses.field(default_factory=list)

    def flags(self):
        return [entry for section in self.sections for entry in section.entries if entry.flag]

    def section(self, word):
        """The section whose title begins with this word; an empty one if there is none."""
        return next((section for section in self.sections if section.title.split(" ")[0] == word), Section(word, []))

    def values(self, entry):
        """What a flag's value can be. --model takes what the section Models lists."""
        return entry.choices or [each.head for each in self.section(entry.flag.strip("-").capitalize() + "s").entries]


def _split(line):
    """The two columns of a line."""
    head, _, text = line.strip().partition("  ")
    return head, text.strip()


def _blocks(text):
    """The parts between blank lines, as lists of lines."""
    return [block.split("\n") for block in re.split(r"\n\s*\n", text.strip("\n")) if block.strip()]


def _entries(lines):
    """Entries begin two columns from the left; what is farther right goes on with the last one."""
    entries = []
    for line in lines:
        if re.match(r"  \S", line):
            entries.append(list(_split(line)))
        elif entries:
            entries[-1][1] = f"{entries[-1][1]} {line.strip()}".strip()
    return [Entry(*entry) for entry in entries]


def _is_section(block):
    return len(block) > 1 and block[0].endswith(":") and not block[0].startswith(" ") and block[1].startswith("  ")


def _joined(block):
    return " ".join(line.strip() for line in block)


def parse(text):
    """What server, client or load prints for --help."""
    first, *blocks = _blocks(text)
    name, _, summary = _joined(first).partition(": ")
    result = Help(name, summary)
    for block in blocks:
        if _is_section(block):
            result.sections.append(Section(block[0][:-1], _entries(block[1:])))
        elif block[0].startswith("  "):
            result.examples += [_split(line) for line in block]
        else:
            result.paragraphs.append(_joined(block))
    return result


def top_of(source):
    """The text at the top of a tool's file: Python's docstring, or the comment of a script for the shell."""
    if re.match("#!.*python", source):
        return ast.get_docstring(ast.parse(source)) or ""
    lines = []
    for line in source.split("\n")[1:]:
        if not line.startswith("#"):
            break
        lines.append(line[1:].removeprefix(" "))
    # Examples are indented further than by the blank behind the #, without blank lines around them.
    return re.sub(r"(?m)^(  \S.*\n?)+", lambda match: f"\n{match[0].rstrip()}\n\n", "\n".join(lines) + "\n")


def parse_tool(name, source, options=""):
    """What a tool says at the top of its file, and the options that argparse prints, if there are any."""
    result = Help(name, "")
    for block in _blocks(top_of(source)):
        if all(line.startswith("  ") for line in block):
            for line in block:
                command, _, remark = line.strip().partition(" # ")
                if command.startswith("tools/"):
                    result.examples.append((command.strip(), remark.strip()))
                elif result.examples:  # The remark goes on.
                    last, before = result.examples[-1]
                    result.examples[-1] = (last, f"{before} {line.strip(' #')}".strip())
        else:
            result.paragraphs.append(re.sub(r",? for example:$", ".", _joined(block)))
    if result.paragraphs:
        sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", result.paragraphs[0], maxsplit=1)
        result.summary = sentences[0].rstrip(".:")
        result.paragraphs[:1] = sentences[1:]
    for block in _blocks(options):
        if _is_section(block):
            result.sections.append(Section(block[0][:-1].capitalize(), _entries(block[1:])))
        elif re.match("Exit status: ", block[0]):
            result.paragraphs.append(_joined(block))
    return result
