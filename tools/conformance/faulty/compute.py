"""A tiny server that sums up primes, and its faults."""

import itertools

from . import base, line_server

SERVICE = "compute"
FAULTS = line_server.LINE_FAULTS | {
    "counts_the_bound": ("adds n itself if it is a prime", "sums_up_the_primes"),
    "overflows": ("keeps 16 bits of the sum", "large_sum"),
    "no_bound": ("answers OK, whatever the number is", "number_that_is_too_large_is_refused"),
    base.ONE_AT_A_TIME: (base.COMMON[base.ONE_AT_A_TIME], "clients_in_reverse_order"),
}
_MOST = 10_000_000


def sum_of_primes_below(bound):
    sieve = bytearray([1]) * max(2, bound)
    sieve[:2] = b"\0\0"
    for at in range(2, int(bound ** 0.5) + 1):
        if sieve[at]:
            sieve[at * at::at] = bytes(len(range(at * at, len(sieve), at)))
    return sum(itertools.compress(range(bound), sieve))


class Server(line_server.NumberServer):
    verb = "PRIMES"

    def answer(self, number):
        if number > _MOST:
            return "OK 0\n" if self.fault == "no_bound" else f"ERR 413 at most {_MOST}\n"
        total = sum_of_primes_below(number + (self.fault == "counts_the_bound"))
        return f"OK {total & 0xffff if self.fault == 'overflows' else total}\n"
