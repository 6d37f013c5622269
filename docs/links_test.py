#!/usr/bin/python3
"""Every relative link of the pages (README.md and others at the top, docs/*.md, the packages' README.md) leads somewhere, to a
heading too if it names one. Every file, folder and label that a page names in code (`net/socket.cc`, `net/`, `//tests:load_test`) exists,
and a function that follows its file (`net/socket.cc`, `ListenTcp()`) is in it. Code without a folder (`socket.cc`) is a file of any
folder. The change log's newest version is the program's. Looks at the sources themselves, since links lead anywhere in them: hence no part of
Bazel's sandbox, and never cached."""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# [text](target), ![text](target), src="target", href="target".
LINK = re.compile(r"""\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|(?:src|href)=["']([^"']+)["']""")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
# A span of code that is a file of ours, with what is said to be in it: `a/b.cc`, `F()`; `a/b.cc:F`; [`a/b.cc`](a/b.cc), `F()`.
FILE = re.compile(r"`(?P<path>[\w./-]+\.(?:bzl|cc|h|md|py|sh))(?::(?P<inside>~?\w+)(?:\(\))?)?`"
                  r"(?:\]\([^)]*\))?(?:,\s+`(?P<function>~?\w+)\(\)`)?")
FOLDER = re.compile(r"`((?:[a-z_]+/)+)`")
LABEL = re.compile(r"`//([a-z_/]*):(\w+)`")
# Files that the reader of a page makes, and files and folders of examples.
INVENTED = re.compile(r"NAME|index\.html")
MADE = ("results/", "bazel-bin/", "a/")


def walk():
    """All files of the tree, without what Bazel and the tools make."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith((".", "bazel-", "results"))]
        yield from (pathlib.Path(folder, name) for name in names)


FILES = list(walk())
NAMES = {path.name for path in FILES}


def prose(text):
    """The text without code, in which brackets mean other things."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(path):
    """What a page can be linked to by #: its headings as GitHub names them, and ids."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+\s+(.*?)\s*$", FENCE.sub("", text), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return set(slugs) | set(re.findall(r"(?:id|name)=[\"']([^\"']+)[\"']", text))


def wrong_links(page, text):
    for match in LINK.finditer(prose(text)):
        target = match.group(1) or match.group(2)
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or not path.is_relative_to(ROOT):
            yield f"there is no {target}"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            yield f"{name or 'this page'} has no heading #{anchor}"


def contains(path, function):
    """Whether the file, or the header or source beside it, has this word; a function may be declared in one of them only."""
    texts = [side.read_text(encoding="utf-8") for side in (path, path.with_suffix(".h"), path.with_suffix(".cc")) if side.exists()]
    return any(re.search(rf"(?<!\w){re.escape(function)}\b", text) for text in texts)


def wrong_files(page, text):
    for match in FILE.finditer(FENCE.sub("", text)):
        name = match.group("path")
        if INVENTED.search(name):
            continue
        if "/" not in name and not (page.parent / name).exists() and not (ROOT / name).exists():
            if name not in NAMES:
                yield f"no folder has a file {name}"
            continue
        path = next((side / name for side in (ROOT, page.parent) if (side / name).exists()), None)
        function = match.group("inside") or match.group("function")
        if path is None and not any(file.as_posix().endswith("/" + name) for file in FILES):
            yield f"there is no file {name}"
        elif path is not None and function and not contains(path, function):
            yield f"{name} has no {function}"


def wrong_places(page, text):
    text = FENCE.sub("", text)
    for name in FOLDER.findall(text):
        if name not in MADE and not (ROOT / name).is_dir() and not (page.parent / name).is_dir():
            yield f"there is no folder {name}"
    for package, target in LABEL.findall(text):
        build = ROOT / package / "BUILD"
        if not build.exists() or not re.search(rf"\b{target}\b", build.read_text(encoding="utf-8")):
            yield f"there is no label //{package}:{target}"


def wrong_version():
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE).group(1)
    if f'kVersion[] = "{newest}"' not in (ROOT / "base/build_info.h").read_text(encoding="utf-8"):
        yield f"CHANGELOG.md: version {newest} is not that of base/build_info.h"


def main():
    pages = sorted(path for path in FILES if path.suffix == ".md" and "third_party" not in path.parts)
    found = list(wrong_version())
    links = files = 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        links += len(LINK.findall(prose(text)))
        files += len(FILE.findall(FENCE.sub("", text)))
        for rule in (wrong_links, wrong_files, wrong_places):
            found += [f"{page.relative_to(ROOT)}: {fault}" for fault in rule(page, text)]
    print("\n".join(found) or f"{links} links and {files} names of files on {len(pages)} pages are right")
    return 1 if found or links < 50 or files < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
