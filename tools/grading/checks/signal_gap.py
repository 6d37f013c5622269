"""signal_gap: a signal between the look at the flag and the wait."""

import signal

from .. import rules
from ..exercise import Check, Exercise


def _visit(lab, server, number):
    client = server.client()
    if client.line() != b"you are client %d\n" % number or not client.sees_end():
        raise lab.wrong(server, f"Client {number} should hear \"you are client {number}\", and then the end")


def _check_status(lab, server, why):
    if not server.until(lambda: server.status() is not None):
        raise lab.wrong(server, "SIGTERM has come, and the server waits for clients as if it had not", why,
                        "signal(7); ppoll(2), which tells the story; signalfd(2); net/signals.h")
    if server.status() != 0:
        raise lab.wrong(server, "After SIGTERM the server should end with status 0")


def _asleep(lab):
    with lab.start() as server:
        _visit(lab, server, 1)
        server.settle()
        server.signal(signal.SIGTERM)
        _check_status(lab, server, "poll() fails with EINTR when a handler has run.")


def _in_the_gap(lab):
    at = lab.random.randint(1, 4)
    with lab.start([rules.SignalBeforeWait(signal.SIGTERM.value, at)], ["wait", "accept"]) as server:
        for number in range(1, at):
            _visit(lab, server, number)
        _check_status(
            lab, server,
            "The signal came after the program had checked its flag, and before it went to sleep. The handler set the flag, "
            "and nothing is left that could wake the program. Looking and going to sleep have to be one step: block the signal, "
            "look, and let ppoll() unblock it while it sleeps; or make the signal something that poll() sees.")


EXERCISE = Exercise("signal_gap", (Check("SIGTERM ends the server while it waits", _asleep),
                                   Check("SIGTERM just before it waits ends it, too", _in_the_gap, 3)))
