"""docs/benchmarks.md: made from data, and from the data that the repository keeps the same page comes out."""
import json
import pathlib
import tempfile
import unittest

from . import benchmarks, page, results, synthetic

_DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs"


class BenchmarksTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        synthetic.write(cls.folder / "results", models=("loop", "fork", "epoll", "uring"), rounds=3, slices=4, fronts=True)
        cls.measured = results.Results(cls.folder / "results")
        docs = benchmarks.write(cls.measured, cls.folder / "docs").parent
        cls.pages = {name: (docs / name).read_text(encoding="utf-8") for name in benchmarks.PAGES}
        cls.text = "".join(cls.pages.values())

    def test_what_is_kept_makes_the_same_page(self):
        kept = results.Results(self.folder / "docs" / "benchmarks")
        self.assertEqual(benchmarks.render(kept), self.pages)

    def test_what_is_kept_can_be_kept_again(self):
        again = self.folder / "again"
        benchmarks.keep(results.Results(self.folder / "docs" / "benchmarks"), again)
        self.assertEqual(benchmarks.render(results.Results(again)), self.pages)

    def test_names_machine_command_and_doubts(self):
        for part in ("Invented Processor", "tools/compare --quick", "The machine was not quiet", "nginx: 511",
                     "against itself", "`load --workload=echo --size=64 --connections=64`", "worker_processes 1;", "σ"):
            self.assertIn(part, self.text)

    def test_the_method_is_the_one_by_which_it_was_measured(self):
        self.assertIn("**Short slices.**", self.text)
        with tempfile.TemporaryDirectory() as folder:
            text = benchmarks.render(results.Results(synthetic.tiny(folder, {"fork": {"throughput": 100}})))["benchmarks.md"]
        self.assertNotIn("**Short slices.**", text)
        self.assertIn("Each measurement starts a fresh server.", text)

    def test_the_study_is_told_and_kept(self):
        way = {"logs": [0.01] * 25, "each_s": 2.0, "spread": 0.02, "half_width_of_20_minutes": 0.004}
        machine = {"cpu": "AMD Ryzen 7", "cores": 8, "memory_kib": 2**24, "kernel": "Linux 6.1"}
        data = {"schema": 1, "model": "epoll", "machine": machine, "minutes_each": 2, "workloads": {"echo": {
            "noise": {"allan": {"0.005": 0.06, "1.28": 0.015}, "seconds": 240, "others_share": 0.01, "host_share": 0.0},
            "ways": [{**way, "name": "fresh servers"}, {**way, "name": "slices of 50 ms", "half_width_of_20_minutes": 0.001}]}}}
        with tempfile.TemporaryDirectory() as folder:
            given = synthetic.tiny(folder, {"fork": {"throughput": 100}})
            (pathlib.Path(given) / "study.json").write_text(json.dumps(data), encoding="utf-8")
            kept = pathlib.Path(folder) / "kept"
            benchmarks.keep(results.Results(given), kept)
            text = benchmarks.render(results.Results(kept))["benchmarks.md"]
        self.assertIn("| 5 ms | 6.00 % |\n| 1.28 s | 1.50 % |", text)
        self.assertIn("| slices of 50 ms | 2.0 s | 25 | 2.00 % | 0.10 % (0.06 to 0.16) |", text)
        self.assertIn("For echo, the slices of 50 ms that are used give an interval 4.0 times as narrow", text)
        self.assertNotIn("The study behind the method", self.text)

    def test_figures_have_their_spread(self):
        self.assertRegex(self.text, r"\| uring \| \d+ k replies/s ± \d")

    def test_a_failed_server_has_no_figures(self):
        text = self.pages["benchmarks/figures.md"]
        section = text[text.index("### http-64k"):text.index("### compute")]
        self.assertNotIn("| fork |", section)
        self.assertIn("fork: errors: 3 replies", section)

    def test_what_was_done_beside_a_workload_has_a_column_and_processor_time_may_be_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            figures = {"select": {"throughput": 200, "beside_per_second": 12.3},
                       "epoll": {"throughput": 100, "beside_per_second": 60}}
            measured = results.Results(synthetic.tiny(folder, figures, load_flags=("--beside_server={compute}",),
                                                      real=[("select", "epoll")]))
            text = "".join(benchmarks.render(measured).values())
            self.assertIn('<th scope="col" class="n">beside it</th>', page.write(measured, folder).read_text("utf-8"))
        self.assertIn("| | throughput | beside it | rounds |", text)
        self.assertIn("| 12.3 /s ± 1.0 % |", text)
        self.assertIn("Beside it, it did 12.3 of the other requests a second; the most did epoll: 60.", text)
        self.assertNotIn("| beside it |", self.text)

    def test_tables_have_as_many_cells_as_titles(self):
        width = None
        for line in self.text.splitlines():
            cells = line.count("|") - line.count("\\|")
            if not line.startswith("|"):
                width = None
                continue
            width = width or cells
            self.assertEqual(cells, width, line)

    @unittest.skipUnless((_DOCS / "benchmarks.md").exists(), "nothing was published yet")
    def test_the_pages_in_docs_are_what_their_data_make(self):
        for name, made in benchmarks.render(results.Results(_DOCS / "benchmarks")).items():
            self.assertEqual(made, (_DOCS / name).read_text(encoding="utf-8"),
                             "make it anew: tools/report --benchmarks docs/benchmarks")


if __name__ == "__main__":
    unittest.main()
