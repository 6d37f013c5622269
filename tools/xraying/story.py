"""The story: who did what for whom, out of the records: lanes of blocks, and arrows between them.

    records, clients' moments ──▶ Story(lanes, arrows) ──▶ picture.py, trace_events.py

A block is a call, or work: what a thread did between two calls. Each arrow says where it is known from.
"""

import dataclasses
from dataclasses import dataclass, field

# What a thread does between these two kinds of calls is work for the client of the first one.
_BEFORE_WORK = ("read", "complete", "accept", "take", "inherit")
_AFTER_WORK = ("write", "submit", "enter", "close", "pass", "fork", "spawn", "thread", "wait", "read")
# A gap between calls that is shorter says nothing: it is the price of the records themselves.
_LEAST_WORK_NS = 1000
# A call that takes longer has waited for somebody in the kernel: it is drawn as a wait, with the rest of the call at its end.
_WAITING_NS = 200_000
_REST_NS = 5_000
# A thread that waits for readiness asks once more than it finds; one that polls asks all over again.
_LEAST_VAIN = 3
_MAY_WAIT = {"accept": "accept4", "read": "recv", "write": "send", "take": "recvmsg", "enter": "io_uring_enter", "woken": "read",
             "reap": "waitpid"}

# Calls that make a process. The child has a record, too, with 0 as the result: its birth.
MAKES_PROCESS = ("fork", "spawn")

PROBE, KERNEL, CLIENT = "the server's record", "the kernel's scheduler", "the client"


@dataclass(frozen=True)
class Block:
    begin_ns: int
    end_ns: int
    kind: str  # One of records.KINDS; work; vain: calls that found nothing; or of a client connect, ask, reply, leave.
    client: int = 0  # The number of the client that it is for; 0: of none.
    text: str = ""  # For a reader who points at it.
    callers: tuple = ()
    fd: int = -1
    result: int = 0


@dataclass
class Lane:
    name: str  # client 1, server, process 1, thread 1: numbered as they appear.
    pid: int  # 0: a client's.
    tid: int
    blocks: list = field(default_factory=list)

    @property
    def label(self):
        return f"{self.name} ({self.tid})" if self.pid else self.name


@dataclass(frozen=True)
class Arrow:
    kind: str  # fork, spawn, thread, pass, wake, request, reply
    from_lane: int
    from_ns: int
    to_lane: int
    to_ns: int
    source: str  # PROBE, KERNEL or CLIENT


@dataclass
class Story:
    lanes: list
    arrows: list
    begin_ns: int
    end_ns: int


class _Descriptors:
    """Which client a descriptor of a process belongs to."""

    def __init__(self, ports):
        self._ports = ports
        self._clients = {}
        self._passed = []

    def client(self, pid, fd):
        return self._clients.get((pid, fd), 0)

    def see(self, record):
        """Takes a record into account; the number of the client that it is about."""
        pid = record.pid
        if record.kind == "accept" and record.result >= 0:
            self._clients[pid, record.result] = self._ports.get(record.port, 0)
            return self.client(pid, record.result)
        if record.kind == "inherit":
            self._clients[pid, record.fd] = self._ports.get(record.port, 0)
        if record.kind == "pass":
            self._passed.append(self.client(pid, record.result))
            return self._passed[-1]
        if record.kind == "take" and self._passed:
            self._clients[pid, record.result] = self._passed.pop(0)
            return self.client(pid, record.result)
        found = self.client(pid, record.fd)
        if record.kind == "close":
            self._clients.pop((pid, record.fd), None)
        return found

    def inherit(self, parent, child):
        self._clients.update({(child, fd): client for (pid, fd), client in self._clients.items() if pid == parent})


def _text(record, client):
    """For a reader: `read 64 bytes of client 2`."""
    whose = f" of client {client}" if client else ""
    result = f": {-record.result and 'error'} {-record.result}" if record.result < 0 else ""
    if record.kind in ("read", "write") and record.result >= 0:
        return f"{record.kind} {record.result} bytes{whose}"
    if record.kind == "fork":
        return f"fork: child {record.result}" if record.result > 0 else "begins, forked"
    if record.kind == "spawn" and record.result >= 0:
        return f"starts program {record.result}" if record.result else "begins, a program"
    if record.kind == "inherit":
        return f"has the connection{whose} from its maker"
    if record.kind == "reap":
        return f"collects child {record.result}" if record.result > 0 else "no child has ended"
    if record.kind == "enter":
        return f"io_uring_enter: {record.result} submitted"
    if record.kind == "wait":
        return f"waits; {record.result} ready" if record.result > 0 else "waits"
    return f"{record.kind}{whose}{result}"


def _lane_of(lanes, numbers, record, main):
    key = (record.pid, record.tid)
    if key not in numbers:
        what = "thread" if record.tid != record.pid else "server" if record.pid == main else "process"
        count = 1 + sum(lane.name.startswith(what) for lane in lanes)
        name = what if what == "server" else f"{what} {count}"
        numbers[key] = len(lanes)
        lanes.append(Lane(name, record.pid, record.tid))
    return numbers[key]


def _vain(record, since_ns, begin_ns):
    """The calls before this record that found nothing, as a block in a list; empty if they are too few to matter."""
    since_ns = max(since_ns, begin_ns)
    if record.skipped < _LEAST_VAIN or since_ns >= record.begin_ns:
        return []
    return [Block(since_ns, record.begin_ns, "vain", text=f"{record.skipped} calls that found nothing", result=record.skipped)]


def _with_work(blocks):
    """Between two calls of a thread, of which the first has brought something to do."""
    found = []
    for before, after in zip([None, *blocks], blocks):
        works = before and before.kind in _BEFORE_WORK and after.kind in _AFTER_WORK
        if works and after.begin_ns - before.end_ns >= _LEAST_WORK_NS:
            found.append(Block(before.end_ns, after.begin_ns, "work", before.client or after.client, "works, between two calls"))
        found.append(after)
    return found


def _with_waits(block):
    """The block, or the wait within it and what is left."""
    if block.kind not in _MAY_WAIT or block.end_ns - block.begin_ns < _WAITING_NS:
        return [block]
    until = block.end_ns - _REST_NS
    return [dataclasses.replace(block, kind="wait", end_ns=until, text=f"waits in {_MAY_WAIT[block.kind]}()", result=0),
            dataclasses.replace(block, begin_ns=until)]


def tell(records, clients, server, begin_ns, end_ns):
    """The Story between two times.

    clients  scene.Clients
    server   the pid of the server's first process
    """
    lanes = [Lane(f"client {client.number}", 0, client.number) for client in clients]
    for lane, client in zip(lanes, clients):
        lane.blocks = [Block(moment.at_ns, moment.at_ns, moment.what, client.number, f"client {client.number}: {moment.what}")
                       for moment in client.moments]
    numbers, descriptors = {}, _Descriptors({client.port: client.number for client in clients})
    parents = {record.result: record.pid for record in records if record.kind == "fork" and record.result > 0}
    inherited, last_ns = set(), {}
    # A descriptor is there when the call that brings it has returned; meanwhile others may come, go, and have the same number.
    for record in sorted(records, key=lambda record: record.end_ns if record.kind in ("accept", "take") else record.begin_ns):
        # Whichever of the two comes first: after that the parent may close what its child has inherited.
        born = record.result if record.kind == "fork" and record.result > 0 else record.pid
        if born in parents and born not in inherited:
            inherited.add(born)
            descriptors.inherit(parents[born], born)
        client = descriptors.see(record)
        since_ns, last_ns[record.tid] = last_ns.get(record.tid, 0), record.end_ns
        if record.end_ns < begin_ns or record.begin_ns > end_ns:
            continue
        if record.kind == "reap" and record.result <= 0:
            continue  # It has only looked.
        lane = lanes[_lane_of(lanes, numbers, record, server)]
        if record.kind in MAKES_PROCESS and record.result == 0:  # In the child: it was its parent's call, and is its birth.
            record = dataclasses.replace(record, begin_ns=record.end_ns)
        lane.blocks += _vain(record, since_ns, begin_ns)
        lane.blocks += _with_waits(Block(max(record.begin_ns, begin_ns), min(record.end_ns, end_ns), record.kind, client,
                                         _text(record, client), record.callers, record.fd, record.result))
    for lane in lanes[len(clients):]:
        lane.blocks = _with_work(sorted(lane.blocks, key=lambda block: block.begin_ns))
    return Story(lanes, [*_births(lanes), *_conversations(lanes, len(clients)), *_hand_overs(lanes)], begin_ns, end_ns)


def workers_begin_ns(records, server, until_ns, end_ns):
    """When the first of the workers that act between two times was forked or started: not those that a server starts only to see
    whether it can. The first of the times if there are none.

    server  the pid of the server's first process
    """
    there = [record for record in records if record.end_ns >= until_ns and record.begin_ns <= end_ns]
    children = {record.pid for record in there}
    threads = {record.tid for record in there if record.pid == server and record.tid != server}
    own = [record for record in records if record.pid == server and record.begin_ns <= end_ns]
    forks = [record.begin_ns for record in own if record.kind == "fork" and record.result in children]
    starts = [record.begin_ns for record in own if record.kind == "thread"]
    return min([until_ns, *forks, *starts[max(0, len(starts) - len(threads)):]])


def _births(lanes):
    """Who made whom: forks, programs and threads."""
    by_pid = {lane.pid: number for number, lane in enumerate(lanes) if lane.pid and lane.pid == lane.tid}
    found = []
    unborn = [number for number, lane in enumerate(lanes) if lane.pid and lane.tid != lane.pid and lane.blocks]
    unborn.sort(key=lambda number: lanes[number].blocks[0].begin_ns)
    for number, lane in enumerate(lanes):
        for block in lane.blocks:
            if block.kind in MAKES_PROCESS and block.result > 0 and block.result in by_pid and lanes[by_pid[block.result]].blocks:
                child = by_pid[block.result]
                born_ns = lanes[child].blocks[0].end_ns  # Either may run first.
                found.append(Arrow(block.kind, number, min(block.end_ns, born_ns), child, born_ns, PROBE))
            if block.kind == "thread":
                born = next((one for one in unborn
                             if lanes[one].pid == lane.pid and lanes[one].blocks[-1].end_ns >= block.begin_ns), None)
                if born is not None:
                    unborn.remove(born)
                    begin_ns = max(lanes[born].blocks[0].begin_ns, block.end_ns)
                    found.append(Arrow("thread", number, block.end_ns, born, begin_ns, PROBE))
    return found


def _conversations(lanes, clients):
    """From a client's request to the read of it, and from the write of a reply to the client."""
    found = []
    for number in range(clients):
        client = lanes[number].tid
        served = sorted(((block, lane) for lane, one in enumerate(lanes) if one.pid for block in one.blocks
                         if block.client == client and block.result > 0), key=lambda pair: pair[0].end_ns)
        moments = lanes[number].blocks
        for moment, following in zip(moments, [*moments[1:], None]):
            if moment.kind == "ask":
                read = next(((block, lane) for block, lane in served
                             if block.kind in ("read", "complete") and block.end_ns >= moment.begin_ns), None)
                if read:
                    found.append(Arrow("request", number, moment.begin_ns, read[1], read[0].end_ns, CLIENT))
            if moment.kind == "reply" and (written := _written(served, moment.begin_ns, following)):
                block, lane = written
                found.append(Arrow("reply", lane, min(block.begin_ns, moment.begin_ns), number, moment.begin_ns, CLIENT))
    return found


def _written(served, at_ns, following):
    """(block, lane) of the call or ring operation that has sent what a client received then; None if there is none. A thread may
    lose its processor between the bytes' departure and the call's return, so that the client has them before the call is over."""
    until = following.begin_ns if following else at_ns
    calls = [pair for pair in served if pair[0].kind == "write" and pair[0].begin_ns <= until]
    return (calls or [pair for pair in served if pair[0].kind in ("submit", "enter", "complete") and pair[0].begin_ns <= at_ns] or [None])[-1]


def _hand_overs(lanes):
    """Descriptors that one process has sent and another received, in this order; and wake-ups by an eventfd or a pipe."""
    found = []
    blocks = [(block, number) for number, lane in enumerate(lanes) for block in lane.blocks]
    for sends, receives in (("pass", "take"), ("wake", "woken")):
        sent = sorted((block.begin_ns, number) for block, number in blocks if block.kind == sends)
        received = sorted((block.end_ns, number) for block, number in blocks if block.kind == receives)
        for at, number in sent:
            match = next((pair for pair in received if pair[0] >= at and pair[1] != number), None)
            if match:
                received.remove(match)
                found.append(Arrow(sends, number, at, match[1], match[0], PROBE))
    return found


def add_wakings(story, wakings):
    """Replaces the arrows of wake-ups by what the kernel's scheduler says: a thread of the server that woke another one of it.

    wakings  sched.Wakings.found
    """
    by_tid = {lane.tid: number for number, lane in enumerate(story.lanes) if lane.pid}
    story.arrows[:] = [arrow for arrow in story.arrows if arrow.kind != "wake"]
    for waking in wakings:
        by, woken = by_tid.get(waking.by), by_tid.get(waking.woken)
        if by is None or woken is None or by == woken or not story.begin_ns <= waking.at_ns <= story.end_ns:
            continue
        first = story.lanes[by].blocks[0]
        if first.kind == "spawn" and waking.at_ns < first.begin_ns:
            continue  # Its maker has waited until the program was loaded (vfork(2)): nothing that the program did.
        runs = next((block.end_ns for block in story.lanes[woken].blocks if block.end_ns >= waking.at_ns), None)
        if runs is not None:
            story.arrows.append(Arrow("wake", by, waking.at_ns, woken, runs, KERNEL))
