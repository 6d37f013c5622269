#!/usr/bin/python3
"""Every relative link of README.md, CONTRIBUTING.md and docs/*.md leads somewhere, to a heading too where it names one. Looks
at the sources themselves, since links lead anywhere in them: hence no part of Bazel's sandbox, and never cached."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# [text](target), ![text](target), src="target", href="target".
LINK = re.compile(r"""\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|(?:src|href)=["']([^"']+)["']""")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def prose(text):
    """The text without code, in which brackets mean other things."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path):
    """What a page can be linked to by #: its headings as GitHub names them, and ids."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+\s+(.*?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return set(slugs) | set(re.findall(r"(?:id|name)=[\"']([^\"']+)[\"']", text))


def faults(page):
    for match in LINK.finditer(prose(page.read_text(encoding="utf-8"))):
        target = match.group(1) or match.group(2)
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or not path.is_relative_to(ROOT):
            yield f"{page.relative_to(ROOT)}: there is no {target}"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"{page.relative_to(ROOT)}: {name or 'this page'} has no heading #{anchor}"


def main():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    found = [fault for page in pages for fault in faults(page)]
    links = sum(len(LINK.findall(prose(page.read_text(encoding="utf-8")))) for page in pages)
    print("\n".join(found) or f"{links} links lead somewhere")
    return 1 if found or links < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
