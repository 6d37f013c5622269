"""What cases of several services do with several clients, or with clients that break off."""

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
