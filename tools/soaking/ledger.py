"""Ledger: what was asked of the server, what came of it, and whether a disturbance explains what was cut off.

A request that is cut off is the server's fault, unless a disturbance that may do so was under way meanwhile: a worker that is
killed takes its clients along, an upgrade closes connections between two requests, and a lost hub disconnects the members of
the room. So a client that is lost for no reason is found, although others are lost all the time.
"""

import time
from dataclasses import dataclass, field

# What a disturbance may cut off: any connection; one that is kept, between two requests; a conversation of datagrams; a member
# of the room; an upload, which is refused for lack of space.
CONNECTION, KEPT, DATAGRAM, MEMBER, SPACE = "connection", "kept", "datagram", "member", "space"

# A disturbance is over when the tool sees its end; what it did may reach a client on a busy machine this much later. A member of
# the room by UDP has no connection that ends: it learns of it by the answer to what it says next.
_ECHO_S = {CONNECTION: 3.0, KEPT: 3.0, SPACE: 3.0, DATAGRAM: 3.0, MEMBER: 15.0}
# What a server that stops gives a client to ask (--stop_grace), from its connect on. A client on a busy machine may take longer.
STOP_GRACE_S = 2
_MOST_FAULTS = 50  # Of their texts; all are counted.


@dataclass
class Tally:
    """Of one kind of load."""

    asked: int = 0
    answered: int = 0
    refused: int = 0
    cut: int = 0
    wrong: int = 0  # What the server may never do; the texts are in Ledger.faults.


@dataclass
class Disturbance:
    kind: str
    cuts: frozenset
    begun: float
    ended: float = None  # None while it is under way.


@dataclass
class Ledger:
    """All times are the clock's, in seconds. One thread.

    tallies       kind of load -> Tally
    disturbances  all, in the order in which they began
    faults        the first texts of what went wrong
    may_close_kept  kinds whose kept connections the server may close at any time, as a pool does for clients that wait
    """

    clock: object = time.monotonic
    tallies: dict = field(default_factory=dict)
    disturbances: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    may_close_kept: frozenset = frozenset()

    def of(self, kind):
        return self.tallies.setdefault(kind, Tally())

    def begin(self, kind, cuts):
        """Returns a Disturbance to be passed to end()."""
        disturbance = Disturbance(kind, frozenset(cuts), self.clock())
        self.disturbances.append(disturbance)
        return disturbance

    def end(self, disturbance):
        disturbance.ended = self.clock()

    def explains(self, what, since):
        """Whether a disturbance that may cut this off was under way at some time from `since` to now."""
        return any(what in one.cuts and (one.ended is None or one.ended + _ECHO_S[what] >= since)
                   for one in reversed(self.disturbances))

    def asked(self, kind):
        self.of(kind).asked += 1

    def answered(self, kind):
        self.of(kind).answered += 1

    def refused(self, kind, code, since):
        """507 is for a full disk alone; 503 is always allowed (a directory that others hold for too long)."""
        self.of(kind).refused += 1
        if code not in (503, 507):
            self.wrong(kind, f"refused with {code}")
        elif code == 507 and not self.explains(SPACE, since):
            self.wrong(kind, "refused with 507 although the disk has room")

    def cut(self, kind, what, since, why):
        """A request that was begun at `since` has no whole answer. Returns whether that is a disturbance's doing."""
        self.of(kind).cut += 1
        if self.explains(what, since) or (what == KEPT and kind in self.may_close_kept):
            return True
        self.wrong(kind, f"{what} cut off for no reason: {why}")
        return False

    def wrong(self, kind, what):
        self.of(kind).wrong += 1
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(f"{kind}: {what}")

    def counts_of_disturbances(self):
        counts = {}
        for one in self.disturbances:
            counts[one.kind] = counts.get(one.kind, 0) + 1
        return counts

    def total(self, name):
        return sum(getattr(tally, name) for tally in self.tallies.values())
