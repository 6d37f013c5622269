"""Manual pages, in the macros of man(7)."""

import re

SEE_ALSO = {"polyserve-server": 8, "polyserve-client": 1, "polyserve-load": 1}
FILES = {
    "polyserve-server": [("/etc/polyserve/server.conf", "flags of the service polyserve.service, one a line"),
                         ("/var/lib/polyserve", "the directory that this service offers by default")],
    "polyserve-client": [("~/.polyserve_history", "the commands that were typed")],
}


def _plain(text):
    """Text that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti").replace("`", "\\(ga")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def _prose(text):
    """The same, with flags in bold, and other pages named as pages are."""
    parts = re.split(r"(--(?:\[no\])?[a-z][\w-]*)", text)
    return "".join(f"\\fB{_plain(part)}\\fR" if part.startswith("--") else _plain(part) for part in parts)


def _head(entry):
    """Bold for what is typed as it stands, italic for what it stands for."""
    if not entry.flag:
        word, _, rest = entry.head.partition(" ")
        return f"\\fB{_plain(word)}\\fR" + (f" \\fI{_plain(rest)}\\fR" if rest else "")
    names, value = entry.head, entry.value
    if value:
        names = names[:-len(value)]
    value = _plain(value)
    if not value.startswith("{"):
        value = re.sub(r"[A-Z]+", r"\\fI\g<0>\\fR", value) if not entry.choices else f"\\fI{value}\\fR"
    return f"\\fB{_plain(names)}\\fR{value}"


def _entries(entries):
    for entry in entries:
        yield f".TP\n{_head(entry)}\n{_prose(entry.text) or '.br'}"


def _exit_status(text):
    """'0 done; 1 refused; ...' as a list."""
    for part in re.split(r"; (?=\d)", text.rstrip(".")):
        number, _, meaning = part.partition(" ")
        yield f".TP\n\\fB{number}\\fR\n{_prose(meaning)}"


def _sections(info):
    flags = [section for section in info.sections if any(entry.flag for entry in section.entries)]
    first = info.sections.index(flags[0]) if flags else 0
    for section in info.sections[:first]:  # The client's commands, for example.
        yield f".SH {_plain(section.title.upper())}"
        yield from _entries(section.entries)
    if flags:
        yield ".SH OPTIONS"
    for section in flags:
        if len(flags) > 1:
            yield f".SS {_plain(section.title)}"
        yield from _entries(section.entries)
    for section in info.sections[first:]:
        if section not in flags:
            yield f".SH {_plain(section.title.upper())}"
            yield from _entries(section.entries)
    exits = [text for text in info.paragraphs if text.startswith("Exit status: ")]
    for text in exits:
        yield ".SH EXIT STATUS"
        yield from _exit_status(text.removeprefix("Exit status: "))
    signals = [text for text in info.paragraphs if text.startswith("SIG")]
    for text in signals:
        yield f".SH SIGNALS\n{_prose(text)}"


def render(info, name, version):
    """The page of a program or tool, called `name` on it."""
    number = SEE_ALSO.get(name, 1)

    def renamed(command):
        return re.sub(rf"^{re.escape(info.name)}(?= )", name, command)

    lines = [f'.TH {_plain(name.upper())} {number} "" "polyserve {version}" "Polyserve"',
             # Ragged on the right, without hyphens: commands and names stay as they are.
             ".ad l", ".nh", ".SH NAME", f"{_plain(name)} \\- {_plain(info.summary)}", ".SH SYNOPSIS"]
    for command, remark in info.examples or [(name, "")]:
        lines += [".TP", f"\\fB{_plain(renamed(command))}\\fR", _prose(remark) or ".br"]
    prose = [text for text in info.paragraphs if not text.startswith(("Exit status: ", "SIG"))]
    if prose:
        lines.append(".SH DESCRIPTION")
        lines += [part for text in prose for part in (_prose(text), ".PP")][:-1]
    lines += _sections(info)
    if name in FILES:
        lines.append(".SH FILES")
        lines += [f".TP\n\\fI{_plain(path)}\\fR\n{_prose(what)}" for path, what in FILES[name]]
    others = [f"\\fB{_plain(other)}\\fR({section})" for other, section in SEE_ALSO.items() if other != name]
    return "\n".join([*lines, ".SH SEE ALSO", ", ".join(others)]) + "\n"
