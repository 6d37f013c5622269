"""Experiments: what is measured, and how: framing, closed and open loops, how to send a file."""

import dataclasses
import os
import signal
import time

from .. import peers, workloads
from ..load import finish
from ..peers import nginx
from . import talk
from .rounds import Question
from .verdict import aside, best_depends, fact, more, unknown

_STALL_S = 0.5


def _get_unframed(address, name):
    """As the course's client does it: (content, seconds). What comes as exactly "##" is the end."""
    with talk.connect(address) as connection:
        started = time.monotonic()
        connection.sendall(b"G " + name)
        content = connection.recv(1024)
        if not content.startswith(b"OK"):
            raise ConnectionError("the server refuses")
        # On a busy machine two pieces may come as one, in spite of the pause between them.
        content = content[2:]
        while not content.endswith(b"##"):
            piece = connection.recv(1024)
            if not piece:
                return content, time.monotonic() - started
            content += piece
        return content[:-2], time.monotonic() - started


def _get_framed(address, name):
    with talk.connect(address) as connection:
        started = time.monotonic()
        connection.sendall(b"G " + name + b"\n")
        reader = connection.makefile("rb")
        length = int(reader.readline().split()[1])
        return reader.read(length), time.monotonic() - started


def framing_by_pauses(lab):
    """Claim 22: sleep(0.1) and '##' are a usable framing."""
    files = {b"plain.txt": b"some text", b"marks.txt": b"##"}
    for name, content in files.items():
        with open(os.path.join(lab.root, name.decode()), "wb") as file:
            file.write(content)
    parts = []
    with lab.server("thread", "file,file-unframed") as server:
        unframed, framed = server.addresses["file-unframed"], server.addresses["file"]
        slow = min(_get_unframed(unframed, b"plain.txt")[1] for _ in range(5))
        quick = min(_get_framed(framed, b"plain.txt")[1] for _ in range(5))
        parts.append(fact(slow < 0.1, f"a get of 9 bytes: {1e3 * slow:.0f} ms by pauses, {1e3 * quick:.1f} ms with the length "
                                      "said before"))
        content = min((_get_unframed(unframed, b"marks.txt")[0] for _ in range(5)), key=len)
        parts.append(fact(content == files[b"marks.txt"], f"a file that holds '##' arrives as {content!r}"))
        content, _ = _get_framed(framed, b"marks.txt")
        parts.append(aside(f"with the length it arrives as {content!r}"))
    return parts


def p99_ms(run):
    """Of a load.LoadRun; None if its figures are worth nothing. A rate that was not reached spoils a throughput, but not these
    times: each counts from when its request was due, and none is missing."""
    faults = run.report.get("faults", []) if run.report else []
    if run.failed and not (faults and all(fault.startswith("the rate was not reached") for fault in faults)):
        return None
    return run.report["response_ns"]["p99"] / 1e6


def _percentile_with_stall(lab, *flags):
    """The 99th percentile in ms of a run in the middle of which the server stands still for a sixth of the time."""
    with lab.server("epoll") as server:
        process = lab.client.start(["--workload=echo", "--connections=10", "--threads=1", *flags], server.addresses["echo"],
                                   6 * _STALL_S)
        time.sleep(2 * _STALL_S)
        server.signal(signal.SIGSTOP)
        time.sleep(_STALL_S)
        server.signal(signal.SIGCONT)
        run = finish(process, 6 * _STALL_S)
    return p99_ms(run)


def closed_loop_percentiles(lab):
    """Claim 23: closed-loop percentiles describe users."""
    closed, opened = _percentile_with_stall(lab), _percentile_with_stall(lab, "--rate=500", "--arrivals=fixed")
    if closed is None or opened is None:
        return [unknown("the clients were not served")]
    return [fact(closed > 0.2 * opened, f"the server stands still for {_STALL_S:g} s of {6 * _STALL_S:g}: p99 {closed:.1f} ms in "
                                        f"a closed loop, {opened:.0f} ms in an open one")]


def sending_files(lab):
    """Claim 24: the best call depends on the size. nginx has both in one program: sendfile, and read with writev."""
    found = [peer for peer in peers.ALL if peer.name == "nginx" and peer.path()]
    if not found:
        return [unknown("needs nginx, which has both ways in one program: apt-get install nginx-light")]
    sends = found[0]

    def without_sendfile(setting, port, folder):
        return nginx.write(setting, port, folder, sendfile=False)

    def with_sendfile(setting, port, folder):
        return nginx.write(setting, port, folder, sendfile=True)
    one, other = (dataclasses.replace(sends, name=name, write=write) for name, write in
                  (("nginx, sendfile", with_sendfile), ("nginx, read and write", without_sendfile)))
    questions = []
    for file, connections in (("1k.bin", 64), ("128k.bin", 16), ("1m.bin", 8)):
        workload = dataclasses.replace(workloads.choose(["http"])[0], load=("--workload=http", f"--name={file}"),
                                       connections=connections)
        questions.append(Question(lab.compared_subjects([one, other], workload),
                                  f"{file}, processor time of a request, sendfile over read and write", one.name, other.name,
                                  more(slight=1.0)))
    parts = lab.settle(questions)
    return [*(aside(part.text) for part in parts),
            best_depends(parts, "sendfile is the cheaper call for some of these sizes, read and write for others")]
