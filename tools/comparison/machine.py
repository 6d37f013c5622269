"""What machine this is, and how it is set: recorded with every result, since figures of two machines do not compare."""

import hashlib
import hmac
import os
import re

from . import cgroup, procfs

SYSCTLS = ("net.core.somaxconn", "net.core.netdev_max_backlog", "net.core.rmem_default", "net.core.wmem_default",
           "net.core.rmem_max", "net.core.wmem_max", "net.ipv4.tcp_congestion_control",
           "net.ipv4.tcp_max_syn_backlog", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_tw_reuse",
           "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.tcp_syncookies", "fs.file-max", "fs.nr_open",
           "vm.swappiness", "vm.overcommit_memory", "vm.max_map_count", "kernel.pid_max", "kernel.threads-max",
           "kernel.io_uring_disabled", "kernel.randomize_va_space")


def sysctl(name):
    """The value of a sysctl as the kernel writes it; None if there is none of this name."""
    text = procfs.read("/proc/sys/" + name.replace(".", "/"), None)
    return None if text is None else " ".join(text.split())


def sysctls():
    return {name: sysctl(name) for name in SYSCTLS}


def _first(pattern, text, default=None):
    match = re.search(pattern, text, re.MULTILINE)
    return match[1].strip() if match else default


def cpus():
    """The processors that we may use."""
    return tuple(sorted(os.sched_getaffinity(0)))


def split_cpus(available):
    """(the server's, the client's): half of them each, so that neither takes time from the other. With one processor
    they share it, which the results say."""
    if len(available) == 1:
        return available, available
    middle = len(available) // 2
    return available[:middle], available[middle:]


def mitigations():
    folder = "/sys/devices/system/cpu/vulnerabilities"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return {}
    return {name: procfs.read(f"{folder}/{name}").strip() for name in names}


def identity(machine_id=None):
    """What is the same for all runs of one machine, and for no other one: made from machine-id(5), which is a secret of the machine
    and cannot be got back from it. None if there is none. The machines of a class whose disks were copied may have the same."""
    text = (procfs.read("/etc/machine-id") if machine_id is None else machine_id).strip()
    if not re.fullmatch("[0-9a-f]{32}", text):
        return None  # Also "uninitialized", as images have it.
    return hmac.new(bytes.fromhex(text), b"polyserve tools/compare", hashlib.sha256).hexdigest()[:16]


def describe():
    info = procfs.read("/proc/cpuinfo")
    memory = procfs.read("/proc/meminfo")
    system = os.uname()
    return {"id": identity(),
            "cpu": _first(r"^model name\s*:\s*(.+)$", info, system.machine),
            "cores": os.cpu_count(),
            "cores_for_us": len(cpus()),
            "given": cgroup.given(),
            "virtual": "hypervisor" in (_first(r"^flags\s*:\s*(.+)$", info) or "").split(),
            "memory_kib": int(_first(r"^MemTotal:\s+(\d+)", memory, "0")),
            "kernel": f"{system.sysname} {system.release} {system.machine}",
            "distribution": (_first(r'^PRETTY_NAME="?([^"\n]+)', procfs.read("/etc/os-release")) or ""),
            "governor": procfs.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or None,
            "mitigations": mitigations()}
