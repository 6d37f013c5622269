"""The rules behind "for this load take this model": each of them, by figures made for it."""
import tempfile
import unittest

from . import results, rules, synthetic


class RulesTest(unittest.TestCase):

    def pick(self, figures, **options):
        with tempfile.TemporaryDirectory() as folder:
            measured = results.Results(synthetic.tiny(folder, figures, **options))
            return rules.pick(measured, measured.workloads[0])

    def test_the_fastest_is_taken(self):
        pick = self.pick({"fork": {"throughput": 50}, "epoll": {"throughput": 100}, "poll": {"throughput": 80}},
                         real=[("epoll", "poll"), ("epoll", "fork")])
        self.assertEqual(pick.model, "epoll")
        self.assertEqual(pick.level, ("epoll",))
        self.assertIn("next is poll with 0.80 of that, last fork with 0.50", pick.because[0])

    def test_between_those_that_are_equal_the_tail_decides(self):
        pick = self.pick({"poll": {"throughput": 99, "service_p99_us": 100}, "epoll": {"throughput": 100, "service_p99_us": 200}},
                         equal=[("poll", "epoll")])
        self.assertEqual(pick.level, ("poll", "epoll"))
        self.assertEqual(pick.model, "poll")
        self.assertIn("Poll and epoll are equal: surely no model is more than 3.0 % better", pick.because[0])
        self.assertIn("lowest 99th percentile: 100 µs (99.0 µs to 101 µs) (epoll: 200 µs", pick.because[1])

    def test_not_told_apart_is_not_equal_and_nothing_but_the_figure_decides(self):
        pick = self.pick({"poll": {"throughput": 90, "service_p99_us": 100, "pss_bytes_per_connection": 1},
                          "epoll": {"throughput": 100, "service_p99_us": 200, "pss_bytes_per_connection": 9000}})
        self.assertEqual(pick.model, "epoll")
        self.assertTrue(pick.is_guess)
        self.assertEqual(pick.level, ("poll", "epoll"))

    def test_a_real_difference_that_is_not_material_decides_nothing(self):
        pick = self.pick({"poll": {"throughput": 98}, "epoll": {"throughput": 100}}, real=[("poll", "epoll")])
        self.assertFalse(pick.is_guess)
        self.assertEqual(pick.level, ("poll", "epoll"))

    def test_memory_decides_after_latency(self):
        figures = {name: {"throughput": 100, "service_p99_us": 100, "pss_bytes_per_connection": own,
                          "kernel_bytes_per_connection": 8000} for name, own in (("thread", 12000), ("epoll", 200))}
        pick = self.pick(figures, equal=[("thread", "epoll")])
        self.assertEqual(pick.model, "epoll")
        self.assertIn("least memory per connection", pick.because[1])

    def test_processor_time_decides_last(self):
        figures = {
            name: {
                "throughput": 100,
                "cpu_us_per_request": cost
            } for name, cost in (("epoll", 6.5), ("uring", 5.0))
        }
        self.assertEqual(self.pick(figures, equal=[("epoll", "uring")]).model, "uring")

    def test_who_is_equal_is_named_in_the_servers_order(self):
        pick = self.pick({"select": {"throughput": 100}, "poll": {"throughput": 101}}, equal=[("select", "poll")])
        self.assertEqual(pick.model, "select")
        self.assertIn("select is the first in the server's list", pick.because[-1])
        self.assertIn("the best figure is poll's", pick.because[0])

    def test_where_it_is_open_the_best_figure_is_a_guess_that_says_what_would_make_it_sure(self):
        pick = self.pick({"fork": {"throughput": 50}, "poll": {"throughput": 90}, "epoll": {"throughput": 100}},
                         real=[("epoll", "fork")])
        self.assertEqual(pick.model, "epoll")
        self.assertEqual(pick.level, ("poll", "epoll"))
        self.assertTrue(pick.is_guess)
        self.assertRegex(pick.because[0], r"open which .* is not told apart from poll; about [\d.]+( k)? rounds would make it sure")

    def test_where_no_other_can_be_much_better_the_bound_is_said_and_it_is_no_guess(self):
        pick = self.pick({"fork": {"throughput": 50}, "poll": {"throughput": (98, 90, 106)}, "epoll": {"throughput": (100, 99, 101)}},
                         unsure=[("poll", "epoll")], real=[("epoll", "fork"), ("poll", "fork")])
        self.assertEqual((pick.model, pick.is_guess, pick.level), ("epoll", False, ("epoll", "poll")))
        self.assertGreater(pick.bound, 0.03)
        self.assertLess(pick.bound, 0.1)
        self.assertRegex(pick.because[0], r"Surely no model is more than [\d.]+ % better than epoll, which has 100 replies/s; whether "
                         r"poll is better by less is open\.")

    def test_a_failed_round_takes_a_model_out(self):
        pick = self.pick({
            "fork": {
                "throughput": 200
            },
            "epoll": {
                "throughput": 100
            }
        },
                         failed=("fork",),
                         real=[("fork", "epoll")])
        self.assertEqual(pick.model, "epoll")
        self.assertEqual(pick.out_of_question[0][0], "fork")

    def test_a_model_that_burns_a_processor_is_out_with_the_reason(self):
        pick = self.pick({"nonblock": {"throughput": 200, "idle_share": 0.14}, "epoll": {"throughput": 100, "idle_share": 0.0001}},
                         real=[("nonblock", "epoll")])
        self.assertEqual(pick.model, "epoll")
        self.assertEqual(pick.out_of_question[0][0], "nonblock")
        self.assertIn("14.0 % of a processor while no request comes", pick.out_of_question[0][1])

    def test_all_failed_means_no_model(self):
        self.assertIsNone(self.pick({"fork": {"throughput": 200}}, failed=("fork",)).model)

    LIMIT = ["the client was the limit (7 of 7 rounds)"]
    LIMITED = {"epoll": {"throughput": 110, "cpu_us_per_request": 6, "service_p99_us": 100},
               "uring": {"throughput": 108, "cpu_us_per_request": 5, "service_p99_us": 200},
               "fork": {"throughput": 50, "cpu_us_per_request": 9, "service_p99_us": 400}}

    def test_where_the_client_was_the_limit_processor_time_decides_and_the_sentence_says_so(self):
        pick = self.pick(self.LIMITED, marks={"epoll": self.LIMIT, "uring": self.LIMIT}, limited="cpu_us_per_request",
                         real=[("epoll", "uring"), ("uring", "fork")])
        self.assertEqual((pick.model, pick.level), ("uring", ("uring",)))
        self.assertEqual(pick.because[0], "By processor time, since the load generator, not the server, was the limit: it is the cheapest: "
                         "5.00 µs for a request, so 200 k requests per second of processor time; next is epoll with 1.20 times as much, "
                         "last fork with 1.80.")
        self.assertEqual(pick.warnings, ())

    def test_what_the_client_has_waited_for_decides_nothing_between_equal_ones(self):
        pick = self.pick(self.LIMITED, marks={"epoll": self.LIMIT, "uring": self.LIMIT}, limited="cpu_us_per_request",
                         equal=[("epoll", "uring")], real=[("uring", "fork")])
        self.assertFalse(any("percentile" in sentence for sentence in pick.because))

    def test_who_asks_for_throughput_gets_it_with_a_warning_and_nobody_is_equal_for_the_clients_sake(self):
        pick = self.pick(self.LIMITED, marks={"epoll": self.LIMIT, "uring": self.LIMIT}, limited="throughput",
                         real=[("epoll", "fork"), ("uring", "fork")])
        self.assertTrue(pick.is_guess)
        self.assertEqual(pick.warnings, ("The client was the limit, not the server: the fastest models may be faster than shown, and "
                                         "differ more.",))

    def test_one_round_that_missed_the_rate_is_a_warning(self):
        figures = {"fork": {"response_p99_us": 900}, "epoll": {"response_p99_us": 300}}
        pick = self.pick(figures, rate=2000, slow={"epoll": 1}, real=[("fork", "epoll")])
        self.assertEqual(pick.model, "epoll")
        self.assertIn("In some rounds of epoll the rate was not reached; they count with the times they had.", pick.warnings)

    def test_two_rounds_of_seven_that_missed_the_rate_take_a_model_out(self):
        figures = {"fork": {"response_p99_us": 900}, "epoll": {"response_p99_us": 300}}
        self.assertEqual(self.pick(figures, rate=2000, slow={"epoll": 2}).model, "fork")
        self.assertEqual(self.pick(figures, rate=2000, slow={"epoll": 2}, rounds=14).model, "epoll")
        self.assertEqual(self.pick(figures, rate=2000, slow={"epoll": 3}, rounds=14).model, "fork")

    def test_a_wrong_reply_takes_a_model_out_whatever_became_of_the_rate(self):
        figures = {"fork": {"response_p99_us": 900}, "epoll": {"response_p99_us": 300}}
        self.assertEqual(self.pick(figures, rate=2000, slow={"epoll": 1}, failed=("epoll",)).model, "fork")
        both = ["errors: the rate was not reached: 9 replies per second came of 10 that were due; compute beside: 1 "
                "replies were wrong (1 of 7 rounds)"]
        self.assertEqual(self.pick(figures, rate=2000, marks={"epoll": both}, failed=("epoll",)).model, "fork")

    def test_times_of_few_rounds_decide_nothing(self):
        figures = {"poll": {"throughput": 100, "service_p99_us": 200, "cpu_us_per_request": 9},
                   "epoll": {"throughput": 100, "service_p99_us": 100, "cpu_us_per_request": 5}}
        self.assertEqual(self.pick(figures, equal=[("poll", "epoll")]).model, "epoll")
        pick = self.pick(figures, equal=[("poll", "epoll")], rounds=4)
        self.assertEqual(pick.model, "poll")
        self.assertFalse(any("99th" in reason for reason in pick.because))

    def test_what_was_done_beside_it_is_told_where_it_differs_much(self):
        def because(own, other):
            figures = {"select": {"throughput": 100, "beside_per_second": own},
                       "epoll": {"throughput": 50, "beside_per_second": other}}
            return self.pick(figures, real=[("select", "epoll")]).because
        self.assertIn("Beside it, it did 51 of the other requests a second; the most did epoll: 120.", because(51, 120))
        self.assertIn("Beside it, it did 51 of the other requests a second; the least did epoll: 0.", because(51, 0))
        self.assertEqual(len(because(70, 120)), 1)

    def test_at_a_given_rate_the_response_time_decides(self):
        figures = {
            "fork": {
                "throughput": 2000,
                "response_p99_us": 900
            },
            "epoll": {
                "throughput": 2000,
                "response_p99_us": 300
            }
        }
        pick = self.pick(figures, rate=2000, real=[("fork", "epoll")])
        self.assertEqual(pick.model, "epoll")
        self.assertIn("fork with 3.00 times as long", pick.because[0])

    def test_a_loud_machine_is_said_to_be_one(self):
        self.assertEqual(self.pick({"epoll": {"throughput": 100}}).warnings, ())
        self.assertIn("epoll differed from itself", self.pick({"epoll": {"throughput": 100}}, unlike=["epoll"]).warnings[0])
        self.assertIn("good to 30 %", self.pick({"epoll": {"throughput": (100, 60, 120)}}).warnings[0])

    def test_memory_below_zero_is_noise_and_makes_nobody_the_least(self):
        figures = {name: {"throughput": 100, "pss_bytes_per_connection": (own, own - 100, own + 100),
                          "kernel_bytes_per_connection": kernel}
                   for name, own, kernel in (("thread", 13300, (35000, 34000, 36000)), ("epoll", 4200, (8000, 7000, 9000)),
                                             ("threadpool", 13300, (-8000, -51000, 35000)))}
        names = list(figures)
        pick = self.pick(figures, equal=[(a, b) for a in names for b in names])
        self.assertEqual(pick.model, "epoll")  # Not threadpool, whose memory nobody knows.
        self.assertIn("epoll and threadpool have the least memory per connection: 11.9 KiB (10.8 KiB to 13.0 KiB)", pick.because[1])


if __name__ == "__main__":
    unittest.main()
