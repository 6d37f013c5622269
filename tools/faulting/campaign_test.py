"""Which trials follow from the calls that were seen, and what is made of what came of them."""

import contextlib
import io
import unittest

from faulting import campaign, cli, faults_of_calls, plan, scenes
from faulting.trial import Place, Trial, Verdict, parse

_ANY = plan.MAY_WAIT | plan.MAY_NOT_WAIT | plan.LARGE


def _seen(role, call, count, modes=_ANY):
    return plan.Seen(role, call, count, modes)


class TrialsTest(unittest.TestCase):
    def test_first_middle_and_last_of_each_call_with_each_fault(self):
        found = campaign.trials_of("m", "echo", [_seen("start-0", "fsync.file", 9), _seen("start-0", "sigwait", 1)])
        self.assertEqual({(one.place.call, one.place.occurrence) for one in found},
                         {("fsync.file", 1), ("fsync.file", 5), ("fsync.file", 9), ("sigwait", 1)})
        self.assertEqual({one.fault for one in found if one.place.call == "fsync.file"}, {"EINTR", "EIO", "ENOSPC"})

    def test_processes_that_make_the_same_calls_are_tried_once(self):
        calls = [_seen(role, "sigwait", 1) for role in ("now-0", "now-1", "start-0")] + [_seen("now-2", "fork", 1)]
        roles = {one.place.role for one in campaign.trials_of("m", "echo", calls)}
        self.assertEqual(roles, {"now-0", "now-2", "start-0"})

    def test_faults_that_a_call_cannot_meet_are_left_out(self):
        self.assertNotIn("EAGAIN", faults_of_calls.faults(_seen("start-0", "send.stream", 1, plan.MAY_WAIT), "epoll"))
        self.assertIn("EAGAIN", faults_of_calls.faults(_seen("start-0", "send.stream", 1, plan.MAY_NOT_WAIT), "epoll"))
        self.assertNotIn(plan.SHORT, faults_of_calls.faults(_seen("start-0", "send.stream", 1, plan.MAY_WAIT), "epoll"))
        self.assertNotIn("EAGAIN", faults_of_calls.faults(_seen("start-0", "send.stream", 1, plan.MAY_NOT_WAIT), "sigio"))
        self.assertIn("EAGAIN", faults_of_calls.faults(_seen("start-0", "fork", 1, plan.MAY_WAIT), "epoll"))

    def test_every_fault_in_the_table_has_a_number_and_every_call_is_watched(self):
        for name in plan.CALLS:
            for fault in faults_of_calls.faults(_seen("start-0", name, 1), "epoll"):
                self.assertGreater(plan.action(fault), 0, (name, fault))

    def test_what_a_client_must_not_notice(self):
        self.assertTrue(faults_of_calls.is_transparent("receive.stream", "EINTR"))
        self.assertTrue(faults_of_calls.is_transparent("write.file", plan.SHORT))
        self.assertFalse(faults_of_calls.is_transparent("fork", "EAGAIN"))
        self.assertFalse(faults_of_calls.is_transparent("receive.stream", "ECONNRESET"))

    def test_sample_is_spread_over_all(self):
        self.assertEqual(campaign.sample(list(range(10)), 5), [0, 2, 4, 6, 8])
        self.assertEqual(campaign.sample([1, 2], 5), [1, 2])
        self.assertEqual(campaign.sample([1, 2], 0), [1, 2])

    def test_trial_is_read_back_from_its_text(self):
        one = Trial("epoll", "http-put", Place("start-0", "write.file", 3), "ENOSPC")
        self.assertEqual(parse(str(one)), one)
        for wrong in ("", "epoll/http-put/start-0/write.file/0/ENOSPC", "epoll/none/start-0/write.file/1/ENOSPC",
                      "epoll/echo/start-0/none/1/ENOSPC", "epoll/echo/start-0/write.none/1/ENOSPC"):
            self.assertRaises(ValueError, parse, wrong)

    def test_members_of_a_room_need_a_model_that_serves_two_at_a_time(self):
        self.assertNotIn("chat", scenes.of_model({"silent": "blocks"}))
        self.assertIn("chat", scenes.of_model({"silent": "harmless"}))


class ReportTest(unittest.TestCase):
    def results(self):
        one = Trial("epoll", "echo", Place("start-0", "fork", 1), "EAGAIN")
        other = Trial("epoll", "echo", Place("start-0", "fork", 2), "EAGAIN")
        result = campaign.Result("epoll")
        tasks = [campaign.Task(None, "epoll", {}, "echo", trial) for trial in (one, other, one)]
        verdicts = [Verdict(fired=True), Verdict(fired=True, problems=["it is gone"]), Verdict()]
        campaign.judge(tasks, lambda _, given: zip(given, verdicts), {"epoll": result}, lambda _: None)
        return [result]

    def test_pairs_are_counted_once_and_what_was_not_reached_is_none(self):
        result, = self.results()
        self.assertEqual((result.tried, result.runs, result.not_reached), ({("fork", "EAGAIN")}, 3, 1))

    def test_failure_comes_with_the_command_that_repeats_it(self):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            cli.print_results(self.results())
        self.assertIn("it is gone\n    tools/faults --only=epoll/echo/start-0/fork/2/EAGAIN", output.getvalue())
        self.assertIn("1 triples of a model, a call and a fault; 1 trials failed", output.getvalue())

    def test_names_that_make_no_sense_are_refused(self):
        for arguments in (["--scenes=none"], ["--only=none"]):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                self.assertEqual(cli.main("", arguments), cli.USAGE)
            self.assertIn("faults: ", said.getvalue())


if __name__ == "__main__":
    unittest.main()
