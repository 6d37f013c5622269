"""What tools/bench makes of rounds: whether a target is met, and which scenes it needs for which targets."""

import unittest

from comparison import inference
from comparison.bench import cli, judge, scenes, targets
from comparison.bench.judge import BYTES, MET, NOT_MET, OPEN
from comparison.claims.rounds import CPU, LIMITED, P99, RATE
from comparison.claims.verdict import at_least, at_most
from comparison.peers import floor

# Rounds differ by this much, but all programs of a round alike: a slow round is slow for all.
_NOISE = (1.0, 1.2, 0.9, 1.1, 1.0, 0.8)


def rounds(rates, wobble=0.01, limited=(), **more):
    """Rounds in which each name has this rate, its share of the processor in time for a request, and a tail of the same size."""
    found = []
    for number, noise in enumerate(_NOISE):
        own = {}
        for place, (name, rate) in enumerate(rates.items()):
            shift = 1 + wobble * ((number + place) % 3 - 1)
            own[name] = {RATE.key: rate * noise * shift, CPU.key: 1e6 / rate / noise * shift, P99.key: rate * noise * shift,
                         LIMITED: int(name in limited), **more.get(name, {})}
        found.append(own)
    return found


def target(demand, of=("floor",), subjects_of=("epoll",), figure=targets.SPEED, needs=""):
    return targets.Target("line", "echo", subjects_of, of, demand, figure, needs)


def judged(one, found, failures=None):
    return judge.judge(one, found, failures or {})


class JudgeTest(unittest.TestCase):
    def test_a_target_is_met_if_all_of_the_interval_satisfies_it(self):
        row = judged(target(at_least(0.9)), rounds({"epoll": 100, "floor": 100}))
        self.assertEqual((row.verdict, row.subject, row.of, row.rounds), (MET, "epoll", "floor", 6))
        self.assertAlmostEqual(row.middle, 1.0, places=2)
        self.assertTrue(0.9 < row.low < 1 < row.high < 1.1)

    def test_it_is_not_met_if_none_of_it_does(self):
        self.assertEqual(judged(target(at_least(1.1)), rounds({"epoll": 100, "floor": 100})).verdict, NOT_MET)

    def test_it_is_open_if_a_part_of_it_does(self):
        self.assertEqual(judged(target(at_least(1.0)), rounds({"epoll": 100, "floor": 100})).verdict, OPEN)
        self.assertEqual(judged(target(at_least(0.9)), rounds({"epoll": 100, "floor": 100}, wobble=0.3)).verdict, OPEN)

    def test_what_is_to_be_kept_may_be_a_little_less(self):
        self.assertEqual(judged(target(targets.keep()), rounds({"epoll": 100, "floor": 100}, wobble=0.001)).verdict, MET)
        self.assertEqual(judged(target(targets.keep()), rounds({"epoll": 98, "floor": 100}, wobble=0.001)).verdict, MET)
        self.assertEqual(judged(target(targets.keep()), rounds({"epoll": 95, "floor": 100}, wobble=0.001)).verdict, NOT_MET)

    def test_fewer_than_three_rounds_say_nothing(self):
        row = judged(target(at_least(0.5)), rounds({"epoll": 100, "floor": 100})[:2])
        self.assertEqual((row.verdict, row.middle), (OPEN, None))
        self.assertIn("2 rounds", row.note)

    def test_rounds_that_only_one_of_them_has_are_left_out(self):
        found = rounds({"epoll": 100, "floor": 100})
        found[0] = {"floor": found[0]["floor"]}
        self.assertEqual(judged(target(at_least(0.9)), found).rounds, 5)

    def test_processor_time_decides_if_the_load_generator_was_the_limit(self):
        found = rounds({"epoll": 100, "floor": 100}, limited=("floor",))
        for one in found:
            one["epoll"][CPU.key] /= 2
        row = judged(target(at_least(1.9)), found)
        self.assertEqual(row.verdict, MET)
        self.assertAlmostEqual(row.middle, 2.0, places=1)
        self.assertIn("by processor time", row.note)

    def test_a_load_generator_that_was_seldom_the_limit_changes_nothing(self):
        found = rounds({"epoll": 100, "floor": 100})
        for one in found[:2]:
            one["epoll"][LIMITED] = 1
        self.assertEqual(judged(target(at_least(0.9)), found).note, "")

    def test_of_a_tail_less_is_better(self):
        found = rounds({"epoll": 90, "nginx": 100})
        self.assertEqual(judged(target(at_most(1.0), ("nginx",), figure=targets.P99), found).verdict, MET)
        found = rounds({"epoll": 110, "nginx": 100})
        self.assertEqual(judged(target(at_most(1.0), ("nginx",), figure=targets.P99), found).verdict, NOT_MET)

    def test_memory_is_judged_by_itself(self):
        found = [{"epoll": {BYTES: value}} for value in (200, 210, 190, 205)]
        self.assertEqual(judged(target(at_most(256.0), (), figure=targets.MEMORY), found).verdict, MET)
        self.assertEqual(judged(target(at_most(150.0), (), figure=targets.MEMORY), found).verdict, NOT_MET)
        self.assertEqual(judged(target(at_most(200.0), (), figure=targets.MEMORY), found).verdict, OPEN)


class BestOfTest(unittest.TestCase):
    def test_it_is_compared_with_the_best_of_the_others(self):
        row = judged(target(at_least(1.3), ("a", "b")), rounds({"epoll": 150, "a": 100, "b": 140}))
        self.assertEqual((row.verdict, row.of), (NOT_MET, "b"))

    def test_one_that_is_missing_might_be_the_best(self):
        row = judged(target(at_least(1.3), ("a", "b")), rounds({"epoll": 150, "a": 100}), {"b": "not installed"})
        self.assertEqual((row.verdict, row.of, row.note), (OPEN, "a", "b: not installed"))
        row = judged(target(at_least(1.6), ("a", "b")), rounds({"epoll": 150, "a": 100}), {"b": "not installed"})
        self.assertEqual(row.verdict, NOT_MET)

    def test_the_best_of_several_subjects_counts(self):
        found = rounds({"epoll": 100, "uring": 160, "nginx": 100})
        row = judged(target(at_least(1.5), ("nginx",), ("epoll", "uring")), found)
        self.assertEqual((row.verdict, row.subject), (MET, "uring"))

    def test_what_cannot_be_measured_is_open_and_says_why(self):
        row = judged(target(at_least(1.5), needs="no client speaks it"), [])
        self.assertEqual((row.verdict, row.note), (OPEN, "no client speaks it"))
        row = judged(target(at_least(1.5)), rounds({"epoll": 100}), {"floor": "it crashed"})
        self.assertEqual((row.verdict, row.note), (OPEN, "floor: it crashed"))


class TableTest(unittest.TestCase):
    def test_each_target_names_a_scene_and_programs_that_there_are(self):
        others = {peer.name for peer in floor.ALL} | set(targets.NGINX_WAYS + targets.APACHE)
        others |= {"nginx", "lighttpd", "h2o", "redis"}
        models = {"epoll", "coroutine", "uring", "thread", "fork", "multiprocess", "prefork", "threadpool"}
        for one in targets.TARGETS:
            self.assertIn(one.scene, scenes.SCENES)
            self.assertLessEqual(set(one.names), others | models, one)
            self.assertEqual(one.scene == scenes.MEMORY, one.figure == targets.MEMORY, one)

    def test_the_programs_of_a_scene_take_part_in_its_workload(self):
        floors = {peer.name: peer for peer in floor.ALL}
        for scene, names in cli.names_by_scene(targets.TARGETS).items():
            for name in names:
                if name in floors:
                    self.assertIsNone(floors[name].refuses(scenes.SCENES[scene]), (scene, name))
                    self.assertIn(scenes.SCENES[scene].service, floors[name].services())

    def test_no_target_is_there_twice(self):
        found = [(one.scene, one.subjects, one.of, one.figure) for one in targets.TARGETS]
        self.assertEqual(len(found), len(set(found)))

    def test_a_room_comes_close_to_the_bare_program_and_outdoes_redis(self):
        least = {(target.of, target.scene): target.demand.low for target in targets.TARGETS if target.line == "chat"}
        self.assertEqual(least, {(("chat floor",), "chat"): 0.95, (("chat floor",), "chat-32"): 0.9,
                                 (("redis",), "chat"): 1.2, (("redis",), "chat-32"): 1.6})

    def test_files_that_scenes_ask_for_are_written(self):
        known = {"1k.bin", "128k.bin", *scenes.FILES}
        for scene in scenes.SCENES.values():
            for flag in scene.load:
                if flag.startswith("--name=") and "--workload=upload" not in scene.load:
                    self.assertIn(flag.removeprefix("--name="), known)


class CommandLineTest(unittest.TestCase):
    def test_lines_choose_targets_and_these_choose_scenes(self):
        chosen = cli.choose("echo-each,http-coroutine")
        self.assertEqual(cli.names_by_scene(chosen), {"echo": ["thread", "thread floor", "fork", "fork floor", "multiprocess"],
                                                      "http": ["coroutine", "epoll"]})
        self.assertEqual(len(cli.choose(None)), len(targets.TARGETS))

    def test_unknown_line(self):
        with self.assertRaisesRegex(cli.UsageError, "there is no line 'ecco'; there are echo, "):
            cli.choose("ecco")

    def test_what_cannot_be_measured_needs_no_scene(self):
        self.assertNotIn("redis", [name for names in cli.names_by_scene(targets.TARGETS).values() for name in names])

    def test_scenes_take_turns_until_the_time_is_over(self):
        clock, kept = [0.0], []

        class Place:
            def __init__(self, name, seconds):
                self.name, self._seconds = name, seconds

            def measure(self):
                clock[0] += self._seconds
                return {}
        cli.measure([Place("long", 10), Place("short", 1)], 46.5, lambda scene, _: kept.append(scene), now=lambda: clock[0])
        self.assertEqual(kept, ["long", "short"] * 4 + ["short"] * 2)

    def test_each_scene_is_measured_as_often_as_it_takes_however_short_the_time(self):
        kept = []
        place = type("Place", (), {"name": "one", "measure": lambda self: {}})()
        cli.measure([place], -1.0, lambda scene, _: kept.append(scene), now=lambda: 0.0)
        self.assertEqual(kept, ["one"] * inference.LEAST_ROUNDS)

    def test_the_table_has_a_row_for_each_target_and_says_what_is_missing(self):
        chosen = [target(at_least(0.9)), target(at_least(0.9), needs="no client speaks it")]
        rows = [judged(one, rounds({"epoll": 100, "floor": 100})) for one in chosen]
        lines = cli.text(chosen, rows, "results/x").splitlines()
        self.assertRegex(lines[1], r"^line +echo +epoll +floor +at least 0\.9 +1\.00 \(0\.9\d to 1\.0\d\) +met$")
        self.assertRegex(lines[2], r"at least 0\.9 +- +open$")
        self.assertIn("note      echo epoll: no client speaks it", lines)
        self.assertIn("1 met, 0 not met, 1 open. Everything is in results/x.", lines)
        self.assertEqual(cli.as_json(chosen[0], rows[0])["target"], {"text": "at least 0.9", "low": 0.9, "high": None})


class SceneTest(unittest.TestCase):
    """A scene with programs that are not run."""

    def scene(self, outcome):
        made = scenes.Scene.__new__(scenes.Scene)
        made.rounds, made.failures = [], {}
        made._subjects, made._failed = {"a": None, "b": None}, {"a": 0, "b": 0}
        made._measure = lambda names, number: {name: outcome(name, number) for name in names}
        return made

    def test_a_name_that_fails_from_the_beginning_is_given_up(self):
        asked = []

        def outcome(name, number):
            asked.append((number, name))
            return {RATE.key: 1.0} if name == "a" else "it crashed"
        scene = self.scene(outcome)
        for _ in range(4):
            scene.measure()
        self.assertEqual([number for number, name in asked if name == "b"], [0, 1, 2])
        self.assertEqual(scene.failures, {"b": "it crashed"})
        self.assertEqual(scene.rounds, [{"a": {RATE.key: 1.0}}] * 4)

    def test_one_that_fails_now_and_then_goes_on(self):
        scene = self.scene(lambda name, number: "busy" if name == "b" and number % 2 else {RATE.key: 1.0})
        for _ in range(6):
            scene.measure()
        self.assertEqual([len(found) for found in scene.rounds], [2, 1, 2, 1, 2, 1])


if __name__ == "__main__":
    unittest.main()
