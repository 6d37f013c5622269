"""Experiments: what making, keeping and ending processes and threads costs, and what is left of them."""

import functools
import os
import signal
import time

from .. import inference, procfs, statistics, workloads
from . import talk
from .computing import cost_s
from .lab import CHURN, CPU, ONE_LOOP
from .verdict import Ratio, aside, fact, unknown

_ONE_THREAD = ["loop", ONE_LOOP]  # Neither makes, keeps or ends anything for a client but its connection.
_CONTROL = [*_ONE_THREAD, "fork", "thread", "prefork", "prefork --accept=lock", "prefork --accept=pass", "threadpool",
            "threadpool --accept=pass"]
_LONG = 600000  # Primes below it: about a tenth of a second.


def _control(lab):
    """Short connections of 64 bytes: what a design costs beyond one thread is its process control (UNPv1 30)."""
    return lab.compare(_CONTROL, CHURN)


def _times_less(comparison, pool, factor):
    """Whether process control, which is what a design costs beyond one thread (the cheapest one of each round), costs a
    pool so many times less than a fork per client. fork - one >= factor * (pool - one) is asked without a difference
    that may be nothing or less: fork + (factor - 1) * one >= factor * pool."""
    names = [*_ONE_THREAD, "fork", pool]
    shown = ", ".join(f"{name} {comparison.median(name, CPU) or 0:.0f}" for name in names)
    what = (f"processor time of a short connection in us: {shown}; fork + {factor - 1} x the cheaper one thread over "
            f"{factor} x {pool}, which is 1 where the pool's process control costs 1/{factor} of fork's")

    def one_thread(value):
        return min(map(value, _ONE_THREAD))
    return comparison.derived_ratio(what, CPU, names, lambda value: value("fork") + (factor - 1) * one_thread(value),
                                    lambda value: factor * value(pool)).at_least(1)


def pools_against_fork(lab):
    """Claim 1."""
    return [_times_less(_control(lab), pool, 10) for pool in ("prefork", "threadpool")]


def thread_against_prefork(lab):
    """Claim 2: thread per client beats every prefork variant."""
    return [_control(lab).ratio(variant, "thread", CPU, f"CPU for a short connection, {variant} over thread per client")
            .more_than_one() for variant in ("prefork", "prefork --accept=lock", "prefork --accept=pass")]


def calling_accept(lab):
    """Claim 3: workers that call accept themselves beat a main one that accepts and hands over."""
    return [_control(lab).ratio(f"{pool} --accept=pass", pool, CPU,
                                f"CPU for a short connection, {pool} with hand-over over {pool} that accepts")
            .more_than_one() for pool in ("prefork", "threadpool")]


def process_against_thread(lab):
    """Course 3."""
    return [_control(lab).ratio("fork", "thread", CPU, "CPU for a short connection, fork over thread").more_than_one()]


def polling(lab):
    """Course 10: a non-blocking loop that polls is faster than blocking with one thread, and burns the processor for it."""
    together = lab.compare(["loop", "nonblock --poll_interval=0"], CHURN)
    parts = [together.ratio("nonblock --poll_interval=0", "loop",
                            what="short connections, throughput of polling over blocking").more_than_one()]
    idle = lab.in_rounds("idle servers", {name: functools.partial(_idle_share, lab, model) for name, model in
                                          (("polling", "nonblock --poll_interval=0"), ("blocking", "loop"))},
                         rounds=inference.LEAST_ROUNDS)
    polls, blocks = (statistics.median_interval(list(idle[name].values())).median for name in ("polling", "blocking"))
    return [*parts, judge_burning(polls, blocks)]


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


def _tasks_a_second(lab, model, primes):
    """Tasks that compute, each on a connection of its own, 8 at a time; None where one got no reply, or a wrong one."""
    with lab.server(model, "compute", connections=8, all_cpus=True) as server:
        address = server.addresses["compute"]
        request = b"PRIMES %d\n" % primes
        expected = talk.ask_once(address, request)
        if not expected.startswith(b"OK "):
            return None

        def ask():
            if talk.ask_once(address, request) != expected:
                raise OSError("a wrong reply")
        return talk.closed_loop(8, 5 * lab.seconds, ask)


def short_tasks(lab):
    """Course 4: a pool pays when tasks are many and short."""
    return [_times_less(_control(lab), "prefork", 2), _long_tasks(lab)]


def _long_tasks(lab):
    """The pool gives nothing for tasks of a tenth of a second."""
    def pool():
        return _tasks_a_second(lab, "prefork", _LONG)
    one_ms = 1e3 * cost_s(lab, _LONG)
    rates = lab.in_rounds("long tasks", {"prefork": pool, "fork": lambda: _tasks_a_second(lab, "fork", _LONG)})
    return Ratio(f"long tasks (the primes below {_LONG:,}: {one_ms:.0f} ms of a processor each), throughput of a pool "
                 "over a process each", statistics.ratio_interval(rates["prefork"], rates["fork"])).about_one(1.25)


def short_tasks_tenfold(lab):
    """Claim 17: by ten at 10 us, by nothing at 100 ms. The short task is an echo."""
    return [_times_less(_control(lab), "prefork", 10), _long_tasks(lab)]


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


def _naive_zombies(children):
    """The same where nobody cares: how many of our own ended children are left before we wait."""
    pids = []
    for _ in range(children):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        pids.append(pid)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not all(map(procfs.is_zombie, pids)):
        time.sleep(0.01)
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
    pids = []
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        pids.append(pid)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not all(map(procfs.is_zombie, pids)):
        time.sleep(0.01)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    time.sleep(0.05)
    return sum(map(procfs.is_zombie, pids)) > 0


def ignoring_sigchld(lab):
    """Claim 18."""
    left = _zombies_after(lab, "fork --reap=ignore", 100)
    parts = [unknown("clients were not served") if left is None else
             fact(left == 0, f"fork --reap=ignore: of 100 children {left} are left"),
             aside("with SIGCHLD ignored, waitpid " + (
                 "says ECHILD: the exit status is lost" if _in_child(_ignoring_loses_the_status) else "knows the status")),
             aside("one wait for each SIGCHLD, another way, " + (
                 "leaves some: signals do not queue" if _in_child(_one_wait_a_signal_leaks) else "leaves none"))]
    costs = lab.compare(["fork --reap=wait", "fork --reap=ignore", "fork --reap=double_fork"],
                        workloads.choose(["churn"])[0])
    rates = {name: costs.median(name, "throughput") for name in
             ("fork --reap=wait", "fork --reap=ignore", "fork --reap=double_fork")}
    shown = ", ".join(f"{name.removeprefix('fork ')} {rate:,.0f}/s" for name, rate in rates.items() if rate)
    return parts + [aside(f"what it costs, short connections: {shown}")]
