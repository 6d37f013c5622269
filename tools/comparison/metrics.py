"""Metrics: what is read off a line of the data, in which unit, and whether more of it is better. No statistics; summary.py makes
figures of rounds out of them."""

import math
import re

from . import statistics, store

# Metrics of a round: name -> (unit, whether more is better, how to get it of a line).
_QUANTILES = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"))


def _per_request(line, value):
    requests = line["server"]["requests"]
    return None if value is None or not requests else value / requests


def _cpu_us(*names):
    def get(line):
        if line["load"].get("beside"):
            return None  # It is unknown which part of it was for these requests.
        return _per_request(line, 1e6 * sum(line["server"][name] for name in names))
    return get


def _quantile(kind, quantile):
    return lambda line: line["load"][kind + "_ns"][quantile] / 1e3


def _mean(line):
    return line["load"]["response_ns"]["mean"] / 1e3


def _of_server(name):
    return lambda line: line["server"][name]


def _milliseconds(name):
    return lambda line: None if line["server"].get(name) is None else 1e3 * line["server"][name]


def _idle_share(line):
    """Of a processor, while no request comes."""
    server = line["server"]
    return (server["cpu_user_s"] + server["cpu_system_s"]) / server["seconds"]


def _beside(line):
    beside = line["load"].get("beside")
    return beside[0]["replies_per_second"] if beside else None


def _balance(line):
    shares = line["server"]["connections_per_worker"]
    return statistics.gini(shares) if len(shares) > 1 else None


# With fewer replies for each connection, on average, in a slice, whole numbers alone take 1 % off the index of a fair server.
_LEAST_REPLIES = 5


def _fairness(line):
    """Jain's index of the connections' replies, 1/n to 1, in a slice; of several slices the mean. None if the connections were not to
    get the same, because requests came at a rate, or if they got too few replies each to tell."""
    load = line["load"]
    if "due" in load:
        return None
    slices = max(1, len(load.get("slices") or ()))
    is_enough = load.get("replies", math.inf) >= _LEAST_REPLIES * load.get("connections", 1) * slices
    return load["fairness"] if is_enough else None


def _switches(line):
    voluntary, involuntary = line["server"]["voluntary_switches"], line["server"]["involuntary_switches"]
    return None if voluntary is None else _per_request(line, voluntary + involuntary)


METRICS = {
    "throughput": ("1/s", True, lambda line: line["load"]["replies_per_second"]),
    "beside_per_second": ("1/s", True, _beside),
    **{f"{kind}_{name}_us": ("us", False, _quantile(kind, key))
       for kind in ("service", "response") for name, key in _QUANTILES},
    "response_mean_us": ("us", False, _mean),
    "cpu_us_per_request": ("us", False, _cpu_us("cpu_user_s", "cpu_system_s")),
    "cpu_user_us_per_request": ("us", False, _cpu_us("cpu_user_s")),
    "cpu_system_us_per_request": ("us", False, _cpu_us("cpu_system_s")),
    "switches_per_request": ("", False, _switches),
    "fairness": ("", True, _fairness),
    "connections_gini": ("", False, _balance),
    "work_gini": ("", False, _of_server("work_gini")),
    "threads": ("", False, _of_server("threads")),
    "processes": ("", False, _of_server("processes")),
    "descriptors": ("", False, _of_server("descriptors")),
    "pss_kib": ("KiB", False, _of_server("pss_kib")),
    "listen_overflows": ("", False, _of_server("listen_overflows")),
}
# Metrics that are not of the rounds: name -> (unit, whether more is better, the kind of lines, which of them, the metric above).
ELSEWHERE = {
    **{f"{point}_{name}_us": ("us", False, store.COST, point, metric) for point in ("given", "low") for name, metric in (
        ("cpu", "cpu_us_per_request"), ("mean", "response_mean_us"), ("p50", "response_p50_us"), ("p99", "response_p99_us"),
        ("p999", "response_p999_us"))},
    "idle_share": ("", False, store.QUIET, None, "quiet_share"),
    "start_ms": ("ms", False, store.QUIET, None, "quiet_start_ms"),
    "drain_ms": ("ms", False, store.QUIET, None, "quiet_drain_ms"),
    "capacity": ("1/s", True, store.PROMISE, None, None),
    "connection_bytes": ("B", False, store.MEMORY, None, None),
}
# Of lines of quiet.jsonl.
OF_QUIET = {"quiet_share": ("", False, _idle_share), "quiet_start_ms": ("ms", False, _milliseconds("start_s")),
            "quiet_drain_ms": ("ms", False, _milliseconds("drain_s"))}


def unit_of(metric):
    return (ELSEWHERE.get(metric) or METRICS[metric])[0]


def more_is_better(metric):
    return (ELSEWHERE.get(metric) or METRICS[metric])[1]


def kind_of(metric):
    """The kind of lines that a metric comes from."""
    return ELSEWHERE[metric][2] if metric in ELSEWHERE else store.ROUNDS


# What two subjects are compared in.
JUDGED = ("throughput", "service_p50_us", "service_p99_us", "service_p999_us", "response_p50_us", "response_p99_us",
          "cpu_us_per_request")
# The same, if they were measured. Fairness by the ratio of two indexes, like the others: the index times the number of connections is
# how many of them would share what there is alike (the effective number), so that two servers within 3 % are equally fair for all
# practical purposes. A ratio of what is missing to 1 would call 0.9999 and 0.9996 far apart.
JUDGED_IF_MEASURED = ("capacity", "given_cpu_us", "given_mean_us", "given_p99_us", "given_p999_us", "low_cpu_us", "connection_bytes",
                      "fairness")
# Metrics that cannot exceed 1.
SHARES = ("fairness",)
# Percentiles that few requests decide are those of the times of all rounds together: name -> (kind, share).
MERGED = {f"{kind}_{name}_us": (kind, share) for kind in ("service", "response") for name, share in (("p99", 0.99),
                                                                                                     ("p999", 0.999))}
# Metrics whose figure of a round is that of its slices, compared turn by turn: name -> what a slice calls it.
BY_SLICES = {"throughput": "replies_per_second", "cpu_us_per_request": "cpu_us_per_request"}
# A mark of a round: the load generator could do no more, so that its throughput is not the server's.
CLIENT_WAS_THE_LIMIT = "the client was the limit"
_MISSED_RATE = re.compile(r"the rate was not reached:[^;]*")  # And nothing else: faults are joined by semicolons.


def counts(line):
    """Whether a round's figures are figures: it was good, or it was only too slow for the given rate. Leaving those out would
    make a server better by its failures."""
    return line["failed"] is None or (bool(_MISSED_RATE.fullmatch(line["failed"])) and bool(line["load"]))


def is_faulty(lines):
    """Whether one of them failed for another reason than that the rate was not reached."""
    return any(not counts(line) for line in lines)


def histogram(load, kind):
    """Requests that still waited at the end are counted as slower than all that were answered."""
    times = load[f"{kind}_ns"]
    if kind == "service" and "histogram" not in times:
        times = load["response_ns"]  # Without a rate they are the same.
    histogram = times.get("histogram") or []
    waiting = load.get("overdue", 0) if kind == "response" and histogram else 0
    return [*histogram, histogram[-2], waiting] if waiting else histogram
