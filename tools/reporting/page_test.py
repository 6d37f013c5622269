"""The report: well-formed, complete, in need of nothing from elsewhere, and safe with names that look like markup."""
import html.parser
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from . import canvas, figures, page, palette, results, synthetic

_VOID = {"meta", "br", "hr", "img", "link", "input", "col"}


class Outline(html.parser.HTMLParser):
    """Checks that elements are closed in turn; keeps tags, ids, what is linked to, and text."""

    def __init__(self):
        super().__init__()
        self.open, self.faults, self.ids, self.links, self.tags, self.attributes = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        self.attributes.append((tag, attributes))
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("href", "src", "data", "action", "poster"):
            if name in attributes:
                self.links.append(attributes[name])
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")


class PageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        synthetic.write(cls.folder, models=("loop", "fork", "uring"), rounds=3, workers=(1, 2, 4, 8),
                        workloads=("echo", "echo-rate", "http-64k"), slices=6, fronts=True)
        cls.text = page.write(results.Results(cls.folder), cls.folder).read_text(encoding="utf-8")
        cls.outline = Outline()
        cls.outline.feed(cls.text)

    def test_is_well_formed(self):
        self.assertEqual(self.outline.faults, [])
        self.assertEqual(self.outline.open, [])
        self.assertEqual(len(self.outline.ids), len(set(self.outline.ids)))

    def test_needs_nothing_from_elsewhere(self):
        self.assertEqual([link for link in self.outline.links if not link.startswith("#")], [])
        self.assertNotIn("http://", self.text)
        self.assertNotIn("https://", self.text)
        self.assertEqual(set(re.findall(r"url\(([^#)][^)]*)\)|@import", self.text)), set())
        scripts = [attributes for tag, attributes in self.outline.attributes if tag == "script"]
        self.assertEqual(scripts, [{"id": "data", "type": "application/json"}, {}])
        self.assertEqual(re.findall(r"fetch\(|XMLHttpRequest|WebSocket|import\(", self.text), [])

    def test_the_script_saves_what_the_command_writes(self):
        data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', self.text, re.DOTALL)[1])
        self.assertEqual(data["csv"], figures.csv_rows(results.Results(self.folder)))

    def test_the_script_knows_what_is_said_of_each_pair(self):
        data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', self.text, re.DOTALL)[1])
        self.assertEqual(set(data["workloads"]), {"echo", "echo-rate", "http-64k"})
        self.assertEqual(len(data["workloads"]["echo"]["told"][0]["pairs"]), 1)  # Of fork and uring.
        self.assertIn('data-workload="echo"', self.text)

    def test_without_the_script_everything_can_be_read(self):
        hidden = [attributes.get("id") for _, attributes in self.outline.attributes if "hidden" in attributes]
        self.assertEqual(hidden, ["figures-controls"])  # Of no use without it.
        self.assertIn("tools/report --csv", re.search(r"<noscript>(.*?)</noscript>", self.text)[1])

    def test_titles_of_tables_say_what_they_are_titles_of(self):
        titles = [attributes for tag, attributes in self.outline.attributes if tag == "th"]
        self.assertTrue(titles)
        self.assertEqual([title for title in titles if title.get("scope") not in ("col", "row", "rowgroup")], [])

    def test_each_choice_has_a_label(self):
        self.assertEqual(self.text.count("<select"), 3)
        self.assertEqual(len(re.findall(r"<label>[^<]+<select", self.text)), 3)

    def test_each_slice_is_a_dot_beside_its_interval(self):
        svg = (self.folder / "plots" / "echo-throughput.svg").read_text(encoding="utf-8")
        dots = [path.count("v.1") for path in re.findall(r'<path d="([^"]*v\.1)"', svg)]
        self.assertEqual(dots, [3 * 6, 3 * 6])  # Three rounds of fork and of uring.

    def test_numbers_in_pictures_are_not_rounded_away(self):
        plot = canvas.Plot("tiny", "", "", lambda on: on.axes(1)[0][0].set_xlabel("0.0213 of 1.23456"))
        self.assertIn(">0.0213 of 1.23456<", canvas.paint(plot, palette.Palette([])).svg)

    def test_links_inside_lead_somewhere(self):
        self.assertLessEqual({link[1:] for link in self.outline.links}, set(self.outline.ids))

    def test_has_each_plot_for_desk_and_phone_with_words_for_it(self):
        plots = {path.stem for path in (self.folder / "plots").glob("*.svg")}
        self.assertEqual(
            plots, {
                "heatmap", "memory", "idle", "echo-throughput", "echo-latency", "echo-cost", "echo-scaling",
                "echo-rate-throughput", "echo-rate-latency", "echo-rate-cost", "http-64k-throughput",
                "http-64k-latency", "http-64k-cost", "echo-times", "echo-rate-times", "http-64k-times", "echo-front",
                "echo-rate-front", "http-64k-front"
            })
        for plot in plots - {"heatmap"}:  # In the page it is a table.
            self.assertIn(f'id="{plot}-wide-figure_1"', self.text)
            self.assertIn(f'id="{plot}-narrow-figure_1"', self.text)
        self.assertEqual(self.text.count('role="img" aria-label="'), len(plots) - 1)
        self.assertIn('<table class="heat">', self.text)

    def test_each_plot_is_a_file_as_svg_and_png(self):
        for path in (self.folder / "plots").glob("*.svg"):
            xml.etree.ElementTree.parse(path)
            self.assertTrue(path.with_suffix(".png").read_bytes().startswith(b"\x89PNG"))

    def test_the_answer_comes_first(self):
        self.assertLess(self.text.index('id="answer"'), self.text.index('id="glance"'))
        self.assertRegex(self.text, r"take <strong>.*uring</strong>")

    def test_says_what_is_to_be_doubted(self):
        self.assertIn("The machine was not quiet", self.text)
        self.assertIn("Under echo servers are ranked by processor time, since the load generator, not the server, was the limit.", self.text)
        self.assertIn("fork: 3 replies were wrong", self.text)
        self.assertIn("serves one client after the other", self.text)

    def test_says_how_it_was_measured(self):
        for part in ("tools/compare --quick", "net.core.somaxconn", "--model=uring", "worker_processes 1;",
                     "listen backlog", "nginx: 511", "Invented Processor"):
            self.assertIn(part, self.text)

    def test_colours_are_variables_with_a_dark_side(self):
        self.assertIn("prefers-color-scheme:dark", self.text)
        bars = self.text[self.text.index('id="echo-throughput-wide-figure_1"'):]
        self.assertRegex(bars, r"fill: var\(--s\d+\)")

    def test_names_that_look_like_markup_do_no_harm(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"<b>&": {"throughput": 100}})
            text = page.write(results.Results(folder), folder).read_text(encoding="utf-8")
        self.assertNotIn("<b>", text)
        outline = Outline()
        outline.feed(text)
        self.assertEqual(outline.faults, [])

    def test_what_limits_have_done_stands_beside_the_figures(self):
        with tempfile.TemporaryDirectory() as name:
            folder = synthetic.tiny(name, {"epoll": {"throughput": 100}, "fork": {"throughput": 50}}, failed=("fork",))
            run, summary = (json.loads((folder / file).read_text(encoding="utf-8")) for file in ("run.json", "summary.json"))
            run["limits"] = {"cpus": 0.5, "memory_bytes": 2**27, "title": "0.5 processors and 128 MiB of memory"}
            for result, throttled, kills, survived in zip(summary["results"], (0.41, None), (0, 3), (7, 4)):
                result["limits"] = {"throttled": throttled, "oom_kills": kills, "survived": survived, "rounds": 7}
            summary["ranking"] = {}
            (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
            (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
            measured = results.Results(folder)
            text = page.write(measured, folder).read_text(encoding="utf-8")
            titles, *rows = figures.csv_rows(measured)
        self.assertEqual(titles[-4:], ["throttled", "oom_kills", "survived", "marks"])
        self.assertEqual([row[-4:-1] for row in rows], [["0.41", "0", "7"], ["", "3", "4"]])
        for expected in ("<h3>Within 0.5 processors and 128 MiB of memory</h3>",
                         '<th scope="row">epoll</th><td class="n">41 %</td><td class="n">0</td><td class="n">7/7</td>',
                         '<th scope="row">fork</th><td class="n">-</td><td class="n">3</td><td class="n">4/7</td>',
                         "Each server got no more than 0.5 processors and 128 MiB of memory, in a control group"):
            self.assertTrue(expected in text, f"not there: {expected}")
        self.assertEqual(self.text.count("<h3>Within"), 0)

    def test_sources_without_a_revision_still_make_a_page(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"fork": {"throughput": 100}})
            run = pathlib.Path(folder, "run.json")
            run.write_text(run.read_text().replace('"revision": "synthetic"', '"revision": null'))
            self.assertIn("revision <code>unknown</code>",
                          page.write(results.Results(folder), folder).read_text("utf-8"))

    def test_the_command_makes_it_and_says_where(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"prefork --accept=reuseport --workers=4": {"throughput": 100}})
            done = self.run_tool(folder)
            self.assertEqual((done.returncode, done.stdout), (0, f"report: {folder}/report.html\n"), done.stderr)

    def test_the_command_says_what_to_give_it(self):
        done = self.run_tool("/nonexistent")
        self.assertEqual(done.returncode, 2)
        self.assertIn("tools/compare", done.stderr)

    def run_tool(self, folder):
        tool = pathlib.Path(__file__).resolve().parent.parent / "report"
        return subprocess.run([str(tool), folder], capture_output=True, text=True, timeout=100, check=False)

    def test_a_run_where_all_failed_still_makes_a_page(self):
        with tempfile.TemporaryDirectory() as folder:
            synthetic.tiny(folder, {"fork": {"throughput": 100}}, failed=("fork",))
            text = page.write(results.Results(folder), folder).read_text(encoding="utf-8")
        self.assertIn("no model to take", text)


class PaletteTest(unittest.TestCase):

    def test_no_two_colours_are_the_same(self):
        subjects = [
            results.Subject(name, "model", name, (), "", "") for _, _, members in palette.FAMILIES for name in members
        ]
        subjects += [results.Subject(f"peer{number}", "peer", "", (), "", "") for number in range(9)]
        subjects += [results.Subject("epoll --trigger=edge", "model", "epoll", ("--trigger=edge",), "", "")]
        colours = [light for light, _ in palette.Palette(subjects).variables().values()]
        self.assertEqual(len(colours), len(set(colours)))

    def test_members_of_a_family_have_marks_of_their_own(self):
        names = [name for _, _, members in palette.FAMILIES for name in members]
        colours = palette.Palette([results.Subject(name, "model", name, (), "", "") for name in names])
        for _, _, members in palette.FAMILIES:
            self.assertEqual(len({colours.mark(name) for name in members}), len(members))

    def test_text_on_the_heat_map_can_be_read(self):
        for colours, ink in zip(palette.HEAT, palette.HEAT_INK):
            for theme in (0, 1):
                self.assertGreaterEqual(_contrast(colours[theme], ink[theme]), 4.5, (colours, theme))

    def test_what_can_be_operated_can_be_seen(self):
        variables = palette.Palette([]).variables()
        for name in ("focus", "control"):
            for ground in ("paper", "band"):
                for theme in (0, 1):
                    self.assertGreaterEqual(_contrast(variables[name][theme], variables[ground][theme]), 3, (name, ground, theme))

    def test_text_of_the_page_can_be_read(self):
        variables = palette.Palette([]).variables()
        for name in ("ink", "muted", "warn"):
            for ground in ("paper", "band"):
                for theme in (0, 1):
                    self.assertGreaterEqual(_contrast(variables[name][theme], variables[ground][theme]), 4.5,
                                            (name, ground))


def _contrast(one, other):
    """Of two colours, by WCAG 2: 1 (none) to 21."""
    lights = sorted((_luminance(one), _luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour):
    parts = [int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


if __name__ == "__main__":
    unittest.main()
