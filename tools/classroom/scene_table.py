"""The scenes of the lab: what each is called, how long it lasts, what to look at and why it happens. acts.py plays them."""

from dataclasses import dataclass

READERS = 10  # Slow readers of each server.
LARGE_MIB = 16  # The file that they request.
STORM = 100  # Clients that connect at the same moment.


@dataclass(frozen=True)
class Scene:
    """One scene. `look` and `why` are a sentence each, read from the back row."""

    name: str  # As --scenes takes it.
    title: str  # On its button.
    look: str
    why: str
    seconds: float  # How long it lasts; cleaning up comes on top.


ALL = (
    Scene("silent", "One silent client",
          "A client connects to each server and says nothing: watch loop stand still while the others answer as before.",
          "The loop server finishes with one client before it accepts the next, so all others wait in the kernel's queue.", 8),
    Scene("idle", "1,000 idle clients",
          "A thousand clients ask once and then stay silent: watch the memory, and the number of processes and threads.",
          "A thread needs a stack, and a process pages of its own; an event loop or a ring keeps some hundred bytes each.", 8),
    Scene("hungry", "Computing client",
          "One client of each server asks for one sum of primes after the other: watch the slowest replies of the event loops.",
          "A loop finishes one piece of work before it looks at its other clients; threads and processes share the processor.",
          9),
    Scene("helpers", "Computing, with helpers",
          "The event loops now run with --offload=2, and the same client computes: watch their slowest replies.",
          "The loop gives the sum to a helper thread and goes on with its other clients until the result is there.", 9),
    Scene("kill", "Killed process",
          "Three clients are connected, and the process that serves the first one is killed: watch whom it takes along.",
          "A process takes along what lives in it: one client if it serves only one, and all of them if they share it.", 6),
    Scene("storm", "Connection storm",
          f"Five times a second, {STORM} clients connect at the same moment: watch the slowest replies and the processor time.",
          "Each connection costs an accept, and a process, a thread or an entry in a table; here a hundred are due at once.", 6),
    Scene("slow", "Slow readers",
          f"{READERS} clients request a file of {LARGE_MIB} MiB and read 10 kB per second of it: watch that memory stays flat.",
          "TCP stops a sender whose reader is slow, so the rest of the file stays on the disk; loop waits with its reader.", 8),
    Scene("stop", "Stopped servers",
          "Each server gets SIGTERM with clients connected, one of them waiting for a reply: watch what each client gets.",
          "A server that stops refuses new clients, finishes the requests under way, and closes idle connections after a second.",
          14),
)


class UnknownScene(Exception):
    """The text says which there are."""


def choose(text):
    """The scenes of a list like "silent,kill", in its order; "all" is all of them."""
    if text == "all":
        return list(ALL)
    by_name = {scene.name: scene for scene in ALL}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in by_name]
    if unknown or not names:
        raise UnknownScene(f"there is no scene '{', '.join(unknown)}'; there are {', '.join(by_name)}, and 'all'")
    return [by_name[name] for name in names]
