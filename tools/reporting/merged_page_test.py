"""The page of several machines: well-formed, complete, in need of nothing from elsewhere, and with counts in every cell."""
import pathlib
import re
import subprocess
import tempfile
import unittest

from comparison import inference, made_up_results
from comparison.made_up_results import BETTER, EQUAL, OPEN, WORSE, front, verdict
from comparison.merging import cli, pooling

from . import merged_page
from .page_test import Outline

_PAIRS = (("poll", "epoll"), ("poll", "<b>fork</b>"), ("epoll", "<b>fork</b>"))
# What each machine says of these, and how many cores it has.
_MACHINES = ((BETTER, BETTER, OPEN, 2), (BETTER, BETTER, OPEN, 2), (WORSE, OPEN, OPEN, 8), (WORSE, BETTER, OPEN, 8))


def results_of(folder, machines=_MACHINES):
    """Makes a result for each machine; returns their folders."""
    folders = []
    for number, (*says, cores) in enumerate(machines):
        verdicts = [verdict(*pair, one) for pair, one in zip(_PAIRS, says)]
        fronts = [front({"least memory": ("poll" if number else "epoll", ())}, ("poll", "epoll"))]
        folders.append(made_up_results.write(str(pathlib.Path(folder, f"m{number}")), verdicts, fronts=fronts,
                                             machine={"id": f"{number:016x}", "cores": cores}))
    return folders


def merged(folder, machines=_MACHINES):
    return cli.merge(results_of(folder, machines))


class MergedPageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.merged = merged(scratch.name)
        cls.text = merged_page.write(cls.merged, scratch.name).read_text(encoding="utf-8")
        cls.outline = Outline()
        cls.outline.feed(cls.text)

    def test_is_well_formed(self):
        self.assertEqual((self.outline.faults, self.outline.open), ([], []))
        self.assertEqual(len(self.outline.ids), len(set(self.outline.ids)))

    def test_needs_nothing_from_elsewhere(self):
        self.assertEqual([link for link in self.outline.links if not link.startswith("#")], [])
        self.assertEqual({link[1:] for link in self.outline.links} - set(self.outline.ids), set())
        self.assertEqual(re.findall(r"https?://|@import|<script", self.text), [])

    def test_names_that_look_like_markup_are_text(self):
        self.assertEqual(self.text.count("<b>"), 0)
        self.assert_shows("&lt;b&gt;fork&lt;/b&gt;")

    def assert_shows(self, expected, text=None):
        """A page is too long for a message."""
        self.assertTrue(expected in (text or self.text), f"not there: {expected}")

    def test_says_on_how_many_machines_a_model_is_recommended(self):
        self.assert_shows("poll</strong> 3 of 4")
        self.assert_shows("poll on 3 of 4 machines (m1, m2, m3); epoll on 1 of 4 machines (m0)")

    def test_a_flip_stands_with_what_tells_the_machines_apart(self):
        self.assert_shows("<td>poll beats epoll on 2 of 4 machines (m0, m1); epoll beats poll on 2 of 4 machines (m2, m3).</td>")
        self.assert_shows("Told apart by cores (poll ahead: 2; epoll ahead: 8; 1 in 3).")

    def test_says_how_far_apart_servers_are(self):
        self.assert_shows("poll/&lt;b&gt;fork&lt;/b&gt; is 1.100 (m2) to 1.500 (m0), 1.388 (")

    def test_what_machines_decide_together_has_a_table_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            text = merged_page.render(merged(folder, [((inference.OPEN, 1.06, 0.03), 2)] * 10))
        self.assert_shows("<summary>Decided by the average alone</summary>", text)
        self.assert_shows("<td>poll beats epoll on average of 10 machines: poll/epoll is 1.060 (1.040-1.080); open on all machines.</td>", text)

    def test_of_a_need_with_a_tie_none_stands_first(self):
        with tempfile.TemporaryDirectory() as folder:
            text = merged_page.render(merged(folder, _MACHINES[:2]))
        self.assertEqual(re.findall("</strong> 1 of 2", text), [])
        self.assert_shows("<span>poll on 1 of 2 machines (m1); epoll on 1 of 2 machines (m0)</span>", text)


class CommandTest(unittest.TestCase):
    def test_the_command_makes_the_page(self):
        tool = pathlib.Path(__file__).resolve().parent.parent / "compare"
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "out")
            done = subprocess.run([str(tool), "merge", *results_of(folder), f"--out={out}"], capture_output=True, text=True, timeout=100,
                                  check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.splitlines()[-1], f"The page to look at: {out}/merged.html")
            self.assertEqual(sorted(path.name for path in out.iterdir()), ["merged.csv", "merged.html", "merged.json"])


class CellTest(unittest.TestCase):
    def cells(self, *says):
        """Of one pair, in the row of the first and in that of the second."""
        with tempfile.TemporaryDirectory() as folder:
            pair = merged(folder, [(one, 2) for one in says])["pairs"][0]
        return pair["outcome"], merged_page.cell(pair, "poll"), merged_page.cell(pair, "epoll")

    def test_a_cell_counts_machines_from_the_view_of_its_row(self):
        for says, expected in (
                ((BETTER, BETTER, BETTER), (pooling.HOLDS, ("+3", "be"), ("−3", "wo"))),
                ((WORSE, OPEN, WORSE), (pooling.AGREES, ("−2", "wo"), ("+2", "be"))),
                ((EQUAL, EQUAL), (pooling.HOLDS, ("=2", "eq"), ("=2", "eq"))),
                ((BETTER, BETTER, WORSE), (pooling.FLIPS, ("2:1", "fl"), ("1:2", "fl"))),
                ((BETTER, EQUAL, EQUAL), (pooling.PARTLY, ("+1=2", "pa"), ("−1=2", "pa"))),
                ((BETTER, OPEN), (pooling.SINGLE, ("+1", "op"), ("−1", "op"))),
                ((OPEN, OPEN), (pooling.NONE, ("?", "op"), ("?", "op")))):
            self.assertEqual(self.cells(*says), expected)


if __name__ == "__main__":
    unittest.main()
