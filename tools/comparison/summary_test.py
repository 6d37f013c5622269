"""Figures and verdicts out of recorded runs. testdata/noisy is a real run on a machine that was busy with other things."""

import copy
import os
import random
import unittest

from comparison import diff, inference, metrics, needs, store, summary, table

_NOISY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testdata", "noisy")
_EMPTY = {kind: [] for kind in store.KINDS}


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


def with_histogram(line, values):
    """The round has answered a request in each of these times, in microseconds."""
    line["load"]["response_ns"]["histogram"] = [part for value in sorted(values) for part in (round(1000 * value), 1)]


def two_versions(middles):
    """A run of two versions: model -> (replies per second of the old one, of the new one)."""
    run, lines = quiet({f"{model} ({version})": rate for model, rates in middles.items()
                        for version, rate in zip(("old", "new"), rates)})
    for subject in run["subjects"]:
        if subject["name"].endswith("(new)"):
            subject["against"] = subject["name"].replace("(new)", "(old)")
    run.update(versions=["yesterday", "this tree"], unfit=[], fairness={"violations": [], "remarks": []})
    return run, summary.summarize(run, lines)


def with_slices(run_and_lines, shape):
    """Each round in eight turns: `shape` makes the factor of a slice out of (subject, turn)."""
    run, lines = run_and_lines
    for line in lines[store.ROUNDS]:
        rate = line["load"]["replies_per_second"]
        line["load"]["slices"] = [{"turn": turn, "replies_per_second": rate * shape(line["subject"], turn), "cpu_us_per_request": 5.0}
                                  for turn in range(8)]
    return run, lines


class TailTest(unittest.TestCase):
    """A machine that stalls in half of the rounds decides what the tails of equal models look like."""

    def lowest_tail(self, promise):
        chance = random.Random(7)
        run, lines = quiet({"fork": 500, "thread": 600, "poll": 900, "epoll": 1000, "uring": 1100, "select": 800}, 5)
        run["promise"] = promise
        for line in lines[store.ROUNDS]:
            slow = 60000 if line["subject"] == "fork" else chance.choice((150, chance.uniform(500, 1500)))
            with_histogram(line, [100] * 480 + [slow] * 20)
        front = summary.summarize(run, lines)["fronts"][0]
        return next(need for need in front["needs"] if need["need"] == needs.LOWEST_TAIL)

    def test_what_a_promise_makes_of_no_account_is_decided(self):
        found = self.lowest_tail("p99<10ms")
        self.assertIn(found["take"], ("thread", "poll", "epoll", "uring", "select"))
        self.assertRegex(found["sentence"], r"surely no (other|model) is more than [\d.]+ (us|ms) and [\d.]+ % better")

    def test_without_it_they_are_open(self):
        self.assertIsNone(self.lowest_tail(None)["take"])


class SuspicionTest(unittest.TestCase):
    def test_subject_that_slows_down_within_each_round_has_a_mark(self):
        middles = {"epoll": 1000, "fork": 500, "poll": 900, "uring": 1100}
        made = summary.summarize(*with_slices(quiet(middles, 14), lambda name, turn: 0.8 if name == "uring" and turn >= 4 else 1.0))
        self.assertIn("no steady state: in the second half of a round it was 20 % slower than in the first", result(made, "uring")["marks"])
        self.assertEqual(result(made, "epoll")["marks"], [])

    def test_instrument_that_favours_the_second_name_is_accused(self):
        run, lines = quiet({"epoll": 1000, "epoll (again)": 1000}, 14)
        for line in lines[store.ROUNDS]:
            line["load"]["replies_per_second"] = 1000 + (0.1 if line["subject"].endswith("(again)") else 0)
        made = summary.summarize(run, lines)
        self.assertEqual(made["leaning"], [{"a": "epoll", "b": "epoll (again)", "higher": 14, "rounds": 14}])
        self.assertTrue(any("the instrument favours one place" in warning for warning in table.warnings(run, made)))
        self.assertEqual(summary.summarize(*quiet({"epoll": 1000, "epoll (again)": 1000}, 14))["leaning"], [])


class VersionsTest(unittest.TestCase):
    def test_each_new_one_is_compared_with_its_old_one_alone(self):
        _, made = two_versions({"epoll": (1000, 1000), "fork": (500, 400)})
        self.assertEqual({(entry["a"], entry["b"]) for entry in made["verdicts"]},
                         {("epoll (new)", "epoll (old)"), ("fork (new)", "fork (old)")})

    def test_what_has_become_better_or_worse_is_said_first(self):
        run, made = two_versions({"epoll": (1000, 1200), "fork": (500, 400), "poll": (900, 900)})
        text = diff.text(run, made, "folder")
        self.assertIn("echo, throughput: better: epoll (+20", text)
        self.assertIn("worse: fork (-", text)
        self.assertIn("equal within 3 %: poll", text)
        self.assertTrue(diff.has_worsened(run, made))

    def test_less_processor_time_is_better(self):
        self.assertEqual(diff.word({"ratio": 0.8, "kind": "different"}, "cpu_us_per_request"), "better")
        self.assertEqual(diff.word({"ratio": 0.8, "kind": "different"}, "throughput"), "worse")

    def test_a_version_that_failed_has_no_verdict(self):
        run, made = two_versions({"epoll": (1000, 1000)})
        made["verdicts"] = []
        self.assertIn("not measured without errors: epoll", diff.text(run, made, "folder"))
        self.assertFalse(diff.has_worsened(run, made))


class RecordedTest(unittest.TestCase):
    def test_a_against_a_is_never_called_a_difference(self):
        made = summary.summarize(*recorded())
        self.assertEqual({(twin["a"], twin["b"]) for twin in made["twins"]}, {("epoll", "epoll (again)")})
        self.assertFalse(any(twin["differs"] for twin in made["twins"]), made["twins"])

    def test_halves_of_the_same_rounds_are_not_called_different_either(self):
        rounds = summary.Rounds(recorded()[1][store.ROUNDS])
        for subject in ("epoll", "thread", "threadpool"):
            for metric in ("throughput", "service_p50_us", "cpu_us_per_request"):
                values = rounds.values(subject, "echo", metric)
                odd = {number // 2: value for number, value in values.items() if number % 2}
                even = {number // 2 - 1: value for number, value in values.items() if number % 2 == 0}
                verdict_of = inference.verdicts({("odd", "even"): inference.paired(odd, even)}, alpha=0.01)
                self.assertFalse(verdict_of["odd", "even"].differs, (subject, metric))

    def test_the_same_data_gives_the_same_whatever_the_order_of_the_lines(self):
        run, lines = recorded()
        again = {**lines, store.ROUNDS: list(reversed(lines[store.ROUNDS]))}
        self.assertEqual(summary.summarize(run, lines)["ranking"], summary.summarize(run, again)["ranking"])
        self.assertEqual(summary.summarize(run, lines), summary.summarize(run, lines))

    def test_a_real_difference_is_found_even_in_noise(self):
        made = summary.summarize(*recorded())
        self.assertEqual(verdict(made, "epoll", "thread", "cpu_us_per_request")["kind"], "different")

    def test_a_run_of_which_only_a_part_is_there_can_be_summed_up(self):
        run, lines = recorded()
        made = summary.summarize(run, {**lines, store.ROUNDS: lines[store.ROUNDS][:3]})
        self.assertEqual({entry["kind"] for entry in made["verdicts"]}, {"open"})
        self.assertEqual(summary.summarize(run, dict(_EMPTY))["results"], [])

    def test_the_table_reads_the_answer_first(self):
        run, lines = recorded()
        text = table.text(run, summary.summarize(run, lines), "results/x")
        self.assertTrue(text.startswith("ATTENTION: the machine was busy with other things"), text)
        self.assertTrue(text.splitlines()[2].startswith("echo: epoll is the fastest (epoll: 36,560 "), text)
        self.assertIn("mark  thread: other programs took", text)
        self.assertIn("12/12", text)


class QuietTest(unittest.TestCase):
    def test_ranking_and_answer(self):
        run, lines = quiet({"epoll": 1000, "poll": 1001, "fork": 500, "epoll (again)": 1000}, rounds=20)
        made = summary.summarize(run, lines)
        self.assertEqual(sorted(made["ranking"]["echo"]["near"]), ["epoll", "poll"])
        self.assertEqual(made["ranking"]["echo"]["order"][-1], "fork")
        self.assertAlmostEqual(made["ranking"]["echo"]["shares"]["fork"]["middle"], 0.5, delta=0.01)
        self.assertEqual([verdict(made, "epoll", name)["kind"] for name in ("fork", "poll")], ["different", "equal"])
        self.assertAlmostEqual(verdict(made, "epoll", "fork")["ratio"], 2, delta=0.05)
        self.assertRegex(table.answer(made, run["workloads"][0]),
                         "are the best: surely none is more than 3 % better.*fork 0.50 times")
        self.assertIn("different", "\n".join(table.workload_table(made, run["workloads"][0])))

    def test_what_is_equal_depends_on_the_margin(self):
        run, lines = quiet({"epoll": 1000, "poll": 1020}, rounds=20)
        self.assertEqual(verdict(summary.summarize({**run, "margin": 0.05}, lines), "epoll", "poll")["kind"], "equal")
        self.assertEqual(verdict(summary.summarize({**run, "margin": 0.005}, lines), "epoll", "poll")["kind"], "different")

    def test_where_it_is_open_the_answer_says_so_and_how_long_it_would_take(self):
        run, lines = quiet({"epoll": 1000, "poll": 1010}, rounds=3)
        for line in lines[store.ROUNDS]:
            line["load"]["replies_per_second"] *= 1 + 0.3 * ((line["round"] + len(line["subject"])) % 2)
        made = summary.summarize(run, lines)
        self.assertEqual(verdict(made, "epoll", "poll")["kind"], "open")
        self.assertRegex(table.answer(made, run["workloads"][0]), "open: .* best figures, and so may have .* rounds would")

    def test_where_requests_are_due_at_a_rate_the_quickest_is_the_best(self):
        run, lines = quiet({"epoll": 1000, "fork": 1001, "epoll (again)": 1000})
        run["workloads"][0]["ranked_by"] = "response_p50_us"
        for line in lines[store.ROUNDS]:
            line["load"]["response_ns"]["p50"] = 9_000_000 if line["subject"] == "fork" else 3_000_000
        made = summary.summarize(run, lines)
        self.assertEqual((made["ranking"]["echo"]["order"], made["ranking"]["echo"]["near"]), (["epoll", "fork"], ["epoll"]))
        self.assertRegex(table.answer(made, run["workloads"][0]), "quickest to respond.*3,000 us.*fork 3.00 times")

    def test_percentiles_are_of_all_rounds_together(self):
        run, lines = quiet({"epoll": 1000}, rounds=8)
        for line in lines[store.ROUNDS]:
            with_histogram(line, [200] * 990 + ([50000] * 90 if line["round"] % 4 == 0 else []))
        metrics = result(summary.summarize(run, lines), "epoll")["metrics"]
        self.assertAlmostEqual(metrics["response_p99_us"]["median"], 50000)
        self.assertAlmostEqual(metrics["service_p99_us"]["median"], 50000)

    def test_a_time_has_no_bound_below_nothing_however_few_and_noisy_the_rounds_are(self):
        run, lines = quiet({"epoll": 1000}, rounds=3)
        for line in lines[store.ROUNDS]:
            line["load"]["response_ns"]["mean"] = 1e5 * 7**line["round"]
        mean = result(summary.summarize(run, lines), "epoll")["metrics"]["response_mean_us"]
        self.assertAlmostEqual(mean["median"], 4900)
        self.assertGreater(mean["low"], 0)

    def test_requests_that_still_waited_at_the_end_were_slower_than_all(self):
        run, lines = quiet({"epoll": 1000})
        for line in lines[store.ROUNDS]:
            with_histogram(line, [200] * 900 + [7000])
            line["load"]["overdue"] = 50
        metrics = result(summary.summarize(run, lines), "epoll")["metrics"]
        self.assertAlmostEqual(metrics["response_p99_us"]["median"], 7000)

    def test_who_misses_the_rate_is_not_better_for_it(self):
        run, lines = quiet({"epoll": 1000, "fork": 1000}, rounds=20)
        missed = "the rate was not reached: 600 replies per second came of 1000 that were due"
        for line in lines[store.ROUNDS]:
            if line["subject"] == "fork" and line["round"] % 4 == 0:
                line.update(failed=missed, marks=["errors: " + missed])
                line["load"]["replies_per_second"] = 600
        made = summary.summarize(run, lines)
        self.assertEqual(result(made, "fork")["rounds_failed"], 5)
        self.assertEqual(result(made, "fork")["metrics"]["throughput"]["n"], 20)
        self.assertLess(result(made, "fork")["metrics"]["throughput"]["low"], 950)
        self.assertEqual(made["ranking"]["echo"]["order"][0], "epoll")

    def test_nothing_has_to_be_measured_twice(self):
        run, lines = quiet({"epoll": 1000, "fork": 500})
        self.assertEqual(verdict(summary.summarize(run, lines), "epoll", "fork")["kind"], "different")

    def test_what_differs_from_itself_is_told_first(self):
        run, lines = quiet({"epoll": 1000, "epoll (again)": 1200})
        self.assertIn("measured twice, it differed from itself: epoll (echo, throughput)",
                      table.text(run, summary.summarize(run, lines), "results/x").splitlines()[0])

    def test_memory_is_shown_with_its_interval_also_below_zero(self):
        run, lines = quiet({"threadpool": 1000})
        lines[store.MEMORY] = [{"subject": "threadpool", "workload": "echo", "idle": idle, "pss_kib": 2000 + 13 * idle,
                                "kernel_kib": 500000 - 8 * idle + noise, "failed": None}
                               for idle, noise in ((1, 900), (250, -900), (500, 900), (750, -900), (1000, 900))]
        shown = "\n".join(table.workload_table(summary.summarize(run, lines), run["workloads"][0]))
        self.assertRegex(shown, r"-11\.4 ±4\.59")

    def test_a_round_with_errors_is_marked_and_does_not_count(self):
        run, lines = quiet({"epoll": 1000, "epoll (again)": 1000})
        bad = next(line for line in lines[store.ROUNDS] if line["subject"] == "epoll")
        bad.update(failed="5 requests got no reply", marks=["errors: 5 requests got no reply"])
        bad["load"]["replies_per_second"] = 10**9
        made = result(summary.summarize(run, lines), "epoll")
        self.assertEqual((made["rounds"], made["rounds_failed"]), (7, 1))
        self.assertLess(made["metrics"]["throughput"]["high"], 2000)
        self.assertEqual(made["marks"], ["errors: 5 requests got no reply (1 of 7 rounds)"])

    def test_processor_time_in_steps_of_10_ms_is_that_of_the_round_not_of_its_slices(self):
        run, lines = quiet({"epoll": 1000})
        for line in lines[store.ROUNDS]:
            line["server"].update(cpu_user_s=0.05, cpu_system_s=0.0, requests=1000, cpu_counts_all_children=False)
            line["load"]["slices"] = [{"turn": turn, "replies_per_second": 1000, "cpu_us_per_request": cpu}
                                      for turn, cpu in enumerate((0, 0, 100, 100))]
        self.assertAlmostEqual(result(summary.summarize(run, lines), "epoll")["metrics"]["cpu_us_per_request"]["median"], 50)

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


    def test_what_a_subject_does_not_take_part_in_has_no_result(self):
        run, lines = quiet({"epoll": 1000})
        run["workloads"] = [*run["workloads"], {**run["workloads"][0], "name": "http"}]
        lines[store.MEMORY] = [{"subject": "epoll", "workload": "echo", "idle": idle, "pss_kib": 2000 + 4 * idle,
                                "kernel_kib": 500000 + 9 * idle, "failed": None} for idle in (1, 250, 500, 1000)]
        self.assertEqual([entry["workload"] for entry in summary.summarize(run, lines)["results"]], ["echo"])

    def test_a_model_that_burns_a_processor_leaves_the_recommendation_to_others(self):
        run, lines = quiet({"nonblock": 1000, "epoll": 900}, rounds=20)
        run["subjects"][0]["traits"] = {"flags": ["poll_interval"]}
        ranking = summary.summarize(run, lines)["ranking"]["echo"]
        self.assertEqual((ranking["near"], ranking["near_of_models"]), (["nonblock"], ["epoll"]))


class FairnessTest(unittest.TestCase):
    def measured(self, fairness):
        """(run, summary) of models with a fairness each, ranked by it."""
        run, lines = quiet(dict.fromkeys(fairness, 1000), rounds=12)
        run["workloads"][0]["ranked_by"] = "fairness"
        for line in lines[store.ROUNDS]:
            line["load"].update(fairness=fairness[line["subject"]] * (1 - 0.001 * ((line["round"] + len(line["subject"])) % 5)))
        return run, summary.summarize(run, lines)

    def test_models_can_be_ranked_by_it(self):
        run, made = self.measured({"thread": 0.8, "epoll": 0.99, "poll": 0.985})
        self.assertEqual(made["ranking"]["echo"]["order"], ["epoll", "poll", "thread"])
        self.assertEqual([verdict(made, "epoll", name, "fairness")["kind"] for name in ("poll", "thread")], ["equal", "different"])
        self.assertRegex(table.answer(made, run["workloads"][0]), r"are the best: .*\(epoll: 0\.98\d of 1\); of that, thread 0\.81 times")

    def test_it_has_a_column_and_bounds_up_to_1(self):
        run, made = self.measured({"thread": 0.9, "epoll": 1.0})
        figure = result(made, "epoll")["metrics"]["fairness"]
        self.assertTrue(0.99 < figure["low"] < figure["median"] <= figure["high"] <= 1)
        titles, first = table.workload_table(made, run["workloads"][0])[1:3]
        self.assertRegex(titles, "fairness +spread")
        self.assertRegex(first, r"^epoll +best .* 0\.99\d +±0\.\d %")

    def test_at_a_rate_connections_are_not_to_get_the_same(self):
        _, lines = quiet({"epoll": 1000})
        line = lines[store.ROUNDS][0]
        self.assertIsNotNone(metrics.METRICS["fairness"][2](line))
        line["load"]["due"] = 500
        self.assertIsNone(metrics.METRICS["fairness"][2](line))

    def test_a_few_replies_each_do_not_show_it(self):
        _, lines = quiet({"epoll": 1000})
        line = lines[store.ROUNDS][0]
        line["load"].update(connections=8, replies=8 * 5 * 3, slices=[{}] * 3)
        self.assertIsNotNone(metrics.METRICS["fairness"][2](line))
        line["load"]["replies"] -= 1
        self.assertIsNone(metrics.METRICS["fairness"][2](line))


class ColumnsTest(unittest.TestCase):
    def test_columns_line_up(self):
        self.assertEqual(table.align([["", "a"], ["name", "12"]]), ["       a", "name  12"])

    def test_numbers_have_the_digits_that_mean_something(self):
        shown = [table.grouped(value) for value in (112345, 1234, 123.4, 12.34, 1.234, 0.0123, None)]
        self.assertEqual(shown, ["112,300", "1,234", "123", "12.3", "1.23", "0.01", "-"])


if __name__ == "__main__":
    unittest.main()
