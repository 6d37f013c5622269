"""What cases of several services have in common: with several clients, with clients that break off, and with what is no request of
theirs."""

from .case import Failure
from .peers import shown

OWN_END = "docs/conform.md, What no RFC says"
_CLIENTS = 5


def in_reverse_order(scene, talk):
    """Opens some connections, and uses the last one first. In the order of opening, a server of one client at a time would
    look as if it served several: those that wait are in its backlog, and what they have sent is in the kernel."""
    clients = [scene.connect() for _ in range(_CLIENTS)]
    for number, client in reversed(list(enumerate(clients))):
        talk(client, number)


def beside_silent_one(scene, talk, begin=b""):
    """A client comes first, sends this much, and then nothing."""
    silent = scene.connect("silent client")
    if begin:
        silent.send(begin)
    talk(scene.connect("other client"), 0)


def beside_one_that_waits(scene, talk, ask):
    """While one client waits for its answer, another one gets its own.

    ask  milliseconds -> (a request that waits so long, its answer)
    """
    slow, other = scene.connect("slow client"), scene.connect("other client")
    for number, milliseconds in enumerate((100, 400, 1600)):  # A busy machine may need more than the first.
        request, answer = ask(milliseconds)
        slow.send(request)
        talk(other, number)
        is_first = not slow.has_bytes()
        slow.expect(answer)
        if is_first:
            return
    raise Failure("the other client has waited as long as the first one")


def after_broken_off(scene, talk, begin):
    """Some clients send this much, and break off; those that come then are served."""
    for _ in range(3):
        client = scene.connect()
        client.send(begin, may_fail=True)
        client.reset()
    scene.pause()  # A server that ends of it gets the time to.
    one_after_the_other(scene, talk)


def one_after_the_other(scene, talk):
    """A connection each; a server that gives up after its first client shows here."""
    for number in range(3):
        client = scene.connect()
        talk(client, number)
        client.close()


def splits(request):
    """The request in two pieces, cut at every byte."""
    return [(request[:at], request[at:]) for at in range(1, len(request))]


def bytes_of(request):
    return [request[at:at + 1] for at in range(len(request))]


def is_refused(client, code):
    """The next line is an error with this code."""
    line = client.read_line()
    if not line.startswith(b"ERR " + code) or not line.endswith(b"\n"):
        raise Failure(f"{client.name} received {shown(line)} instead of a line that begins with 'ERR {code.decode()}'")


def ends_with_error(client):
    """The reply may be lost, since the server closes while the client still sends (RFC 9112, section 9.6, explains it)."""
    got = client.read_to_end()
    if got and not got.startswith(b"ERR "):
        raise Failure(f"{client.name} received {shown(got)} instead of an ERR")
    client.close()


def is_understood_in_pieces(client, request, answer):
    """Wherever the request is cut."""
    for pieces in splits(request):
        client.send_pieces(pieces)
        client.expect(answer)


def overlong_line_ends_the_connection(scene, talk):
    """Its own alone: the next client is served."""
    client = scene.connect()
    client.send(b"x" * 100_000, may_fail=True)
    ends_with_error(client)
    talk(scene.connect(), 0)


def browser_gives_no_command(scene, line, answer):
    """A request of HTTP ends the connection, and the line behind its head, which would have this answer, is not carried out."""
    client = scene.connect()
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(line)
    client.send(head + line, may_fail=True)
    got = client.read_to_end()
    if answer in got:
        raise Failure(f"the line behind the head was carried out: {client.name} received {shown(got)}")
