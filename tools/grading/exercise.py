"""What an exercise is for the grader: its checks, and what they say if one fails."""

import dataclasses
import typing


class Wrong(Exception):
    """A check has failed. `what` was seen; `why` it happens, in words that teach; `look` is what to read; `again`, the command
    that shows it once more, if a seed does not."""
    label = "WRONG"

    def __init__(self, what, why="", look="", again=""):
        super().__init__(what)
        self.what = what
        self.why = why
        self.look = look
        self.again = again


class Untried(Wrong):
    """What comes before is wrong, and has to be mended first."""
    label = "later"

    def __init__(self):
        super().__init__("Not tried yet, since something before it is wrong")


class Lacking(Wrong):
    """What is there is right, but does not do what the check asks for, and says so itself. Costs the points; a check without
    points asks for what is a matter of choice."""
    label = "lacks"


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that the program should do. run(lab) returns if it does, and raises Wrong if it does not."""
    title: str
    run: typing.Callable
    points: int = 1


@dataclasses.dataclass(frozen=True)
class Exercise:
    """A folder of course/exercises. The first check is what the faulty program does right, the others are its fault."""
    name: str
    checks: tuple
    flags: tuple = ()  # more of the compiler's, for the student's file
    link_flags: tuple = ()  # more of the linker's; without any, it is compiled and linked in one go
    with_shim: bool = False  # linked to the shim, which defines what the compiler has the program call
