"""Two versions of the server: which programs `tools/compare diff OLD NEW` means by OLD and NEW, and the subjects of that."""

import dataclasses
import os
import shlex
import shutil
import subprocess
import sys

from . import programs
from .subjects import Model, UnknownSubject

OLD, NEW = "old", "new"


def _cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "polyserve", "versions")


def _git(*arguments):
    done = subprocess.run(["git", "-C", programs.REPOSITORY, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise programs.BuildError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _build(commit):
    """The server of a commit; the build is kept, since the next comparison may ask for the same one."""
    kept = os.path.join(_cache(), commit, "server")
    if os.access(kept, os.X_OK):
        return kept
    print(f"compare: building the server of {commit[:12]} (some minutes)", file=sys.stderr)
    tree = os.path.join(_cache(), "tree")  # One for all commits, so that Bazel builds only what differs.
    if os.path.isdir(tree):
        _git("worktree", "remove", "--force", tree)
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    _git("worktree", "add", "--force", "--detach", tree, commit)
    try:
        programs.bazel("build", "--config=opt", "//:server", folder=tree)
        built = programs.bazel("info", "--config=opt", "bazel-bin", folder=tree).strip()
        shutil.copy2(os.path.join(built, "server"), kept + ".new")
        os.replace(kept + ".new", kept)
    finally:
        _git("worktree", "remove", "--force", tree)
    return kept


def obtain(name, built):
    """(programs.Program, what it is called in run.json) of a version: a folder like bazel-bin or a server's program, "." for
    this tree as it is (`built`, a Program), or a revision of git.

    Raises BuildError.
    """
    if name == ".":
        return built, "this tree"
    if os.path.exists(name):
        path = os.path.join(name, "server") if os.path.isdir(name) else name
        if not os.access(path, os.X_OK):
            raise programs.BuildError(f"there is no program {path}")
        return programs.inspect(os.path.abspath(path)), name
    try:
        commit = _git("rev-parse", "--verify", "--quiet", name + "^{commit}")
    except (programs.BuildError, FileNotFoundError) as error:
        raise programs.BuildError(f"'{name}' is neither a folder with a server, nor a server, nor a revision of git") from error
    return programs.inspect(_build(commit)), f"{name} ({commit[:12]})"


def subjects(names, pair):
    """The Models of these names, each as the old and as the new program has it: [old, new, old, new ...].

    names  as subjects.choose() takes them; none for all models that both have
    pair   the two Programs
    """
    both = [programs.models(program) for program in pair]
    found = []
    for name in names or [name for name in both[0] if name in both[1]]:
        model, *flags = shlex.split(name)
        for version, program, known in zip((OLD, NEW), pair, both):
            if model not in known:
                raise UnknownSubject(f"the {version} server has no model '{model}'; it has {', '.join(known)}")
            found.append(Model(f"{name} ({version})", model, tuple(flags), program.path, known[model]))
    return [dataclasses.replace(one, against=found[at - 1].name) if at % 2 else one for at, one in enumerate(found)]
