"""Puts the grader itself on trial: the faulty program of an exercise has to fail at every run, its solution at none, with the
whole machine and with a tenth of a processor."""

import collections
import concurrent.futures
import contextlib
import functools
import os
import tempfile
import time

from . import checks, grade, orphans, quota as quota_

# runs: how many. bad: (seed, what was wrong with the verdict) of those that were judged wrongly.
Trial = collections.namedtuple("Trial", "exercise program quota runs bad seconds")


def verdict_on_faulty(exercise, results):
    """What is wrong with the grader's verdict on the faulty program, or None. The program works, but for its fault: the first
    check passes, and at least one of the others fails."""
    if results[0].wrong is not None:
        return f"failed \"{exercise.checks[0].title}\": {results[0].wrong.what}"
    if all(result.wrong is None for result in results):
        return "the fault was not found"
    return None


def verdict_on_solution(_exercise, results):
    """What is wrong with the grader's verdict on the solution, or None."""
    failed = next((result for result in results if result.wrong is not None), None)
    return f"failed \"{failed.check.title}\": {failed.wrong.what}" if failed else None


VERDICTS = {"exercises": verdict_on_faulty, "solutions": verdict_on_solution}


def source(top, kind, exercise):
    return os.path.join(top, "course", kind, exercise.name, exercise.name + ".cc")


def _judge(exercise_name, kind, program, slow, seeds):
    """Runs in a process of its own. The seeds whose verdict was wrong, and why."""
    orphans.adopt()
    exercise = checks.EXERCISES[exercise_name]
    bad = []
    with contextlib.closing(quota_.tenth() if slow else quota_.Whole()) as quota:
        grader = grade.Grader(quota)
        for seed in seeds:
            wrong = VERDICTS[kind](exercise, [grader.run(check, program, seed) for check in exercise.checks])
            if wrong:
                bad.append((seed, wrong))
    return quota.name, bad


def trials(top, exercises, runs, jobs, slow_too=True):
    """Yields a Trial for each exercise, program and share of the processor."""
    grader = grade.Grader(quota_.Whole())
    with tempfile.TemporaryDirectory(prefix="grade-") as folder, concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for exercise in exercises:
            for kind in VERDICTS:
                place = os.path.join(folder, exercise.name, kind)
                os.makedirs(place)
                built = grader.compile(exercise, source(top, kind, exercise), place)
                if built.program is None:
                    yield Trial(exercise, kind, "", runs, [(0, built.messages)], 0)
                    continue
                for slow in (False, True) if slow_too else (False,):
                    started = time.monotonic()
                    judge = functools.partial(_judge, exercise.name, kind, built.program, slow)
                    done = list(pool.map(judge, [range(first, runs + 1, jobs) for first in range(1, jobs + 1)]))
                    bad = sorted(sum((found for _, found in done), []))
                    yield Trial(exercise, kind, done[0][0], runs, bad, time.monotonic() - started)


def line(trial):
    expected = "failed" if trial.program == "exercises" else "passed"
    name = "faulty program" if trial.program == "exercises" else "solution"
    text = (f"{trial.exercise.name:18} {name:15} {expected} {trial.runs - len(trial.bad):4} of {trial.runs} runs  "
            f"{trial.seconds:6.1f} s  {trial.quota}")
    return "\n".join([text, *(f"    seed {seed}: {why}" for seed, why in trial.bad[:5])])
