"""The director: plays one scene at a time, bounds it, leaves the servers as they were, and tells twice a second how they
are."""

import asyncio
import time

from comparison import processes

from . import acts, observer, stand

TICK_S = 0.5
# Beyond its own time, for what has to be connected, restarted, or read to its end.
_PATIENCE_S = 15.0
# A server that somebody has killed at a terminal is seen to be gone, and started again.
_SHOWN_ENDED_S = 4.0


class Director:
    """Of stands (stand.Stand) and the stream to which all is told. For the thread that runs the event loop."""

    def __init__(self, stands, stream, load_program):
        self.stands, self._stream, self._load = stands, stream, load_program
        self._observer = observer.Observer()
        self._play = self._task = None
        self._is_closing = False

    @property
    def is_playing(self):
        return self._task is not None

    def start(self, scene):
        """Begins a scene; returns whether it did: not while another one is played."""
        if self.is_playing or self._is_closing:
            return False
        serving = [one for one in self.stands if one.state == stand.SERVING]
        play = self._play = acts.Play(scene, serving, self._load, self.note)
        self._stream.emit("scene", name=scene.name, phase="begin", seconds=scene.seconds)
        for one in self.stands:
            one.figures.begin_scene()
        play.act = asyncio.ensure_future(acts.ACTS[scene.name](play))
        self._task = asyncio.ensure_future(self._run(play))
        return True

    def end(self):
        """Cuts the scene short, if there is one; wait() waits until all is as it was."""
        if self._play:
            self._play.act.cancel()

    async def close(self):
        """Ends the scene, if there is one, and all servers. No scene begins any more."""
        self._is_closing = True
        self.end()
        await self.wait()
        await asyncio.gather(*(one.close() for one in self.stands))

    async def wait(self):
        """Until no scene is played."""
        if self._task:
            await asyncio.shield(self._task)

    def note(self, one, text):
        self._stream.emit("note", server=one.name, text=text)

    async def _run(self, play):
        scene = play.scene
        try:
            done, _ = await asyncio.wait([play.act], timeout=scene.seconds + _PATIENCE_S)
            if not done:
                play.act.cancel()
            _, failure = await _outcome(play.act)
            if failure:
                self._stream.emit("note", server=None, text=f"the scene has failed: {failure}")
            self._stream.emit("scene", name=scene.name, phase="restore", figures=self._of_scene(), was_cut=play.act.cancelled())
        finally:
            await self._restore(play)
            self._play = self._task = None
            self._stream.emit("scene", name=scene.name, phase="end")

    def _of_scene(self):
        now = time.monotonic()
        return {one.name: {"worst_ms": float(f"{one.figures.worst_ms(now):.4g}"), "errors": one.figures.errors()}
                for one in self.stands}

    async def _restore(self, play):
        play.guests.close()
        for one in self.stands if not self._is_closing else ():
            await self._restore_one(one)

    async def _restore_one(self, one):
        try:
            await one.restore()
        except processes.ServerError as error:
            self.note(one, f"cannot be started again: {error}")

    async def watch(self):
        """Tells how the servers are, until it is cancelled."""
        due = time.monotonic()
        while True:
            await self._tell()
            due = max(due + TICK_S, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _tell(self):
        there = [one for one in self.stands if one.is_there]
        serving = await asyncio.gather(*(one.workers() for one in there))
        targets = {one.name: one.target(workers) for one, workers in zip(there, serving) if one.is_there}
        looks = await asyncio.to_thread(self._observer.look, targets, dict(self._play.guests.roles) if self._play else {})
        await self._notice()
        for _ in range(2):  # What the load has said meanwhile is read first: the loop looks for it, and then takes it.
            await asyncio.sleep(0)
        self._stream.emit("figures", servers={one.name: self._figures(one, looks) for one in self.stands})

    async def _notice(self):
        """Which servers have ended; those that no scene has ended are started again."""
        for one in self.stands:
            said = one.tick()
            if self.is_playing:  # An act tells itself what it does to a server.
                continue
            if said:
                self.note(one, said)
            if one.ended_s() > _SHOWN_ENDED_S:
                await self._restore_one(one)

    def _figures(self, one, looks):
        found = {"state": one.state, "flags": list(one.flags), "cpu": one.cpu_share() if one.is_there else None,
                 **one.figures.now(time.monotonic())}
        return found | (looks[one.name].as_json() if one.name in looks else observer.Look().as_json())


async def _outcome(task):
    """(whether it was cancelled, the exception that ended it)."""
    try:
        await task
    except asyncio.CancelledError:
        return True, None
    except Exception as error:  # A fault of a scene must not end the lab: the servers have to be restored.
        return False, error
    return False, None
