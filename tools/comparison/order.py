"""Order: the order of the subjects within the rounds, so that neither a place in the round nor a predecessor is an advantage.

Source: E. Williams, "Experimental designs balanced for the estimation of residual effects of treatments", 1949: in his
squares each comes once, or twice, in each place, and as often behind each of the others.
"""

import random


def _square(number):
    """A round for each row: numbers in whichever places; twice as many rows where the number is odd."""
    first = [0]
    for step in range(1, number):
        first.append((first[-1] + (step if step % 2 else -step)) % number)
    rows = [[(place + shift) % number for place in first] for shift in range(number)]
    return rows if number % 2 == 0 else rows + [row[::-1] for row in rows]


def rounds(names, number, seed):
    """So many orders of the names: the rows of Williams squares in an order of their own, with the names dealt out anew for
    each square. The same seed gives the same."""
    chance = random.Random(seed)
    names = list(names)
    found = []
    while names and len(found) < number:
        dealt = chance.sample(names, len(names))
        rows = _square(len(names))
        chance.shuffle(rows)
        found += [[dealt[place] for place in row] for row in rows]
    return found[:number]
