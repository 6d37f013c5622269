"""The summary: figures, intervals and verdicts, out of the raw data of a result folder. The same data gives the same."""

import itertools
import re
import zlib

from . import statistics, store

# Metrics of a round: name -> (unit, whether more is better, how to get it of a line).
_QUANTILES = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"))


def _per_request(line, value):
    requests = line["server"]["requests"]
    return None if value is None or not requests else value / requests


def _cpu_us(*names):
    def get(line):
        if line["load"].get("beside"):
            return None  # Nobody knows which part of it was for these requests.
        return _per_request(line, 1e6 * sum(line["server"][name] for name in names))
    return get


def _quantile(kind, quantile):
    return lambda line: line["load"][kind + "_ns"][quantile] / 1e3


def _of_server(name):
    return lambda line: line["server"][name]


def _beside(line):
    beside = line["load"].get("beside")
    return beside[0]["replies_per_second"] if beside else None


def _balance(line):
    shares = line["server"]["connections_per_worker"]
    return statistics.gini(shares) if len(shares) > 1 else None


def _switches(line):
    voluntary, involuntary = line["server"]["voluntary_switches"], line["server"]["involuntary_switches"]
    return None if voluntary is None else _per_request(line, voluntary + involuntary)


METRICS = {
    "throughput": ("1/s", True, lambda line: line["load"]["replies_per_second"]),
    "beside_per_second": ("1/s", True, _beside),
    **{f"{kind}_{name}_us": ("us", False, _quantile(kind, key))
       for kind in ("service", "response") for name, key in _QUANTILES},
    "cpu_us_per_request": ("us", False, _cpu_us("cpu_user_s", "cpu_system_s")),
    "cpu_user_us_per_request": ("us", False, _cpu_us("cpu_user_s")),
    "cpu_system_us_per_request": ("us", False, _cpu_us("cpu_system_s")),
    "switches_per_request": ("", False, _switches),
    "fairness": ("", True, lambda line: line["load"]["fairness"]),
    "connections_gini": ("", False, _balance),
    "work_gini": ("", False, _of_server("work_gini")),
    "threads": ("", False, _of_server("threads")),
    "processes": ("", False, _of_server("processes")),
    "descriptors": ("", False, _of_server("descriptors")),
    "pss_kib": ("KiB", False, _of_server("pss_kib")),
    "listen_overflows": ("", False, _of_server("listen_overflows")),
}
# Those that have one figure a run, not one a round; no verdicts.
SINGLE_METRICS = {"syscalls_per_request": "", "pss_bytes_per_connection": "B", "kernel_bytes_per_connection": "B"}
# What two subjects are compared in.
JUDGED = ("throughput", "service_p50_us", "service_p99_us", "service_p999_us", "response_p99_us", "cpu_us_per_request")


def _seed(*names):
    """A seed for the bootstrap that is the same each time, and another one for each question."""
    return zlib.crc32("/".join(names).encode())


class Rounds:
    """rounds.jsonl by (subject, workload)."""

    def __init__(self, lines):
        self._lines = {}
        for line in lines:
            self._lines.setdefault((line["subject"], line["workload"]), []).append(line)

    def of(self, subject, workload):
        return self._lines.get((subject, workload), [])

    def values(self, subject, workload, metric):
        """round -> value, of the rounds that were good and have one."""
        get = METRICS[metric][2]
        found = {line["round"]: get(line) for line in self.of(subject, workload) if line["failed"] is None}
        return {number: value for number, value in found.items() if value is not None}


def _marks(lines):
    """Each mark with the number of rounds that have it. Marks that differ in a number alone are one: the one with the
    largest number."""
    found = {}
    for line in lines:
        for mark in line["marks"]:
            number = max((int(digits) for digits in re.findall(r"\d+", mark)), default=0)
            found.setdefault(re.sub(r"\d+", "N", mark), []).append((number, mark))
    most = {kind: max(those)[1] for kind, those in found.items()}
    return [f"{most[kind]} ({len(those)} of {len(lines)} rounds)" for kind, those in found.items()]


def _interval_json(interval, unit):
    return {"median": interval.median, "low": interval.low, "high": interval.high, "n": interval.n, "unit": unit}


def _metrics(rounds, subject, workload):
    found = {}
    for name, (unit, _, _) in METRICS.items():
        values = list(rounds.values(subject, workload, name).values())
        interval = statistics.median_interval(values, _seed(subject, workload, name))
        if interval:
            found[name] = _interval_json(interval, unit)
    return found


def _slope(lines, column):
    """Bytes per connection, by the line through the steps."""
    points = [(line["idle"], line[column] * 1024) for line in lines if line["failed"] is None]
    return statistics.regression(points) if points else None


def _memory_metrics(lines, kernel_bytes_of_client):
    found = {}
    for metric, column, less in (("pss_bytes_per_connection", "pss_kib", 0),
                                 ("kernel_bytes_per_connection", "kernel_kib", kernel_bytes_of_client or 0)):
        line = _slope(lines, column)
        if line:
            found[metric] = {"median": line.slope - less, "low": line.low - less, "high": line.high - less, "n": line.n,
                             "unit": "B", "r2": round(line.r2, 4)}
    return found


def _syscall_metric(lines):
    good = [line for line in lines if line["failed"] is None and line["requests"]]
    if not good:
        return {}
    value = sum(good[-1]["calls"].values()) / good[-1]["requests"]
    return {"syscalls_per_request": {"median": value, "low": value, "high": value, "n": 1, "unit": ""}}


def _noise(rounds, subjects, workload, metric):
    """The noise floor of a workload and metric, and what it comes from."""
    found = []
    for twin in (subject for subject in subjects if subject["kind"] == "aa"):
        ratio = statistics.ratio_interval(rounds.values(twin["of"], workload, metric),
                                          rounds.values(twin["name"], workload, metric),
                                          _seed("aa", twin["name"], workload, metric))
        if ratio:
            found.append((twin, ratio))
    return {"workload": workload, "metric": metric, "floor": statistics.noise_floor([ratio for _, ratio in found]),
            "pairs": [{"a": twin["of"], "b": twin["name"], "ratio": ratio.median, "low": ratio.low, "high": ratio.high,
                       "n": ratio.n} for twin, ratio in found]}


def _verdict(rounds, a, b, workload, metric, floor):
    ratio = statistics.ratio_interval(rounds.values(a, workload, metric), rounds.values(b, workload, metric),
                                      _seed(a, b, workload, metric))
    verdict = statistics.judge(ratio, floor)
    return {"a": a, "b": b, "workload": workload, "metric": metric,
            "ratio": ratio.median if ratio else None, "low": ratio.low if ratio else None,
            "high": ratio.high if ratio else None, "differs": verdict.differs, "why": verdict.why}


def ranked_by(workload):
    """The metric that says who is better under a workload of run.json."""
    return workload.get("ranked_by", "throughput")


def _ranking(results, verdicts, workload):
    """Groups of subjects, the best first; see statistics.rank."""
    name, metric = workload["name"], ranked_by(workload)
    values = {result["subject"]: result["metrics"][metric]["median"] for result in results
              if result["workload"] == name and metric in result["metrics"] and result["kind"] != "aa"}
    real = {frozenset((verdict["a"], verdict["b"])) for verdict in verdicts
            if verdict["workload"] == name and verdict["metric"] == metric and verdict["differs"]}
    return statistics.rank(values, values, lambda a, b: frozenset((a, b)) in real, METRICS[metric][1])


def summarize(run, lines):
    """summary.json's content.

    run    run.json's content
    lines  kind -> all lines of it
    """
    rounds = Rounds(lines[store.ROUNDS])
    subjects, workloads = run["subjects"], [workload["name"] for workload in run["workloads"]]
    results, noise, verdicts = [], [], []
    for workload, subject in itertools.product(workloads, subjects):
        name = subject["name"]
        own = rounds.of(name, workload)

        def extra(kind, name=name, workload=workload):
            return [line for line in lines[kind] if line["subject"] == name and line["workload"] == workload]
        metrics = {**_metrics(rounds, name, workload), **_syscall_metric(extra(store.SYSCALLS)),
                   **_memory_metrics(extra(store.MEMORY), run.get("client_kernel_bytes_per_connection"))}
        if own or metrics:
            results.append({"subject": name, "kind": subject["kind"], "workload": workload, "rounds": len(own),
                            "rounds_failed": sum(line["failed"] is not None for line in own), "marks": _marks(own),
                            "metrics": metrics})
    for workload, metric in itertools.product(workloads, JUDGED):
        noise.append(_noise(rounds, subjects, workload, metric))
        names = [subject["name"] for subject in subjects if rounds.of(subject["name"], workload)]
        verdicts += [_verdict(rounds, a, b, workload, metric, noise[-1]["floor"])
                     for a, b in itertools.combinations(names, 2)]
    return {"schema": store.SCHEMA, "confidence": statistics.CONFIDENCE, "results": results, "noise": noise,
            "verdicts": verdicts,
            "ranking": {workload["name"]: _ranking(results, verdicts, workload) for workload in run["workloads"]}}


def of(folder):
    """summarize() of a Store."""
    kinds = (store.ROUNDS, store.MEMORY, store.IDLE, store.SCALING, store.SYSCALLS)
    return summarize(folder.run(), {kind: folder.lines(kind) for kind in kinds})
