"""What is measured at given rates, with resident servers that are simulated."""

import dataclasses
import math
import unittest

import numpy

from comparison import fixed_rate, metrics, order, promise, rated, rated_table, slices, summary, table, workloads
from comparison.processes import ServerError
from comparison.resident import Slice

_ECHO = workloads.choose(["echo"])[0]
_P99 = promise.parse("p99<10ms")


@dataclasses.dataclass(frozen=True)
class Subject:
    """Answers so many requests a second at most, each with so many microseconds of processor time."""

    name: str
    most: float
    cpu_us: float = 10.0
    kind: str = "model"


class Resident:
    """As comparison.resident has it: quick below what it can do, late above. Keeps what it was asked."""

    asked, disturbed = [], []
    generators_limit = math.inf

    def __init__(self, subject, workload, _setting, _load, seed):
        if subject.most == 0:
            raise ServerError("it ended at once")
        self._subject, self._chance = subject, numpy.random.default_rng(seed)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def slice(self, seconds, rate=None):
        Resident.asked.append((self._subject.name, round(rate, 6), seconds))
        due = int(rate * seconds)
        is_late = rate > min(self._subject.most, Resident.generators_limit)
        ns = 50_000_000 if is_late else 200_000
        times = {"count": due, "mean": float(ns), "max": ns, "p50": ns, "p90": ns, "p99": ns, "p99.9": ns, "histogram": [ns, due]}
        is_limited = rate > Resident.generators_limit
        report = {"seconds": seconds, "replies": due, "replies_in_all": due, "replies_per_second": due / seconds, "connections": 64,
                  "fairness": 1.0, "response_ns": times, "service_ns": times, "overdue": 0, "faults": [], "errors": {},
                  "error_causes": {}, "busiest_thread": 0.95 if is_limited else 0.3, "waited_for_processor": 0.0,
                  "generator_was_the_limit": is_limited}
        cpu_s = due * self._subject.cpu_us * (1 + 0.01 * self._chance.standard_normal()) / 1e6
        others_s = Resident.disturbed.pop(0) if Resident.disturbed else 0.0
        return Slice(report, 0.3 * cpu_s, 0.7 * cpu_s, others_s, 0.0, seconds, 0, None)


class Case(unittest.TestCase):
    def setUp(self):
        Resident.asked, Resident.disturbed, Resident.generators_limit = [], [], math.inf


class CostTest(Case):
    def lines(self, subjects, rates):
        return rated.cost(Resident, subjects, _ECHO, None, None, 1, rates)

    def test_all_get_the_same_rates_in_turns(self):
        lines = self.lines([Subject("a", 5000), Subject("b", 9000, 20)], fixed_rate.Rates(3000, 300, "a", {}))
        self.assertEqual({(line["subject"], line["point"], line["rate"]) for line in lines},
                         {("a", "given", 3000), ("b", "given", 3000), ("a", "low", 300), ("b", "low", 300)})
        given = [name for name, rate, _ in Resident.asked if rate == 3000]
        self.assertEqual(sorted(given[:2]), sorted(given[2:]))
        line = next(line for line in lines if (line["subject"], line["point"]) == ("b", "given"))
        self.assertEqual([one["turn"] for one in line["load"]["slices"]], [0, 1])
        self.assertEqual(line["server"]["requests"], 2 * round(3000 * rated.SLICE_S))
        self.assertAlmostEqual(metrics.METRICS["cpu_us_per_request"][2](line), 20, delta=1)

    def test_who_cannot_carry_the_rate_gets_the_low_one_alone_and_the_line_says_why(self):
        lines = self.lines([Subject("a", 5000), Subject("b", 100)], fixed_rate.Rates(3000, 60, "a", {"b": "too slow"}))
        self.assertEqual({rate for name, rate, _ in Resident.asked if name == "b"}, {60})
        self.assertEqual([line["left_out"] for line in lines if line.get("left_out")], ["too slow"])

    def test_a_low_rate_gets_longer_slices(self):
        self.lines([Subject("a", 5000)], fixed_rate.Rates(300, 30, "a", {}))
        self.assertGreaterEqual(next(seconds for _, rate, seconds in Resident.asked if rate == 30), 25 / 30)

    def test_a_slice_that_others_have_disturbed_is_measured_again_as_long_as_that_is_rare(self):
        Resident.disturbed = [0.2]
        lines = self.lines([Subject("a", 5000)], fixed_rate.Rates(3000, 300, "a", {}))
        self.assertEqual(len(Resident.asked), 4)
        self.assertEqual(lines[0]["replaced"], 1)
        Resident.asked, Resident.disturbed = [], [0.2] * 20
        self.lines([Subject("a", 5000)], fixed_rate.Rates(3000, 300, "a", {}))
        self.assertEqual(len(Resident.asked), 4)

    def test_who_does_not_start_has_lines_that_say_so(self):
        lines = self.lines([Subject("a", 0), Subject("b", 5000)], fixed_rate.Rates(3000, 300, "b", {}))
        self.assertEqual({line["failed"] for line in lines if line["subject"] == "a"}, {"it ended at once"})
        self.assertEqual({line["failed"] for line in lines if line["subject"] == "b"}, {None})

    def test_without_a_throughput_there_is_no_rate(self):
        self.assertEqual([line["failed"] is None for line in self.lines([Subject("a", 5000)], None)], [False])


class PromiseTest(Case):
    def lines(self, subjects, first, seed=1):
        return rated.promises(Resident, subjects, _ECHO, None, None, seed, _P99, first)

    def found(self, lines, name):
        return promise.highest([promise.of_json(line["probes"]) for line in lines if line["subject"] == name], [[1]])[0]

    def test_each_has_its_own_search_in_turns(self):
        subjects = [Subject("a", 4000), Subject("b", 9000)]
        lines = self.lines(subjects, {"a": (3000, False), "b": (3000, False)})
        self.assertAlmostEqual(self.found(lines, "a") / 4000, 1, delta=0.05)
        self.assertAlmostEqual(self.found(lines, "b") / 9000, 1, delta=0.05)
        names = [name for name, _, _ in Resident.asked]
        self.assertTrue(all(set(names[place:place + 2]) == {"a", "b"} for place in range(0, len(names), 2)))

    def test_a_probe_keeps_its_times_for_the_load_curve(self):
        line, = self.lines([Subject("a", 4000)], {"a": (3000, False)})
        for probe in promise.of_json(line["probes"]):
            us = 200.0 if probe.rate <= 4000 else 50_000.0
            self.assertEqual(probe.times, {"requests": int(probe.rate * 0.5), "p50_us": us, "p90_us": us, "p99_us": us, "p999_us": us})

    def test_a_slice_without_replies_has_no_times(self):
        good = Resident(Subject("a", 4000), _ECHO, None, None, 1).slice(0.5, 1000)
        nothing = {**good.report, "response_ns": {"count": 0}}
        self.assertIsNone(rated.times_of(dataclasses.replace(good, report=nothing)))
        self.assertIsNone(rated.times_of(dataclasses.replace(good, report=None, failed="it ended")))

    def test_a_later_start_begins_where_the_earlier_ones_ended(self):
        earlier = [{"round": 1, **line} for line in self.lines([Subject("a", 4000)], {"a": (1000, False)})]
        rate, is_near = rated.first_rates(earlier, {"a": 100000})["a"]
        self.assertTrue(is_near)
        self.assertAlmostEqual(rate / 4000, 1, delta=0.05)
        Resident.asked = []
        self.lines([Subject("a", 4000)], {"a": (rate, True)})
        self.assertEqual(len(Resident.asked), rated.PROBES)

    def test_what_was_kept_nowhere_is_begun_from_the_throughput_again(self):
        line = {"subject": "a", "probes": promise.as_json([promise.Probe(10, False)] * 5)}
        self.assertEqual(rated.first_rates([line], {"a": 1000}), {"a": (800, False)})

    def test_the_generators_limit_is_said(self):
        Resident.generators_limit = 2000
        line, = self.lines([Subject("a", 4000)], {"a": (1000, False)})
        self.assertEqual(line["marks"], ["the client was the limit"])
        self.assertTrue(promise.is_at_least([promise.of_json(line["probes"])]))

    def test_a_slice_with_errors_has_not_kept_the_promise(self):
        good = Resident(Subject("a", 4000), _ECHO, None, None, 1).slice(0.5, 1000)
        self.assertEqual(rated.keeps(_P99, good), (True, False))
        self.assertEqual(rated.keeps(_P99, dataclasses.replace(good, failed="3 replies were wrong")), (False, False))
        self.assertEqual(rated.keeps(_P99, dataclasses.replace(good, report=None, failed="it ended")), (False, False))
        late = dataclasses.replace(good, report={**good.report, "overdue": 100}, failed="the rate was not reached: x")
        self.assertEqual(rated.keeps(_P99, late), (False, False))


def run_of(subjects, rounds=6):
    """(run.json's content, lines) of a run with all parts."""
    names = [subject.name for subject in subjects]
    run = {"subjects": [{"name": name, "kind": "model", "flags": [], "traits": {"place": place, "flags": [], "crash": "all",
                                                                                "long_work": "all", "silent": "harmless"}}
                        for place, name in enumerate(names)],
           "workloads": [{**_ECHO.as_json()}], "rounds": rounds, "margin": 0.03, "promise": "p99<10ms",
           "rounds_of": {"cost": rounds, "promise": rounds}}
    lines = {"rounds": [], "cost": [], "promise": [], "quiet": [], "memory": [], "idle": [], "scaling": [], "syscalls": []}
    chance = numpy.random.default_rng(1)
    rates = fixed_rate.rates({subject.name: subject.most for subject in subjects}, names)
    for number in range(1, rounds + 1):
        key = {"round": number, "workload": "echo"}
        for row in order.rounds(subjects, 1, str(number)):
            for subject in row:
                one = Resident(subject, _ECHO, None, None, number).slice(0.5, subject.most)
                line = {**key, "subject": subject.name, "failed": None, "marks": [], "load": {**one.report}}
                line["load"]["replies_per_second"] *= math.exp(0.01 * chance.standard_normal())
                for kind in ("service_ns", "response_ns"):
                    line["load"][kind] = slices.merged([one.report])[kind]
                line["server"] = {"cpu_user_s": one.cpu_user_s, "cpu_system_s": one.cpu_system_s, "requests": one.report["replies"],
                                  "connections_per_worker": [64], "work_gini": None, "threads": 1, "processes": 1, "descriptors": 1,
                                  "pss_kib": 1000, "listen_overflows": 0, "voluntary_switches": 1, "involuntary_switches": 0}
                lines["rounds"].append(line)
                share = 0.2 if subject.name == "nonblock" else 0.0001
                lines["quiet"].append({**key, "subject": subject.name, "failed": None, "marks": [], "load": None, "server": {
                    "cpu_user_s": 0.5 * share, "cpu_system_s": 0, "seconds": 0.5, "start_s": 0.01 + number / 1e4, "drain_s": 0.002}})
        lines["cost"] += [{**key, **line} for line in rated.cost(Resident, subjects, _ECHO, None, None, number, rates)]
        first = rated.first_rates([line for line in lines["promise"]], {subject.name: subject.most for subject in subjects})
        found = rated.promises(Resident, subjects, _ECHO, None, None, number, _P99, first)
        lines["promise"] += [{**key, **line} for line in found]
    for subject in subjects:
        lines["memory"] += [{"subject": subject.name, "workload": "echo", "idle": idle, "kernel_kib": 9000 + 8 * idle,
                             "pss_kib": 2000 + subject.cpu_us / 10 * idle + idle % 3, "failed": None}
                            for idle in (1, 250, 500, 750, 1000)]
    return run, lines


class SummaryTest(Case):
    """All parts together, of servers that are so good by their cost."""

    def setUp(self):
        super().setUp()
        self.run_json, self.lines = run_of([Subject("nonblock", 20000, 9), Subject("poll", 10000, 20), Subject("epoll", 10000, 20),
                                            Subject("thread", 6000, 40), Subject("fork", 1000, 100)])
        self.made = summary.summarize(self.run_json, self.lines)

    def metrics(self, name):
        return next(result["metrics"] for result in self.made["results"] if result["subject"] == name)

    def model(self, name):
        return next(model for model in self.made["fronts"][0]["models"] if model["name"] == name)

    def need(self, name):
        return next(need for need in self.made["fronts"][0]["needs"] if need["need"] == name)

    def test_figures_of_all_parts_have_intervals(self):
        metrics = self.metrics("epoll")
        for metric, true in (("given_cpu_us", 20), ("low_cpu_us", 20), ("given_mean_us", 200), ("idle_share", 0.0001),
                             ("capacity", 10000), ("connection_bytes", 10 * 1024), ("start_ms", 10.35), ("drain_ms", 2)):
            self.assertAlmostEqual(metrics[metric]["median"] / true, 1, delta=0.06, msg=metric)
            self.assertLessEqual(metrics[metric]["low"], metrics[metric]["median"])

    def test_who_gets_no_requests_at_the_given_rate_is_worse_than_all_that_do(self):
        self.assertNotIn("given_cpu_us", self.metrics("fork"))
        self.assertIn("epoll", self.model("fork")["beaten_by"])
        marks = next(result["marks"] for result in self.made["results"] if result["subject"] == "fork")
        self.assertEqual(marks, ["no requests at the given rate: it answers 1,000 requests a second at most, and 3,600 are given"])

    def test_the_front_names_its_metrics(self):
        axes = self.made["fronts"][0]["axes"]
        self.assertEqual({axis: entry["metric"] for axis, entry in axes.items()},
                         {"capacity": "capacity", "tail": "given_p99_us", "cost": "given_cpu_us", "memory": "connection_bytes"})
        self.assertEqual(self.made["fronts"][0]["given_rate"], 3600)
        self.assertFalse(self.model("thread")["is_on_front"])

    def test_a_model_that_burns_a_processor_is_not_recommended(self):
        self.assertNotIn("nonblock", [need["take"] for need in self.made["fronts"][0]["needs"]])
        self.assertIn("nothing else to do", self.need("most requests per machine")["sentence"])

    def test_the_simplest_that_keeps_the_promise(self):
        self.assertEqual(self.need("simplest that meets your promise")["take"], "poll")

    def test_models_are_ranked_by_what_was_asked_for(self):
        for by, best in (("cost", "nonblock"), ("capacity", "nonblock"), ("tail", None), ("memory", None)):
            self.run_json["workloads"][0]["ranked_by"] = _ECHO.metric_by(by)
            made = summary.summarize(self.run_json, self.lines)
            ranking = made["ranking"]["echo"]
            self.assertTrue(ranking["order"], by)
            if best:
                self.assertEqual((ranking["order"][0], ranking["near"]), (best, [best]), by)

    def test_the_terminal_has_the_needs_first_and_a_table_of_the_same_rate(self):
        workload = self.run_json["workloads"][0]
        said = rated_table.needs(self.made, workload)
        self.assertRegex(said[0], r"^  most requests per machine +poll and epoll are equal: .*Take poll, the simplest of them: ")
        self.assertRegex(said[-1], "^  beaten by another model +thread and fork: it is surely not worse .* Not beaten: nonblock, poll and")
        shown = rated_table.lines(self.made, workload, ["epoll", "fork"], "p99<10ms")
        self.assertEqual(shown[0], "echo, at 3,600 a second")
        self.assertRegex(shown[1], "CPU us +mean us +p99 us +p99.9 us +low CPU us +p99<10ms up to +idle % +start ms +drain ms")
        self.assertRegex(shown[2], r"^epoll +20\.\d ±0\.\d+ +200 ±\d")
        self.assertRegex(shown[3], r"^fork +- +- +- +- +100 ±")

    def test_a_wide_interval_is_shown_by_its_bounds(self):
        self.made["results"][2]["metrics"]["given_p99_us"] = {"median": 500.0, "low": 100.0, "high": 9000.0, "n": 3, "unit": "us"}
        shown = rated_table.lines(self.made, self.run_json["workloads"][0], ["epoll"], "p99<10ms")
        self.assertIn("500 (100 to 9,000)", shown[2])

    def test_the_best_is_named_by_what_models_are_ranked_by(self):
        workload = self.run_json["workloads"][0]
        for by, words in (("cost", "echo: nonblock is the cheapest at the same rate (nonblock: 8.98 us of"),
                          ("capacity", "echo: nonblock is the one that keeps p99<10ms at the highest rate")):
            workload["ranked_by"] = _ECHO.metric_by(by)
            self.assertIn(words, table.answer(summary.summarize(self.run_json, self.lines), workload))

    def test_a_run_without_these_parts_has_a_front_of_its_rounds(self):
        made = summary.summarize(self.run_json, {**self.lines, "cost": [], "promise": [], "quiet": [], "memory": []})
        axes = made["fronts"][0]["axes"]
        self.assertEqual((axes["capacity"]["metric"], axes["cost"]["metric"], axes["memory"]),
                         ("throughput", "cpu_us_per_request", None))
        self.assertNotIn("capacity", {verdict["metric"] for verdict in made["verdicts"]})


if __name__ == "__main__":
    unittest.main()
