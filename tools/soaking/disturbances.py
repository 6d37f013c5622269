"""What is done to the server: each function does it once, waits until it is over, and returns whether there was anything to do.

DECK says what each may cut off; see ledger.py. They come one at a time, each of them once before any comes again.
"""

import asyncio
import os
import re
import signal

from .ledger import CONNECTION, DATAGRAM, KEPT, MEMBER, SPACE

_PATIENCE_S = 30.0
# A line of the access log, as docs/protocols.md shows it.
_LINE = re.compile(rb'\S+ - \S+ \[[^]]+\] "(?:[^"\\]|\\.)*" \d{3} (?:\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"')


class NotDone(Exception):
    """The server did not do what it has to. The text says what."""


async def _await(scene, what, is_so):
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while not is_so():
        if loop.time() > deadline:
            raise NotDone(f"{what}: not within {_PATIENCE_S:g} s")
        scene.stand.check()
        await asyncio.sleep(0.02)


async def kill_worker(scene, chance):
    """SIGKILL to a process that serves clients."""
    workers = scene.stand.workers()
    if not workers:
        return False
    victim = chance.choice(workers)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return False
    scene.killed += 1
    await _await(scene, "the end of a worker that was killed", lambda: victim not in scene.stand.members())
    return True


async def kill_hub(scene, chance):
    """SIGKILL to the process of the room; another one takes its place."""
    hub = scene.stand.hub()
    if not hub:
        return False
    os.kill(hub, signal.SIGKILL)
    scene.killed += 1
    await _await(scene, "a new hub", lambda: scene.stand.hub() not in (None, hub))
    return True


async def fill_disk(scene, chance):
    """No byte is free for a while."""
    def tell(must_be_told):
        if must_be_told:
            scene.stand.signal(signal.SIGHUP)

    scene.filled += 1
    must_be_told = scene.disk.fill()
    try:
        tell(must_be_told)
        await asyncio.sleep(chance.uniform(*scene.full_s))
    finally:
        scene.disk.free()
        tell(must_be_told)
    return True


async def reload_certificates(scene, chance):
    """New ones, which new connections have to show."""
    wanted = scene.stand.make_certificate()
    scene.stand.signal(signal.SIGHUP)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while True:
        try:
            shown = await asyncio.wait_for(scene.stand.shown_certificate(), _PATIENCE_S)
        except (OSError, EOFError, asyncio.TimeoutError):
            shown = None
        if shown == wanted:
            return True
        if loop.time() > deadline:
            raise NotDone(f"the new certificate is not shown after {_PATIENCE_S:g} s")
        await asyncio.sleep(0.05)


async def rotate_log(scene, chance):
    """As logrotate does: another name, then SIGHUP. The old one has whole lines alone, unless the disk was full meanwhile."""
    path, old = scene.stand.access_log, scene.stand.access_log + ".old"
    if not os.path.exists(path):
        return False
    os.rename(path, old)
    scene.stand.signal(signal.SIGHUP)
    await _await(scene, "a new access log", lambda: os.path.exists(path))
    with open(old, "rb") as file:
        lines = file.read().splitlines()
    os.unlink(old)
    torn = [line for line in lines if not _LINE.fullmatch(line)]
    if torn and not scene.filled:
        raise NotDone(f"the access log has {len(torn)} lines that are not whole, such as {torn[0][:200]!r}")
    scene.filled = 0
    return True


async def upgrade(scene, chance):
    """A new server from a new file; the old one ends, with status 0."""
    scene.stand.put_program()
    scene.stand.signal(signal.SIGUSR2)
    try:
        before = await scene.stand.await_successor()
    except TimeoutError as error:
        raise NotDone(str(error)) from error
    await _await(scene, "the end of the old server", lambda: scene.stand.has_ended(before) is not None)
    status = scene.stand.has_ended(before)
    if status != 0:
        raise NotDone(f"the old server has ended with status {status}")
    return True


DECK = {
    "worker killed": (kill_worker, (CONNECTION, KEPT, DATAGRAM, MEMBER)),
    "hub killed": (kill_hub, (MEMBER,)),
    "disk full": (fill_disk, (SPACE,)),
    "new certificates": (reload_certificates, ()),
    "log rotated": (rotate_log, ()),
    "upgrade": (upgrade, (KEPT, DATAGRAM, MEMBER)),
}


async def disturb(scene, name):
    """One of the deck, noted in the ledger."""
    function, cuts = DECK[name]
    noted = scene.ledger.begin(name, cuts)
    try:
        if not await function(scene, scene.chance_of_disturbances):
            scene.ledger.disturbances.remove(noted)
    except NotDone as fault:
        scene.ledger.wrong(name, str(fault))
    finally:
        scene.ledger.end(noted)
