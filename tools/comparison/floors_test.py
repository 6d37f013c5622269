"""What a model reaches of its floor, and which programs of tools/floor take part in which comparison."""

import unittest

from comparison import floors, programs, subjects, table, workloads
from comparison.peers import choose, floor

_SUBJECTS = [{"name": "thread", "kind": "model", "model": "thread"}, {"name": "epoll", "kind": "model", "model": "epoll"},
             {"name": "epoll (again)", "kind": "aa", "model": "epoll"},
             {"name": "thread floor", "kind": "peer", "model": None, "floor_of": ["thread"], "is_floor": True},
             {"name": "files floor", "kind": "peer", "model": None, "floor_of": [], "is_floor": True}]


def verdict(a, b, metric="throughput", bounds=(0.8, 0.75, 0.85)):
    ratio, low, high = bounds
    return {"a": a, "b": b, "workload": "echo", "metric": metric, "ratio": ratio, "low": low, "high": high}


def shares(*verdicts, metric="throughput"):
    return floors.shares(_SUBJECTS, verdicts, {"echo": metric})


class SharesTest(unittest.TestCase):
    def test_a_model_is_compared_with_the_floor_of_its_own_way(self):
        found, = shares(verdict("thread", "thread floor"), verdict("epoll", "thread floor"), verdict("thread", "epoll"))
        self.assertEqual((found["model"], found["floor"], found["ratio"], found["low"], found["high"]),
                         ("thread", "thread floor", 0.8, 0.75, 0.85))

    def test_a_floor_of_no_model_is_that_of_all(self):
        found = shares(verdict("thread", "files floor"), verdict("epoll", "files floor"), verdict("epoll (again)", "files floor"))
        self.assertEqual([entry["model"] for entry in found], ["thread", "epoll"])

    def test_the_order_of_a_pair_does_not_matter(self):
        found, = shares(verdict("thread floor", "thread", bounds=(1.25, 1.0, 2.0)))
        self.assertEqual((found["ratio"], found["low"], found["high"]), (0.8, 0.5, 1.0))

    def test_of_processor_time_less_is_better(self):
        found, = shares(verdict("thread", "thread floor", "cpu_us_per_request", (1.25, 1.0, 2.0)), metric="cpu_us_per_request")
        self.assertEqual((found["ratio"], found["low"], found["high"]), (0.8, 0.5, 1.0))

    def test_only_the_metric_that_ranks_counts_and_only_what_was_measured(self):
        self.assertEqual(shares(verdict("thread", "thread floor", "cpu_us_per_request")), [])
        self.assertEqual(shares({**verdict("thread", "thread floor"), "ratio": None}), [])

    def test_the_table_has_it_beside_the_model(self):
        metrics = {"throughput": {"median": 100.0, "low": 99.0, "high": 101.0}}
        results = [{"subject": name, "workload": "echo", "rounds": 3, "rounds_failed": 0, "marks": [], "metrics": metrics}
                   for name in ("thread", "thread floor")]
        summary = {"results": results, "ranking": {}, "ranked_by": {"echo": "throughput"}, "twins": [], "verdicts": [],
                   "generator_was_the_limit": {}, "floors": shares(verdict("thread", "thread floor"))}
        lines = table.workload_table(summary, {"name": "echo", "title": "messages"})
        self.assertIn("of floor", lines[1])
        self.assertRegex(lines[2], r"^  ?thread +- +- +0\.80 \(0\.75-0\.85\)|^thread +- +- +0\.80 \(0\.75-0\.85\)")


def chosen(models, *names):
    """The names of those that take part."""
    wanted = workloads.choose(names)
    return [peer.name for peer in floor.ALL if floor.fits(peer, models, wanted)]


class FitTest(unittest.TestCase):
    def test_those_of_the_models_that_are_compared_take_part(self):
        self.assertEqual(chosen({"thread", "coroutine"}, "echo"), ["thread floor", "epoll floor"])
        self.assertEqual(chosen({"multiprocess"}, "http"), ["fork floor"])

    def test_files_and_rooms_have_programs_of_their_own(self):
        self.assertEqual(chosen({"epoll"}, "http-128k"), ["files floor"])
        self.assertEqual(chosen({"epoll"}, "upload"), ["files floor"])
        self.assertEqual(chosen({"epoll"}, "chat"), ["chat floor"])
        self.assertEqual(chosen({"epoll"}, "http", "http-128k", "chat"), ["epoll floor", "files floor", "chat floor"])

    def test_nothing_takes_part_in_what_it_does_not_serve(self):
        self.assertEqual(chosen({"epoll", "thread", "fork"}, "compute"), [])
        self.assertEqual(chosen({"epoll"}, "slow"), [])

    def test_programs_that_are_not_there_are_said(self):
        with self.assertRaisesRegex(programs.BuildError, "no program /none/tools/floor/fork; leave out --bin"):
            floor.choose("/none")

    def test_all_does_not_mean_them(self):
        self.assertEqual([peer for peer in choose(["all"]) if isinstance(peer, floor.Floor)], [])

    def test_a_pool_has_a_worker_for_each_connection(self):
        setting = subjects.Setting("/srv", (0,), "/logs", "/scratch", 64)
        prefork = next(peer for peer in floor.ALL if peer.name == "prefork floor")
        self.assertEqual(prefork.command("echo", setting, 7), ["tools/floor/prefork", "72", "127.0.0.1", "7", "echo"])
        self.assertEqual(prefork.command("http", setting, 7)[-2:], ["http", "/srv/1k.bin"])


if __name__ == "__main__":
    unittest.main()
