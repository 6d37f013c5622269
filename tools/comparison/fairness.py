"""The fairness contract: what must be the same for every subject, read from the running servers, not from their flags.

A row of it is a name, and a value for each subject. Models must agree in every row; differences of peers are reported.
"""

import re
import shutil
import subprocess
import tempfile

from . import processes, procfs
from .connections import Crowd
from .processes import ServerError

# Rows in which models have to agree, and what each means.
ROWS = {
    "processors": "where its threads may run",
    "descriptor limit": "how many descriptors a process may have",
    "listen backlog": "connections that wait to be accepted",
    "socket options": "set on the listener, inherited or set on connections",
    "receive buffer": "bytes, of a connection",
    "send buffer": "bytes, of a connection",
    "congestion control": "of a connection",
    "accept batch": "connections accepted in one turn of a loop, at most",
}
_SOCKET_OPTION = re.compile(r"setsockopt\(\d+, (?:SOL_\w+|IPPROTO_\w+), (\w+), (?:\[(-?\d+)\])?")
# What a variant of a model sets because that is the variant: --accept=reuseport (which ends what bpf may have begun) and bpf.
_OF_THE_VARIANT = {"SO_REUSEPORT", "SO_DETACH_REUSEPORT_BPF", "SO_ATTACH_REUSEPORT_CBPF"}


def socket_options(trace):
    """What strace saw being set on TCP sockets, as a text: "SO_REUSEADDR=1 TCP_NODELAY=1". Time-outs without value."""
    options = {f"{name}={value}" if value else name for name, value in _SOCKET_OPTION.findall(trace)}
    return " ".join(sorted(option for option in options if option.split("=")[0] not in _OF_THE_VARIANT))


def listen_backlog(ss_output, port):
    """The Send-Q of a listener in `ss -ltn`, which is its backlog."""
    match = re.search(rf"^LISTEN\s+\d+\s+(\d+)\s+\S+:{port}\s", ss_output, re.MULTILINE)
    return match[1] if match else "unknown"


def connection_facts(ss_output):
    """Of the first connection in `ss -tmin`: (receive buffer, send buffer, congestion control)."""
    match = re.search(r"skmem:\(r\d+,rb(\d+),t\d+,tb(\d+)[^)]*\)\s+(?:\w*ts\s+)?(?:sack\s+)?(?:ecn\w*\s+)*(\w+)",
                      ss_output)
    return match.groups() if match else ("unknown",) * 3


def _run(*argv, namespace=None):
    try:
        return processes.run(argv, namespace)[1]
    except (OSError, subprocess.SubprocessError):
        return ""


def accept_batch(subject):
    """What the server says that it is (--help), or the subject's own flag; None if the model has no such thing."""
    if "accept_batch" not in getattr(subject, "traits", {}).get("flags", ()):
        return None
    match = re.search(r"--accept_batch=[^(]*\(default:\s+(\d+)\)", _run(subject.server, "--help"))
    own = [flag.partition("=")[2] for flag in subject.flags if flag.startswith("--accept_batch=")]
    return (own or [match[1] if match else "unknown"])[-1]


def _traced(subject, service, setting):
    """What a server sets on its sockets, from its start to the end of one client."""
    if shutil.which("strace") is None:
        return "unknown (no strace)"
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as trace:
        # -D: the server stays our own child, which ends with us.
        wrapped = _Wrapped(subject, ["strace", "-D", "-f", "-qq", "-e", "trace=setsockopt", "-o", trace.name])
        with wrapped.start(service, setting) as server, Crowd(server.addresses[service], service) as crowd:
            crowd.grow_to(1)
        return socket_options(trace.read())


class _Wrapped:
    """A subject whose command has another one before it."""

    def __init__(self, subject, before):
        self._subject = subject
        self._before = before

    def start(self, service, setting):
        return self._subject.start(service, setting, before=self._before)


def look(subject, service, setting):
    """The contract's rows for one subject: name -> value, all texts."""
    facts = {"socket options": _traced(subject, service, setting)}
    with subject.start(service, setting) as server, Crowd(server.addresses[service], service) as crowd:
        crowd.grow_to(1)
        port = server.port(service)
        pids = procfs.look_at(server.session, with_memory=False).processes
        facts["processors"] = ", ".join(sorted({text for pid in pids for text in procfs.allowed_cpus(pid)}))
        facts["descriptor limit"] = ", ".join(sorted({procfs.descriptor_limit(pid) for pid in pids}))
        facts["listen backlog"] = listen_backlog(_run("ss", "-ltn", namespace=setting.place.namespace), port)
        buffers = connection_facts(_run("ss", "-tmin", "state", "established", "sport", "=", f":{port}",
                                        namespace=setting.place.namespace))
        facts["receive buffer"], facts["send buffer"], facts["congestion control"] = buffers
    return facts


# Kinds of subjects that need not agree with the models.
_FREE = ("peer", "tuned")
# Flags that change a row.
_TUNING = ("listen_backlog", "socket_buffer", "tcp_nodelay", "notcp_nodelay", "accept_batch", "pin_cpus")


def _kind(subject):
    flags = [flag.lstrip("-").partition("=")[0] for flag in getattr(subject, "flags", ())]
    return "tuned" if any(flag in _TUNING for flag in flags) else subject.kind


def violations(contract, kinds):
    """Sentences: in which rows models do not agree (a violation), and others differ from them (a remark).

    contract  row -> {subject: value}
    kinds     subject -> "model" | "aa" | "peer" | "tuned"; the latter, a model whose own flags make the difference, is meant
              to differ
    """
    broken, remarks = [], []
    for row, values in contract.items():
        if row not in ROWS:
            continue
        models = {name: value for name, value in values.items() if kinds[name] not in _FREE}
        if not models:
            continue
        common = max(models.values(), key=list(models.values()).count)
        others = {}
        for name, value in values.items():
            if value != common:
                others.setdefault((kinds[name] in _FREE, value), []).append(name)
        for (is_free, value), names in others.items():
            sentence = f"{row}: {', '.join(names)}: {value or 'none'}; the models: {common or 'none'}"
            (remarks if is_free else broken).append(sentence)
    return broken, remarks


def check(subjects, setting):
    """(contract, violations, remarks) of all subjects; each is started twice for it."""
    contract = {}
    for subject in subjects:
        service = next(one for one in ("echo", "http", "chat") if one in subject.services())
        try:
            facts = look(subject, service, setting)
        except (OSError, ServerError) as error:
            facts = {"failed": str(error)}
        facts["workers"] = subject.worker_rule(setting)
        batch = accept_batch(subject)
        if batch is not None:
            facts["accept batch"] = batch
        for row, value in facts.items():
            contract.setdefault(row, {})[subject.name] = value
    broken, remarks = violations(contract, {subject.name: _kind(subject) for subject in subjects})
    for name, why in contract.get("failed", {}).items():
        broken.append(f"{name} could not be looked at: {why}")
    return contract, broken, remarks
