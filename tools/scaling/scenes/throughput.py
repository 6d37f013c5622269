"""What a room delivers through Redis, against one server's own room: the load generator's workload chat, with one speaker.

  own          the listeners are at the speaker's server, whose room is its own
  through      the room is shared, and all listeners are at another server: each line goes through Redis
  over three   the room is shared, and the listeners are at all three servers

In a small room and in a large one: Redis takes its time for a line, not for a listener, so the more listen, the less it matters.
"""

import json
import statistics

from comparison import processes

from ..fleet import Fleet
from ..programs import PORTS, await_true
from ..stand import SERVERS, Stand

_TARGET = 0.5  # Of the own room's.
_FLAGS = ["--chat_rate=0"]
_AT = {server: f"{address}:{PORTS['chat']}" for server, address in SERVERS.items()}
_SIZES = (30, 300)  # Listeners. The target is for the larger room.


def play(scene, _):
    for listening in _SIZES[:1] if scene.is_quick else _SIZES:
        own = _measure(scene, listening, False, ())
        through = _measure(scene, listening, True, ("b",))
        over_three = _measure(scene, listening, True, tuple(SERVERS))
        scene.result.add(f"{listening} listeners: deliveries per second, own room", own)
        scene.result.add(f"{listening} listeners: through Redis, at another server", through)
        scene.result.add(f"{listening} listeners: through Redis, at three servers", over_three)
        if own and through:
            target = f"; the target is {_TARGET:g} at least" if listening == _SIZES[-1] else ""
            scene.result.add(f"{listening} listeners: through Redis over own{target}", through / own)


def _faults(output):
    """What the load generator has counted that must not be, as far as it says so in its JSON alone."""
    try:
        told = json.loads(output or "{}")
    except ValueError:  # It has not come to its end.
        return output.strip()[-300:]
    return ", ".join(f"{name} {told[name]}" for name in ("replies", "wrong", "broken", "unanswered", "faults") if name in told)


def _measure(scene, listening, has_room, listeners):
    """Deliveries per second: the median of some rounds."""
    rounds, seconds = (1, 1) if scene.is_quick else (3, 5)
    scene.tell(f"{listening} listeners at {', '.join(listeners) or 'the own server'}")
    rates = []
    with Stand() as place:
        fleet = Fleet(place, scene, has_room=has_room, flags=_FLAGS)
        for _ in range(rounds):
            if has_room:  # The room has to be empty.
                await_true(lambda: fleet.redis.ask("HLEN polyserve:names") == ":0", "the end of the members before")
            argv = [scene.load, "--workload=chat", f"--server={_AT['a']}", f"--connections={listening}", "--depth=32", "--json",
                    f"--duration={seconds}s", "--warm_up=500ms"]
            if listeners:
                argv.append(f"--listen_at={','.join(_AT[server] for server in listeners)}")
            status, output, said = processes.run(argv, patience_s=60 + seconds)
            if status != 0:
                scene.result.faults.append(f"the load, with listeners at {', '.join(listeners) or 'the own server'}, has ended with status "
                                           f"{status}: {said.strip()[-300:] or _faults(output)}")
                return 0.0
            rates.append(json.loads(output)["replies_per_second"])
    return statistics.median(rates)
