"""A network between the clients and the servers, with a delay, a loss and a rate: --network=rtt:20ms,loss:0.5%,rate:100mbit.

Two network namespaces are joined by a pair of virtual Ethernet devices, with queueing disciplines on both of them (tc-netem(8),
tc-tbf(8)). This process, and with it the load generator, moves into one of them; servers are started in the other one.

    servers   10.201.77.1 ── veth ══════ veth ── 10.201.77.2   we, and the load generator
                              netem, tbf    netem, tbf

The namespaces have names, so that those of a run that was killed are found, and removed by the next one.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from . import processes, procfs

_SERVER, _CLIENT = "10.201.77.1", "10.201.77.2"
_NAMES = "/run/netns"
# polyserve-PROCESS-START-ROLE: the process whose it is, and when that was started.
_NAME = re.compile(r"^polyserve-(\d+)-(\d+)-(?:server|client)$")
_DEVICE = "polyserve0"
# Packets that may wait for their delay; netem's own 1,000 would be a loss of their own.
_WAITING_PACKETS = 100_000
# As long as this a packet waits for its turn at a rate, at most; then the queue drops it.
_QUEUE_MS = 50
_LEAST_BURST = 32 * 1024
_UNITS_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
_UNITS_BIT = {"bit": 1.0, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}


class NetworkError(Exception):
    """There can be no such network. The text says why, and what to do."""


@dataclass(frozen=True)
class Place:
    """Where a server listens."""

    host: str
    namespace: str  # The file of its network namespace; None: ours.


LOOPBACK = Place("127.0.0.1", None)


def _number(name, text, units, most):
    """A number above 0 with one of the units, in the smallest common one."""
    match = re.match(r"^(\d+(?:\.\d+)?)([a-z%]+)$", text)
    if not match or match[2] not in units or not 0 < float(match[1]) * units[match[2]] <= most:
        raise NetworkError(f"--network: '{name}:{text}' is not understood; for example rtt:20ms,loss:0.5%,rate:100mbit")
    return float(match[1]) * units[match[2]]


@dataclass(frozen=True)
class Network:
    """What a network is like; 0 where it is perfect."""

    rtt_s: float = 0.0  # Half of it each way.
    loss: float = 0.0  # Of the packets, each way.
    rate: float = 0.0  # Bits per second, each way.

    @classmethod
    def parse(cls, text):
        """From "rtt:20ms,loss:0.5%,rate:100mbit", or a part of it."""
        kinds = {"rtt": ("rtt_s", _UNITS_S, 10.0), "loss": ("loss", {"%": 0.01}, 0.5), "rate": ("rate", _UNITS_BIT, 1e12)}
        found = {}
        for part in text.split(","):
            name, _, value = part.strip().partition(":")
            if name not in kinds or kinds[name][0] in found:
                raise NetworkError(f"--network: '{part}' is not understood; for example rtt:20ms,loss:0.5%,rate:100mbit")
            field, units, most = kinds[name]
            found[field] = _number(name, value, units, most)
        return cls(**found)

    def title(self):
        """For a person."""
        parts = ([f"a round trip of {1000 * self.rtt_s:g} ms"] if self.rtt_s else []) \
            + ([f"{100 * self.loss:g} % of the packets lost each way"] if self.loss else []) \
            + ([f"{self.rate / 1e6:g} Mbit/s each way"] if self.rate else [])
        return ", ".join(parts)

    def disciplines(self):
        """For each queueing discipline of a device, from its root on, the words behind `tc qdisc add dev DEVICE`."""
        found = []
        if self.rtt_s or self.loss:
            delay = ["delay", f"{1e6 * self.rtt_s / 2:.0f}us"] if self.rtt_s else []
            loss = ["loss", f"{100 * self.loss:.6g}%"] if self.loss else []
            found.append(["root", "handle", "1:", "netem", "limit", str(_WAITING_PACKETS), *delay, *loss])
        if self.rate:
            burst = max(_LEAST_BURST, round(self.rate / 8 / 100))  # What it lets pass in a tick of the kernel's clock.
            found.append([*(["parent", "1:1", "handle", "10:"] if found else ["root", "handle", "1:"]), "tbf", "rate",
                          f"{self.rate:.0f}bit", "burst", str(burst), "latency", f"{_QUEUE_MS}ms"])
        return found


def _run(*argv):
    """Runs it to its end. NetworkError: it has failed."""
    status, _, said = processes.run(argv)
    if status != 0:
        raise NetworkError(f"{' '.join(argv)}: {said.strip() or f'status {status}'}")


def _remove(name):
    try:
        processes.run(["ip", "netns", "delete", name])
    except (OSError, subprocess.SubprocessError):
        pass


def remove_leftovers():
    """Those of runs that were killed. Returns their names."""
    try:
        names = sorted(os.listdir(_NAMES))
    except OSError:
        return []
    left = [match[0] for match in map(_NAME.match, names) if match and procfs.start_time(match[1]) != int(match[2])]
    for name in left:
        _remove(name)
    return left


def _check():
    if os.geteuid() != 0:
        raise NetworkError("--network makes network namespaces, which takes root; without it server and clients share one machine's "
                           "loopback device")
    for program in ("ip", "tc"):
        if not shutil.which(program):
            raise NetworkError(f"--network needs the program {program}: apt-get install --no-install-recommends iproute2")


class Namespaces:
    """Two joined namespaces, for as long as the `with` lasts; the calling thread is in the client's meanwhile."""

    def __init__(self, network):
        self._network = network
        own = f"polyserve-{os.getpid()}-{procfs.start_time(os.getpid())}"
        self._server, self._client = f"{own}-server", f"{own}-client"
        self._before = None  # The namespace that we come from.
        self.place = Place(_SERVER, f"{_NAMES}/{self._server}")

    def __enter__(self):
        _check()
        remove_leftovers()
        try:
            self._make()
            self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            processes.enter_network(f"{_NAMES}/{self._client}")
            _set("net/ipv4/ip_local_port_range", "1024 65535")
            _set("net/ipv4/tcp_tw_reuse", "1")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_):
        self._leave()

    def _make(self):
        _run("ip", "netns", "add", self._server)
        _run("ip", "netns", "add", self._client)
        _run("ip", "link", "add", _DEVICE, "netns", self._server, "type", "veth", "peer", "name", _DEVICE, "netns", self._client)
        for name, address in ((self._server, _SERVER), (self._client, _CLIENT)):
            _run("ip", "-n", name, "address", "add", f"{address}/30", "dev", _DEVICE)
            # Otherwise a "packet" of 64 KiB would be delayed, or lost, as one.
            _run("ip", "-n", name, "link", "set", _DEVICE, "gso_max_segs", "1")
            for device in ("lo", _DEVICE):
                _run("ip", "-n", name, "link", "set", device, "up")
            for words in self._network.disciplines():
                self._add_discipline(name, words)

    def _add_discipline(self, name, words):
        try:
            _run("tc", "-n", name, "qdisc", "add", "dev", _DEVICE, *words)
        except NetworkError as error:
            if "netem" in words and "kind is unknown" in str(error):
                raise NetworkError(f"this kernel ({os.uname().release}) has no sch_netem, which delays and loses packets, so that only "
                                   "--network=rate:... is possible; Debian's kernels have it") from error
            raise

    def _leave(self):
        """Back to where we come from; the namespaces go with the last process in them."""
        if self._before is not None:
            processes.enter_network(f"/proc/self/fd/{self._before}")
            os.close(self._before)
            self._before = None
        _remove(self._client)
        _remove(self._server)


def _set(name, value):
    """A sysctl of the network that we are in: one client has all connections, and each port waits for a minute after use."""
    with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
        file.write(value)
