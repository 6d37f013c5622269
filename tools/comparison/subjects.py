"""The subjects: what is compared. A model of our own server with some flags, or the same once more (A against A).

Reference servers are in peers/.
"""

import dataclasses
import os
import re
import shlex
from dataclasses import dataclass, field

from . import limits, machine, network, processes, tls

# A pool serves as many clients at once as it has workers, so it gets one for each connection, and some for those that
# are just being replaced.
SPARE_WORKERS = 8
_MOST_WORKERS = 1024


class UnknownSubject(Exception):
    """The text says which there are."""


@dataclass(frozen=True)
class Setting:
    """What a server is started with, the same for every subject of a measurement."""

    root: str  # The files to serve.
    cpus: tuple  # Where it may run.
    logs: str  # A folder for what it prints.
    scratch: str  # A folder for its own files.
    connections: int  # As many there will be at a time.
    loops: int = 0  # Event loops, where a model can have several; 0: one for each processor.
    place: network.Place = network.LOOPBACK  # Where it listens.
    within: limits.Limits = None  # What it gets at most; None: all there is.


@dataclass(frozen=True)
class Model:
    """A concurrency model of our own server."""

    name: str  # As it is asked for, and shown.
    model: str
    flags: tuple = ()
    server: str = ""  # The program.
    traits: dict = field(default_factory=dict, hash=False)  # See programs.models().
    of: str = None  # A against A: whose twin it is.
    against: str = None  # Of two versions, in the new one: the name of the old one.
    only: tuple = ()  # The names of the workloads under which it is measured; none: all. See tuning/.

    @property
    def kind(self):
        return "aa" if self.of else "model"

    def services(self):
        return {"echo", "echo+udp", "http", "http+tls", "file", "compute", "message", "chat", "wait", "relay"}

    def refuses(self, workload):
        """Why the workload makes no sense with it; None if it does."""
        if self.traits.get("silent") == "blocks" and workload.keeps and workload.held > 1:
            return (f"serves one client after the other: {workload.held - 1} of {workload.held} "
                    "connections that stay would get no reply")
        most = self.traits.get("max_clients", 0)
        if self.traits.get("silent") == "one of N":
            most = _MOST_WORKERS - SPARE_WORKERS
        if most and workload.descriptors > most - 64:  # Descriptors of its own count, too.
            return f"serves {most} clients at most"
        return None

    def workers(self, setting):
        """How many workers it is started with; None if it has no such choice, or was told by its own flags."""
        if "workers" not in self.traits.get("flags", ()) or any("workers" in flag for flag in self.flags):
            return None
        if self.traits.get("silent") == "one of N":
            return min(_MOST_WORKERS, setting.connections + SPARE_WORKERS)
        return setting.loops or len(setting.cpus)

    def command(self, service, setting, asked=None):
        """`service` may be several, with commas between them. `asked`: "HOST:PORT" of the server that it may ask."""
        workers = self.workers(setting)
        services = service.split(",")
        listen = ",".join(f"{one}://{setting.place.host}:0" for one in services)
        return [self.server, f"--model={self.model}", *self.flags, *([f"--workers={workers}"] if workers else []),
                f"--listen={listen}", f"--root={setting.root}", "--drain_timeout=2s",
                # What a room can do is to be measured, and not how much one of its members may say.
                *(["--chat_rate=0"] if "chat" in services else []),
                *([f"--relay_to={asked}"] if asked else []),
                *([f"--tls_cert={tls.certificate(setting.scratch)}"] if any(map(tls.is_encrypted, services)) else [])]

    def start(self, service, setting, before=()):
        """A processes.Server that serves this service; `before` is a command that is to run it, such as strace. One that has to ask
        another server gets one that waits, of the same model for all, where the clients are."""
        behind = self._start_behind(setting) if "relay" in service.split(",") else None
        command = self.command(service, setting, behind.addresses["wait"] if behind else None)
        return processes.Server([*before, *command], setting.cpus, log_path(setting, self.name),
                                namespace=setting.place.namespace, within=setting.within, behind=behind)

    def _start_behind(self, setting):
        cpus = tuple(cpu for cpu in machine.cpus() if cpu not in setting.cpus) or setting.cpus
        return processes.Server([self.server, "--model=epoll", f"--listen=wait://{setting.place.host}:0",
                                 f"--root={setting.root}", "--drain_timeout=2s"], cpus,
                                log_path(setting, f"{self.name} behind"), namespace=setting.place.namespace)

    def worker_rule(self, setting):
        """How many workers it has, in words: the one thing in which models must differ, since that is what they are."""
        workers = self.workers(setting)
        if any("workers" in flag for flag in self.flags):
            return "as its own flags say"
        if self.traits.get("silent") == "one of N":
            return f"one for each connection of the workload, and {SPARE_WORKERS}"
        if workers:
            return f"{workers}: one event loop for each processor"
        return {"blocks": "one, for one client after the other"}.get(
            self.traits.get("silent"), "what the model is: one for each client, or one loop for all")

    def again(self):
        return dataclasses.replace(self, name=f"{self.name} (again)", of=self.name, against=None)

    def describe(self, _setting):
        """What run.json says of it."""
        return {"name": self.name, "kind": self.kind, "model": self.model, "flags": list(self.flags), "of": self.of,
                "against": self.against, "only": list(self.only), "config": None, "version": None, "traits": dict(self.traits)}


def log_path(setting, name):
    return os.path.join(setting.logs, re.sub(r"[^\w.=-]+", "_", name) + ".log")


def split(text):
    """"fork,prefork --accept=lock" -> ["fork", "prefork --accept=lock"]."""
    return [part.strip() for part in text.split(",") if part.strip()]


def choose(names, server, known):
    """The Models of these names, each a model with flags of its own behind it; `known` is from programs.models()."""
    chosen = []
    for name in dict.fromkeys(names):
        model, *flags = shlex.split(name)
        if model not in known:
            raise UnknownSubject(f"there is no model '{model}'; there are {', '.join(known)}")
        chosen.append(Model(name, model, tuple(flags), server.path, known[model]))
    return chosen


def most_willing(chosen, workloads):
    """The first of those that refuse the fewest workloads: what is measured twice should be there in each."""
    return min(chosen, key=lambda subject: sum(subject.refuses(workload) is not None for workload in workloads))
