"""The Debian package: programs, manual pages, completion, and a service of systemd with its user and its configuration."""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time

from distribution import completion, manual, sources

HERE = os.path.join(sources.TOOLS, "distribution", "debian")
CONFFILES = {"etc/polyserve/server.conf": "server.conf", "etc/logrotate.d/polyserve": "logrotate.conf"}
DATA = {"usr/lib/systemd/system/polyserve.service": "polyserve.service", "usr/lib/sysusers.d/polyserve.conf": "sysusers.conf"}
SCRIPTS = ("postinst", "prerm", "postrm")

CONTROL = """Package: polyserve
Version: {version}
Architecture: {architecture}
Maintainer: The Polyserve maintainers <polyserve@localhost>
Installed-Size: {kibibytes}
Depends: {depends}
Section: net
Priority: optional
Description: server with the concurrency model of your choice
 Serves files by HTTP, TFTP and a protocol of its own, a chat room, and small
 services, under one of {models} concurrency models that are chosen at start-up:
 a process or a thread for each client, pools, event loops, io_uring.
 .
 With a client and a load generator, and a service of systemd that offers a
 directory on this machine.
"""


class PackageError(Exception):
    """The package cannot be made; the text says why."""


def _run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise PackageError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def _git(*arguments):
    try:
        return _run("git", "-C", sources.TOP, *arguments).strip()
    except (OSError, PackageError):  # Sources without a history.
        return ""


def version():
    """That of the change log; with the date of the last commit behind it, and so before the release, if it is not released."""
    with open(os.path.join(sources.TOP, "CHANGELOG.md"), encoding="utf-8") as file:
        is_open = re.search(r"(?m)^## \S+(.*)", file.read())[1] != ""
    date = _git("log", "-1", "--format=%cd", "--date=format:%Y%m%d%H%M")
    return sources.version() + (f"~{date or 'dev'}" if is_open else "")


def epoch():
    """The time of the last commit in seconds since 1970, for all that records when it was built."""
    return _git("log", "-1", "--format=%ct") or "0"


def created():
    """The same as in RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(epoch())))


def architecture():
    return _run("dpkg", "--print-architecture").strip()


def _write(root, name, content, mode=0o644):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _compressed(content):
    """Without the time, so that the same content makes the same bytes."""
    return gzip.compress(content if isinstance(content, bytes) else content.encode(), 9, mtime=0)


def _add_program(root, name):
    """The program without what only debuggers read, its page, and its completion."""
    installed = f"polyserve-{name}"
    path = os.path.join(root, "usr/bin", installed)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copyfile(sources.path_of(name), path)
    os.chmod(path, 0o755)
    _run("strip", "--strip-unneeded", path)
    section = manual.SEE_ALSO[installed]
    _write(root, f"usr/share/man/man{section}/{sources.file_name(name)}.gz", _compressed(sources.page(name)))
    info = sources.program(name)
    _write(root, f"usr/share/bash-completion/completions/{installed}", completion.bash(info, [installed]))
    _write(root, f"usr/share/zsh/vendor-completions/_{installed.replace('-', '_')}", completion.zsh(info, [installed]))
    _write(root, f"usr/share/fish/vendor_completions.d/{installed}.fish", completion.fish(info, [installed]))


def _depends(root):
    """The libraries that the programs load, and what makes the user and enables the service."""
    programs = [os.path.join(root, "usr/bin", f"polyserve-{name}") for name in sources.PROGRAMS]
    with tempfile.TemporaryDirectory() as folder:
        _write(folder, "debian/control", "Source: polyserve\n\nPackage: polyserve\nArchitecture: any\n")
        found = _run("dpkg-shlibdeps", "-O", *programs, cwd=folder)
    libraries = re.search(r"shlibs:Depends=(.*)", found)[1]
    return f"{libraries}, init-system-helpers (>= 1.54~), systemd | systemd-standalone-sysusers | systemd-sysusers"


def _fill(root):
    for name in sources.PROGRAMS:
        _add_program(root, name)
    for target, source in {**CONFFILES, **DATA}.items():
        _write(root, target, _read(os.path.join(HERE, source)))
    _write(root, "usr/share/doc/polyserve/copyright", _read(os.path.join(sources.TOP, "LICENSE")))
    _write(root, "usr/share/doc/polyserve/changelog.gz", _compressed(_read(os.path.join(sources.TOP, "CHANGELOG.md"))))


def _files(root):
    """(path, path below root) of all files, in order."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            yield path, os.path.relpath(path, root)


def _describe(root, the_version):
    files = list(_files(root))
    control = CONTROL.format(version=the_version, architecture=architecture(),
                             kibibytes=sum(-(-os.path.getsize(path) // 1024) for path, _ in files), depends=_depends(root),
                             models=len(sources.program("server").section("Models").entries))
    sums = "".join(f"{hashlib.md5(_read(path)).hexdigest()}  {name}\n" for path, name in files if name not in CONFFILES)
    _write(root, "DEBIAN/control", control)
    _write(root, "DEBIAN/md5sums", sums)
    _write(root, "DEBIAN/conffiles", "".join(f"/{name}\n" for name in CONFFILES))
    for script in SCRIPTS:
        _write(root, f"DEBIAN/{script}", _read(os.path.join(HERE, f"{script}.sh")), 0o755)


def build(folder, the_version=None, change=lambda root: None, compression="xz"):
    """Makes the package in the folder, and returns its path. `change` may alter its files before: a trial makes a newer version of
    them. The same sources make the same bytes."""
    the_version = the_version or version()
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        _fill(root)
        change(root)
        _describe(root, the_version)
        os.makedirs(folder, exist_ok=True)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch()}
        path = os.path.join(folder, f"polyserve_{the_version}_{architecture()}.deb")
        _run("dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", root, path, env=environment)
    return path
