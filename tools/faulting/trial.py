"""A trial: one server, one scene, one call that fails, and what came of it."""

import os
import re
from dataclasses import dataclass, field

from comparison import procfs

from . import faults_of_calls, plan as plans, scenes
from .server import START_S, STOP_S, Server, eventually

_BAD_LINE = re.compile(r"Check failed|was killed by signal|terminate called|pure virtual|double free|corrupt")
# A leak shows by growing whenever the call fails; what is made once, when it is first needed, does not.
_REPEATS = 3
_SHRINK_S = 2.0  # Before it is looked for.
_REACH_S = 2.0  # For the call that is to fail, where the scene's clients have all they wait for before it is made.
_GONE_S = 5.0  # For a process whose connections are closed already to have ended.


@dataclass(frozen=True)
class Place:
    """A call: of which process, and the how manieth there."""

    role: str
    call: str
    occurrence: int


@dataclass(frozen=True)
class Trial:
    model: str  # With flags behind it, if it is not to have its own: "prefork --accept=pass".
    scene: str
    place: Place
    fault: str

    def __str__(self):
        """As --only takes it."""
        return "/".join((self.model, self.scene, self.place.role, self.place.call, str(self.place.occurrence), self.fault))

    @property
    def pair(self):
        return self.place.call, self.fault


def parse(text):
    """The inverse of str(). ValueError."""
    parts = text.split("/")
    if len(parts) != 6 or not parts[4].isdigit() or int(parts[4]) < 1:
        raise ValueError(f"'{text}' is not MODEL/SCENE/PROCESS/CALL/N/FAULT")
    plans.role_place(parts[2])
    plans.check_call(parts[3])
    plans.action(parts[5])
    if parts[1] not in (*scenes.SCENES, scenes.START, scenes.STOP):
        raise ValueError(f"there is no scene '{parts[1]}'")
    return Trial(parts[0], parts[1], Place(parts[2], parts[3], int(parts[4])), parts[5])


@dataclass
class Verdict:
    fired: bool = False
    problems: list = field(default_factory=list)
    seen: list = field(default_factory=list)  # [plans.Seen], if no call was to fail.


class _Impossible(Exception):
    """The server does not do what it has to even without a fault. The text says what."""


def _grown(before, now):
    """What of it holds more descriptors than before, as a text; "" if nothing does. Processes come and go: those that are new are
    compared with the largest that was there."""
    most = max(before.values(), default=0)
    more = [f"process {pid}: {before.get(pid, most)} -> {count}" for pid, count in now.items() if count > before.get(pid, most)]
    return ", ".join(more)


class _Run:
    """One trial under way."""

    def __init__(self, server, plan, scene, trial):
        self.server, self.plan, self.scene, self.trial = server, plan, scene, trial
        self.verdict = Verdict()
        self.outcome = scenes.Outcome()

    def say(self, problem):
        self.verdict.problems.append(problem)

    def begin(self):
        if self.trial:
            self.plan.arm(self.trial.place, self.trial.fault)
        else:
            self.plan.begin()

    def end(self):
        if self.trial:
            # What threads and processes do beside that for which the scene waits may come late on a busy machine.
            eventually(lambda: self.verdict.fired or self.plan.fired or not self.server.pids(), _REACH_S)
            self.verdict.fired = self.verdict.fired or self.plan.fired
        else:
            self.verdict.seen = self.plan.seen()
        self.plan.rest()

    @property
    def must_be_unnoticed(self):
        return self.trial and self.verdict.fired and faults_of_calls.is_transparent(*self.trial.pair)

    def stage(self):
        return scenes.Stage(self.server.addresses, self.server.root)

    def start(self):
        """False if it has ended, as it may if a call failed."""
        is_here = self.scene == scenes.START
        if is_here:
            self.begin()
        else:
            self.plan.begin()  # Processes that begin now are of the start.
        is_ready = self.server.start()
        if is_here:
            self.end()
        self.plan.rest()
        if is_ready:
            return True
        if not self.verdict.fired:
            raise _Impossible(f"the server is not ready: {self.server.last_line}")
        self.judge_refusal(is_ready)
        return False

    def judge_refusal(self, is_ready):
        if is_ready is None:
            self.say(f"the server is neither ready nor gone after {START_S:.0f} s: {self.server.last_line}")
            return
        status = self.server.exit_status
        if status <= 0:
            self.say(f"the server did not start, and ended with status {status}: {self.server.last_line}")
        elif not self.server.last_line:
            self.say("the server did not start, and does not say why")
        elif self.must_be_unnoticed:
            self.say(f"the server did not start: {self.server.last_line}")
        self.judge_log()
        self.expect_nothing_left()

    def play(self):
        stage = self.stage()
        warm = stage.play(self.scene)
        if warm.lost or warm.wrong:
            raise _Impossible(f"even without a fault: {warm.lost + warm.wrong}; {self.server.last_line}")
        self.outcome.stored.update(warm.stored)
        before = self.server.settled_footprint()
        self.begin()
        stage.play(self.scene, self.outcome)
        self.verdict.problems += self.outcome.wrong
        self.outcome.wrong = []
        self.verdict.fired = self.plan.fired
        if self.must_be_unnoticed and self.outcome.lost:
            self.say(f"a client noticed it: {'; '.join(self.outcome.lost)}")
        if not self.trial:
            eventually(lambda: set(self.server.footprint()) <= set(before))  # What they do at their end counts as well.
        else:
            self.expect_footprint(before)
        self.end()

    def expect_footprint(self, before):
        if eventually(lambda: not _grown(before, self.server.footprint()), _SHRINK_S):
            return
        first = _grown(before, self.server.footprint())
        sizes = [sum(self.server.footprint().values())]
        for _ in range(_REPEATS):
            self.plan.arm(self.trial.place, self.trial.fault)
            self.stage().play(self.scene)
            self.plan.rest()
            sizes.append(sum(self.server.settled_footprint().values()))
        if all(later > earlier for earlier, later in zip(sizes, sizes[1:])):
            self.say(f"descriptors are left: {first}; each time: {sizes}")

    def expect_service(self):
        """A client that comes now gets all that it asks for. Its clients come one after the other. False: the server has ended."""
        again = ("echo", "http-get", "http-put") + ((self.scene,) if self.scene in scenes.SCENES else ())
        for scene in dict.fromkeys(again):
            later = self.stage().play(scene) if self.server.exit_status is None else scenes.Outcome()
            self.outcome.stored.update(later.stored)
            # A process that ends closes its connections first: a client may know of it before those who wait for the process.
            if later.lost:
                self.server.awaits_end(_GONE_S)
            if self.server.exit_status is not None:
                self.say(f"the server has ended with status {self.server.exit_status}: {self.server.last_line}")
                return False
            self.verdict.problems += [f"a client that came later, {scene}: {what}" for what in later.lost + later.wrong]
        return True

    def judge_rest(self):
        self.stage().check_stored(self.outcome)
        self.verdict.problems += self.outcome.wrong
        if not eventually(lambda: not self.server.zombies()):
            self.say(f"zombies: {self.server.zombies()}")
        if not eventually(lambda: not self.server.strange_files(self.outcome.stored)):
            self.say(f"files are left: {self.server.strange_files(self.outcome.stored)}")
        self.judge_log()

    def judge_log(self):
        bad = [line for line in self.server.log.splitlines() if _BAD_LINE.search(line)]
        if bad:
            self.say(f"in the log: {bad[0]}")
        if self.plan.bad_closes:
            self.say(f"{self.plan.bad_closes} descriptors were closed that were not open")

    def stop(self):
        is_here = self.scene == scenes.STOP
        if not is_here:
            self.server.ask_to_stop()
            self.await_end()
            return
        with self.stage().silent_clients():
            self.begin()
            self.server.ask_to_stop()
            self.await_end()
        self.end()

    def await_end(self):
        if not self.server.awaits_end():
            self.say(f"the server has not ended {STOP_S:.0f} s after SIGTERM: {self.server.last_line}")
        elif self.server.exit_status != 0:
            self.say(f"the server ended with status {self.server.exit_status} after SIGTERM: {self.server.last_line}")
        self.expect_nothing_left()

    def expect_nothing_left(self):
        if not eventually(lambda: not self.server.pids()):
            self.say(f"processes are left: {[(pid, procfs.name(pid)) for pid in self.server.pids()]}")

    def run(self):
        if not self.start():
            return
        if self.scene in scenes.SCENES:
            self.play()
        if self.scene == scenes.STOP or self.expect_service():
            self.stop()
        self.judge_rest()


def run(programs, model, traits, scene, trial, folder):
    """A Verdict of this trial, or, if it is None, of the scene without a fault: then `seen` has its calls.

    folder  an empty one, for this run
    """
    plan_path = os.path.join(folder, "plan")
    with plans.Plan(plan_path, traps_rings=model.split()[0] == "uring") as plan:
        server = Server(programs, model, traits, plan_path, folder)
        one = _Run(server, plan, scene, trial)
        try:
            one.run()
        except _Impossible as error:
            one.say(str(error))
        except scenes.Stuck as error:
            one.say(f"a client is left waiting: {error}")
        except (scenes.Lost, scenes.Wrong) as error:
            one.say(str(error))
        finally:
            server.end()
        return one.verdict
