"""Scenes: where the targets are measured. Each is a workload with the programs that take part in it, all of them in each round.
If its load can rest, they are measured in slices, in turns (claims/sliced.py), otherwise one after the other (measure.py)."""

import dataclasses
import os

from .. import extras, measure, order, peers, single_figures, subjects, workloads
from ..claims.lab import echo_with, say
from ..claims.rounds import CPU, LIMITED, P99, RATE
from ..claims.sliced import Entry, Sliced
from ..peers import floor, nginx
from .judge import BYTES

_HTTP, _CHAT = workloads.choose(["http", "chat"])
# So large that what a request costs beside its bytes vanishes, and so small that a measurement has many replies.
_LARGE = 16 * 1024 * 1024
FILES = {"16k.bin": 16 * 1024, "16m.bin": _LARGE}
# Seconds of a measurement that cannot rest.
_EACH_S = 2.0
# Idle connections, where it is not as many as are needed to tell hundreds of bytes from noise.
_MOST_IDLE, _MOST_IDLE_OF = 4000, {"fork": 500, "thread": 2000}
# A name that has failed in the first rounds is not tried again.
_MOST_FAILURES = 3


def _http(name, title, connections, load=(), **more):
    return dataclasses.replace(_HTTP, name=name, title=title, connections=connections, load=load or _HTTP.load, **more)


MEMORY = "idle-memory"
SCENES = {scene.name: scene for scene in (
    *workloads.choose(["echo", "churn", "http", "http-close", "http-128k", "chat"]),
    dataclasses.replace(echo_with(512), name="echo-512", title="64-byte messages on 512 connections"),
    _http("http-512", "GET of 1 KiB on 512 connections that are kept", 512),
    _http("http-16k", "GET of 16 KiB on 16 connections that are kept", 16, ("--workload=http", "--name=16k.bin")),
    dataclasses.replace(_CHAT, name="chat-32", title=f"{_CHAT.title}, 32 messages under way", load=(*_CHAT.load, "--depth=32")),
    _http("get-file", "GET of 16 MiB on one connection", 1, ("--workload=http", "--name=16m.bin"), slice_s=0.25),
    _http("put-file", "PUT of 16 MiB on one connection", 1, ("--workload=upload", "--name=upload", f"--size={_LARGE}"),
          rests=False),
    dataclasses.replace(echo_with(64), name=MEMORY, title="memory of the server's own for an idle connection"),
)}


class Missing(Exception):
    """A program is not there. The text says why."""


def make_files(root):
    """Writes what the scenes ask for, beside workloads.make_files()."""
    workloads.make_files(root)
    for name, size in FILES.items():
        with open(os.path.join(root, name), "wb") as file:
            file.write((bytes(range(33, 123)) * (size // 90 + 1))[:size])


def _peers(folder):
    """name -> a subject that is not one of our models."""
    found = {peer.name: peer for peer in (*peers.ALL, *floor.choose(folder))}
    for name, by_sendfile in (("nginx by sendfile", True), ("nginx by write", False)):
        def write(setting, port, scratch, by_sendfile=by_sendfile):
            return nginx.write(setting, port, scratch, sendfile=by_sendfile)
        found[name] = dataclasses.replace(found["nginx"], name=name, write=write)
    return found


def subject_of(name, lab, folder):
    """The subject of this name. Missing: its program is not installed."""
    known = _peers(folder)
    if name not in known:
        return lab.model(name)
    if not (path := known[name].path()) or not os.access(path, os.X_OK):
        raise Missing(f"not installed: apt-get install --no-install-recommends {known[name].package}")
    return known[name]


class Scene:
    """One of them, with its rounds so far.

    rounds    [{name: {key: value}}]
    failures  name -> why it has no figures, or had none the last time
    """

    def __init__(self, name, names, lab, folder, seed):
        self.name = name
        self.rounds, self.failures = [], {}
        self._failed = dict.fromkeys(names, 0)
        self._workload, self._lab, self._seed = SCENES[name], lab, seed
        self._subjects = {}
        for one in names:
            try:
                self._subjects[one] = subject_of(one, lab, folder)
            except (Missing, subjects.UnknownSubject) as error:
                self.failures[one] = str(error)
        self._measure = self._measurer()

    def _measurer(self):
        """(names, number of the round) -> {name: {key: value}, or why it failed}."""
        setting = self._lab.setting(self._workload.held)
        if self.name == MEMORY:
            return self._one_by_one(lambda one, _: memory(one, self._workload, setting))
        if not self._workload.rests:
            return self._one_by_one(
                lambda one, number: fresh(one, self._workload, setting, self._lab.client, self._seed + number))
        entries = {name: Entry(one, self._workload, setting) for name, one in self._subjects.items()}
        return Sliced(entries, self._lab.client, self._seed, lambda text: say(f"{self.name}, {text}"))

    def _one_by_one(self, figures):
        def measured(names, number):
            found = {}
            for name in order.rounds(names, 1, self._seed + number)[0]:
                say(f"{self.name}, round {number + 1}: {name}")
                found[name] = figures(self._subjects[name], number)
            return found
        return measured

    def measure(self):
        """One more round of all that have not failed from the beginning. Returns it."""
        names = [name for name in self._subjects
                 if self._failed[name] < _MOST_FAILURES or any(name in found for found in self.rounds)]
        found = self._measure(names, len(self.rounds)) if names else {}
        failed = {name: why for name, why in found.items() if isinstance(why, str)}
        self.failures.update(failed)
        for name in failed:
            self._failed[name] += 1
        self.rounds.append({name: values for name, values in found.items() if name not in failed})
        return self.rounds[-1]


def fresh(subject, workload, setting, load, seed):
    """{key: value} of a server that is started for one measurement; or why it failed."""
    line = measure.measure(subject, workload, setting, load, _EACH_S, seed)
    if line["failed"]:
        return line["failed"]
    report, server = line["load"], line["server"]
    seconds = server["cpu_user_s"] + server["cpu_system_s"]
    return {RATE.key: report["replies_per_second"], CPU.key: 1e6 * seconds / max(1, report["replies"]),
            P99.key: report["response_ns"]["p99"] / 1e6, LIMITED: int(report["generator_was_the_limit"])}


def memory(subject, workload, setting):
    """{BYTES: value}: the processes' own memory for an idle connection, by the line through steps of them; or why it failed."""
    lines = extras.memory(subject, workload, setting, extras.memory_steps(_MOST_IDLE_OF.get(subject.name, _MOST_IDLE)))
    failed = [line["failed"] for line in lines if line["failed"]]
    line = None if failed else single_figures.slope(lines, "pss_kib")
    if line is None:
        return failed[0] if failed else "too few steps of connections"
    return {BYTES: line.slope} if line.slope > 0 else "no more memory with more connections"
