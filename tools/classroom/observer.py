"""Observer: who serves whom, as /proc shows it: the processes of a server, the loops and threads in them, and which of them holds
which connection. It asks the kernel alone, so that it sees a server that stands still as well as any other.

How a connection is told to belong to a thread: a thread that waits in recv() or send() names the descriptor to the kernel
(/proc/PID/task/TID/syscall), and serves it to its end. An event loop is known by what its epoll instance watches.
"""

import time
from dataclasses import dataclass, field

from comparison import procfs

_SHOWN_PROCESSES = 48  # In detail; of the others only the numbers are known.
_SHOWN_BOXES = 48  # Of threads, or loops, of one process.
_SHOWN_CONNECTIONS = 48  # Of one box.
_ASKED_THREADS = 256
# Reading the memory of a thousand processes takes long: at most a tenth of our time.
_MEMORY_SHARE = 0.1
_MEMORY_PAUSE_S = 0.9


@dataclass(frozen=True)
class Target:
    """A server to look at."""

    session: int  # Of its processes; that of its first process, too.
    ports: tuple  # On which it listens.
    serving: frozenset = frozenset()  # (pid, tid) of the workers, as its /-/status has it.
    has_thread_each: bool = False  # The model serves each client by a thread, which does nothing else meanwhile.


@dataclass
class Look:
    """A server at one moment."""

    processes: int = 0
    threads: int = 0
    memory_kib: int = 0
    accepted: int = 0  # Connections that are open,
    queue: list = field(default_factory=list)  # and those that are not accepted yet: [port of the client, role].
    tree: list = field(default_factory=list)  # A dictionary for each process.

    def as_json(self):
        return {"processes": self.processes, "threads": self.threads, "memory_kib": self.memory_kib, "open": self.accepted,
                "queue": {"count": len(self.queue), "connections": self.queue[:_SHOWN_CONNECTIONS]}, "tree": self.tree}


class Observer:
    """It remembers what changes slowly, and what a share of a processor is computed from. For one thread at a time."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._cpu = {}  # (pid, thread) -> (when, seconds).
        self._pairs = {}  # (pid, inode) -> thread.
        self._waiting = {}  # (pid, epoll instance) -> thread.
        self._memory = {}  # session -> (not again before, KiB).

    def look(self, targets, roles):
        """{name: Look}, of {name: Target}. `roles` says what a connection is there for: port of the client -> a word."""
        sockets = procfs.tcp_connections({port for target in targets.values() for port in target.ports})
        members = procfs.members_by_session({target.session for target in targets.values()})
        looks = {name: self._look(target, members[target.session], sockets, roles) for name, target in targets.items()}
        alive = {pid for pids in members.values() for pid in pids}
        self._cpu = {key: known for key, known in self._cpu.items() if key[0] in alive}
        self._waiting = {key: thread for key, thread in self._waiting.items() if key[0] in alive}
        open_inodes = {inode for known in sockets.values() for inode, _ in known}
        self._pairs = {key: thread for key, thread in self._pairs.items() if key[0] in alive and key[1] in open_inodes}
        return looks

    def _look(self, target, members, sockets, roles):
        look = Look()
        clients = {}  # inode -> [port of the client, role].
        for port in target.ports:
            for inode, client in sockets[port]:
                one = [client, roles.get(client, "load")]
                if inode:
                    clients[inode] = one
                else:
                    look.queue.append(one)
        living = [pid for pid in members if not procfs.is_zombie(pid)]
        look.accepted = len(clients)
        look.processes = len(living)
        look.memory_kib = self._memory_of(target.session, living)
        rows = []
        for pid in living:
            tids = procfs.threads(pid)
            look.threads += len(tids)
            if len(rows) < _SHOWN_PROCESSES:
                rows.append(self._process(pid, tids, target, clients))
        look.tree = rows
        return look

    def _memory_of(self, session, living):
        if not living:
            return 0
        not_before, known = self._memory.get(session, (0.0, 0))
        began = self._clock()
        if began < not_before:
            return known
        known = sum(procfs.pss_kib(pid) for pid in living)
        cost = self._clock() - began
        self._memory[session] = (began + max(_MEMORY_PAUSE_S, cost / _MEMORY_SHARE), known)
        return known

    def _process(self, pid, tids, target, clients):
        """What it holds itself, and what its loops or threads hold."""
        held, epolls = {}, []
        for fd, what in procfs.descriptors(pid).items():
            if what == "anon_inode:[eventpoll]":
                epolls.append(fd)
            elif what.startswith("socket:[") and (inode := int(what[8:-1])) in clients:
                held[fd] = inode
        boxes = self._loops(pid, tids, held, epolls) or self._threads(pid, tids, held, target)
        placed = {inode for box in boxes for inode in box["inodes"]}
        rest = [inode for inode in held.values() if inode not in placed]
        for box in boxes:
            box.update(_shown(box.pop("inodes"), clients))
        busy = round(sum(self._busy(pid, tid) for tid in tids[:_ASKED_THREADS]), 2)
        return {"pid": pid, "name": procfs.name(pid), "threads": len(tids), "busy": busy, "is_first": pid == target.session,
                "serves": any(one == pid for one, _ in target.serving),
                "boxes": boxes[:_SHOWN_BOXES], "more_boxes": max(0, len(boxes) - _SHOWN_BOXES), **_shown(rest, clients)}

    def _loops(self, pid, tids, held, epolls):
        """A box for each of several epoll loops in one process; none if there is but one. A loop is the thread that was seen to
        wait for its epoll instance."""
        watched = [(fd, [held[one] for one in procfs.epoll_targets(pid, fd) if one in held]) for fd in epolls]
        loops = [(fd, inodes) for fd, inodes in watched if inodes]
        if len(loops) < 2:
            return []
        for tid in tids[:_ASKED_THREADS]:
            fd = procfs.first_argument(pid, tid)
            if fd in epolls:
                self._waiting[pid, fd] = tid
        busy = {fd: self._busy(pid, self._waiting[pid, fd]) for fd, _ in loops if (pid, fd) in self._waiting}
        return [{"kind": "loop", "id": fd, "busy": busy.get(fd, 0.0), "inodes": inodes} for fd, inodes in loops]

    def _threads(self, pid, tids, held, target):
        """A box for each thread that has a connection, or that serves according to the server."""
        if not target.has_thread_each:
            return []
        owners, running = {}, []
        inodes = set(held.values())
        known = {thread: inode for (process, inode), thread in self._pairs.items() if process == pid and inode in inodes}
        for tid in tids[:_ASKED_THREADS]:
            fd = procfs.first_argument(pid, tid)
            if fd in held:
                owners[tid] = held[fd]
            elif tid in known:
                owners[tid] = known[tid]
            elif fd is None and tid != pid:
                running.append(tid)
        rest = inodes.difference(owners.values())
        if len(rest) == len(running) == 1:  # What is left must belong together.
            owners[running[0]] = rest.pop()
        self._pairs.update({(pid, inode): tid for tid, inode in owners.items()})
        boxes = [tid for tid in tids if tid in owners or (pid, tid) in target.serving and tid != pid]
        return [{"kind": "thread", "id": tid, "busy": self._busy(pid, tid), "inodes": [owners[tid]] if tid in owners else []}
                for tid in boxes]

    def _busy(self, pid, tid):
        """The share of a processor since the last look."""
        now, seconds = self._clock(), procfs.thread_cpu_seconds(pid, tid)
        before = self._cpu.get((pid, tid))
        if before is None or now - before[0] > 0.05:  # Asked twice in one look, it is the same.
            share = (seconds - before[1]) / (now - before[0]) if before else 0.0
            self._cpu[pid, tid] = (now, seconds, min(1.0, max(0.0, round(share, 2))))
        return self._cpu[pid, tid][2]


def _shown(inodes, clients):
    connections = [clients[inode] for inode in inodes]
    roles = {}
    for _, role in connections:
        roles[role] = roles.get(role, 0) + 1
    return {"count": len(connections), "roles": roles, "connections": connections[:_SHOWN_CONNECTIONS]}


def holder(target, client):
    """The process of a server that has the connection of the client with this port; the youngest, if several have. None: there is
    none."""
    sockets = procfs.tcp_connections(target.ports)
    inode = next((inode for known in sockets.values() for inode, port in known if port == client), 0)
    holders = [pid for pid in procfs.session_members(target.session) if f"socket:[{inode}]" in procfs.descriptors(pid).values()]
    return max(holders, key=lambda pid: procfs.start_time(pid) or 0, default=None)
