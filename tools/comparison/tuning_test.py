"""Tuning: which settings are tried, races that are run with servers that are made up, and what is said of them."""

import csv
import dataclasses
import io
import os
import random
import subprocess
import tempfile
import unittest
import unittest.mock

from comparison import check, plan, processes, runner, schema, store, subjects, summary, table, workloads
from comparison.tuning import flags, race, report, settings, text

HELP = """\
server: serves files and more

  server --model=epoll

Flags of single models:
  --trigger=level|edge    epoll, libevent: a ready socket is told again and again, or once (default: level)
  --workers=N             pools: how many workers there are
                          (default: 4)
  --accept=shared|lock|pass|reuseport|bpf
                          how workers share the listeners (default: shared)
  --wake=one|all          how many of the workers a client wakes (default: one)
  --accept_batch=N        event loops: how many clients (default: 64)
  --[no]defer_taskrun     uring: the kernel works on completions when the loop waits
                          (default: true)
  --registered            uring: operations name sockets by a place in a table of the ring
  --lock=mutex|file       what the lock is (default: mutex)
"""
KNOWN = flags.known(HELP)
LOOP = {"silent": "harmless", "flags": ["trigger", "workers", "accept", "accept_batch", "wake", "defer_taskrun", "registered"], "place": 1}
POOL = {"silent": "one of N", "flags": ["workers", "accept", "wake", "lock"], "place": 2}
FACTS = flags.Facts(1, 64, True, False)


def model(name="epoll", traits=LOOP, more=()):
    return subjects.Model(" ".join([name, *more]), name, tuple(more), "server", traits)


class FlagsTest(unittest.TestCase):
    def test_values_and_defaults_are_those_of_the_help(self):
        self.assertEqual(KNOWN["trigger"], flags.Known(("level", "edge"), "level", False))
        self.assertEqual(KNOWN["workers"].default, "4")
        self.assertEqual(KNOWN["defer_taskrun"].others(), [flags.OFF])
        self.assertEqual(KNOWN["registered"].others(), [flags.ON])

    def test_a_setting_is_written_as_flags(self):
        self.assertEqual(flags.as_flags({"workers": 2, "defer_taskrun": flags.OFF, "registered": flags.ON}, KNOWN),
                         ["--workers=2", "--nodefer_taskrun", "--registered"])

    def test_no_flag_is_both_tuned_and_not(self):
        tuned = [row.flag for row in flags.ROWS]
        self.assertEqual(len(tuned), len(set(tuned)))
        self.assertEqual(set(tuned) & flags.NOT_TUNED.keys(), set())


class SettingsTest(unittest.TestCase):
    def test_each_value_is_tried_alone_with_what_it_needs(self):
        found = settings.singles(model(), KNOWN, FACTS)
        self.assertIn({"trigger": "edge"}, found)
        self.assertIn({"workers": 2, "accept": "pass"}, found)
        self.assertNotIn({"trigger": "level"}, found)
        self.assertFalse(any(setting.get("accept") in ("bpf", "lock") for setting in found))
        self.assertIn({"accept": "lock"}, settings.singles(model("prefork", POOL), KNOWN, dataclasses.replace(FACTS, is_pool=True)))

    def test_the_first_value_of_each_flag_comes_before_second_ones(self):
        found = settings.singles(model(), KNOWN, FACTS)
        self.assertLess(found.index({"registered": flags.ON}), found.index({"workers": 2, "accept": "reuseport"}))

    def test_with_several_processors_flags_that_share_work_need_no_workers(self):
        found = settings.singles(model(), KNOWN, dataclasses.replace(FACTS, processors=4))
        self.assertIn({"accept": "pass"}, found)
        self.assertNotIn({"workers": 4}, found)  # It is the default.

    def test_a_pool_whose_clients_stay_has_no_fewer_workers_than_clients(self):
        def numbers(keeps):
            facts = dataclasses.replace(FACTS, keeps=keeps, is_pool=True)
            return [setting["workers"] for setting in settings.singles(model("prefork", POOL), KNOWN, facts) if "workers" in setting]
        self.assertTrue(all(number >= 64 for number in numbers(True)))
        self.assertTrue(any(number < 64 for number in numbers(False)))

    def test_what_the_user_has_fixed_is_left_alone(self):
        found = settings.singles(model(more=["--accept_batch=8", "--nodefer_taskrun"]), KNOWN, FACTS)
        self.assertFalse(any(setting.keys() & {"accept_batch", "defer_taskrun"} for setting in found))

    def test_the_default_comes_first_and_combinations_last(self):
        found = settings.choose(model(), KNOWN, FACTS, 40, 1, lambda one: None)
        alone = settings.singles(model(), KNOWN, FACTS)
        self.assertEqual(found.tried[0], model())
        self.assertEqual(len(found.tried), 40)
        self.assertEqual(found.known, 1 + len(alone))
        self.assertTrue(all(len(one.flags) > 1 for one in found.tried[1 + len(alone):]))
        self.assertEqual(len({one.name for one in found.tried}), 40)
        self.assertEqual(found, settings.choose(model(), KNOWN, FACTS, 40, 1, lambda one: None))
        self.assertNotEqual(found, settings.choose(model(), KNOWN, FACTS, 40, 2, lambda one: None))

    def test_what_the_server_refuses_is_told_and_in_no_combination(self):
        def refuses(one):
            return "not here" if "--trigger=edge" in one.flags else None
        found = settings.choose(model(), KNOWN, FACTS, 40, 1, refuses)
        self.assertEqual(found.refused, (("epoll --trigger=edge", "not here"),))
        self.assertFalse(any("--trigger=edge" in one.flags for one in found.tried))

    def test_what_is_refused_with_what_it_needs_is_in_no_combination_either(self):
        def refuses(one):
            return "not here" if "--accept=pass" in one.flags else None
        found = settings.choose(model(traits={**LOOP, "flags": LOOP["flags"][::-1]}), KNOWN, FACTS, 40, 1, refuses)
        self.assertEqual([name for name, _ in found.refused], ["epoll --accept=pass --workers=2"])

    def test_a_check_that_does_not_end_refuses(self):
        setting = subjects.Setting("root", (0,), "logs", "scratch", 64)
        with unittest.mock.patch.object(processes, "run", side_effect=subprocess.TimeoutExpired("server", 10)):
            self.assertEqual(settings.checker(setting)(model()), "--check did not end in time")

    def test_a_model_without_flags_has_its_default_alone(self):
        found = settings.choose(model("thread", {"silent": "harmless", "flags": []}), KNOWN, FACTS, 16, 1, lambda one: None)
        self.assertEqual((len(found.tried), found.known), (1, 1))


# How good each setting is, beside the default of its model; of what is not here, as good.
TRUTH = {"epoll --trigger=edge": 1.4, "epoll --accept_batch=1": 0.6}
LEVEL = {"epoll": 100_000.0, "prefork": 60_000.0}
FAILS = "epoll --registered"
BROKEN = set()  # Models of which no setting starts.


class Silent:
    def begin(self, what):
        pass

    def end(self, expected_s):
        pass

    def clear(self):
        pass


def line(subject, number):
    """A measurement that was made up."""
    if subject.name == FAILS or subject.model in BROKEN:
        return {"subject": subject.name, "load": None, "server": None, "marks": ["errors: no"], "failed": "it ended before it was ready"}
    chance = random.Random(f"{subject.name}/{number}")
    rate = LEVEL[subject.model] * TRUTH.get(subject.name, 1.0) * chance.gauss(1, 0.004)
    times = {"count": 100, "mean": 1e9 / rate, "p50": 1e9 / rate, "p90": 1e9, "p99": 1e9, "p99.9": 1e9, "max": 1e9,
             "histogram": [1000000, 100]}
    return {"subject": subject.name, "failed": None, "marks": [],
            "load": {"replies": 100, "replies_per_second": rate, "seconds": 0.4, "connections": 64, "fairness": 1.0, "service_ns": times,
                     "response_ns": times},
            "server": {"cpu_user_s": 0.1, "cpu_system_s": 0.1, "requests": 100, "voluntary_switches": 1, "involuntary_switches": 1,
                       "threads": 1, "processes": 1, "descriptors": 10, "pss_kib": 1000, "listen_overflows": 0,
                       "connections_per_worker": [64], "work_gini": 0.0}}


class RacesTest(unittest.TestCase):
    """epoll has a setting that is better by far, prefork none."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = store.Store.create(os.path.join(scratch.name, "run"))
        self.models = [model(), model("prefork", {**POOL, "flags": ["wake"]})]
        setting = subjects.Setting("root", (0,), "logs", "scratch", 64)
        self.scene = plan.Scene(list(self.models), workloads.choose(["echo"]), None, lambda _: setting, (0, 1), 1000)
        for patch in (unittest.mock.patch.object(flags, "ask", return_value=KNOWN),
                      unittest.mock.patch.object(settings, "checker", return_value=lambda one: None),
                      unittest.mock.patch.object(plan, "measure_round", self.measure_round)):
            patch.start()
            self.addCleanup(patch.stop)
        self.races = race.make(self.scene, 10, 0.4, 12, 1)
        self.steps = race.steps(self.races, self.scene, 1, 0.4)
        tried = [one for each in self.races for one in each.settings.tried]
        echo = {**workloads.choose(["echo"])[0].as_json(), "ranked_by": "throughput", "if_limited": "cpu_us_per_request"}
        self.run_json = {
            "schema": store.SCHEMA, "command": ["tools/compare"], "started": "2026-01-01T12:00:00+00:00", "seed": 1, "rounds": 8,
            "margin": 0.03, "machine": {"cpu": "Invented", "cores": 2, "memory_kib": 1, "kernel": "Linux"}, "skipped": [],
            "fairness": {"contract": {}, "violations": [], "remarks": []},
            "subjects": [one.describe(setting) for one in self.models], "workloads": [echo],
            "races": [one.describe() for one in self.races], "candidates": [one.describe(setting) for one in tried]}
        self.setting = setting
        self.folder.write_run(self.run_json)

    @staticmethod
    def measure_round(_scene, _workload, _seconds, seed, orders):
        return [line(subject, seed) for subject in orders[0]]

    def go(self, steps=None):
        return runner.run(self.steps if steps is None else steps, self.folder, Silent(), race.Watch(self.run_json, self.folder).wanted)

    def lines(self):
        return self.folder.lines(store.TUNE)

    def test_rounds_of_all_races_are_interleaved(self):
        keys = [(dict(step.key)["round"], dict(step.key)["race"]) for step in self.steps]
        self.assertEqual(keys[:2], [(1, "epoll"), (1, "prefork")])
        self.assertEqual([number for number, _ in keys], sorted(number for number, _ in keys))

    def test_few_are_measured_to_the_end_and_the_default_is_one_of_them(self):
        self.assertTrue(self.go())
        last = max(own["round"] for own in self.lines() if own["race"] == "epoll")
        there = {own["subject"] for own in self.lines() if own["race"] == "epoll" and own["round"] == last}
        self.assertLessEqual({"epoll", "epoll --trigger=edge"}, there)
        self.assertLess(len(there), 6)

    def test_a_setting_that_does_not_start_is_measured_once(self):
        self.go()
        self.assertEqual(len([own for own in self.lines() if own["subject"] == FAILS]), 1)

    def test_lines_have_no_histograms_and_follow_the_format(self):
        self.go()
        faults = schema.checker(schema.of_line(store.TUNE))
        for own in self.lines():
            self.assertEqual(faults(own), [])
            self.assertNotIn("histogram", (own["load"] or {"service_ns": {}})["service_ns"])

    def test_a_run_that_is_taken_up_again_goes_the_same_way(self):
        self.go()
        whole = self.lines()
        with tempfile.TemporaryDirectory() as scratch:
            self.folder = store.Store.create(os.path.join(scratch, "run"))
            self.go(self.steps[:7])
            self.go()
            self.assertEqual(self.lines(), whole)

    def test_the_best_becomes_a_subject_under_its_workload_alone(self):
        self.go()
        found = race.best_subjects(self.races, self.run_json, self.lines())
        self.assertEqual([(one.model, "--trigger=edge" in one.flags, one.only) for one in found], [("epoll", True, ("echo",))])
        scene = dataclasses.replace(self.scene, subjects=found, workloads=workloads.choose(["echo", "http"]))
        good, skipped = plan.pairs(scene)
        self.assertEqual([(subject.name, workload.name) for subject, workload in good], [(found[0].name, "echo")])
        self.assertEqual(skipped, [])

    def test_too_little_time_is_refused_and_says_how_much_it_takes(self):
        with self.assertRaisesRegex(race.TuningError, r"too short for the races of 2 .*--minutes=\d+"):
            race.make(self.scene, 0.1, 0.4, 12, 1)

    def whole(self):
        """(run.json, summary.json) after the races and the rounds behind them."""
        self.go()
        subjects_there = self.models + race.best_subjects(self.races, self.run_json, self.lines())
        for number in range(1, 9):
            for subject in subjects_there:
                self.folder.append(store.ROUNDS, {"round": number, "workload": "echo", **line(subject, f"again/{number}")})
        run = {**self.run_json, "subjects": [one.describe(self.setting) for one in subjects_there]}
        self.folder.write_run(run)
        made = summary.of(self.folder)
        made["tuning"] = report.of(run, self.lines(), made)
        self.folder.write_summary(made)
        return run, made

    def test_the_summary_says_what_each_setting_became_and_what_tuning_is_worth(self):
        _, made = self.whole()
        self.assertEqual(check.faults_of_folder(self.folder.folder), [])
        epoll = next(one for one in made["tuning"]["races"] if one["model"] == "epoll")
        fates = {setting["name"]: setting for setting in epoll["settings"]}
        self.assertEqual((fates[FAILS]["fate"], fates[FAILS]["why"]), ("failed", "it ended before it was ready"))
        self.assertEqual(fates["epoll --accept_batch=1"]["fate"], "left")
        self.assertAlmostEqual(fates["epoll --trigger=edge"]["of_default"]["median"], 1.4, delta=0.05)
        (worth,) = made["tuning"]["worth"]
        self.assertEqual([gain["model"] for gain in worth["gains"]], ["epoll"])
        self.assertGreater(worth["gains"][0]["of_default"]["low"], 1.3)
        self.assertEqual(worth["matters"], "model")
        self.assertIn("the choice of the model matters more", worth["sentence"])

    def test_those_of_the_last_rung_are_judged_by_it_alone(self):
        """--trigger=edge was lucky in the rounds by which it was chosen."""
        last = next(one.rungs[-1].first for one in self.races if one.model.name == "epoll")
        with unittest.mock.patch.dict(TRUTH, {"epoll --trigger=edge": 2.0}):
            self.go([step for step in self.steps if dict(step.key)["round"] < last])
            TRUTH["epoll --trigger=edge"] = 1.2
            _, made = self.whole()
        (found,) = (setting for one in made["tuning"]["races"] for setting in one["settings"] if setting["name"] == "epoll --trigger=edge")
        self.assertEqual(found["fate"], "best")
        self.assertAlmostEqual(found["of_default"]["median"], 1.2, delta=0.02)

    def test_if_no_setting_of_a_model_starts_that_is_said_and_the_others_are_measured(self):
        BROKEN.add("prefork")
        self.addCleanup(BROKEN.clear)
        run, made = self.whole()
        self.assertEqual(check.faults_of_folder(self.folder.folder), [])
        races = {one["model"]: one for one in made["tuning"]["races"]}
        self.assertIsNone(races["prefork"]["best"])
        self.assertEqual({setting["fate"] for setting in races["prefork"]["settings"]}, {"failed"})
        self.assertIn("--trigger=edge", races["epoll"]["best"])
        said = table.text(run, made, "folder")
        self.assertRegex(said, "prefork +its default: all settings failed in their race")
        self.assertIn("The most is gained by", said)

    def test_all_races_under_a_workload_are_by_the_same_metric(self):
        """prefork is not held up by the load generator, but epoll, which is faster, is."""
        self.go()
        limited = [{**own, "marks": ["the client was the limit"]} if own["race"] == "epoll" else own for own in self.lines()]
        for one in self.run_json["races"]:
            *_, metric = race.standing(self.run_json, one, limited)
            self.assertEqual(metric, "cpu_us_per_request")
            later = [{**own, "marks": []} if own["round"] > one["rungs"][0]["last"] else own for own in limited]
            self.assertEqual(race.standing(self.run_json, one, later)[-1], metric)  # It stays.

    def test_a_winner_that_turns_out_to_be_worse_is_not_the_best(self):
        with unittest.mock.patch.dict(TRUTH):
            self.go()
            TRUTH["epoll --trigger=edge"] = 0.8
            run, made = self.whole()
        (worth,) = made["tuning"]["worth"]
        self.assertEqual(worth["best_of"]["epoll"], "epoll")
        self.assertEqual([(gain["best"], gain["kind"]) for gain in worth["gains"]], [("epoll --trigger=edge", "different")])
        self.assertIn("No model is surely better with other flags than its defaults", worth["sentence"])
        self.assertIn("its default: --trigger=edge, which won its race, is worse", table.text(run, made, "folder"))

    def test_text_and_csv_show_it(self):
        run, made = self.whole()
        said = table.text(run, made, "folder")
        self.assertIn(made["tuning"]["worth"][0]["sentence"], said)
        self.assertIn("failed: it ended before it was ready", said)
        self.assertRegex(said, r"prefork +its default")
        rows = list(csv.DictReader(io.StringIO(text.csv_text(made), newline="")))
        self.assertEqual(len(rows), sum(len(one["settings"]) for one in made["tuning"]["races"]))
        self.assertEqual({row["fate"] for row in rows if row["setting"] == FAILS}, {"failed"})


if __name__ == "__main__":
    unittest.main()
