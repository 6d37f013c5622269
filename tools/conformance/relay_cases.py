"""relay: requests that another server answers. That server is the tool itself (asked.py), and the first one of the list that the
server under test may ask."""

from . import several
from .case import Suite

_RELAY, _HEADER = "docs/protocols.md, relay", "docs/protocols.md, relay, and protocol/relay.h"
_MODELS = "docs/models.md, the first table"
_MOST_SERVERS = 64  # docs/design.md, Where things are bounded.


def _talk(client, number):
    client.send(b"RELAY 1 say hello %d\n" % number)
    client.expect(b"hello %d\n" % number)


SUITE = Suite("relay", lambda scene: _talk(scene.connect(), 0), needs_asked=True)


@SUITE.case(_RELAY)
def answer_is_passed_on_as_it_is(scene):
    """answers with the other server's line, whatever it says"""
    client = scene.connect()
    for answer in (b"hello", b"OK 17", b"ERR 400 not that", "grüß Gott".encode(), b"x" * 1000):
        client.send(b"RELAY 1 say " + answer + b"\n")
        client.expect(answer + b"\n")


@SUITE.case(_RELAY)
def line_is_asked_as_it_is(scene):
    """asks the other server all that stands behind the number, with its blanks"""
    client = scene.connect()
    client.send(b"RELAY 1 say  two  blanks \n")
    client.expect(b" two  blanks \n")


@SUITE.case(_HEADER)
def wrong_request_is_refused_and_the_next_answered(scene):
    """answers what is no question with ERR 400, and goes on"""
    client = scene.connect()
    for wrong in (b"RELAY", b"RELAY 1", b"RELAY 1 ", b"RELAY -1 say x", b"RELAY one say x", b"relay 1 say x", b"", b"ASK 1 say x",
                  b"RELAY 1 say \x01"):
        client.send(wrong + b"\n")
        several.is_refused(client, b"400")
    _talk(client, 0)


@SUITE.case(_HEADER)
def number_of_no_server_is_refused(scene):
    """answers ERR 404 if no server has the number, and goes on"""
    client = scene.connect()
    for number in (0, _MOST_SERVERS + 1, 1 << 40):
        client.send(b"RELAY %d say hello\n" % number)
        several.is_refused(client, b"404")
    _talk(client, 0)


@SUITE.case(_RELAY)
def failure_of_the_other_server_is_an_answer(scene):
    """answers ERR 502 if the other server ends without a line, or sends none of text, and goes on"""
    client = scene.connect()
    for question in (b"end", b"half an answer", b"garble", b"flood"):
        client.send(b"RELAY 1 " + question + b"\n")
        several.is_refused(client, b"502")
    _talk(client, 0)


@SUITE.case(_HEADER)
def pipelined_requests_in_order(scene):
    """answers requests that come in one packet, each once and in their order"""
    client = scene.connect()
    client.send(b"RELAY 1 after 50 one\nRELAY 1 say two\nrubbish\nRELAY 1 say three\n")
    client.expect(b"one\ntwo\n")
    several.is_refused(client, b"400")
    client.expect(b"three\n")


@SUITE.case(_HEADER + "; TCP keeps no message borders (RFC 9293, section 3.8)")
def request_in_two_pieces(scene):
    """understands a request wherever the network cuts it"""
    several.is_understood_in_pieces(scene.connect(), b"RELAY 1 say hello\n", b"hello\n")


@SUITE.case("RFC 9293, section 3.6")
def half_close_still_brings_the_answers(scene):
    """answers all requests of a client that has closed its own direction, and then closes; half a request is none"""
    client = scene.connect()
    client.send(b"RELAY 1 after 20 one\nRELAY 1 say two\nRELAY 1 say thr")
    client.half_close()
    client.expect(b"one\ntwo\n")
    client.expect_end()


@SUITE.case(_HEADER)
def overlong_line_is_refused(scene):
    """refuses a line of 100,000 bytes, closes, and serves the next client"""
    several.overlong_line_ends_the_connection(scene, _talk)


@SUITE.case(_HEADER)
def browser_gives_no_commands(scene):
    """closes when it sees a request of HTTP, and carries out no line behind it: any web page can send them"""
    several.browser_gives_no_command(scene, b"RELAY 1 say hello\n", b"hello")


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off with a reset while another server is asked"""
    several.after_broken_off(scene, _talk, b"RELAY 1 after 20 one\nRELAY 1 say two\nREL")


@SUITE.case(_MODELS + ": a silent client", clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client sends, not the one that came first"""
    several.in_reverse_order(scene, _talk)


@SUITE.case(_RELAY, clients=2)
def slow_answer_keeps_no_other_waiting(scene):
    """answers another client while the other server takes its time for the first one"""
    several.beside_one_that_waits(scene, _talk, lambda milliseconds: (b"RELAY 1 after %d slow\n" % milliseconds, b"slow\n"))
