"""Link: the cable between a host and the bridge, which can be cut, mended and slowed down."""

import fcntl
import functools
import os
import struct
import subprocess
import sys

from comparison import processes

from . import namespaces
from .namespaces import NetworkError, do

DEVICE = "eth0"  # The host's end, in each host.
_TUN = "/dev/net/tun"
_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_TAP_WITHOUT_HEADER = 0x0002 | 0x1000  # IFF_TAP | IFF_NO_PI
# Packets that may wait for their delay; netem's own 1,000 would be a loss of their own.
_WAITING_PACKETS = 100_000


@functools.lru_cache(maxsize=None)
def has_netem():
    """Whether this kernel can delay packets by itself (sch_netem): tried, since it may be a module that is loaded only then."""
    name = namespaces.own_name("trial")
    do("ip", "netns", "add", name)
    try:
        do("ip", "-n", name, "link", "set", "lo", "up")
        do("tc", "-n", name, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
        return True
    except NetworkError:
        return False
    finally:
        namespaces.remove(name)


def _open_tap(namespace, device):
    """A TAP device of this name there. It lives as long as its descriptor."""
    with namespaces.inside(namespace):
        try:
            descriptor = os.open(_TUN, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise NetworkError(f"this kernel can delay no packets: it has no sch_netem, and {_TUN} cannot be opened ({error.strerror})"
                               ) from error
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _TAP_WITHOUT_HEADER))
        return descriptor


class Link:
    """Between `host` and `switch`, which are names of namespaces; `port` is the name of the device at the bridge there. `can_delay`: it
    has to be one that delay() works on, which may take more of the processor."""

    def __init__(self, host, switch, port, can_delay=False):
        self._host, self._switch, self._port, self._cable = host, switch, port, None
        if can_delay and not has_netem():
            self._lay_cable()
        else:
            do("ip", "link", "add", DEVICE, "netns", host, "type", "veth", "peer", "name", port, "netns", switch)
        do("ip", "-n", switch, "link", "set", port, "master", "bridge0", "up")

    def _lay_cable(self):
        ends = [_open_tap(self._host, DEVICE), _open_tap(self._switch, self._port)]
        try:
            path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cable.py")
            # In a namespace that goes with the stand, so that the program does, too, whatever happens before close().
            self._cable = processes.spawn([sys.executable, path, *map(str, ends)], namespace=namespaces.path_of(self._switch),
                                          pass_fds=ends, stdin=subprocess.PIPE)
        finally:
            for end in ends:
                os.close(end)

    def cut(self):
        """Nothing gets through, and nobody is told."""
        do("ip", "-n", self._switch, "link", "set", self._port, "down")

    def mend(self):
        do("ip", "-n", self._switch, "link", "set", self._port, "up")

    def delay(self, round_trip_s):
        """Half of it each way; 0: none. Only if it was made for that."""
        if self._cable is not None:
            self._cable.stdin.write(f"{round_trip_s / 2}\n".encode())
            self._cable.stdin.flush()
            return
        for namespace, device in ((self._host, DEVICE), (self._switch, self._port)):
            do("tc", "-n", namespace, "qdisc", "replace", "dev", device, "root", "netem", "limit", str(_WAITING_PACKETS), "delay",
               f"{1e6 * round_trip_s / 2:.0f}us")

    def close(self):
        if self._cable is not None:
            self._cable.kill()
            self._cable.wait()
            self._cable.stdin.close()
