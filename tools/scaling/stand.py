"""Stand: the hosts, each a network namespace, on one bridge; and we, with all clients, in one of our own.

    clients  10.0.0.101 ─┐              ┌─ a  10.0.0.11
    balancer 10.0.0.1   ─┼─── bridge ───┼─ b  10.0.0.12
    store    10.0.0.21  ─┘              └─ c  10.0.0.13

The addresses are those of deploy/, so its configurations hold here as they stand. Files are the machine's own, for all hosts: that is
the file system that all of them mount.
"""

import contextlib
import os
import shutil

from comparison import processes

from . import namespaces
from .link import DEVICE, Link
from .namespaces import NetworkError, do

SERVERS = {"a": "10.0.0.11", "b": "10.0.0.12", "c": "10.0.0.13"}
BALANCER, STORE, CLIENTS = "10.0.0.1", "10.0.0.21", "10.0.0.101"
_HOSTS = {**SERVERS, "balancer": BALANCER, "store": STORE, "clients": CLIENTS}
# One client has all connections, and each port waits for a minute after use.
_OF_CLIENTS = {"net/ipv4/ip_local_port_range": "1024 65535", "net/ipv4/tcp_tw_reuse": "1"}


def check():
    """NetworkError: there can be no stand here."""
    if os.geteuid() != 0:
        raise NetworkError("hosts are network namespaces, which take root to make")
    for program in ("ip", "tc"):
        if not shutil.which(program):
            raise NetworkError(f"the program {program} is missing: apt-get install --no-install-recommends iproute2")


class Host:
    """One machine of the stand."""

    def __init__(self, name, switch, can_delay):
        self.name, self.address = name, _HOSTS[name]
        self.namespace = namespaces.own_name(name)
        do("ip", "netns", "add", self.namespace)
        self.link = Link(self.namespace, switch, f"port-{name}", can_delay)
        do("ip", "-n", self.namespace, "address", "add", f"{self.address}/24", "dev", DEVICE)
        for device in ("lo", DEVICE):
            do("ip", "-n", self.namespace, "link", "set", device, "up")

    def spawn(self, argv, **more):
        """A program on it: a process; `more` is processes.spawn()'s."""
        return processes.spawn(argv, namespace=namespaces.path_of(self.namespace), **more)

    def kill(self):
        """Ends all programs on it at once, and without a word of theirs; the network stays."""
        namespaces.kill_members(self.namespace)


class Stand:
    """For as long as the `with` lasts; the calling thread, and what it starts, is at the clients' host meanwhile. Leaves nothing behind,
    however it ends, and removes what a run that was killed has left.

    can_delay  names of hosts whose links can be slowed down
    """

    def __init__(self, can_delay=()):
        self._can_delay = can_delay
        self._switch = namespaces.own_name("switch")
        self._before = None  # The namespace that we come from.
        self.hosts = {}

    def __enter__(self):
        check()
        namespaces.remove_leftovers()
        try:
            self._make()
            self._before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            processes.enter_network(namespaces.path_of(self.hosts["clients"].namespace))
            for name, value in _OF_CLIENTS.items():
                with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
                    file.write(value)
        except BaseException:
            self._leave()
            raise
        return self

    def _make(self):
        do("ip", "netns", "add", self._switch)
        do("ip", "-n", self._switch, "link", "add", "bridge0", "type", "bridge")
        do("ip", "-n", self._switch, "link", "set", "bridge0", "up")
        for name in _HOSTS:
            self.hosts[name] = Host(name, self._switch, name in self._can_delay)

    def __exit__(self, *_):
        self._leave()

    def _leave(self):
        """All of it, whatever fails or comes meanwhile: as long as we live, nobody else removes what is ours."""
        with namespaces.undisturbed(), contextlib.ExitStack() as steps:  # Done from the last to the first.
            for name in ("switch", *_HOSTS):  # Also of hosts that were made in part.
                steps.callback(namespaces.remove, namespaces.own_name(name))
            for host in self.hosts.values():
                steps.callback(host.link.close)
            if self._before is not None:
                steps.callback(os.close, self._before)
                steps.callback(processes.enter_network, f"/proc/self/fd/{self._before}")
            self._before, self.hosts = None, {}

    @property
    def servers(self):
        """The hosts of servers, by name."""
        return {name: self.hosts[name] for name in SERVERS}
