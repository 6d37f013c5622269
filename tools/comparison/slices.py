"""Slices: what short measurements in turns say together. In each turn of a round each subject has one slice, so that neighbours
in time are compared; what disturbs the machine for longer than a turn disturbs all of them alike.

No program is run here: resident.py makes the slices.
"""

import math

import numpy

# So much is cut off at either end of a subject's slices in a round: a stall of the machine spoils whole slices.
_TRIM = 0.2


def steady(values):
    """{name: figure of the round}, of {name: {turn: value}}: what all subjects have in common in a turn is taken off, the middle
    of each subject's turns is taken, and what all turns have in common is put back. All about logarithms; values that are not
    above 0 are left out, and so is a name that has none.
    """
    logs = {name: {turn: math.log(value) for turn, value in own.items() if value > 0} for name, own in values.items()}
    logs = {name: own for name, own in logs.items() if own}
    levels = {name: numpy.median(list(own.values())) for name, own in logs.items()}
    turns = sorted({turn for own in logs.values() for turn in own})
    # Against each subject's own level, so that a turn that one of them missed is not better or worse for that.
    common = {turn: float(numpy.median([own[turn] - levels[name] for name, own in logs.items() if turn in own]))
              for turn in turns}
    usual = numpy.median(list(common.values())) if common else 0.0
    return {name: math.exp(_middle([value - common[turn] for turn, value in own.items()]) + usual) for name, own in logs.items()}


def _middle(values):
    """The mean without the outer fifth at either end."""
    ordered = sorted(values)
    cut = int(_TRIM * len(ordered))
    return float(numpy.mean(ordered[cut:len(ordered) - cut]))


_SUMS = ("replies", "replies_in_all", "bytes_in", "due", "overdue", "reconnections", "asked_again", "seconds")
_SHARES = ("fairness", "busiest_thread", "waited_for_processor")
_QUANTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
# As the load generator itself has it (kBusy, kKeptWaiting in client/load/report.cc; slices_test.py compares them): the shares of the
# time from which on it was the limit, and was kept waiting for a processor.
BUSY = 0.90
KEPT_WAITING = 0.10


def merged(reports):
    """One report of the load generator, for all its slices together."""
    found = dict(reports[0])
    for name in _SUMS:
        if name in found:
            found[name] = sum(report[name] for report in reports)
    for name in _SHARES:
        found[name] = sum(report[name] * report["seconds"] for report in reports) / found["seconds"]
    found["replies_per_second"] = found["replies"] / found["seconds"]
    found["generator_was_the_limit"] = found["busiest_thread"] + found["waited_for_processor"] > BUSY
    found["generator_was_kept_waiting"] = found["waited_for_processor"] > KEPT_WAITING
    found["errors"] = _summed([report["errors"] for report in reports])
    found["error_causes"] = _summed([report["error_causes"] for report in reports])
    if "tls" in found:
        found["tls"] = found["tls"] | _summed([{name: report["tls"][name] for name in ("handshakes", "resumed")} for report in reports])
    found["faults"] = list(dict.fromkeys(fault for report in reports for fault in report["faults"]))
    for kind in ("service_ns", "response_ns"):
        found[kind] = _merged_times([report[kind] for report in reports])
    for name in ("per_second", "lateness_ns"):  # The percentiles of slices cannot be added.
        found.pop(name, None)
    if "beside" in found:
        found["beside"] = [merged([report["beside"][place] for report in reports]) for place in range(len(found["beside"]))]
    return found


def _summed(counts):
    return {name: sum(own.get(name, 0) for own in counts) for name in dict.fromkeys(name for own in counts for name in own)}


def _merged_times(times):
    """Of service or response times; the percentiles are those of all slices' times together, if there is a histogram."""
    count = sum(own["count"] for own in times)
    found = {"count": count, "mean": sum(own["mean"] * own["count"] for own in times) / count if count else 0,
             "max": max(own["max"] for own in times)}
    if "histogram" not in times[0]:
        # Without a rate they are the response times, which have one.
        return {**found, **{label: float(numpy.median([own[label] for own in times])) for label, _ in _QUANTILES[:-1]}}
    buckets = {}
    for own in times:
        for value, number in zip(own["histogram"][::2], own["histogram"][1::2]):
            buckets[value] = buckets.get(value, 0) + number
    ordered = sorted(buckets.items())
    found |= {label: _quantile(ordered, share) for label, share in _QUANTILES[:-1]}
    found["histogram"] = [part for bucket in ordered for part in bucket]
    return found


def _quantile(buckets, share):
    wanted = math.ceil(share * sum(number for _, number in buckets))
    for value, number in buckets:
        wanted -= number
        if wanted <= 0:
            return value
    return 0
