"""The format of a result folder, and of what tools/compare merge writes, as JSON Schemas (the files in schema/), and what in
a document does not follow it. docs/results.md explains the fields."""

import json
import os

import jsonschema

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema")
# The documents, each a file; see also of_line().
RUN, SUMMARY, MERGED, STUDY = DOCUMENTS = "run", "summary", "merged", "study"
_LINES = "lines"
_LONGEST = 100  # Of what a fault quotes.
LATER = "tools/compare check lists all"


class FormatError(Exception):
    """A file does not follow the format. The text says which one, where, and what is wrong."""


def load(name):
    """The schema of a document, as an object."""
    with open(os.path.join(_FOLDER, f"{name}.schema.json"), encoding="utf-8") as file:
        return json.load(file)


def version(name):
    """Of the format of a document."""
    return load(name)["properties"]["schema"]["const"]


def of_line(kind):
    """The schema of a line of KIND.jsonl."""
    lines = load(_LINES)
    return {"$schema": lines["$schema"], "$defs": lines["$defs"], "$ref": f"#/$defs/{kind}"}


def kinds():
    """Of lines: the definitions that are whole lines, and no part of another one."""
    found = load(_LINES)["$defs"]
    return tuple(name for name, own in found.items() if "allOf" in own and f'"#/$defs/{name}"' not in json.dumps(found))


def checker(content):
    """The check of a schema, which is an object: a function of a document that gives its faults, each a text "$.where: what", in
    the order of the document."""
    validator = jsonschema.Draft202012Validator(content)

    def faults(document):
        return [f"{error.json_path}: {_short(error.message)}" for error in validator.iter_errors(document)]
    return faults


def faults(name, document):
    return checker(load(name))(document)


def parse(text):
    """json.loads() without its extras, NaN and Infinity, which few other programs read. Raises ValueError."""
    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")
    return json.loads(text, parse_constant=refuse)


def read(folder, name):
    """The content of a document of a result folder. Raises FormatError, also if it is of another version or cannot be read, and
    FileNotFoundError."""
    path = os.path.join(folder, f"{name}.json")
    try:
        with open(path, encoding="utf-8") as file:
            content = parse(file.read())
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise FormatError(f"{path} cannot be read: {error}") from error
    own = content.get("schema") if isinstance(content, dict) else None
    if own is None:
        raise FormatError(f"{path} has no version of the format (schema): it was not written by these tools, or by very old ones")
    if own != version(name):
        raise FormatError(f"{path} has version {own} of the format, and this tool reads version {version(name)}: measure anew, or use "
                          "the tools that wrote it")
    found = faults(name, content)
    if found:
        more = f" (and {len(found) - 1} more; {LATER})" if len(found) > 1 else ""
        raise FormatError(f"{path} does not follow the format (docs/results.md): {found[0]}{more}")
    return content


def _short(text):
    """What jsonschema says begins with the whole value that is wrong, and ends with what is wrong with it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST // 3]} ... {text[-2 * _LONGEST // 3:]}"
