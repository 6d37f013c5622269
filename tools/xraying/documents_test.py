"""The pictures of docs/models.md are small, stand by themselves, and name lines that the sources still have; the page shows
each beside the command that drew it. Looks at the sources themselves, as docs/links_test.py does."""

import os
import re
import unittest
import xml.etree.ElementTree as trees

from xraying import documents

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
_SVG = "{http://www.w3.org/2000/svg}"


def _read(path):
    with open(os.path.join(_ROOT, path), encoding="utf-8") as file:
        return file.read()


def _models():
    """Those that register themselves (backends/registry.h)."""
    folder = os.path.join(_ROOT, "backends")
    sources = (_read(os.path.join("backends", name)) for name in os.listdir(folder) if name.endswith(".cc"))
    return sorted(name for source in sources for name in re.findall(r'RegisterModel \w+\(\s*\{\.name = "(\w+)"', source))


def _has_line(path, shown):
    """Whether the file has this line, which may be cut off at the right, and may be two lines of the file."""
    return " ".join(shown.partition("…")[0].split()) in " ".join(_read(path).split())


class DocumentsTest(unittest.TestCase):
    def test_each_model_has_a_small_picture_and_the_page_its_command(self):
        page, models = _read(documents.PAGE), _models()
        self.assertEqual(len(models), 21)
        for model in models:
            text = _read(documents.path(model))
            self.assertLess(len(text.encode()), documents.MOST_BYTES, model)
            self.assertEqual(trees.fromstring(text).get("width"), str(documents.WIDTH), model)
            self.assertIn(f'src="{os.path.relpath(documents.path(model), os.path.dirname(documents.PAGE))}"', page)
            quoted = [f"--model='{argument[8:]}'" if " " in argument else argument for argument in documents.arguments(model)]
            self.assertIn(f"`tools/xray {' '.join(quoted)}`", page)

    def test_lines_of_the_source_are_there(self):
        for model in _models():
            for shown in trees.fromstring(_read(documents.path(model))).iter(f"{_SVG}text"):
                if shown.get("class") != "source":
                    continue
                file, code = (part.text for part in shown)
                self.assertTrue(_has_line(file, code), f"{model}: {file} has no line {code!r}; tools/xray --docs draws anew")

    def test_each_picture_names_the_lines_that_act(self):
        for model in _models():
            files = [shown[0].text for shown in trees.fromstring(_read(documents.path(model))).iter(f"{_SVG}text")
                     if shown.get("class") == "source"]
            self.assertTrue(any(file.startswith("backends/") for file in files),
                            f"{model}: drawn of a server without line numbers; tools/xray --docs draws anew")

    def test_picture_loads_nothing(self):
        for model in _models():
            self.assertNotRegex(_read(documents.path(model)), r"(href|src|url)[=(][\"']?(?!#)")


if __name__ == "__main__":
    unittest.main()
