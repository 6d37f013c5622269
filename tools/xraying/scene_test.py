"""The scene under real servers: what is drawn is what strace(1) sees, for the models that strace can see; and each model's picture
shows its own mechanism."""

import os
import re
import shutil
import tempfile
import unittest

from xraying import records, scene, story

_SERVER = os.path.join(os.environ.get("TEST_SRCDIR", ""), os.environ.get("TEST_WORKSPACE", ""), "server")
# strace's name of a call -> ours. What it tells by an error is left out in both.
_CALLS = {"accept4": "accept", "recvfrom": "read", "sendto": "write"}
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>).* = (\d+)")


def of_strace(text):
    """{thread: [(kind, result)]}."""
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match[2] in _CALLS:
            found.setdefault(int(match[1]), []).append((_CALLS[match[2]], int(match[3])))
    return found


def of_records(all_records):
    found = {}
    for record in all_records:
        if record.kind in _CALLS.values() and record.result >= 0:
            found.setdefault(record.tid, []).append((record.kind, record.result))
    return found


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
        for model in ("loop", "fork", "thread", "poll", "epoll", "libevent"):
            log = os.path.join(self.folder, "strace")
            strace = ["strace", "-f", "-o", log, "-e", "trace=" + ",".join(_CALLS), _SERVER]
            found, _ = self.play(model, server=strace)
            with open(log, encoding="utf-8") as file:
                seen = of_strace(file.read())
            self.assertTrue(seen, model)
            self.assertEqual(of_records(found), seen, model)

    def test_each_client_is_answered_by_those_that_its_model_says(self):
        lanes = {}
        for model, flags in (("loop", ()), ("fork", ()), ("thread", ()), ("prefork", ("--workers=2",)), ("threadpool", ("--workers=2",)),
                             ("nonblock", ()), ("select", ()), ("epoll", ()), ("coroutine", ())):
            _, told = self.play(model, *flags)
            writers = [(lane.pid, lane.tid) for lane in told.lanes if lane.pid and any(block.kind == "write" and block.client for block in lane.blocks)]
            lanes[model] = (len({pid for pid, _ in writers}), len(writers))
            answered = {block.client for lane in told.lanes for block in lane.blocks if block.kind == "write"}
            self.assertLessEqual({1, 2}, answered, model)
            self.assertEqual(sum(arrow.kind == "reply" for arrow in told.arrows), 4, model)
        self.assertEqual(lanes, {"loop": (1, 1), "fork": (2, 2), "thread": (1, 2), "prefork": (2, 2), "threadpool": (1, 2), "nonblock": (1, 1),
                                 "select": (1, 1), "epoll": (1, 1), "coroutine": (1, 1)})

    def test_births_are_arrows(self):
        _, forked = self.play("fork")
        self.assertEqual(sum(arrow.kind == "fork" for arrow in forked.arrows), 2)
        _, threaded = self.play("thread")
        self.assertEqual(sum(arrow.kind == "thread" for arrow in threaded.arrows), 2)

    def test_ring_shows_what_was_asked_and_what_came(self):
        try:
            _, told = self.play("uring")
        except scene.SceneError as error:
            self.skipTest(f"no io_uring here: {error}")
        kinds = {block.kind for lane in told.lanes for block in lane.blocks}
        self.assertLessEqual({"enter", "submit", "complete", "accept"}, kinds)
        self.assertFalse({"read", "write"} & kinds, "it makes no calls for them")

    def test_server_that_does_not_start_says_why(self):
        with self.assertRaisesRegex(scene.SceneError, "is not ready.*there is no model"):
            self.play("none")


if __name__ == "__main__":
    unittest.main()
