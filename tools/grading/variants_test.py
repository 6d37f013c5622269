"""The grader does not know the solutions by heart: other programs that are right pass, and near misses fail. Each is an
exercise's program or its solution with some words replaced."""

import contextlib
import os
import tempfile
import unittest

from . import build, checks, grade, orphans, prove, quota

_RUNS = 2

_WAIT = ("#include <unistd.h>", "#include <sys/wait.h>\n#include <unistd.h>")
_SIGNAL = ("#include <unistd.h>", "#include <signal.h>\n#include <unistd.h>")
_FORKED = ("    close(client);  // The child has its own copy.\n", "    close(client);\n    waitpid(-1, nullptr, 0);\n")
_ACCEPT = "  while (true) {\n    const int client = accept"
_IGNORED = (_ACCEPT, "  signal(SIGCHLD, SIG_IGN);\n" + _ACCEPT)
_TICKET = "const long mine = ++last_ticket;"
_COUNTER = "long last_ticket = 0;"
_FROM = "  const std::lock_guard<std::mutex> lock_from(from.mutex);\n"
_TO = "  const std::lock_guard<std::mutex> lock_to(to.mutex);\n"
_POLL = "    pollfd watched = {listener, POLLIN, 0};\n    if (poll(&watched, 1, -1) < 0) continue;\n"
_SIGNALFD = [
    ("#include <unistd.h>", "#include <sys/signalfd.h>\n#include <unistd.h>"),
    ("  sigset_t while_asleep;\n  sigprocmask(SIG_BLOCK, &term, &while_asleep);\n",
     "  sigprocmask(SIG_BLOCK, &term, nullptr);\n  const int signals = signalfd(-1, &term, 0);\n"),
    ("    pollfd watched = {listener, POLLIN, 0};\n    if (ppoll(&watched, 1, nullptr, &while_asleep) < 0) continue;\n",
     "    pollfd watched[2] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}};\n    if (poll(watched, 2, -1) < 0) continue;\n"
     "    if (watched[1].revents != 0) break;\n"),
]
_PIPE = [
    ("volatile sig_atomic_t stop = 0;\n", "volatile sig_atomic_t stop = 0;\nint wake[2];\n"),
    ("{ stop = 1; }", "{\n  stop = 1;\n  if (write(wake[1], \"\", 1) != 1) _exit(1);\n}"),
    ("  struct sigaction action {};\n", "  if (pipe(wake) != 0) return 1;\n  struct sigaction action {};\n"),
    (_POLL,
     "    pollfd watched[2] = {{listener, POLLIN, 0}, {wake[0], POLLIN, 0}};\n    if (poll(watched, 2, -1) < 0) continue;\n"
     "    if (watched[0].revents == 0) continue;\n"),
]

# (exercise, what it is, whose program, replacements)
RIGHT = [
    ("zombies", "children are ignored", "exercises", [_SIGNAL, _IGNORED]),
    ("zombies", "forked twice", "exercises", [_WAIT, _FORKED, (
        "    if (fork() == 0) {\n", "    if (fork() == 0) {\n      if (fork() != 0) _exit(0);\n")]),
    ("sigchld_once", "children are ignored", "exercises", [_IGNORED]),
    ("descriptor_leak", "closed before exec", "exercises", [(
        "    execlp(", "    close_range(3, ~0U, 0);\n    execlp(")]),
    ("select_limit", "turned away", "exercises", [(
        "        if (client < 0) continue;\n",
        "        if (client >= FD_SETSIZE) close(client);\n        if (client < 0 || client >= FD_SETSIZE) continue;\n")]),
    ("edge_once", "level-triggered", "exercises", [("EPOLLIN | EPOLLET", "EPOLLIN")]),
    ("lost_update", "a mutex", "exercises", [
        ("#include <thread>", "#include <mutex>\n#include <thread>"), (_COUNTER, _COUNTER + "\nstd::mutex mutex;"),
        (_TICKET, "mutex.lock();\n    " + _TICKET + "\n    mutex.unlock();")]),
    ("lost_update", "compare and exchange", "solutions", [
        ("last_ticket.fetch_add(1) + 1;", "Next();"),
        ("// Answers each", "long Next() {\n  long last = last_ticket;\n"
         "  while (!last_ticket.compare_exchange_weak(last, last + 1)) {\n  }\n  return last + 1;\n}\n\n// Answers each")]),
    ("lock_order", "in one order", "exercises", [
        (_FROM, "  const std::lock_guard<std::mutex> lock_from((&from < &to ? from : to).mutex);\n"),
        (_TO, "  const std::lock_guard<std::mutex> lock_to((&from < &to ? to : from).mutex);\n")]),
    ("lock_order", "one lock for all", "exercises", [
        ("Account accounts[10];\n", "Account accounts[10];\nstd::mutex all;\n"),
        (_FROM, "  const std::lock_guard<std::mutex> lock(all);\n"), (_TO, "")]),
    ("signal_gap", "signalfd", "solutions", _SIGNALFD),
    ("signal_gap", "a pipe", "exercises", _PIPE),
    ("thundering_herd", "all wait in accept", "exercises", [
        ("SOCK_STREAM | SOCK_NONBLOCK", "SOCK_STREAM"),
        (_POLL, "")]),
]
WRONG = [
    ("zombies", "the parent waits for each child", "exercises", [_WAIT, _FORKED]),
    ("zombies", "collected before the next client only", "exercises", [_WAIT, (
        "    const int client = accept",
        "    while (waitpid(-1, nullptr, WNOHANG) > 0) {\n    }\n    const int client = accept")]),
    ("descriptor_leak", "the listener leaks", "exercises", [
        ("accept(listener, nullptr, nullptr)", "accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)")]),
    ("edge_once", "with a larger buffer", "exercises", [("char buffer[512]", "char buffer[1400]")]),
    ("lost_update", "volatile", "exercises", [(_COUNTER, "volatile " + _COUNTER)]),
    ("lost_update", "atomic in two steps", "solutions", [
        ("const long mine = last_ticket.fetch_add(1) + 1;", "const long mine = last_ticket + 1;\n    last_ticket = mine;")]),
    ("lock_order", "no lock", "exercises", [(_FROM, ""), (_TO, "")]),
    ("silent_connection", "more workers", "exercises", [("kWorkers = 2", "kWorkers = 16")]),
    ("thundering_herd", "epoll without EPOLLEXCLUSIVE", "solutions", [("EPOLLIN | EPOLLEXCLUSIVE", "EPOLLIN")]),
    ("growing_memory", "a bound that is none", "solutions", [("kMostUnsent = 64 << 10", "kMostUnsent = 1 << 30")]),
]


class VariantsTest(unittest.TestCase):
    """Has a test for each variant, see below."""

    def results(self, name, kind, replacements):
        """Of all its checks, under some seeds."""
        exercise = checks.EXERCISES[name]
        with open(prove.source(build.TOP, kind, exercise), encoding="utf-8") as file:
            text = file.read()
        for old, new in replacements:
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        orphans.adopt()
        with tempfile.TemporaryDirectory() as folder, contextlib.closing(quota.Whole()) as whole:
            source = os.path.join(folder, "variant.cc")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            result = grade.Grader(whole).grade(exercise, source, range(1, _RUNS + 1))
        self.assertTrue(result.compiled, result.messages)
        return result.checks

    def is_right(self, *variant):
        self.assertEqual([(result.check.title, str(result.wrong)) for result in self.results(*variant) if result.wrong], [])

    def is_wrong(self, *variant):
        self.assertTrue(any(result.wrong for result in self.results(*variant)))


for _variants, _method in ((RIGHT, VariantsTest.is_right), (WRONG, VariantsTest.is_wrong)):
    for _name, _what, _kind, _replacements in _variants:
        setattr(VariantsTest, f"test_{_name}_{_what.replace(' ', '_')}",
                lambda self, method=_method, variant=(_name, _kind, _replacements): method(self, *variant))

if __name__ == "__main__":
    unittest.main()
