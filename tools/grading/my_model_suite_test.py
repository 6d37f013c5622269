"""The grader is right about course/my_model, which works but lacks something, and about its solution: by one case or two of each
contract, since the suite takes a minute."""

import os
import unittest

from . import contracts, my_model
from .grade import Result

_CASES = [
    "ServicesTest.EchoSendsBackWhatComes",
    "HostileTest.SilentClientIsFollowedByTheNextAsSoonAsItLeaves",
    "HostileTest.SilentClientsKeepNobodyOut",
    "HostileTest.FloodOfEchoWithoutReadingIsHeldBackAndHindersNobody",
    "ServicesTest.LongWorkOfOneDoesNotStallOthers",
    "CrowdTest.KilledChildTakesItsOwnClientAlongAndNoOther",
    "RoomTest.AllHearWhoComesSpeaksAndGoes",
    "StopTest.IdleClientsAreLetGo",
    "StopTest.UploadIsFinishedFirst",
    "TransferTest.DownloadThatBreaksOffHarmsNobody",
    "LimitTest.WhoeverIsTooManyIsRefusedAndTheNextIsServedWhenOneHasLeft",
    "QuietTest.ServerThatMayNotAcceptSaysSoStaysQuietAndStops",
    "HostileTest.IdleTimeoutClosesWhoeverNeverReads",
    "HttpCases.StatusSaysWhichThreadServesWhichConnection",
    "DatagramTest.EchoAnswersEachDatagramByOne",
    "FileTest.PutStoresReplacesAndEmpties",
]


class ModelsTest(unittest.TestCase):
    """Bazel has built both."""

    def judge(self, folder):
        path = os.path.join("course", folder)
        suite = my_model.suite_of(my_model.TOP, path)
        self.assertLessEqual(set(_CASES), set(suite.names()))
        result = Result(my_model.EXERCISE, path, compiled=True, checks=my_model.judge(suite, _CASES, str))
        self.assertEqual(len(result.checks), len(contracts.ALL))
        return result, {number for number, checked in enumerate(result.checks) if checked.wrong is not None}

    def test_skeleton_works_but_serves_one_client_after_the_other(self):
        result, lacking = self.judge("my_model")
        self.assertTrue(result.works, result.checks)
        self.assertEqual([contracts.ALL[number].title for number in sorted(lacking)], [
            "a client that is silent, slow or greedy keeps no other waiting",
            "long work for one client stalls no other",
            "a crash while serving one client ends that client alone",
            "what one says in the chat room reaches all others",
            "there are never more clients than --max_connections allows"])
        self.assertFalse(result.passed)

    def test_solution_lacks_only_what_is_a_matter_of_choice(self):
        result, lacking = self.judge("solutions/my_model")
        self.assertTrue(result.passed, result.checks)
        self.assertEqual([contracts.ALL[number].title for number in lacking],
                         ["a crash while serving one client ends that client alone"])
        self.assertEqual(result.score, result.max_score)


if __name__ == "__main__":
    unittest.main()
