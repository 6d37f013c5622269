"""The flags that are tuned, and the values that are tried. One table for all models: which of these flags a model has, --model=help
says, and --help has the values of those that choose among words, so that neither is listed here a second time. A test fails if a
model has a flag that stands neither here nor under NOT_TUNED.

What a row tries is told as bundles, {flag: value}: many a flag means nothing unless another one is set, too. `server --check` has
the last word on which bundles make sense together; see settings.py.
"""

import math
import re
from dataclasses import dataclass
from typing import Callable

from distribution import help_text

from .. import processes
from ..subjects import SPARE_WORKERS

ON, OFF = "true", "false"  # Of a switch.


@dataclass(frozen=True)
class Facts:
    """What the values depend on."""

    processors: int  # Of the server.
    connections: int  # At a time.
    keeps: bool  # Whether they stay; otherwise each request makes its own.
    is_pool: bool  # Each worker of the model serves one client at a time.

    @property
    def several(self):
        """What makes several loops: flags about how they share work need that. A pool has several workers in any case."""
        return {} if self.is_pool or self.processors > 1 else {"workers": 2}


@dataclass(frozen=True)
class Known:
    """A flag, as --help has it."""

    choices: tuple  # All values, if they are words.
    default: str  # "" if it has none.
    is_switch: bool

    def others(self, without=()):
        """The values that are not its default."""
        values = ((OFF,) if self.default == ON else (ON,)) if self.is_switch else self.choices
        return [value for value in values if value != self.default and value not in without]


@dataclass(frozen=True)
class Row:
    flag: str
    bundles: Callable  # (Facts, Known) -> [{flag: value}], those first that are likely to change most.


def _words(flag, beside=lambda facts: {}, without=lambda facts: ()):
    """A row of a flag whose values --help has: words, or on and off.

    beside   what is set with it
    without  values that are not tried
    """
    return Row(flag, lambda facts, known: [{**beside(facts), flag: value} for value in known.others(without(facts))])


def _numbers(flag, *values):
    return Row(flag, lambda facts, known: [{flag: value} for value in values if str(value) != known.default])


def _workers(facts, _known):
    """Of a pool whose clients stay each takes a worker, so that fewer would leave some without a reply."""
    if facts.is_pool and facts.keeps:
        numbers = [2 * facts.connections]
    elif facts.is_pool:
        numbers = [facts.processors, 4 * facts.processors, math.ceil(facts.connections / 2)]
    else:
        numbers = [2 * facts.processors, 1, 4 * facts.processors]
    usual = facts.connections + SPARE_WORKERS if facts.is_pool else facts.processors
    return [{"workers": number} for number in dict.fromkeys(numbers) if number != usual]


def _threads(facts, _known):
    """Of a pool of processes with threads: few processes, or one for each processor, and threads for all clients between them."""
    clients = facts.connections + SPARE_WORKERS
    return [{"workers": number, "threads": math.ceil(clients / number)}
            for number in dict.fromkeys((facts.processors, 2 * facts.processors, 4 * facts.processors))]


def _offload(facts, _known):
    return [{"offload": number} for number in dict.fromkeys((1, facts.processors))]


# In the order in which they are tried if the time is too short for all.
ROWS = (
    Row("workers", _workers),
    Row("threads", _threads),
    # On the loopback device bpf would give all clients to one worker. A lock is for pools.
    _words("accept", lambda facts: facts.several, lambda facts: ("bpf",) if facts.is_pool else ("bpf", "lock")),
    _words("serve"),
    Row("offload", _offload),
    _words("trigger"),
    _words("method"),
    _numbers("accept_batch", 1, 8),
    _numbers("stage_threads", 1, 2, 32),
    _numbers("stage_queue", 1, 128),
    _words("handles"),
    _words("reap"),
    _words("start_method"),
    _numbers("poll_interval", "0", "100us"),
    _numbers("sqpoll", "1ms", "20ms"),
    _words("defer_taskrun"),
    _words("registered"),
    _words("bundles"),
    _words("zerocopy"),
    _words("worker_type", lambda facts: facts.several),
    _words("pin_cpus"),
    _words("wake", lambda facts: facts.several),
    _words("lock", lambda facts: {"accept": "lock"}),
    _words("steal", lambda facts: facts.several),
    _numbers("fiber_stack", 64 * 1024, 1024 * 1024),
    _words("offload_files", lambda facts: {"offload": 1}),
)

# Flag -> why its values are not tried.
NOT_TUNED = {
    "admission": "is about overload",
    "busy_poll": "is about network cards, which the loopback device has none of",
    "log_waiting": "is about the log",
    "max_requests_per_worker": "is about workers that leak",
    "workers_max": "is about how a pool grows",
    "workers_min": "is about how a pool shrinks",
}


def known(help_of_server):
    """{flag: Known}, of what `server --help` prints."""
    found = {}
    for entry in help_text.parse(help_of_server).flags():
        default = re.search(r"\(default: (.*)\)$", entry.text)
        is_switch = not entry.value
        shown = default[1] if default else ""
        found[entry.flag.strip("-")] = Known(tuple(entry.choices), ON if entry.is_negatable else OFF if is_switch else shown, is_switch)
    return found


def ask(server):
    """known(), of the program at this path."""
    return known(processes.run([server, "--help"])[1])


def as_flags(setting, described):
    """["--workers=2", "--nodefer_taskrun"] of {flag: value}; `described` is from known()."""
    return [f"--{'' if value == ON else 'no'}{flag}" if described[flag].is_switch else f"--{flag}={value}"
            for flag, value in setting.items()]
