"""Your own load: an access log is made into a schedule for the load generator (--workload=replay), into files of the sizes that
were sent, and into a workload of the comparison.

    log, or table ──▶ read() ──▶ Log ──▶ busiest() ──▶ make() ──▶ schedule.csv, replay/0, replay/1 ..., a Workload

Nothing of the log but its times and sizes gets any further: paths and clients become numbers.
"""

import collections
import datetime
import gzip
import hashlib
import itertools
import math
import os
import random
import re
import shutil
from dataclasses import dataclass, field

from .workloads import Workload

# As long as this a client keeps a silent connection, in seconds of the log, unless it is said: between the defaults of Apache (5)
# and nginx (75).
KEEP_ALIVE_S = 15.0
# So much of the log can be replayed, in seconds of the replay: more than a measurement takes. Each begins at another place in it.
WINDOW_S = 15.0
# Fewer requests than this have no 99th percentile: a measurement takes long enough for them.
LEAST_REQUESTS = 100

_TABLE = ("time,method,path,bytes", "time,method,path,bytes,client")
# A line of the common or combined log format; some put the name of the virtual host before it, or more fields behind it.
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(rf"^(?:\S+:\d+ )?(\S+) \S+ .*?\[([^\]]+)\] {_QUOTED} \d{{3}} (\d+|-)(?: {_QUOTED} {_QUOTED})?")
_REQUEST = re.compile(r"^([A-Z]+) (\S+)(?: (HTTP/\d(?:\.\d)?))?$")
_TIME = "%d/%b/%Y:%H:%M:%S %z"
_NO_LINE, _NO_REQUEST, _NO_TIME = "not a line of an access log", "without a request of HTTP", "without a time"
_FOLDER = "replay"


class ReplayError(Exception):
    """The log cannot be replayed. The text says why, and what to do."""


@dataclass(frozen=True)
class Request:
    time: float  # In seconds; only differences mean something.
    method: str  # GET or HEAD.
    path: str
    size: int  # Bytes of content that were sent.
    client: str  # Who has one connection at a time; "": a connection of its own, closed after the reply.


@dataclass
class Log:
    """What was understood of a file."""

    requests: list = field(default_factory=list)  # By time.
    lines: int = 0
    left_out: dict = field(default_factory=dict)  # Why -> [how many, number of the first line, its text].
    changed: collections.Counter = field(default_factory=collections.Counter)  # Methods that are replayed as GET.

    def leave_out(self, why, number, text):
        self.left_out.setdefault(why, [0, number, text])[0] += 1

    def remarks(self, with_lines=True):
        """Sentences about what is not replayed as it was; `with_lines`: with what the first line of each kind says."""
        found = []
        for why, (count, number, text) in self.left_out.items():
            example = f": {text[:60].encode('unicode_escape').decode()}" if with_lines else ""
            found.append(f"{count:,} of {self.lines:,} lines {'is' if count == 1 else 'are'} {why}, and left out; the first is "
                         f"line {number}{example}")
        if self.changed:
            counts = ", ".join(f"{method} ({count:,})" for method, count in sorted(self.changed.items()))
            found.append(f"what was sent in reply to other methods is fetched by GET: {counts}")
        return found


def _lines(path):
    """The lines of a file, which may be compressed by gzip whatever its name is."""
    with open(path, "rb") as file:
        is_compressed = file.read(2) == b"\x1f\x8b"
    with (gzip.open if is_compressed else open)(path, "rt", encoding="utf-8", errors="replace") as file:
        for line in file:
            yield line.rstrip("\r\n")


def _add(log, time, method, path, size, client):
    if method not in ("GET", "HEAD"):
        log.changed[method] += 1
        method = "GET"
    log.requests.append(Request(time, method, path, size, client))


def _seconds(text, known):
    """Of the time in a log; `known` keeps what was asked before. None if it is none."""
    if text not in known:
        try:
            known[text] = datetime.datetime.strptime(text, _TIME).timestamp()
        except ValueError:
            known[text] = None
    return known[text]


def _read_combined(lines, log):
    times = {}
    for number, line in lines:
        if not line.strip():
            continue
        log.lines += 1
        match = _LINE.match(line)
        if not match:
            log.leave_out(_NO_LINE, number, line)
            continue
        host, time, request, size, _, agent = match.groups()
        seconds, words = _seconds(time, times), _REQUEST.match(request)
        if seconds is None or not words:
            log.leave_out(_NO_TIME if seconds is None else _NO_REQUEST, number, line)
            continue
        method, path, version = words.groups()
        stays = version not in (None, "HTTP/1.0")  # Before 1.1 the connection ended with the reply.
        _add(log, seconds, method, path, 0 if size == "-" else int(size), f"{host} {agent}" if stays else "")


def _read_table(lines, log, has_client):
    """The table of client/load/schedule.h: the path may have commas in it, so fields are counted from both ends."""
    for number, line in lines:
        if not line.strip():
            continue
        log.lines += 1
        head = line.split(",", 2)
        tail = head[2].rsplit(",", 2 if has_client else 1) if len(head) == 3 else []
        try:
            time, size = float(head[0]), int(tail[1])
            client = tail[2] if has_client else ""
            if not (math.isfinite(time) and size >= 0 and head[1].isupper()):
                raise ValueError
        except (ValueError, IndexError):
            log.leave_out("not time,method,path,bytes" + (",client" if has_client else ""), number, line)
            continue
        _add(log, time, head[1], tail[0], size, client)


def _spread(requests):
    """The times of a log are whole seconds. Where in its second a request came is drawn, the order stays: as if they came
    independently of each other."""
    draw = random.Random(1)
    found = []
    by_second = {}
    for request in requests:
        by_second.setdefault(request.time, []).append(request)
    for second, group in by_second.items():
        for offset, request in zip(sorted(draw.random() for _ in group), group):
            found.append(Request(second + offset, request.method, request.path, request.size, request.client))
    return found


def read(path):
    """A Log. ReplayError: it cannot be read, or most of it is not understood."""
    log = Log()
    try:
        lines = enumerate(_lines(path), 1)
        first = next(lines, (1, ""))
        if first[1].strip() in _TABLE:
            _read_table(lines, log, first[1].strip() == _TABLE[1])
        else:
            _read_combined(itertools.chain([first], lines), log)
            log.requests = _spread(sorted(log.requests, key=lambda request: request.time))
    except (OSError, EOFError) as error:
        raise ReplayError(f"{path} cannot be read: {error}") from error
    if len(log.requests) * 2 < log.lines or not log.requests:
        what = "; ".join(log.remarks()) or "it is empty"
        raise ReplayError(f"{path} is neither an access log in the combined format nor a table that begins with "
                          f"{_TABLE[1]}: {what}")
    log.requests.sort(key=lambda request: request.time)
    return log


def busiest(requests, length_s):
    """Those of the span of this length, in seconds of the log, that has the most requests; the first such span."""
    best, first = (0, 0), 0
    for last, request in enumerate(requests):
        while request.time - requests[first].time >= length_s:
            first += 1
        if last + 1 - first > best[1] - best[0]:
            best = (first, last + 1)
    return requests[slice(*best)]


def most_connections(requests, keep_alive_s):
    """How many connections there are at a time, at most, if each reply comes at once."""
    spans = []  # [first time, last time] of each connection.
    of_client = {}
    for request in requests:
        span = of_client.get(request.client) if request.client else None
        if span and request.time <= span[1]:
            span[1] = request.time + keep_alive_s
            continue
        span = [request.time, request.time + (keep_alive_s if request.client else 0)]
        of_client[request.client] = span
        spans.append(span)
    changes = sorted([(first, 0, 1) for first, _ in spans] + [(last, 1, -1) for _, last in spans])
    return max(itertools.accumulate(change for _, _, change in changes))


@dataclass(frozen=True)
class Replay:
    """A log that can be replayed."""

    workload: Workload
    remarks: tuple  # Sentences for the user: what was left out, which part it is.
    remarks_to_keep: tuple  # The same, without anything of the log itself.
    schedule_sha256: str

    def as_json(self):
        return {"remarks": list(self.remarks_to_keep), "schedule_sha256": self.schedule_sha256}


def _make_files(requests, root):
    """A file for each path and size of the requests, under root/replay. Returns (path, size) -> its number."""
    numbers = {}
    for request in requests:
        numbers.setdefault((request.path, request.size), len(numbers))
    needed, free = sum(size for _, size in numbers), shutil.disk_usage(root).free
    if needed > 0.9 * free:
        raise ReplayError(f"the files of this log would take {needed / 1e9:.1f} GB under {root}, where {free / 1e9:.1f} GB are "
                          "free; set TMPDIR to a place with more room")
    os.makedirs(os.path.join(root, _FOLDER), exist_ok=True)
    pattern = bytes(range(33, 123)) * 1000
    for (_, size), number in numbers.items():
        with open(os.path.join(root, _FOLDER, str(number)), "wb") as file:
            for start in range(0, size, len(pattern)):
                file.write(pattern[:size - start])
    return numbers


def _schedule(requests, numbers, speed):
    """The text of the load generator's table."""
    clients = {"": ""}
    rows = [_TABLE[1]]
    for request in requests:
        client = clients.setdefault(request.client, len(clients))
        time = (request.time - requests[0].time) / speed
        rows.append(f"{time:.6f},{request.method},/{_FOLDER}/{numbers[request.path, request.size]},{request.size},{client}")
    return "\n".join(rows) + "\n"


def _title(path, requests, speed):
    clients = len({request.client for request in requests if request.client})
    singles = sum(not request.client for request in requests)
    span = requests[-1].time - requests[0].time
    who = [f"{clients:,} client{'s' if clients != 1 else ''}"] if clients else []
    who += [f"{singles:,} that closed their connection at once"] if singles else []
    return (f"{len(requests):,} requests of {' and '.join(who)}, which took {span:.3g} s in {os.path.basename(path)}"
            + (f", at {speed:g} times their speed" if speed != 1 else ""))


def _too_few(path, window, log, speed, window_s):
    """What to do if there are too few requests for a percentile."""
    if len(log.requests) < LEAST_REQUESTS:
        return f"{path} has {len(log.requests)} requests that can be replayed; that is too few for a 99th percentile"
    return (f"even the busiest part of {path} has {len(window)} requests in {window_s:g} s of replay, too few for a 99th "
            f"percentile; --speed={math.ceil(1.5 * speed * LEAST_REQUESTS / len(window))} might have enough")


def _seconds_for(number, requests, speed):
    """How long it takes, on average, until so many requests are due in the replay; at most its length."""
    length_s = max(1.0, requests[-1].time - requests[0].time) / speed
    return min(1.0, number / len(requests)) * length_s


def make(path, speed, keep_alive_s, window_s, root, schedule_path):
    """A Replay of the log; writes the files that it needs under `root`, and the schedule.

    speed         how many times as fast as it was
    keep_alive_s  how long a client keeps a silent connection, in seconds of the log
    window_s      how much of it, in seconds of the replay: the busiest part is taken
    """
    log = read(path)
    window = busiest(log.requests, window_s * speed)
    if len(window) < LEAST_REQUESTS:
        raise ReplayError(_too_few(path, window, log, speed, window_s))
    text = _schedule(window, _make_files(window, root), speed)
    with open(schedule_path, "w", encoding="ascii") as file:
        file.write(text)
    # The schedule stands in a format string.
    schedule = schedule_path.replace("{", "{{").replace("}", "}}")
    flags = ("--workload=replay", f"--schedule={schedule}", "--begin=random", f"--keep_alive={keep_alive_s / speed:.3f}s")
    workload = Workload("replay", "http", _title(path, window, speed), flags, most_connections(window, keep_alive_s),
                        paced=True, rests=False, connects_first=False,
                        least_s=_seconds_for(LEAST_REQUESTS, window, speed))
    part = []
    if len(window) < len(log.requests):
        since = window[0].time - log.requests[0].time
        part.append(f"of {len(log.requests):,} requests those {len(window):,} are replayed that came from {since:,.0f} s after the "
                    f"first one on, the busiest {window_s * speed:g} s")
    return Replay(workload, (*log.remarks(), *part), (*log.remarks(with_lines=False), *part),
                  hashlib.sha256(text.encode()).hexdigest())
