"""Floor: the smallest honest program for each model and service (tools/floor), in the same rounds, so that a report shows how far
a model is from what its way to serve clients costs at least."""

import dataclasses
import os
from dataclasses import dataclass, field

from .. import processes, programs, subjects
from . import own

NAME = "floor"  # Of all of them, in --peers.
TARGET = "//tools/floor"
_FOLDER = "tools/floor"  # In a folder like bazel-bin.
_SMALL = "1k.bin"  # See workloads.make_files().
_MOST_WORKERS = 1024
# The load generator's workloads of HTTP that ask for nothing that the programs leave out.
_HTTP = ("http", "http-close", "upload", "disk", "web")


@dataclass(frozen=True)
class Floor:
    """One of the programs; see subjects.Model for what the methods promise."""

    name: str
    program: str  # Its name in tools/floor.
    serves: tuple
    floor_of: tuple  # The models whose floor it is; none: of all of them.
    traits: dict = field(default_factory=dict, hash=False)
    has_files: bool = False  # Sends files by sendfile(2), and takes them; otherwise a small one out of memory.
    folder: str = ""  # Where the programs are.
    model: str = None
    flags: tuple = ()
    of: str = None
    kind = "peer"

    def services(self):
        return set(self.serves)

    def refuses(self, workload):
        if workload.service == "http":
            flags = dict(flag.lstrip("-").partition("=")[::2] for flag in workload.load)
            if flags.get("workload") not in _HTTP or "depth" in flags:
                return "leaves out what this workload asks for"
            is_small = flags.get("name") == _SMALL
            if is_small == self.has_files:
                return "sends files, which are not in memory" if self.has_files else f"has one file, {_SMALL}, in memory"
        most = self.traits.get("max_clients", 0)
        if self._is_pool():
            most = _MOST_WORKERS - subjects.SPARE_WORKERS
        return f"serves {most} clients at most" if most and workload.held > most - 64 else None

    def _is_pool(self):
        return self.traits.get("silent") == "one of N"

    def _workers(self, setting):
        return min(_MOST_WORKERS, setting.connections + subjects.SPARE_WORKERS)

    def worker_rule(self, setting):
        return str(self._workers(setting)) if self._is_pool() else "what the model is: one for each client, or one loop for all"

    def path(self):
        return os.path.join(self.folder, _FOLDER, self.program)

    def command(self, service, setting, port):
        words = [self.path(), *([str(self._workers(setting))] if self._is_pool() else []), setting.place.host, str(port)]
        if self.has_files:
            return [*words, setting.root]
        return {"echo": [*words, "echo"], "http": [*words, "http", os.path.join(setting.root, _SMALL)], "chat": words}[service]

    def start(self, service, setting, before=()):
        port = own.free_port()
        return processes.Server([*before, *self.command(service, setting, port)], setting.cpus,
                                subjects.log_path(setting, self.name), {service: f"{setting.place.host}:{port}"},
                                namespace=setting.place.namespace, within=setting.within)

    def describe(self, _setting):
        """As of a model."""
        return {"name": self.name, "kind": self.kind, "model": None, "flags": [], "of": None, "config": None, "version": None,
                "floor_of": list(self.floor_of), "is_floor": True}


_PROCESS_EACH = {"silent": "harmless", "crash": "one", "max_clients": 0, "flags": ()}
_POOL = {"silent": "one of N", "crash": "one", "max_clients": 0, "flags": ()}
_SELECT = {"silent": "harmless", "crash": "all", "max_clients": 1024, "flags": ()}
_BOTH = ("echo", "http")

ALL = (
    Floor("fork floor", "fork", _BOTH, ("fork", "multiprocess"), _PROCESS_EACH),
    Floor("thread floor", "thread", _BOTH, ("thread",)),
    Floor("prefork floor", "prefork", _BOTH, ("prefork",), _POOL),
    Floor("threadpool floor", "threadpool", _BOTH, ("threadpool",), _POOL),
    Floor("select floor", "select", _BOTH, ("select",), _SELECT),
    Floor("poll floor", "poll", _BOTH, ("poll",)),
    Floor("epoll floor", "epoll", _BOTH, ("epoll", "libevent", "coroutine", "fiber")),
    Floor("uring floor", "uring", _BOTH, ("uring",)),
    Floor("files floor", "files", ("http",), (), has_files=True),
    Floor("chat floor", "chat", ("chat",), ()),
)


def fits(peer, models, workloads):
    """Whether a Floor belongs in a comparison: it is the floor of one of the models, and takes part in one of the workloads."""
    is_theirs = not peer.floor_of or any(model in peer.floor_of for model in models)
    return is_theirs and any(not set(workload.services()) - peer.services() and peer.refuses(workload) is None
                             for workload in workloads)


def choose(folder):
    """All of them, as programs of this folder, which is one like bazel-bin. programs.BuildError: they are not there."""
    found = [dataclasses.replace(peer, folder=folder) for peer in ALL]
    for peer in found:
        if not os.access(peer.path(), os.X_OK):
            raise programs.BuildError(f"there is no program {peer.path()}; leave out --bin to have it built")
    return found
