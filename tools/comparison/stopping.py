"""Stopping: which subjects need not be measured any more, because nothing about them is open. The decision depends only on what
was measured, so that a run that is resumed decides the same."""

from . import inference, metrics, ranking, store, summary


class Stopping:
    """Looks at what ranks the models of a workload (see ranking.py; by the data so far) when there are as many rounds of it as the
    next inference.Look wants, and drops the subjects that are decided by then: each workload's on its own, and twins with those
    that they are twins of."""

    def __init__(self, run, folder):
        """run  run.json's content"""
        self._run, self._folder = run, folder
        self._kind = {workload["name"]: metrics.kind_of(workload.get("ranked_by", ranking.THROUGHPUT)) for workload in run["workloads"]}
        planned = {store.ROUNDS: run["rounds"], **run.get("rounds_of", {})}
        self._looks = {kind: inference.looks(max(1, planned.get(kind, 1))) for kind in self._kind.values()}
        self._passed = dict.fromkeys(self._looks, 0)  # How many of the looks are behind us.
        self._dropped = {workload: set() for workload in self._kind}

    def wanted(self, step):
        """The subjects of a round that are still to be measured. To be asked in the order of the plan."""
        key = dict(step.key)
        workload = key["workload"]
        if self._kind.get(workload) != step.kind:
            return step.subjects
        looks, passed = self._looks[step.kind], self._passed[step.kind]
        while passed < len(looks) - 1 and key["round"] > looks[passed].rounds:
            passed += 1
            self._look(step.kind, looks[:passed])
        self._passed[step.kind] = passed
        return tuple(name for name in step.subjects if name not in self._dropped[workload])

    def _look(self, kind, looks):
        rounds = summary.rounds_of(self._run, {of: self._folder.lines(of) for of in (store.ROUNDS, kind)})
        subjects, so_far = self._run["subjects"], rounds.until(looks[-1].rounds)
        for workload in self._run["workloads"]:
            if self._kind[workload["name"]] == kind:
                metric = ranking.of(workload, subjects, so_far).metric
                said, _ = summary.decide(rounds, subjects, workload["name"], metric, self._run["margin"], looks)
                gone = {subject["name"] for subject in subjects if inference.is_decided(subject["name"], said)}
                gone |= {subject["name"] for subject in subjects if subject["kind"] == "aa" and subject["of"] in gone}
                self._dropped[workload["name"]] |= gone
