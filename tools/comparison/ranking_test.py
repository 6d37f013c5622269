"""What ranks a workload: throughput if the server was the limit, processor time for a request if the load generator was."""

import unittest

import numpy

from comparison import diff, inference, ranking, store, summary, table

_LIMIT = ["the client was the limit"]
_TIMES = {"count": 1000, "mean": 2e5, "p50": 2e5, "p90": 2e5, "p99": 2e5, "p99.9": 2e5, "max": 2e5, "histogram": [200000, 1000]}
_ECHO = {"name": "echo", "title": "messages", "unit": "replies/s", "ranked_by": "throughput", "if_limited": "cpu_us_per_request",
         "load_flags": ["--workload=echo"]}


def line(name, number, rate, cpu_us, marks):
    return {"subject": name, "workload": "echo", "round": number, "marks": list(marks), "failed": None,
            "load": {"replies_per_second": rate, "service_ns": _TIMES, "response_ns": _TIMES, "fairness": 1.0},
            "server": {"cpu_user_s": cpu_us * 1e-3, "cpu_system_s": 0.0, "requests": 1000, "voluntary_switches": 10,
                       "involuntary_switches": 1, "connections_per_worker": [64], "work_gini": None, "threads": 1, "processes": 1,
                       "descriptors": 70, "pss_kib": 2000, "listen_overflows": 0}}


def run_of(names, rounds, workload):
    return {"subjects": [{"name": name, "kind": "model", "traits": {"place": place}} for place, name in enumerate(names)],
            "workloads": [workload], "rounds": rounds, "margin": 0.03, "unfit": [], "skipped": [],
            "fairness": {"violations": [], "remarks": []}}


def measured(figures, limited, rounds=12, workload=_ECHO):
    """(run.json's content, the lines of all kinds).

    figures  {name: (replies per second, processor time for a request in us)}
    limited  {name: in how many of its first rounds the load generator was the limit}
    """
    lines = [line(name, number, *(value * (1 + ((7 * number + 3 * place) % 5 - 2) / 400) for value in own),
                  _LIMIT if number <= limited.get(name, 0) else ())
             for number in range(1, rounds + 1) for place, (name, own) in enumerate(figures.items())]
    return run_of(figures, rounds, workload), {**{kind: [] for kind in store.KINDS}, store.ROUNDS: lines}


def need(made, name="most requests per machine"):
    return next(entry for entry in made["fronts"][0]["needs"] if entry["need"] == name)


# The load generator is the limit for the first two, which need different amounts of processor time.
_FAST = {"epoll": (40000, 6.0), "uring": (39900, 5.0), "fork": (20000, 30.0)}
_ALL_LIMITED = {"epoll": 12, "uring": 12}


class LimitedTest(unittest.TestCase):
    def setUp(self):
        self.run_json, lines = measured(_FAST, _ALL_LIMITED)
        self.made = summary.summarize(self.run_json, lines)

    def test_processor_time_ranks_and_the_summary_says_why(self):
        self.assertEqual(self.made["ranked_by"], {"echo": "cpu_us_per_request"})
        self.assertEqual(self.made["generator_was_the_limit"], {"echo": "epoll, which has the highest throughput, in 12 of 12 rounds"})
        self.assertEqual((self.made["ranking"]["echo"]["order"], self.made["ranking"]["echo"]["near"]), (["uring", "epoll", "fork"], ["uring"]))

    def test_the_answer_says_so_plainly(self):
        self.assertRegex(table.answer(self.made, self.run_json["workloads"][0]), (
            "^echo: by processor time, since the load generator, not the server, was the limit: uring is the cheapest "
            r"\(uring: 5\.\d\d us for a request, so [\d,]+ requests per second of processor time\); of that, epoll 1\.20, fork 6\.0\d times\.$"))

    def test_the_table_is_ranked_by_it_and_shows_its_spread(self):
        heading, titles, first, *_ = table.workload_table(self.made, self.run_json["workloads"][0])
        self.assertIn("messages; by processor time, since", heading)
        self.assertRegex(titles, "CPU us +spread")
        self.assertRegex(first, "^uring +best ")

    def test_throughput_that_is_the_load_generators_is_neither_equal_nor_different(self):
        said = {(one["a"], one["b"]): one["kind"] for one in self.made["verdicts"] if one["metric"] == "throughput"}
        self.assertEqual(said, {("epoll", "uring"): "open", ("epoll", "fork"): "different", ("uring", "fork"): "different"})

    def test_the_summary_says_whose_throughput_is_the_load_generators(self):
        self.assertEqual({result["subject"]: ranking.was_limited(result) for result in self.made["results"]},
                         {"epoll": True, "uring": True, "fork": False})

    def test_recommendations_go_by_the_same_figure(self):
        self.assertEqual((need(self.made)["by"], need(self.made)["take"]), ("cpu_us_per_request", "uring"))
        self.assertRegex(need(self.made)["sentence"], "us of processor time for a request .*so [0-9,]+ requests per second of processor "
                         "time; surely no other .* The load generator was the limit, not the server")
        self.assertNotIn("throughput", [axis["metric"] for axis in self.made["fronts"][0]["axes"].values() if axis])

    def test_whose_throughput_is_bounded_is_not_beaten_by_one_who_has_more_of_it(self):
        models = {model["name"]: model["beaten_by"] for model in summary.summarize(*measured(
            {"epoll": (40000, 6.0), "uring": (36000, 6.0)}, _ALL_LIMITED))["fronts"][0]["models"]}
        self.assertEqual(models, {"epoll": [], "uring": []})

    def test_two_versions_are_compared_by_it_too(self):
        run, lines = measured({"epoll (old)": (40000, 6.0), "epoll (new)": (39000, 5.0)}, {"epoll (old)": 12, "epoll (new)": 12})
        run["subjects"][1]["against"] = "epoll (old)"
        run["versions"] = ["yesterday", "this tree"]
        made = summary.summarize(run, lines)
        text = diff.text(run, made, "folder")
        self.assertIn("echo, by processor time, since the load generator, not the server, was the limit: better: epoll (-16.", text)
        self.assertRegex(text, "CPU us old +new +new/old +replies/s old")
        self.assertFalse(diff.has_worsened(run, made))


class ChoiceTest(unittest.TestCase):
    def ranked_by(self, limited, figures=None, **more):
        made = summary.summarize(*measured(figures or _FAST, limited, **more))
        return made["ranked_by"]["echo"], "echo" in made["generator_was_the_limit"]

    def test_half_of_the_rounds_of_the_best_are_enough_and_fewer_are_not(self):
        self.assertEqual(self.ranked_by({"epoll": 6}), ("cpu_us_per_request", True))
        self.assertEqual(self.ranked_by({"epoll": 5, "uring": 12, "fork": 12}), ("throughput", False))

    def test_how_far_apart_they_are_makes_no_difference(self):
        for uring in (39990, 10):
            self.assertEqual(self.ranked_by({"epoll": 6}, {**_FAST, "uring": (uring, 5.0)})[0], "cpu_us_per_request")

    def test_who_asks_for_throughput_keeps_it_with_a_warning(self):
        run, lines = measured(_FAST, _ALL_LIMITED, workload={**_ECHO, "if_limited": "throughput"})
        made = summary.summarize(run, lines)
        self.assertEqual(made["ranked_by"], {"echo": "throughput"})
        self.assertRegex(table.answer(made, run["workloads"][0]), r"are the best: .*The load generator was the limit for epoll, which .* "
                         "servers may be faster than shown")
        self.assertEqual(need(made)["by"], "throughput")
        self.assertIn("The load generator was the limit: these servers may do more", need(made)["sentence"])

    def test_without_a_processor_time_throughput_stays_with_a_warning(self):
        run, lines = measured(_FAST, _ALL_LIMITED)
        for one in lines[store.ROUNDS]:
            one["load"]["beside"] = [{"replies_per_second": 7.0}]
        made = summary.summarize(run, lines)
        self.assertEqual(made["ranked_by"], {"echo": "throughput"})
        self.assertIn("The load generator was the limit for", table.answer(made, run["workloads"][0]))
        self.assertIn("these servers may do more", need(made)["sentence"])

    def test_at_a_given_rate_response_times_rank_whoever_was_busy(self):
        workload = {**_ECHO, "ranked_by": "response_p50_us", "if_limited": "response_p50_us", "is_paced": True}
        self.assertEqual(self.ranked_by(_ALL_LIMITED, workload=workload), ("response_p50_us", False))

    def test_one_with_errors_is_not_the_best(self):
        run, lines = measured(_FAST, {"epoll": 12})
        lines[store.ROUNDS][0]["failed"] = "a wrong reply"
        self.assertEqual(summary.summarize(run, lines)["ranked_by"], {"echo": "throughput"})

    def test_a_run_from_before_that_says_nothing_of_it_keeps_throughput(self):
        workload = {name: value for name, value in _ECHO.items() if name != "if_limited"}
        self.assertEqual(self.ranked_by(_ALL_LIMITED, workload=workload), ("throughput", True))


class ErrorRateTest(unittest.TestCase):
    def test_a_choice_that_changes_from_run_to_run_makes_no_table_false_more_often(self):
        """Equal subjects, with noise in common and of their own; in half of the rounds, by chance, the load generator was the limit."""
        chance, names, rounds, runs = numpy.random.default_rng(11), "abcde", 12, 120
        subjects, wrong, metrics = run_of(names, rounds, _ECHO)["subjects"], 0, set()
        for _ in range(runs):
            common, own = chance.normal(0, 0.1, (rounds, 2)), chance.normal(0, 0.03, (rounds, len(names), 2))
            lines = [line(name, number + 1, *(numpy.exp(common[number] + own[number, place]) * (1000, 5)),
                          _LIMIT if chance.random() < 0.5 else ()) for number in range(rounds) for place, name in enumerate(names)]
            data = summary.Rounds(lines)
            metrics.add(metric := ranking.of(_ECHO, subjects, data).metric)
            said, _ = summary.decide(data, subjects, "echo", metric, 0.03, inference.looks(rounds))
            wrong += any(verdict.differs for verdict in said.values())
        self.assertEqual(metrics, {"throughput", "cpu_us_per_request"})
        self.assertLessEqual(wrong, 10)  # 5 % of 120 are 6; as many as 11 come in 4 % of such tests.


if __name__ == "__main__":
    unittest.main()
