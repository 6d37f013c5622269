"""select_limit: a descriptor beyond FD_SETSIZE."""

from .. import rules
from ..exercise import Check, Exercise
from . import talk

_FD_SETSIZE = 1024


def _few(lab):
    with lab.start() as server:
        talk.echo_in_reverse(lab, server, 4)


def _many(lab):
    spared = lab.random.randint(1, 3)
    number = _FD_SETSIZE + lab.random.randint(0, 200)
    with lab.start([rules.Accepted(f"up {number}", spared)], ["accept"]) as server:
        low = talk.echo_in_reverse(lab, server, spared)
        high = server.client()
        high.send(b"hello\n")
        answer = high.receive(6)
        if answer != b"hello\n":
            server.settle()  # A program that dies takes its time.
        if answer != b"hello\n" and high.ended is None or server.status() is not None:
            raise lab.wrong(
                server, f"A client whose descriptor is {number} or more is neither served nor turned away",
                f"An fd_set has one bit for each descriptor below FD_SETSIZE, which is {_FD_SETSIZE}. FD_SET with a higher "
                "number writes behind its end: here the library notices and ends the program; without its check the program "
                "overwrites some other variable. What counts is the number of the descriptor, not how many are watched.",
                "select(2), \"BUGS\"; poll(2); backends/poller/select_poller.cc, which turns such clients away")
        for client in reversed(low):
            talk.echo(lab, server, client, "The clients that were there before should not suffer.")


EXERCISE = Exercise("select_limit", (Check("a few clients are served side by side", _few),
                                     Check("the thousandth client does no harm", _many, 3)),
                    flags=("-D_FORTIFY_SOURCE=2",))
