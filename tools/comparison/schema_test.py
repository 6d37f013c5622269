"""The format of the data: what the repository keeps follows the schemas, and what breaks the format is found. compare_test.py has
the same of what a run writes."""

import json
import os
import unittest

from comparison import made_up_results, schema, store

_HERE = os.path.dirname(os.path.abspath(__file__))
_DOCS = os.path.join(os.path.dirname(os.path.dirname(_HERE)), "docs")
_KINDS = (*store.KINDS, "dots", "curves")


class SchemaTest(unittest.TestCase):
    def test_published_data_follows_the_format(self):
        published = os.path.join(_DOCS, "benchmarks")
        self.assertLessEqual({"run.json", "summary.json", "dots.jsonl", "curves.jsonl"}, set(os.listdir(published)))
        self.assertEqual(schema.faults_of_folder(published), [])

    def test_data_of_an_older_run_follows_the_format(self):
        self.assertEqual(schema.faults_of_folder(os.path.join(_HERE, "testdata", "noisy")), [])

    def test_every_kind_of_line_has_a_schema(self):
        kinds = schema.load("lines")["$defs"]
        for kind in _KINDS:
            self.assertIn(kind, kinds)
            self.assertNotEqual(schema.checker(schema.of_line(kind))({"subject": "epoll"}), [], kind)

    def test_the_schemas_are_of_the_version_that_is_written(self):
        for name in (schema.RUN, schema.SUMMARY):
            self.assertEqual(schema.load(name)["properties"]["schema"]["const"], store.SCHEMA, name)

    def test_a_verdict_of_another_kind_is_found(self):
        said = {**made_up_results.verdict("poll", "epoll", made_up_results.BETTER), "kind": "won"}
        found = schema.faults(schema.SUMMARY, {"schema": store.SCHEMA, "margin": 0.03, "results": [], "twins": [], "verdicts": [said],
                                               "ranked_by": {}})
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("$.verdicts[0].kind: 'won' is not one of"), found)

    def test_a_long_value_is_not_quoted_whole(self):
        found = schema.faults(schema.RUN, ["x" * 10000])
        self.assertEqual(len(found), 1)
        self.assertLess(len(found[0]), 150)
        self.assertIn("is not of type 'object'", found[0])

    def test_the_page_names_every_field_that_must_be_there(self):
        with open(os.path.join(_DOCS, "results.md"), encoding="utf-8") as file:
            page = file.read()
        for name in (schema.RUN, schema.SUMMARY, schema.MERGED):
            for field in schema.load(name)["required"]:
                self.assertIn(f"`{field}`", page, name)
        for kind in _KINDS:
            self.assertIn(f"`{kind}.jsonl`", page)
        self.assertIn(f'"schema": {json.dumps(store.SCHEMA)}', page)


if __name__ == "__main__":
    unittest.main()
