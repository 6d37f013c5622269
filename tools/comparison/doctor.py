"""tools/doctor: what in this machine would spoil a measurement, what a container or the system forbids, and what to do about each.
Changes nothing."""

import argparse
import errno
import importlib.util
import json
import os
import re
import resource
import shutil
import time
from dataclasses import asdict, dataclass

from . import cgroup, containers, machine, procfs, table

GOOD, NOTE, BAD = "good", "note", "BAD"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. level: BAD spoils figures, NOTE is worth knowing."""

    name: str
    level: str
    found: str
    do: str = ""


def _number(text, default=0):
    match = re.search(r"-?\d+", text or "")
    return int(match[0]) if match else default


def descriptors(hard=None):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if hard is None else hard
    do = ("raise it: LimitNOFILE= of your service or session, or /etc/security/limits.conf; then log in anew; "
          "in a container --ulimit nofile=65536:65536")
    if hard < 2048:
        return Finding("descriptors", BAD, f"{hard} at most", do)
    if hard < 12000:
        return Finding("descriptors", NOTE, f"{hard} at most: no 10,000 idle connections", do)
    return Finding("descriptors", GOOD, f"{hard} at most")


def ports(value=None):
    first, last = (value or machine.sysctl("net.ipv4.ip_local_port_range") or "32768 60999").split()
    number = int(last) - int(first) + 1
    if number < 20000:
        return Finding("ports", BAD, f"{number} for connections: short ones will run out of them",
                       "sysctl -w net.ipv4.ip_local_port_range='16384 60999'")
    return Finding("ports", GOOD, f"{number} for connections")


def at_least(name, least, do_more):
    value = _number(machine.sysctl(name))
    if value < least:
        return Finding(name, BAD, f"{value}: {do_more}", f"sysctl -w {name}={least}")
    return Finding(name, GOOD, str(value))


def congestion():
    name = machine.sysctl("net.ipv4.tcp_congestion_control")
    if name == "cubic":
        return Finding("congestion control", GOOD, name)
    return Finding("congestion control", NOTE, f"{name}, the same for everybody; transfers differ from other machines'",
                   "sysctl -w net.ipv4.tcp_congestion_control=cubic, to compare with those")


def processors():
    cpus = machine.cpus()
    if len(cpus) < 2:
        return Finding("processors", BAD, "1: the load generator takes its time from the server", "use a machine with 2")
    server, client = machine.split_cpus(cpus)
    siblings = {cpu: procfs.read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").strip()
                for cpu in cpus}
    if {siblings[cpu] for cpu in server} & {siblings[cpu] for cpu in client} - {""}:
        return Finding("processors", BAD, f"{len(cpus)}, of which the server's and the client's halves share cores",
                       "choose --server_cpus and --client_cpus by /sys/devices/system/cpu/cpu*/topology")
    return Finding("processors", GOOD, f"{len(cpus)}: {len(server)} for the server, {len(client)} for the client")


def governor():
    name = procfs.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip()
    if not name:
        return Finding("governor", GOOD, "the system has none (usual in virtual machines)")
    if name != "performance":
        return Finding("governor", BAD, f"{name}: the clock follows the load", "cpupower frequency-set -g performance")
    return Finding("governor", GOOD, name)


def turbo():
    no_turbo = procfs.read("/sys/devices/system/cpu/intel_pstate/no_turbo").strip()
    boost = procfs.read("/sys/devices/system/cpu/cpufreq/boost").strip()
    if no_turbo == "0" or boost == "1":
        path = "intel_pstate/no_turbo" if no_turbo else "cpufreq/boost"
        return Finding("turbo", NOTE, "on: the clock falls as the machine gets warm",
                       f"echo {1 if no_turbo else 0} > /sys/devices/system/cpu/{path}")
    return Finding("turbo", GOOD, "off" if no_turbo or boost else "cannot be seen")


def _busiest(before, after):
    """The name of the process that took most time between two looks."""
    spent = {pid: after[pid] - seconds for pid, seconds in before.items() if pid in after}
    spent.pop(os.getpid(), None)
    if not spent or max(spent.values()) <= 0:
        return ""
    pid = max(spent, key=spent.get)
    return f"; most by {procfs.read(f'/proc/{pid}/comm').strip()} (pid {pid})"


def other_load(seconds=1.0):
    def look():
        return {pid: sum(procfs.cpu_times(pid)) for pid in procfs.pids()}, procfs.busy_seconds()
    before, (busy, stolen) = look()
    time.sleep(seconds)
    after, (busy_after, stolen_after) = look()
    share, host = 100 * (busy_after - busy) / seconds, 100 * (stolen_after - stolen) / seconds
    found = []
    if share < 10:
        found.append(Finding("other load", GOOD, f"{share:.0f} % of a processor"))
    else:
        found.append(Finding("other load", BAD,
                     f"{share:.0f} % of a processor{_busiest(before, after)}", "end it, or wait"))
    if host >= 5:
        found.append(Finding("host", BAD, f"took {host:.0f} % of a processor from this virtual machine",
                             "measure at another time, or on a machine of your own"))
    return found


def memory():
    info = dict(re.findall(r"^(\w+):\s+(\d+)", procfs.read("/proc/meminfo"), re.MULTILINE))
    free, used_swap = int(info["MemAvailable"]) // 1024, (int(info["SwapTotal"]) - int(info["SwapFree"])) // 1024
    found = [Finding("memory", GOOD, f"{free} MiB free") if free >= 2048 else
             Finding("memory", BAD, f"{free} MiB free: too little for a thousand processes", "end other programs")]
    if used_swap > 100:
        found.append(Finding("swap", BAD, f"{used_swap} MiB in use: pages may have to come back from the disk",
                             "swapoff -a; swapon -a"))
    else:
        found.append(Finding("swap", GOOD, "not in use"))
    return found


def huge_pages():
    match = re.search(r"\[(\w+)\]", procfs.read("/sys/kernel/mm/transparent_hugepage/enabled"))
    if match and match[1] == "always":
        return Finding("huge pages", NOTE, "always: memory per connection may be in steps of 2 MiB",
                       "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
    return Finding("huge pages", GOOD, match[1] if match else "none")


def clock():
    name = procfs.read("/sys/devices/system/clocksource/clocksource0/current_clocksource").strip()
    if name in ("tsc", "kvm-clock", "arch_sys_counter"):
        return Finding("clock", GOOD, name)
    return Finding("clock", NOTE, f"{name or 'unknown'}: asking for the time may be slow", "boot with clocksource=tsc")


def container(kind):
    if kind:
        return Finding("container", NOTE, f"{kind}: may forbid calls and bound processes; see below",
                       "docs/containers.md has the options that allow it")
    return Finding("container", GOOD, "none")


def permission(wanted, kind):
    """Whether a call works here that containers often forbid; `kind` is the container, "" for none."""
    error = wanted.call()
    if error is None:
        return Finding(wanted.name, NOTE, "cannot be tried on this processor")
    if error == 0:
        return Finding(wanted.name, GOOD, "allowed")
    if wanted.name == "io_uring" and error == errno.EINVAL:
        return Finding(wanted.name, NOTE, f"older than Linux 6.0: {wanted.without}", "a newer kernel")
    return Finding(wanted.name, NOTE, f"forbidden ({containers.named(error)}): {wanted.without}", wanted.remedy(kind))


def processes(kind, bound=None):
    most, reason = containers.most_processes() if bound is None else bound
    if most is None:
        return Finding("processes", GOOD, "no bound but the system's")
    if most < 1500:
        return Finding("processes", NOTE, f"{most} at most ({reason}): no process for each of a thousand clients",
                       "--pids-limit=-1, when the container is started" if kind else "raise it: TasksMax= of your service, ulimit -u")
    return Finding("processes", GOOD, f"{most} at most ({reason})")


def accounting():
    group = cgroup.CpuGroup.create()
    if group is None:
        return Finding("accounting", NOTE, "no control group: processor time in steps of 10 ms, without lost children",
                       "run it as root")
    group.remove()
    return Finding("accounting", GOOD, "by control group, to the microsecond")


def packages():
    missing = [package for package, is_there in (
        ("python3-numpy", importlib.util.find_spec("numpy")), ("strace", shutil.which("strace")),
        ("iproute2", shutil.which("ss")), ("bazel-bootstrap", shutil.which("bazel"))) if not is_there]
    peers = [name for name in ("nginx", "apache2", "lighttpd") if not shutil.which(name, path="/usr/sbin:/usr/bin")]
    found = [Finding("packages", BAD, "missing: " + ", ".join(missing), "tools/setup --compare") if missing else
             Finding("packages", GOOD, "all there")]
    if peers:
        found.append(Finding("peers", NOTE, "not installed: " + ", ".join(peers),
                             f"apt-get install --no-install-recommends {' '.join(peers)}, to compare with them"))
    return found


def examine():
    """All findings."""
    kind = containers.container()
    findings = [descriptors(), ports(), processors(), governor(), turbo(), *other_load(), *memory(), huge_pages(), clock(),
                at_least("net.core.somaxconn", 4096, "bursts of connections are lost"),
                at_least("net.ipv4.tcp_max_syn_backlog", 512, "bursts of connections are lost"),
                congestion(), container(kind), *(permission(wanted, kind) for wanted in containers.PERMISSIONS), processes(kind),
                accounting(), *packages()]
    if machine.describe()["virtual"]:
        findings.append(Finding("machine", NOTE, "a virtual one: what its host does cannot be seen from here"))
    return findings


def report(findings):
    """The lines that a person reads: what is bad first."""
    ordered = sorted(findings, key=lambda finding: (BAD, NOTE, GOOD).index(finding.level))
    lines = table.align([[finding.level, finding.name, finding.found] for finding in ordered], left=3)
    width = max(len(finding.name) for finding in ordered) + 8
    shown = []
    for finding, line in zip(ordered, lines):
        shown.append(line)
        if finding.do:
            shown.append(" " * width + "-> " + finding.do)
    bad = sum(finding.level == BAD for finding in findings)
    shown.append("")
    shown.append("This machine is fit to measure." if not bad else
                 f"{bad} thing{'s' if bad > 1 else ''} would spoil a measurement.")
    return "\n".join(shown)


def main(arguments):
    parser = argparse.ArgumentParser(prog="tools/doctor", description=(
        "Says what in this machine would spoil a measurement, what a container or the system forbids, and what to do. Changes "
        "nothing. Status 0: fit to measure, 1: not."))
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    findings = examine()
    fit = all(finding.level != BAD for finding in findings)
    if options.json:
        print(json.dumps({"fit": fit, "findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        print(report(findings))
    return 0 if fit else 1
