"""The doubts about a run, in sentences; and on which machine, when, and from which sources it was made."""
from comparison import ranking, suspicion

from . import words


def machine_line(run):
    """The machine in half a line."""
    machine = run["machine"]
    return (f"{machine.get('cpu', 'unknown processor')}, {machine.get('cores', '?')} cores, "
            f"{words.size(1024 * machine.get('memory_kib', 0))}, {machine.get('kernel', '?')}")


def of_run(results):
    """What makes the whole run doubtful, in sentences; shown before anything else."""
    run = results.run
    found = [f"These figures say nothing: {reason}." for reason in run.get("unfit") or ()]
    counts = count(results)
    if counts["disturbed"]:
        found.append(
            f"The machine was not quiet: in {counts['disturbed']} of {counts['done']} measurements others took more "
            "than a tenth of a processor.")
    if (run.get("git") or {}).get("dirty"):
        found.append("The sources had changes that the revision does not hold.")
    found += [f"Unfair: {violation}." for violation in (run.get("fairness") or {}).get("violations") or ()]
    if run.get("remark"):  # From the person who keeps the run.
        found.append(run["remark"])
    if counts["done"] < counts["expected"]:
        found.append(f"The run was broken off: {counts['done']} of {counts['expected']} measurements are there.")
    return found


def count(results):
    """Measurements of the rounds: done, expected, and disturbed by others. A folder that was cut down has them in
    run.json."""
    if "measured" in results.run:
        return results.run["measured"]
    pairs = {(row["subject"], row["workload"]) for row in results.rounds}
    disturbed = sum(
        any("other programs" in mark or "the host took" in mark for mark in row["marks"]) for row in results.rounds)
    # A subject that was decided is not measured to the end.
    expected = len(results.rounds) if results.run.get("complete") else results.run["rounds"] * len(pairs)
    return {"done": len(results.rounds), "expected": expected, "disturbed": disturbed}


def _network(title):
    """What lies between clients and servers; `title` is that of --network, or None."""
    if title:
        return f"Server and client share one machine; the network between them is made by its kernel: {title}."
    return "Server and client share one machine and its loopback device: no network card, no loss, no distance."


def _limits(limits):
    """`limits` are those of run.json, or None."""
    return [f"Each server got no more than {limits['title']}, in a control group; the load generator had no limits."] if limits else []


def by_processor_time(results):
    """A sentence on the workloads that are ranked by processor time as the load generator was the limit; "" if there are none."""
    found = [workload.name for workload in results.workloads if workload.is_instead]
    return f"Under {words.names(found)} servers are ranked {ranking.BY_PROCESSOR_TIME}." if found else ""


def caveats(results):
    """What to bear in mind, in sentences: from the data."""
    found = list(of_run(results))
    limited = [
        f"{subject.name} under {workload.name}" for workload in results.workloads
        for subject in results.models + results.peers
        if results.figure(workload, subject.name) and results.is_at_least(workload, subject.name)
    ]
    if limited:
        found.append(f"The client was the limit, in at least half of the rounds, for {words.names(limited)}: those "
                     "servers may do more than shown.")
    if by_processor_time(results):
        found.append(by_processor_time(results) + " How many requests a second the servers can do at most is not known.")
    twins = [twin for workload in results.workloads for twin in results.twins(workload.name, workload.figure)]
    found += [f"Under {twin['workload']}, {words.twins([twin])[0]}" for twin in twins if twin["differs"]]
    found += [suspicion.sentence(leaning) for leaning in results.summary.get("leaning", ())]
    if not twins:
        found.append("No subject was measured twice, so it is not known whether the same server would have differed from itself.")
    found.append(_network(results.run.get("network")))
    found += _limits(results.run.get("limits"))
    found += [f"Of the log that was replayed: {remark}." for remark in (results.run.get("replay") or {}).get("remarks", ())]
    found.append("One machine and one kernel: ratios travel better than figures, and neither travels far.")
    return found


def started(run):
    """When: '2026-01-31 12:00 UTC'."""
    return run["started"].replace("T", " ")[:16] + " UTC"


def revision(run):
    """Of the sources, short; "unknown" without git or a repository."""
    git = run.get("git") or {}
    return (git.get("revision") or "unknown")[:12] + (", changed" if git.get("dirty") else "")
