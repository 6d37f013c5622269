"""The proof of the cases: each fault is switched on in a tiny server, and the cases that are about it must fail; the same servers
without a fault, and a server of one client at a time, must pass all."""

import concurrent.futures
import contextlib
import tempfile
from dataclasses import dataclass

from . import runner, suites
from .asked import AskedServer
from .case import MUST, SHOULD
from .faulty import chat, chat_udp, compute, echo, file, file_unframed, http, message, relay, tftp, wait
from .scene import Library

SERVERS = {module.SERVICE: module for module in (
    echo, message, compute, wait, relay, file, file_unframed, http, chat, chat_udp, tftp)}
# A correct server answers at once, so that waiting longer costs nothing; a faulty one may never answer.
_PATIENT_S, _IMPATIENT_S = 20.0, 0.5
_AT_A_TIME = 8  # Most of the time is spent in waiting.


@dataclass(frozen=True)
class Trial:
    """One server, and the cases that are run against it."""

    service: str
    fault: str  # "" for a correct one.
    what: str
    cases: tuple
    one_at_a_time: bool = False

    @property
    def name(self):
        return f"{self.service}/{self.fault}" if self.fault else f"{self.service}, {self.what}"


@dataclass(frozen=True)
class Verdict:
    trial: Trial
    results: tuple

    @property
    def is_right(self):
        """A fault is caught by each case that is about it; a correct server passes all."""
        if self.trial.fault:
            return all(result.outcome == runner.FAILED for result in self.results)
        return all(result.outcome != runner.FAILED for result in self.results)

    def explain(self):
        """The results that are not as they have to be."""
        return [f"{result.case.full_name}: {result.outcome} {result.why}".rstrip() for result in self.results
                if (result.outcome == runner.FAILED) != bool(self.trial.fault)]


def faults():
    """A Trial for each fault."""
    found = []
    for service, module in SERVERS.items():
        cases = {case.name: case for case in suites.ALL[service].cases}
        for fault, (what, names) in module.FAULTS.items():
            found.append(Trial(service, fault, what, tuple(cases[name] for name in names.split())))
    return found


def correct():
    """Trials of servers without a fault: with a thread for each client, and of one client at a time."""
    found = []
    for service in SERVERS:
        cases = tuple(suites.ALL[service].cases)
        found.append(Trial(service, "", "several clients at a time", cases))
        if any(case.clients > 1 for case in cases):
            found.append(Trial(service, "", "one client at a time", cases, one_at_a_time=True))
    return found


def untried():
    """The cases that a server must or should pass, and that no fault is known to fail."""
    tried = {case.full_name for trial in faults() for case in trial.cases}
    return [case.full_name for suite in suites.ALL.values() for case in suite.cases
            if case.level in (MUST, SHOULD) and case.full_name not in tried]


def run(trial):
    """A server with a library of its own, and the cases."""
    suite = suites.ALL[trial.service]
    with contextlib.ExitStack() as stack:
        library = None
        root = None
        if suite.needs_root:
            root = stack.enter_context(tempfile.TemporaryDirectory(prefix="polyserve-conform-"))
            library = stack.enter_context(Library(root))
        if suite.needs_asked:
            root = stack.enter_context(AskedServer()).address
        server = stack.enter_context(SERVERS[trial.service].Server(trial.fault, root, trial.one_at_a_time))
        patience = runner.Patience(0.0, _IMPATIENT_S if trial.fault else _PATIENT_S)
        return Verdict(trial, tuple(runner.run(trial.cases, server.address, library, patience, trial.one_at_a_time)))


def run_all(trials):
    with concurrent.futures.ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from pool.map(run, trials)


def prove(say):
    """Tries all servers, says what is found, and returns whether all is right."""
    verdicts = []
    for verdict in run_all(faults() + correct()):
        verdicts.append(verdict)
        mark = ("caught" if verdict.trial.fault else "passed") if verdict.is_right else "WRONG"
        say(f"{mark:8} {verdict.trial.name:48} {verdict.trial.what if verdict.trial.fault else ''}".rstrip())
        if not verdict.is_right:
            for line in verdict.explain():
                say(f"           {line}")
    missing = untried()
    for name in missing:
        say(f"WRONG    no fault tries {name}")
    faulty, right = ([verdict for verdict in verdicts if bool(verdict.trial.fault) == is_faulty] for is_faulty in (True, False))
    say(f"conform: caught {sum(v.is_right for v in faulty)} of {len(faulty)} faulty servers; "
        f"{sum(v.is_right for v in right)} of {len(right)} correct ones passed")
    return all(verdict.is_right for verdict in verdicts) and not missing
