"""What the server holds, before and after: it has to be what it was.

The allowances, and why:
  processes, threads, zombies, connections   none: all that came with clients, and with disturbances, has to go
  descriptors    none; fewer are right, since a process opens its access log with its first line
  temporaries    an upload that was killed between its two last system calls leaves a hidden name (files/upload.cc), so at most as
                 many as processes were killed; of the server's temporary files none
  memory         a quarter, 8 MiB, and 1 MiB for each process. An allocator gives back pages only when they are free as a whole
                 (malloc_trim(3)), and keeps an arena for each of the threads that were busy at the same time; tables of
                 addresses, tickets and counters are filled once; a process has an allocator of its own, and copies each page
                 that it shares with its parent and writes. None of that grows with the time: a soak that is twice as long needs
                 no more, a leak does.
"""

import asyncio
from dataclasses import dataclass

from comparison import procfs

MEMORY_SHARE, MEMORY_KIB, MEMORY_KIB_OF_A_PROCESS = 0.25, 8 << 10, 1 << 10
_LOOK_S = 0.2


@dataclass(frozen=True)
class Footprint:
    processes: int
    threads: int
    zombies: int
    descriptors: int
    connections: int  # By /-/status: the one that asks is among them.
    temporaries: int
    pss_kib: int

    def still(self):
        """What does not change any more once all is quiet."""
        return self.processes, self.threads, self.zombies, self.descriptors, self.connections


async def look(stand, count_temporaries):
    """Asks the server first: under some models a client costs a process, which is gone a little later."""
    try:
        connections = (await stand.status())["connections"]["active"]
    except (OSError, EOFError, ValueError, KeyError):
        connections = -1
    await asyncio.sleep(_LOOK_S)
    stand.reap()
    tree = procfs.look_at(stand.session)
    return Footprint(len(tree.processes), tree.threads, tree.zombies, tree.descriptors, connections, count_temporaries(),
                     tree.pss_kib)


async def settle(stand, count_temporaries, patience_s, is_enough=None):
    """Looks until nothing has changed for five looks, or until it is enough; gives up after the time. Returns the last look."""
    loop = asyncio.get_running_loop()
    deadline, unchanged, before = loop.time() + patience_s, 0, None
    while True:
        stand.check()
        found = await look(stand, count_temporaries)
        unchanged = unchanged + 1 if before and before.still() == found.still() and found.connections >= 0 else 0
        if loop.time() > deadline or (is_enough(found) if is_enough else unchanged >= 5):
            return found
        before = found


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    what: str


def compare(before, after, killed):
    """A Check for each figure."""
    memory = int(before.pss_kib * (1 + MEMORY_SHARE)) + MEMORY_KIB + MEMORY_KIB_OF_A_PROCESS * before.processes

    def check(name, found, usual, most=None):
        most = usual if most is None else most
        allowance = f", at most {most}" if most != usual else ""
        return Check(name, 0 <= found <= most, f"{found}, before {usual}{allowance}")

    return [check("processes", after.processes, before.processes), check("threads", after.threads, before.threads),
            check("zombies", after.zombies, 0), check("descriptors", after.descriptors, before.descriptors),
            check("connections", after.connections, before.connections),
            check("temporaries", after.temporaries, before.temporaries, before.temporaries + killed),
            check("memory, KiB (PSS)", after.pss_kib, before.pss_kib, memory)]
