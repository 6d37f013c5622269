"""Writes a result folder of invented, plausible data, for tests alone: the same for the same seed. Nothing was
measured."""
import itertools
import json
import math
import pathlib
import random

from comparison import inference, promise, store, summary
from comparison.metrics import JUDGED
from comparison.ranking import PROCESSOR_TIME, THROUGHPUT

# CPU per request in microseconds; bytes per idle connection, own and kernel's; whether its workers scale; system calls
# per request; whether idle connections cost it anything.
_MODELS = {
    "loop": (6.0, 200, 8200, False, 2.0, 0),
    "fork": (12.5, 36000, 92000, True, 2.0, 0),
    "thread": (10.8, 12400, 35000, True, 2.0, 0),
    "prefork": (6.4, 36000, 92000, True, 2.1, 0),
    "threadpool": (6.3, 11000, 35000, True, 2.1, 0),
    "select": (6.6, 200, 8200, True, 2.1, 30),
    "poll": (6.6, 210, 8200, True, 2.1, 11),
    "epoll": (6.5, 190, 8200, True, 2.1, 0),
    "coroutine": (6.6, 700, 8200, True, 2.1, 0),
    "uring": (5.6, 800, 8300, True, 0.3, 0),
}
# name, service, title, flags of the load generator, cost in units of the above, bytes of a reply
_WORKLOADS = (
    ("echo", "echo", "echo, 64 B, 64 connections", ["--workload=echo", "--size=64", "--connections=64"], 1.0, 64),
    ("echo-rate", "echo", "echo, 64 B, 2,000 a second due",
     ["--workload=echo", "--size=64", "--rate=2000", "--connections=64"], 1.0, 64),
    ("churn", "echo", "a new connection for each request", ["--workload=churn", "--size=64",
                                                            "--connections=32"], 6.0, 64),
    ("http-1k", "http", "http, 1 KiB, keep-alive", ["--workload=http", "--name=1k", "--connections=64"], 1.5, 1240),
    ("http-64k", "http", "http, 64 KiB, keep-alive", ["--workload=http", "--name=64k", "--connections=64"], 4.0, 65760),
    ("compute", "compute", "primes below 10,000", ["--workload=compute", "--primes=10000",
                                                   "--connections=8"], 60.0, 12),
)
# What ranks a workload, by whether requests come at a rate; see comparison/ranking.py.
_RANKED = {True: {"ranked_by": "response_p99_us"}, False: {"ranked_by": THROUGHPUT, "if_limited": PROCESSOR_TIME}}
_CHURN = {"fork": 30.0, "thread": 3.0}
_BUCKETS = 12  # Of a histogram, between two of the quantiles.
_QUANTILES = (("p50", 0.95), ("p90", 1.3), ("p99", 2.1), ("p99.9", 4.5), ("max", 9.0))


def write(folder, *, models=tuple(_MODELS), peers=("nginx",), rounds=7, noise=0.015, seed=1, workers=(1, 2, 3, 4, 6, 8),
          workloads=tuple(row[0] for row in _WORKLOADS), slices=0, fronts=False, promised=False):
    """Writes the files of a result folder, for `models` of those known above, with `noise` as the standard
    deviation.

    slices  how many each round has
    fronts  whether the summary has the fronts of each workload, and what to take for which need
    promised  whether a promise was searched for under each workload without a rate of its own, and all were asked at a low rate
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    subjects = [{
        "name": name,
        "kind": "model",
        "model": name,
        "flags": [f"--model={name}"],
        "version": ""
    } for name in models]
    subjects += [{"name": name, "kind": "peer", "model": name, "flags": [], "version": "1.22.1",
                  "config": "worker_processes 1;\nevents { worker_connections 20000; }\n"} for name in peers]
    if models:
        subjects.append({
            "name": f"{models[-1]} (again)",
            "kind": "aa",
            "model": models[-1],
            "flags": [f"--model={models[-1]}"],
            "of": models[-1]
        })
    workloads = [row for row in _WORKLOADS if row[0] in workloads]
    skipped, lines = [], []
    for subject in subjects:
        for workload in workloads:
            why = _why_not(subject, workload)
            if why:
                skipped.append({"subject": subject["name"], "workload": workload[0], "why": why})
    for number in range(rounds):
        for subject in subjects:
            for workload in workloads:
                if not _why_not(subject, workload):
                    lines.append(_round(number, subject, workload, chance, noise))
                    if slices:
                        lines[-1]["slices"] = [_slice(lines[-1], workload, chance, noise) for _ in range(slices)]
    memory, idle = _idle(subjects, chance, noise)
    scaled = "compute" if "compute" in [row[0] for row in workloads] else workloads[0][0]
    _write_lines(folder / "rounds.jsonl", lines)
    _write_lines(folder / "memory.jsonl", memory)
    _write_lines(folder / "idle.jsonl", idle)
    _write_lines(folder / "scaling.jsonl", _scaling(models, scaled, workers, chance, noise))
    _write_lines(folder / "syscalls.jsonl", _syscalls(subjects))
    if promised:
        asked = [(subject, workload) for subject in subjects for workload in workloads
                 if subject["kind"] != "aa" and not _why_not(subject, workload) and workload[0] != "echo-rate"]
        _write_lines(folder / "promise.jsonl", [_search(number, *pair, chance, noise) for number in (1, 2, 3) for pair in asked])
        _write_lines(folder / "cost.jsonl", [_low(number, *pair) for number in (1, 2, 3) for pair in asked])
    (folder / "run.json").write_text(json.dumps(_run(subjects, rounds, seed, skipped, workloads), indent=1),
                                     encoding="utf-8")
    made = store.Store(str(folder))
    found = summary.of(made)
    if fronts:
        found["fronts"] = [front for front in (_front(found, row[0]) for row in workloads) if front]
    made.write_summary(found)
    return folder


# The axes of a front: of the rounds' metrics here, of measurements of their own elsewhere.
_AXES = {"capacity": ("throughput", "replies/s", True), "tail": ("service_p99_us", "us", False),
         "cost": ("cpu_us_per_request", "us", False), "memory": ("pss_bytes_per_connection", "B", False)}


def _front(found, workload):
    """An entry of summary.json's `fronts`; None if nothing has all four figures. Memory was measured under echo alone."""
    metrics = {row["subject"]: row["metrics"] for row in found["results"] if row["workload"] == workload}
    memory = {row["subject"]: row["metrics"].get("pss_bytes_per_connection") for row in found["results"]
              if row["workload"] == "echo"}
    models = [{"name": name, **{axis: _bounds(memory.get(name) if axis == "memory" else own.get(metric))
                                for axis, (metric, _, _) in _AXES.items()}}
              for name, own in metrics.items() if name in _MODELS and "throughput" in own]
    if not models:
        return None
    for model in models:
        model["beaten_by"] = [other["name"] for other in models if other is not model and _beats(other, model)]
        model["is_on_front"] = not model["beaten_by"]
    most = max(models, key=lambda model: model["capacity"]["median"])["name"]
    return {"workload": workload, "models": models,
            "axes": {axis: {"metric": metric, "unit": unit, "more_is_better": more}
                     for axis, (metric, unit, more) in _AXES.items()},
            "needs": [{"need": "most requests per machine", "by": "throughput", "take": most, "equal": [],
                       "sentence": f"{most} answers the most requests per second."},
                      {"need": "clients isolated from each other", "by": "throughput", "take": None, "equal": [],
                       "sentence": "No model that was measured keeps clients apart."}]}


def _bounds(value):
    return value and {part: value[part] for part in ("median", "low", "high")}


def _beats(one, other):
    """In every respect that both were measured in."""
    return all(one[axis]["low"] > other[axis]["high"] if more else one[axis]["high"] < other[axis]["low"]
               for axis, (_, _, more) in _AXES.items() if one[axis] and other[axis])


def usl(workers, one=50000.0, sigma=0.06, kappa=0.004):
    """Throughput by the Universal Scalability Law."""
    return one * workers / (1 + sigma * (workers - 1) + kappa * workers * (workers - 1))


def _run(subjects, rounds, seed, skipped, workloads=()):
    rows = {
        "listen backlog": "4096",
        "socket options": "SO_REUSEADDR=1 TCP_NODELAY=1",
        "processors": "0",
        "workers": "1"
    }
    contract = {row: {subject["name"]: value for subject in subjects} for row, value in rows.items()}
    remarks = []
    for subject in subjects:
        if subject["kind"] == "peer":
            contract["listen backlog"][subject["name"]] = "511"
            remarks.append(f"listen backlog: {subject['name']} has 511, the others have 4096")
    return {
        "schema":
            2,
        "command": ["tools/compare", "--quick"],
        "started":
            "2026-01-01T12:00:00+00:00",
        "seed":
            seed,
        "rounds":
            rounds,
        "duration_s":
            1.0,
        "git": {
            "revision": "synthetic",
            "dirty": False
        },
        "unfit": [],
        "skipped":
            skipped,
        "machine": {
            "cpu": "Invented Processor",
            "cores": 2,
            "memory_kib": 4 * 2**20,
            "kernel": "Linux 6.1.0 x86_64"
        },
        "sysctls": {
            "net.core.somaxconn": "4096",
            "net.ipv4.tcp_congestion_control": "cubic",
            "kernel.none": None
        },
        "fairness": {
            "contract": contract,
            "violations": [],
            "remarks": remarks
        },
        "client_kernel_bytes_per_connection":
            0,
        "subjects":
            subjects,
        "workloads": [{
            "name": name,
            "service": service,
            "load_flags": flags,
            "title": title,
            "unit": "replies/s",
            "higher_is_better": True,
            **_RANKED[any(flag.startswith("--rate=") for flag in flags)]
        } for name, service, title, flags, _, _ in workloads],
    }


def _why_not(subject, workload):
    if subject["kind"] == "peer" and workload[1] != "http":
        return f"does not serve {workload[1]}"
    if subject["model"] == "loop" and workload[0] != "churn":
        return "serves one client after the other"
    return None


def _cost(subject, workload):
    """Microseconds of processor per request."""
    model = subject["model"]
    own = _MODELS[model][0] if model in _MODELS else 9.0
    if workload[0] == "churn":
        return 6.0 * _CHURN.get(model, 6.0)
    return workload[4] * own if workload[0] != "compute" else 300 + own


def _round(number, subject, workload, chance, noise):
    cost = _cost(subject, workload) * max(0.2, chance.gauss(1, noise))
    marks = ["the client was the limit"] if cost < 6.0 else []
    if number == 1 and workload[0] == "echo":
        marks.append("other programs took 30 % of a processor")
    failed = None
    if subject["model"] == "fork" and workload[0] == "http-64k" and number == 2:
        failed = "3 replies were wrong"
        marks.append("errors: " + failed)
    replies = 2000 if workload[0] == "echo-rate" else int(1e6 / cost)
    return {
        "round": number, "subject": subject["name"], "workload": workload[0], "failed": failed, "marks": marks,
        "load": _load(workload, replies, cost, chance, noise),
        "server": {"cpu_user_s": replies * cost * 0.35e-6, "cpu_system_s": replies * cost * 0.6e-6, "requests": replies,
                   "voluntary_switches": replies // 40, "involuntary_switches": 20, "threads": 1, "processes": 1,
                   "descriptors": 80, "pss_kib": 2400, "listen_overflows": 0, "connections_per_worker": [64],
                   "work_gini": 0.0},
    }


def mm1_us(rate, most, share):
    """The quantile of the response time, in microseconds, of one server with random service times and arrivals (M/M/1)."""
    return -1e6 * math.log(1 - share) / (most - rate)


_PROMISED = promise.parse("p99<10ms")


def _search(number, subject, workload, chance, noise):
    """A line of promise.jsonl."""
    most = 1e6 / _cost(subject, workload)
    search = promise.Search(0.8 * most)
    for _ in range(10):
        rate = search.next_rate()
        now = max(most * chance.gauss(1, noise), 1.001 * rate)  # A queue that grows for the whole slice is of no use here.
        times = {f"{name}_us": mm1_us(rate, now, share) for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999))}
        search.tell(times["p99_us"] < _PROMISED.bound_us, False, {"requests": int(rate / 2), **times})
    return {"round": number, "subject": subject["name"], "workload": workload[0], "promise": _PROMISED.text, "failed": None,
            "probes": promise.as_json(search.probes), "replaced": 0, "marks": []}


def _low(number, subject, workload):
    """A line of cost.jsonl, at a tenth of what it can do."""
    most = 1e6 / _cost(subject, workload)
    rate = most / 10
    times = {label: 1e3 * mm1_us(rate, most, share) for label, share in
             (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 0.99997))}
    requests = int(rate)
    times |= {"count": requests, "mean": 1e9 / (most - rate), "histogram": _histogram(times, requests)}
    return {"round": number, "subject": subject["name"], "workload": workload[0], "point": "low", "rate": rate, "marks": [],
            "load": {"replies": requests, "seconds": 1.0, "replies_per_second": rate, "response_ns": times, "service_ns": times,
                     "fairness": 1.0, "bytes_in": 0},
            "server": {"cpu_user_s": requests * 1e-6, "cpu_system_s": requests * 1e-6, "requests": requests}, "failed": None}


def _slice(line, workload, chance, noise):
    """A slice of a round: three times as noisy, and now and then stalled."""
    factor = max(0.2, chance.gauss(1, 3 * noise)) * (0.7 if chance.random() < 0.03 else 1)
    load, server = line["load"], line["server"]
    rate = load["replies_per_second"] * (1 if workload[0] == "echo-rate" else factor)
    times = load["response_ns"]
    cost = (server["cpu_user_s"] + server["cpu_system_s"]) / server["requests"]
    return {"replies_per_second": rate, "cpu_us_per_request": 1e6 * cost / factor, "p50_ns": times["p50"] / factor,
            "p99_ns": times["p99"] / factor**2}


def _histogram(times, replies):
    """[value, count, value, count ...] of so many replies, between the quantiles `times`: on straight lines of the logarithm over
    nines."""
    ends = [(0, 0.6 * times["p50"])] + [(place, times[label]) for place, (label, _) in zip((0.301, 1, 2, 3, 4.5), _QUANTILES)]
    found, before = [], 0.0
    for (left, low), (right, high) in zip(ends, ends[1:]):
        for step in range(1, _BUCKETS + 1):
            place = left + (right - left) * step / _BUCKETS
            value = low * (high / low)**(step / _BUCKETS)
            count = round((10**-before - 10**-place) * replies)
            before = place
            found += [round(value), count] if count else []
    return found


def _load(workload, replies, cost, chance, noise):
    busy = 1.0 if workload[0] == "echo-rate" else 64.0
    times = {"count": replies, "mean": cost * 1e3 * busy}
    for label, factor in _QUANTILES:
        times[label] = cost * 1e3 * busy * factor * max(0.2, chance.gauss(1, 2 * noise))
    times["histogram"] = _histogram(times, replies)
    return {
        "workload": workload[0],
        "connections": 64,
        "replies": replies,
        "seconds": 1.0,
        "replies_per_second": replies,
        "bytes_in": replies * workload[5],
        "service_ns": times,
        "response_ns": times,
        "fairness": 0.98 + 0.0001 * (replies % 100),
        "faults": []
    }


def _idle(subjects, chance, noise):
    memory, idle = [], []
    for subject in subjects:
        if subject["kind"] != "model" or subject["model"] == "loop":
            continue
        cost, own, kernel, _, _, per_idle = _MODELS[subject["model"]]
        most = {"fork": 1000, "prefork": 1000, "select": 900}.get(subject["model"], 10000)
        for step in (1, 100, 300, 1000, 3000, 10000):
            memory_row = {"subject": subject["name"], "workload": "echo", "idle": step, "failed": None}
            if step <= most:
                memory.append(dict(memory_row, pss_kib=2400 + step * own / 1024 * chance.gauss(1, noise),
                                   kernel_kib=900 + step * kernel / 1024 * chance.gauss(1, noise)))
            rate = 1e6 / (cost + step * per_idle / 1000 / 1.2) * chance.gauss(1, noise)
            if 1 < step <= most:
                idle.append(dict(memory_row, load={"replies_per_second": rate}, server={}))
    return memory, idle


def _scaling(models, workload, workers, chance, noise):
    return [{"subject": model, "workload": workload, "workers": count, "server": {}, "failed": None,
             "load": {"replies_per_second": usl(count, 1e6 / _MODELS[model][0]) * chance.gauss(1, noise)}}
            for model in models if _MODELS[model][3] for count in workers]


def _syscalls(subjects):
    return [{"subject": subject["name"], "workload": "echo", "requests": 1000, "failed": None,
             "calls": {"recvfrom": 1000, "sendto": 1000, "epoll_wait": int(1000 * (_MODELS[subject["model"]][4] - 2))}
             if _MODELS[subject["model"]][4] > 1 else {"io_uring_enter": 300}}
            for subject in subjects if subject["kind"] == "model"]


def _write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def tiny(folder, figures, marks=None, failed=(), slow=None, real=(), rate=None, equal=(), unlike=(), load_flags=(),
         rounds=7, limited=None, unsure=()):
    """A folder with one workload, `work`, and nothing but a summary.

    figures  {model: {metric: median or (median, low, high)}}; a number alone gets bounds 1 % off
    marks    {model: [texts]}
    failed   models of which a round failed
    slow     {model: number of rounds that failed since the rate was not reached, and for nothing else}
    real     (a, b) pairs whose ratio of the figure that ranks is sure; that of all others is not. Ratios of others are.
    equal    (a, b) pairs of which it is sure, too
    rate     the load generator's --rate, if requests are due at one
    unlike   models that differ from themselves
    load_flags  more flags of the load generator
    rounds      how many there were of each
    unsure      (a, b) pairs whose ratio is known to a few per cent
    limited     what ranks although the load generator was the limit for the best by throughput; None: it was not
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["--workload=echo", *load_flags] + ([f"--rate={rate}"] if rate else [])
    slow = slow or {}
    marks = {name: list((marks or {}).get(name, ())) for name in figures}
    for name, count in slow.items():
        marks[name].append("errors: the rate was not reached: 1912 replies per second came of 1968 that were due "
                           f"({count} of {rounds} rounds)")
    run = _run([{"name": name, "kind": "model", "model": name, "flags": []} for name in figures], rounds, 1, [])
    run["workloads"] = [{"name": "work", "service": "echo", "load_flags": flags, "title": "work", "unit": "replies/s",
                         "higher_is_better": True, **_RANKED[bool(rate)]}]
    ranks = limited or run["workloads"][0]["ranked_by"]
    results = [{"subject": name, "kind": "model", "workload": "work", "rounds": rounds,
                "rounds_failed": int(name in failed) + slow.get(name, 0), "marks": marks[name],
                "metrics": {metric: _interval(value, rounds) for metric, value in metrics.items()}}
               for name, metrics in figures.items()]
    verdicts = []
    for metric in {metric for metrics in figures.values() for metric in metrics if metric in JUDGED}:
        is_judged = metric == ranks
        effects = {(a, b): _effect(figures[a][metric], figures[b][metric], 0.04 if {(a, b), (b, a)} & {*unsure} else 0.001
                                   if not is_judged or {(a, b), (b, a)} & {*real, *equal} else 0.5, rounds)
                   for a, b in itertools.combinations(figures, 2) if metric in figures[a] and metric in figures[b]}
        verdicts += [summary.verdict_json(pair, "work", metric, verdict)
                     for pair, verdict in inference.verdicts(effects).items()]
    twins = [{"a": name, "b": f"{name} (again)", "workload": "work", "metric": "throughput", "ratio": 1.0, "low": 0.9,
              "high": 1.1, "n": rounds, "differs": True} for name in unlike]
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps({
        "schema": 2,
        "margin": inference.MARGIN,
        "ranked_by": {"work": ranks},
        "generator_was_the_limit": {"work": "one of them"} if limited else {},
        "results": results,
        "twins": twins,
        "verdicts": verdicts
    }), encoding="utf-8")
    return folder


def _effect(one, other, error, rounds):
    middles = [value[0] if isinstance(value, tuple) else value for value in (one, other)]
    return inference.Effect(math.log(middles[0] / middles[1]), error, 50, rounds)


def _interval(value, rounds):
    median, low, high = value if isinstance(value, tuple) else (value, 0.99 * value, 1.01 * value)
    return {"median": median, "low": low, "high": high, "n": rounds, "unit": ""}
