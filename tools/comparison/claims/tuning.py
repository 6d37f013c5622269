"""Experiment: what tuning is worth beside the choice of a model: a factorial design, and its allocation of variation."""

import dataclasses
import itertools
import math

from scipy import stats

from .. import statistics, workloads
from .lab import CHURN, ECHO, ONE_LOOP
from .rounds import CPU, P99
from .verdict import CONFIRMED, REFUTED, UNDECIDED, Part, unknown

# Each with how it stands in books, and as this server has it.
_TUNING = (("backlog 5 or 4096", ("--listen_backlog=5", "--listen_backlog=4096")),
           ("buffers of 4 KiB or adapted", ("--socket_buffer=4096", "--socket_buffer=0")),
           ("TCP_NODELAY off or on", ("--notcp_nodelay", "--tcp_nodelay")),
           ("1 or 64 clients accepted in a turn", ("--accept_batch=1", "--accept_batch=64")))
_ACCEPTS_IN_BATCHES = ONE_LOOP  # The other one has a thread that accepts, one client at a time.
_MODELS = ("thread", ONE_LOOP)
_MODEL = len(_TUNING)  # The factor's number.
_ROUNDS = 2
_MIXED = dataclasses.replace(workloads.choose(["mixed"])[0], slice_s=0.1)


def design():
    """Half of the 32 combinations of four settings and the model: the one in which the product of all signs is +1, so that
    no setting is mistaken for another one, or for two of them together. [(signs, the subject's name)]"""
    runs = []
    for signs in itertools.product((-1, 1), repeat=len(_TUNING)):
        model_sign = math.prod(signs)
        model = _MODELS[(model_sign + 1) // 2]
        flags = [levels[(sign + 1) // 2] for sign, (_, levels) in zip(signs, _TUNING)]
        if model != _ACCEPTS_IN_BATCHES:
            flags = [flag for flag in flags if not flag.startswith("--accept_batch")]
        runs.append(((*signs, model_sign), " ".join([model, *flags])))
    return runs


def _verdict(found, alpha):
    """Whether the settings' effects together, squared, exceed that of the model by more than noise may make of nothing."""
    of_settings = [effect for term, effect in found.effects.items() if _MODEL not in term]
    of_model = found.effects[(_MODEL,)]
    variance = found.error**2
    # The square of an effect that was measured is larger than the true one's by its variance, on the average.
    excess = sum(effect**2 - variance for effect in of_settings) - (of_model**2 - variance)
    squares = sum(effect**2 for effect in of_settings) + of_model**2
    sure = float(stats.t.isf(alpha / 2, found.degrees))
    doubt = sure * math.sqrt(4 * variance * squares + 2 * variance**2 * (len(of_settings) + 1))
    return CONFIRMED if excess > doubt else REFUTED if excess < -doubt else UNDECIDED


def judge(signs, values, what, alpha, condition=""):
    """A part: whether the settings account for more of what was measured than the model does. It is wrong with a probability of
    alpha."""
    found = statistics.factorial(signs, values)
    tuning = sum(share for term, share in found.shares.items() if _MODEL not in term)
    model = found.shares.get((_MODEL,), 0.0)
    both = sum(share for term, share in found.shares.items() if _MODEL in term and len(term) == 2)
    main = {name: found.shares.get((number,), 0.0) for number, (name, _) in enumerate(_TUNING)}
    most = max(main, key=main.get)
    return Part(_verdict(found, alpha), f"{what}: of its variation {100 * tuning:.0f} % is due to the settings (most of it: "
                f"{most}, {100 * main[most]:.0f} %), {100 * model:.0f} % to {_MODELS[0]} or {_MODELS[1]}, "
                f"{100 * both:.0f} % to both together, {100 * (1 - tuning - model - both):.0f} % is noise", condition)


def _part(lab, workload, figure, what, condition, alpha):
    signs, names = zip(*design())
    series = lab.compared(names, workload)
    series.measure([names], _ROUNDS, lab.is_over)
    common = series.common(names)[:_ROUNDS]
    if len(common) < _ROUNDS:
        why = "; ".join(f"{name}: {failure}" for name, failure in series.failures.items())
        return unknown(f"{what}: not measured without errors: {why or 'the time was up'}", condition)
    return judge(signs, [[found[name][figure.key] for found in common] for name in names], what, alpha, condition)


def tuning_against_architecture(lab):
    """Claim 12: tuning matters more than architecture."""
    loads = ((ECHO, CPU, "processor time of an echo on connections that stay", "connections stay"),
             (CHURN, CPU, "processor time of a connection for each echo", "each request has a connection of its own"),
             (_MIXED, P99, "99th percentile of echo at a rate, beside one that computes", "some requests compute"))
    return [_part(lab, *load, lab.alpha / len(loads)) for load in loads]
