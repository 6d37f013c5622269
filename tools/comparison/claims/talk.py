"""Small clients of our own, where an experiment needs what the load generator does not do."""

import select
import socket
import threading
import time


def at(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def connect(address, timeout_s=5.0):
    return socket.create_connection(at(address), timeout=timeout_s)


def echoes(connection, text=b"ping", timeout_s=2.0):
    """Whether the bytes come back in time."""
    connection.settimeout(timeout_s)
    try:
        connection.sendall(text)
        received = b""
        while len(received) < len(text):
            piece = connection.recv(len(text) - len(received))
            if not piece:
                return False
            received += piece
    except OSError:
        return False
    return received == text


def await_end(connection, timeout_s=30.0):
    """Waits until the other end has closed the connection, or is gone."""
    connection.settimeout(timeout_s)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass


def await_line(connection):
    """Reads until a line has ended. ConnectionError if the connection does before."""
    while not (piece := connection.recv(4096)).endswith(b"\n"):
        if not piece:
            raise ConnectionError("the connection has ended within a line")


def is_served(address, timeout_s=2.0):
    """Whether a new client gets its echo in time."""
    try:
        with connect(address, timeout_s) as connection:
            return echoes(connection, timeout_s=timeout_s)
    except OSError:
        return False


def echoes_by_datagram(address, timeout_s=2.0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(timeout_s)
        sender.sendto(b"ping", at(address))
        try:
            return sender.recv(100) == b"ping"
        except OSError:
            return False


def ask_once(address, request, timeout_s=30.0):
    """A connection for one request of one line: its one line of reply."""
    with connect(address, timeout_s) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline()


def count_echoes(connection, seconds):
    """The number of echoes that come back in this time, sent one after the other."""
    deadline, count = time.monotonic() + seconds, 0
    while (left := deadline - time.monotonic()) > 0:
        count += echoes(connection, timeout_s=left)
    return count


def closed_loop(number, times, ask):
    """Calls ask() in a number of threads, several times in each. Whether no call failed."""
    failed = []

    def work():
        try:
            for _ in range(times):
                ask()
        except OSError as error:
            failed.append(error)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return not failed


def visit(address, dues_s, until, most_s=10.0):
    """Makes a connection at each of these times. The seconds from that time until it was established (until=select.EPOLLOUT), or
    the server sent something (select.EPOLLIN); most_s for one that failed, or had to be given up."""
    waiting, pending, times = select.epoll(), {}, []
    left, began = sorted(dues_s, reverse=True), time.monotonic()
    last = began + max(dues_s) + most_s
    while left or pending and time.monotonic() < last:
        while left and began + left[-1] <= time.monotonic():
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(at(address))
            pending[client.fileno()] = client, began + left.pop()
            waiting.register(client, until)
        # select(2) waits to the microsecond, epoll's own wait to the millisecond.
        select.select([waiting.fileno()], [], [], max(0.0, began + left[-1] - time.monotonic()) if left else 0.1)
        for number, events in waiting.poll(0):
            client, due = pending.pop(number)
            times.append(most_s if events & select.EPOLLERR else time.monotonic() - due)
            client.close()
    for client, _ in pending.values():
        client.close()
    waiting.close()
    return times + [most_s] * len(pending)


def quantile(values, share):
    """The smallest that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
