"""Stand: one server of the lab with its steady load, from start to start: scenes kill it, stop it, and give it other flags."""

import asyncio
import json
import os
import signal
import time

from comparison import processes
from comparison.claims import talk

from . import observer, steady_load

SERVICES = ("http", "echo", "compute")
_STATUS_PATIENCE_S = 0.3
_LONGEST_STATUS = 1 << 20

# What a stand does at the moment.
SERVING, STOPPING, ENDED = "serving", "stopping", "ended"


class Stand:
    """Make it, and open() it, in the main thread: a server is killed when the thread ends that has started it.

    name     as it was asked for: a model with flags
    model    a subjects.Model
    figures  steady_load.Figures
    state    SERVING, STOPPING, ENDED
    """

    def __init__(self, model, load, rate, root, log_path):
        self.name, self.model = model.name, model
        self.figures = steady_load.Figures()
        self.state = ENDED
        self.flags = ()  # Of a scene.
        self._load_program, self._rate, self._root, self._log_path = load, rate, root, log_path
        self._server = self._load = None
        self._ports = dict.fromkeys(SERVICES, 0)
        self._cpu_before = None
        self._ended_at = None

    # What the model is like; see programs.models().
    @property
    def blocks(self):
        return self.model.traits.get("silent") == "blocks"

    @property
    def is_pool(self):
        return self.model.traits.get("silent") == "one of N"

    @property
    def takes_helpers(self):
        return "offload" in self.model.traits.get("flags", ())

    @property
    def most_clients(self):
        """0 for no bound."""
        return self.model.traits.get("max_clients", 0)

    @property
    def has_thread_each(self):
        return self.model.traits.get("crash") == "all" and self.model.traits.get("long_work") == "nobody"

    @property
    def is_there(self):
        """Whether there is a server, even one that has ended by itself; otherwise nothing of it may be asked."""
        return self._server is not None

    def address(self, service):
        return self._server.addresses[service]

    @property
    def session(self):
        """Of its processes, and the pid of the first one."""
        return self._server.session

    @property
    def exit_status(self):
        """None while the first process runs."""
        return self._server.exit_status

    def open(self, flags=()):
        """Starts server and load; on the same ports as before, if they are still free. Raises processes.ServerError."""
        try:
            self._server = self._start(flags)
        except processes.ServerError:
            if not any(self._ports.values()):
                raise
            self._ports = dict.fromkeys(SERVICES, 0)
            self._server = self._start(flags)
        self._ports = {service: self._server.port(service) for service in SERVICES}
        self.flags = tuple(flags)
        self._cpu_before = None
        self.state, self._ended_at = SERVING, None
        self.start_load()

    def _start(self, flags):
        listen = ",".join(f"{service}://127.0.0.1:{port}" for service, port in self._ports.items())
        flags = [*self.model.flags, *flags, f"--listen={listen}", f"--root={self._root}"]
        return processes.Server([self.model.server, f"--model={self.model.model}", *flags], (), self._log_path)

    def start_load(self):
        self._load = steady_load.SteadyLoad(self._load_program, self.address("http"), self._rate, 1, self.figures)

    def stop_load(self):
        """The requests under way are dropped."""
        if self._load:
            self._load.close()
            self._load = None

    def tick(self):
        """Call it now and then. Notices what has ended; returns what to say of it, or None."""
        if not self.is_there:
            return None
        if self.state != ENDED and self.exit_status is not None:
            was_told = self.state == STOPPING
            self.state, self._ended_at = ENDED, time.monotonic()
            self.stop_load()
            return None if was_told else "the server has ended"
        if self.state == SERVING and self._load and self._load.has_ended:
            self.stop_load()
            self.start_load()
            return "the load generator was started again"
        return None

    def ended_s(self):
        """How long ago it was seen to have ended by itself; 0 if it has not."""
        return 0.0 if self._ended_at is None else time.monotonic() - self._ended_at

    def target(self, serving):
        return observer.Target(self.session, tuple(self._ports.values()), serving, self.has_thread_each)

    def cpu_share(self):
        """Of one processor, since the last call; None for the first one."""
        now, seconds = time.monotonic(), sum(self._server.cpu_times())
        before, self._cpu_before = self._cpu_before, (now, seconds)
        return None if before is None else max(0.0, round((seconds - before[1]) / (now - before[0]), 3))

    async def workers(self):
        """(pid, tid) of those that serve clients, as its /-/status has it; none if it does not answer at once, as one that stands
        still does not."""
        if self.state != SERVING or self.figures.waiting_s(time.monotonic()):
            return frozenset()
        try:
            return await asyncio.wait_for(self._ask_status(), _STATUS_PATIENCE_S)
        except (OSError, ValueError, KeyError, TypeError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            return frozenset()

    async def _ask_status(self):
        reader, writer = await asyncio.open_connection(*talk.at(self.address("http")), limit=_LONGEST_STATUS)
        try:
            writer.write(b"GET /-/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            _, _, content = (await reader.read(-1)).partition(b"\r\n\r\n")
            return frozenset((worker["pid"], worker["tid"]) for worker in json.loads(content)["workers"])
        finally:
            writer.close()

    def ask_to_stop(self):
        """SIGTERM; the load ends before, since it would call every refusal an error."""
        self.stop_load()
        self.state = STOPPING
        self._server.signal(signal.SIGTERM)

    async def close(self):
        """Ends both; it may be called again. Waits for the server in a thread, so that the page goes on meanwhile."""
        self.stop_load()
        server, self._server = self._server, None
        self.state, self._ended_at = ENDED, None
        if server:
            await asyncio.to_thread(server.stop)

    async def restore(self):
        """As it was before the scene. It may raise processes.ServerError."""
        self.tick()  # The scene may have killed it a moment ago.
        if self.state == SERVING and not self.flags and self._load:
            return
        await self.close()
        self.open()

    async def reopen(self, flags):
        """The server anew, with these flags besides its own."""
        await self.close()
        self.open(flags)


def log_path(folder, name):
    return os.path.join(folder, "".join(one if one.isalnum() else "_" for one in name) + ".log")
