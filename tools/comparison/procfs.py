"""What Linux reports under /proc about processes and about the machine.

Every function takes what it finds: a process that ends meanwhile counts as nothing, not as an error.
"""

import functools
import os
import re
from dataclasses import dataclass, field

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def read(path, default=""):
    """The text of a file, or the default if it cannot be read (any more)."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return default


def _stat_fields(pid):
    """The fields of /proc/PID/stat from the third (state) on; proc(5) numbers them from 1. Empty if it is gone."""
    # The name, in brackets, may hold anything, brackets and spaces included.
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def session_members(session):
    """The processes of a session, zombies included: a server that was started in one of its own, and its children."""
    return members_by_session({session})[session]


def members_by_session(sessions):
    """session -> its processes, as above: in one pass for several servers."""
    members = {session: [] for session in sessions}
    for pid in sorted(pids()):
        fields = _stat_fields(pid)
        if len(fields) > 3 and int(fields[3]) in members:
            members[int(fields[3])].append(pid)
    return members


def start_time(pid):
    """When a process was started, in ticks since the machine was; with its number it tells it from all others. None where it is
    gone."""
    fields = _stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else None


def is_zombie(pid):
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] == "Z"


def threads(pid):
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return []


def cpu_times(pid):
    """Seconds (user, system) of a process and of those of its children that it has waited for. In steps of 10 ms."""
    fields = _stat_fields(pid)
    if len(fields) < 15:
        return 0.0, 0.0
    utime, stime, cutime, cstime = (int(value) * _TICK_S for value in fields[11:15])
    return utime + cutime, stime + cstime


def thread_cpu_seconds(pid, thread):
    """Time on a processor, to the nanosecond."""
    return int((read(f"/proc/{pid}/task/{thread}/schedstat", "0") or "0").split()[0]) / 1e9


def name(pid):
    """What a process calls itself (comm in proc(5)); empty where it is gone."""
    return read(f"/proc/{pid}/comm").strip()


def first_argument(pid, thread):
    """The first argument of the system call in which a thread waits, a descriptor for most of them (proc(5), /proc/PID/syscall).
    None if the thread runs, or if we may not know."""
    fields = read(f"/proc/{pid}/task/{thread}/syscall").split()
    return int(fields[1], 16) if len(fields) > 2 else None


def voluntary_switches(pid):
    """How often a process (its first thread) went to sleep."""
    match = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(match[1]) if match else 0


def pss_kib(pid):
    """Memory of a process, what it shares with others counted in equal parts ("proportional set size")."""
    match = re.search(r"^Pss:\s+(\d+)", read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
    return int(match[1]) if match else 0


def descriptors(pid):
    """What each of a process's descriptors is: number -> for example "socket:[1234]"."""
    found = {}
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return found
    for number in numbers:
        try:
            found[int(number)] = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            pass
    return found


def epoll_targets(pid, fd):
    """The descriptors that an epoll instance watches."""
    return [int(number) for number in re.findall(r"^tfd:\s*(\d+)", read(f"/proc/{pid}/fdinfo/{fd}"), re.MULTILINE)]


def allowed_cpus(pid):
    """For each thread, on which processors it may run, as the kernel writes it ("0-1,4")."""
    texts = []
    for thread in threads(pid):
        match = re.search(r"^Cpus_allowed_list:\s*(\S+)", read(f"/proc/{pid}/task/{thread}/status"), re.MULTILINE)
        if match:
            texts.append(match[1])
    return texts


def descriptor_limit(pid):
    match = re.search(r"^Max open files\s+(\S+)", read(f"/proc/{pid}/limits"), re.MULTILINE)
    return match[1] if match else ""


_ESTABLISHED, _LEFT_BY_PEER = "01", "08"  # TCP_ESTABLISHED, TCP_CLOSE_WAIT in include/net/tcp_states.h.


def tcp_connections(ports):
    """Of each of these ports of a server, the IPv4 connections in our network: port -> [(inode of the server's end, 0 if it is not
    accepted yet, port of the client)]. Those that the client has left are among them, until the server closes them."""
    found = {port: [] for port in ports}
    for line in read("/proc/net/tcp").splitlines()[1:]:
        fields = line.split()
        port = int(fields[1].rpartition(":")[2], 16)
        if port in found and fields[3] in (_ESTABLISHED, _LEFT_BY_PEER):
            found[port].append((int(fields[9]), int(fields[2].rpartition(":")[2], 16)))
    return found


def connection_inodes(port, pid="self"):
    """The sockets of established TCP connections whose own end is this port, in the network of a process: inode numbers, 0 for
    each that is not accepted yet."""
    inodes = []
    for table in ("tcp", "tcp6"):
        for line in read(f"/proc/{pid}/net/{table}").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "01" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.append(int(fields[9]))
    return inodes


def datagram_sockets_to(port):
    """How many UDP sockets of our network are connected to this port."""
    lines = [line.split() for table in ("udp", "udp6") for line in read(f"/proc/self/net/{table}").splitlines()[1:]]
    return sum(fields[3] == "01" and int(fields[2].rpartition(":")[2], 16) == port for fields in lines)


def listen_overflows(pid="self"):
    """How often, since the machine (or the network of this process) was started, a connection found its listener's queue full."""
    lines = [line.split() for line in read(f"/proc/{pid}/net/netstat").splitlines() if line.startswith("TcpExt:")]
    if len(lines) < 2:
        return 0
    return int(dict(zip(lines[0], lines[1])).get("ListenOverflows", 0))


def busy_seconds():
    """Processor seconds since the start: (all but idling, taken by the host of a virtual machine)."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, read("/proc/stat").split()[1:9])
    return (user + nice + system + irq + softirq) * _TICK_S, steal * _TICK_S


@functools.lru_cache(maxsize=1)
def _network_threads():
    """processor -> the pid of its ksoftirqd; empty in a container that does not see the kernel's threads."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        match = re.fullmatch(r"ksoftirqd/(\d+)\n", read(f"/proc/{pid}/comm"))
        if match:
            found[int(match[1])] = int(pid)
    return found


def network_seconds(cpus):
    """Processor seconds that the kernel's own threads have spent on the network, on these processors: what a send over loopback has
    caused is done by them if it comes in a burst, and no program is charged with it. 0 if the kernel does not tell."""
    threads = _network_threads()
    return sum(int(read(f"/proc/{threads[cpu]}/schedstat", "0").split()[0]) / 1e9 for cpu in cpus if cpu in threads)


def kernel_kib():
    """Memory that the kernel itself uses, of what a connection, thread or process makes it use, for the whole machine.

    For root it is what of the slabs is in use: new objects take places that others have left before they take new pages, so that
    by pages the first thousand connections after a crowd has gone would cost nothing. And each processor counts on its own, and
    adds to the sum once a second; root can ask for it now (vm.stat_refresh, Documentation/admin-guide/sysctl/vm.rst).
    """
    read("/proc/sys/vm/stat_refresh")
    info = dict(re.findall(r"^(\w+):\s+(\d+)", read("/proc/meminfo"), re.MULTILINE))
    slab = _slab_kib() or int(info.get("Slab", 0))
    match = re.search(r"^TCP:.* mem (\d+)", read("/proc/net/sockstat"), re.MULTILINE)
    return (slab + sum(int(info.get(name, 0)) for name in ("KernelStack", "PageTables")) +
            (int(match[1]) * os.sysconf("SC_PAGE_SIZE") // 1024 if match else 0))


def _slab_kib():
    """What is in use of the slabs, by slabinfo(5); 0 if that cannot be read."""
    lines = re.findall(r"^\S+ +(\d+) +\d+ +(\d+) ", read("/proc/slabinfo"), re.MULTILINE)
    return sum(int(objects) * int(size) for objects, size in lines) // 1024


@dataclass
class Tree:
    """A server's processes at one moment."""

    processes: list = field(default_factory=list)
    zombies: int = 0
    threads: int = 0
    descriptors: int = 0
    pss_kib: int = 0
    thread_cpu: dict = field(default_factory=dict)  # (pid, thread) -> seconds.


def look_at(session, with_memory=True):
    """A Tree of the processes in this session."""
    tree = Tree()
    for pid in session_members(session):
        if is_zombie(pid):
            tree.zombies += 1
            continue
        tree.processes.append(pid)
        tree.descriptors += len(descriptors(pid))
        tree.pss_kib += pss_kib(pid) if with_memory else 0
        for thread in threads(pid):
            tree.threads += 1
            tree.thread_cpu[pid, thread] = thread_cpu_seconds(pid, thread)
    return tree


def connections_per_worker(processes, port):
    """How many of a port's connections each worker holds: a process, or each of several epoll loops in one process.

    What threads that share their descriptors hold cannot be told from outside; their process counts as one.
    """
    ours = {f"socket:[{inode}]" for inode in connection_inodes(port, processes[0] if processes else "self")}
    counts = []
    for pid in processes:
        found = descriptors(pid)
        held = {fd for fd, what in found.items() if what in ours}
        loops = [fd for fd, what in found.items() if what == "anon_inode:[eventpoll]"]
        watched = [len(held.intersection(epoll_targets(pid, fd))) for fd in loops]
        if sum(count > 0 for count in watched) > 1:
            counts.extend(count for count in watched if count)
        elif held or len(processes) == 1:
            counts.append(len(held))
    return counts
