"""A room over three servers. Some members of each speak; the link of one host is cut for a while, and meanwhile another host dies.

What was acknowledged reaches every member of the two that live on, once and in order: hearing.py says what that means. Nobody of these
loses the connection. In the end the names of the dead server's members are free again.
"""

import contextlib
import socket
import time

from .. import hearing
from ..crowd import Crowd
from ..fleet import Fleet
from ..programs import PORTS
from ..stand import SERVERS, Stand

_DEAD, _CUT_OFF, _WHOLE = "a", "b", "c"
_SPEAKERS = 2  # Of each server.
_SETTLE_S = 90.0
_FREE_S = 60.0  # More than --room_expiry, and a third of it.
# Ticks, in each of which every speaker says a line: of all, before the cut, before the death, before the link is back. The link is away
# for longer than --room_timeout, so that the server notices, and for less than --room_expiry.
_QUICK = (0.1, 100, 20, 40, 75)
_LARGE = (0.5, 40, 8, 14, 24)
# Arrivals are told to all members: with n of them, that is n * n / 2 lines before anybody has said a word.
_FLAGS = [f"--chat_memory={1 << 30}"]


def play(scene, _):
    with Stand() as place, contextlib.closing(Crowd()) as crowd:
        fleet = Fleet(place, scene, has_room=True, flags=_FLAGS)
        begun = time.monotonic()
        speakers = _join(crowd, scene)
        scene.result.add("members", len(crowd.members))
        scene.result.add("time until all were in", time.monotonic() - begun, "s")
        died = _speak(scene, place, fleet, crowd, speakers)
        _judge(scene.result, crowd, speakers)
        _await_free_name(scene.result, crowd, speakers[_DEAD][0], died)


def _join(crowd, scene):
    """server -> those of its members that will speak."""
    names = [f"m{number}" for number in range(scene.members)]
    dealt = {server: names[place::len(SERVERS)] for place, server in enumerate(SERVERS)}
    for server, address in SERVERS.items():
        scene.tell(f"{len(dealt[server])} members join at host {server}")
        crowd.join(server, (address, PORTS["chat"]), dealt[server])
    return {server: members[:_SPEAKERS] for server, members in dealt.items()}


def _speak(scene, place, fleet, crowd, speakers):
    """Returns when the server died."""
    tick_s, ticks, cut, death, mended = _QUICK if scene.is_quick else _LARGE
    begun, before, died = time.monotonic(), crowd.deliveries, 0.0
    for tick in range(ticks):
        if tick == cut:
            scene.tell(f"the link of host {_CUT_OFF} is cut")
            place.hosts[_CUT_OFF].link.cut()
        if tick == death:
            scene.tell(f"host {_DEAD} dies")
            fleet.servers[_DEAD].kill()
            died = time.monotonic()
        if tick == mended:
            scene.tell(f"host {_CUT_OFF} has its link again")
            place.hosts[_CUT_OFF].link.mend()
        for name in (name for names in speakers.values() for name in names):
            crowd.say(name)
        crowd.listen(tick_s)
    spoken = time.monotonic()
    is_settled = _settle(crowd, speakers)
    settled = time.monotonic()
    if is_settled:
        # What a server repeats comes ahead of what is said to it later: behind these lines nothing can come twice any more.
        for name in (name for server in (_CUT_OFF, _WHOLE) for name in speakers[server]):
            crowd.say(name)
        _settle(crowd, speakers)
    scene.result.add("lines said", sum(crowd.members[name].said for names in speakers.values() for name in names))
    scene.result.add("lines that count as acknowledged", sum(_expected(crowd, speakers).values()))
    scene.result.add("deliveries", crowd.deliveries - before)
    scene.result.add("time of speaking", spoken - begun, "s")
    scene.result.add("time until all had heard all", settled - spoken, "s")
    return died


def _settle(crowd, speakers):
    """Whether all come to hear what was acknowledged."""
    return crowd.listen_until(lambda: hearing.missing(_expected(crowd, speakers), _hearings(crowd)) == 0, _SETTLE_S)


def _hearings(crowd):
    """Of the members whose server lives on."""
    return {name: member.hearing for name, member in crowd.of_servers({_CUT_OFF, _WHOLE}).items()}


def _expected(crowd, speakers):
    """speaker -> how many of its lines count as acknowledged."""
    said = {name: crowd.members[name].said for names in speakers.values() for name in names}
    return hearing.acknowledged(said, set(speakers[_DEAD]), _hearings(crowd).values())


def _judge(result, crowd, speakers):
    living = crowd.of_servers({_CUT_OFF, _WHOLE})
    expected = _expected(crowd, speakers)
    faults = hearing.faults(expected, _hearings(crowd))
    result.add("acknowledged and missing, or heard twice", len(faults))
    result.faults += faults
    result.faults += [f"{name} on host {member.server} has lost its connection: {member.end}" for name, member in living.items()
                      if member.end is not None]
    result.faults += [f"nothing of {name} was heard" for name, count in expected.items() if count == 0]


def _is_free(name):
    """Whether the name can be had; it is given back at once."""
    with socket.create_connection((SERVERS[_WHOLE], PORTS["chat"]), _FREE_S) as connection, connection.makefile("rb") as answers:
        connection.sendall(f"L {name}\n".encode())
        return answers.readline() == b"OK\n"


def _await_free_name(result, crowd, name, died):
    """All members hear who has left meanwhile."""
    while not (is_free := _is_free(name)) and time.monotonic() < died + _FREE_S:
        crowd.listen(0.5)
    result.add("names of the dead server free after", time.monotonic() - died, "s")
    if not is_free:
        result.faults.append(f"{name} is still taken, though its server has died")
