"""The workloads: what is asked of every subject. One table for the flag, the help and the report."""

import os
from dataclasses import dataclass

from . import tls


@dataclass(frozen=True)
class Workload:
    name: str
    service: str  # Of the server's, that it needs.
    title: str  # For a person, with what was fixed.
    load: tuple  # The load generator's flags.
    connections: int
    keeps: bool = True  # Connections stay; otherwise each request makes its own.
    rests: bool = True  # The load can stop and go on; otherwise each measurement has a server of its own.
    least_s: float = 0.0  # So long a measurement is at least, if the load cannot rest.
    slice_s: float = 0.05  # How long it is measured at a time: many times as long as a request takes, and chosen by study.py.
    unit: str = "replies/s"
    higher_is_better: bool = True
    is_default: bool = True
    beside: tuple = ()  # More services that it needs. Their addresses stand in `load` as {NAME}.
    idle: int = 0  # Connections beside them that say nothing.
    paced: bool = False  # Requests have times of their own, without a rate.
    connects_first: bool = True  # All its connections are made at the beginning.
    asks: bool = False  # For each request the server has another connection, to a server that it asks.

    @property
    def is_paced(self):
        """Whether requests are due at a rate, or at times of their own, whatever the server does."""
        return self.paced or any(flag.startswith("--rate=") for flag in self.load)

    @property
    def held(self):
        """How many connections the server has at a time."""
        return self.connections + self.idle

    @property
    def descriptors(self):
        """How many descriptors the connections are for the server."""
        return self.held + (self.connections if self.asks else 0)

    @property
    def is_of_datagrams(self):
        return self.service.endswith("+udp")

    @property
    def ranked_by(self):
        """The metric of summary.py that ranks subjects. Of response times it is the median, which a minute tells apart: what the
        machine itself holds up now and then decides the tail, and that is asked for by --by=tail."""
        return "response_p50_us" if self.is_paced else "throughput"

    @property
    def rate(self):
        """Requests per second that are due; None in a closed loop."""
        return next((float(flag.split("=")[1]) for flag in self.load if flag.startswith("--rate=")), None)

    @property
    def takes_rate(self):
        """Whether slices of it can have a rate; in a room one speaks as fast as all can listen."""
        return self.rests and not self.paced and "--workload=chat" not in self.load

    def metric_by(self, by):
        """The metric of metrics.py that ranks subjects by one of plan.BY: the nearest that this workload has."""
        if by == "memory":
            return "connection_bytes"
        if by == "capacity" and self.takes_rate:
            return "capacity"
        if by == "tail":
            return "given_p99_us" if self.takes_rate else "response_p99_us"
        if by == "cost" and not any(flag.startswith("--beside_") for flag in self.load):
            return "given_cpu_us" if self.takes_rate else "cpu_us_per_request"
        if by == "fairness" and not self.is_paced:  # At a rate, connections are not to get the same.
            return "fairness"
        return self.ranked_by

    def services(self):
        return (self.service, *self.beside)

    def server(self, addresses):
        """Where the load goes, as its --server has it; `addresses` as in load_flags()."""
        address = addresses[self.service]
        return f"{self.service}://{address}" if tls.is_encrypted(self.service) else address

    def load_flags(self, addresses=None, root="{root}"):
        """addresses  of the services; root  the directory whose files are served. Left as they are where not known."""
        known = {name: f"{{{name}}}" for name in self.services()} | (addresses or {})
        return [flag.format(root=root, **known) for flag in self.load] + [f"--connections={self.connections}"]

    def as_json(self):
        return {"name": self.name, "service": self.service, "title": self.title, "load_flags": self.load_flags(),
                "connections": self.connections, "unit": self.unit, "higher_is_better": self.higher_is_better,
                "ranked_by": self.ranked_by, "is_paced": self.is_paced}


ALL = (
    Workload("echo", "echo", "64-byte messages on 64 connections", ("--workload=echo", "--size=64"), 64),
    Workload("echo-rate", "echo", "64-byte messages on 64 connections, 2,000 a second due, as people come",
             ("--workload=echo", "--size=64", "--rate=2000", "--arrivals=poisson"), 64),
    Workload("idle", "echo", "64-byte messages on 32 connections, beside 500 that are silent",
             ("--workload=idle", "--size=64", "--idle=500"), 32, idle=500, is_default=False),
    # Its connections do not keep others out: a datagram of any peer may be the next one.
    Workload("datagrams", "echo+udp", "64-byte datagrams to and from 32 peers", ("--workload=datagrams", "--size=64"), 32,
             keeps=False, is_default=False),
    Workload("message", "message", "64-byte messages on 64 connections, each of which is acknowledged",
             ("--workload=message", "--size=64"), 64, is_default=False),
    Workload("churn", "echo", "connect, one 64-byte message, close; 32 at a time", ("--workload=churn", "--size=64"),
             32, keeps=False),
    Workload("http", "http", "GET of 1 KiB on 64 connections that are kept", ("--workload=http", "--name=1k.bin"), 64),
    Workload("http-close", "http", "GET of 1 KiB, a new connection each; 32 at a time",
             ("--workload=http-close", "--name=1k.bin"), 32, keeps=False, is_default=False),
    Workload("https", "http+tls", "GET of 1 KiB over TLS on 64 connections that are kept", ("--workload=http", "--name=1k.bin"),
             64, is_default=False),
    # A handshake in full takes so long that a slice of the usual length would hold few of them.
    Workload("https-close", "http+tls", "GET of 1 KiB over TLS, a new connection each, with a handshake in full; 32 at a time",
             ("--workload=http-close", "--name=1k.bin"), 32, keeps=False, is_default=False, slice_s=0.5),
    Workload("http-128k", "http", "GET of 128 KiB on 16 connections that are kept",
             ("--workload=http", "--name=128k.bin"), 16, is_default=False),
    Workload("download", "file", "files of 1 MiB by the file service on 8 connections",
             ("--workload=download", "--name=1m.bin"), 8, is_default=False),
    Workload("halves", "file", "files of 1 MiB by the file service on 8 connections, one half after the other",
             ("--workload=halves", "--name=1m.bin"), 8, is_default=False),
    # All subjects have the same files: what one of them has put must not be replaced by another one before it gets it back.
    Workload("library", "file", "a file of 16 KiB put, got back, and the list of all, on 8 connections",
             ("--workload=library", "--name=visit", "--size=16384"), 8, rests=False, is_default=False),
    # All subjects put the same files.
    Workload("upload", "http", "PUT of files of 64 KiB on 8 connections that are kept",
             ("--workload=upload", "--name=upload", "--size=65536"), 8, rests=False, is_default=False),
    # At a rate: in a closed loop the system would give the echoes all that they can take, and starve what computes.
    Workload("mixed", "echo", "64-byte messages on 32 connections, 2,000 a second due, beside one that sums up the primes "
             "below 100,000", ("--workload=mixed", "--size=64", "--rate=2000", "--arrivals=poisson", "--primes=100000",
                               "--beside_server={compute}"), 32, beside=("compute",), slice_s=0.5),
    Workload("slow", "http", "GET of 1 KiB on 32 connections, beside 16 that read 1 MiB at 10 kB/s",
             ("--workload=slow", "--name=1k.bin", "--beside_name=1m.bin", "--beside_connections=16"), 32, rests=False,
             is_default=False),
    Workload("chat", "chat", "a room of 100: deliveries of what one says, 64 bytes", ("--workload=chat", "--threads=1"), 100,
             unit="deliveries/s"),
    Workload("disk", "http", "GET of files of 64 KiB that have to come from the disk, on 8 connections",
             ("--workload=disk", "--name=disk/", "--files={root}/disk"), 8, is_default=False),
    Workload("web", "http", "5,000 users of a web site: pages of many sizes, and time to think",
             ("--workload=web", "--name=web/", "--files={root}/web"), 5000, paced=True, rests=False, is_default=False),
    # Answers come as fast as the waits allow, up to what the server can do: 10,000 a second.
    Workload("wait", "wait", "requests that wait 100 ms each, on 1,000 connections", ("--workload=wait", "--wait=100ms"), 1000,
             is_default=False, slice_s=0.5),
    # As wait, and each request is one more connection: 8,000 a second, which leave their ports in TIME_WAIT.
    Workload("relay", "relay", "requests that another server answers after 50 ms, on 400 connections",
             ("--workload=relay", "--wait=50ms"), 400, is_default=False, slice_s=0.25, asks=True),
    # Of a server with several loops, one may have got both when they connected: that is luck, and stays so.
    Workload("hot", "compute", "the primes below 10,000 on 2 connections, beside 500 that are silent",
             ("--workload=compute", "--primes=10000", "--idle=500"), 2, idle=500, is_default=False),
    Workload("compute", "compute", "the primes below 10,000 on 8 connections", ("--workload=compute", "--primes=10000"),
             8),
)

# The files that workloads ask for.
_FILES = {"1k.bin": 1024, "128k.bin": 128 * 1024, "1m.bin": 1024 * 1024}
# No two connections ask for the same one at a time.
_DISK_FILES = 64


class UnknownWorkload(Exception):
    """The text says which there are."""


def choose(names=None, own=()):
    """The workloads of these names, in this order; by default those that are meant to be. `own` are more to choose from, which
    take part in any case."""
    if names is None:
        return list(own) or [workload for workload in ALL if workload.is_default]
    names = [*names, *(workload.name for workload in own)]
    by_name = {workload.name: workload for workload in (*ALL, *own)}
    for name in names:
        if name not in by_name:
            raise UnknownWorkload(f"there is no workload '{name}'; there are {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(names)]


def make_files(root):
    """Writes what workloads ask for: the same bytes each time, so that two runs are about the same thing."""
    pattern = bytes(range(33, 123))
    os.makedirs(os.path.join(root, "disk"))
    on_disk = {f"disk/{number:03}.bin": 64 * 1024 for number in range(_DISK_FILES)}
    for name, size in (_FILES | on_disk).items():
        with open(os.path.join(root, name), "wb") as file:
            file.write((pattern * (size // len(pattern) + 1))[:size])
            if name in on_disk:
                os.fsync(file.fileno())  # What is not on the disk yet cannot be dropped from memory.


