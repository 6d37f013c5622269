"""Experiments: what making, keeping and ending processes and threads costs, and what is left of them."""

import os
import signal
import time

from .. import procfs, statistics, workloads
from . import talk
from .lab import CHURN
from .verdict import Ratio, aside, fact, unknown

_CONTROL = ["loop", "fork", "thread", "prefork", "prefork --accept=lock", "prefork --accept=pass", "threadpool",
            "threadpool --accept=pass"]
_CPU = "cpu_us_per_request"


def _control(lab):
    """Short connections of 64 bytes: what a design costs beyond the loop is its process control (UNPv1 30)."""
    return lab.compare(_CONTROL, CHURN)


def _times_less(comparison, pool, factor):
    """Whether process control, which is what a design costs beyond the loop, costs a pool so many times less than a fork per
    client. fork - loop >= factor * (pool - loop) is asked without a difference that may be nothing or less:
    fork + (factor - 1) * loop >= factor * pool."""
    shown = ", ".join(f"{name} {comparison.median(name, _CPU) or 0:.0f}" for name in ("loop", "fork", pool))
    what = f"CPU us for a short connection: {shown}; what fork may cost by the claim, over what {pool} does"
    return comparison.derived_ratio(what, _CPU, [pool, "fork", "loop"],
                                    lambda value: value("fork") + (factor - 1) * value("loop"),
                                    lambda value: factor * value(pool)).at_least(1)


def pools_against_fork(lab):
    """Claim 1."""
    return [_times_less(_control(lab), pool, 10) for pool in ("prefork", "threadpool")]


def thread_against_prefork(lab):
    """Claim 2: thread per client beats every prefork variant."""
    return [_control(lab).ratio(variant, "thread", _CPU, f"CPU for a short connection, {variant} over thread per client")
            .more_than_one() for variant in ("prefork", "prefork --accept=lock", "prefork --accept=pass")]


def calling_accept(lab):
    """Claim 3: workers that call accept themselves beat a main one that accepts and hands over."""
    return [_control(lab).ratio(f"{pool} --accept=pass", pool, _CPU,
                                f"CPU for a short connection, {pool} with hand-over over {pool} that accepts")
            .more_than_one() for pool in ("prefork", "threadpool")]


def process_against_thread(lab):
    """Course 3."""
    return [_control(lab).ratio("fork", "thread", _CPU, "CPU for a short connection, fork over thread").more_than_one()]


def polling(lab):
    """Course 10: a non-blocking loop that polls is faster than blocking with one thread, and burns the processor for it."""
    together = lab.compare(["loop", "nonblock --poll_interval=0"], CHURN)
    parts = [together.ratio("nonblock --poll_interval=0", "loop",
                            what="short connections, throughput of polling over blocking").more_than_one()]
    for model, burns in (("nonblock --poll_interval=0", True), ("loop", False)):
        with lab.server(model) as server:
            before = sum(server.cpu_times())
            time.sleep(1)
            spent = sum(server.cpu_times()) - before
        parts.append(fact((spent > 0.3) == burns,
                     f"{model}, with nothing to do, takes {100 * spent:.0f} % of a processor"))
    return parts


def _tasks_a_second(lab, model, primes):
    """Tasks that compute, each on a connection of its own, 8 at a time."""
    with lab.server(model, "compute", connections=8, all_cpus=True) as server:
        address = server.addresses["compute"]
        request = b"PRIMES %d\n" % primes
        expected = talk.ask_once(address, request)
        def ask():
            if talk.ask_once(address, request) != expected:
                raise OSError("a wrong reply")
        return talk.closed_loop(8, 2 * lab.seconds, ask)


def short_tasks(lab):
    """Course 4 and claim 17: a pool pays when tasks are many and short."""
    short = lab.compare(_CONTROL, CHURN)
    parts = [short.ratio("prefork", "fork", what="short tasks (an echo each), throughput of a pool over a process each")
             .at_least(2)]
    return parts + [_long_tasks(lab)]


def _long_tasks(lab):
    """The pool gives nothing for tasks of tens of milliseconds; it is measured once more for the noise."""
    def pool():
        return _tasks_a_second(lab, "prefork", 100000)
    rates = lab.in_rounds("long tasks", {"prefork": pool, "again": pool,
                                         "fork": lambda: _tasks_a_second(lab, "fork", 100000)})
    floor = statistics.noise_floor([statistics.ratio_interval(rates["prefork"], rates["again"])])
    return Ratio("long tasks (the primes below 100,000 each), throughput of a pool over a process each",
                 statistics.ratio_interval(rates["prefork"], rates["fork"]), floor).about_one(1.25)


def short_tasks_tenfold(lab):
    """Claim 17: by ten at 10 us, by nothing at 100 ms."""
    short = lab.compare(_CONTROL, CHURN)
    return [short.ratio("prefork", "fork", what="an echo each, throughput of a pool over a process each").at_least(10),
            *short_tasks(lab)[1:]]


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
