"""The page of tools/compare merge: one HTML page that needs nothing else, made of merged.json's content.

templates/merged.html.jinja decides what stands where; the sentences are those of the terminal (comparison/merging/text.py).
"""
import pathlib

import markupsafe

from comparison.merging import facts, pooling, text

from . import page, palette, results, tables, words

PAGE = "merged.html"
_MOST_ROWS = 40  # Of pairs that flip, or are equal on some; the CSV has all.
# The class of a cell's colour.
_CLASSES = {pooling.FLIPS: "fl", pooling.PARTLY: "pa", pooling.SINGLE: "op", pooling.NONE: "op"}
_SIGNS = {pooling.FIRST: "+", pooling.SECOND: "−", pooling.EQUAL: "="}
_SIDES = {pooling.FIRST: pooling.SECOND, pooling.SECOND: pooling.FIRST, pooling.EQUAL: pooling.EQUAL}


def write(merged, folder):
    """Writes merged.html into the folder. Returns its path."""
    path = pathlib.Path(folder) / PAGE
    path.write_text(render(merged), encoding="utf-8")
    return path


def render(merged):
    colours = palette.Palette([results.Subject(subject["name"], subject["kind"], subject["model"] or subject["name"], (), "", "")
                               for subject in merged["subjects"]])
    units = text.plural(merged)
    return page.render_template(
        "merged.html.jinja",
        colours,
        count=len(merged["machines"]),
        machines=_count(len(merged["machines"]), "machine"),
        runs=_count(sum(len(machine["runs"]) for machine in merged["machines"]), "run"),
        units=units,
        subjects=_count(len(merged["subjects"]), "server"),
        doubts=[f"{run['name']}: {doubt}." for machine in merged["machines"] for run in machine["runs"] for doubt in run["doubts"]],
        left_out=[f"{one['result']}: {one['why']}." for one in merged["left_out"]],
        remarks=merged["remarks"],
        is_of_one_machine=merged["unit"] == "run",
        false_verdicts=text.false_verdicts(merged),
        margin=words.percent(merged["margin"]),
        answers=[_answer(merged, workload, colours) for workload in merged["workloads"]],
        workloads=[_workload(merged, workload) for workload in merged["workloads"]],
        machine_table=_machines(merged))


def _count(number, what):
    return f"{number} {what}{'' if number == 1 else 's'}"


def _answer(merged, workload, colours):
    return {"id": _id(workload), "title": f"{workload['name']}: {workload['title']}",
            "needs": [_need(merged, need, colours) for need in merged["needs"] if need["workload"] == workload["name"]]}


def _need(merged, need, colours):
    """The model that is named on most machines stands first; of two that are named on as many, none does."""
    first, second = [*need["named"][:2], None, None][:2]
    if first and (not first["on"] or second and len(second["on"]) == len(first["on"])):
        first = None
    return {"need": need["need"], "take": first["name"] if first else None,
            "swatch": colours.variable_of(first["name"]) if first else "",
            "count": f"{len(first['on'])} of {need['units']}" if first else "", "sentence": text.need_sentence(need, merged["unit"]),
            "as_good": text.never_named(need)}


def _id(workload):
    return "".join(letter if letter.isalnum() else "-" for letter in workload["name"]).strip("-")


def _workload(merged, workload):
    return {"id": _id(workload), "name": workload["name"], "title": workload["title"],
            "tables": [_table(merged, workload, metric) for metric in workload["ranked_by"]]}


def _table(merged, workload, metric):
    pairs = pooling.shown_pairs(merged, workload, metric)
    found = {"metric": words.metric(metric), "on": text.on(workload["ranked_by"][metric], len(workload["on"]), merged["unit"]),
             "counted": "", "matrix": None, "flips": None, "partly": None, "together": None}
    if all(pair["units"] == 1 for pair in pairs):
        return found
    return {**found, "counted": text.counted(merged, pairs), "matrix": _matrix(merged, workload, pairs),
            "flips": _apart(merged, pairs, pooling.FLIPS), "partly": _apart(merged, pairs, pooling.PARTLY),
            "together": _rows(["pair", "how far apart", "what the average says"], text.decided_together(pairs),
                              lambda pair: [text.ratio(pair, merged["unit"]), text.together(pair, merged["unit"])])}


def _apart(merged, pairs, outcome):
    """Those of an outcome that divides the machines in two sides."""
    return _rows(["pair", "how often", "how far apart", "what tells the sides apart"],
                 text.supported([pair for pair in pairs if pair["outcome"] == outcome]),
                 lambda pair: [text.sentence(pair, merged["unit"]), text.ratio(pair, merged["unit"]), text.leads(pair)])


def _rows(titles, pairs, cells):
    """A table of pairs, and how many more there are; None if there are none."""
    if not pairs:
        return None
    rows = [[f"{pair['first']}, {pair['second']}", *cells(pair)] for pair in pairs[:_MOST_ROWS]]
    return {"table": tables.table(titles, rows, numeric=False), "more": len(pairs) - len(rows)}


def _matrix(merged, workload, pairs):
    """Each row's subject beside each column's: on how many machines."""
    markup = markupsafe.Markup
    names = list(text.standings(pairs))
    by_names = {(pair["first"], pair["second"]): pair for pair in pairs}
    head = markup("").join(markup('<th scope="col"><span>{}</span></th>').format(name) for name in names)
    body = markup("").join(
        markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row, markup("").join(_cell(merged, by_names, row, column) for column in names)) for row in names)
    return markup('<div class="scroll" tabindex="0"><table class="pairs"><caption class="sr">Under {}, each row beside each column</caption>'
                  "<thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table></div>").format(workload["name"], head, body)


def _cell(merged, by_names, row, column):
    markup = markupsafe.Markup
    if row == column:
        return markup('<td class="self" aria-label="itself"></td>')
    pair = by_names.get((row, column)) or by_names.get((column, row))
    if pair is None:
        return markup('<td aria-label="not compared"></td>')
    sign, kind = cell(pair, row)
    said = f"{text.sentence(pair, merged['unit'])} {text.ratio(pair, merged['unit'])}".rstrip()
    return markup('<td class="{}" title="{}">{}</td>').format(kind, said, sign)


def cell(pair, row):
    """(what stands in a cell, the class of its colour) of a pair, in the row of one of the two."""
    counts = {says if row == pair["first"] else _SIDES.get(says, says): len(names) for says, names in pair["on"].items()}
    first, second, equal = (counts[says] for says in (pooling.FIRST, pooling.SECOND, pooling.EQUAL))
    outcome = pair["outcome"]
    if outcome == pooling.NONE:
        return "?", "op"
    if outcome == pooling.FLIPS:
        return f"{first}:{second}", "fl"
    says = max((pooling.FIRST, pooling.SECOND, pooling.EQUAL), key=lambda one: counts[one])
    if outcome == pooling.PARTLY:
        return (f"+{first}={equal}" if first else f"−{second}={equal}"), "pa"
    kind = {pooling.FIRST: "be", pooling.SECOND: "wo", pooling.EQUAL: "eq"}[says]
    return f"{_SIGNS[says]}{counts[says]}", _CLASSES.get(outcome, kind)


def _machines(merged):
    """A row for each run."""
    known = [fact.name for fact in facts.ALL if any(run["facts"][fact.name] is not None for machine in merged["machines"]
                                                    for run in machine["runs"])]
    rows = [[run["name"], machine["name"], run["started"].replace("T", " ")[:16],
             *("" if run["facts"][name] is None else run["facts"][name] for name in known)]
            for machine in merged["machines"] for run in machine["runs"]]
    return tables.table(["run", "machine", "started (UTC)", *("virtual" if name == "machine" else name for name in known)], rows,
                        numeric=False)
