"""Where the time goes, on the page: parts that add up, and sentences beside the pairs that were decided."""
import json
import pathlib
import tempfile
import unittest

from comparison import times

from . import canvas, palette, request_times, results, synthetic, verdicts


def line(subject, client_us, switches=0.1, failed=None, **parts):
    """Of request_times.jsonl."""
    parts = {part: parts.get(part, 0.0) for part in times.PARTS}
    return {"subject": subject, "workload": "work", "rate": 1000.0, "one_in": 20, "timed": 100, "replies": 2000, "parts_us": parts,
            "whole_us": sum(parts.values()), "client_us": client_us, "cpu_user_us": 5.0, "cpu_system_us": 10.0 + 3 * switches,
            "ready_us": None, "voluntary_switches": switches, "involuntary_switches": 0.0,
            "units": {"switch_us": 2.0, "call_us": 0.2}, "marks": [], "failed": failed}


class RequestTimesTest(unittest.TestCase):

    def measured(self, lines, **more):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        figures = {"epoll": {"throughput": 100}, "poll": {"throughput": 99}, "thread": {"throughput": 50}}
        synthetic.tiny(scratch.name, figures, real=[("epoll", "thread")], **more)
        rows = "".join(json.dumps(row) + "\n" for row in lines)
        (pathlib.Path(scratch.name) / "request_times.jsonl").write_text(rows, encoding="utf-8")
        found = results.Results(scratch.name)
        return found, found.workload("work")

    _EPOLL = line("epoll", 60.0, run=10.0, send=30.0)
    _THREAD = line("thread", 90.0, switches=2.1, run=10.0, send=30.0, wakeup=25.0)

    def test_without_figures_there_is_nothing(self):
        measured = self.measured([line("epoll", 60.0, failed="errors")])
        self.assertIsNone(request_times.plot(*measured))
        self.assertIsNone(request_times.table(*measured))
        self.assertEqual(request_times.why(*measured), [[], [], []])

    def test_plot_is_drawn_and_says_what_is_largest(self):
        measured = self.measured([self._EPOLL, self._THREAD])
        plot = request_times.plot(*measured)
        self.assertIn("epoll: 60.0 µs, of which the largest part is: sending", plot.alt)
        svg = canvas.paint(plot, palette.Palette(measured[0].subjects)).svg
        for title in ("waking up", "sending", "outside the server"):
            self.assertIn(title, svg)
        self.assertNotIn("queued", svg)

    def test_table_has_the_parts_that_are_there(self):
        table = str(request_times.table(*self.measured([self._EPOLL, self._THREAD])))
        self.assertIn("waking up", table)
        self.assertNotIn("queued", table)
        self.assertIn(">2.10<", table)

    def test_only_pairs_that_were_decided_are_explained(self):
        decided = request_times.why(*self.measured([self._EPOLL, self._THREAD, line("poll", 75.0, run=55.0)]))
        self.assertEqual([bool(sentences) for sentences in decided], [False, True, False])
        self.assertIn("waiting for a thread to wake up", decided[1][0])
        self.assertIn("2.10 switches a request against 0.10", decided[1][1])

    def test_sentences_stand_in_the_order_of_the_pairs(self):
        measured = self.measured([self._EPOLL, self._THREAD])
        data = verdicts.data(*measured)
        self.assertEqual(data["names"], ["epoll", "poll", "thread"])
        self.assertEqual(len(data["why"]), 3)
        self.assertTrue(data["why"][1])

    def test_a_run_without_figures_has_no_sentences_in_its_data(self):
        self.assertNotIn("why", verdicts.data(*self.measured([])))


if __name__ == "__main__":
    unittest.main()
