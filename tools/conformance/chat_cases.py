"""chat: the chat room over TCP, a line for each command, reply and message.

That something does not come is shown by what comes next instead, and not by waiting. Other people may be in the room: what they
say is skipped.
"""

from . import several
from .case import Failure, Suite
from .peers import shown

_CHAT, _NAMES = "docs/protocols.md, chat", "docs/protocols.md, Names in the room"


class _Member:
    """A client that has a name, in the room or about to join."""

    def __init__(self, scene, name):
        self._scene = scene
        self.name = scene.own_name(name)
        self.peer = scene.connect(self.name)

    def send(self, *lines):
        self.peer.send("".join(f"{line}\n" for line in lines).encode())

    def hear(self):
        """The next line that is not about other people in the room; without an end if none comes."""
        while True:
            line = self.peer.read_line().decode("utf-8", "replace")
            if line in ("", "OK\n", "EXIT\n") or line.startswith("ERR ") or self._scene.tag in line:
                return line

    def expect(self, line):
        heard = self.hear()
        if heard != line + "\n":
            raise Failure(f"{self.name} received {heard!r} instead of {line!r}")

    def is_refused(self, code, *lines):
        """Answered with this error, after the lines, if there are any, were sent."""
        if lines:
            self.send(*lines)
        heard = self.hear()
        if not heard.startswith(f"ERR {code}") or not heard.endswith("\n"):
            raise Failure(f"{self.name} received {heard!r} instead of ERR {code}")

    def join(self):
        self.send(f"L {self.name}")
        self.expect("OK")
        return self

    def say(self, *texts):
        self.send(*(f"C {self.name} {text}" for text in texts))

    def hears(self, other, text):
        self.expect(f"{other.name} : {text}")

    def hears_that_it_came(self, other):
        self.expect(f"欢迎 '{other.name}' 进入聊天室")

    def hears_that_it_left(self, other):
        self.expect(f"'{other.name}' 退出聊天室")

    def goes(self, *others):
        """Leaves, and all others hear it."""
        self.send(f"E {self.name}")
        self.expect("EXIT")
        self.peer.expect_end()
        self.peer.close()
        for other in others:
            other.hears_that_it_left(self)


def _members(scene, *names):
    """Members of these names, who have heard of each other."""
    members = []
    for name in names:
        member = _Member(scene, name).join()
        for other in members:
            other.hears_that_it_came(member)
        members.append(member)
    return members


def _all_go(members):
    """One after the other, so that nothing of it is left for the next case to hear."""
    members = list(members)
    while members:
        members.pop().goes(*members)


SUITE = Suite("chat", lambda scene: _Member(scene, "probe").join().goes())


@SUITE.case(_CHAT)
def join_and_leave(scene):
    """answers `L <name>` with OK, and `E <name>` with EXIT and the end; the name is then free again"""
    for _ in range(2):
        _Member(scene, "ada").join().goes()


@SUITE.case(_CHAT)
def wrong_commands_are_refused(scene):
    """answers what is no command with ERR 400, what only a member may do with ERR 403, and goes on"""
    ada = _Member(scene, "ada")
    for command in ("", "X", "hello", "L", "L "):
        ada.is_refused(400, command)
    ada.is_refused(403, f"C {ada.name} hello")
    ada.is_refused(403, f"E {ada.name}")
    ada.join()
    ada.is_refused(403, f"C {scene.own_name('bob')} I am bob")
    ada.goes()


@SUITE.case(_NAMES)
def names_that_cannot_be_are_refused(scene):
    """refuses the administrator's name, 管理员, also within another, and names that have blanks or are no UTF-8"""
    other = _Member(scene, "other")
    for name, code in (("管理员", 403), ("x管理员y", 403), ("a b", 400), ("a\tb", 400)):
        other.is_refused(code, f"L {name}")
    other.peer.send(b"L \xff\xfe\n")
    other.is_refused(400)


@SUITE.case(_CHAT + ": a line has at most 1024 bytes")
def overlong_line_is_discarded(scene):
    """answers a line of 5,000 bytes with ERR 413, discards all of it, and goes on"""
    ada = _Member(scene, "ada").join()
    ada.say("x" * 5000)
    ada.is_refused(413)
    ada.is_refused(403, f"C {scene.own_name('bob')} x")
    ada.goes()


@SUITE.case("TCP keeps no message borders (RFC 9293, section 3.8)", waits=20)
def commands_in_two_pieces(scene):
    """understands commands wherever the network cuts them"""
    name = scene.own_name("a")
    for pieces in several.splits(f"L {name}\nE {name}\n".encode()):
        member = _Member(scene, "a")
        member.peer.send_pieces(pieces)
        member.expect("OK")
        member.expect("EXIT")
        member.peer.expect_end()
        member.peer.close()


@SUITE.case("docs/protocols.md, chat: a line that begins an HTTP request closes the connection")
def browser_cannot_join(scene):
    """closes when it sees a request of HTTP, and carries out no line behind it: any web page can send them"""
    client = scene.connect()
    client.send(f"POST / HTTP/1.1\r\nHost: x\r\n\r\nL {scene.own_name('web')}\n".encode(), may_fail=True)
    got = client.read_to_end()
    if b"OK" in got:
        raise Failure(f"the line behind the head was carried out: {shown(got)}")


@SUITE.case(_CHAT, clients=2)
def taken_name_is_refused(scene):
    """answers `L <name>` with ERR 409 if a member has the name"""
    ada = _Member(scene, "ada").join()
    _Member(scene, "other").is_refused(409, f"L {ada.name}")
    ada.goes()


@SUITE.case(_CHAT, clients=2)
def all_others_hear_what_one_says(scene):
    """sends what one says to all other members, as `<name> : <text>`, and not to the one who said it"""
    ada, bob, carl = _members(scene, "ada", "bob", "小明")
    for speaker, text in ((ada, "hello"), (carl, "你好 大家"), (ada, "two  blanks and : a colon")):
        speaker.say(text)
        for other in (ada, bob, carl):
            if other is not speaker:
                other.hears(speaker, text)
    _all_go((ada, bob, carl))  # EXIT is the next that each of them receives.


@SUITE.case(_CHAT, clients=2, waits=20)
def all_hear_the_same_order(scene):
    """sends messages to all in the same order, and those of one member in hers"""
    members = ada, bob, carl, dora = _members(scene, "ada", "bob", "carl", "dora")
    for speaker in (ada, bob):
        speaker.say(*range(20))
    lines = [carl.hear() for _ in range(40)]
    if lines != [dora.hear() for _ in range(40)]:
        raise Failure("two members have heard the same messages in two orders")
    own = [line for line in lines if line.startswith(ada.name)]
    if own != [f"{ada.name} : {number}\n" for number in range(20)]:
        raise Failure(f"the messages of one member came as {shown(''.join(own).encode())}")
    for speaker, other in ((ada, bob), (bob, ada)):
        for number in range(20):
            speaker.hears(other, number)
    _all_go(members)


@SUITE.case(_CHAT, clients=2)
def who_vanishes_has_left(scene):
    """tells all others who has left, also of one that closes or breaks off without a word, and frees the name"""
    ada = _Member(scene, "ada").join()
    for end in ("half_close", "reset"):
        bob = _Member(scene, "bob").join()
        ada.hears_that_it_came(bob)
        getattr(bob.peer, end)()
        ada.hears_that_it_left(bob)
    ada.goes()


@SUITE.case("docs/models.md, the first table: a silent client", clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client joins, not the one that connected first"""
    members = [_Member(scene, f"m{number}") for number in range(5)]
    for member in reversed(members):
        member.join().goes()
