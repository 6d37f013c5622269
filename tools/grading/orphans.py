"""Processes whose parent has ended come to the grader instead of to init, so that it can end them."""

import ctypes

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def adopt():
    """For this process, from now on. Without it (another system) orphans of a faulty program may be left."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
