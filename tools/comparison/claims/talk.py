"""Small clients of our own, where an experiment needs what the load generator does not do."""

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


def _in_threads(number, work):
    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def closed_loop(number, seconds, ask):
    """So many threads call ask() again and again: how often in all, per second. None where one of the calls failed."""
    counts, failed = [0] * number, []
    deadline = time.monotonic() + seconds

    def work(index):
        try:
            while time.monotonic() < deadline and not failed:
                ask()
                counts[index] += 1
        except OSError as error:
            failed.append(error)
    started = time.monotonic()
    _in_threads(number, work)
    return None if failed else sum(counts) / (time.monotonic() - started)


def open_loop(dues_s, ask):
    """ask() is due at these times; each runs on a thread of its own. The seconds from when it was due to its reply, and
    how many failed."""
    times, failed = [], []
    started = time.monotonic()

    def work(index):
        time.sleep(max(0.0, started + dues_s[index] - time.monotonic()))
        try:
            ask()
            times.append(time.monotonic() - started - dues_s[index])
        except OSError as error:
            failed.append(error)
    _in_threads(len(dues_s), work)
    return times, len(failed)


def quantile(values, share):
    """The smallest that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
