"""The ledger: which cuts a disturbance explains, and which are the server's fault."""

import unittest

from soaking.ledger import CONNECTION, KEPT, MEMBER, SPACE, Ledger


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.now = 100.0
        self.ledger = Ledger(clock=lambda: self.now)

    def disturb(self, *cuts, seconds=2.0):
        disturbance = self.ledger.begin("something", cuts)
        self.now += seconds
        self.ledger.end(disturbance)

    def test_a_cut_without_a_disturbance_is_a_fault(self):
        self.assertFalse(self.ledger.cut("http get", CONNECTION, 99.0, "reset"))
        self.assertEqual((self.ledger.of("http get").cut, self.ledger.of("http get").wrong), (1, 1))
        self.assertIn("http get: connection cut off for no reason: reset", self.ledger.faults)

    def test_a_cut_within_a_disturbance_is_none(self):
        self.ledger.begin("worker killed", [CONNECTION])
        self.assertTrue(self.ledger.cut("http get", CONNECTION, 99.0, "reset"))
        self.assertEqual(self.ledger.total("wrong"), 0)

    def test_a_disturbance_explains_only_what_it_may_cut(self):
        self.ledger.begin("hub killed", [MEMBER])
        self.assertTrue(self.ledger.cut("chat tcp", MEMBER, 99.0, "closed"))
        self.assertFalse(self.ledger.cut("http get", CONNECTION, 99.0, "reset"))
        self.assertFalse(self.ledger.cut("http get", KEPT, 99.0, "closed"))

    def test_a_disturbance_that_was_over_before_explains_nothing(self):
        self.disturb(CONNECTION)
        self.now += 60
        self.assertFalse(self.ledger.cut("file get", CONNECTION, self.now - 1, "reset"))

    def test_a_disturbance_that_was_over_meanwhile_explains_it(self):
        begun = self.now
        self.disturb(CONNECTION)
        self.now += 60
        self.assertTrue(self.ledger.cut("file get", CONNECTION, begun, "reset"))

    def test_a_member_may_learn_of_it_later_than_others(self):
        self.disturb(CONNECTION, MEMBER)
        self.now += 10
        self.assertTrue(self.ledger.cut("chat udp", MEMBER, self.now, "lost"))
        self.assertFalse(self.ledger.cut("file get", CONNECTION, self.now, "reset"))

    def test_a_full_disk_alone_explains_507(self):
        self.ledger.refused("http put", 507, self.now)
        self.assertEqual(self.ledger.total("wrong"), 1)
        self.disturb(SPACE)
        self.ledger.refused("http put", 507, self.now)
        self.assertEqual((self.ledger.of("http put").refused, self.ledger.total("wrong")), (2, 1))

    def test_503_is_allowed_and_other_codes_are_not(self):
        self.ledger.refused("http put", 503, self.now)
        self.assertEqual(self.ledger.total("wrong"), 0)
        self.ledger.refused("http put", 500, self.now)
        self.assertEqual(self.ledger.total("wrong"), 1)

    def test_a_pool_may_close_what_is_kept(self):
        self.ledger.may_close_kept = frozenset(["http get"])
        self.assertTrue(self.ledger.cut("http get", KEPT, self.now, "closed"))
        self.assertFalse(self.ledger.cut("file get", KEPT, self.now, "closed"))


if __name__ == "__main__":
    unittest.main()
