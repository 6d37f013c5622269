"""Clients that put one file after the other by http, each under a name of its own, and keep account of what was acknowledged."""

import contextlib
import hashlib
import http.client
import os
import random
import threading
import time
from dataclasses import dataclass, field

from .programs import PORTS, await_true

# Longer than any disturbance: a server that is cut off for some seconds answers when it is back.
_PATIENCE_S = 30.0
_PAUSE_AFTER_FAILURE_S = 0.05
_MOST_BYTES = 50_000
_READ_BACK = 60  # Files that are fetched from each server at the end; all are looked at on the disk.


@dataclass
class Account:
    """What all uploaders together have done. Lists are appended to by any thread."""

    stored: dict = field(default_factory=dict)  # name -> digest of what was acknowledged.
    times: list = field(default_factory=list)  # (begin, end) of each acknowledged one, in seconds of time.monotonic().
    failures: list = field(default_factory=list)  # (when, what).

    def longest_gap_s(self):
        """The longest time in which nothing was acknowledged."""
        ends = sorted(end for _, end in self.times)
        return max((later - earlier for earlier, later in zip(ends, ends[1:])), default=0.0)

    def quantile_s(self, share, since=0.0, until=float("inf")):
        """Of the times of uploads that began in this span; 0 if there are none."""
        spans = sorted(end - begin for begin, end in self.times if since <= begin < until)
        return spans[min(len(spans) - 1, int(share * len(spans)))] if spans else 0.0

    def lost(self, root):
        """Names of acknowledged files that are not there as they were sent."""
        def digest(name):
            try:
                with open(os.path.join(root, name), "rb") as file:
                    return hashlib.sha256(file.read()).hexdigest()
            except FileNotFoundError:
                return None
        return [name for name, expected in self.stored.items() if digest(name) != expected]

    def unserved(self, servers):
        """(server, name) of files that a server does not give back as they were sent; each is asked for some."""
        names = random.Random(1).sample(sorted(self.stored), min(_READ_BACK, len(self.stored)))
        return [(server.host.name, name) for server in servers for name in names
                if digest_at((server.host.address, PORTS["http"]), name) != self.stored[name]]


def digest_at(address, name):
    """Of what the server at (host, port) gives for this name; None if it gives nothing, or not all."""
    with contextlib.closing(http.client.HTTPConnection(*address, timeout=_PATIENCE_S)) as connection:
        try:
            connection.request("GET", f"/{name}", headers={"Host": "localhost"})
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):
            return None
        return hashlib.sha256(content).hexdigest() if reply.status == 200 else None


class _Uploader(threading.Thread):
    def __init__(self, number, at, account):
        super().__init__(daemon=True)
        self._number, self._at, self._account = number, at, account
        self._chance = random.Random(number)
        self.is_ending = threading.Event()

    def run(self):
        count = 0
        while not self.is_ending.is_set():
            count += 1
            name = f"upload-{self._number}-{count}"
            content = self._chance.randbytes(self._chance.randrange(1, _MOST_BYTES))
            begin = time.monotonic()
            try:
                status = self._put(name, content)
            except (OSError, http.client.HTTPException) as error:
                status = repr(error)
            if status in (201, 204):
                self._account.stored[name] = hashlib.sha256(content).hexdigest()
                self._account.times.append((begin, time.monotonic()))
            else:
                self._account.failures.append((time.monotonic(), status))
                time.sleep(_PAUSE_AFTER_FAILURE_S)

    def _put(self, name, content):
        """The status of the reply."""
        connection = http.client.HTTPConnection(*self._at, timeout=_PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("PUT", f"/{name}", content, {"Host": "localhost", "Connection": "close"})
            reply = connection.getresponse()
            reply.read()
            return reply.status


class Uploads:
    """Several uploaders at once, for as long as the `with` lasts. Its end waits for what is under way."""

    def __init__(self, at, count):
        self.account = Account()
        self._uploaders = [_Uploader(number, at, self.account) for number in range(count)]

    def __enter__(self):
        for uploader in self._uploaders:
            uploader.start()
        return self

    def __exit__(self, *_):
        for uploader in self._uploaders:
            uploader.is_ending.set()
        for uploader in self._uploaders:
            uploader.join()

    def await_more(self, count, patience_s=60.0):
        """Returns when so many more were acknowledged. ProgramError: not in time."""
        until = len(self.account.times) + count
        await_true(lambda: len(self.account.times) >= until, f"{count} more uploads", patience_s)
