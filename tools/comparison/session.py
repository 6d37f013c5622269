"""tools/compare from its command line to its exit status: sets a run up, or takes one up again, and shows its result."""

import argparse
import contextlib
import dataclasses
import datetime
import json
import math
import os
import secrets
import shlex
import sys
import tempfile

from . import (connections, diff, fairness, inference, limits, machine, measure, network, peers, plan, processes, programs, promise,
               ranking, rated_steps, replay, runner, store, subjects, summary, table, versions, workloads)
from .load import Load
from .stopping import Stopping
from .tuning import race, report as tuning

DONE, FAULTY, USAGE, WORSE, INTERRUPTED = 0, 1, 2, 3, 130
_QUICK_MINUTES, _MINUTES = 1.8, 19.0
_QUICK_WORKLOADS = "echo,http"
_PROMISE = plan.Options.slo.text
_CONTRACT_S = 1.0  # To look at one subject's sockets.


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


def _cpu_list(text):
    cpus = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cpus.update(range(int(first), int(last or first) + 1))
    return tuple(sorted(cpus))


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Says of an option what it is by default, if it is anything."""

    def _get_help_string(self, action):
        return action.help if action.default in (None, False) else super()._get_help_string(action)


def parser():
    options = argparse.ArgumentParser(
        prog="tools/compare",
        usage="tools/compare [diff OLD NEW] [options]\n       tools/compare merge [NAME=]DIR [NAME=]DIR ... [options]\n"
              "       tools/compare check DIR ...",
        description=(
            "Runs models of the server, and reference servers, under the same loads, and says which differ. With diff OLD NEW: two "
            "versions of the server, each a revision of git, a folder with a server, or . for this tree; says which models have become "
            "better or worse. With merge: the results of several runs, such as those of several machines, on one page; "
            "tools/compare merge --help lists its options. With check: whether result folders follow the format."),
        epilog="Workloads: " + "; ".join(f"{workload.name}: {workload.title}" for workload in workloads.ALL) + ".",
        formatter_class=_Help, argument_default=None)
    add = options.add_argument
    add("--models", help="comma-separated, each with flags of its own behind it; all by default")
    add("--peers", help="comma-separated reference servers, in the same rounds: all (that are installed), floor (the smallest honest "
        "program for each of the models, which shows what the rest of it costs), or of: " + ", ".join(peer.name for peer in peers.ALL))
    add("--server", action="append", metavar="NAME=COMMAND", help="a server of your own, in the same rounds; may be repeated: "
        "'mine=python3 my_server.py {port} {root}', of http, or 'mine:echo=./my_server {port}'; {host} is where it has to listen")
    add("--workloads", help="comma-separated; the usual ones by default")
    add("--replay", metavar="LOG", help="an access log in the combined format, or a table time,method,path,bytes,client, also compressed: "
        "its requests, at their times, are a workload (the only one, unless others are given)")
    add("--speed", type=float, default=1.0, help="with --replay: this many times as fast")
    add("--keep_alive", type=float, default=replay.KEEP_ALIVE_S, help="with --replay: a client closes a connection that was silent for "
        "so many seconds of the log")
    add("--network", help="put a network between clients and servers: rtt:20ms,loss:0.5%%,rate:100mbit, or a part of it; takes root")
    add("--limits", help="the servers get no more than that, in control groups: cpus:0.5,memory:128M, or one of the two; takes root")
    add("--rounds", type=int, help="how often each is measured, and how often at most in the parts cost and promise; by default as "
        "often as the time allows: many short rounds")
    add("--quick", action="store_true", help="finish in 2 minutes, instead of 20: of echo and http, if no workloads are given")
    add("--minutes", type=float, help="about how long all of it may take; sets the number of rounds or, if that is given, "
        "the length of each measurement; if time is short it leaves parts out, unless they are given")
    add("--duration", type=float, help="seconds for each measurement, instead of --minutes")
    add("--parts", help="comma-separated, of: " + ", ".join(plan.PARTS) + "; all of them but "
        "promise, which --slo asks for; with --quick " + ", ".join(plan.QUICK_PARTS))
    add("--by", choices=plan.BY, help="what models are ranked by, and recommended first: throughput (if requests come at a rate, their "
        "median response time), capacity (the highest rate that keeps --slo), cost (processor time of a request at the same rate for all), "
        "tail (p99 at that rate), memory (of a connection), fairness (between connections). By default throughput or, if the load "
        "generator was the limit, processor time for a request")
    add("--slo", metavar="PROMISE", help="a promise, such as p99<10ms, p99.9<50ms or p50<800us: measure the highest rate at which "
        f"this percentile of the response time stays below the bound; {_PROMISE} for the recommendations")
    add("--tune", action="store_true", help="first let the settings of each model (workers, accept policy, trigger and others of its flags) "
        "race under each workload; then measure the best of each beside the defaults, and say what tuning is worth. Takes half of the time")
    add("--candidates", type=int, default=race.MOST, help="with --tune: this many settings of a model race at most, its default included")
    add("--margin", type=float, default=100 * inference.MARGIN, help="two that surely differ by less, in percent, are called "
        "equal")
    add("--to_the_end", action="store_true", help="measure all rounds, also of models about which nothing is open any more")
    add("--twin", help="comma-separated: the subjects that are measured twice, which shows whether the same thing differs from "
        "itself; the first that takes part in all workloads")
    add("--idle", type=int, help="up to how many idle connections memory is measured with; 4000, with --quick 200")
    add("--server_cpus", type=_cpu_list, help="processors for the server, such as 0-3; the first half")
    add("--client_cpus", type=_cpu_list, help="processors for the load generator; the others")
    add("--seed", type=int, help="of the order within rounds, and of arrivals; another one in each run, and recorded")
    add("--out", help="the folder for the data; results/DATE")
    add("--resume", metavar="DIR", help="go on with a run that was broken off; takes its own options, no others")
    add("--json", action="store_true", help="print the summary as JSON, and make no page")
    add("--no_page", action="store_true", help="make no page at the end; tools/report does it later")
    add("--bin", help="a folder like bazel-bin to take the programs from, instead of building them")
    add("--allow_any_build", action="store_true", help="also measure a build that is not optimized; its figures are marked")
    return options


def _versions(arguments):
    """OLD and NEW of `diff OLD NEW`; nothing if it is another command."""
    if arguments[:1] != ["diff"]:
        return []
    pair = arguments[1:3]
    if len(pair) < 2 or any(name.startswith("-") for name in pair):
        raise UsageError("diff OLD NEW: each a revision of git, a folder with a server, or . for this tree; options behind them")
    return pair


def _usual_parts(options, pair):
    """The parts of a run that has not named them."""
    wants_promise = options.slo or options.by == "capacity"
    usual = ("rounds",) if pair or options.tune else plan.QUICK_PARTS if options.quick else [part for part in plan.PARTS if part != "promise"]
    return {*usual, *(("promise",) if wants_promise else ()), rated_steps.PART_OF.get(options.by, "rounds")}


def _parse_parts(options, pair):
    """--parts, --by and --slo, which depend on each other."""
    parts = set(subjects.split(options.parts)) if options.parts else _usual_parts(options, pair)
    unknown = parts - set(plan.PARTS)
    if unknown:
        raise UsageError(f"--parts: there is no '{sorted(unknown)[0]}'; there are {', '.join(plan.PARTS)}")
    needed = rated_steps.PART_OF.get(options.by, "rounds")
    if needed not in parts and options.by != "throughput":
        raise UsageError(f"--by={options.by} needs the part {needed}, which --parts leaves out")
    if parts & {"cost", "promise", "times"} and "rounds" not in parts:
        raise UsageError("the parts cost, promise and times need the part rounds: rates are chosen by what servers can do")
    try:
        options.slo = promise.parse(options.slo or _PROMISE).text
    except ValueError as error:
        raise UsageError(f"--slo: {error}") from error
    options.parts = ",".join(part for part in plan.PARTS if part in parts)


def _check_tuning(options, pair):
    if options.tune and pair:
        raise UsageError("--tune and diff: two versions are compared with the same flags")
    if options.tune and rated_steps.PART_OF.get(options.by, "rounds") != "rounds":
        raise UsageError(f"--tune and --by={options.by}: races are of what rounds measure, which are throughput, response times, "
                         "processor time and fairness")
    if options.candidates < 2:
        raise UsageError("--candidates is 2 at least: a default, and something else")


def parse(arguments):
    """The options, with what depends on others filled in."""
    pair = _versions(arguments)
    options = parser().parse_args(arguments[1 + len(pair):] if pair else arguments)
    options.versions = pair
    options.server_folder = os.getcwd()
    if options.resume:
        return options
    options.asked_duration = options.duration
    options.asked_by, options.by = options.by, options.by or ranking.THROUGHPUT
    options.may_change = [name for name in ("rounds", "parts") if not (getattr(options, name) or options.duration)]
    options.most_rounds = options.rounds
    options.rounds = options.rounds or 7  # With neither it nor --duration the time decides.
    options.seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    options.workloads = options.workloads or (_QUICK_WORKLOADS if options.quick and not options.replay else None)
    options.minutes = options.minutes or (_QUICK_MINUTES if options.quick else _MINUTES)
    options.idle = options.idle if options.idle is not None else (200 if options.quick else 4000)
    _parse_parts(options, pair)
    if options.rounds < 1 or options.minutes <= 0 or (options.duration or 1) <= 0:
        raise UsageError("--rounds, --minutes and --duration are more than 0")
    if not 0.001 <= options.speed <= 1e6 or not 0 < options.keep_alive <= 86400:
        raise UsageError("--speed is 0.001 to 1,000,000, --keep_alive more than 0 and at most 86,400")
    if options.network:
        network.Network.parse(options.network)
    if options.limits:
        limits.Limits.parse(options.limits)
    if options.replay:
        options.replay = os.path.abspath(options.replay)  # For --resume, wherever that is called.
    _check_tuning(options, pair)
    if not 0 < options.margin <= 50:
        raise UsageError("--margin is more than 0 %, and 50 % at most")
    available = machine.cpus()
    server, client = machine.split_cpus(available)
    options.server_cpus = options.server_cpus or server
    options.client_cpus = options.client_cpus or client
    missing = set(options.server_cpus + options.client_cpus) - set(available)
    if missing:
        raise UsageError(f"there is no processor {min(missing)}; there are {', '.join(map(str, available))}")
    return options


def _choose_models(options, built, pair):
    names = subjects.split(options.models) if options.models else []
    if pair:
        return versions.subjects(names, [program for program, _ in pair])
    known = programs.models(built.server)
    return subjects.choose(names or list(known), built.server, known)


def choose_subjects(options, built, wanted, pair=()):
    chosen = _choose_models(options, built, pair)
    twins = subjects.split(options.twin) if options.twin else [subjects.most_willing(chosen, wanted).name]
    for name in twins:
        if name not in [subject.name for subject in chosen]:
            raise UsageError(f"--twin: '{name}' is not one of the models that are compared")
    models, floors = {subject.model for subject in chosen}, []
    if wants_floor(options):
        floors = [peer for peer in peers.floor.choose(built.folder) if peers.floor.fits(peer, models, wanted)]
    return (chosen + [subject.again() for subject in chosen if subject.name in twins]
            + peers.choose(subjects.split(options.peers or ""), floors))


def wants_floor(options):
    """Whether --peers has the programs of tools/floor."""
    return peers.floor.NAME in subjects.split(options.peers or "")


def choose_own_servers(options, taken, setting):
    """Those of --server, each of which was started and asked; says what was found out."""
    chosen = []
    for server in peers.own.choose(getattr(options, "server", None) or (), getattr(options, "server_folder", ""),
                                   [subject.name for subject in taken]):
        server = server.tried(setting)
        chosen.append(server)
        if server.closes:
            print(f"compare: {server.name} closes the connection after each reply: connecting is part of its figures, and there is "
                  "no memory of an idle connection", file=sys.stderr)
        elif server.traits.get("silent") == "blocks":
            print(f"compare: {server.name} serves one client after the other: workloads whose connections stay are left out",
                  file=sys.stderr)
    return chosen


class Session:
    """One run: its folder, its subjects, and its plan."""

    def __init__(self, options, folder, scratch, stack):
        """`stack`, a contextlib.ExitStack, gets what has to be undone at the end of the run."""
        self.options = options
        self.folder = folder
        self.built = programs.obtain(options.bin, [peers.floor.TARGET] if wants_floor(options) else ())
        self.versions = [versions.obtain(name, self.built.server) for name in getattr(options, "versions", ())]
        self.unfit = self.built.faults() + [f"the server of {title} {fault}" for program, title in self.versions
                                            for fault in program.faults()]
        if self.unfit and not options.allow_any_build:
            raise programs.BuildError(f"{'; '.join(self.unfit)}: measuring it would say nothing (--allow_any_build "
                                      "does it all the same, and marks the figures)")
        self._root = os.path.join(scratch, "files")
        self._scratch = scratch
        os.makedirs(self._root)
        os.chmod(scratch, 0o755)  # Apache gives up root's rights, and has to get to the files.
        workloads.make_files(self._root)
        self.replay = self._make_replay()
        self.workloads = workloads.choose(subjects.split(options.workloads) if options.workloads else None,
                                          [self.replay.workload] if self.replay else [])
        self.place, self.network = network.LOOPBACK, None
        if getattr(options, "network", None):
            self.network = network.Network.parse(options.network)
            self.place = stack.enter_context(network.Namespaces(self.network)).place
            # A slice of a twentieth of a second would be a few round trips; the queue of a rate alone takes half of that to fill.
            self.workloads = [dataclasses.replace(workload, rests=False) for workload in self.workloads]
        self.limits = None
        if getattr(options, "limits", None):
            self.limits = limits.Limits.parse(options.limits)
            limits.check(self.limits, len(options.server_cpus))
            self.workloads = [limits.whole_periods(workload) for workload in self.workloads]
        self.subjects = choose_subjects(options, self.built, self.workloads, self.versions)
        self.subjects += choose_own_servers(options, self.subjects, self.setting_for(self.workloads[0]))
        self.raced, self.races_s = {}, 0.0  # What run.json says of races, and the time that they take.
        self.scene = plan.Scene(self.subjects, self.workloads, Load(self.built.load.path, options.client_cpus),
                                self.setting_for, machine.cpus(), connections.raise_descriptor_limit(), folder.lines)
        self.plan_options = plan.Options(options.rounds, options.minutes, options.duration or 0, options.seed,
                                         tuple(options.parts.split(",")), options.idle,
                                         promise.parse(getattr(options, "slo", _PROMISE)), getattr(options, "by", "throughput"),
                                         getattr(options, "most_rounds", None))

    def _make_replay(self):
        """A replay.Replay; None if there is none."""
        options = self.options
        if not getattr(options, "replay", None):
            return None
        window_s = max(replay.WINDOW_S, (options.duration or 0) + 2 * measure.WARM_UP_S)
        return replay.make(options.replay, options.speed, options.keep_alive, window_s, self._root,
                           os.path.abspath(self.folder.path("schedule.csv")))

    def tune(self, folder, described):
        """Lets the settings of each model race, as far as they have not yet, and takes the best of each in as a subject. Returns
        whether all of it was measured.

        described  run.json's content, with the races if they have begun
        """
        options, own = self.options, [subject for subject in self.subjects if subject.kind == "model"]
        duration_s = options.asked_duration or plan.SHORTEST_S  # Not what was planned for the rounds, if the run is resumed.
        races = race.make(dataclasses.replace(self.scene, subjects=own), options.minutes, duration_s, options.candidates, options.seed)
        steps = race.steps(races, self.scene, options.seed, duration_s)
        setting = self.setting_for(self.workloads[0])
        tried = {one.name: one for each in races for one in each.settings.tried}
        self.raced = {"races": [one.describe() for one in races], "candidates": [one.describe(setting) for one in tried.values()]}
        self.races_s = plan.expected_s(steps)
        if "races" in described and list(map(_of_race, described["races"])) != list(map(_of_race, self.raced["races"])):
            raise store.StoreError("the server takes other settings than when the run began: rounds of two races do not belong together; "
                                   "begin a new run")
        folder.write_run({**described, **self.raced})  # Not before: a run that is refused leaves its folder free.
        if not runner.run(steps, folder, wanted=race.Watch(folder.run(), folder).wanted):
            return False
        names = [subject.name for subject in self.subjects]
        # In place, as the scene has the same list.
        self.subjects += [one for one in race.best_subjects(races, folder.run(), folder.lines(store.TUNE)) if one.name not in names]
        return True

    def fit(self, fixed_s):
        """Takes up as much as the time allows, and says what is left out."""
        asked = self.plan_options
        kept = plan.fit(self.scene, asked, fixed_s, self.options.may_change)
        if kept != asked:
            self._say_what_is_left_out([part for part in asked.parts if part not in kept.parts], kept, fixed_s)
        self.plan_options = kept
        self.options.rounds, self.options.parts = kept.rounds, ",".join(kept.parts)

    def _say_what_is_left_out(self, parts, kept, fixed_s):
        if parts:
            whole = dataclasses.replace(kept, parts=self.plan_options.parts)
            needed = plan.expected_s(plan.make(self.scene, whole, fixed_s)[0], fixed_s) / 60
            print(f"compare: {kept.minutes:g} minutes are too short for all of it: {kept.rounds} rounds, without "
                  f"{', '.join(parts)}; --minutes={math.ceil(needed)} has all parts", file=sys.stderr)

    def setting_for(self, workload):
        return subjects.Setting(self._root, self.options.server_cpus, self.folder.path("logs"), self._scratch,
                                workload.held, place=self.place, within=self.limits)

    def describe(self, arguments, duration_s):
        """run.json, but for what is measured at the start."""
        return {"schema": store.SCHEMA, "command": ["tools/compare", *arguments],
                "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
                "options": vars(self.options), "git": programs.revision(),
                "programs": {"server": self.built.server.as_json(), "load": self.built.load.as_json()},
                "unfit": self.unfit, "versions": [title for _, title in self.versions],
                "version_programs": [program.as_json() for program, _ in self.versions], "machine": machine.describe(), "sysctls": machine.sysctls(),
                "server_cpus": list(self.options.server_cpus), "client_cpus": list(self.options.client_cpus),
                "margin": self.options.margin / 100, "seed": self.options.seed, "rounds": self.options.rounds, "duration_s": duration_s,
                "rounds_of": plan.rounds_of(self.scene, self.plan_options), "by": self.plan_options.by,
                "promise": self.options.slo,
                "warm_up_s": measure.WARM_UP_S, "skipped": plan.pairs(self.scene)[1],
                "replay": self.replay.as_json() if self.replay else None,
                "network": self.network.title() if self.network else None,
                "limits": self.limits.as_json() if self.limits else None,
                "subjects": [subject.describe(self.setting_for(self.workloads[0])) for subject in self.subjects],
                "workloads": [self._describe_workload(workload) for workload in self.workloads], **self.raced}

    def _describe_workload(self, workload):
        """With the metric that ranks subjects, and the one that does if the load generator was the limit; see ranking.py."""
        metric = workload.metric_by(self.options.by)
        keeps = metric != ranking.THROUGHPUT or self.options.asked_by == ranking.THROUGHPUT
        return {**workload.as_json(), "ranked_by": metric, "if_limited": metric if keeps else ranking.PROCESSOR_TIME}

    def look_first(self):
        """What is the same for all of the run: the fairness contract, and the client's share of kernel memory."""
        # What is looked at are sockets, by strace, which takes memory itself.
        setting = dataclasses.replace(self.setting_for(self.workloads[0]), within=None)
        contract, broken, remarks = fairness.check(self.subjects, setting)
        return {"fairness": {"contract": contract, "violations": broken, "remarks": remarks},
                "client_kernel_bytes_per_connection": connections.kernel_bytes_of_an_end()}


def _of_race(described):
    """What has to be the same if a run goes on, of a race of run.json."""
    return [described[part] for part in ("race", "workload", "settings", "rungs")]


def begin(arguments, options, folder, scratch, stack):
    """A new run. Returns its steps; None if it was interrupted in its races."""
    session = Session(options, folder, scratch, stack)
    for remark in session.replay.remarks if session.replay else ():
        print(f"compare: {os.path.basename(options.replay)}: {remark}", file=sys.stderr)
    if options.tune:
        if not session.tune(folder, {**session.describe(arguments, options.duration or 0), "fairness": None}):
            return None
    return _begin_rounds(session, arguments, folder)


def _begin_rounds(session, arguments, folder):
    """Plans what is not of races, and looks at the subjects."""
    fixed_s = _CONTRACT_S * len(session.subjects) + session.races_s
    session.fit(fixed_s)
    steps, duration_s = plan.make(session.scene, session.plan_options, fixed_s)
    if not steps:
        raise UsageError("there is nothing to measure: " + "; ".join(
            f"{entry['subject']} with {entry['workload']}: {entry['why']}" for entry in plan.pairs(session.scene)[1]))
    begun = {"started": folder.run()["started"]} if session.raced else {}
    folder.write_run({**session.describe(arguments, duration_s), **begun, "fairness": None})
    folder.write_run({**folder.run(), **session.look_first()})
    return steps


def go_on(folder, scratch, stack):
    """A run that was broken off: the same plan, with the same programs. As begin()."""
    run = folder.run()
    options = argparse.Namespace(**run["options"])
    options.server_cpus, options.client_cpus = tuple(options.server_cpus), tuple(options.client_cpus)
    options.duration = run["duration_s"]
    session = Session(options, folder, scratch, stack)
    if session.replay and session.replay.as_json() != run["replay"]:
        raise store.StoreError(f"{options.replay} has changed since the run began: begin a new run")
    then = [*run["programs"].values(), *run.get("version_programs", ())]
    now = [session.built.server, session.built.load, *(program for program, _ in session.versions)]
    for before, program in zip(then, now):
        if program.sha256 != before["sha256"]:
            raise store.StoreError(f"{program.path} has changed since the run began: figures of two programs do not "
                                   "belong together; begin a new run")
    if run["options"].get("tune"):
        if not session.tune(folder, run):
            return None
        if run["fairness"] is None:
            return _begin_rounds(session, run["command"][1:], folder)
    if run["fairness"] is None:
        folder.write_run({**run, **session.look_first()})
    return plan.make(session.scene, session.plan_options)[0]


def show(folder, as_json):
    """Writes the summary, and prints it. The exit status tells whether all rounds were good and fair, and, of two versions,
    whether the new one is surely worse in something."""
    run = folder.run()
    made = summary.of(folder)
    if run.get("races"):
        made["tuning"] = tuning.of(run, folder.lines(store.TUNE), made)
    folder.write_summary(made)
    shown = diff if run.get("versions") else table
    print(json.dumps(made) if as_json else shown.text(run, made, folder.folder))
    bad = any(result["rounds_failed"] for result in made["results"]) or run["unfit"] or run["fairness"]["violations"]
    if run.get("versions") and not bad and diff.has_worsened(run, made):
        return WORSE
    return FAULTY if bad else DONE


def _open(options):
    if options.resume:
        return store.Store.open(options.resume)
    now = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S") + ("-diff" if options.versions else "")
    return store.Store.create(options.out or os.path.join(programs.REPOSITORY, "results", now))


def main(arguments, make_page=None):
    """make_page(folder), if there is one, is called once all is measured; it returns what to print about the page."""
    runner.make_interruptible()
    folder, complete = None, False
    try:
        options = parse(arguments)
        folder = _open(options)
        with tempfile.TemporaryDirectory(prefix="polyserve-compare-") as scratch, contextlib.ExitStack() as stack:
            steps = go_on(folder, scratch, stack) if options.resume else begin(arguments, options, folder, scratch, stack)
            run = folder.run()
            if steps is not None:
                stopping = None if run["options"].get("to_the_end") else Stopping(run, folder)
                complete = runner.run(steps, folder, **({"wanted": stopping.wanted} if stopping else {}))
            if complete:
                folder.write_run({**run, "complete": True})
        status = show(folder, options.json) if steps is not None else INTERRUPTED
        if make_page and complete and not (options.json or options.no_page or run.get("versions")):
            print(make_page(folder.folder))
    except (UsageError, programs.BuildError, store.StoreError, subjects.UnknownSubject, workloads.UnknownWorkload,
            peers.MissingPeer, peers.own.OwnServerError, processes.ServerError, replay.ReplayError, network.NetworkError,
            limits.LimitError, race.TuningError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return _interrupted(folder, complete)
    return status if complete else _interrupted(folder, complete)


def _interrupted(folder, complete):
    """Says what there is of a run that was interrupted."""
    where = ""
    if complete:
        where = f"; what was measured is in {folder.folder}"
    elif folder and folder.run():
        where = f"; what was measured is kept, and tools/compare --resume={shlex.quote(folder.folder)} goes on"
    elif folder:
        where = f"; nothing was measured yet in {folder.folder}"
    print(f"compare: interrupted{where}", file=sys.stderr)
    return INTERRUPTED
