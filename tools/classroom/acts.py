"""The acts: what each scene of scene_table.py does to the servers. An act ends by itself, or is cancelled; the director then
closes its guests, and restores the servers."""

import asyncio
import os
import signal
import time

from comparison import load, procfs

from . import guests, observer, scene_table

IDLE = 1000
LARGE = "large.bin"
_SPARE_CLIENTS = 100  # Below the most that a model serves.
_HUNGRY = b"PRIMES 1000000\n"
_HUNGRY_PAUSE_S = 0.3
_LONG_WORK = b"PRIMES 3000000\n"
_LOOK_S = 1.2  # The audience sees the clients before something happens to them.
_LOOK_AT_CROWD_S = 3.0
_LOOK_AT_END_S = 2.5
_SLOW_PIECE, _SLOW_PAUSE_S = 1000, 0.1
_STORM_FLAGS = ("--workload=churn", f"--connections={scene_table.STORM}", f"--rate={5 * scene_table.STORM}", "--arrivals=burst",
                "--threads=1")


class Play:
    """A scene that is being played.

    stands  all of the lab
    guests  guests.Guests of this scene
    note    note(stand, text): something to tell of a server
    act     the task that plays it
    """

    def __init__(self, scene, stands, load_program, note):
        self.scene, self.stands, self.note = scene, stands, note
        self.load = load_program
        self.guests = guests.Guests()
        self.act = None
        self._ends_at = time.monotonic() + scene.seconds

    def left_s(self):
        return max(0.0, self._ends_at - time.monotonic())

    async def each(self, act, taking_part=None):
        """act(play, stand) for these at the same time; for all by default. A client that is not served is something to tell."""
        async def guarded(one):
            try:
                await act(self, one)
            except OSError as error:
                self.note(one, f"a client of the scene was not served: {error or type(error).__name__}")
        await asyncio.gather(*(guarded(one) for one in (self.stands if taking_part is None else taking_part)))

    async def until(self, works, spare_s=0.0):
        """Lets these coroutines run until the scene ends, or so much before; they are cancelled then."""
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, timeout=max(0.1, self.left_s() - spare_s))
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def rest(self):
        await asyncio.sleep(self.left_s())


async def _memory_kib(one):
    return (await asyncio.to_thread(procfs.look_at, one.session)).pss_kib


async def _silent(play):
    await play.each(lambda play, one: play.guests.connect(one.address("http"), "victim"))
    await play.rest()


async def _crowd(play, one):
    if one.blocks or one.is_pool:
        play.note(one, "left out: idle clients would keep it from serving others")
        return
    number = min(IDLE, one.most_clients - _SPARE_CLIENTS) if one.most_clients else IDLE
    before = await _memory_kib(one)
    await play.guests.crowd(one.address("echo"), number)
    grown = max(0, await _memory_kib(one) - before)
    play.note(one, f"{number} idle clients, {grown / 1024:.1f} MiB more: {grown / number:.1f} KiB for each")


async def _idle(play):
    await play.each(_crowd)
    await asyncio.sleep(max(_LOOK_AT_CROWD_S, play.left_s()))  # A slow machine takes all of the time to connect them.


async def _compute(play, one):
    client = await play.guests.connect(one.address("compute"), "victim")

    async def hunger():
        sums = 0
        while await guests.ask_line(client, _HUNGRY):
            sums += 1
            await asyncio.sleep(_HUNGRY_PAUSE_S)
        play.note(one, f"the client that computes lost its connection after {sums} sums")
    await play.until([hunger()])


async def _hungry(play):
    await play.each(_compute)


async def _helpers(play):
    taking_part = [one for one in play.stands if one.takes_helpers]
    for one in taking_part:
        await one.reopen(("--offload=2",))
        play.note(one, "started again with --offload=2")
    for one in play.stands:
        if not one.takes_helpers:
            play.note(one, "has no helpers: it is as before")
    await play.each(_compute)


async def _kill_one(play, one):
    number = 1 if one.blocks else 3
    clients = []
    for place in range(number):
        clients.append(await play.guests.connect(one.address("echo"), "guest" if place else "victim"))
        await guests.echo(clients[-1])
    ends = [asyncio.ensure_future(guests.await_end(client)) for client in clients]
    try:
        await asyncio.sleep(_LOOK_S)
        pid = await asyncio.to_thread(observer.holder, one.target(frozenset()), guests.port_of(clients[0]))
        if pid is None:
            play.note(one, "nothing was killed: the process of the client was not found")
            return
        os.kill(pid, signal.SIGKILL)
        await asyncio.wait(ends, timeout=max(0.1, play.left_s() - 2.0))
        lost = sum(end.done() for end in ends)
        what = "the server has ended" if pid == one.session else "the server goes on"
        play.note(one, f"process {pid} killed: {lost} of {number} clients lost, {what}")
    finally:
        for end in ends:
            end.cancel()


async def _kill(play):
    await play.each(_kill_one)
    await play.rest()


async def _storm_on(play, one):
    seconds = play.scene.seconds - 1.0
    process = play.load.start(_STORM_FLAGS, one.address("echo"), seconds)
    try:
        run = await asyncio.to_thread(load.finish, process, seconds)
    finally:
        if process.poll() is None:
            process.kill()
    if run.report is None:
        play.note(one, f"no storm: {run.failed}")
        return
    play.note(one, f"{run.replies} clients served, 99 of 100 within {run.report['response_ns']['p99'] / 1e6:.0f} ms")


async def _storm(play):
    await play.each(_storm_on)
    await play.rest()


async def _read_slowly(client):
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(client, f"GET /{LARGE} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    while await loop.sock_recv(client, _SLOW_PIECE):
        await asyncio.sleep(_SLOW_PAUSE_S)


async def _slow_on(play, one):
    number = 1 if one.blocks or one.is_pool else scene_table.READERS
    before = await _memory_kib(one)
    readers = [await play.guests.connect(one.address("http"), "guest", receive_buffer=4096) for _ in range(number)]
    await play.until([_read_slowly(reader) for reader in readers], spare_s=1.0)
    grown = max(0, await _memory_kib(one) - before)
    clients = f"{number} slow reader{'s' if number > 1 else ''} of {scene_table.LARGE_MIB} MiB"
    play.note(one, f"{clients}, and {grown / 1024:.1f} MiB more memory")


async def _slow(play):
    await play.each(_slow_on)
    await play.rest()


async def _timed(what, began):
    """(what it brought, seconds since then)."""
    return await what, time.monotonic() - began


async def _await_exit(one):
    while one.exit_status is None:
        await asyncio.sleep(0.05)
    return one.exit_status


async def _stop_one(play, one):
    idle = [] if one.blocks else await play.guests.crowd(one.address("echo"), 2)
    busy = await play.guests.connect(one.address("compute"), "victim")
    reply = asyncio.ensure_future(guests.ask_line(busy, _LONG_WORK))
    await asyncio.sleep(_LOOK_S / 2)
    began = time.monotonic()
    was_under_way = not reply.done()
    one.ask_to_stop()
    works = [asyncio.ensure_future(_timed(work, began))
             for work in (reply, _await_exit(one), *(guests.await_end(client) for client in idle))]
    try:
        await asyncio.wait(works, timeout=max(0.1, play.left_s()))
        _tell_stop(play, one, works, was_under_way)
    finally:
        for work in works:
            work.cancel()


def _tell_stop(play, one, works, was_under_way):
    found = [work.result() if work.done() else None for work in works]
    reply, exit_status, *idle = found
    said = []
    if was_under_way:
        said.append(f"the reply came after {reply[1]:.1f} s" if reply and reply[0] else "no reply came")
    if any(idle):
        said.append(f"idle clients were {idle[0][0]} after {max(end[1] for end in idle if end):.1f} s")
    said.append(f"ended with status {exit_status[0]} after {exit_status[1]:.1f} s" if exit_status else "it has not ended yet")
    play.note(one, "; ".join(said))


async def _stop(play):
    await play.each(_stop_one)
    await asyncio.sleep(_LOOK_AT_END_S)


ACTS = {"silent": _silent, "idle": _idle, "hungry": _hungry, "helpers": _helpers, "kill": _kill, "storm": _storm, "slow": _slow,
        "stop": _stop}


def make_files(root):
    """What the steady load and the scenes request."""
    with open(os.path.join(root, "1k.bin"), "wb") as file:
        file.write(bytes(range(33, 123)) * 11 + bytes(range(33, 67)))  # 1,024 bytes.
    guests.make_large_file(root, LARGE, scene_table.LARGE_MIB)
