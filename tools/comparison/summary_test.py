"""Figures and verdicts out of recorded runs. testdata/noisy is a real run on a machine that was busy with other things."""

import copy
import os
import unittest

from comparison import statistics, store, summary, table

_NOISY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testdata", "noisy")
_EMPTY = {kind: [] for kind in (store.ROUNDS, store.MEMORY, store.IDLE, store.SCALING, store.SYSCALLS)}


def recorded():
    folder = store.Store.open(_NOISY)
    return folder.run(), {**_EMPTY, store.ROUNDS: folder.lines(store.ROUNDS)}


def verdict(made, a, b, metric="throughput"):
    return next(entry for entry in made["verdicts"] if {entry["a"], entry["b"]} == {a, b} and entry["metric"] == metric)


def result(made, subject):
    return next(entry for entry in made["results"] if entry["subject"] == subject)


def quiet(middles, rounds=7):
    """A run without noise to speak of: subject -> replies per second."""
    run, lines = recorded()
    pattern = lines[store.ROUNDS][0]
    run["subjects"] = [{"name": name, "kind": "aa" if name.endswith("(again)") else "model",
                        "of": name.replace(" (again)", "") if name.endswith("(again)") else None} for name in middles]
    made = []
    for number in range(rounds):
        for place, (name, middle) in enumerate(middles.items()):
            line = copy.deepcopy(pattern)
            line.update(subject=name, round=number + 1, marks=[], failed=None)
            line["load"]["replies_per_second"] = middle * (1 + ((7 * number + 3 * place) % 5 - 2) / 200)
            made.append(line)
    return run, {**_EMPTY, store.ROUNDS: made}


class RecordedTest(unittest.TestCase):
    def test_a_against_a_is_never_called_a_difference(self):
        made = summary.summarize(*recorded())
        for metric in summary.JUDGED:
            self.assertFalse(verdict(made, "epoll", "epoll (again)", metric)["differs"], metric)

    def test_halves_of_the_same_rounds_are_not_called_different_either(self):
        run, lines = recorded()
        rounds = summary.Rounds(lines[store.ROUNDS])
        for subject in ("epoll", "thread", "threadpool"):
            for metric in summary.JUDGED:
                values = rounds.values(subject, "echo", metric)
                odd = {number // 2: value for number, value in values.items() if number % 2}
                even = {number // 2 - 1: value for number, value in values.items() if number % 2 == 0}
                floor = summary._noise(rounds, run["subjects"], "echo", metric)["floor"]
                ratio = statistics.ratio_interval(odd, even)
                self.assertFalse(statistics.judge(ratio, floor).differs, (subject, metric))

    def test_the_same_data_gives_the_same_whatever_the_order_of_the_lines(self):
        run, lines = recorded()
        again = {**lines, store.ROUNDS: list(reversed(lines[store.ROUNDS]))}
        self.assertEqual(summary.summarize(run, lines)["ranking"], summary.summarize(run, again)["ranking"])
        self.assertEqual(summary.summarize(run, lines), summary.summarize(run, lines))

    def test_a_real_difference_is_found_even_in_noise(self):
        made = summary.summarize(*recorded())
        self.assertTrue(verdict(made, "epoll", "thread", "cpu_us_per_request")["differs"])

    def test_a_run_of_which_only_a_part_is_there_can_be_summed_up(self):
        run, lines = recorded()
        made = summary.summarize(run, {**lines, store.ROUNDS: lines[store.ROUNDS][:3]})
        self.assertFalse(any(entry["differs"] for entry in made["verdicts"]))
        self.assertEqual(summary.summarize(run, dict(_EMPTY))["results"], [])

    def test_the_table_reads_the_answer_first(self):
        run, lines = recorded()
        text = table.text(run, summary.summarize(run, lines), "results/x")
        self.assertTrue(text.startswith("ATTENTION: the machine was busy with other things"), text)
        self.assertTrue(text.splitlines()[2].startswith("echo: epoll"), text)
        self.assertIn("mark  thread: other programs took", text)
        self.assertIn("12/12", text)


class QuietTest(unittest.TestCase):
    def test_ranking_and_answer(self):
        run, lines = quiet({"epoll": 1000, "poll": 1001, "fork": 500, "epoll (again)": 1000})
        made = summary.summarize(run, lines)
        self.assertEqual([sorted(group) for group in made["ranking"]["echo"]], [["epoll", "poll"], ["fork"]])
        self.assertTrue(verdict(made, "epoll", "fork")["differs"])
        self.assertAlmostEqual(verdict(made, "epoll", "fork")["ratio"], 2, delta=0.05)
        self.assertRegex(table.answer(made, run["workloads"][0]), "lead, and cannot be told apart.*fork 0.50 times")

    def test_where_requests_are_due_at_a_rate_the_quickest_is_the_best(self):
        run, lines = quiet({"epoll": 1000, "fork": 1001, "epoll (again)": 1000})
        run["workloads"][0]["ranked_by"] = "response_p99_us"
        for line in lines[store.ROUNDS]:
            line["load"]["response_ns"]["p99"] = (9e6 if line["subject"] == "fork" else 3e6) + 1e3 * line["round"]
        made = summary.summarize(run, lines)
        self.assertEqual(made["ranking"]["echo"], [["epoll"], ["fork"]])
        self.assertRegex(table.answer(made, run["workloads"][0]), "quickest to respond .3,0.* us.*fork 3.00 times")

    def test_nothing_differs_where_nothing_was_measured_twice(self):
        run, lines = quiet({"epoll": 1000, "fork": 500})
        made = summary.summarize(run, lines)
        self.assertFalse(verdict(made, "epoll", "fork")["differs"])
        self.assertIn("measured twice", verdict(made, "epoll", "fork")["why"])

    def test_a_round_with_errors_is_marked_and_does_not_count(self):
        run, lines = quiet({"epoll": 1000, "epoll (again)": 1000})
        bad = next(line for line in lines[store.ROUNDS] if line["subject"] == "epoll")
        bad.update(failed="5 requests got no reply", marks=["errors: 5 requests got no reply"])
        bad["load"]["replies_per_second"] = 10**9
        made = result(summary.summarize(run, lines), "epoll")
        self.assertEqual((made["rounds"], made["rounds_failed"]), (7, 1))
        self.assertLess(made["metrics"]["throughput"]["high"], 2000)
        self.assertEqual(made["marks"], ["errors: 5 requests got no reply (1 of 7 rounds)"])

    def test_what_runs_beside_is_told_and_its_processor_time_is_nobodys_for_sure(self):
        run, lines = quiet({"epoll": 1000})
        for line in lines[store.ROUNDS]:
            line["load"]["beside"] = [{"workload": "compute", "replies_per_second": 40.0}]
        metrics = result(summary.summarize(run, lines), "epoll")["metrics"]
        self.assertEqual(metrics["beside_per_second"]["median"], 40)
        self.assertNotIn("cpu_us_per_request", metrics)
        self.assertNotIn("beside_per_second", result(summary.summarize(*quiet({"epoll": 1000})), "epoll")["metrics"])

    def test_a_subject_that_never_started_is_there_with_its_error(self):
        run, lines = quiet({"epoll": 1000, "epoll (again)": 1000})
        for line in lines[store.ROUNDS]:
            if line["subject"] == "epoll":
                line.update(load=None, server=None, failed="it ended", marks=["errors: it ended"])
        made = summary.summarize(run, lines)
        self.assertEqual(result(made, "epoll")["rounds_failed"], 7)
        self.assertEqual(result(made, "epoll")["metrics"], {})
        self.assertIn("nothing was measured", table.answer(made, run["workloads"][0]))

    def test_memory_is_the_slope_over_the_steps_without_the_clients_end(self):
        run, lines = quiet({"epoll": 1000})
        run["client_kernel_bytes_per_connection"] = 1024
        lines[store.MEMORY] = [{"subject": "epoll", "workload": "echo", "idle": idle, "pss_kib": 2000 + 4 * idle,
                                "kernel_kib": 500000 + 9 * idle, "failed": None} for idle in (1, 250, 500, 1000)]
        metrics = result(summary.summarize(run, lines), "epoll")["metrics"]
        self.assertAlmostEqual(metrics["pss_bytes_per_connection"]["median"], 4096)
        self.assertAlmostEqual(metrics["kernel_bytes_per_connection"]["median"], 8192)

    def test_system_calls_per_request(self):
        run, lines = quiet({"epoll": 1000})
        lines[store.SYSCALLS] = [{"subject": "epoll", "workload": "echo", "requests": 100,
                                  "calls": {"recvfrom": 110, "sendto": 100}, "failed": None}]
        metrics = result(summary.summarize(run, lines), "epoll")["metrics"]
        self.assertAlmostEqual(metrics["syscalls_per_request"]["median"], 2.1)


class ColumnsTest(unittest.TestCase):
    def test_columns_line_up(self):
        self.assertEqual(table.align([["", "a"], ["name", "12"]]), ["       a", "name  12"])

    def test_numbers_have_the_digits_that_mean_something(self):
        shown = [table.grouped(value) for value in (112345, 1234, 123.4, 12.34, 1.234, 0.0123, None)]
        self.assertEqual(shown, ["112,300", "1,234", "123", "12.3", "1.23", "0.01", "-"])


if __name__ == "__main__":
    unittest.main()
