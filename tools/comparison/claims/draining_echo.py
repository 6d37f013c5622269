"""An echo server that waits with edge-triggered epoll and reads each connection until nothing is left, or so many times a
turn. Takes the budget (0: none) and the port. For the experiment on starving alone: it does not watch for writability."""

import select
import socket
import sys

_READ = 1024  # Little, so that it reads more slowly than one client can send.

budget, port = int(sys.argv[1]), int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", port), backlog=4096)
waiting = select.epoll()
waiting.register(listener, select.EPOLLIN)
clients = {}
unfinished = set()  # Have more to read, and will not be told again.


def drain(number):
    """False where the client has gone."""
    client = clients[number]
    reads = 0
    while not budget or reads < budget:
        try:
            data = client.recv(_READ)
        except BlockingIOError:
            unfinished.discard(number)
            return True
        if not data:
            return False
        reads += 1
        try:
            client.send(data)
        except BlockingIOError:
            pass  # The flooder reads too slowly: what it loses is its own.
    unfinished.add(number)
    return True


while True:
    ready = {number for number, _ in waiting.poll(0 if unfinished else -1)}
    if listener.fileno() in ready:
        client, _ = listener.accept()
        client.setblocking(False)
        clients[client.fileno()] = client
        waiting.register(client, select.EPOLLIN | select.EPOLLET)
    for number in (ready | unfinished) - {listener.fileno()}:
        try:
            is_there = drain(number)
        except ConnectionError:
            is_there = False
        if not is_there:
            unfinished.discard(number)
            clients.pop(number).close()
