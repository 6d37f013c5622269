"""What several checks do: talk to servers that echo, and look for children that have ended."""


def expect(lab, server, client, sent, expected, why=""):
    """Sends, and raises Wrong unless the answer is what it should be."""
    client.send(sent)
    answer = client.receive(len(expected))
    if answer != expected:
        raise lab.wrong(server, f"{client.name} has sent {sent[:40]!r} and should get {expected[:40]!r}, but got {answer[:40]!r}",
                        why)


def echo(lab, server, client, why=""):
    text = b"hello from %s\n" % client.name.encode()
    expect(lab, server, client, text, text, why)


def echo_in_reverse(lab, server, count):
    """That many clients connect, and are served in the reverse order: otherwise a server that serves one after the other would
    pass, since the others wait in the listener's queue."""
    clients = [server.client() for _ in range(count)]
    for client in reversed(clients):
        echo(lab, server, client, "Each client should have a process of its own, so that none waits for another.")
    return clients


def zombies(server):
    """The children that have ended and that the server has not collected."""
    return [child for child in server.children() if child.state == "Z" and child.parent == server.pid]


def living(server):
    return [child for child in server.children() if child.state != "Z"]
