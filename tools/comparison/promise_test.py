"""Capacity under a promise, of simulated servers whose truth is known."""

import math
import unittest

import numpy

from comparison import inference, promise

_P99 = promise.parse("p99<10ms")


class Server:
    """One server for one request after the other, each of which takes the same time (M/D/1).

    service_s  processor time of a request
    noise      standard deviation, as a logarithm, of how fast the machine is from slice to slice
    stalls     (every how many seconds, for how many seconds) the server stands still
    bad_luck   the share of slices in which the machine is slower by 60 %
    most       requests per second that the load generator can send
    """

    def __init__(self, service_s, noise=0.0, stalls=None, bad_luck=0.0, most=math.inf):
        self.service_s, self.noise, self.stalls, self.bad_luck, self.most = service_s, noise, stalls, bad_luck, most

    def response_s(self, chance, rate, seconds):
        """Response times of a slice, of requests that come at random."""
        due = numpy.cumsum(chance.exponential(1 / rate, int(rate * seconds)))
        service = self.service_s * math.exp(self.noise * chance.standard_normal())
        work = numpy.full(len(due), service)
        if chance.random() < self.bad_luck:
            work *= 1.6
        if self.stalls and len(due):
            every, how_long = self.stalls
            for at in numpy.arange(chance.uniform(0, every), due[-1], every):
                work[min(numpy.searchsorted(due, at), len(due) - 1)] += how_long
        done = numpy.cumsum(work)  # Lindley: the end of a request is the largest of due + work of all from there on.
        return done + numpy.maximum.accumulate(due - (done - work)) - due

    def keeps(self, chance, rate, wanted=_P99):
        times = self.response_s(chance, rate, wanted.slice_s)
        return wanted.is_kept(int((times >= wanted.bound_us / 1e6).sum()), len(times))

    def truth(self, wanted=_P99, slices=400):
        """The rate at which one slice in five is broken, by bisection over many slices."""
        chance = numpy.random.default_rng(7)
        low, high = 0.2 / self.service_s, 1.1 / self.service_s
        while high / low > 1.003:
            rate = math.sqrt(low * high)
            broken = sum(not self.keeps(chance, rate, wanted) for _ in range(slices)) / slices
            low, high = (rate, high) if broken <= promise.BROKEN else (low, rate)
        return low


def searched(server, chance, probes, first_rate, is_near=False, wanted=_P99):
    search = promise.Search(first_rate, is_near)
    for _ in range(probes):
        rate = search.next_rate()
        search.tell(rate <= server.most and server.keeps(chance, rate, wanted), rate > server.most)
    return search


def rounds_of(server, seed, rounds=5, wanted=_P99):
    """Probes of so many starts: the first is told a rate that is far off, the others what the earlier ones have found."""
    chance = numpy.random.default_rng(seed)
    found, first = [], 0.5 / server.service_s
    for number in range(rounds):
        found.append(searched(server, chance, 8 if number else 14, first, number > 0, wanted).probes)
        rate = promise.highest(found, numpy.ones((1, len(found))))[0]
        first = rate if math.isfinite(rate) else first
    return found


def estimate(found):
    samples = promise.highest(found, inference.resampled(found))
    return samples[0], promise.effect(samples, len(found))


class ParseTest(unittest.TestCase):
    def test_promises(self):
        self.assertEqual(promise.parse("p99<10ms"), promise.Promise(0.99, 10000, "p99<10ms"))
        self.assertEqual(promise.parse(" p99.9 < 0.5s").bound_us, 500000)
        self.assertEqual(promise.parse("p50<800us").share, 0.5)
        for text in ("p98<1ms", "p99<0ms", "p99<10", "10ms"):
            with self.assertRaises(ValueError, msg=text):
                promise.parse(text)

    def test_a_slice_keeps_it_if_few_enough_requests_are_slow(self):
        self.assertEqual(_P99.slow([9_000_000, 95, 10_000_000, 3], waiting=2), 5)
        self.assertTrue(_P99.is_kept(1, 100))
        self.assertFalse(_P99.is_kept(2, 100))
        self.assertFalse(_P99.is_kept(0, 0))

    def test_its_share_is_exact_at_whole_numbers(self):
        for text, requests in (("p90<10ms", 10), ("p99<10ms", 100), ("p99.9<10ms", 1000)):
            for times in (1, 3, 70):
                self.assertTrue(promise.parse(text).is_kept(times, times * requests), (text, times))
                self.assertFalse(promise.parse(text).is_kept(times + 1, times * requests), (text, times))

    def test_a_slice_is_long_for_its_bound(self):
        self.assertEqual(promise.parse("p99<1ms").slice_s, 0.5)
        self.assertEqual(promise.parse("p99<40ms").slice_s, 2.0)


class IsotonicTest(unittest.TestCase):
    def test_what_falls_is_pooled(self):
        fit = promise.isotonic(numpy.array([[0.0, 3.0, 1.0, 4.0]]), numpy.array([[4.0, 4.0, 4.0, 4.0]]))
        numpy.testing.assert_allclose(fit, [[0, 0.5, 0.5, 1]])

    def test_counts_are_weights(self):
        fit = promise.isotonic(numpy.array([[1.0, 0.0]]), numpy.array([[1.0, 9.0]]))
        numpy.testing.assert_allclose(fit, [[0.1, 0.1]])


class SearchTest(unittest.TestCase):
    def test_it_finds_a_limit_that_is_far_off(self):
        for first in (1500, 5000, 20000):
            search = promise.Search(first)
            for _ in range(16):
                search.tell(search.next_rate() < 5000)
            self.assertAlmostEqual(promise.highest([search.probes], [[1]])[0] / 5000, 1, delta=0.03, msg=first)

    def test_a_broken_probe_is_repeated_before_it_is_believed(self):
        search = promise.Search(1000)
        search.tell(False)
        self.assertEqual([search.next_rate(), search.probes[0].rate], [search.probes[0].rate] * 2)

    def test_bad_luck_at_the_start_is_overcome(self):
        search = promise.Search(1000)
        for number in range(40):
            search.tell(search.next_rate() < 5000 and number > 3)
        self.assertAlmostEqual(promise.highest([search.probes], [[1]])[0] / 5000, 1, delta=0.08)

    def test_what_is_kept_nowhere_has_no_rate(self):
        search = promise.Search(1000)
        for _ in range(16):
            search.tell(False)
        self.assertTrue(math.isnan(promise.highest([search.probes], [[1]])[0]))
        self.assertGreaterEqual(search.next_rate(), 0.99)

    def test_the_generators_limit_is_recognised_and_not_held_against_the_server(self):
        search = searched(Server(1e-4, most=6000), numpy.random.default_rng(1), 14, 3000)
        self.assertTrue(promise.is_limited(search.probes))
        self.assertTrue(promise.is_at_least([search.probes]))
        rate = promise.highest([search.probes], [[1]])[0]
        self.assertTrue(5000 < rate <= 6060, rate)
        self.assertTrue(all(probe.tells for probe in search.probes if probe.is_kept))

    def test_a_server_that_is_slower_than_the_generator_is_not_limited(self):
        search = searched(Server(1e-4, most=60000), numpy.random.default_rng(1), 14, 3000)
        self.assertFalse(promise.is_limited(search.probes))
        self.assertFalse(promise.is_at_least([search.probes]))


class TruthTest(unittest.TestCase):
    def assert_holds(self, server, wanted=_P99, runs=40, delta=0.03, coverage=0.9):
        truth = server.truth(wanted)
        found = [estimate(rounds_of(server, seed, wanted=wanted)) for seed in range(runs)]
        middle = float(numpy.median([rate for rate, _ in found]))
        self.assertAlmostEqual(middle / truth, 1, delta=delta)
        held = [low <= math.log(truth) <= high for low, high in (effect.bounds() for _, effect in found)]
        self.assertGreaterEqual(sum(held) / runs, coverage)

    def test_a_queue_on_a_quiet_machine(self):
        self.assert_holds(Server(3e-4))

    def test_a_machine_that_is_faster_and_slower_by_the_slice(self):
        self.assert_holds(Server(3e-4, noise=0.06, bad_luck=0.05))

    def test_the_middle_of_the_times(self):
        self.assert_holds(Server(1e-3, noise=0.03), promise.parse("p50<5ms"))

    def test_a_server_that_stalls_keeps_no_promise_that_is_shorter_than_its_stalls(self):
        stalling = Server(2e-4, stalls=(0.8, 0.05))
        rates = [estimate(rounds_of(stalling, seed))[0] for seed in range(10)]
        self.assertGreater(sum(not rate > 0.5 / 2e-4 for rate in rates), 7, rates)
        longer = promise.parse("p99<80ms")
        self.assertGreater(estimate(rounds_of(stalling, 1, wanted=longer))[0], 0.5 / 2e-4)


class JsonTest(unittest.TestCase):
    def test_probes_come_back_with_their_times_and_without(self):
        probes = [promise.Probe(100.0, True), promise.Probe(200.0, False, True, {"requests": 50, "p99_us": 12.5})]
        rows = promise.as_json(probes)
        self.assertEqual(rows, [[100.0, 1, 0], [200.0, 0, 1, {"requests": 50, "p99_us": 12.5}]])
        back = promise.of_json(rows)
        self.assertEqual(back, probes)
        self.assertEqual([probe.times for probe in back], [None, {"requests": 50, "p99_us": 12.5}])


if __name__ == "__main__":
    unittest.main()
