"""Targets: what the models are to reach, relative to a program that does the same work: their floor (peers/floor.py), or another
server. A line stands for one kind of work, and has a target for each model that it is about."""

import dataclasses
import math
from dataclasses import dataclass

from ..claims.verdict import Demand, at_least, at_most

SPEED, P99, MEMORY = "speed", "p99", "memory"
# By so much less a figure that is to be kept may be: servers that differ by less are called equal elsewhere, too.
_KEPT = 0.03


@dataclass(frozen=True)
class Target:
    """What is demanded of the ratio of two figures: `of` in the denominator. Of several subjects the best counts, and it is
    compared with the best of several others."""

    line: str
    scene: str  # Where it is measured; see scenes.SCENES.
    subjects: tuple
    of: tuple  # Empty: the demand is about the figure itself.
    demand: Demand
    figure: str = SPEED  # Of speed more is better, of the others less.
    needs: str = ""  # Why it cannot be measured; empty if it can.

    @property
    def names(self):
        return (*self.subjects, *self.of)


def _row(line, scene, subjects, of, demand, figure=SPEED):
    """A Target for each of the subjects."""
    return [Target(line, scene, (subject,), of, demand, figure) for subject in subjects]


def keep():
    """What is there already is not to be lost."""
    return Demand(f"kept: at least {1 - _KEPT:g}", 1 - _KEPT, math.inf)


NGINX_WAYS = ("nginx by sendfile", "nginx by write")
APACHE = ("apache-event", "apache-worker", "apache-prefork")
_REDIS = "the load generator does not speak the protocol of redis"

TARGETS = (
    *_row("echo", "echo", ("epoll", "coroutine"), ("epoll floor",), at_least(1.0)),
    *_row("echo", "echo", ("uring",), ("epoll floor",), at_least(1.1)),
    *_row("echo", "echo-512", ("epoll", "coroutine"), ("epoll floor",), at_least(1.0)),
    *_row("echo", "echo-512", ("uring",), ("epoll floor",), at_least(1.1)),
    *_row("echo-each", "echo", ("thread",), ("thread floor",), at_least(0.95)),
    *_row("echo-each", "echo", ("fork", "multiprocess"), ("fork floor",), at_least(0.95)),
    *_row("churn-each", "churn", ("thread",), ("thread floor",), at_least(0.9)),
    *_row("churn-each", "churn", ("fork", "multiprocess"), ("fork floor",), at_least(0.9)),
    *(target for model in ("epoll", "uring", "prefork", "threadpool")
      for target in _row("churn", "churn", (model,), (f"{model} floor",), at_least(1.0))),
    *_row("http", "http", ("epoll",), ("epoll floor",), at_least(1.0)),
    *_row("http", "http", ("epoll",), ("nginx",), at_least(1.35)),
    *_row("http", "http", ("epoll",), ("lighttpd",), at_least(1.17)),
    *_row("http", "http", ("epoll",), ("h2o",), at_least(1.35)),
    *(target for other in ("nginx", "lighttpd", "h2o")
      for target in _row("http", "http", ("epoll",), (other,), at_most(1.0), P99)),
    Target("http-fastest", "http", ("epoll", "coroutine", "uring"), ("nginx",), at_least(1.5)),
    *_row("http-uring", "http", ("uring",), ("uring floor",), at_least(0.97)),
    *_row("http-uring", "http-512", ("uring",), ("epoll",), at_least(1.15)),
    *_row("http-coroutine", "http", ("coroutine",), ("epoll",), at_least(0.98)),
    *_row("http-pools", "http", ("threadpool", "prefork"), APACHE, at_least(3.0)),
    *_row("http-close", "http-close", ("epoll",), ("nginx",), at_least(1.1)),
    *_row("http-close-each", "http-close", ("thread",), ("nginx",), at_least(0.5)),
    *_row("http-close-each", "http-close", ("fork",), ("fork floor",), at_least(0.9)),
    *_row("http-large", "http-16k", ("epoll",), NGINX_WAYS, at_least(1.3)),
    *_row("http-large", "http-128k", ("epoll",), NGINX_WAYS, at_least(1.3)),
    *_row("chat", "chat", ("epoll",), ("chat floor",), at_least(0.95)),
    *_row("chat", "chat-32", ("epoll",), ("chat floor",), at_least(0.9)),
    *(dataclasses.replace(target, needs=_REDIS) for scene, least in (("chat", 1.2), ("chat-32", 1.6))
      for target in _row("chat", scene, ("epoll",), ("redis",), at_least(least))),
    *_row("chat-each", "chat-32", ("thread", "fork"), ("epoll",), at_least(0.3)),
    *_row("get-file", "get-file", ("epoll",), ("files floor",), keep()),
    *_row("get-file", "get-file", ("epoll",), ("nginx",), keep()),
    *_row("put-file", "put-file", ("epoll",), ("files floor",), at_least(1.0)),
    *_row("put-file", "put-file", ("epoll",), ("nginx",), at_least(1.0)),
    *(target for model, most in (("epoll", 256), ("coroutine", 600), ("thread", 12 * 1024), ("fork", 40 * 1024))
      for target in _row("idle-memory", "idle-memory", (model,), (), at_most(float(most)), MEMORY)),
)

LINES = tuple(dict.fromkeys(target.line for target in TARGETS))
