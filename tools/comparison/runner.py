"""The runner: carries a plan out, step by step, and keeps what each has brought at once."""

import signal

from .progress import Progress


class _Interrupted(KeyboardInterrupt):
    """By Ctrl-C, or by SIGTERM or SIGHUP, which mean the same here."""


def _on_signal(_number, _frame):
    # Once: what is running has to be ended in peace, which takes some seconds at most.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise _Interrupted


def make_interruptible():
    """From now on Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt, one time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)


def _key(fields):
    return tuple(sorted(fields))


def done_keys(store, kind, steps):
    """The keys of those steps whose lines are in the folder."""
    names = {name for step in steps if step.kind == kind for name, _ in step.key}
    return {_key((name, line.get(name)) for name in names) for line in store.lines(kind)}


def run(steps, store, progress=None, wanted=lambda step: step.subjects):
    """Measures what is not there yet. Returns whether all of it was; False: it was interrupted.

    wanted  is asked before each step that has subjects, in their order, which of them are to be measured
    """
    done = {kind: done_keys(store, kind, steps) for kind in {step.kind for step in steps}}
    left = [step for step in steps if _key(step.key) not in done[step.kind]]
    for kind in done:
        store.trim(kind)
    progress = progress or Progress(sum(step.expected_s for step in left))
    try:
        for step in left:
            names = wanted(step) if step.subjects else ()
            if names or not step.subjects:
                progress.begin(step.title)
                for line in step.measure(names):
                    store.append(step.kind, {**dict(step.key), **line})
            progress.end(step.expected_s)
    except KeyboardInterrupt:
        return False
    finally:
        progress.clear()
    return True
