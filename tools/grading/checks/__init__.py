"""The exercises, in the order of the course; each module says how one is checked."""

from . import (blocking_call, descriptor_leak, edge_once, growing_memory, lock_order, lost_update, reset_on_close, select_limit,
               short_write, sigchld_once, signal_gap, silent_connection, thundering_herd, zombies)

EXERCISES = {module.EXERCISE.name: module.EXERCISE for module in (
    short_write, zombies, sigchld_once, descriptor_leak, signal_gap, thundering_herd, silent_connection, lost_update, lock_order,
    select_limit, blocking_call, edge_once, growing_memory, reset_on_close)}
