"""What is to be doubted about a run, in sentences, and on which machine it was made."""
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
    disturbed = sum(any("other programs" in mark or "the host took" in mark for mark in row["marks"]) for row in results.rounds)
    if disturbed:
        found.append(f"The machine was not quiet: in {disturbed} of {len(results.rounds)} measurements others took more than a "
                     "tenth of a processor.")
    if run["git"].get("dirty"):
        found.append("The sources had changes that the revision does not hold.")
    found += [f"Unfair: {violation}." for violation in (run.get("fairness") or {}).get("violations") or ()]
    expected = run["rounds"] * len({(row["subject"], row["workload"]) for row in results.rounds})
    if len(results.rounds) < expected:
        found.append(f"The run was broken off: {len(results.rounds)} of {expected} measurements are there.")
    return found


def caveats(results):
    """What to bear in mind, in sentences: from the data."""
    found = list(of_run(results))
    limited = [f"{subject.name} under {workload.name}" for workload in results.workloads
               for subject in results.models + results.peers
               if results.figure(workload, subject.name) and results.cell(workload.name, subject.name).client_was_the_limit]
    if limited:
        found.append(f"The client was the limit for {words.names(limited)}: those servers may do more than shown.")
    floors = {workload.name: results.noise_floor(workload.name, workload.figure) for workload in results.workloads}
    measured = [f"{words.percent(floor)} ({name})" for name, floor in floors.items() if floor is not None]
    if measured:
        found.append(f"The noise floor, by which a subject differs from itself: {words.names(measured)}. Less is not called a difference.")
    missing = [name for name, floor in floors.items() if floor is None]
    if missing:
        found.append(f"No noise floor was measured for {words.names(missing)}.")
    found.append("Server and client share one machine and its loopback device: no network card, no loss, no distance.")
    found.append("One machine and one kernel: ratios travel better than figures, and neither travels far.")
    return found
