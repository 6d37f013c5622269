"""Stopping: which subjects need not be measured any more, because nothing about them is open. The decision depends only on what
was measured, so that a run that is resumed decides the same."""

from . import inference, store, summary


class Stopping:
    """Looks at the rounds when they are as many as the next inference.Look wants, and drops the subjects that are decided by
    then: each workload's on its own, and twins with those that they are twins of."""

    def __init__(self, run, folder):
        """run  run.json's content"""
        self._run, self._folder = run, folder
        self._looks = inference.looks(run["rounds"])
        self._passed = 0  # How many of the looks are behind us.
        self._dropped = set()  # (subject, workload)

    def wanted(self, step):
        """The subjects of a round that are still to be measured. To be asked in the order of the plan."""
        key = dict(step.key)
        while self._passed < len(self._looks) - 1 and key["round"] > self._looks[self._passed].rounds:
            self._passed += 1
            self._look(self._looks[:self._passed])
        return tuple(name for name in step.subjects if (name, key["workload"]) not in self._dropped)

    def _look(self, looks):
        rounds = summary.Rounds(self._folder.lines(store.ROUNDS))
        subjects = self._run["subjects"]
        for workload in self._run["workloads"]:
            said, _ = summary.decide(rounds, subjects, workload, self._run["margin"], looks)
            gone = {subject["name"] for subject in subjects if inference.is_decided(subject["name"], said)}
            gone |= {subject["name"] for subject in subjects if subject["kind"] == "aa" and subject["of"] in gone}
            self._dropped |= {(name, workload["name"]) for name in gone}
