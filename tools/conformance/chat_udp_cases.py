"""chat-udp: the chat room in the dialect of the course, a datagram for each command, reply and message.

That something does not come is shown by what comes next instead, and not by waiting. Other people may be in the room: what they
say is skipped.
"""

from .case import SHOULD, Failure, Suite
from .peers import shown

_DIALECT = "docs/protocols.md, chat (the dialect over UDP)"
_ADMINISTRATOR = "管理员"


def _or_nothing(datagram):
    return "nothing" if datagram is None else shown(datagram)


class _Member:
    """A client that has a name, in the room or about to join."""

    def __init__(self, scene, name):
        self._scene = scene
        self.name = scene.own_name(name)
        self._peer = scene.datagram_peer(self.name)

    def send(self, text):
        self._peer.send(text if isinstance(text, bytes) else text.encode())

    def hear(self):
        """The next datagram that is not about other people in the room; None if none comes."""
        while True:
            datagram = self._peer.receive()
            if datagram is None or not datagram.startswith(b"\n") or self._scene.tag.encode() in datagram:
                return datagram

    def expect(self, text):
        heard = self.hear()
        if heard != text.encode():
            raise Failure(f"{self.name} received {_or_nothing(heard)} instead of {shown(text.encode())}")

    def hears_of(self, other):
        """The notice that another member has joined or left: the words are the server's own, and the name is in them."""
        notice = self.hear()
        if notice is None or f"'{other.name}'".encode() not in notice:
            raise Failure(f"{self.name} received {_or_nothing(notice)}, and should have received a notice with '{other.name}'")
        return notice

    def join(self):
        self.send(f"L {self.name}")
        self.expect("OK")
        return self

    def say(self, text):
        self.send(f"C {self.name} {text}")

    def hears(self, other, text):
        self.expect(f"\n{other.name} : {text}")

    def goes(self, *others):
        """Leaves, and all others hear it."""
        self.send(f"E {self.name}")
        self.expect("EXIT")
        for other in others:
            other.hears_of(self)

    def is_refused(self, name):
        self.send(f"L {name}")
        answer = self.hear()
        if answer in (None, b"OK"):
            raise Failure(f"the name '{name}' is answered with {_or_nothing(answer)}, and should be refused with a text")


def _members(scene, *names):
    """Members of these names, who have heard of each other."""
    members = []
    for name in names:
        member = _Member(scene, name).join()
        for other in members:
            other.hears_of(member)
        members.append(member)
    return members


SUITE = Suite("chat-udp", lambda scene: _Member(scene, "probe").join().goes())


@SUITE.case(_DIALECT)
def join_and_leave(scene):
    """answers `L <name>` with OK, and `E <name>` with EXIT; the name is then free again"""
    for _ in range(2):
        _Member(scene, "ada").join().goes()


@SUITE.case(_DIALECT)
def taken_name_is_refused(scene):
    """answers `L <name>` with a text other than OK if a member has the name"""
    ada = _Member(scene, "ada").join()
    _Member(scene, "other").is_refused(ada.name)
    ada.goes()


@SUITE.case("docs/protocols.md, Names in the room")
def name_of_the_administrator_is_refused(scene):
    """refuses a name that contains the administrator's, 管理员"""
    for name in (_ADMINISTRATOR, f"x{_ADMINISTRATOR}y"):
        _Member(scene, "other").is_refused(name)


@SUITE.case(_DIALECT)
def others_hear_who_comes(scene):
    """tells all other members who has come, in a datagram that begins with a line end; the newcomer gets OK alone"""
    ada = _Member(scene, "ada").join()
    bob = _Member(scene, "bob").join()
    notice = ada.hears_of(bob)
    if not notice.startswith(b"\n"):
        raise Failure(f"the notice is {shown(notice)}, and should begin with a line end")
    bob.goes(ada)  # The next that bob receives is EXIT.
    ada.goes()


@SUITE.case(_DIALECT)
def all_others_hear_what_one_says(scene):
    """sends what one says to all other members, as a line end and `<name> : <text>`"""
    ada, bob, carl = _members(scene, "ada", "bob", "小明")
    for speaker, text in ((ada, "hello"), (carl, "你好 大家"), (ada, "two  blanks and : a colon")):
        speaker.say(text)
        for other in (ada, bob, carl):
            if other is not speaker:
                other.hears(speaker, text)
    carl.goes(ada, bob)
    bob.goes(ada)
    ada.goes()


@SUITE.case(_DIALECT)
def speaker_does_not_hear_itself(scene):
    """does not send a message back to the one who said it"""
    ada, bob = _members(scene, "ada", "bob")
    ada.say("hello")
    bob.hears(ada, "hello")
    ada.goes(bob)  # EXIT is the next that ada receives.
    bob.goes()


@SUITE.case(_DIALECT)
def messages_of_one_come_in_order(scene):
    """sends the messages of one member in their order"""
    ada, bob = _members(scene, "ada", "bob")
    bob.say("I listen")
    ada.hears(bob, "I listen")
    for start in range(0, 20, 4):  # A few at a time: UDP drops what a full buffer cannot take.
        for number in range(start, start + 4):
            ada.say(f"message {number}")
        for number in range(start, start + 4):
            bob.hears(ada, f"message {number}")
    ada.goes(bob)
    bob.goes()


@SUITE.case(_DIALECT)
def others_hear_who_goes(scene):
    """tells all others who has gone, and sends nothing more to the one who went"""
    ada, bob, carl = _members(scene, "ada", "bob", "carl")
    ada.goes(bob, carl)
    bob.say("is anybody here?")
    carl.hears(bob, "is anybody here?")
    ada.join()  # OK is the next that ada receives.
    for other in (bob, carl):
        other.hears_of(ada)
    ada.goes(bob, carl)
    bob.goes(carl)
    carl.goes()


@SUITE.case(_DIALECT)
def long_message_is_whole(scene):
    """passes on a message of 900 bytes as one datagram"""
    ada, bob = _members(scene, "ada", "bob")
    bob.say("I listen")  # A server may send little to an address that has only joined: it may be forged.
    ada.hears(bob, "I listen")
    ada.say("x" * 900)
    bob.hears(ada, "x" * 900)
    ada.goes(bob)
    bob.goes()


@SUITE.case(_DIALECT)
def rubbish_harms_no_client(scene):
    """goes on after datagrams that are no command: empty, incomplete, or not text"""
    ada, bob = _members(scene, "ada", "bob")
    stranger = _Member(scene, "stranger")
    for rubbish in (b"", b"L", b"C", b"E", b"X x x", b"\xff\xfe\xfd", b"C conform-nobody hello", b"C  ", b"L "):
        stranger.send(rubbish)
    ada.say("still here")
    bob.hears(ada, "still here")
    ada.goes(bob)
    bob.goes()


@SUITE.case(_DIALECT, level=SHOULD)
def name_belongs_to_its_address(scene):
    """lets no address speak or leave in the name of another one"""
    ada, bob = _members(scene, "ada", "bob")
    eve = _Member(scene, "eve")
    eve.send(f"C {ada.name} I am ada")
    eve.send(f"E {ada.name}")
    ada.say("hello")
    bob.hears(ada, "hello")
    ada.goes(bob)
    bob.goes()
