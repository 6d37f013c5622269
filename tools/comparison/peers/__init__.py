"""Peers: reference servers, run beside our models in the same rounds, each tuned as its own documentation advises.

A peer is an ordinary child process with a configuration of ours in a temporary folder; nothing of the system's own
configuration is read, and no service is started. All follow the fairness contract: one worker process for each
processor (or, where a connection keeps a worker, one for each connection), a backlog of 4096, TCP_NODELAY, no logs,
connections that are kept for as long as the client likes.

If the comparison itself is killed (SIGKILL), a peer's first process ends with it, but nginx' and Apache's workers may
stay: only our own server notices.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field

from .. import processes, subjects, tls
from . import apache, floor, h2o, lighttpd, nginx, own, python_servers

_MODULES = (nginx, apache, lighttpd, h2o, python_servers)


class MissingPeer(Exception):
    """A peer is not known, or not installed. The text says what to do."""


@dataclass(frozen=True)
class Peer:
    """One of them; `kind` of a subject, see subjects.Model for what the methods promise."""

    name: str
    service: str
    program: str  # A path, or a name that is looked for where Debian keeps servers.
    package: str
    workers: str  # In words.
    # (setting, port, folder, with has_tls also certificate=PATH) -> (arguments, configuration text); writes what the server reads.
    write: object
    version_flag: str = "-v"
    takes_uploads: bool = False
    has_tls: bool = False  # It also serves its service over TLS; what that takes of the others is a package or a build of its own.
    traits: dict = field(default_factory=dict, hash=False)  # As of a model that works in the same way.
    model: str = None
    flags: tuple = ()
    of: str = None
    kind = "peer"

    def services(self):
        return {self.service, *([self.service + "+tls"] if self.has_tls else [])}

    def path(self):
        return shutil.which(self.program, path="/usr/sbin:/usr/bin:/sbin:/bin")

    def refuses(self, workload):
        if self.traits.get("silent") == "one of N" and workload.held > 1000:
            return "serves 1000 clients at most"
        if "--workload=upload" in workload.load and not self.takes_uploads:
            return "takes no uploads"
        return None

    def worker_rule(self, _setting):
        return self.workers

    def _folder(self, setting):
        """Of its own; it stands in configurations, which know no spaces."""
        folder = os.path.join(setting.scratch, re.sub(r"[^\w-]", "_", self.name))
        os.makedirs(folder, exist_ok=True)
        return folder

    def start(self, service, setting, before=()):
        port = own.free_port()
        arguments, _ = self._write(service, setting, port)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        return processes.Server([*before, self.path(), *arguments], setting.cpus,
                                subjects.log_path(setting, self.name), {service: f"{setting.place.host}:{port}"}, environment,
                                namespace=setting.place.namespace, within=setting.within)

    def _write(self, service, setting, port):
        more = {"certificate": tls.certificate(setting.scratch)} if tls.is_encrypted(service) else {}
        return self.write(setting, port, self._folder(setting), **more)

    def version(self):
        done = subprocess.run([self.path(), self.version_flag], capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).strip().splitlines()[0]

    def describe(self, setting):
        """As as_json() of a model, with the configuration that it had in this setting."""
        _, text = self.write(setting, 0, self._folder(setting))
        return {"name": self.name, "kind": self.kind, "model": None, "flags": [], "of": None, "config": text,
                "version": self.version()}


ALL = tuple(Peer(**row) for module in _MODULES for row in module.PEERS)


def choose(names, floors=()):
    """The peers of these names; "all" stands for those that are installed, "floor" for `floors`."""
    by_name = {peer.name: peer for peer in ALL}
    chosen = []
    for name in dict.fromkeys(names):
        if name == floor.NAME:
            chosen += floors
            continue
        if name == "all":
            chosen += [peer for peer in ALL if peer.path() and peer not in chosen]
            continue
        if name not in by_name:
            raise MissingPeer(f"there is no peer '{name}'; there are {', '.join(by_name)}, {floor.NAME}")
        if not by_name[name].path():
            raise MissingPeer(
                f"{name} is not installed: apt-get install --no-install-recommends {by_name[name].package}")
        if by_name[name] not in chosen:
            chosen.append(by_name[name])
    return chosen
