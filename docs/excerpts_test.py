#!/usr/bin/python3
"""Every excerpt of the pages is what the code says. An excerpt is a block of C++ behind a comment that names its file:

    <!-- backends/coroutine.cc -->
    ```cpp
    ...

Its lines have to follow each other in that file; only their common indentation may differ. Looks at the sources
themselves, as links_test.py does."""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXCERPT = re.compile(r"^<!-- (\S+\.(?:cc|h)) -->\n```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def occurs(excerpt, text):
    wanted = textwrap.dedent(excerpt).splitlines()
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line.strip() != wanted[0].strip():
            continue
        if textwrap.dedent("\n".join(lines[i : i + len(wanted)])).splitlines() == wanted:
            return True
    return False


def main():
    excerpts = 0
    faults = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        for name, excerpt in EXCERPT.findall(page.read_text(encoding="utf-8")):
            excerpts += 1
            if not occurs(excerpt, (ROOT / name).read_text(encoding="utf-8")):
                faults.append(f"{page.name}: {name} does not say this any more:\n{excerpt}")
    print("\n".join(faults) or f"{excerpts} excerpts are what the code says")
    return 1 if faults or excerpts < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
