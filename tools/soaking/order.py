"""What members of the room have heard: nothing is lost, nothing comes twice, and all hear the same order.

A line is (speaker, number); a speaker is one membership, which numbers its lines from 1. Over TCP all lines of a speaker reach
each member in their order, without a gap, from the first that it hears to the last; datagrams may be lost, never reordered.
"""

from collections import deque

_MOST_LINES = 20_000  # Of each member, the last ones: an hour at five lines a second.


class Hearing:
    """What one membership has heard, from its beginning on."""

    def __init__(self, name, is_reliable=True):
        """is_reliable  over TCP"""
        self.name, self.is_reliable = name, is_reliable
        self.lines = deque(maxlen=_MOST_LINES)
        self._last = {}

    def hear(self, speaker, number, speaks_reliably=True):
        """Returns what is wrong with it, or None."""
        self.lines.append((speaker, number))
        last, self._last[speaker] = self._last.get(speaker), number
        if last is None or number == last + 1:
            return None
        if number <= last:
            return f"{self.name} has heard line {number} of {speaker} behind line {last}"
        if self.is_reliable and speaks_reliably:
            return f"{self.name} has not heard lines {last + 1} to {number - 1} of {speaker}"
        return None

    def has_heard(self, speaker, number):
        return self._last.get(speaker, 0) >= number


def disagreement(one, other):
    """Where two members, both over TCP, have heard different orders; None if they agree, or have no line in common.

    From the first line on that both could hear, one of them has heard just what the other has, up to the end of the one that
    left earlier. None hears its own lines, so those of the two are left out.
    """
    lists = [[line for line in member.lines if line[0] not in (one.name, other.name)] for member in (one, other)]
    if not all(lists):
        return None
    places = [{line: at for at, line in enumerate(lines)} for lines in lists]
    if lists[1][0] in places[0]:
        starts = (places[0][lists[1][0]], 0)
    elif lists[0][0] in places[1]:
        starts = (0, places[1][lists[0][0]])
    else:
        return None  # They were never in one room at the same time.
    for first, second in zip(lists[0][starts[0]:], lists[1][starts[1]:]):
        if first != second:
            return f"{one.name} has heard {first[0]}'s line {first[1]} when {other.name} heard {second[0]}'s line {second[1]}"
    return None


def disagreements(hearings):
    """All of them. Those over UDP are left out, since they may miss lines."""
    reliable = [hearing for hearing in hearings if hearing.is_reliable]
    found = (disagreement(one, other) for at, one in enumerate(reliable) for other in reliable[at + 1:])
    return [text for text in found if text]
