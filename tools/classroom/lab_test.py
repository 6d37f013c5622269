"""tools/lab for real, with loop and thread: a scene is seen in the events, leaves all as it was, and at the end none is left."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

_HERE = os.path.dirname(os.path.abspath(__file__))
_REPOSITORY = os.path.dirname(os.path.dirname(_HERE))
_PATIENCE_S = 120


def programs_folder():
    """Where the server and the load generator lie: in Bazel's runfiles; by hand, POLYSERVE_BIN says it."""
    return os.environ.get("POLYSERVE_BIN", _REPOSITORY)


class LabTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def lab(self, *arguments):
        # Its temporary folder is in the command line of each server, by which we find those that are left.
        process = subprocess.Popen(["/usr/bin/python3", os.path.join(_REPOSITORY, "tools/lab"), *arguments],
                                   env={**os.environ, "TMPDIR": self.scratch}, text=True, stdout=subprocess.PIPE,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def live(self, *arguments):
        return self.lab("--models=loop,thread", f"--bin={programs_folder()}", "--port=0", "--json", *arguments)

    def end(self, process):
        """Ctrl-C; what it has printed since."""
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=_PATIENCE_S)
        self.assertEqual(process.returncode, 0)
        return [json.loads(line) for line in output.splitlines()]

    def events_until(self, process, is_it):
        """All events up to the one that is_it() likes."""
        events = []
        deadline = time.monotonic() + _PATIENCE_S
        for line in process.stdout:
            events.append(json.loads(line))
            if is_it(events[-1]):
                return events
            self.assertLess(time.monotonic(), deadline, "it did not happen")
        self.fail("the lab has ended before")

    def processes_left(self):
        left = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read()
            except OSError:
                continue
            if self.scratch.encode() in command:
                left.append(command)
        return left

    def test_a_silent_client_stops_loop_and_not_thread_and_the_recording_shows_it_again(self):
        recording, exported = os.path.join(self.scratch, "scenes.json"), os.path.join(self.scratch, "scenes.html")
        process = self.live("--scenes=silent", f"--record={recording}")
        output, _ = process.communicate(timeout=_PATIENCE_S)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.processes_left(), [])
        events = [json.loads(line) for line in output.splitlines()]
        self.assertEqual([server["name"] for server in events[0]["servers"]], ["loop", "thread"])
        phases = [event["phase"] for event in events if event["event"] == "scene"]
        self.assertEqual(phases, ["begin", "restore", "end"])
        moments = [event["servers"] for event in events if event["event"] == "figures"]
        # While loop stood still, its clients waited in the queue, and thread answered.
        still = [moment for moment in moments if moment["loop"]["waiting_s"] > 0 and moment["loop"]["queue"]["count"]]
        self.assertTrue(still)
        self.assertTrue(any(moment["thread"]["replies_per_s"] for moment in still))
        # The silent client is shown with the process, and with the thread, that has it.
        self.assertTrue(any(["victim"] == list(process["roles"]) for moment in still for process in moment["loop"]["tree"]))
        self.assertTrue(moments[-1]["loop"]["replies_per_s"])
        with open(recording, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["events"], events)
        self.assertEqual(self.lab(f"--play={recording}", f"--export={exported}").wait(_PATIENCE_S), 0)
        with open(exported, encoding="utf-8") as file:
            self.assertIn('"phase":"restore"', file.read())

    def test_a_killed_server_comes_back_and_ctrl_c_ends_all(self):
        process = self.live()
        (about,) = self.events_until(process, lambda event: event["event"] == "lab")
        order = urllib.request.Request(about["page"] + "scenes/kill", method="POST", headers={"X-Polyserve-Lab": "1"})
        with urllib.request.urlopen(order) as reply:
            self.assertEqual(reply.status, 202)
        events = self.events_until(process, lambda event: event["event"] == "scene" and event["phase"] == "end")
        notes = {event["server"]: event["text"] for event in events if event["event"] == "note"}
        self.assertRegex(notes["thread"], r"process \d+ killed: 3 of 3 clients lost, the server has ended")
        self.assertRegex(notes["loop"], r"process \d+ killed: 1 of 1 clients lost, the server has ended")
        after = self.events_until(
            process, lambda event: event["event"] == "figures" and event["servers"]["thread"]["replies_per_s"])
        self.assertEqual({server["state"] for server in after[-1]["servers"].values()}, {"serving"})
        self.end(process)
        self.assertEqual(self.processes_left(), [])

    def test_ctrl_c_in_the_middle_of_a_scene_ends_all(self):
        process = self.live()
        (about,) = self.events_until(process, lambda event: event["event"] == "lab")
        order = urllib.request.Request(about["page"] + "scenes/silent", method="POST", headers={"X-Polyserve-Lab": "1"})
        urllib.request.urlopen(order).close()
        self.events_until(process, lambda event: event["event"] == "figures" and event["servers"]["loop"]["waiting_s"] > 0)
        self.assertEqual(self.end(process)[-1]["phase"], "end")
        self.assertEqual(self.processes_left(), [])

    def test_wrong_usage_is_told_in_a_line(self):
        for arguments in (("--scenes=none",), ("--rate=0",), ("--play=a", "--record=b"), (f"--play={self.scratch}/none",),
                          ("--record=/nowhere/a",)):
            self.assertEqual(self.lab(*arguments).wait(_PATIENCE_S), 2, arguments)


if __name__ == "__main__":
    unittest.main()
