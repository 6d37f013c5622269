"""One model, from the start of its server to the verdict.

  start ─▶ warm up, calm ─▶ footprint ─▶ load and disturbances ─▶ roll call, calm ─▶ footprint, files, a visit of each kind ─▶ stop

The footprint before is taken of a server that was upgraded and has served each kind of load: what it holds from then on is what
a server in use holds.
"""

import asyncio
import contextlib
import os
import random
import tempfile
import time
from dataclasses import dataclass, field

from conformance.asked import AskedServer

from . import chat_load, disk as disks, disturbances, file_load, footprint, hostile, line_load, tftp_load, web_load
from .callers import Caller
from .footprint import Check
from .ledger import Ledger
from .stand import SLOW_S, Crashed, Stand
from .uploads import Uploads

_PROGRESS_S = 10.0
_LOOK_S = 0.1
_HUGE_BYTES = 8 << 20  # More than the buffers of both ends of a connection hold.
_SLOTS = 4  # Names that a client writes again and again.
_CALM_S = 60.0
# A server of one client at a time, or a pool, makes others wait for those that stay.
_PATIENCE_S, _LONG_PATIENCE_S = 30.0, 90.0
_POOL = {"hybrid": ("--workers=4", "--threads=12")}
_POOL_WORKERS = ("--workers=40",)  # More than there are clients that stay.
_MEMBERS = ("tcp", "tcp", "tls", "websocket", "udp")


@dataclass(frozen=True)
class Subject:
    """A model with flags of its own, and what the server says of it (programs.models)."""

    title: str
    traits: dict

    @property
    def flags(self):
        model, *own = self.title.split()
        pool = _POOL.get(model, _POOL_WORKERS) if self.is_pool else ()
        return [f"--model={model}", *pool, *own]

    @property
    def is_pool(self):
        return self.traits["silent"] == "one of N"

    @property
    def one_at_a_time(self):
        return self.traits["silent"] == "blocks"


@dataclass
class Result:
    """crash  how the server has ended by itself; empty if it has not"""

    model: str
    seed: int
    seconds: float = 0.0
    disk: str = ""
    tallies: dict = field(default_factory=dict)
    disturbances: dict = field(default_factory=dict)
    checks: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    before: footprint.Footprint = None
    after: footprint.Footprint = None
    crash: str = ""

    @property
    def passed(self):
        return not self.crash and bool(self.checks) and all(check.ok for check in self.checks)


class Slots:
    """The names that one client writes. One that is retired is followed by a new one."""

    def __init__(self, prefix):
        self._prefix, self._made = prefix, _SLOTS
        self._names = [f"{prefix}-{number}" for number in range(_SLOTS)]

    def draw(self, chance):
        return chance.choice(self._names)

    def retire(self, name):
        self._names[self._names.index(name)] = f"{self._prefix}-{self._made}"
        self._made += 1


class Scene:
    """What clients and disturbances know of each other.

    static  name -> content, of files that nobody writes
    killed  how many processes were
    has_dealt  whether each disturbance has come
    filled  how often the disk was, since the access log was begun
    full_s  for how long, (least, most)
    """

    largest_upload = 100_000
    large_name, huge_name = "static-300000", "static-huge"

    def __init__(self, subject, stand, disk, seed, is_short):
        self.stand, self.disk, self.subject = stand, disk, subject
        self.ledger, self.uploads = Ledger(), Uploads(stand.root)
        self._seed, self._phase, self._slots = f"{seed} {subject.title}", 0, {}
        self.chance_of_disturbances = self.chance("disturbances")
        self.killed = self.filled = 0
        self.full_s = (0.3, 1.0) if is_short else (1.0, 4.0)
        self.one_at_a_time = subject.one_at_a_time
        self.patience_s = _LONG_PATIENCE_S if subject.is_pool or subject.one_at_a_time else _PATIENCE_S
        if subject.is_pool:
            self.ledger.may_close_kept = frozenset(f"{service} {what}" for service in ("http", "https")
                                                   for what in ("get", "range", "put"))
        self._is_over = self.has_dealt = False
        self.static = {}
        for size in (0, 1, 1000, 65536, 300_000):
            self._make(f"static-{size}", self.chance("content").randbytes(size))
        self.static_names = list(self.static)
        self.small_names = [name for name in self.static if name != self.large_name]  # Block by block the large one takes long.
        self._make(self.huge_name, bytes(_HUGE_BYTES))

    def _make(self, name, content):
        self.static[name] = content
        with open(os.path.join(self.stand.root, name), "wb") as file:
            file.write(content)
        self.uploads.expect(name, content)

    def chance(self, name):
        """Numbers that the seed decides, others each time that the load begins."""
        return random.Random(f"{self._seed} {self._phase} {name}")

    def address(self, service):
        return self.stand.addresses[service]

    def caller(self, address, encrypted=False):
        return Caller(self.ledger, address, encrypted, self.patience_s)

    def slots(self, prefix):
        return self._slots.setdefault(prefix, Slots(prefix))

    def bounds_of(self, must_end):
        """Of a client that harms by staying. One that keeps all others out leaves soon. The server has one and a half windows for
        the slow ones, and more on a busy machine."""
        return hostile.Bounds(1.0, False) if self.one_at_a_time else hostile.Bounds(4 * SLOW_S + 20, must_end)

    def begin(self):
        self._phase += 1
        self._is_over = False

    def end(self):
        self._is_over = True

    def is_over(self):
        return self._is_over

    @staticmethod
    async def pause(chance):
        await asyncio.sleep(chance.uniform(0, 0.05))


def _good(scene):
    """The clients that keep to their protocols."""
    if scene.one_at_a_time:
        return [web_load.visit(scene, 0, False), web_load.visit(scene, 0, True), file_load.visit(scene, 0, False),
                file_load.visit(scene, 0, True), tftp_load.visit(scene, 0), chat_load.call_once(scene, 0), line_load.visit_wait(scene, 0),
                line_load.visit_relay(scene, 0)]
    return [*(web_load.visit(scene, number, False) for number in range(3)), *(web_load.visit(scene, number, True) for number in range(2)),
            *(file_load.visit(scene, number, False) for number in range(3)), file_load.visit(scene, 0, True),
            *(tftp_load.visit(scene, number) for number in range(2)), *(line_load.visit_wait(scene, number) for number in range(2)),
            *(line_load.visit_relay(scene, number) for number in range(2))]


class Load:
    """All clients at once, while `async with` lasts."""

    def __init__(self, scene):
        self._scene = scene
        self.room = chat_load.Room(scene.ledger)
        self._members = () if scene.one_at_a_time else _MEMBERS
        self._good, self._others = [], []

    async def __aenter__(self):
        self._scene.begin()
        self._good = [asyncio.ensure_future(client) for client in _good(self._scene)]
        self._others = [asyncio.ensure_future(self.room.belong(self._scene, how, number)) for number, how in enumerate(self._members)]
        self._others += [asyncio.ensure_future(hostile.harm(self._scene, attempt)) for attempt in hostile.ALL]
        return self

    def check(self):
        """Raises what has gone wrong in the tool itself."""
        for task in (*self._good, *self._others):
            if task.done() and not task.cancelled():
                task.result()

    async def finish(self):
        """Lets the good ones finish what they have begun; the others leave. Returns what members of the room have not heard."""
        self._scene.end()
        members, hostile_ones = self._others[:len(self._members)], self._others[len(self._members):]
        await _cancel(hostile_ones)
        await self._done(self._good)
        missing = await self.room.call_the_roll(len(members))
        self.room.is_closing = True
        await self._done(members)
        return missing

    async def _done(self, tasks):
        """Waits for them; raises what one of them has raised, or Crashed."""
        pending = set(tasks)
        while pending:
            _, pending = await asyncio.wait(pending, timeout=_LOOK_S)
            self._scene.stand.check()
        self.check()

    async def __aexit__(self, *_):
        await _cancel([*self._good, *self._others])


async def _cancel(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Soak:
    """tell(line) is called for progress."""

    def __init__(self, scene, seconds, result, tell):
        self._scene, self._seconds, self._result, self._tell = scene, seconds, result, tell
        self._uploads = scene.uploads

    def _count_temporaries(self):
        return len(os.listdir(self._scene.stand.temporaries)) + self._uploads.aside()

    async def run(self):
        scene, result = self._scene, self._result
        await disturbances.disturb(scene, "upgrade")
        self._tell(f"{result.model}: pid {scene.stand.pid} serves, seed {result.seed}; warming up")
        await self._warm_up()
        result.before = await footprint.settle(scene.stand, self._count_temporaries, _CALM_S)
        async with Load(scene) as load:
            disturbing = asyncio.ensure_future(self._disturb())
            try:
                await self._watch(load, disturbing)
            finally:
                await _cancel([disturbing])
            missing = await load.finish()
        result.after = await footprint.settle(scene.stand, self._count_temporaries, _CALM_S,
                                              lambda found: all(check.ok for check in self._compare(found)))
        result.checks = [*await self._nothing_lost(missing), *self._compare(result.after), *await self._end()]

    def _compare(self, found):
        return footprint.compare(self._result.before, found, self._scene.killed)

    async def _warm_up(self):
        async with Load(self._scene) as load:
            await self._sleep(max(2.0, min(20.0, self._seconds / 8)), load)
            await load.finish()
        # Those that have vanished without a word are gone when the server has found that they are silent.
        deadline = time.monotonic() + _CALM_S
        while time.monotonic() < deadline:
            found = await footprint.look(self._scene.stand, lambda: 0)
            if found.connections <= 1 and not found.zombies:
                break

    async def _sleep(self, seconds, load):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._scene.stand.check()
            load.check()
            await asyncio.sleep(_LOOK_S)

    async def _disturb(self):
        """Deals the deck again and again. The last upgrade leaves a quarter of the time, in which memory can show that it leaks."""
        scene, chance, begun = self._scene, self._scene.chance_of_disturbances, time.monotonic()
        while True:
            deck = list(disturbances.DECK)
            chance.shuffle(deck)
            for name in deck:
                passed = time.monotonic() - begun
                if passed > self._seconds and scene.has_dealt:
                    return
                if name == "upgrade" and passed > 0.75 * self._seconds and scene.has_dealt:
                    continue
                await asyncio.sleep(chance.uniform(0.1, 1.0) * max(0.5, min(5.0, self._seconds / 30)))
                await disturbances.disturb(scene, name)
            scene.has_dealt = True

    async def _watch(self, load, disturbing):
        """Until the time is over, and each disturbance has come at least once."""
        begun = told = time.monotonic()
        while not disturbing.done():
            await self._sleep(min(1.0, self._seconds), load)
            if time.monotonic() >= told + _PROGRESS_S:
                told = time.monotonic()
                self._tell(self._progress(told - begun))
        disturbing.result()

    def _progress(self, seconds):
        ledger = self._scene.ledger
        return (f"{self._result.model}: {seconds:.0f} of {self._seconds:.0f} s: {ledger.total('asked')} asked, "
                f"{ledger.total('answered')} answered, {ledger.total('refused')} refused, {ledger.total('cut')} cut, "
                f"{ledger.total('wrong')} wrong, {len(ledger.disturbances)} disturbances")

    async def _nothing_lost(self, missing):
        lost = self._uploads.check(self._scene.killed)
        lines = len(self._scene.ledger.faults)
        self._result.faults += [*self._scene.ledger.faults, *lost, *missing]
        wrong = self._scene.ledger.total("wrong")
        return [Check("files", not lost, f"{self._uploads.checked} are what was acknowledged, {len(lost)} are not"),
                Check("chat", not missing, f"{len(missing)} lines have not reached a member that stayed"),
                Check("answers", not wrong, f"{wrong} are wrong, or were cut off for no reason" + (f"; {lines} follow" if lines else ""))]

    async def _end(self):
        """Each service still serves; the log is that of a server in order; the server ends as it has to, and leaves nothing."""
        stand, served = self._scene.stand, await _serves(self._scene)
        stand.check()
        bad = stand.bad_lines()
        self._result.faults += [*served, *bad[:10]]
        status = await stand.stop()
        stand.reap()
        left = stand.members()
        return [Check("services", not served, "each serves a new client" if not served else f"{len(served)} do not"),
                Check("log", not bad, f"{len(bad)} lines tell of a fault of the server's"),
                Check("stop", status == 0 and not left, f"status {status}, {len(left)} processes are left")]


async def _serves(scene):
    """Which services do not serve a new client, when all is over."""
    name, faults = scene.static_names[2], []

    def is_right(content):
        return content == scene.static[name]

    for service, encrypted in (("http", False), ("http+tls", True), ("file", False), ("file+tls", True)):
        caller = scene.caller(scene.address(service), encrypted)
        asking = (web_load.get(caller, "at the end", name, is_right, True) if service.startswith("http")
                  else file_load.get(caller, "at the end", f"G {name}", is_right))
        if not await asking:
            faults.append(f"{service} does not serve a new client")
        caller.leave()
    if not await tftp_load.get(scene, name, is_right):
        faults.append("tftp does not serve a new client")
    for service, asking in (("wait", lambda caller: line_load.wait(scene, caller, 1)),
                            ("relay", lambda caller: line_load.relay(scene, caller, "say it", "it"))):
        caller = scene.caller(scene.address(service))
        if not await asking(caller):
            faults.append(f"{service} does not serve a new client")
        caller.leave()
    room = chat_load.Room(scene.ledger)
    for how in dict.fromkeys(_MEMBERS):
        member = chat_load.Member(room, chat_load.DOORS[how](), f"{how}last")
        try:
            if not await member.join(scene):
                faults.append(f"chat by {how} refuses a new member")
        except (OSError, EOFError, asyncio.TimeoutError, chat_load.Wrong) as error:
            faults.append(f"chat by {how} does not take a new member: {error}")
        finally:
            with contextlib.suppress(OSError):
                await member.door.say(f"E {member.name}")
            member.door.close()
    return faults


def run(subject, program, seconds, result, is_isolated, tell):
    """Fills in the Result, as far as it comes: it is a whole one if there is no exception."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="polyserve-soak-") as folder:
        os.mkdir(os.path.join(folder, "disk"))
        with AskedServer() as asked, disks.make(os.path.join(folder, "disk"), is_isolated) as disk:
            result.disk = disk.what
            stand = Stand(program, subject.flags, disk, folder, asked.address)
            try:
                scene = Scene(subject, stand, disk, result.seed, seconds < 60)
                asyncio.run(_run(Soak(scene, seconds, result, tell), scene, result))
            finally:
                stand.close()
                result.seconds = time.monotonic() - begun


async def _run(soak, scene, result):
    try:
        await soak.run()
    except Crashed as crash:
        result.crash = str(crash)
        result.faults += scene.ledger.faults
    finally:
        result.tallies = scene.ledger.tallies
        result.disturbances = scene.ledger.counts_of_disturbances()
