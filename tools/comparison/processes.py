"""Server: one server, from its start to its end, with all its descendants. Leaves no process behind, whatever happens.

It runs in a session of its own, so that Ctrl-C at the terminal is ours to handle, and so that its descendants can be
found; it is killed should we be.
"""

import atexit
import contextlib
import ctypes
import os
import random
import select
import signal
import socket
import struct
import subprocess
import time

from . import cgroup, limits, procfs

_PATIENCE_S = 15
_PADDING, _MOST_PADDING = "POLYSERVE_PADDING", 4096  # A page.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ServerError(Exception):
    """A server did not start. The text has what it said. `events` are the limits.Events of one that has limits."""

    events = limits.Events()


_CLONE_NEWNET = 0x40000000


def enter_network(namespace):
    """The calling thread, and what it starts from now on, is in this network namespace, which is a file (network_namespaces(7))."""
    with open(namespace, "rb") as file:
        if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), namespace)


def _prepare_child(cpus, group, namespace):
    """Between fork and exec: pinned, counted, in its network, and bound to our own life."""
    parent = os.getpid()

    def prepare():
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # A shell's background job ignores it; a load is ended by it.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # It was killed before that: the signal will not come any more.
            os._exit(1)
        if cpus:
            os.sched_setaffinity(0, cpus)
        if group:
            group.join()
        if namespace:
            enter_network(namespace)
    return prepare


_spawned = []


@contextlib.contextmanager
def _undisturbed():
    """No signal comes between the making of a process and the note that it is there."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def spawn(argv, cpus=None, group=None, namespace=None, **more):
    """A process on these processors, in a session of its own, and in this network namespace, if it is not to be in ours. More
    arguments are subprocess.Popen's."""
    more.setdefault("stdin", subprocess.DEVNULL)
    with _undisturbed():
        process = subprocess.Popen(argv, start_new_session=True, preexec_fn=_prepare_child(cpus, group, namespace), **more)
        _spawned.append(process)
    return process


def run(argv, namespace=None, patience_s=10):
    """A program that is run to its end: (exit status, what it printed, what it said on standard error). OSError: there is none of
    this name; subprocess.TimeoutExpired: it takes longer, and was killed."""
    process = spawn(argv, namespace=namespace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, said = process.communicate(timeout=patience_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        _spawned.remove(process)
    return process.returncode, output, said


@atexit.register
def _end_all():
    """No process is left, wherever Ctrl-C has come."""
    for process in _spawned:
        if process.poll() is None:
            end_session(process.pid, grace_s=0)
            process.wait()


def end_session(session, grace_s=0.5, patience_s=5):
    """Lets the remaining processes of a session end by themselves, then kills them, and waits until they are gone."""
    started = time.monotonic()
    while time.monotonic() < started + patience_s:
        alive = [pid for pid in procfs.session_members(session) if not procfs.is_zombie(pid)]
        if not alive:
            return
        for pid in alive if time.monotonic() > started + grace_s else ():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def with_padding(environment, chance=random):
    """An environment with a variable of random length: where it puts the stack decides what shares a cache line, and so the speed
    of a program, by a few percent (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong!", 2009). The
    kernel draws the other addresses anew at each start (randomize_va_space in proc_sys_kernel(5))."""
    return {**environment, _PADDING: "x" * chance.randrange(_MOST_PADDING)}


def is_readable(descriptor, seconds):
    """Whether there is something to read, or the end, within the time. Any number: select(2) knows those below 1024
    alone, and we may hold thousands of connections."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(1000 * max(0.0, seconds)))


def is_listening(address):
    """Whether a server accepts connections at "HOST:PORT"."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            # If no server listens, a socket that happens to get this very port is connected to itself.
            if connection.getsockname() != connection.getpeername():
                return True
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # The port is not ours.
            return False
    except OSError:
        return False


class Server:
    """A running server. Use it as a context manager.

    addresses  service -> "HOST:PORT"; "echo+udp" where it is for datagrams
    session    its processes' session, for procfs.look_at
    start_s    seconds from its start until it was ready
    drain_s    seconds from SIGTERM until its first process had ended; None before that
    """

    def __init__(self, argv, cpus, log_path, addresses=None, environment=None, close_fds=True, namespace=None, title=None,
                 within=None, behind=None):
        """Starts it, and waits until it is ready. If `addresses` are given, it is ready when they accept connections;
        otherwise when it prints "ready" after its "listening SERVICE tcp|udp HOST:PORT". `namespace`: see spawn(). `title`: what
        errors call it; by default the beginning of argv. `within`: the limits.Limits that it gets, if it gets any. `behind`: a
        Server that this one asks, and that ends with it, whatever happens here."""
        self._behind = behind
        self.addresses = dict(addresses or {})
        self.usage = None
        self.start_s = self.drain_s = None
        self._has_limits = within is not None
        self._group = limits.create(within) if within else cgroup.CpuGroup.create()
        self._cpus = tuple(cpus or ())
        begun = time.monotonic()
        with open(log_path, "a", encoding="utf-8") as log:
            self._process = spawn(argv, cpus, self._group, namespace, stderr=log,
                                  env=with_padding(os.environ if environment is None else environment),
                                  close_fds=close_fds, stdout=log if addresses else subprocess.PIPE)
        self.session = self._process.pid
        try:
            if addresses:
                self._await_listening()
            else:
                self._await_ready()
            self.start_s = time.monotonic() - begun
        except ServerError as error:
            events = self.events()
            self.stop()
            with open(log_path, encoding="utf-8", errors="replace") as log:
                said = log.read()[-500:].strip()
            killed = f"; processes killed for want of memory: {events.oom_kills}" if events.oom_kills else ""
            failure = ServerError(f"{title or ' '.join(argv[:2])}: {error}{killed}" + (f"; it said: {said}" if said else ""))
            failure.events = events
            raise failure from error
        except BaseException:
            self.stop()
            raise

    def _await_ready(self):
        told = b""
        output = self._process.stdout.fileno()
        deadline = time.monotonic() + _PATIENCE_S
        while b"\nready " not in told:
            if not is_readable(output, deadline - time.monotonic()):
                raise ServerError(f"it was not ready after {_PATIENCE_S} s")
            piece = os.read(output, 4096)
            if not piece:
                raise ServerError("it ended before it was ready")
            told += piece
        for line in told.decode().splitlines():
            words = line.split()
            if words[0] == "listening":
                self.addresses[words[1] + ("+udp" if words[2] == "udp" else "")] = words[3]

    def _await_listening(self):
        deadline = time.monotonic() + _PATIENCE_S
        while not all(map(is_listening, self.addresses.values())):
            if self._process.poll() is not None:
                raise ServerError(f"it ended at once, with status {self._process.returncode}")
            if time.monotonic() > deadline:
                raise ServerError(f"it did not listen at {', '.join(self.addresses.values())} after {_PATIENCE_S} s")
            time.sleep(0.01)

    @property
    def counts_all_children(self):
        """Whether cpu_times() includes children that ended without a parent waiting for them."""
        return self._group is not None

    def cpu_times(self):
        """Seconds (user, system) of all its processes, those that have ended included, and of the network threads of the kernel on its
        processors (procfs.network_seconds): a server whose sends come in bursts, such as one with a ring, would look cheaper than it is.
        The latter have run before, so only the difference between two calls says something."""
        user, system = self._own_cpu_times()
        return user, system + procfs.network_seconds(self._cpus)

    def _own_cpu_times(self):
        if self._group:
            return self._group.cpu_times()
        times = [procfs.cpu_times(pid) for pid in procfs.session_members(self.session)]
        return sum(user for user, _ in times), sum(system for _, system in times)

    def cpu_behind(self):
        """Seconds of the server that this one asks: a part of the load, as it were."""
        return sum(self._behind._own_cpu_times()) if self._behind else 0.0

    def events(self):
        """What its limits have done to it so far, a limits.Events; nothing if it has none."""
        return self._group.events() if self._has_limits else limits.Events()

    def port(self, service):
        return int(self.addresses[service].rpartition(":")[2])

    @property
    def exit_status(self):
        """Of its first process, as subprocess.Popen.returncode has it; None while it runs. If it has ended by itself before stop(),
        `usage` stays unknown."""
        return self._process.poll()

    def signal(self, number):
        """To its first process."""
        self._process.send_signal(number)

    def stop(self):
        """Ends it gently, then all that is left of it by force. `usage` is then what the kernel charged it with
        (resource.struct_rusage, its waited-for descendants included), where it was not known to have ended before."""
        process = self._process
        if process.returncode is None:
            begun = time.monotonic()
            try:
                process.terminate()
                if not self._ends_within(_PATIENCE_S):
                    process.kill()
                _, status, self.usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.drain_s = time.monotonic() - begun
            except (ProcessLookupError, ChildProcessError):
                process.poll()
        end_session(self.session)
        if process in _spawned:
            _spawned.remove(process)
        if process.stdout:
            process.stdout.close()
        if self._group:
            self._group.remove()
        if self._behind:
            self._behind.stop()

    def _ends_within(self, seconds):
        handle = os.pidfd_open(self._process.pid)
        try:
            return is_readable(handle, seconds)
        finally:
            os.close(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
