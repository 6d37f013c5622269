"""message: the course's first server, which answers each chunk that it receives with a fixed text."""

from . import several
from .case import Failure, Suite
from .peers import shown

REPLY = b"Receive your message"
_MESSAGE, _TCP = "docs/protocols.md, message", "RFC 9293, section 3.6"
_MODELS = "docs/models.md, the first table: a silent client"
_MOST_CHUNK = 1024


def _talk(client, number):
    client.send(f"message {number}".encode())
    client.expect(REPLY)


SUITE = Suite("message", lambda scene: _talk(scene.connect(), 0))


@SUITE.case(_MESSAGE)
def acknowledges_each_message(scene):
    """answers each message with `Receive your message`, without a line end, before the next one comes"""
    client = scene.connect()
    for number in range(4):
        _talk(client, number)


@SUITE.case(_MESSAGE)
def takes_any_byte(scene):
    """acknowledges a message whatever its bytes are, text or not"""
    client = scene.connect()
    for text in (b"\0", b"\xff\xfe", "你好".encode(), b"\r\n"):
        client.send(text)
        client.expect(REPLY)


@SUITE.case(_MESSAGE + ": a chunk has at most 1024 bytes")
def long_message_is_several_chunks(scene):
    """answers 5,000 bytes at least five times, since a chunk has at most 1024 of them, and with nothing else"""
    client, size = scene.connect(), 5000
    client.send(b"x" * size)
    client.half_close()
    got = client.read_to_end()
    count = len(got) // len(REPLY)
    if got != REPLY * count:
        raise Failure(f"{client.name} received {shown(got)}, which is more than that text, repeated")
    if not -(-size // _MOST_CHUNK) <= count <= size:
        raise Failure(f"{client.name} was answered {count} times")


@SUITE.case(_TCP)
def half_close_still_brings_the_answer(scene):
    """acknowledges the last message of a client that has closed its own direction, and then closes"""
    client = scene.connect()
    client.send(b"the last one")
    client.half_close()
    client.expect(REPLY)
    client.expect_end(is_clean=True)


@SUITE.case(several.OWN_END)
def serves_one_after_the_other(scene):
    """serves the next client when one has left"""
    several.one_after_the_other(scene, _talk)


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off with a reset"""
    several.after_broken_off(scene, _talk, b"x" * 100_000)


@SUITE.case(_MODELS, clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client sends, not the one that came first"""
    several.in_reverse_order(scene, _talk)
