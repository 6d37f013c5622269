"""Figures that a subject has once in a run, not once in each round: memory of a connection, its two parts apart, system calls, and
what limits have done to it. There are no verdicts on them."""

from . import statistics


def slope(lines, column):
    """Bytes per connection, by the line through the steps of lines of memory.jsonl; None if they are too few."""
    points = [(line["idle"], line[column] * 1024) for line in lines if line["failed"] is None]
    return statistics.regression_with_a_jump(points) if points else None


def memory(lines, kernel_bytes_of_client):
    """{metric: figure} of a connection's memory, of lines of memory.jsonl: the line through steps of idle connections."""
    found = {}
    for metric, column, less in (("pss_bytes_per_connection", "pss_kib", 0),
                                 ("kernel_bytes_per_connection", "kernel_kib", kernel_bytes_of_client or 0)):
        line = slope(lines, column)
        if line:
            found[metric] = {"median": line.slope - less, "low": line.low - less, "high": line.high - less, "n": line.n,
                             "unit": "B", "r2": round(line.r2, 4)}
    return found


def syscalls(lines):
    """{metric: figure} of the calls for a request, of lines of syscalls.jsonl."""
    good = [line for line in lines if line["failed"] is None and line["requests"]]
    if not good:
        return {}
    value = sum(good[-1]["calls"].values()) / good[-1]["requests"]
    return {"syscalls_per_request": {"median": value, "low": value, "high": value, "n": 1, "unit": ""}}


def limits(lines):
    """{"limits": what they have done to a subject}, of lines of rounds.jsonl, failed ones included; {} if there were none.

    throttled  the share of time for which it was, the median of the rounds that had figures; None: none had
    oom_kills  in all rounds
    survived   in how many of the rounds it was still there at the end
    """
    own = [line for line in lines if line.get("limits")]
    if not own:
        return {}
    shares = [line["limits"]["throttled_s"] / line["seconds"] for line in own if line.get("seconds")]
    return {"limits": {
        "throttled": round(statistics.median_interval(shares).median, 4) if shares else None,
        "oom_kills": sum(line["limits"]["oom_kills"] for line in own),
        "survived": sum(line["limits"]["survived"] for line in own), "rounds": len(own)}}
