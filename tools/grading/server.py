"""Server: a program under test that runs, and what a check may do with it and learn of it."""

import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time

from . import client as client_
from . import link as link_
from . import processes
from .exercise import Wrong

_STEP = 0.002  # seconds between two looks
_DESCRIPTORS = 8192  # more than shim/grader_link.cc's first
_LIMITS = ((resource.RLIMIT_CPU, 60), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 64 << 20),
           (resource.RLIMIT_AS, 8 << 30), (resource.RLIMIT_NOFILE, _DESCRIPTORS))


def _limit_resources():
    for kind, most in _LIMITS:
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


class Server:
    """Started on a free port by `with`; all its processes have ended behind it."""

    def __init__(self, program, shim, limits, quota, steps, rules=(), calls=(), symbol=None):
        self._program = program
        self._shim = shim
        self._quota = quota
        self.limits = limits
        self.steps = steps
        self._calls = calls
        self.link = link_.Link(rules, steps, limits, symbol or (lambda address, code: "a variable"))
        self._clients = []
        self._frozen = set()
        self.port = 0
        self.tree = None
        self._process = None
        self._output = self._errors = None

    def __enter__(self):
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        environment = dict(os.environ)
        if self._calls:
            environment.update(LD_PRELOAD=self._shim, GRADE_SOCKET=self.link.path, GRADE_CALLS=",".join(self._calls))
        self.link.start()

        def prepare():
            _limit_resources()
            self._quota.enter()

        # In the child nothing but system calls follows the fork, so the link's thread does no harm.
        self._process = subprocess.Popen([self._program, "0"], stdin=subprocess.DEVNULL, stdout=self._output,
                                         stderr=self._errors, env=environment, start_new_session=True, preexec_fn=prepare)
        self.tree = processes.ProcessTree(self._process.pid)
        self.link.tree = self.tree
        self._quota.watch(self.tree, self._frozen)
        try:
            self._await_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.steps.end()
        for client in self._clients:
            client.close()
        self._quota.leave()
        self._kill()
        self.link.close()
        self._output.close()
        self._errors.close()

    def _kill(self):
        while True:
            left = self.tree.processes()
            for process in left:
                try:
                    os.kill(process.pid, signal.SIGKILL)
                    if process.parent == os.getpid() and process.pid != self._process.pid:
                        os.waitpid(process.pid, os.WNOHANG)  # An orphan that has come to the grader.
                except (ProcessLookupError, ChildProcessError):
                    pass
            self._process.poll()
            if not left:
                return
            time.sleep(_STEP)

    def _await_port(self):
        def said_so_far():
            return os.pread(self._output.fileno(), 1000, 0)

        self.until(lambda: b"\n" in said_so_far() or self._process.poll() is not None)
        said = said_so_far()
        match = re.match(rb"listening on 127\.0\.0\.1:(\d+)\n", said)
        if not match:
            self.until(lambda: self._process.poll() is not None)  # Its last words, if it is just ending, say the most.
            said = said_so_far()
            raise Wrong(f"It does not say where it listens; it said {said[:200]!r}{self.how_it_ended()}",
                        'The first line of its output has to be "listening on 127.0.0.1:PORT", as in the program that you were '
                        "given, and has to leave at once: fflush(stdout).")
        self.port = int(match.group(1))
        self.steps.add("server", "listens")

    def client(self):
        """A new connection; all are closed at the end."""
        self._clients.append(client_.Client(self, f"client {len(self._clients) + 1}"))
        return self._clients[-1]

    def until(self, condition, reading=(), writing=(), grace=0):
        """Whether the condition comes true. It never does if the program stands still (for longer than usual, if the kernel has
        timers of its own under way: `grace`, in seconds), or if our patience is over."""
        grace = max(grace, self.limits.grace)
        stillness = processes.Stillness()
        end = time.monotonic() + self.limits.patience
        while not condition():
            now = time.monotonic()
            still = stillness.look(self.tree.threads(), now) >= grace
            if now > end or still and self._is_answered() and stillness.look(self.tree.threads(), now) >= grace:
                return condition()
            select.select(reading, writing, [], _STEP)
        return True

    def _is_answered(self):
        """Whether no thread sleeps for the reason alone that it waits for the grader. One that has been answered by now is not
        still: it has run since."""
        self.link.flush()
        return not self.link.holds()

    def settle(self):
        """Returns when the program stands still, and all that it has done is noted."""
        self.until(lambda: False)
        self.link.flush()

    def children(self):
        """Its child processes, zombies included."""
        return [process for process in self.tree.processes() if process.pid != self._process.pid]

    @property
    def pid(self):
        return self._process.pid

    def status(self):
        """The exit status as subprocess has it; None while it runs."""
        return self._process.poll()

    def how_it_ended(self):
        """For a sentence: ", and was ended by SIGSEGV: message"; empty while it runs."""
        status = self.status()
        if status is None:
            return ""
        self._errors.seek(0)
        said = self._errors.read(400).decode(errors="replace").strip()
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"has ended with status {status}"
        return f", and {how}{': ' + said if said else ''}"

    def signal(self, number):
        self.steps.add("grader", f"sends {signal.Signals(number).name} to the server")
        os.kill(self.pid, number)

    def freeze(self):
        """Stops the server, not its children: what happens meanwhile meets it all at once."""
        self._frozen.add(self.pid)
        os.kill(self.pid, signal.SIGSTOP)
        self.until(lambda: all(thread.state == "T" for thread in self.tree.threads() if thread.pid == self.pid))
        self.steps.add("grader", "stops the server (SIGSTOP): as if it did not get the processor for a while")

    def thaw(self):
        self.steps.add("grader", "lets the server go on (SIGCONT)")
        self._frozen.discard(self.pid)
        os.kill(self.pid, signal.SIGCONT)
