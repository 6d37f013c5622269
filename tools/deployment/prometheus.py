"""Prometheus: a real one, with the configuration of deploy/prometheus and other addresses and times in it."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from comparison import processes

from balancing import stand

_TARGETS = re.compile(r"( +)- targets:\n(?: +- .*\n)+")


class Prometheus:
    """Runs until close(). `targets`: "HOST:PORT" of each server."""

    def __init__(self, configuration, folder, targets):
        """`configuration`: the folder of prometheus.yml and alerts.yml."""
        port, = stand.free_ports(1)
        self._url, self._log_path = f"http://{stand.BALANCER}:{port}", os.path.join(folder, "prometheus.log")
        self._write(configuration, folder, "prometheus.yml", lambda text: self._quick(self._with(text, targets)))
        self._write(configuration, folder, "alerts.yml", self._soon)
        with open(self._log_path, "w", encoding="utf-8") as log:
            self._process = processes.spawn(
                [stand.needed("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={stand.BALANCER}:{port}", "--log.level=warn"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not stand.eventually(self._is_ready, pause_s=0.5):
            self.close()
            raise RuntimeError(f"prometheus does not start: {self.log()}")

    def _is_ready(self):
        """It listens long before that, while it reads what it has stored."""
        if self._process.poll() is not None:
            raise RuntimeError(f"prometheus has ended: {self.log()}")
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=stand.PATIENCE_S) as reply:
                return reply.status == 200
        except OSError:
            return False

    @staticmethod
    def _write(configuration, folder, name, change):
        with open(os.path.join(configuration, name), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(change(text))

    @staticmethod
    def _with(text, targets):
        lines = "".join(f"          - {target}\n" for target in targets)
        text, count = _TARGETS.subn(rf"\1- targets:\n{lines}", text)
        if count != 1:
            raise ValueError("prometheus.yml does not have targets once")
        return text

    @staticmethod
    def _quick(text):
        """Asks every two seconds. That is also how long a server of a busy machine may take to answer."""
        return re.sub(r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s", r"\1: 2s", text)

    @staticmethod
    def _soon(text):
        """Fires after two looks, not after minutes."""
        return re.sub(r"(?m)^( +for): \d+m$", r"\1: 4s", text)

    def query(self, expression):
        """The vector that it is now: a list of (labels, value). Raises ValueError if Prometheus does not understand it."""
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}",
                                        timeout=stand.PATIENCE_S) as reply:
                found = json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{expression}: {error.read().decode()}") from error
        return [(row["metric"], float(row["value"][1])) for row in found["result"]]

    def await_vector(self, expression, is_right):
        """Whether that comes true of it in time."""
        return stand.eventually(lambda: is_right(self.query(expression)), pause_s=0.5)

    def log(self):
        with open(self._log_path, encoding="utf-8") as file:
            return file.read()

    def close(self):
        self._process.kill()
        self._process.wait()
