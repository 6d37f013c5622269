"""Ranking: the metric by which the subjects of a workload are ranked, and why it is that one.

Throughput is the server's only if the server was the limit. If the load generator was, all servers that are fast enough have the
load generator's throughput; what tells them apart is how much processor time they took for it. So a workload that would be ranked
by throughput is ranked by processor time for a request if the load generator was the limit for the best by throughput, in at least
half of its rounds. `--by=throughput` keeps throughput, and so does a workload beside which another load runs, since it is unknown
which part of the processor time was for its requests; then a warning goes with the answer.

The choice depends on the marks of the rounds, and on which subject has the highest throughput, but not on how far two subjects are
apart in either metric: it makes no verdict likelier. (ranking_test.py tries it with equal subjects, and with marks that change the
choice from run to run.)
"""

import re
import statistics
from dataclasses import dataclass

from . import inference, metrics

THROUGHPUT, PROCESSOR_TIME = "throughput", "cpu_us_per_request"
_LIMITED = re.compile(re.escape(metrics.CLIENT_WAS_THE_LIMIT) + r" \((\d+) of \d+ rounds\)")  # A mark of summary.json.
# In sentences.
BY_PROCESSOR_TIME = "by processor time, since the load generator, not the server, was the limit"


@dataclass(frozen=True)
class Ranking:
    """Of one workload."""

    metric: str
    limit: str = None  # The best by throughput, if the load generator was the limit for it, and in how many rounds, in words.


def is_paced(workload):
    """Whether requests of a workload of run.json are due at a rate, or at times of their own."""
    return bool(workload.get("is_paced")) or any(flag.startswith("--rate=") for flag in workload.get("load_flags", ()))


def is_limited(lines):
    """Whether the load generator was the limit in at least half of a subject's rounds."""
    limited = sum(metrics.CLIENT_WAS_THE_LIMIT in line["marks"] for line in lines)
    return limited > 0 and 2 * limited >= len(lines)


def was_limited(result):
    """The same, of an entry of a summary's "results"."""
    found = [int(match[1]) for match in map(_LIMITED.fullmatch, result["marks"]) if match]
    return bool(found) and 2 * found[0] >= result["rounds"]


def of(workload, subjects, rounds):
    """The Ranking of a workload of run.json, by a summary.Rounds."""
    if is_paced(workload):
        return Ranking(workload.get("ranked_by", "response_p99_us"))
    metric = workload.get("ranked_by", THROUGHPUT)
    able = {subject["name"]: found for subject in subjects if subject["kind"] != "aa"
            and (found := rounds.values(subject["name"], workload["name"], THROUGHPUT))
            and not metrics.is_faulty(rounds.of(subject["name"], workload["name"]))}
    best = max(able, key=lambda name: statistics.median(able[name].values()), default=None)
    lines = rounds.of(best, workload["name"])
    if not is_limited(lines):
        return Ranking(metric)
    is_known = all(rounds.values(name, workload["name"], PROCESSOR_TIME) for name in able)
    limited = sum(metrics.CLIENT_WAS_THE_LIMIT in line["marks"] for line in lines)
    limit = f"{best}, which has the highest throughput, in {limited} of {len(lines)} rounds"
    return Ranking(workload["if_limited"] if metric == THROUGHPUT and is_known and workload.get("if_limited") else metric, limit)


def of_servers(verdicts, limited):
    """{pair: inference.Verdict} on throughput, without what it cannot say of servers: one for which the load generator was the
    limit may do more, so that it is neither equal to another one nor surely worse.

    limited  names of those
    """
    def is_of_servers(pair, verdict):
        better, worse = pair if verdict.effect and verdict.effect.log > 0 else pair[::-1]
        return worse not in limited and (better not in limited or verdict.differs)
    return {pair: verdict if verdict.kind == inference.OPEN or is_of_servers(pair, verdict)
            else inference.Verdict(inference.OPEN, verdict.effect, "the load generator was the limit, not the server")
            for pair, verdict in verdicts.items()}


def is_instead(summary, workload):
    """Whether processor time for a request ranks a workload of run.json instead of throughput."""
    return summary["ranked_by"][workload["name"]] != workload.get("ranked_by", THROUGHPUT)
