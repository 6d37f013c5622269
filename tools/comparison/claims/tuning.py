"""Experiment: what tuning is worth beside the choice of a model: a factorial design, and its allocation of variation."""

import itertools
import math

from .. import inference, statistics, workloads
from .lab import CHURN, ECHO, ONE_LOOP
from .verdict import CONFIRMED, REFUTED, UNDECIDED, Part, unknown

# Each with how it stands in books, and as this server has it.
_TUNING = (("backlog 5 or 4096", ("--listen_backlog=5", "--listen_backlog=4096")),
           ("buffers of 4 KiB or adapted", ("--socket_buffer=4096", "--socket_buffer=0")),
           ("TCP_NODELAY off or on", ("--notcp_nodelay", "--tcp_nodelay")),
           ("1 or 64 clients accepted in a turn", ("--accept_batch=1", "--accept_batch=64")))
_ACCEPTS_IN_BATCHES = ONE_LOOP  # The other one has a thread that accepts, one client at a time.
_MODELS = ("thread", ONE_LOOP)
_MODEL = len(_TUNING)  # The factor's number.
_SURE = 1.96  # Standard errors; 95 %.
_MOST_ROUNDS = 4
_MIXED = workloads.choose(["mixed"])[0]


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


def _verdict(found):
    """Whether the settings' effects together, squared, exceed that of the model by more than noise may make of nothing."""
    of_settings = [effect for term, effect in found.effects.items() if _MODEL not in term]
    of_model = found.effects[(_MODEL,)]
    variance = found.error**2
    # The square of an effect that was measured is larger than the true one's by its variance, on the average.
    excess = sum(effect**2 - variance for effect in of_settings) - (of_model**2 - variance)
    squares = sum(effect**2 for effect in of_settings) + of_model**2
    doubt = _SURE * math.sqrt(4 * variance * squares + 2 * variance**2 * (len(of_settings) + 1))
    return CONFIRMED if excess > doubt else REFUTED if excess < -doubt else UNDECIDED


def judge(signs, values, what):
    """A part: whether the settings account for more of what was measured than the model does."""
    found = statistics.factorial(signs, values)
    tuning = sum(share for term, share in found.shares.items() if _MODEL not in term)
    model = found.shares.get((_MODEL,), 0.0)
    both = sum(share for term, share in found.shares.items() if _MODEL in term and len(term) == 2)
    main = {name: found.shares.get((number,), 0.0) for number, (name, _) in enumerate(_TUNING)}
    most = max(main, key=main.get)
    verdict = _verdict(found)
    return Part(verdict, f"{what}: of its variation {100 * tuning:.0f} % is due to the settings (most of it: "
                         f"{most}, {100 * main[most]:.0f} %), {100 * model:.0f} % to {_MODELS[0]} or {_MODELS[1]}, "
                         f"{100 * both:.0f} % to both together, {100 * (1 - tuning - model - both):.0f} % is noise")


def _part(lab, workload, metric, what):
    runs = design()
    rounds = min(lab.rounds, _MOST_ROUNDS)
    measured = lab.measure([name for _, name in runs], workload, rounds)
    names = [name for _, name in runs]
    found, _ = measured.together(names, metric)
    if len(found[names[0]]) < inference.LEAST_ROUNDS:
        return unknown(f"{what}: not measured without errors: {'; '.join(measured.failures) or 'too few rounds'}")
    part = judge([signs for signs, _ in runs], [list(found[name].values()) for name in names], what)
    limited = sum(map(measured.client_was_the_limit, names))
    if limited and metric == "throughput":  # Then effects look smaller than they are, and not all to the same degree.
        return unknown(f"{part.text} (the client was the limit for {limited} of {len(names)} combinations)")
    return part


def tuning_against_architecture(lab):
    """Claim 12: tuning matters more than architecture."""
    return [_part(lab, ECHO, "throughput", "throughput of echo on connections that stay"),
            _part(lab, CHURN, "throughput", "throughput of a connection for each echo"),
            _part(lab, _MIXED, "response_p99_us", "99th percentile of echo at a rate, beside one that computes")]
