"""A result folder, read: what tools/compare measured, as plain objects.

The one place that knows how the files are laid out (tools/comparison writes them). It computes nothing but medians of
what was measured at the same setting; statistics are those of summary.json. Numbers keep the units of the files: times
in microseconds; sizes in bytes or, if the name says so, in KiB.
"""
import dataclasses
import json
import pathlib
import re
import statistics

from comparison import floors, inference, metrics, needs, ranking, schema, summary

from . import samples, words

_TOO_SLOW = re.compile(r"errors: the rate was not reached:[^;]*$")  # And nothing else: faults are joined by semicolons.
# How many rounds below the rate may be the machine's fault: one of few, or one in this many.
SLOW_ROUNDS = 1
SLOW_ONE_IN = 7


class ResultsError(Exception):
    """The folder is not what it should be; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median with the interval that holds it with 95 % confidence, from n rounds."""
    median: float
    low: float
    high: float
    n: int

    @property
    def spread(self):
        """Half the interval, as a share of the median: 0.02 reads as plus or minus 2 %."""
        return (self.high - self.low) / 2 / abs(self.median) if self.median else 0.0

    def scaled(self, factor):
        return Estimate(self.median * factor, self.low * factor, self.high * factor, self.n)


@dataclasses.dataclass(frozen=True)
class Subject:
    """What was measured: a model of ours with its flags, another server (a peer), or the same once more (aa)."""
    name: str
    kind: str
    model: str
    flags: tuple
    config: str
    version: str


_TITLES = {
    "throughput": "throughput",
    "response_p50_us": "response time, median",
    "response_p99_us": "response time, 99th percentile",
    "given_p99_us": "response time at the same rate, 99th percentile",
    "capacity": "highest rate that keeps the promise",
    "given_cpu_us": "processor time per request, at the same rate",
    "cpu_us_per_request": "processor time per request",
    "connection_bytes": "memory per connection",
    "fairness": "fairness between connections",
}


@dataclasses.dataclass(frozen=True)
class Workload:
    """What was asked of the subjects. `unit` is that of its throughput, as in `requests/s`."""
    name: str
    service: str
    title: str
    unit: str
    higher_is_better: bool
    load_flags: tuple
    ranked_by: str = None  # The metric that ranks; None: not recorded.
    is_instead: bool = False  # It is processor time because the load generator was the limit.

    @property
    def is_paced(self):
        """True if requests come at a given rate, or at times of their own: all subjects that keep up have the same throughput then."""
        return self.flag("rate") is not None or self.flag("workload") in ("replay", "web")

    @property
    def figure(self):
        """The metric by which subjects are ranked."""
        return self.ranked_by or ("response_p99_us" if self.is_paced else "throughput")

    @property
    def more_is_better(self):
        return self.higher_is_better and metrics.more_is_better(self.figure)

    @property
    def figure_title(self):
        return _TITLES.get(self.figure, self.figure)

    def tell(self, value):
        """A value of `figure` in a sentence."""
        if self.figure != ranking.PROCESSOR_TIME:
            return self.write(value)
        return f"{words.time(value)} for a request, so {words.number(1e6 / value)} requests per second of processor time"

    def write(self, value):
        """A value of `figure`, with its unit."""
        if self.figure == "throughput":
            return words.rate(value, self.unit)
        if self.figure == "fairness":
            return f"{value:.3f}"
        write = {"us": words.time, "B": words.size}.get(metrics.unit_of(self.figure))
        return write(value) if write else words.rate(value, "requests/s")

    @property
    def latency_metric(self):
        """The metric of latencies: from when a request was due if there is a rate, otherwise from its start."""
        return "response" if self.is_paced else "service"

    @property
    def has_another_beside(self):
        """True if another load runs beside it: what the server used up is for both."""
        return any(flag.startswith("--beside_") for flag in self.load_flags)

    def flag(self, name, otherwise=None):
        """The value of the load generator's flag `name` in this workload."""
        for flag in self.load_flags:
            if flag.startswith(f"--{name}="):
                return flag.split("=", 1)[1]
        return otherwise


@dataclasses.dataclass(frozen=True)
class Cell:
    """One subject under one workload: its estimates by metric, how many rounds there were and how many failed, and what
    is to be said of them: texts that end in `(3 of 7 rounds)`."""
    metrics: dict
    rounds: int
    rounds_failed: int
    marks: tuple
    limits: dict = None  # What limits have done, as the summary has it; None: there were none.

    @property
    def client_was_the_limit(self):
        """In at least half of the rounds: in fewer, the median is one of the server's."""
        return 2 * self._rounds_with(re.compile(metrics.CLIENT_WAS_THE_LIMIT + "$")) >= self.rounds

    @property
    def rounds_too_slow(self):
        """Rounds in which the given rate was not reached, and nothing else was wrong. They are in the estimates."""
        return self._rounds_with(_TOO_SLOW)

    @property
    def failed(self):
        """True if the figures of the good rounds say nothing: a round gave wrong replies or none, or the server did
        not start, or more rounds were too slow than chance explains."""
        slow = self.rounds_too_slow
        too_often = slow > SLOW_ROUNDS and slow * SLOW_ONE_IN > self.rounds
        return not self.metrics or self.rounds_failed > slow or too_often

    def _rounds_with(self, wanted):
        """How many rounds have a mark that `wanted` matches."""
        parts = [re.fullmatch(r"(.*?)(?: \((\d+) of \d+ rounds\))?", mark) for mark in self.marks]
        return sum(int(part[2] or self.rounds) for part in parts if part and wanted.match(part[1]))


class Results:
    """All of one folder. Raises ResultsError if it cannot be read."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.run, self.summary = self._read(schema.RUN), self._read(schema.SUMMARY)
        self.subjects = tuple(_subject(row) for row in self.run["subjects"])
        self.workloads = tuple(_workload(row, self.summary) for row in self.run["workloads"])
        self.rounds = self._read_lines("rounds.jsonl")
        self.memory = self._read_lines("memory.jsonl")
        self.idle = self._read_lines("idle.jsonl")
        self.scaling = self._read_lines("scaling.jsonl")
        self.syscalls = self._read_lines("syscalls.jsonl")
        self.request_times = self._read_lines("request_times.jsonl")
        self.promise = self._read_lines("promise.jsonl")
        self.cost = self._read_lines("cost.jsonl")
        self.samples = samples.Samples(self.rounds, self._read_lines("dots.jsonl"), self._read_lines("curves.jsonl"), self.cost)
        self._cells = {(row["workload"], row["subject"]): row for row in self.summary["results"]}
        self._effects, self._verdicts = {}, {}
        for verdict in self.summary.get("verdicts", ()):
            self._verdicts[verdict["workload"], verdict["metric"], verdict["a"], verdict["b"]] = verdict

    @property
    def models(self):
        return tuple(subject for subject in self.subjects if subject.kind == "model")

    @property
    def peers(self):
        return tuple(subject for subject in self.subjects if subject.kind == "peer")

    def subject(self, name):
        for subject in self.subjects:
            if subject.name == name:
                return subject
        raise ResultsError(f"{self.folder} has no subject '{name}'; it has {', '.join(s.name for s in self.subjects)}")

    def workload(self, name):
        return next(workload for workload in self.workloads if workload.name == name)

    def cell(self, workload, subject):
        """The Cell, or None if the two were not put together."""
        row = self._cells.get((workload, subject))
        if row is None or row["rounds"] == 0:
            return None
        estimates = {name: _estimate(value) for name, value in row["metrics"].items()}
        return Cell(estimates, row["rounds"], row["rounds_failed"], tuple(row["marks"]), row.get("limits"))

    def left_out(self, workload, subject):
        """Why the two were not put together, if that was decided beforehand; None otherwise."""
        return next((entry["why"] for entry in self.run.get("skipped") or ()
                     if (entry["workload"], entry["subject"]) == (workload, subject)), None)

    def burns(self, subject):
        """What a model burns while idle, in words; None if it does not."""
        row = next((row for row in self.run["subjects"] if row["name"] == subject), {})
        shares = [self.estimate(workload.name, subject, "idle_share") for workload in self.workloads]
        return needs.burning(next((share.median for share in shares if share), None), row.get("traits") or {})

    def figure(self, workload, subject):
        """The Estimate that the subject is ranked by under the Workload; None if there is none."""
        return self.estimate(workload.name, subject, workload.figure)

    def estimate(self, workload, subject, metric):
        """The Estimate, or None if there is none, or none to be trusted."""
        cell = self.cell(workload, subject)
        return None if cell is None or cell.failed else cell.metrics.get(metric)

    def client_was_the_limit(self, workload):
        """Whether the load generator was the limit for the best by throughput, so that throughput is not the servers'."""
        return workload.name in self.summary.get("generator_was_the_limit", ())

    def is_at_least(self, workload, subject):
        """Whether the figure that ranks the subject under the Workload is what the load generator could do: a throughput, in at
        least half of the rounds."""
        return workload.figure == ranking.THROUGHPUT and self.cell(workload.name, subject).client_was_the_limit

    @property
    def margin(self):
        """Two that surely differ by less, as a share, are equal for all practical purposes."""
        return self.summary["margin"]

    def twins(self, workload, metric):
        """What was measured twice against itself: [{a, b, ratio, low, high, differs}]."""
        return [twin for twin in self.summary["twins"] if (twin["workload"], twin["metric"]) == (workload, metric)]

    def of_floor(self, workload):
        """{model: what it reaches of its floor: {floor, ratio, low, high}}, of the workload of this name; see comparison.floors."""
        return floors.of(self.summary, workload)

    def verdict(self, workload, metric, a, b):
        """different, equal or open; a pair without a verdict is open."""
        if a == b:
            return inference.EQUAL
        for pair in ((a, b), (b, a)):
            verdict = self._verdicts.get((workload, metric) + pair)
            if verdict is not None:
                return verdict["kind"]
        return inference.OPEN

    def differs(self, workload, metric, a, b):
        return self.verdict(workload, metric, a, b) == inference.DIFFERENT

    def judged(self, workload, metric, a, b):
        """(inference.Effect of a over b, what was said of the pair); None if nothing was said, or there is no error."""
        for pair, sign in (((a, b), 1), ((b, a), -1)):
            verdict = self._verdicts.get((workload, metric) + pair)
            if verdict is not None and "error" in verdict:
                effect = inference.Effect(*(verdict[part] for part in ("log", "error", "degrees", "rounds")))
                return effect if sign == 1 else effect.reversed(), verdict["kind"]
        return None

    @property
    def fronts(self):
        """{name of a workload: its entry of the summary's fronts}; see fronts.py."""
        return {front["workload"]: front for front in self.summary.get("fronts") or ()}

    def dots(self, workload, subject, metric):
        """The samples.Dots behind an estimate; None if there are none, or none to be trusted."""
        cell = self.cell(workload.name, subject)
        return None if cell is None or cell.failed else self.samples.dots(workload.name, subject, metric)

    def curve(self, workload, subject):
        """How the Workload's latencies are spread; see samples.Samples.curve()."""
        cell = self.cell(workload.name, subject)
        return [] if cell is None or cell.failed else self.samples.curve(workload.name, subject, workload.latency_metric)

    def effects(self, workload):
        """{(a, b): inference.Effect} of the Workload's figure, more being better."""
        if workload.name not in self._effects:
            self._effects[workload.name] = summary.effects_of(self.summary["verdicts"], workload.name, workload.figure,
                                                              workload.more_is_better)
        return self._effects[workload.name]

    def near_best(self, workload, names):
        """Those of the names, all models that can be taken, than which surely none is better by more than the margin."""
        ranking = self.summary.get("ranking", {}).get(workload.name)
        if ranking is None:
            return inference.near_best(names, self.effects(workload), self.margin)
        return [name for name in names if name in ranking["near_of_models"]]

    def failures(self, workload, subject):
        """Why rounds failed, each reason once."""
        return sorted({row["failed"] for row in self.rounds
                       if row["workload"] == workload and row["subject"] == subject and row.get("failed")})

    def median_of(self, workload, subject, value):
        """The median over the good rounds of value(row); None if there is none."""
        values = [value(row) for row in self.rounds
                  if row["workload"] == workload and row["subject"] == subject and not row.get("failed")]
        values = [number for number in values if number is not None]
        return statistics.median(values) if values else None

    def idle_steps(self, subject):
        """(workload, [(idle connections, median throughput)]): beside more and more of them, as measured; (None, [])
        if that was not measured."""
        rows = [row for row in self.idle if row["subject"] == subject]
        return (rows[0]["workload"], _medians(rows, "idle")) if rows else (None, [])

    def over_idle(self, subject):
        """As idle_steps(), from none, which is of the rounds."""
        workload, points = self.idle_steps(subject)
        alone = self.estimate(workload, subject, "throughput")
        if alone is not None and points and points[0][0] > 0:
            points.insert(0, (0, alone.median))
        return workload, points

    def over_workers(self, workload, subject):
        """[(workers, median throughput)] by rising number of workers; [] where that was not measured."""
        return _medians([row for row in self.scaling if (row["workload"], row["subject"]) == (workload, subject)],
                        "workers")

    def memory_per_connection(self, subject):
        """(own, kernel) as Estimates in bytes, of the first workload that has them; None for what was not measured."""
        for workload in self.workloads:
            found = self._cells.get((workload.name, subject), {}).get("metrics", {})
            if "pss_bytes_per_connection" in found:
                return tuple(_estimate(found.get(f"{whose}_bytes_per_connection")) for whose in ("pss", "kernel"))
        return None, None

    def _read(self, name):
        try:
            return schema.read(self.folder, name)
        except FileNotFoundError:
            raise ResultsError(f"{self.folder / name}.json is not there: give the folder that tools/compare wrote (its --out)") from None
        except schema.FormatError as error:
            raise ResultsError(str(error)) from error

    def _read_lines(self, name):
        """Lines of JSON; none if the file is not there. A last line that was cut short (Ctrl-C) is left out."""
        path = self.folder / name
        if not path.exists():
            return []
        rows = []
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                if number < len(lines):
                    raise ResultsError(f"{path}, line {number}, is not JSON ({error})") from None
        return rows


def _estimate(value):
    return None if value is None else Estimate(value["median"], value["low"], value["high"], value["n"])


def _medians(rows, key):
    by_key = {}
    for row in rows:
        if not row.get("failed") and row.get("load"):
            by_key.setdefault(row[key], []).append(row["load"]["replies_per_second"])
    return [(step, statistics.median(rates)) for step, rates in sorted(by_key.items())]


def _subject(row):
    return Subject(row["name"], row["kind"], row.get("model") or row["name"], tuple(row.get("flags") or ()),
                   row.get("config") or "", row.get("version") or "")


def _workload(row, found):
    """found  summary.json's content; an old one says nothing of what ranks"""
    name = row["name"]
    ranks = found.get("ranked_by", {}).get(name, row.get("ranked_by"))
    return Workload(name, row.get("service", ""), row.get("title") or name,
                    row.get("unit") or "requests/s", row.get("higher_is_better", True),
                    tuple(row.get("load_flags") or ()), ranks, "ranked_by" in found and ranking.is_instead(found, row))
