"""Merging: what is counted, what is said of it, and what is refused. All results are made up."""

import contextlib
import csv
import io
import json
import math
import os
import tempfile
import unittest

from comparison import made_up_results, schema
from comparison.made_up_results import BETTER, EQUAL, OPEN, WORSE, front, verdict
from comparison.merging import cli, facts, pooling, results, text


class FolderTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def write(self, name, verdicts=(), number=0, **more):
        """A run on a machine of its own, which the number tells from others of the test."""
        machine = {"id": f"{number:016x}", **more.pop("machine", {})}
        return made_up_results.write(os.path.join(self.scratch, name), verdicts, machine=machine, **more)

    def of_pair(self, *says, **more):
        """The only pair of as many machines as say something of poll and epoll."""
        folders = [self.write(f"m{number}", [verdict("poll", "epoll", one)], number, **more) for number, one in enumerate(says)]
        return cli.merge(folders)["pairs"][0]


class CountTest(FolderTest):
    def test_what_all_machines_say_holds(self):
        pair = self.of_pair(BETTER, BETTER, BETTER)
        self.assertEqual((pair["outcome"], pair["on"]["first"]), (pooling.HOLDS, ["m0", "m1", "m2"]))
        self.assertEqual(text.sentence(pair, "machine"), "poll beats epoll on 3 of 3 machines.")

    def test_open_here_and_decided_there_is_no_flip(self):
        pair = self.of_pair(WORSE, OPEN, WORSE)
        self.assertEqual((pair["outcome"], pair["on"]["second"], pair["on"]["open"]), (pooling.AGREES, ["m0", "m2"], ["m1"]))
        self.assertEqual(text.sentence(pair, "machine"), "epoll beats poll on 2 of 3 machines (m0, m2); open on 1 of 3 machines (m1).")

    def test_a_flip_is_better_here_and_worse_there(self):
        pair = self.of_pair(BETTER, WORSE, WORSE, OPEN)
        self.assertEqual(pair["outcome"], pooling.FLIPS)
        self.assertTrue(text.sentence(pair, "machine").startswith("epoll beats poll on 2 of 4 machines (m1, m2); poll beats epoll on 1 "))

    def test_better_on_some_and_equal_on_others_is_neither_a_flip_nor_agreement(self):
        self.assertEqual(self.of_pair(BETTER, EQUAL)["outcome"], pooling.PARTLY)

    def test_one_machine_that_has_decided_is_not_all_machines(self):
        self.assertEqual(self.of_pair(OPEN, BETTER, OPEN)["outcome"], pooling.SINGLE)

    def test_what_is_open_on_all_stays_open(self):
        self.assertEqual(self.of_pair(OPEN, OPEN)["outcome"], pooling.NONE)

    def test_less_is_better_in_some_metrics(self):
        folders = [self.write(f"m{number}", [verdict("poll", "epoll", BETTER, "cpu_us_per_request")], number) for number in range(2)]
        self.assertEqual(cli.merge(folders)["pairs"][0]["on"]["second"], ["m0", "m1"])

    def test_the_order_of_the_names_in_a_run_does_not_matter(self):
        one, other = (self.write("a", [verdict("poll", "epoll", BETTER)], 1), self.write("b", [verdict("epoll", "poll", WORSE)], 2))
        pair = cli.merge([one, other])["pairs"][0]
        self.assertEqual((pair["outcome"], pair["ratio"]["least"]["ratio"], pair["ratio"]["most"]["ratio"]), (pooling.HOLDS, 1.5, 2.0))

    def test_a_published_run_has_the_logarithm_of_a_ratio_alone(self):
        whole = verdict("poll", "epoll", BETTER)
        short = {name: value for name, value in whole.items() if name not in ("ratio", "low", "high")}
        pair = cli.merge([self.write("a", [short], 1), self.write("b", [short], 2)])["pairs"][0]
        self.assertEqual((pair["on"]["first"], pair["ratio"]["units"]), (["a", "b"], 2))
        self.assertAlmostEqual(pair["ratio"]["least"]["low"], whole["low"])

    def test_several_runs_of_a_machine_are_one_voice(self):
        runs = [self.write(f"run{number}", [verdict("poll", "epoll", says)], 7) for number, says in enumerate((BETTER, OPEN, BETTER))]
        other = self.write("other", [verdict("poll", "epoll", WORSE)], 8)
        merged = cli.merge([*runs, other])
        pair = merged["pairs"][0]
        self.assertEqual((pair["units"], pair["on"]["first"], pair["on"]["second"]), (2, ["run0 + run1 + run2"], ["other"]))
        self.assertIn("count as one machine", merged["remarks"][0])

    def test_a_machine_whose_runs_disagree_is_for_neither_side(self):
        runs = [self.write(f"run{number}", [verdict("poll", "epoll", says)], 7) for number, says in enumerate((BETTER, WORSE))]
        pair = cli.merge([*runs, self.write("other", [verdict("poll", "epoll", BETTER)], 8)])["pairs"][0]
        self.assertEqual((pair["outcome"], pair["on"]["mixed"], pair["on"]["first"]), (pooling.FLIPS, ["run0 + run1"], ["other"]))

    def test_runs_of_a_single_machine_are_counted_and_it_says_so(self):
        runs = [self.write(f"run{number}", [verdict("poll", "epoll", BETTER)], 7) for number in range(3)]
        merged = cli.merge(runs)
        self.assertEqual((merged["unit"], merged["pairs"][0]["units"], merged["pairs"][0]["outcome"]), ("run", 3, pooling.HOLDS))
        shown = text.text(merged)
        self.assertIn("All runs are of one machine", shown)
        self.assertIn("decided alike on all runs", shown)

    def test_a_subject_of_one_machine_alone_is_not_compared(self):
        merged = cli.merge([self.write("a", [verdict("poll", "epoll", BETTER), verdict("poll", "fork", BETTER)], 1),
                            self.write("b", [verdict("poll", "epoll", BETTER)], 2)])
        self.assertEqual([(pair["first"], pair["second"]) for pair in merged["pairs"]], [("poll", "epoll")])
        self.assertIn("fork took part on a alone, and cannot be compared across machines.", merged["remarks"])

    def test_false_verdicts_grow_with_the_number_of_tables(self):
        merged = cli.merge([self.write(f"m{number}", [verdict("poll", "epoll", OPEN)], number) for number in range(30)])
        self.assertIn("Of the 30 tables of verdicts that were merged here, 1.5 have a false verdict on average", text.text(merged))


class WorkloadTest(FolderTest):
    def test_other_parameters_are_another_workload_and_it_says_so(self):
        says = [verdict("poll", "epoll", BETTER)]
        merged = cli.merge([self.write("a", says, 1), self.write("b", says, 2),
                            self.write("c", [verdict("poll", "epoll", WORSE)], 3,
                                       workload={"load_flags": ["--workload=echo", "--size=1000"]})])
        self.assertEqual([(workload["name"], workload["on"]) for workload in merged["workloads"]], [("echo", ["a", "b"]), ("echo (2)", ["c"])])
        self.assertEqual([(pair["workload"], pair["outcome"]) for pair in merged["pairs"]], [("echo", pooling.HOLDS)])
        self.assertIn("echo had other parameters on some, and is not compared between these: echo (a, b): --workload=echo --size=64; "
                      "echo (2) (c): --workload=echo --size=1000.", merged["remarks"])

    def test_a_network_is_a_parameter(self):
        says = [verdict("poll", "epoll", BETTER)]
        merged = cli.merge([self.write("a", says, 1), self.write("b", says, 2, run={"network": "a round trip of 20 ms"}),
                            self.write("c", says, 3)])
        self.assertEqual([(pair["workload"], pair["on"]["first"]) for pair in merged["pairs"]], [("echo", ["a", "c"])])
        self.assertIn("echo (a, c): no network; echo (2) (b): a round trip of 20 ms", merged["remarks"][0])

    def test_limits_are_a_parameter(self):
        says, within = [verdict("poll", "epoll", BETTER)], {"cpus": 0.5, "memory_bytes": None, "title": "0.5 processors"}
        merged = cli.merge([self.write("a", says, 1), self.write("b", says, 2, run={"limits": within}),
                            self.write("c", says, 3, run={"limits": within})])
        self.assertEqual([(pair["workload"], pair["on"]["first"]) for pair in merged["pairs"]], [("echo (2)", ["b", "c"])])
        self.assertIn("echo (a): no limits; echo (2) (b, c): 0.5 processors", merged["remarks"][0])
        self.assertEqual([workload["title"] for workload in merged["workloads"]],
                         ["64-byte messages", "64-byte messages; each server within 0.5 processors"])

    def test_the_place_of_a_schedule_is_no_parameter_but_its_content_is(self):
        def replayed(name, number, digest):
            return self.write(name, [verdict("poll", "epoll", BETTER)], number, run={"replay": {"schedule_sha256": digest}},
                              workload={"load_flags": ["--workload=replay", f"--schedule=/{name}/schedule.csv"]})
        merged = cli.merge([replayed("a", 1, "00"), replayed("b", 2, "00"), replayed("c", 3, "11")])
        self.assertEqual([workload["on"] for workload in merged["workloads"]], [["a", "b"], ["c"]])

    def test_each_metric_that_ranks_somewhere_is_shown(self):
        says = [verdict("poll", "epoll", BETTER), verdict("poll", "epoll", WORSE, "cpu_us_per_request")]
        merged = cli.merge([self.write("a", says, 1), self.write("b", says, 2),
                            self.write("c", says, 3, summary={"ranked_by": {"echo": "cpu_us_per_request"}})])
        self.assertEqual(merged["workloads"][0]["ranked_by"], {"throughput": ["a", "b"], "cpu_us_per_request": ["c"]})
        shown = text.text(merged)
        self.assertIn("by throughput, which ranks on 2 of 3 machines (a, b): of 1 pair, 1 decided alike on all machines", shown)
        self.assertIn("by processor time per request, which ranks on 1 of 3 machines (c)", shown)


class NeedTest(FolderTest):
    def needs(self, *takes):
        """The only need of as many machines as there are (model or None, those equal to it)."""
        folders = [self.write(f"m{number}", [verdict("poll", "epoll", OPEN)], number,
                              fronts=[front({"least memory": take}, ("poll", "epoll"))]) for number, take in enumerate(takes)]
        return cli.merge(folders)["needs"][0]

    def test_each_recommendation_says_on_how_many_machines(self):
        need = self.needs(("epoll", ("epoll",)), ("poll", ("poll", "epoll")), ("epoll", ("epoll",)), (None, ()))
        self.assertEqual([(one["name"], one["on"], one["as_good_on"]) for one in need["named"]],
                         [("epoll", ["m0", "m2"], ["m0", "m1", "m2"]), ("poll", ["m1"], ["m1"])])
        self.assertEqual(text.need_sentence(need, "machine"),
                         "epoll on 2 of 4 machines (m0, m2) (as good as the one named on 1 more); poll on 1 of 4 machines (m1); "
                         "open on 1 of 4 machines (m3)")

    def test_what_is_open_everywhere_is_said_once(self):
        self.assertEqual(text.need_sentence(self.needs((None, ()), (None, ())), "machine"), "open on 2 of 2 machines")


class FactTest(unittest.TestCase):
    @staticmethod
    def of(**machine):
        return facts.of({"machine": {**made_up_results.MACHINE, **machine}})

    def test_a_bound_between_two_groups_is_a_lead(self):
        first, second = [self.of(cores=cores) for cores in (2, 4, 2)], [self.of(cores=cores) for cores in (8, 16, 8)]
        lead = facts.leads(first, second)[0]
        self.assertEqual((lead.fact, lead.first, lead.second), ("cores", "up to 4", "8 or more"))
        self.assertAlmostEqual(lead.chance, 2 / math.comb(6, 3))

    def test_releases_are_in_order_of_their_numbers(self):
        lead = facts.leads([self.of(kernel="Linux 6.9.1 x86_64")], [self.of(kernel="Linux 6.10.0 x86_64")])[0]
        self.assertEqual((lead.fact, lead.first, lead.second), ("kernel", "6.9", "6.10"))

    def test_a_fact_of_which_each_machine_has_its_own_value_is_no_lead(self):
        lead = next(lead for lead in facts.leads([self.of(cpu="A"), self.of(cpu="B")], [self.of(cpu="C")]) if lead.fact == "processor")
        self.assertEqual(lead.chance, 1)

    def test_a_kind_that_all_of_one_side_have_is_the_better_lead_the_more_there_are(self):
        groups = [self.of(virtual=True)] * 3, [self.of(virtual=False)] * 3
        self.assertAlmostEqual(facts.leads(*groups)[0].chance, 2 / math.comb(6, 3))
        self.assertAlmostEqual(facts.leads([self.of(virtual=True)] * 2, [self.of(virtual=False)] * 4)[0].chance, 1 / math.comb(6, 2))

    def test_the_limits_of_a_container_are_a_lead(self):
        first, second = [self.of(given={"cpus": 1.5, "memory_kib": 2**20})] * 3, [self.of(given={"cpus": None, "memory_kib": None})] * 3
        lead = facts.leads(first, second)[0]
        self.assertEqual((lead.fact, lead.first, lead.second), ("limits of its container", "1.5 processors, 1 GiB", "none"))
        self.assertEqual(facts.leads([self.of()] * 3, second), [])  # What the one does not record.

    def test_what_both_sides_have_tells_nothing(self):
        self.assertEqual(facts.leads([self.of(), self.of(cores=2)], [self.of()]), [])

    def test_what_one_of_them_does_not_record_tells_nothing(self):
        known = {lead.fact for lead in facts.leads([self.of(governor=None)], [self.of(governor="powersave", cores=2)])}
        self.assertEqual(known, {"cores"})


class LeadTest(FolderTest):
    def test_a_flip_names_what_tells_the_machines_apart(self):
        folders = [self.write(f"m{number}", [verdict("poll", "epoll", says)], number, machine={"cores": cores})
                   for number, (says, cores) in enumerate(((BETTER, 2), (BETTER, 4), (WORSE, 8), (WORSE, 16), (WORSE, 8)))]
        said = text.leads(cli.merge(folders)["pairs"][0])
        self.assertEqual(said, "Told apart by cores (poll ahead: up to 4; epoll ahead: 8 or more; 1 in 10).")

    def test_of_two_machines_nothing_is_a_lead(self):
        folders = [self.write("a", [verdict("poll", "epoll", BETTER)], 1), self.write("b", [verdict("poll", "epoll", WORSE)], 2,
                                                                                   machine={"cores": 2, "virtual": True})]
        self.assertEqual(text.leads(cli.merge(folders)["pairs"][0]),
                         "Each of these differs, so that none of them is a lead: cores, machine.")

    def test_a_machine_that_has_decided_both_ways_is_explained_by_nothing(self):
        runs = [self.write(f"run{number}", [verdict("poll", "epoll", says)], 7) for number, says in enumerate((BETTER, WORSE))]
        pair = cli.merge([*runs, self.write("b", [verdict("poll", "epoll", WORSE)], 8, machine={"cores": 2})])["pairs"][0]
        self.assertEqual(text.leads(pair), "No recorded fact tells the sides apart.")


class ReadTest(FolderTest):
    def refuse(self, *arguments):
        with self.assertRaises(results.MergeError) as raised:
            cli.merge(arguments)
        return str(raised.exception)

    def good(self, name="good", number=1, **more):
        return self.write(name, [verdict("poll", "epoll", BETTER)], number, **more)

    def test_what_is_no_result_is_refused(self):
        other = os.path.join(self.scratch, "figures.csv")
        os.makedirs(os.path.join(self.scratch, "empty"))
        with open(other, "w", encoding="utf-8") as file:
            file.write("a,b\n")
        self.assertIn("there is no /none", self.refuse("/none"))
        self.assertIn("figures.csv is no result", self.refuse(other))
        self.assertIn("there is no run.json in it", self.refuse(os.path.join(self.scratch, "empty")))

    def test_a_file_of_the_folder_stands_for_the_folder(self):
        self.assertEqual(results.read(os.path.join(self.good(), "summary.json")).name, "good")

    def test_a_run_that_was_broken_off_says_how_to_go_on(self):
        folder = self.good()
        os.remove(os.path.join(folder, "summary.json"))
        self.assertIn(f"tools/compare --resume={folder} goes on", self.refuse(folder))

    def test_another_version_of_the_format_is_refused_and_so_is_none(self):
        self.assertIn("version 1 of the format, and this tool reads version 2", self.refuse(self.good(run={"schema": 1})))
        folder = self.good("old")
        with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as file:
            json.dump({"started": "then"}, file)
        self.assertIn("run.json has no version of the format", self.refuse(folder))

    def test_a_damaged_file_is_refused_with_the_place(self):
        folder = self.good(summary={"verdicts": [{"a": "poll", "b": "epoll", "workload": "echo", "metric": "throughput", "kind": "won"}]})
        self.assertIn("$.verdicts[0].kind: 'won' is not one of", self.refuse(folder))
        with open(os.path.join(folder, "run.json"), "w", encoding="utf-8") as file:
            file.write('{"schema": 2,')
        self.assertIn("cannot be read", self.refuse(folder))

    def test_what_a_merge_has_made_is_not_merged_again(self):
        folder = os.path.join(self.scratch, "merged")
        os.makedirs(folder)
        with open(os.path.join(folder, "merged.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        self.assertIn("merge the results themselves", self.refuse(folder))

    def test_the_same_run_counts_once(self):
        copies = [self.good(run={"seed": 5}), self.good("copy", run={"seed": 5}), self.good("other", 2)]
        merged = cli.merge(copies)
        self.assertEqual(merged["pairs"][0]["on"]["first"], ["good", "other"])
        self.assertEqual(merged["left_out"], [{"result": copies[1], "why": f"the same run as {copies[0]}, which counts once"}])
        self.assertIn("it takes two; ", self.refuse(*copies[:2]))

    def test_figures_of_an_unfit_build_do_not_count(self):
        merged = cli.merge([self.good(), self.good("other", 2), self.good("debug", 3, run={"unfit": ["it is not optimized"]})])
        self.assertEqual([machine["name"] for machine in merged["machines"]], ["good", "other"])
        self.assertIn("it is not optimized", merged["left_out"][0]["why"])

    def test_verdicts_of_another_kind_are_not_counted_together(self):
        self.assertIn("the --margin of these results differ, so they cannot be merged: 3 %",
                      self.refuse(self.good(), self.good("wide", 2, summary={"margin": 0.1})))
        self.assertIn("the versions of these results differ", self.refuse(self.good(), self.good("diff", 2, run={"versions": ["main", "."]})))

    def test_what_has_nothing_in_common_is_refused_with_the_reason(self):
        said = self.refuse(self.good(), self.good("big", 2, workload={"load_flags": ["--workload=echo", "--size=1000"]}))
        self.assertTrue(said.startswith("no server was measured under the same workload by two machines, so there is nothing to merge. "
                                        "echo had other parameters on some"), said)
        others = self.write("others", [verdict("fork", "thread", BETTER)], 2)
        self.assertIn("fork, thread took part on others alone", self.refuse(self.good(), others))

    def test_a_server_without_another_to_compare_it_with_is_still_recommended(self):
        alone = {"subjects": [{"name": "poll", "kind": "model", "model": "poll", "flags": []}]}
        folders = [self.write(f"m{number}", [], number, run=alone, fronts=[front({"least memory": ("poll", ())}, ("poll",))])
                   for number in range(2)]
        self.assertEqual(cli.merge(folders)["needs"][0]["named"][0]["on"], ["m0", "m1"])

    def test_a_machine_that_is_not_known_counts_once(self):
        unknown = [self.good(f"r{number}", machine={"id": None}) for number in range(2)]
        merged = cli.merge([*unknown, self.good("big", 2, machine={"cores": 64})])
        self.assertEqual([machine["name"] for machine in merged["machines"]], ["r0 + r1", "big"])
        self.assertIn("nothing in them tells their machines apart", merged["remarks"][0])

    def test_an_unknown_machine_may_be_one_that_is_known(self):
        merged = cli.merge([self.good("old", machine={"id": None}), self.good("new", 1), self.good("other", 2, machine={"cores": 2})])
        self.assertEqual([machine["name"] for machine in merged["machines"]], ["old + new", "other"])

    def test_a_name_says_of_which_machine_a_run_is(self):
        alike = [self.good(f"r{number}", machine={"id": None}) for number in range(3)]
        merged = cli.merge([f"ada={alike[0]}", f"ben={alike[1]}", f"ada={alike[2]}"])
        self.assertEqual([(machine["name"], [run["name"] for run in machine["runs"]]) for machine in merged["machines"]],
                         [("ada", ["ada (1)", "ada (2)"]), ("ben", ["ben"])])

    def test_a_machine_that_has_a_name_in_one_place_counts_once_with_its_other_runs(self):
        merged = cli.merge([f"ada={self.good('a')}", self.good("b"), self.good("c", 2)])
        self.assertEqual([machine["name"] for machine in merged["machines"]], ["ada", "c"])
        self.assertIn("ada, b count as one machine", merged["remarks"][0])

    def test_folders_of_the_same_name_are_told_by_their_paths(self):
        folders = [self.good(f"{owner}/out", number) for number, owner in enumerate(("ada", "ben"))]
        self.assertEqual([machine["name"] for machine in cli.merge(folders)["machines"]], folders)


class CommandTest(FolderTest):
    def run_merge(self, *arguments):
        output, said, pages = io.StringIO(), io.StringIO(), []

        def make_page(merged, folder):
            pages.append(folder)
            return f"page of {len(merged['machines'])}"
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(said):
            status = cli.main(arguments, make_page)
        return status, output.getvalue(), said.getvalue(), pages

    def folders(self):
        return [self.write(f"m{number}", [verdict("poll", "epoll", says), verdict("poll", "fork", BETTER)], number,
                           fronts=[front({"least memory": ("poll", ("poll",))}, ("poll", "epoll", "fork"))])
                for number, says in enumerate((BETTER, WORSE, WORSE))]

    def test_it_prints_and_writes_all_of_it(self):
        out = os.path.join(self.scratch, "out")
        status, output, said, pages = self.run_merge(*self.folders(), f"--out={out}")
        self.assertEqual((status, said, pages, sorted(os.listdir(out))), (0, "", [out], ["merged.csv", "merged.json"]))
        self.assertTrue(output.startswith("3 machines:\n  m0  AMD Ryzen 7, 8 cores, not virtual, 16.0 GiB, Linux 6.1\n"), output)
        self.assertIn("  least memory: poll on 3 of 3 machines\n", output)
        self.assertIn("FLIP  epoll beats poll on 2 of 3 machines (m1, m2); poll beats epoll on 1 of 3 machines (m0). epoll/poll is 0.667 (m0) "
                      "to 2.000 (m1). No recorded fact", output)
        self.assertTrue(output.endswith("page of 3\n"))
        with open(os.path.join(out, "merged.json"), encoding="utf-8") as file:
            self.assertEqual(schema.faults(schema.MERGED, json.load(file)), [])

    def test_json_alone_is_what_is_written(self):
        status, output, _, pages = self.run_merge(*self.folders(), "--json")
        self.assertEqual((status, pages, json.loads(output)), (0, [], cli.merge(self.folders())))

    def test_csv_has_a_row_for_each_pair_and_a_column_for_each_machine(self):
        _, output, _, pages = self.run_merge(*self.folders(), "--csv")
        rows = list(csv.DictReader(io.StringIO(output, newline="")))
        self.assertEqual(pages, [])
        self.assertEqual([(row["first"], row["second"], row["outcome"]) for row in rows],
                         [("poll", "epoll", "flips"), ("poll", "fork", "holds")])
        self.assertEqual([rows[0][name] for name in ("m0", "m1", "m2")], ["first", "second", "second"])
        self.assertEqual([rows[0][name] for name in ("ratio_units", "least_ratio", "most_ratio", "average_says")], ["3", "0.5", "1.5", "second"])
        self.assertEqual(rows[1]["average_ratio"], "1.5")

    def test_what_cannot_be_merged_is_said_in_a_line(self):
        folders = self.folders()
        for arguments, expected in (([folders[0]], "there is one result to merge"), (["/none", folders[0]], "there is no /none"),
                                    ([*folders, "--json", "--csv"], "not both")):
            status, output, said, _ = self.run_merge(*arguments)
            self.assertEqual((status, output, len(said.splitlines())), (2, "", 1), said)
            self.assertIn(expected, said)

    def test_a_folder_that_cannot_be_written_is_said_in_a_line(self):
        blocked = os.path.join(self.scratch, "file")
        with open(blocked, "w", encoding="utf-8"):
            pass
        status, _, said, _ = self.run_merge(*self.folders(), f"--out={blocked}/out")
        self.assertEqual((status, len(said.splitlines())), (2, 1), said)
        self.assertIn("cannot be written to", said)


if __name__ == "__main__":
    unittest.main()
