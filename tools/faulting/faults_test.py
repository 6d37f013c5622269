"""Real servers: a few faults of some models do no harm; and harm that is done on purpose is found, each kind of it."""

import functools
import json
import os
import subprocess
import tempfile
import unittest
import unittest.mock

from comparison import programs
from faulting import campaign, scenes, trial as trials
from faulting.server import Programs

_TOP = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""))
_PROGRAMS = Programs(os.path.join(_TOP, "server"), os.path.join(_TOP, "tools/faulting/faulty_calls.so"))
_MODELS = ("fork", "thread", "epoll")
_PER_SCENE = 5
# Of clients that wait for what never comes.
_HASTY = unittest.mock.patch.object(scenes, "PATIENCE_S", 5.0)


def setUpModule():
    if programs.inspect(_PROGRAMS.server).sanitizers != "none":
        raise unittest.SkipTest("a sanitizer's library has to be the first that is loaded")


@functools.lru_cache
def _known():
    return programs.models(programs.inspect(_PROGRAMS.server))


def _models(*names):
    return {name: _known()[name] for name in names}


def _try(text, reaches_call=True):
    """The problems of this one trial. `reaches_call`: however things come, its call is made."""
    one = trials.parse(text)
    with tempfile.TemporaryDirectory() as folder:
        verdict = trials.run(_PROGRAMS, one.model, _models(one.model)[one.model], one.scene, one, folder)
    assert verdict.fired or not reaches_call, f"{text}: the call was not made"
    return verdict.problems


def _calls(model, scene):
    """(process, call) -> how often the scene makes it."""
    with tempfile.TemporaryDirectory() as folder:
        seen = trials.run(_PROGRAMS, model, _models(model)[model], scene, None, folder).seen
    return {(one.role, one.call): one.count for one in seen}


class FaultsTest(unittest.TestCase):
    def test_faults_do_no_harm(self):
        results = campaign.run(_PROGRAMS, _models(*_MODELS), scenes.of_model({"silent": "harmless"}), _PER_SCENE, jobs=2)
        for result in results:
            self.assertEqual([(str(trial), problems) for trial, problems in result.failures], [], result.model)
            self.assertGreater(len(result.tried), 15, result.model)

    def test_command_repeats_one_trial(self):
        done = subprocess.run([os.path.join(_TOP, "tools/faults"), f"--bin={_TOP}", "--json",
                               "--only=epoll/echo/start-0/accept.stream/1/EMFILE"],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual((found["triples"], found["models"][0]["pairs"]), (1, [["accept.stream", "EMFILE"]]))


class MendedTest(unittest.TestCase):
    """What once did harm."""

    def expect_harmless(self, *trials_):
        for one in trials_:
            self.assertEqual(_try(one), [], one)

    def expect_each_harmless(self, model, scene, process, call, fault):
        """Each of the calls that the scene makes. How many these are may depend on what comes together; one there is always."""
        for number in range(1, _calls(model, scene)[process, call] + 1):
            one = f"{model}/{scene}/{process}/{call}/{number}/{fault}"
            self.assertEqual(_try(one, reaches_call=number == 1), [], one)

    def test_table_of_types_that_cannot_be_read_does_not_keep_the_server_from_starting(self):
        self.expect_each_harmless("epoll", "start", "now-0", "read.file", "EIO")

    def test_listing_has_all_files_or_is_none(self):
        self.expect_harmless("epoll/http-list/start-0/fstatat/1/ENOMEM", "epoll/http-list/start-0/fstatat/2/EIO")

    def test_upload_outlives_a_signal_while_its_file_is_made(self):
        self.expect_harmless("epoll/http-put/start-0/openat/1/EINTR", "epoll/file/start-0/openat/1/EINTR")

    def test_member_of_a_room_whose_hub_is_short_of_memory_is_not_left_without_words(self):
        self.expect_each_harmless("fork", "chat", "start-2", "send.datagram", "ENOBUFS")

    def test_console_that_cannot_wait_for_its_input_does_not_hold_up_a_stop(self):
        self.expect_harmless("fork/start/now-2/poll/1/ENOMEM")

    def test_loop_outlives_a_wait_for_which_there_is_no_memory(self):
        self.expect_harmless("select/echo/start-0/select/1/ENOMEM", "poll/echo/start-0/poll/2/ENOMEM",
                             "sigio/echo/start-0/poll/1/ENOMEM")

    def test_hub_that_cannot_start_says_why(self):
        with tempfile.TemporaryDirectory() as folder:
            one = trials.parse("fork/start/now-2/pidfd_open/1/EMFILE")
            server_log = os.path.join(folder, "log")
            verdict = trials.run(_PROGRAMS, one.model, _models(one.model)[one.model], one.scene, one, folder)
            with open(server_log, encoding="utf-8") as log:
                self.assertIn("pidfd_open: Too many open files", log.read())
        self.assertEqual((verdict.fired, verdict.problems), (True, []))


class HarmTest(unittest.TestCase):
    """What the library does here is no fault of a system."""

    def expect_found(self, trial, problem):
        problems = "; ".join(_try(trial))
        self.assertRegex(problems, problem, trial)

    def test_server_that_is_gone(self):
        self.expect_found("epoll/echo/start-0/receive.stream/1/DIE", "the server has ended with status 3")

    def test_server_that_does_not_start_and_does_not_say_why(self):
        self.expect_found("epoll/start/now-0/epoll_create/1/DIE", "does not say why")

    @_HASTY
    def test_client_that_is_left_waiting(self):
        self.expect_found("thread/echo/start-0/receive.stream/1/STALL", "a client is left waiting")

    def test_descriptor_that_is_left_open(self):
        self.expect_found("thread/echo/start-0/receive.stream/1/LEAK", "descriptors are left")

    def test_upload_that_is_acknowledged_and_not_stored(self):
        self.expect_found("epoll/http-put/start-0/write.file/1/PRETEND", "an acknowledged upload has")

    @_HASTY
    def test_answer_that_never_went_out(self):
        self.expect_found("epoll/echo/start-0/send.stream/1/PRETEND", "a client is left waiting|differs")

    def test_server_that_does_not_stop_as_it_should(self):
        self.expect_found("epoll/stop/start-0/epoll_wait/1/DIE", "ended with status 3 after SIGTERM")


if __name__ == "__main__":
    unittest.main()
