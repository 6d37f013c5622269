"""A tiny server whose answers come after a time, and its faults."""

from . import base, line_server

SERVICE = "wait"
FAULTS = line_server.LINE_FAULTS | {
    "does_not_wait": ("answers at once", "answer_comes_when_the_time_is_over"),
    "no_bound": ("waits, whatever the number is", "time_that_is_too_long_is_refused"),
    line_server.BLOCKS_ALL: ("serves several, and waits for one client at a time", "client_that_waits_keeps_no_other_waiting"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order client_that_waits_keeps_no_other_waiting"),
}
_MOST = 60_000


class Server(line_server.NumberServer):
    verb = "WAIT"

    def answer(self, number):
        if number > _MOST and self.fault != "no_bound":
            return f"ERR 413 at most {_MOST}\n"
        if self.fault != "does_not_wait":
            self.stopped.wait(number / 1000)
        return f"OK {number}\n"
