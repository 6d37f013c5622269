"""A campaign: the calls of each scene are looked at once, and then each of them is made to fail, in turn."""

import contextlib
import multiprocessing
import tempfile
from dataclasses import dataclass, field

from . import faults_of_calls, scenes, trial as trials

# What a server says that could not have what its model is made of (io_uring).
_UNAVAILABLE = "is not allowed here"


@dataclass
class Result:
    """What was found of a model."""

    model: str
    tried: set = field(default_factory=set)  # (call, fault) pairs of which the call was reached, and failed.
    runs: int = 0
    not_reached: int = 0  # The call was made in the look, and not in the trial: calls depend on when things come.
    unavailable: str = ""  # Why the system has not what the model is made of.
    failures: list = field(default_factory=list)  # [(Trial, or (model, scene) if that failed without a fault; [problem])]

    def as_json(self):
        return {"model": self.model, "unavailable": self.unavailable, "pairs": [list(pair) for pair in sorted(self.tried)], "runs": self.runs,
                "not_reached": self.not_reached,
                "failures": [{"trial": trial if isinstance(trial, tuple) else str(trial), "problems": problems} for trial, problems in self.failures]}


def _unlike(seen):
    """The calls of one process of each kind: those that began at the same time and make the same calls are alike."""
    by_role = {}
    for one in seen:
        by_role.setdefault(one.role, []).append(one)
    known, kept = set(), []
    for role in sorted(by_role):
        likeness = (role.partition("-")[0], frozenset(one.call for one in by_role[role]))
        if likeness not in known:
            known.add(likeness)
            kept += by_role[role]
    return kept


def trials_of(model, scene, seen):
    """The first, one in the middle and the last of each call, with each of its faults."""
    return [trials.Trial(model, scene, trials.Place(one.role, one.call, occurrence), fault)
            for one in _unlike(seen)
            for occurrence in sorted({1, (one.count + 1) // 2, one.count})
            for fault in faults_of_calls.faults(one, model.split()[0])]


def sample(found, most):
    """So many of them, spread evenly; all if there are no more."""
    if not most or len(found) <= most:
        return found
    return [found[at * len(found) // most] for at in range(most)]


@dataclass(frozen=True)
class Task:
    programs: object
    model: str
    traits: dict
    scene: str
    trial: object  # None: a look.


def _do(task):
    with tempfile.TemporaryDirectory(prefix="polyserve-faults-") as folder:
        return task, trials.run(task.programs, task.model, task.traits, task.scene, task.trial, folder)


@contextlib.contextmanager
def _runner(jobs):
    """A function like map, in any order. Processes rather than threads: each trial waits for a server of its own, and servers end with
    those who started them."""
    if jobs == 1:
        yield map
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield pool.imap_unordered


def look(programs, models, chosen, run):
    """model, scene, Verdict: what calls the scenes make."""
    tasks = [Task(programs, model, traits, scene, None) for model, traits in models.items()
             for scene in scenes.of_model(traits) if scene in chosen]
    for task, verdict in run(_do, tasks):
        yield task.model, task.scene, verdict


def run(programs, models, chosen, most=0, jobs=1, progress=lambda _: None):
    """A Result of each model.

    models    name -> what comparison.programs.models() says of it
    chosen    the names of the scenes
    most      the trials of each scene of a model; 0: all
    progress  is called with a line of text now and then
    """
    results = {model: Result(model) for model in models}
    with _runner(jobs) as mapped:
        tasks = []
        for model, scene, verdict in look(programs, models, chosen, mapped):
            if _UNAVAILABLE in "".join(verdict.problems):
                results[model].unavailable = verdict.problems[0]
            elif verdict.problems:
                results[model].failures.append(((model, scene), verdict.problems))
            else:
                tasks += [Task(programs, model, models[model], scene, trial)
                          for trial in sample(trials_of(model, scene, verdict.seen), most)]
        progress(f"{len(tasks)} trials")
        judge(tasks, mapped, results, progress)
    return list(results.values())


def run_these(programs, models, chosen, jobs=1):
    """The same of these trials."""
    results = {model: Result(model) for model in models}
    tasks = [Task(programs, one.model, models[one.model], one.scene, one) for one in chosen]
    with _runner(jobs) as mapped:
        judge(tasks, mapped, results, lambda _: None)
    return list(results.values())


def judge(tasks, mapped, results, progress):
    for number, (task, verdict) in enumerate(mapped(_do, tasks), 1):
        result = results[task.model]
        result.runs += 1
        if verdict.fired:
            result.tried.add(task.trial.pair)
        else:
            result.not_reached += 1
        if verdict.problems:
            result.failures.append((task.trial, verdict.problems))
            progress(f"{task.trial}: {'; '.join(verdict.problems)}")
        if number % 500 == 0:
            progress(f"{number} of {len(tasks)} trials")

