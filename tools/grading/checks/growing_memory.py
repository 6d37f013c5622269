"""growing_memory: a client that sends and never reads."""

from ..exercise import Check, Exercise
from . import talk

# What the kernel holds of a connection, in both directions together, is less by default (tcp_rmem, tcp_wmem in tcp(7)).
_MOST = 40 << 20
_PIECE = bytes(range(256)) * 256
_MIB = 1 << 20
# TCP has timers of its own if buffers were full: a lost probe is repeated after 0.2 s.
_GRACE = 1.0


def _echoes(lab):
    with lab.start() as server:
        for client in reversed([server.client() for _ in range(3)]):
            talk.echo(lab, server, client)


def _is_bounded(lab):
    with lab.start() as server:
        greedy = server.client()
        other = server.client()
        before = server.tree.resident_bytes(server.pid)
        sent = greedy.send_until_refused(_PIECE, _MOST, _GRACE)
        grown = server.tree.resident_bytes(server.pid) - before
        lab.steps.add("grader", f"looks at the server's memory: {grown / _MIB:.1f} MiB more")
        if sent >= _MOST:
            raise lab.wrong(
                server, f"{greedy.name} has sent {sent // _MIB} MiB and read nothing, and the server took it all: its memory has "
                f"grown by {grown // _MIB} MiB",
                "What one cannot send has to stay somewhere. A server that reads on regardless keeps it in its own memory, "
                "without bound. If it stops reading instead, the socket's buffers fill, and TCP makes the client wait: "
                "backpressure.",
                "poll(2): ask for POLLIN only if there is room; tcp(7); docs/design.md, \"Where things are bounded\"")
        talk.echo(lab, server, other, "A client that does not read should keep no other waiting.")
        answer = greedy.receive(sent, grace=_GRACE)
        expected = _PIECE * (sent // len(_PIECE) + 1)
        if answer != expected[:sent]:
            raise lab.wrong(server, f"{greedy.name} now reads, and should get back its {sent} bytes; it got {len(answer)}",
                            "When there is room again, the server should read on.")


EXERCISE = Exercise("growing_memory", (Check("each client gets back what it sends", _echoes),
                                       Check("a client that does not read is not read from", _is_bounded, 3)))
