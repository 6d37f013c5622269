"""An OCI image of the server (https://github.com/opencontainers/image-spec) from the Debian package, made without a daemon: mmdebstrap
makes the file system, umoci the image."""

import os
import subprocess
import tarfile
import tempfile

from distribution import bootstrap, debian, sources

CONFIGURATION = os.path.join(sources.TOOLS, "distribution", "image", "server.conf")
LIBRARY = "/var/lib/polyserve/files"
PORTS = ("8080/tcp", "8081/tcp")
ENTRY_POINT = ("/usr/bin/polyserve-server", "--flagfile=/etc/polyserve/server.conf")
# Nobody reads manuals in a container; licences stay.
LEFT_OUT = ("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/info/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*")


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise debian.PackageError(f"{' '.join(command)} failed: {done.stderr.strip()}")


def user_of(tree):
    """UID:GID of the service's user in a tar archive of a file system: Kubernetes tells by a number alone that it is not root."""
    with tarfile.open(tree) as archive:
        member = next(member for member in archive if os.path.normpath(member.name) == "etc/passwd")
        for line in archive.extractfile(member).read().decode().splitlines():
            fields = line.split(":")
            if fields[0] == "polyserve":
                return f"{fields[2]}:{fields[3]}"
    raise debian.PackageError(f"{tree} has no user polyserve")


def file_system(package, tree, epoch):
    """Installs the package in a Debian that is no larger than it takes; writes the whole to `tree`, a tar archive."""
    bootstrap.make(
        tree, ["systemd-standalone-sysusers", "init-system-helpers"], *LEFT_OUT,
        f"--customize-hook=upload {package} /tmp/polyserve.deb",
        '--customize-hook=chroot "$1" apt-get install --yes --no-install-recommends /tmp/polyserve.deb',
        '--customize-hook=chroot "$1" install -d -o polyserve -g polyserve ' + LIBRARY,
        f"--customize-hook=upload {CONFIGURATION} /etc/polyserve/server.conf",
        # The second holds the proxy of the machine that builds.
        '--customize-hook=rm -f "$1/tmp/polyserve.deb" "$1/etc/apt/apt.conf.d/99mmdebstrap"',
        environment={"SOURCE_DATE_EPOCH": epoch})


def assemble(tree, layout, name, version, created):
    """Makes the folder `layout`, an OCI image layout that holds one image of one layer. `name` is what engines call it, "NAME:TAG";
    `created` is a time as in RFC 3339."""
    image = f"{layout}:{name}"
    _run("umoci", "init", "--layout", layout)
    _run("umoci", "new", "--image", image)
    _run("umoci", "raw", "add-layer", "--image", image, "--history.created", created,
         "--history.created_by", "tools/package --oci", tree)
    settings = [("user", user_of(tree)), ("volume", LIBRARY), ("workingdir", "/"), ("env", "PATH=/usr/bin:/bin"),
                *(("exposedports", port) for port in PORTS), *(("entrypoint", word) for word in ENTRY_POINT),
                ("label", "org.opencontainers.image.title=polyserve"),
                ("label", f"org.opencontainers.image.version={version}")]
    _run("umoci", "config", "--image", image, "--no-history", "--created", created,
         *(word for name, value in settings for word in (f"--config.{name}", value)))
    _run("umoci", "gc", "--layout", layout)


def pack(layout, path):
    """Writes the layout to a tar archive, an "OCI archive", which is the same for the same layout."""
    def plain(member):
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member
    with tarfile.open(path, "w") as archive:
        for folder, folders, names in os.walk(layout):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                archive.add(full, os.path.relpath(full, layout), filter=plain)


def build(folder, package=None):
    """Makes the image in the folder, of a package that is there or of one that is built now; returns its path."""
    bootstrap.need("mmdebstrap", "umoci")
    os.makedirs(folder, exist_ok=True)
    version = debian.version()
    with tempfile.TemporaryDirectory() as scratch:
        package = package or debian.build(scratch)
        tree, layout = os.path.join(scratch, "tree.tar"), os.path.join(scratch, "layout")
        file_system(package, tree, debian.epoch())
        # No name has a tilde.
        assemble(tree, layout, f"polyserve:{version.replace('~', '-')}", version, debian.created())
        path = os.path.join(folder, f"polyserve_{version}_{debian.architecture()}.oci.tar")
        pack(layout, path)
    return path
