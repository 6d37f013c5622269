"""Fronts: drawn and in a table if the summary has them, whatever was not measured."""
import json
import pathlib
import re
import tempfile
import unittest

from . import benchmarks, canvas, fronts, page, palette, results, synthetic


class FrontsTest(unittest.TestCase):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def measured(self, change=lambda front: None, has_fronts=True):
        """(Results, Workload), after change(the front)."""
        synthetic.write(self.folder, models=("fork", "epoll", "uring"), peers=(), rounds=3, workloads=("echo",),
                        fronts=has_fronts)
        path = self.folder / "summary.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        for front in content.get("fronts", ()):
            change(front)
        if not has_fronts:
            content.pop("fronts", None)
        path.write_text(json.dumps(content), encoding="utf-8")
        found = results.Results(self.folder)
        return found, found.workload("echo")

    def test_without_fronts_there_is_nothing(self):
        measured = self.measured(has_fronts=False)
        self.assertEqual((fronts.plot(*measured), fronts.table(*measured), fronts.needs(*measured)), (None, None, []))
        self.assertNotIn("beats", page.write(measured[0], self.folder).read_text(encoding="utf-8"))

    def test_says_what_no_other_beats(self):
        self.assertIn("No other model beats epoll and uring in every respect", fronts.plot(*self.measured()).alt)

    def test_the_table_has_all_models_those_of_the_front_first(self):
        table = str(fronts.table(*self.measured()))
        self.assertLess(table.index(">uring<"), table.index(">fork<"))
        self.assertIn("beaten by epoll and uring", table)
        self.assertEqual(table.count("no other beats it"), 2)

    def test_what_was_not_measured_has_no_place(self):
        def change(front):
            for model in front["models"]:
                model["memory"] = None
            front["models"][0]["tail"] = None
        measured = self.measured(change)
        plot = fronts.plot(*measured)
        self.assertNotIn("memory", plot.alt)
        self.assertTrue(canvas.paint(plot, palette.Palette(measured[0].subjects)).svg)
        self.assertEqual(str(fronts.table(*measured)).count("not measured"), 4)

    def test_a_respect_in_which_no_model_was_measured_is_left_out(self):
        def change(front):
            front["axes"]["cost"] = None
            for model in front["models"]:
                model["cost"] = None
        measured = self.measured(change)
        self.assertNotIn("cost", fronts.plot(*measured).alt + fronts.table(*measured))

    def test_without_capacity_the_next_respect_is_drawn_against_the_others(self):
        def change(front):
            front["axes"]["capacity"] = None
            for model in front["models"]:
                model["capacity"] = None
        measured = self.measured(change)
        self.assertIn("tail (99th percentile of the service time) against cost", fronts.plot(*measured).alt)
        self.assertTrue(canvas.paint(fronts.plot(*measured), palette.Palette(measured[0].subjects)).svg)

    def test_an_interval_that_reaches_to_nothing_leaves_room_for_the_figures(self):
        def change(front):
            front["models"][0]["capacity"].update(low=-5.0, high=1e9)
        measured = self.measured(change)
        svg = canvas.paint(fronts.plot(*measured), palette.Palette(measured[0].subjects)).svg
        ticks = [float(found) for found in re.findall(r">([0-9.]+) k<", svg)]
        self.assertGreaterEqual(len(ticks), 3)
        self.assertLess(max(ticks), 2000)

    def test_nothing_measured_is_nothing_drawn(self):
        def change(front):
            front["axes"] = dict.fromkeys(front["axes"])
            for model in front["models"]:
                model.update(dict.fromkeys(("capacity", "tail", "cost", "memory")))
        measured = self.measured(change)
        self.assertIsNone(fronts.plot(*measured))
        self.assertIn(">uring<", fronts.table(*measured))

    def test_needs_are_answered_on_the_page_and_in_the_docs(self):
        def change(front):
            front["needs"][0].update(take="epoll", equal=["epoll", "uring"], sentence="A sentence with its reason.")
        measured, _ = self.measured(change)
        for text in (page.write(measured, self.folder).read_text(encoding="utf-8"), benchmarks.render(measured)["benchmarks.md"]):
            for part in ("most requests per machine", "A sentence with its reason.", "No model that was measured keeps"):
                self.assertIn(part, text)
        self.assertIn("| echo | most requests per machine | `epoll` (equal: uring) |", text)
        self.assertIn("| echo | clients isolated from each other | – |", text)


if __name__ == "__main__":
    unittest.main()
