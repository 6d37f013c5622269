"""The format of the data: what the repository keeps follows the schemas, and what breaks the format is found. compare_test.py has
the same of what a run writes."""

import json
import os
import tempfile
import unittest

from comparison import check, made_up_results, schema, store, study
from comparison.merging import pooling

_HERE = os.path.dirname(os.path.abspath(__file__))
_DOCS = os.path.join(os.path.dirname(os.path.dirname(_HERE)), "docs")
_KINDS = (*store.KINDS, "dots", "curves")


class SchemaTest(unittest.TestCase):
    def test_published_data_follows_the_format(self):
        published = os.path.join(_DOCS, "benchmarks")
        self.assertLessEqual({"run.json", "summary.json", "study.json", "dots.jsonl", "curves.jsonl", "idle.jsonl"}, set(os.listdir(published)))
        self.assertEqual(check.faults_of_folder(published), [])

    def test_data_of_an_older_run_follows_the_format(self):
        self.assertEqual(check.faults_of_folder(os.path.join(_HERE, "testdata", "noisy")), [])

    def test_every_kind_of_line_has_a_schema(self):
        self.assertEqual(set(_KINDS), set(schema.kinds()))
        for kind in _KINDS:
            self.assertNotEqual(schema.checker(schema.of_line(kind))({"subject": "epoll"}), [], kind)

    def test_the_schemas_are_of_the_version_that_is_written(self):
        for name in (schema.RUN, schema.SUMMARY):
            self.assertEqual(schema.version(name), store.SCHEMA, name)
        self.assertEqual(schema.version(schema.MERGED), pooling.SCHEMA)
        self.assertEqual(schema.version(schema.STUDY), study.SCHEMA)

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
        for name in schema.DOCUMENTS:
            for field in schema.load(name)["required"]:
                self.assertTrue(f"`{field}`" in page, f"{field} of {name}.json is not there")  # The page is too long for a message.
        for kind in _KINDS:
            self.assertTrue(f"`{kind}.jsonl`" in page, f"{kind}.jsonl is not there")
        for number in map(schema.version, schema.DOCUMENTS):
            self.assertTrue(f'`"schema": {number}`' in page, f"version {number} is not there")


class ReadTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = made_up_results.write(os.path.join(scratch.name, "run"), [made_up_results.verdict("poll", "epoll", made_up_results.BETTER)])

    def change(self, name, **fields):
        """A field without a value goes away."""
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8") as file:
            content = {**json.load(file), **fields}
        self.put(name, json.dumps({field: value for field, value in content.items() if value is not None}))

    def put(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def refused(self, name):
        with self.assertRaises(schema.FormatError) as raised:
            schema.read(self.folder, name)
        return str(raised.exception)

    def test_what_follows_the_format_is_read(self):
        self.assertEqual(schema.read(self.folder, schema.SUMMARY)["ranked_by"], {"echo": "throughput"})

    def test_what_is_wrong_is_told_with_file_and_place(self):
        self.change("run.json", machine={"cpu": "A", "cores": 0, "memory_kib": 1, "kernel": "Linux"}, rounds="five")
        said = self.refused(schema.RUN)
        self.assertIn(f"{self.folder}/run.json does not follow the format (docs/results.md): $.rounds: 'five' is not of type", said)
        self.assertIn("(and 1 more; tools/compare check lists all)", said)

    def test_a_field_that_is_missing_is_named(self):
        self.change("run.json", started=None)
        self.assertIn("$: 'started' is a required property", self.refused(schema.RUN))

    def test_a_field_that_is_not_known_is_left_alone(self):
        self.change("run.json", invented=5)
        self.assertEqual(schema.read(self.folder, schema.RUN)["invented"], 5)

    def test_another_version_is_told_as_such(self):
        self.change("summary.json", schema=store.SCHEMA + 1, verdicts="of another kind")
        self.assertIn(f"has version {store.SCHEMA + 1} of the format, and this tool reads version {store.SCHEMA}", self.refused(schema.SUMMARY))

    def test_what_other_programs_cannot_read_is_no_json(self):
        self.put("run.json", '{"schema": 2, "rounds": NaN}')
        self.assertIn("run.json cannot be read: NaN is no JSON", self.refused(schema.RUN))


if __name__ == "__main__":
    unittest.main()
