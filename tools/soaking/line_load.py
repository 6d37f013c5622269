"""Clients of `wait` and `relay`, whose answers the server has to wait for: until a time, or for another server's answer. That one
is the tool itself (conformance/asked.py).
"""

from .callers import Wrong

_WAITS_MS = (0, 1, 20, 100)
_TICK_S = 0.001  # By which an answer may be early: clocks of two programs, in milliseconds.


async def _ask(caller, kind, question, answer, clock, least_s=0.0):
    """What the server answers, but for its end, must begin with this."""
    async def exchange(stream):
        begun = clock()
        await stream.send(question.encode() + b"\n")
        line = (await stream.line()).rstrip(b"\r\n").decode(errors="replace")
        if line.startswith("ERR 503 "):
            return 503, True
        if not line.startswith(answer):
            raise Wrong(f"{question}: {line[:80]!r}")
        if clock() < begun + least_s - _TICK_S:
            raise Wrong(f"{question}: answered after {1000 * (clock() - begun):.1f} ms")
        return True, True
    return await caller.ask(kind, exchange)


async def wait(scene, caller, milliseconds):
    """Whether it was answered, as Caller.ask() has it; so does relay()."""
    return await _ask(caller, "wait", f"WAIT {milliseconds}", f"OK {milliseconds}", scene.ledger.clock, milliseconds / 1000)


async def relay(scene, caller, question, answer):
    return await _ask(caller, "relay", f"RELAY 1 {question}", answer, scene.ledger.clock)


async def visit_wait(scene, number):
    """One client, until the scene ends."""
    await _visit(scene, "wait", number, lambda caller, chance: wait(scene, caller, chance.choice(_WAITS_MS)))


async def visit_relay(scene, number):
    """One client, until the scene ends. One in four times the other server fails, and the server has to say so."""
    def ask(caller, chance):
        text = f"line {chance.randrange(1 << 30)} of client {number}"
        draw = chance.random()
        if draw < 0.25:
            return relay(scene, caller, chance.choice(("end", f"half {text}", "garble", "flood")), "ERR 502 ")
        if draw < 0.5:
            return relay(scene, caller, f"after {chance.choice(_WAITS_MS)} {text}", text)
        return relay(scene, caller, f"say {text}", text)
    await _visit(scene, "relay", number, ask)


async def _visit(scene, service, number, ask):
    chance = scene.chance(f"{service} {number}")
    caller = scene.caller(scene.address(service))
    while not scene.is_over():
        await ask(caller, chance)
        if scene.one_at_a_time or chance.random() < 0.02:
            caller.leave()
        await scene.pause(chance)
    caller.leave()
