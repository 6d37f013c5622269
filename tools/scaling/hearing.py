"""What the members of a room have heard, and whether that is what they should have: no sockets here.

A speaker says lines with the numbers 1, 2, 3, ... The protocol answers none of them. A line counts as acknowledged

  - if its speaker's server lives on, since what a connection that stays has sent is never dropped;
  - if the speaker's server has died: when a member of another server has heard it. What only the dead one knew may be lost.

Every line that was acknowledged has to reach every member whose server lives on, but its speaker, once and in the speaker's order.
"""

from collections import defaultdict


class Hearing:
    """What one member hears."""

    def __init__(self):
        self.count = defaultdict(int)  # speaker -> the number of its last line; each number before it was heard once.
        self.faults = []

    def hear(self, speaker, number):
        expected = self.count[speaker] + 1
        if number == expected:
            self.count[speaker] = number
        elif number < expected:
            self.faults.append(f"line {number} of {speaker} for a second time")
        else:  # Goes on from here: one gap is one fault.
            self.faults.append(f"line {number} of {speaker} behind line {expected - 1}")
            self.count[speaker] = number


def acknowledged(said, dead, hearings):
    """speaker -> how many of its lines count as acknowledged.

    said      speaker -> how many lines it has sent
    dead      the speakers whose server has died
    hearings  of members of servers that live on
    """
    return {speaker: max((hearing.count[speaker] for hearing in hearings), default=0) if speaker in dead else count
            for speaker, count in said.items()}


def missing(expected, hearings):
    """How many lines are still to come, over all members. `hearings`: member -> Hearing; a speaker does not hear itself."""
    return sum(max(0, count - hearing.count[speaker]) for member, hearing in hearings.items() for speaker, count in expected.items()
               if member != speaker)


def faults(expected, hearings):
    """Sentences about what is wrong; none if every member has heard all, once and in order."""
    found = []
    for member, hearing in hearings.items():
        found += [f"{member} has heard {fault}" for fault in hearing.faults]
        found += [f"{member} has heard {hearing.count[speaker]} of {count} lines of {speaker}" for speaker, count in expected.items()
                  if member != speaker and hearing.count[speaker] != count]
    return found
