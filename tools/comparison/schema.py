"""The format of a result folder, and of what tools/compare merge writes, as JSON Schemas (the files in schema/), and what in
a document does not follow it. docs/results.md explains the fields."""

import json
import os

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema")
# The documents, each a file; see also of_line().
RUN, SUMMARY, MERGED = "run", "summary", "merged"
_LINES = "lines"
_LONGEST = 100  # Of what a fault quotes.


def load(name):
    """The schema of a document, as an object."""
    with open(os.path.join(_FOLDER, f"{name}.schema.json"), encoding="utf-8") as file:
        return json.load(file)


def of_line(kind):
    """The schema of a line of KIND.jsonl."""
    lines = load(_LINES)
    return {"$schema": lines["$schema"], "$defs": lines["$defs"], "$ref": f"#/$defs/{kind}"}


def checker(content):
    """The check of a schema, which is an object: a function of a document that gives its faults, each a text "$.where: what", in
    the order of the document."""
    import jsonschema  # pylint: disable=import-outside-toplevel  # A comparison does without it.
    validator = jsonschema.Draft202012Validator(content)

    def faults(document):
        return [f"{error.json_path}: {_short(error.message)}" for error in validator.iter_errors(document)]
    return faults


def faults(name, document):
    return checker(load(name))(document)


def faults_of_folder(folder):
    """Of all files of a result folder that the format is about: texts "file: $.where: what"."""
    found, kinds = [], load(_LINES)["$defs"]
    for file_name in sorted(os.listdir(folder)):
        name, ending = os.path.splitext(file_name)
        if file_name in (f"{RUN}.json", f"{SUMMARY}.json"):
            with open(os.path.join(folder, file_name), encoding="utf-8") as file:
                found += [f"{file_name}: {fault}" for fault in faults(name, json.load(file))]
        elif ending == ".jsonl" and name in kinds:
            check = checker(of_line(name))
            with open(os.path.join(folder, file_name), encoding="utf-8") as file:
                found += [f"{file_name}, line {number}: {fault}" for number, line in enumerate(file, 1) for fault in check(json.loads(line))]
    return found


def _short(text):
    """What jsonschema says begins with the whole value that is wrong, and ends with what is wrong with it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST // 3]} ... {text[-2 * _LONGEST // 3:]}"
