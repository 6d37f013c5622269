"""compute: the sum of the primes below a number, which keeps a processor busy."""

from . import several
from .case import MAY, NotOffered, Suite

_COMPUTE, _HEADER = "docs/protocols.md, compute", "docs/protocols.md, compute, and protocol/compute.h"
_MODELS = "docs/models.md, the first table"


def _talk(client, number):
    client.send(b"PRIMES 10\n")
    client.expect(b"OK 17\n")


SUITE = Suite("compute", lambda scene: _talk(scene.connect(), 0))


@SUITE.case(_COMPUTE)
def sums_up_the_primes(scene):
    """answers `PRIMES <n>` with OK and the sum of the primes below n"""
    client = scene.connect()
    for number, total in ((0, 0), (2, 0), (3, 2), (10, 17), (11, 17), (12, 28), (1000, 76127)):
        client.send(f"PRIMES {number}\n".encode())
        client.expect(f"OK {total}\n".encode())


@SUITE.case(_COMPUTE, waits=30)
def large_sum(scene):
    """finds the sum of the primes below 100000"""
    client = scene.connect()
    client.send(b"PRIMES 100000\n")
    client.expect(b"OK 454396537\n")


@SUITE.case(_HEADER)
def wrong_request_is_refused_and_the_next_answered(scene):
    """answers what is no number with ERR 400, and goes on"""
    client = scene.connect()
    for wrong in (b"PRIMES", b"PRIMES -1", b"PRIMES 1.5", b"PRIMES many", b"primes 5", b"PRIMES 5 5", b"", b"SUM 5"):
        client.send(wrong + b"\n")
        several.is_refused(client, b"400")
    _talk(client, 0)


@SUITE.case(_HEADER + " (kMaxN)")
def number_that_is_too_large_is_refused(scene):
    """answers a number above 10000000 with ERR 413 at once, and goes on"""
    client = scene.connect()
    client.send(b"PRIMES 10000001\n")
    several.is_refused(client, b"413")
    _talk(client, 0)


@SUITE.case(_HEADER)
def pipelined_requests_in_order(scene):
    """answers requests that come in one packet, each once and in their order"""
    client = scene.connect()
    client.send(b"PRIMES 10000\nPRIMES 10\nrubbish\nPRIMES 12\n")
    client.expect(b"OK 5736396\nOK 17\n")
    several.is_refused(client, b"400")
    client.expect(b"OK 28\n")


@SUITE.case(_HEADER + "; TCP keeps no message borders (RFC 9293, section 3.8)")
def request_in_two_pieces(scene):
    """understands a request wherever the network cuts it"""
    several.is_understood_in_pieces(scene.connect(), b"PRIMES 10\n", b"OK 17\n")


@SUITE.case("RFC 9293, section 3.6")
def half_close_still_brings_the_answers(scene):
    """answers all requests of a client that has closed its own direction, and then closes; half a request is none"""
    client = scene.connect()
    client.send(b"PRIMES 1000\nPRIMES 10\nPRIMES 1")
    client.half_close()
    client.expect(b"OK 76127\nOK 17\n")
    client.expect_end()


@SUITE.case(_HEADER)
def overlong_line_is_refused(scene):
    """refuses a line of 100,000 bytes, closes, and serves the next client"""
    several.overlong_line_ends_the_connection(scene, _talk)


@SUITE.case(_HEADER)
def browser_gives_no_commands(scene):
    """closes when it sees a request of HTTP, and carries out no line behind it: any web page can send them"""
    several.browser_gives_no_command(scene, b"PRIMES 10\n", b"OK 17")


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off with a reset"""
    several.after_broken_off(scene, _talk, b"PRIMES 1000\n" * 50 + b"PRI")


@SUITE.case(_MODELS + ": a silent client", clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client sends, not the one that came first"""
    several.in_reverse_order(scene, _talk)


@SUITE.case(_MODELS + ": long work for one client", level=MAY, clients=2, waits=60)
def long_work_keeps_no_other_waiting(scene):
    """answers another client while it computes for the first one"""
    busy, other = scene.connect("busy client"), scene.connect("other client")
    busy.send(b"PRIMES 3000000\n")
    other.send(b"PRIMES 10\n")
    while not other.has_bytes(wait_s=0.01):
        if busy.has_bytes():
            raise NotOffered("the other client waits: one thread computes for all, and this is the model's choice")
        scene.left_s()
    other.expect(b"OK 17\n")
