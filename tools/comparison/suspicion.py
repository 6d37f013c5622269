"""What the data of a run say against the run itself: a subject that was in no steady state, and an instrument that favours one of
two names of the same server. Both are found over all rounds, since a single one is noise.
"""

import math

import numpy
from scipy import stats

# As seldom may a good run be accused, for each subject and workload.
_ALPHA = 1e-3
# A drift within a round that is less than this is of no consequence: all subjects have their slices in all parts of a round.
_LEAST_DRIFT = math.log(1.05)
_LEAST_TURNS, _LEAST_ROUNDS = 4, 12  # Fewer rounds have no such small p.


def drifts(rounds):
    """{subject: how much more its figure was in the second half of a round than in the first, as a factor}, of subjects of which
    that is sure, and more than 5 %: memory that grows, caches that fill, a processor that heats up for this subject alone. What
    all subjects have in common in a turn is taken off.

    rounds  for each round {subject: {turn: value}}
    """
    found = {}
    for values in rounds:
        for subject, drift in _drifts_of_round(values).items():
            found.setdefault(subject, []).append(drift)
    return {subject: math.exp(numpy.median(drifts)) for subject, drifts in found.items()
            if len(drifts) >= _LEAST_ROUNDS and _is_surely_away(drifts)}


def _drifts_of_round(values):
    logs = {name: {turn: math.log(value) for turn, value in own.items() if value and value > 0} for name, own in values.items()}
    logs = {name: own for name, own in logs.items() if len(own) >= _LEAST_TURNS}
    turns = sorted({turn for own in logs.values() for turn in own})
    levels = {name: numpy.median(list(own.values())) for name, own in logs.items()}
    common = {turn: numpy.median([own[turn] - levels[name] for name, own in logs.items() if turn in own]) for turn in turns}
    middle = turns[len(turns) // 2] if turns else 0
    found = {}
    for name, own in logs.items():
        early = [log - common[turn] for turn, log in own.items() if turn < middle]
        late = [log - common[turn] for turn, log in own.items() if turn >= middle]
        if early and late:
            found[name] = float(numpy.median(late) - numpy.median(early))
    return found


def _is_surely_away(drifts):
    """Signed ranks, so that stalls in a few rounds say nothing."""
    if abs(numpy.median(drifts)) <= _LEAST_DRIFT or not any(drifts):
        return False
    excess = [drift - math.copysign(_LEAST_DRIFT / 2, numpy.median(drifts)) for drift in drifts]
    return stats.wilcoxon(excess).pvalue < _ALPHA


def leans(ahead, rounds):
    """Whether a twin was ahead of itself in more of the rounds than chance explains (sign test); ties count as neither."""
    return rounds >= _LEAST_ROUNDS and stats.binomtest(ahead, rounds).pvalue < _ALPHA


def sentence(leaning):
    """An entry of summary.json's "leaning", for a reader."""
    return (f"{leaning['a']}, measured twice, had the higher figure under its second name in {leaning['higher']} of {leaning['rounds']} "
            "rounds of all workloads: the instrument favours one place, so small differences are not to be trusted.")
