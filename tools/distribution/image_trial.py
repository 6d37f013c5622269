"""Tries the OCI image: crun(1) runs it, as Podman would have it run, and the trial looks at it from outside. No daemon and no registry
takes part. Needs root."""

import contextlib
import json
import os
import subprocess
import tarfile
import tempfile

from distribution import bootstrap, image
from distribution.steps import expect, take

# crun refuses hosts that have both versions of control groups (systemd's hybrid mode). It needs none of them here.
HYBRID = "/sys/fs/cgroup/unified"
WITH_ONE_VERSION = ("unshare", "--mount", "--propagation=private", "sh", "-c",
                    'umount --recursive /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', "sh")


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Layout:
    """The image as files, and what its configuration says."""

    def __init__(self, archive, folder):
        self.folder = os.path.join(folder, "layout")
        with tarfile.open(archive) as tar:
            tar.extractall(self.folder)
        manifests = read_json(os.path.join(self.folder, "index.json"))["manifests"]
        expect(len(manifests) == 1, f"it holds {len(manifests)} images")
        self.name = manifests[0]["annotations"]["org.opencontainers.image.ref.name"]
        self.manifest = self.blob(manifests[0]["digest"])
        self.configuration = self.blob(self.manifest["config"]["digest"])

    def blob(self, digest):
        return read_json(os.path.join(self.folder, "blobs", *digest.split(":")))

    def unpack(self, bundle):
        """The file system, and the configuration that a runtime takes (config.json)."""
        done = subprocess.run(["umoci", "unpack", "--image", f"{self.folder}:{self.name}", bundle], capture_output=True, text=True,
                              check=False)
        expect(done.returncode == 0, f"umoci cannot unpack it: {done.stderr}")


class Container:
    """A container that runs the unpacked image; use it as a context manager."""

    def __init__(self, bundle, library, flags=()):
        self.bundle, self.name, self.state = bundle, f"polyserve-trial-{os.getpid()}", bundle + "-state"
        path = os.path.join(bundle, "config.json")
        configuration = self._original(path)
        configuration["process"]["terminal"] = False
        configuration["process"]["args"] += flags
        configuration["linux"].pop("resources", None)
        # The library is a directory of the host, as with `podman run --volume`.
        configuration["mounts"] = [mount for mount in configuration["mounts"]
                                   if mount["type"] != "cgroup" and mount["destination"] != image.LIBRARY]
        configuration["mounts"].append({"destination": image.LIBRARY, "type": "bind", "source": library, "options": ["bind", "ro"]})
        with open(path, "w", encoding="utf-8") as file:
            json.dump(configuration, file)

    @staticmethod
    def _original(path):
        """As umoci made it, whatever an earlier container has changed."""
        with contextlib.suppress(FileExistsError):
            os.link(path, path + ".original")
            os.unlink(path)
        return read_json(path + ".original")

    def crun(self, *words, **options):
        prefix = WITH_ONE_VERSION if os.path.isdir(HYBRID) else ()
        return subprocess.Popen([*prefix, "crun", f"--root={self.state}", "--cgroup-manager=disabled", *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)

    def __enter__(self):
        self.process = self.crun("run", f"--bundle={self.bundle}", self.name)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line.split())
            if line.startswith("ready "):
                break
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.crun("kill", self.name, "KILL").wait()
        self.process.wait()
        self.process.stdout.close()

    def pid(self):
        """Of its first process, as the host numbers it."""
        with self.crun("state", self.name) as state:
            return json.load(state.stdout)["pid"]

    def get(self, path):
        """What http answers on the container's own network."""
        done = subprocess.run(["nsenter", f"--target={self.pid()}", "--net", "curl", "--silent", "--fail", "--max-time", "10",
                               f"http://127.0.0.1:8080{path}"], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"curl ended with status {done.returncode} for {path}")
        return done.stdout

    def run(self, *command):
        """(status, output) of a command in the container."""
        with self.crun("exec", self.name, *command) as done:
            output = done.stdout.read()
        return done.returncode, output

    def stop(self):
        """The status that it ends with after SIGTERM."""
        expect(self.crun("kill", self.name, "TERM").wait() == 0, "it cannot be told to stop")
        return self.process.wait(timeout=30)


def says_what_it_is(layout):
    """What engines show and obey."""
    config = layout.configuration["config"]
    expect(config["User"].split(":")[0].isdigit() and config["User"].split(":")[0] != "0", f"its user is {config['User']!r}")
    expect(sorted(config["ExposedPorts"]) == list(image.PORTS), f"its ports are {sorted(config['ExposedPorts'])}")
    expect(config["Entrypoint"] == list(image.ENTRY_POINT), f"its entry point is {config['Entrypoint']}")
    expect(list(config["Volumes"]) == [image.LIBRARY], f"its volumes are {list(config['Volumes'])}")
    expect(len(layout.manifest["layers"]) == 1, f"it has {len(layout.manifest['layers'])} layers")


def serves(bundle, library):
    """As delivered: epoll, as an ordinary user, http and file."""
    with Container(bundle, library) as container:
        expect(container.lines[-1:] and container.lines[-1][:2] == ["ready", "model=epoll"], f"it says {container.lines}")
        with open(f"/proc/{container.pid()}/status", encoding="utf-8") as file:
            uid = next(line for line in file if line.startswith("Uid:")).split()[1]
        expect(uid != "0", "it runs as root")
        expect(json.loads(container.get("/-/status"))["model"] == "epoll", "/-/status names another model")
        expect(container.get("/hello.txt") == "hello\n", "http sends another file")
        # What docs/containers.md takes for a health check.
        status, output = container.run("polyserve-client", "--server=file://127.0.0.1:8081", "list")
        expect(status == 0 and "hello.txt" in output, f"the client ended with status {status}: {output!r}")
        for program in ("client", "load"):
            status, output = container.run(f"polyserve-{program}", "--version")
            expect(status == 0 and "polyserve 0." in output, f"polyserve-{program} does not run: {output!r}")


def stops(bundle, library):
    """SIGTERM reaches the server, which is the container's first process."""
    with Container(bundle, library) as container:
        status = container.stop()
        expect(status == 0, f"it ended with status {status}")


def takes_flags(bundle, library):
    """What follows the image's name overrides the configuration."""
    with Container(bundle, library, ["--model=fork"]) as container:
        expect(container.lines[-1:] and container.lines[-1][:2] == ["ready", "model=fork"], f"it says {container.lines}")
        expect(container.get("/hello.txt") == "hello\n", "http sends another file")
        expect(container.stop() == 0, "it ended with another status than 0")


def run():
    """Returns 0 if all went well. Prints a line for each step; the first that fails is the last."""
    bootstrap.need("mmdebstrap", "umoci", "crun", "curl", "nsenter")
    with tempfile.TemporaryDirectory() as folder:
        print("package: building the image", flush=True)
        archive = image.build(folder)
        print(f"package: {os.path.getsize(archive) >> 20} MiB", flush=True)
        bundle, library = os.path.join(folder, "bundle"), os.path.join(folder, "library")
        os.mkdir(library)
        with open(os.path.join(library, "hello.txt"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        layout = Layout(archive, folder)
        layout.unpack(bundle)
        return take([("says what it is", lambda: says_what_it_is(layout)),
                     ("serves", lambda: serves(bundle, library)),
                     ("stops", lambda: stops(bundle, library)),
                     ("takes flags", lambda: takes_flags(bundle, library))])
