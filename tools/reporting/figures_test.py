"""All figures in one table, and as CSV."""
import csv
import io
import pathlib
import subprocess
import tempfile
import unittest

from . import figures, results, synthetic


class FiguresTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        synthetic.write(cls.folder, models=("loop", "fork", "epoll", "uring"), rounds=5,
                        workloads=("echo", "echo-rate", "http-64k"))
        cls.measured = results.Results(cls.folder)
        cls.rows = list(csv.DictReader(io.StringIO(figures.csv_text(cls.measured), newline="")))

    def row(self, workload, subject):
        return next(row for row in self.rows if (row["workload"], row["subject"]) == (workload, subject))

    def test_each_subject_has_a_row_under_each_workload_that_it_took_part_in(self):
        self.assertEqual([(row["workload"], row["subject"]) for row in self.rows if row["workload"] != "http-64k"],
                         [(workload, name) for workload in ("echo", "echo-rate") for name in ("uring", "epoll", "fork")])

    def test_figures_have_their_bounds(self):
        row, figure = self.row("echo", "epoll"), self.measured.estimate("echo", "epoll", "throughput")
        for column, value in (("throughput", figure.median), ("throughput_low", figure.low), ("throughput_high", figure.high)):
            self.assertAlmostEqual(float(row[column]) / value, 1, places=4)

    def test_all_that_was_measured_is_there(self):
        self.assertTrue(float(self.row("echo", "epoll")["pss_bytes_per_connection"]) > 0)
        self.assertEqual(float(self.row("echo", "epoll")["syscalls_per_request"]), 2.1)
        self.assertEqual(self.row("echo-rate", "epoll")["syscalls_per_request"], "")

    def test_verdicts_are_those_beside_the_best(self):
        self.assertEqual([self.row("echo", name)["verdict"] for name in ("uring", "epoll")], ["best", "different"])

    def test_a_subject_that_failed_has_no_figures(self):
        row = self.row("http-64k", "fork")
        self.assertEqual((row["verdict"], row["throughput"], row["of_best"], row["rounds_failed"]), ("failed", "", "", "1"))
        self.assertIn("3 replies were wrong", row["marks"])

    def test_no_number_has_an_exponent(self):
        for value, text in ((1234567.0, "1234570"), (0.00001234, "0.00001234"), (0.1, "0.1"), (-8054.2, "-8054.2")):
            with self.subTest(value):
                figure = {"epoll": {"throughput": 100, "pss_bytes_per_connection": value}}
                with tempfile.TemporaryDirectory() as folder:
                    measured = results.Results(synthetic.tiny(folder, figure))
                    titles, row = figures.csv_rows(measured)
                self.assertEqual(row[titles.index("pss_bytes_per_connection")], text)

    def test_the_pages_table_has_the_same_rows(self):
        table = figures.table(self.measured)
        self.assertEqual(table.count("<tr>") - 1, len(self.rows))
        self.assertEqual(table.count('<th scope="row">'), len(self.rows))

    def test_the_command_writes_it(self):
        tool = pathlib.Path(__file__).resolve().parent.parent / "report"
        done = subprocess.run([str(tool), "--csv", str(self.folder)], capture_output=True, text=True, timeout=100, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, f"report: {self.folder}/figures.csv\n"), done.stderr)
        self.assertEqual((self.folder / "figures.csv").read_bytes().decode(), figures.csv_text(self.measured))


if __name__ == "__main__":
    unittest.main()
