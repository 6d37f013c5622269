"""The summary: figures, intervals and verdicts, out of the raw data of a result folder. The same data gives the same."""

import dataclasses
import itertools
import math
import re

from . import (cases, explaining, floors, inference, metrics, needs, other_figures, ranking, single_figures, slices, statistics, store,
               suspicion)

# How often the same thing, measured twice, may be called different by chance.
_TWINS_ALPHA = 0.01


class Rounds:
    """rounds.jsonl by (subject, workload)."""

    def __init__(self, lines, others=None, kernel_bytes_of_client=None):
        """others  kind -> lines, of what was measured beside the rounds"""
        self.others = others or {}
        self.kernel_bytes_of_client = kernel_bytes_of_client
        self._lines = {}
        together = {}  # Those that were measured in turns.
        for line in lines:
            self._lines.setdefault((line["subject"], line["workload"]), []).append(line)
            if metrics.counts(line) and (line["load"] or {}).get("slices"):
                together.setdefault((line["round"], line["workload"]), []).append(line)
        self._together = together
        # (round, workload) -> metric -> subject -> figure
        self._steady = {key: {metric: _steady(those, of_slice) for metric, of_slice in metrics.BY_SLICES.items()}
                        for key, those in together.items()}

    def until(self, number):
        """The same, of the first rounds only."""
        others = {kind: [line for line in lines if line.get("round", 0) <= number] for kind, lines in self.others.items()}
        return Rounds((line for lines in self._lines.values() for line in lines if line["round"] <= number), others,
                      self.kernel_bytes_of_client)

    def of(self, subject, workload):
        return self._lines.get((subject, workload), [])

    def values(self, subject, workload, metric):
        """round -> value, of the rounds that count and have one."""
        get = (metrics.OF_QUIET.get(metric) or metrics.METRICS[metric])[2]
        found = {line["round"]: get(line) for line in self.of(subject, workload) if metrics.counts(line)}
        found = {number: value for number, value in found.items() if value is not None}
        if metric not in metrics.BY_SLICES:
            return found
        return {number: self._steady.get((number, workload), {}).get(metric, {}).get(subject, value) for number, value in found.items()}

    def times(self, subject, workload, kind):
        """round -> histogram of service or response times, [value, count, value, count ...], of the rounds that count."""
        found = {line["round"]: metrics.histogram(line["load"], kind) for line in self.of(subject, workload) if metrics.counts(line)}
        return {number: histogram for number, histogram in found.items() if histogram}

    def numbers(self, workload):
        return sorted({line["round"] for (_, of), lines in self._lines.items() if of == workload for line in lines})


    def slices(self, workload):
        """For each round that was measured in turns: {subject: {turn: replies per second}}."""
        return [_by_turn(lines, "replies_per_second") for (_, of), lines in self._together.items() if of == workload]


def _by_turn(lines, of_slice):
    return {line["subject"]: {one["turn"]: one[of_slice] for one in line["load"]["slices"] if one[of_slice]} for line in lines}


def _steady(lines, of_slice):
    """Of processor time in steps of 10 ms (see processes.Server) a slice is too short: the sum of a round is its figure."""
    if of_slice == metrics.BY_SLICES[ranking.PROCESSOR_TIME]:
        lines = [line for line in lines if line["server"].get("cpu_counts_all_children", True)]
    return slices.steady(_by_turn(lines, of_slice))


class Figures:
    """The figures of one workload: of each subject, and of each against another."""

    def __init__(self, rounds, workload):
        self._rounds, self._workload = rounds, workload
        self.measured = max(rounds.numbers(workload), default=0)
        self._numbers = rounds.numbers(workload)
        self._weights = inference.resampled(self._numbers) if self._numbers else None
        self._samples = {}
        self._elsewhere = {}

    def elsewhere(self, kind, which):
        """The figures of another kind of lines, and, of lines of several points, of which of them."""
        if (kind, which) not in self._elsewhere:
            lines = self._rounds.others.get(kind, ())
            if kind == store.MEMORY:
                found = other_figures.Memory(lines, self._rounds.kernel_bytes_of_client)
            elif kind == store.PROMISE:
                found = other_figures.Capacity([line for line in lines if line["workload"] == self._workload])
            else:  # That no request comes is the same with all workloads.
                is_own = (lambda line: True) if kind == store.QUIET else (
                    lambda line: line["workload"] == self._workload and line["point"] == which and not line.get("left_out"))
                found = Figures(Rounds({**line, "workload": self._workload} for line in lines if is_own(line)), self._workload)
            self._elsewhere[kind, which] = found
        return self._elsewhere[kind, which]

    def rounds_of(self, metric):
        """How many rounds there are of what a metric comes from."""
        if metric not in metrics.ELSEWHERE:
            return self.measured
        return max((line.get("round", 1) for line in self._rounds.others.get(metrics.kind_of(metric), ())
                    if line["workload"] == self._workload or metrics.kind_of(metric) == store.MEMORY), default=0)

    def interval(self, subject, metric):
        """A statistics.Interval; None if there is nothing."""
        if metric in metrics.ELSEWHERE:
            *_, kind, which, own = metrics.ELSEWHERE[metric]
            there = self.elsewhere(kind, which)
            return there.interval(subject, own) if own else there.interval(subject)
        if metric not in metrics.MERGED:
            interval = statistics.share_interval if metric in metrics.SHARES else statistics.median_interval
            return interval(list(self._rounds.values(subject, self._workload, metric).values()))
        samples, number = self._of_resamples(subject, metric)
        effect = inference.of_resamples(samples, number) if number else None
        if effect is None or effect.error == math.inf:
            return effect and statistics.Interval(*[math.exp(effect.log)] * 3, number)
        return statistics.Interval(*effect.ratio(), number)

    def effects(self, pairs, subjects, metric, beside_us=0.0):
        """{(a, b): inference.Effect or None}.

        beside_us  of a percentile of times: what is added to it before two of them are compared
        """
        if metric in metrics.ELSEWHERE:
            *_, kind, which, own = metrics.ELSEWHERE[metric]
            there = self.elsewhere(kind, which)
            return there.effects(pairs, subjects, own, beside_us) if own else there.effects(pairs)
        if metric in metrics.MERGED:
            return dict(zip(pairs, inference.moderated([self._merged(*pair, metric, beside_us) for pair in pairs], subjects)))
        names = {name for pair in pairs for name in pair}
        return inference.effects_of_pairs({name: self._rounds.values(name, self._workload, metric) for name in names}, pairs,
                                          subjects)

    def _merged(self, a, b, metric, beside_us):
        (above, rounds), (below, others) = self._of_resamples(a, metric), self._of_resamples(b, metric)
        if not rounds or not others:
            return None
        return inference.of_resamples((above + beside_us) / (below + beside_us), min(rounds, others))

    def _of_resamples(self, subject, metric):
        """(the percentile in us, of all rounds and of each resample; how many rounds)."""
        if (subject, metric) not in self._samples:
            kind, share = metrics.MERGED[metric]
            times = self._rounds.times(subject, self._workload, kind)
            columns = [self._numbers.index(number) for number in times]
            samples = inference.quantiles(list(times.values()), share, self._weights[:, columns]) / 1e3 if times else None
            self._samples[subject, metric] = samples, len(times)
        return self._samples[subject, metric]


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


def _marks_at_rates(lines):
    """Those of the same rate for all, and of promises; each says so, as in the rounds all may be well."""
    left_out = dict.fromkeys(f"no requests at the given rate: {line['left_out']}" for line in lines if line.get("left_out"))
    asked = [line for line in lines if not line.get("left_out")]
    return [*left_out, *(f"at a rate: {mark}" for mark in _marks(asked))]


def _interval_json(interval, unit):
    return {"median": interval.median, "low": interval.low, "high": interval.high, "n": interval.n, "unit": unit}


def _metrics(figures, subject, is_measured):
    """is_measured  whether the subject has taken part in the workload: memory and idling are the same in all, but not of interest
    in one that it does not serve"""
    found = {}
    for name in (*metrics.METRICS, *(metrics.ELSEWHERE if is_measured else ())):
        interval = figures.interval(subject, name)
        if interval:
            found[name] = _interval_json(interval, metrics.unit_of(name))
    if "capacity" in found:
        capacity = figures.elsewhere(store.PROMISE, None)
        found["capacity"].update(at_least=capacity.is_at_least(subject), generator_was_the_limit=capacity.is_limited(subject))
    return found


def _twins(figures, subjects, workload, metric, margin):
    """What was measured twice against itself: a difference betrays the instrument."""
    found = []
    for twin in (subject for subject in subjects if subject["kind"] == "aa"):
        pair = (twin["of"], twin["name"])
        effect = figures.effects([pair], 2, metric)[pair]
        if effect is not None and effect.tells:
            ratio, low, high = effect.ratio()
            verdict = inference.verdicts({pair: effect}, margin, _TWINS_ALPHA)[pair]
            found.append({"a": twin["of"], "b": twin["name"], "workload": workload, "metric": metric, "ratio": ratio,
                          "low": low, "high": high, "n": effect.rounds, "differs": verdict.differs})
    return found


def _leaning(rounds, subjects, ranked):
    """The twins that were ahead of themselves in more of all rounds than chance explains, or behind."""
    found = []
    for twin in (subject for subject in subjects if subject["kind"] == "aa"):
        logs = []
        for workload, own in ranked.items():
            first, second = (rounds.values(name, workload, own.metric) for name in (twin["of"], twin["name"]))
            logs += [math.log(second[number] / first[number]) for number in first.keys() & second.keys()
                     if first[number] > 0 and second[number] > 0]
        ahead, differing = sum(log > 0 for log in logs), sum(log != 0 for log in logs)
        if suspicion.leans(ahead, differing):
            found.append({"a": twin["of"], "b": twin["name"], "higher": ahead, "rounds": differing})
    return found


def _drift_marks(factor):
    """What a reader should know of a subject whose figure changes within a round by this factor; None: it does not."""
    if factor is None:
        return []
    how = "faster" if factor > 1 else "slower"
    return [f"no steady state: in the second half of a round it was {100 * abs(factor - 1):.0f} % {how} than in the first"]


def verdict_json(pair, workload, metric, verdict):
    found = {"a": pair[0], "b": pair[1], "workload": workload, "metric": metric, "kind": verdict.kind, "why": verdict.why,
             "rounds_needed": verdict.rounds, "ratio": None, "low": None, "high": None}
    effect = verdict.effect
    if effect is not None and effect.error < math.inf:
        found.update(zip(("ratio", "low", "high"), effect.ratio()))
        found.update(log=effect.log, error=effect.error, degrees=effect.degrees, rounds=effect.rounds)
    return found


def effects_of(verdicts, workload, metric, more_is_better=True):
    """{(a, b): inference.Effect of a over b, more being better}, out of a summary's verdicts."""
    found = {}
    for verdict in verdicts:
        if (verdict["workload"], verdict["metric"]) == (workload, metric) and "error" in verdict:
            effect = inference.Effect(*(verdict[part] for part in ("log", "error", "degrees", "rounds")))
            found[verdict["a"], verdict["b"]] = effect if more_is_better else effect.reversed()
    return found


def versions_of(subjects):
    """[(the new one's name, the old one's)], if there are two versions of each; see versions.py."""
    return [(subject["name"], subject["against"]) for subject in subjects if subject.get("against")]


def _pairs(subjects, names):
    """What is compared with what: all with all or, if there are two versions of each, the new one with the old one."""
    versions = versions_of(subjects)
    return [pair for pair in versions if set(pair) <= set(names)] if versions else list(itertools.combinations(names, 2))


def decide(rounds, subjects, workload, metric, margin, those):
    """inference.verdicts_of_looks() at the metric that ranks a workload, at those looks; twins are left out."""
    names = [subject["name"] for subject in subjects if subject["kind"] != "aa" and rounds.of(subject["name"], workload)]
    pairs = _pairs(subjects, names)

    def effects_until(number):
        found = Figures(rounds.until(number), workload).effects(pairs, len(names), metric)
        return {pair: effect if metrics.more_is_better(metric) or effect is None else effect.reversed() for pair, effect in found.items()}
    return inference.verdicts_of_looks(those, effects_until, margin)


def looks(run, figures, metric):
    """The inference.Looks at what a metric comes from: so many rounds of that were planned, and measured so far."""
    kind, measured = metrics.kind_of(metric), figures.rounds_of(metric)
    planned = run["rounds"] if kind == store.ROUNDS else run.get("rounds_of", {}).get(kind, measured)
    return inference.looks(max(planned, 1), measured)


def _verdicts(rounds, figures, subjects, workload, metric, ranked, margin, those):
    """{pair: Verdict} of the pairs of a table. What ranks (a ranking.Ranking) was looked at on the way, and may have ended the run."""
    if metric == ranked.metric:
        found, _ = decide(rounds, subjects, workload, metric, margin, those)
        if metrics.more_is_better(metric):
            return found
        return {pair: dataclasses.replace(verdict, effect=verdict.effect and verdict.effect.reversed())
                for pair, verdict in found.items()}
    names = [subject["name"] for subject in subjects if subject["kind"] != "aa" and rounds.of(subject["name"], workload)]
    found = inference.verdicts(figures.effects(_pairs(subjects, names), len(names), metric), margin)
    if metric != ranking.THROUGHPUT:
        return found
    return ranking.of_servers(found, {name for name in names if ranking.is_limited(rounds.of(name, workload))})


def _order(rounds, subjects, verdicts, name, metric, margin, those):
    """The ranking: the order, as far as it is known; the subjects that are surely near the best; what each reaches of it.
    Twins and subjects with errors have no place; in near_of_models, which may be recommended, neither have models that burn a
    processor while idle."""
    effects = effects_of(verdicts, name, metric, metrics.more_is_better(metric))
    names = [subject["name"] for subject in subjects if subject["kind"] != "aa" and rounds.of(subject["name"], name)
             and not metrics.is_faulty(rounds.of(subject["name"], name))]
    if len(names) > 1:
        names = [one for one in names if any(one in pair for pair in effects)]
    level = inference.levels(names, effects)
    different = {frozenset((verdict["a"], verdict["b"])) for verdict in verdicts
                 if (verdict["workload"], verdict["metric"]) == (name, metric) and verdict["kind"] == inference.DIFFERENT}
    best = max(level, key=level.get) if level else None

    idle = Figures(rounds, name)

    def burns(subject):
        share = idle.interval(subject["name"], "idle_share")
        return subject["kind"] == "model" and needs.burning(share and share.median, subject.get("traits") or {})

    def near_of(kinds):
        able = [subject for subject in subjects if subject["name"] in level and subject["kind"] in kinds
                and not (kinds == ("model",) and burns(subject))]
        return [able[0]["name"]] if len(able) == 1 else decide(rounds, able, name, metric, margin, those)[1]
    near = near_of(("model", "peer"))
    shares = inference.shares(level, effects, lambda a, b: frozenset((a, b)) in different)
    return {"order": sorted(level, key=level.get, reverse=True), "near": near, "near_of_models": near_of(("model",)),
            "shares": {one: {"middle": share.middle, "low": share.low, "high": share.high} for one, share in shares.items()},
            "rounds_needed": None if near or not best else inference.rounds_to_be_near_best(best, level, effects, margin)}


def rounds_of(run, lines):
    """The Rounds of all that was measured. lines: kind -> all lines of it."""
    return Rounds(lines[store.ROUNDS], lines, run.get("client_kernel_bytes_per_connection"))


def _judged(figures, subjects, ranks):
    """The metrics in which subjects are compared: always the same and, if they were measured, those of the other parts."""
    return [*metrics.JUDGED, *(metric for metric in metrics.JUDGED_IF_MEASURED if metric == ranks
                       or any(figures.interval(subject["name"], metric) for subject in subjects))]


def summarize(run, lines):
    """summary.json's content.

    run    run.json's content
    lines  kind -> all lines of it
    """
    rounds = rounds_of(run, lines)
    subjects, workloads = run["subjects"], [workload["name"] for workload in run["workloads"]]
    figures = {workload: Figures(rounds, workload) for workload in workloads}
    margin = run.get("margin", inference.MARGIN)
    ranked = {workload["name"]: ranking.of(workload, subjects, rounds) for workload in run["workloads"]}
    drifts = {workload: suspicion.drifts(rounds.slices(workload)) for workload in workloads}
    results, twins, verdicts = [], [], []
    for workload, subject in itertools.product(workloads, subjects):
        name = subject["name"]
        own = rounds.of(name, workload)

        def extra(kind, name=name, workload=workload):
            return [line for line in lines.get(kind, ()) if line["subject"] == name and line["workload"] == workload]
        is_measured = bool(own or any(extra(kind) for kind in (store.MEMORY, store.COST, store.PROMISE, store.QUIET)))
        measured = {**_metrics(figures[workload], name, is_measured), **single_figures.syscalls(extra(store.SYSCALLS)),
                    **single_figures.memory(extra(store.MEMORY), run.get("client_kernel_bytes_per_connection"))}
        if own or measured:
            results.append({"subject": name, "kind": subject["kind"], "workload": workload, "rounds": len(own),
                            "rounds_failed": sum(line["failed"] is not None for line in own),
                            "marks": _marks(own) + _drift_marks(drifts[workload].get(name))
                                     + _marks_at_rates(extra(store.COST) + extra(store.PROMISE)),
                            "metrics": measured, **single_figures.limits(own)})
    for name, own in figures.items():
        for metric in _judged(own, subjects, ranked[name].metric):
            twins += _twins(own, subjects, name, metric, margin)
            said = _verdicts(rounds, own, subjects, name, metric, ranked[name], margin, looks(run, own, metric))
            verdicts += [verdict_json(pair, name, metric, verdict) for pair, verdict in said.items()]
    found = {"schema": store.SCHEMA, "confidence": inference.CONFIDENCE, "margin": margin,
             "promise": run.get("promise"), "results": results, "twins": twins, "leaning": _leaning(rounds, subjects, ranked),
             "verdicts": verdicts,
             "ranked_by": {name: own.metric for name, own in ranked.items()},
             "generator_was_the_limit": {name: own.limit for name, own in ranked.items() if own.limit},
             "ranking": {name: _order(rounds, subjects, verdicts, name, own.metric, margin, looks(run, figures[name], own.metric))
                         for name, own in ranked.items()}}
    able = {workload: {subject["name"] for subject in subjects if rounds.of(subject["name"], workload)
                       and not metrics.is_faulty(rounds.of(subject["name"], workload))} for workload in workloads}
    found["explained"] = _explained(found, lines.get(store.REQUEST_TIMES, ()))
    found["floors"] = floors.shares(subjects, verdicts, found["ranked_by"])

    def tails(workload, metric, names, beside_us):
        pairs = _pairs(subjects, names)
        return {pair: effect.reversed() for pair, effect in
                figures[workload].effects(pairs, len(names), metric, beside_us).items() if effect is not None}
    return {**found, "fronts": cases.fronts(run, found, lines, able, effects_of, tails)}


def _explained(summary, lines):
    """Why the best of each workload is better than others, as far as that was decided and can be said."""
    found = []
    for workload, ranked in summary["ranking"].items():
        if not ranked["order"]:
            continue
        best, metric = ranked["order"][0], summary["ranked_by"][workload]
        decided = {name for verdict in summary["verdicts"] for name in (verdict["a"], verdict["b"])
                   if (verdict["workload"], verdict["metric"], verdict["kind"]) == (workload, metric, inference.DIFFERENT)
                   and best in (verdict["a"], verdict["b"])}
        calls = {result["subject"]: result["metrics"]["syscalls_per_request"]["median"] for result in summary["results"]
                 if result["workload"] == workload and "syscalls_per_request" in result["metrics"]}
        own = {line["subject"]: line for line in lines if line["workload"] == workload}
        found += [{"workload": workload, **pair} for pair in explaining.of_best(ranked["order"], decided, own, calls)]
    return found


def of(folder):
    """summarize() of a Store."""
    return summarize(folder.run(), {kind: folder.lines(kind) for kind in store.KINDS})
