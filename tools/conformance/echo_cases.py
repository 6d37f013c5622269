"""echo: what a server of RFC 862 over TCP has to do."""

from . import several
from .case import Suite
from .scene import some_bytes

_ECHO, _TCP = "RFC 862, TCP Based Echo Service", "RFC 9293, section 3.6"
_MODELS = "docs/models.md, the first table: a silent client"


def _talk(client, number):
    text = f"message of client {number}\n".encode()
    client.send(text)
    client.expect(text)


SUITE = Suite("echo", lambda scene: _talk(scene.connect(), 0))


@SUITE.case(_ECHO)
def sends_back_what_comes(scene):
    """sends each message back, before the client has sent the next one or closed"""
    client = scene.connect()
    for text in (b"hello", b"a second message\n", b"x"):
        client.send(text)
        client.expect(text)


@SUITE.case(_ECHO)
def takes_any_byte(scene):
    """sends back every byte as it is: zero, line ends, and what is no text"""
    client = scene.connect()
    client.send(bytes(range(256)))
    client.expect(bytes(range(256)))


@SUITE.case(_ECHO + "; TCP keeps no message borders (RFC 9293, section 3.8)")
def message_in_two_pieces(scene):
    """sends a message back whole, wherever the network cuts it"""
    text = b"cut anywhere"
    for pieces in several.splits(text):
        client = scene.connect()
        client.send_pieces(pieces)
        client.expect(text)
        client.close()


@SUITE.case(_ECHO + "; TCP keeps no message borders (RFC 9293, section 3.8)")
def byte_by_byte(scene):
    """sends a message back that comes byte by byte"""
    text = b"one at a time\r\n"
    client = scene.connect()
    client.send_pieces(several.bytes_of(text))
    client.expect(text)


@SUITE.case(_ECHO)
def message_of_many_kilobytes(scene):
    """sends back a message that is longer than the buffer of a simple server, 100,000 bytes"""
    client, text = scene.connect(), some_bytes(100_000, 3)
    client.send(text)
    scene.is_same("what comes back", client.read(len(text)), text)


@SUITE.case(_ECHO, waits=40)
def megabytes_in_order(scene):
    """sends back 8 MiB, without loss and in order, to a client that reads while it sends"""
    text = some_bytes(8 << 20, 4)
    scene.is_same("what comes back", scene.connect().exchange(text), text)


@SUITE.case(_TCP)
def half_close_still_brings_the_rest(scene):
    """sends all that it owes to a client that has closed its own direction, and then closes"""
    client, text = scene.connect(), some_bytes(50_000, 5)
    client.send(text)
    client.half_close()
    scene.is_same("what comes back", client.read(len(text)), text)
    client.expect_end(is_clean=True)


@SUITE.case(_TCP)
def closes_when_the_client_does(scene):
    """closes the connection of a client that closes without a word"""
    client = scene.connect()
    client.half_close()
    client.expect_end(is_clean=True)


@SUITE.case(several.OWN_END)
def serves_one_after_the_other(scene):
    """serves the next client when one has left"""
    several.one_after_the_other(scene, _talk)


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off with a reset"""
    several.after_broken_off(scene, _talk, some_bytes(200_000, 6))


@SUITE.case(_MODELS, clients=2)
def silent_client_keeps_no_other_waiting(scene):
    """serves a client while another one, which came before it, is silent"""
    several.beside_silent_one(scene, _talk)


@SUITE.case(_MODELS, clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client sends, not the one that came first"""
    several.in_reverse_order(scene, _talk)


@SUITE.case(_ECHO, clients=2)
def clients_get_their_own_bytes(scene):
    """sends each client its own bytes, also when several send at a time"""
    clients = [scene.connect() for _ in range(4)]
    for turn in range(5):
        texts = [f"client {number}, message {turn};".encode() for number in range(len(clients))]
        for client, text in zip(clients, texts):
            client.send(text)
        for client, text in zip(reversed(clients), reversed(texts)):
            client.expect(text)
