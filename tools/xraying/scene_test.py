"""The scene under real servers: what is drawn is what strace(1) sees, for the models that strace can see; and each model's
picture shows its own mechanism."""

import os
import re
import shutil
import signal
import tempfile
import unittest
import unittest.mock

from xraying import records, scene, story

_SERVER = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""), "server")
# strace's name of a call -> the kinds of our records of it. What it tells by an error is left out in both.
_CALLS = {"accept4": "accept", "recvfrom": "read", "sendto": "write", "recvmsg": "read", "sendmsg": "write", "epoll_wait": "wait",
          "poll": "wait", "ppoll": "wait", "pselect6": "wait", "rt_sigtimedwait": "wait", "clone": "fork", "clone3": "fork",
          "wait4": "reap"}
# For the first two the record has the descriptor, not the count. Of the others strace has no line for the child's side of a
# fork or of the start of a program, and a look for ended children that finds none says nothing.
_WITHOUT_RESULT, _IF_POSITIVE = ("pass", "take"), ("fork", "spawn", "reap")
_WITH_DESCRIPTOR = {"recvmsg": "take", "sendmsg": "pass"}
_LINE = re.compile(r"^(\w+)\(.* = (\d+)")
# All models but uring: of that strace sees one call, io_uring_enter.
_SEEN = (("loop",), ("fork",), ("multiprocess",), ("multiprocess", "--start_method=spawn"),
         ("multiprocess", "--start_method=forkserver"), ("exec",), ("thread",),
         ("prefork", "--workers=2"), ("prefork", "--workers=2", "--accept=pass"), ("threadpool", "--workers=2"), ("nonblock",),
         ("select",), ("poll",), ("sigio",), ("epoll",), ("libevent",), ("leader", "--workers=2"), ("halfsync", "--workers=2"),
         ("hybrid", "--workers=2", "--threads=2"), ("staged",), ("stealing", "--workers=2"), ("coroutine",), ("fiber",))


def _calls(pairs):
    """[(kind, result)] of what both have."""
    return [(kind, 0 if kind in _WITHOUT_RESULT else result) for kind, result in pairs
            if result > (0 if kind in _IF_POSITIVE else -1)]


def _is_sigwait(match):
    """Threads wait for some signals by sigwait(3), which has no record; sigio's signal is one that queues."""
    return match[1] == "rt_sigtimedwait" and int(match[2]) < signal.SIGRTMIN


def _kind(match):
    """Of a call as strace shows it. posix_spawn(3) is a clone whose caller waits as in vfork(2). A new thread has no record with
    its number."""
    line, name = match[0], match[1]
    if name.startswith("clone"):
        return "spawn" if "CLONE_VFORK" in line else "new thread" if "CLONE_THREAD" in line else "fork"
    return (_WITH_DESCRIPTOR if "SCM_RIGHTS" in line else _CALLS)[name]


def of_strace(folder):
    """{thread: [(kind, result)]} of `strace -ff --output=FOLDER/strace`, which writes a file for each."""
    found = {}
    for name in os.listdir(folder):
        if not name.startswith("strace."):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            matches = [match for match in map(_LINE.match, file) if match and not _is_sigwait(match)]
        pairs = [(_kind(match), int(match[2])) for match in matches]
        found[int(name.split(".")[1])] = _calls(pair for pair in pairs if pair[0] != "new thread")
    return {thread: calls for thread, calls in found.items() if calls}


def of_records(all_records):
    found = {}
    for record in all_records:
        if record.kind in (*_WITHOUT_RESULT, "spawn", *_CALLS.values()):
            found.setdefault(record.tid, []).append((record.kind, record.result))
    found = {thread: _calls(pairs) for thread, pairs in found.items()}
    return {thread: calls for thread, calls in found.items() if calls}


class SceneTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def play(self, model, *flags, service="echo", clients=2, server=_SERVER):
        """(records, Story)."""
        trace = os.path.join(self.folder, "trace")
        played = scene.play(server, [f"--model={model}", *flags], service, clients, 2, trace, self.folder)
        found, missing = records.read(trace)
        self.assertEqual(missing, 0)
        return found, story.tell(found, played.clients, played.pid, played.begin_ns, played.end_ns)

    def test_records_are_what_strace_sees(self):
        if not shutil.which("strace"):
            self.skipTest("there is no strace to compare with")
        # LeakSanitizer looks for leaks in a process of its own, which is none of the server's calls.
        quiet = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.enterContext(unittest.mock.patch.dict(os.environ, ASAN_OPTIONS=quiet))
        for model, *flags in _SEEN:
            with self.subTest(model=model, flags=flags), tempfile.TemporaryDirectory() as folder:
                strace = ["strace", "--seccomp-bpf", "-ff", f"--output={folder}/strace", f"--trace={','.join(_CALLS)}", _SERVER]
                found, _ = self.play(model, *flags, server=strace)
                seen = of_strace(folder)
                self.assertEqual(sum(kind == "accept" for calls in seen.values() for kind, _ in calls), 2)
                self.assertEqual(of_records(found), seen)

    def test_each_client_is_answered_by_those_that_its_model_says(self):
        lanes = {}
        for model, *flags in (("loop",), ("fork",), ("multiprocess", "--start_method=forkserver"), ("thread",),
                              ("prefork", "--workers=2"), ("threadpool", "--workers=2"), ("nonblock",), ("select",), ("sigio",),
                              ("epoll",), ("halfsync", "--workers=2"), ("hybrid", "--workers=2", "--threads=1"),
                              ("coroutine",), ("fiber",)):
            _, told = self.play(model, *flags)
            writers = [(lane.pid, lane.tid) for lane in told.lanes
                       if lane.pid and any(block.kind == "write" and block.client for block in lane.blocks)]
            lanes[model] = (len({pid for pid, _ in writers}), len(writers))
            answered = {block.client for lane in told.lanes for block in lane.blocks if block.kind == "write"}
            self.assertLessEqual({1, 2}, answered, model)
            self.assertEqual(sum(arrow.kind == "reply" for arrow in told.arrows), 4, model)
        self.assertEqual(lanes, {"loop": (1, 1), "fork": (2, 2), "multiprocess": (2, 2), "thread": (1, 2), "prefork": (2, 2),
                                 "threadpool": (1, 2), "nonblock": (1, 1), "select": (1, 1), "sigio": (1, 1), "epoll": (1, 1),
                                 "halfsync": (1, 1), "hybrid": (2, 2), "coroutine": (1, 1), "fiber": (1, 1)})

    def test_births_are_arrows(self):
        _, forked = self.play("fork")
        self.assertEqual(sum(arrow.kind == "fork" for arrow in forked.arrows), 2)
        _, threaded = self.play("thread")
        self.assertEqual(sum(arrow.kind == "thread" for arrow in threaded.arrows), 2)

    def test_programs_have_arrows_from_their_maker_and_serve_the_client_that_they_were_started_with(self):
        for model, *flags in (("exec",), ("multiprocess", "--start_method=spawn")):
            with self.subTest(model=model):
                _, told = self.play(model, *flags)
                born = {told.lanes[arrow.to_lane].pid for arrow in told.arrows if arrow.kind == "spawn"}
                served = {lane.pid: {block.client for block in lane.blocks if block.client} for lane in told.lanes if lane.pid in born}
                self.assertEqual(sorted(map(sorted, served.values())), [[1], [2]])
                self.assertEqual(sum(arrow.kind == "request" for arrow in told.arrows), 4)
                self.assertEqual(sum(arrow.kind == "reply" for arrow in told.arrows), 4)

    def test_ring_shows_what_was_asked_and_what_came(self):
        try:
            _, told = self.play("uring")
        except scene.SceneError as error:
            self.skipTest(f"no io_uring here: {error}")
        kinds = {block.kind for lane in told.lanes for block in lane.blocks}
        self.assertLessEqual({"enter", "submit", "complete", "accept"}, kinds)
        self.assertFalse({"read", "write"} & kinds, "it makes no calls for them")
        # strace is blind here, so what came and went is held with what the clients have sent and received.
        requests = [moment for client in told.lanes if not client.pid for moment in client.blocks if moment.kind == "ask"]
        bytes_each = len(scene.SERVICES["echo"]("")[0])
        completed = [block.result for lane in told.lanes for block in lane.blocks
                     if block.kind == "complete" and block.result > 0]
        self.assertEqual(completed, [bytes_each] * 2 * len(requests), "one that was received and one that was sent for each")

    def test_server_that_does_not_start_says_why(self):
        with self.assertRaisesRegex(scene.SceneError, "is not ready.*there is no model"):
            self.play("none")


if __name__ == "__main__":
    unittest.main()
