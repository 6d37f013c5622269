"""wait: answers that come after a time, as if the server had to ask another one first."""

import time

from . import several
from .case import Failure, Suite

_WAIT, _HEADER = "docs/protocols.md, wait", "docs/protocols.md, wait, and protocol/wait.h"
_MODELS = "docs/models.md, the first table"
_TICK_S = 0.001  # By which an answer may be early: clocks of two programs, in milliseconds.


def _talk(client, _number):
    client.send(b"WAIT 0\n")
    client.expect(b"OK 0\n")


SUITE = Suite("wait", lambda scene: _talk(scene.connect(), 0))


@SUITE.case(_WAIT)
def answer_comes_when_the_time_is_over(scene):
    """answers `WAIT <ms>` with OK and the number, and no earlier than so many milliseconds later"""
    client = scene.connect()
    for milliseconds in (0, 1, 20, 150):
        began = time.monotonic()
        client.send(b"WAIT %d\n" % milliseconds)
        client.expect(b"OK %d\n" % milliseconds)
        taken = time.monotonic() - began
        if taken < milliseconds / 1000 - _TICK_S:
            raise Failure(f"the answer to 'WAIT {milliseconds}' came after {1000 * taken:.1f} ms")


@SUITE.case(_HEADER)
def wrong_request_is_refused_and_the_next_answered(scene):
    """answers what is no number with ERR 400, and goes on"""
    client = scene.connect()
    for wrong in (b"WAIT", b"WAIT -1", b"WAIT 1.5", b"WAIT a while", b"wait 5", b"WAIT 5 5", b"", b"SLEEP 5"):
        client.send(wrong + b"\n")
        several.is_refused(client, b"400")
    _talk(client, 0)


@SUITE.case(_HEADER + " (kMaxMilliseconds)")
def time_that_is_too_long_is_refused(scene):
    """answers a number above 60000 with ERR 413 at once, and goes on"""
    client = scene.connect()
    client.send(b"WAIT 60001\n")
    several.is_refused(client, b"413")
    _talk(client, 0)


@SUITE.case(_HEADER)
def pipelined_requests_in_order(scene):
    """answers requests that come in one packet, each once and in their order"""
    client = scene.connect()
    client.send(b"WAIT 30\nWAIT 0\nrubbish\nWAIT 5\n")
    client.expect(b"OK 30\nOK 0\n")
    several.is_refused(client, b"400")
    client.expect(b"OK 5\n")


@SUITE.case(_HEADER + "; TCP keeps no message borders (RFC 9293, section 3.8)")
def request_in_two_pieces(scene):
    """understands a request wherever the network cuts it"""
    several.is_understood_in_pieces(scene.connect(), b"WAIT 10\n", b"OK 10\n")


@SUITE.case("RFC 9293, section 3.6")
def half_close_still_brings_the_answers(scene):
    """answers all requests of a client that has closed its own direction, and then closes; half a request is none"""
    client = scene.connect()
    client.send(b"WAIT 20\nWAIT 10\nWAIT 1")
    client.half_close()
    client.expect(b"OK 20\nOK 10\n")
    client.expect_end()


@SUITE.case(_HEADER)
def overlong_line_is_refused(scene):
    """refuses a line of 100,000 bytes, closes, and serves the next client"""
    several.overlong_line_ends_the_connection(scene, _talk)


@SUITE.case(_HEADER)
def browser_gives_no_commands(scene):
    """closes when it sees a request of HTTP, and carries out no line behind it: any web page can send them"""
    several.browser_gives_no_command(scene, b"WAIT 0\n", b"OK 0")


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off with a reset while it waits"""
    several.after_broken_off(scene, _talk, b"WAIT 20\nWAIT 20\nWAI")


@SUITE.case(_MODELS + ": a silent client", clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client sends, not the one that came first"""
    several.in_reverse_order(scene, _talk)


@SUITE.case(_WAIT, clients=2)
def client_that_waits_keeps_no_other_waiting(scene):
    """answers another client while the first one waits"""
    several.beside_one_that_waits(scene, _talk, lambda milliseconds: (b"WAIT %d\n" % milliseconds, b"OK %d\n" % milliseconds))
