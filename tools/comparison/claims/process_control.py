"""Experiments: what making, keeping and ending processes and threads costs, and what is left of them."""

import functools
import os
import signal
import time

from .. import procfs
from . import talk
from .lab import CHURN, ONE_LOOP
from .rounds import CPU, RATE, Figure, Question
from .verdict import about_one, aside, at_least, fact, more, unknown

_ONE_THREAD = ("loop", ONE_LOOP)  # Neither makes, keeps or ends anything for a client but its connection.
# Short connections of 64 bytes: what a design costs beyond one thread is its process control (UNPv1 30).
_CONTROL = (*_ONE_THREAD, "fork", "thread", "prefork", "prefork --accept=lock", "prefork --accept=pass", "threadpool"), CHURN
HAND_OVER = ("prefork", "prefork --accept=pass", "threadpool", "threadpool --accept=pass"), CHURN
_LONG = 600000  # Primes below it: about a tenth of a second.
_TASK = Figure("task", "ms", 1)


def _times_less(lab, pool, factor):
    """Whether process control, which is what a design costs beyond one thread (the cheapest one of each round), costs a
    pool so many times less than a fork per client. fork - one >= factor * (pool - one) is asked without a difference
    that may be nothing or less: fork + (factor - 1) * one >= factor * pool."""
    def with_fork(value):
        return value("fork") + (factor - 1) * min(map(value, _ONE_THREAD))

    def with_pool(value):
        return factor * value(pool)
    what = (f"processor time of a short connection: fork + {factor - 1} x the cheaper one thread over {factor} x {pool}, which "
            f"is 1 if the pool's process control costs 1/{factor} of fork's")
    return Question(lab.compared(*_CONTROL), what, with_fork, with_pool, at_least(1), CPU, of=(*_ONE_THREAD, "fork", pool))


def _costs_more(lab, dear, cheap):
    return Question(lab.compared(*_CONTROL), f"processor time of a short connection, {dear} over {cheap}", dear, cheap, more())


def pools_against_fork(lab):
    """Claim 1."""
    return [_times_less(lab, pool, 10) for pool in ("prefork", "threadpool")]


def thread_against_prefork(lab):
    """Claim 2: thread per client beats every prefork variant."""
    return [_costs_more(lab, variant, "thread") for variant in ("prefork", "prefork --accept=lock", "prefork --accept=pass")]


def process_against_thread(lab):
    """Course 3."""
    return [_costs_more(lab, "fork", "thread")]


def cheap_loop(lab):
    """A part of course 1."""
    return [_costs_more(lab, "thread", "loop"), _costs_more(lab, "fork", "loop")]


def polling(lab):
    """Course 10: a non-blocking loop that polls is faster than blocking with one thread, and burns the processor for it."""
    polls, blocks = "nonblock --poll_interval=0", "loop"
    return [Question(lab.compared((polls, blocks), CHURN), "short connections a second, polling over blocking", polls, blocks,
                     more(), RATE),
            judge_burning(_idle_share(lab, polls), _idle_share(lab, blocks))]


def _idle_share(lab, model):
    """How much of a processor it takes while nobody asks for anything."""
    with lab.server(model) as server:
        before, started = sum(server.cpu_times()), time.monotonic()
        time.sleep(1)
        return (sum(server.cpu_times()) - before) / (time.monotonic() - started)


def judge_burning(polls, blocks):
    """A part: whether polling takes much more of an idle processor than blocking. What lies between is left open, as
    others may have taken the processor from it."""
    text = f"with nothing to do, polling takes {100 * polls:.0f} % of a processor, blocking {100 * blocks:.0f} %"
    if polls > max(0.2, 10 * blocks):
        return fact(True, text)
    return fact(False, text) if polls < max(0.05, 2 * blocks) else unknown(text)


def _cpu_of_a_task(lab, model, _number):
    """The processor time of a task that computes, each on a connection of its own, 8 at a time."""
    with lab.server(model, "compute", connections=8, all_cpus=True) as server:
        address = server.addresses["compute"]
        request = b"PRIMES %d\n" % _LONG
        expected = talk.ask_once(address, request)
        if not expected.startswith(b"OK "):
            return f"the reply was {expected!r}"

        def ask():
            if talk.ask_once(address, request) != expected:
                raise OSError("a wrong reply")
        before = sum(server.cpu_times())
        if not talk.closed_loop(8, 2, ask):
            return "a request failed"
        return {_TASK.key: 1e3 * (sum(server.cpu_times()) - before) / 16}


def short_tasks(lab):
    """Course 4: a pool pays when tasks are many and short."""
    return [_times_less(lab, "prefork", 2), _long_tasks(lab)]


def _long_tasks(lab):
    """The pool gives nothing for tasks of a tenth of a second."""
    series = lab.in_turns("long tasks", {model: functools.partial(_cpu_of_a_task, lab, model) for model in ("prefork", "fork")})
    return Question(series, f"long tasks (the primes below {_LONG:,}), processor time of one, a pool over a process each",
                    "prefork", "fork", about_one(1.1), _TASK)


def short_tasks_tenfold(lab):
    """Claim 17: by ten at 10 us, by nothing at 100 ms. The short task is an echo."""
    return [_times_less(lab, "prefork", 10), _long_tasks(lab)]


def _zombies_after(lab, model, children):
    """How many of a server's ended children are left, a moment after so many clients were served."""
    with lab.server(model) as server:
        address = server.addresses["echo"]
        for _ in range(children):
            if not talk.is_served(address):
                return None
        deadline = time.monotonic() + 3
        left = children
        while left and time.monotonic() < deadline:
            left = procfs.look_at(server.session, with_memory=False).zombies
            time.sleep(0.05)
        return left


def _ended_children(number):
    """The pids of so many children of ours that have ended, or have had 3 s for it."""
    pids = []
    for _ in range(number):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        pids.append(pid)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not all(map(procfs.is_zombie, pids)):
        time.sleep(0.01)
    return pids


def _naive_zombies(children):
    """The same where nobody cares: how many of our own ended children are left before we wait."""
    pids = _ended_children(children)
    left = sum(map(procfs.is_zombie, pids))
    for pid in pids:
        os.waitpid(pid, 0)
    return left


def zombies(lab):
    """Course 12."""
    left = _naive_zombies(50)
    parts = [fact(left == 50, f"without handling, of 50 children that ended {left} are left")]
    for reap in ("ignore", "wait", "double_fork"):
        left = _zombies_after(lab, f"fork --reap={reap}", 50)
        parts.append(unknown(f"--reap={reap}: clients were not served") if left is None else
                     fact(left == 0, f"--reap={reap}: of 50 children {left} are left"))
    return parts


def _in_child(work):
    """Runs work() in a forked child; whether it returned true."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if work() else 1)
        except BaseException:  # Whatever it is, the child must not go on as if it were us.
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _ignoring_loses_the_status():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    pid = os.fork()
    if pid == 0:
        os._exit(3)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        return True
    return False


def _one_wait_a_signal_leaks():
    """20 children end while the signal is blocked: signals do not queue, so one handler call waits for one of them."""
    signal.signal(signal.SIGCHLD, lambda *_: os.waitpid(-1, os.WNOHANG))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    pids = _ended_children(20)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    time.sleep(0.05)
    return sum(map(procfs.is_zombie, pids)) > 0


def ignoring_sigchld(lab):
    """Claim 18."""
    left = _zombies_after(lab, "fork --reap=ignore", 100)
    return [unknown("clients were not served") if left is None else
            fact(left == 0, f"fork --reap=ignore: of 100 children {left} are left"),
            aside("with SIGCHLD ignored, waitpid " + (
                "says ECHILD: the exit status is lost" if _in_child(_ignoring_loses_the_status) else "knows the status")),
            aside("one wait for each SIGCHLD, another way, " + (
                "leaves some: signals do not queue" if _in_child(_one_wait_a_signal_leaks) else "leaves none"))]
