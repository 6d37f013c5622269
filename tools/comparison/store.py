"""A result folder: what was measured, as it was measured. One line of JSON for each measurement, written at once, so
that a run that is broken off keeps all that it had, and can be resumed."""

import json
import os

SCHEMA = 2
RUN = "run.json"
SUMMARY = "summary.json"
# The kinds of lines; each has a file of its own.
ROUNDS, MEMORY, IDLE, SCALING, SYSCALLS = "rounds", "memory", "idle", "scaling", "syscalls"
COST, QUIET, PROMISE = "cost", "quiet", "promise"
TUNE = "tune"  # Rounds of races; see tuning/.
REQUEST_TIMES = "request_times"
KINDS = (ROUNDS, MEMORY, IDLE, SCALING, SYSCALLS, COST, QUIET, PROMISE, TUNE, REQUEST_TIMES)


class StoreError(Exception):
    """The folder cannot be used. The text says what to do."""


class Store:
    """A result folder that is there."""

    def __init__(self, folder):
        self.folder = folder

    @classmethod
    def create(cls, folder):
        """A new, empty one. StoreError: there is a run in it already."""
        if os.path.exists(os.path.join(folder, RUN)):
            raise StoreError(
                f"{folder} holds a run already: continue it with --resume={folder}, or choose another --out")
        os.makedirs(os.path.join(folder, "logs"), exist_ok=True)
        return cls(folder)

    @classmethod
    def open(cls, folder):
        """One that a run was written to. StoreError: there is none, or one of another schema."""
        store = cls(folder)
        run = store.run()
        if run is None:
            raise StoreError(f"{folder} holds no run: there is no readable {RUN} in it")
        if run.get("schema") != SCHEMA:
            raise StoreError(f"{folder} was written by another version of this tool (schema {run.get('schema')})")
        return store

    def path(self, name):
        return os.path.join(self.folder, name)

    def _read_json(self, name):
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def _write_json(self, name, value):
        # Written aside and renamed: a reader sees the old one or the new one.
        with open(self.path(name + ".new"), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1, ensure_ascii=False)
            file.write("\n")
        os.replace(self.path(name + ".new"), self.path(name))

    def run(self):
        return self._read_json(RUN)

    def write_run(self, run):
        self._write_json(RUN, run)

    def summary(self):
        return self._read_json(SUMMARY)

    def write_summary(self, summary):
        self._write_json(SUMMARY, summary)

    def append(self, kind, line):
        # One write, however long the line is: another program that reads the file meanwhile sees whole lines.
        with open(self.path(kind + ".jsonl"), "ab", buffering=0) as file:
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())

    def lines(self, kind):
        """All lines of a kind. The last one may have been cut off, with the run; it is as good as not there."""
        try:
            with open(self.path(kind + ".jsonl"), encoding="utf-8") as file:
                text = file.read()
        except OSError:
            return []
        found = []
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def trim(self, kind):
        """Takes away a last line that was cut off, so that the next one begins on its own."""
        path = self.path(kind + ".jsonl")
        if not os.path.exists(path):
            return
        with open(path, "rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
