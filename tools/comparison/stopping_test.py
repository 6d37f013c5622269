"""Stopping: who is decided is not measured any more, and a run that is taken up again agrees."""

import os
import tempfile
import unittest

from comparison import plan, runner, stopping, store

_WORKLOAD = {"name": "echo", "ranked_by": "throughput"}
_RUN = {"schema": store.SCHEMA, "rounds": 20, "margin": 0.03, "workloads": [_WORKLOAD], "options": {},
        "subjects": [{"name": name, "kind": "model"} for name in ("epoll", "poll", "fork")]
        + [{"name": "fork (again)", "kind": "aa", "of": "fork"}]}


class Silent:
    def begin(self, what):
        pass

    def end(self, expected_s):
        pass

    def clear(self):
        pass


class StoppingTest(unittest.TestCase):
    """epoll and poll are so noisy that they stay open; fork is far behind both."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = store.Store.create(os.path.join(scratch.name, "run"))
        self.folder.write_run(_RUN)

    def step(self, number):
        def line(name):
            rate = 10 if name.startswith("fork") else 1000
            noise = 1.01 if (number + len(name)) % 2 else 1.25
            return {"subject": name, "failed": None, "marks": [], "load": {"replies_per_second": rate * noise}, "server": {}}
        return plan.Step(store.ROUNDS, (("round", number), ("workload", "echo")), 1, "", lambda names: list(map(line, names)),
                         tuple(subject["name"] for subject in _RUN["subjects"]))

    def steps(self, first=1, last=20):
        return [self.step(number) for number in range(first, last + 1)]

    def rounds_of(self, name):
        return [line["round"] for line in self.folder.lines(store.ROUNDS) if line["subject"] == name]

    def run_all(self, steps):
        return runner.run(steps, self.folder, Silent(), stopping.Stopping(_RUN, self.folder).wanted)

    def test_who_is_decided_drops_out_with_its_twin(self):
        self.assertTrue(self.run_all(self.steps()))
        self.assertEqual(len(self.rounds_of("epoll")), 20)
        self.assertEqual(len(self.rounds_of("poll")), 20)
        self.assertLess(len(self.rounds_of("fork")), 20)
        self.assertEqual(self.rounds_of("fork"), self.rounds_of("fork (again)"))

    def test_a_run_that_is_taken_up_again_drops_the_same(self):
        self.run_all(self.steps())
        whole = self.folder.lines(store.ROUNDS)
        other = tempfile.TemporaryDirectory()
        self.addCleanup(other.cleanup)
        self.folder = store.Store.create(os.path.join(other.name, "run"))
        self.run_all(self.steps(last=12))
        self.run_all(self.steps())
        self.assertEqual(self.folder.lines(store.ROUNDS), whole)

    def test_where_the_load_generator_was_the_limit_who_is_decided_by_processor_time_drops_out(self):
        """In throughput all are as noisy as each other; the processor time of fork is far from that of the others."""
        run = {**_RUN, "workloads": [{**_WORKLOAD, "if_limited": "cpu_us_per_request"}]}

        def step(number):
            def line(name):
                noise = 1.01 if (number + len(name)) % 2 else 1.25
                cpu = (30 if name.startswith("fork") else 5) * noise
                return {"subject": name, "failed": None, "marks": ["the client was the limit"], "load": {"replies_per_second": 1000 * noise},
                        "server": {"cpu_user_s": cpu, "cpu_system_s": 0, "requests": 1e6}}
            return plan.Step(store.ROUNDS, (("round", number), ("workload", "echo")), 1, "", lambda names: list(map(line, names)),
                             tuple(subject["name"] for subject in _RUN["subjects"]))
        runner.run(list(map(step, range(1, 21))), self.folder, Silent(), stopping.Stopping(run, self.folder).wanted)
        self.assertLess(len(self.rounds_of("fork")), 20)
        self.assertEqual((len(self.rounds_of("epoll")), len(self.rounds_of("poll"))), (20, 20))

    def test_what_is_ranked_by_cost_is_dropped_by_its_cost_alone(self):
        run = {**_RUN, "workloads": [{"name": "echo", "ranked_by": "given_cpu_us"}], "rounds_of": {store.COST: 20}}

        def cost(number):
            cpu = {"epoll": 1, "poll": 2, "fork": 3, "fork (again)": 3}

            def line(name):
                own = cpu[name] * (1 + 0.001 * ((number + len(name)) % 3))
                return {"subject": name, "point": "given", "rate": 1, "failed": None, "marks": [], "load": {"replies": 1000},
                        "server": {"cpu_user_s": own, "cpu_system_s": 0, "requests": 1000}}
            return plan.Step(store.COST, (("round", number), ("workload", "echo")), 1, "", lambda names: list(map(line, names)),
                             tuple(cpu))
        runner.run(self.steps() + [cost(number) for number in range(1, 21)], self.folder, Silent(),
                   stopping.Stopping(run, self.folder).wanted)
        self.assertEqual(len(self.rounds_of("fork")), 20)
        self.assertLess(len(self.folder.lines(store.COST)), 4 * 20)


if __name__ == "__main__":
    unittest.main()
