"""Judge: whether a target is met, by the rounds in which it was measured. No program is run here.

A target is *met* if all of the figure's 95 % interval satisfies the demand, *not met* if none of it does, and *open* otherwise:
more rounds make the interval narrower. Each row has its own 95 %, so about one row in twenty may be wrong.
"""

from dataclasses import dataclass

from .. import inference
from ..claims.rounds import CPU, LIMITED, RATE
from ..claims.rounds import P99 as P99_FIGURE
from ..claims.verdict import CONFIRMED, REFUTED
from .targets import MEMORY, P99

MET, NOT_MET, OPEN = "met", "not met", "open"
BYTES = "bytes"  # The key of memory for a connection, beside those of claims.rounds.
_WORDS = {CONFIRMED: MET, REFUTED: NOT_MET}


@dataclass(frozen=True)
class Row:
    """What is said of one target. The figures are None if it was not measured."""

    verdict: str
    middle: float = None
    low: float = None
    high: float = None
    rounds: int = 0
    subject: str = ""  # The best of the target's subjects,
    of: str = ""  # and of what it is compared with.
    note: str = ""


def judge(target, rounds, failures):
    """The Row of a target.

    rounds    [{name: {key: value}}], those of its scene in their order
    failures  name -> why it has no figures
    """
    if target.needs:
        return Row(OPEN, note=target.needs)
    rows = [_of_subject(target, subject, rounds, failures) for subject in target.subjects]
    measured = [row for row in rows if row.middle is not None]
    return max(measured, key=lambda row: row.middle) if measured else rows[0]


def _of_subject(target, subject, rounds, failures):
    # Several subjects are several chances to be the best one: they share what may be wrong.
    alpha = inference.ALPHA / len(target.subjects)
    if target.figure == MEMORY:
        effects = {"": inference.middle([found[subject][BYTES] for found in rounds if subject in found])}
    else:
        effects = {other: ratio(rounds, subject, other, target.figure) for other in target.of}
    known = {name: effect for name, effect in effects.items() if effect is not None and effect.tells}
    if not known:
        return Row(OPEN, note=_why_not((subject, *effects), effects, failures))
    # To be better than the best of them is to be better than each, so the lower bounds need not share alpha; the upper ones do.
    of = min(known, key=lambda name: known[name].log)
    low = min(effect.ratio(alpha)[1] for effect in known.values())
    high = min(effect.ratio(alpha / len(known))[2] for effect in known.values())
    verdict = _WORDS.get(target.demand.verdict(low, high), OPEN)
    notes = [_by(rounds, subject, of)] if target.figure not in (MEMORY, P99) else []
    if len(known) < len(effects):  # One that is missing might be the best.
        verdict = OPEN if verdict == MET else verdict
        notes.append(_why_not([name for name in effects if name not in known], effects, failures))
    return Row(verdict, known[of].ratio()[0], low, high, known[of].rounds, subject, of, "; ".join(filter(None, notes)))


def ratio(rounds, above, below, figure):
    """The inference.Effect of one over another; None if they were not measured together. Of speed it is that of the throughputs.
    If the load generator was the limit for one of them, it is that of the processor time for a request, upside down: half of the
    time is twice the speed."""
    common = [found for found in rounds if above in found and below in found]
    key, names = RATE.key, (above, below)
    if figure == P99:
        key = P99_FIGURE.key
    elif is_limited(rounds, above, below):
        key, names = CPU.key, (below, above)
    return inference.paired(*({number: found[name][key] for number, found in enumerate(common)} for name in names))


def is_limited(rounds, *names):
    """Whether the load generator was the limit for one of them, in half of the rounds or more."""
    return any(2 * sum(found[name].get(LIMITED, 0) for found in own) >= len(own)
               for name in names if (own := [found for found in rounds if name in found]))


def _by(rounds, subject, of):
    return "by processor time, as the load generator was the limit" if is_limited(rounds, subject, of) else ""


def _why_not(names, effects, failures):
    failed = [f"{name}: {failures[name]}" for name in names if name in failures]
    if failed:
        return "; ".join(failed)
    least = max((effect.rounds for effect in effects.values() if effect is not None), default=0)
    return f"{least} rounds, of which it takes {inference.LEAST_ROUNDS} at least"
