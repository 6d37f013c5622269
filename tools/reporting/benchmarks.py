"""docs/benchmarks.md and docs/benchmarks/figures.md, made from a result folder: the prose is in the templates, every figure
comes from the data.

What they need of the data is kept in docs/benchmarks/, cut down to a size that belongs into a repository, and so are the
pictures; a test makes both pages anew from that, and compares.
"""
import itertools
import json
import pathlib
import re
import shlex

import jinja2

from comparison import slices

from . import canvas, doubts, fronts, palette, plots, rules, run_plots, samples, study, tables, usl, words
from .results import SLOW_ONE_IN, Results

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_KINDS = {"model": "model", "peer": "other server", "aa": "the same once more"}


# The pages, by the template that makes each.
PAGES = {"benchmarks.md": "benchmarks.md.jinja", "benchmarks/figures.md": "figures.md.jinja"}
_PICTURES = "benchmarks/pictures"


def write(results, docs):
    """Writes the pages and benchmarks/ into the folder `docs`. Returns the path of benchmarks.md."""
    docs = pathlib.Path(docs)
    keep(results, docs / "benchmarks")
    kept = Results(docs / "benchmarks")  # Of what is kept, not of what was given: figures are rounded there.
    for name, text in render(kept).items():
        (docs / name).write_text(text, encoding="utf-8")
    _draw(kept, docs / _PICTURES)
    return docs / "benchmarks.md"


def render(results):
    """{name of a page in docs/: its text}."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=False, trim_blocks=True,
                                     lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    content = {**_about(results), **_content(results)}
    texts = {name: environment.get_template(template).render(content) for name, template in PAGES.items()}
    return {name: re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n" for name, text in texts.items()}


def _about(results):
    """The run: on what, of whom, when."""
    run = results.run
    return {
        "run": {"warm_up_s": 0, **run},
        "command": shlex.join(run["command"]),
        "machine_line": doubts.machine_line(run),
        "machine": {"distribution": "", "virtual": False, **run["machine"]},
        "started": doubts.started(run),
        "revision": doubts.revision(run),
        "doubts": doubts.of_run(results),
        "server_cpus": _cpus(run.get("server_cpus")),
        "client_cpus": _cpus(run.get("client_cpus")),
        "subjects": [_escape({"name": subject.name, "what": _KINDS.get(subject.kind, subject.kind), "version": subject.version,
                              "flags": subject.flags}) for subject in results.subjects],
        "configured": [subject for subject in results.subjects if subject.config],
    }


def _content(results):
    """What was found."""
    fairness = results.run.get("fairness") or {}
    workloads = results.workloads
    dots = next((text for text in (plots.what_dots_are(results, workload) for workload in workloads) if text), "")
    return {
        "answers": [_answer(results, workload) for workload in workloads],
        "needs": [_escape({"workload": workload.name, **need, "equal": words.names(need["equal"])}) for workload in workloads
                  for need in fronts.needs(results, workload)],
        "rules": rules.RULES,
        "slow_one_in": SLOW_ONE_IN,
        "margin": words.percent(results.margin),
        "busy": words.percent(slices.BUSY),
        "by_processor_time": doubts.by_processor_time(results),
        "dots": dots,
        "is_sliced": "slice" in dots,
        "heat_map": _picture(run_plots.heat_map(results)),
        "pictures": [{"name": workload.name, "title": workload.title, "load": " ".join(workload.load_flags),
                      "pictures": [_picture(plot) for plot in _plots_of(results, workload)]} for workload in workloads],
        "fairness": [_escape({"name": name, "common": common, "others": others})
                     for name, common, others in tables.agreements(fairness.get("contract") or {})],
        "remarks": fairness.get("remarks") or (),
        "paced": any(workload.is_paced for workload in workloads),
        "glance": [_glance(results, subject.name) for subject in results.models + results.peers],
        "workloads": [_workload(results, workload) for workload in workloads],
        "memory": _memory(results),
        "idle": _idle(results),
        "scaling": _scaling(results),
        "study": study.content(study.read(results.folder)),
    }


def _plots_of(results, workload):
    """Those of a Workload that benchmarks.md shows; the page of tools/report has more."""
    shown = [f"{workload.name}-{what}" for what in ("front", "throughput", "times")]
    return [plot for plot in [fronts.plot(results, workload), *plots.plots_of(results, workload)]
            if plot is not None and plot.name in shown]


def _picture(plot):
    return {"title": plot.title, "alt": re.sub(r"[\[\]]", "", plot.alt), "path": f"{_PICTURES}/{plot.name}.svg"}


def _draw(results, folder):
    """Writes the pictures that benchmarks.md shows, and no others, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.svg"):
        path.unlink()
    colours = palette.Palette(results.subjects)
    for plot in [run_plots.heat_map(results), *(plot for workload in results.workloads for plot in _plots_of(results, workload))]:
        _write(folder / f"{plot.name}.svg", canvas.paint(plot, colours).svg)


def keep(results, folder):
    """Writes what render() and the pictures need into `folder`: a result folder that is small."""
    folder.mkdir(parents=True, exist_ok=True)
    run = {name: value for name, value in results.run.items() if name != "options"}
    run["programs"] = {name: {fact: value for fact, value in facts.items() if fact != "path"}
                       for name, facts in run.get("programs", {}).items()}
    run["measured"] = doubts.count(results)
    _write(folder / "run.json", json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    summary = results.summary
    small = {"schema": summary["schema"], "results": [_small_cell(row) for row in summary["results"]],
             "twins": [_rounded(twin) for twin in summary["twins"]],
             "verdicts": [_rounded({name: value for name, value in verdict.items() if name in _OF_A_VERDICT})
                          for verdict in summary["verdicts"] if _matters(results, verdict)]}
    lines = [f'"{name}": {json.dumps(_rounded(summary[name]))}' for name in ("ranked_by", "generator_was_the_limit", "ranking", "fronts")
             if summary.get(name)]
    lines += [
        f'"{name}": [\n' + ",\n".join(json.dumps(row)
                                      for row in rows) + "]"
        for name, rows in small.items()
        if name != "schema"
    ]
    _write(folder / "summary.json", f'{{"schema": {small["schema"]}, "margin": {results.margin:g},\n' + ",\n".join(lines) + "}\n")
    _write_lines(folder / "rounds.jsonl", [row for row in results.rounds if row.get("failed")],
                 ("round", "subject", "workload", "marks", "failed"))
    for name, rows, key in (("idle", results.idle, "idle"), ("scaling", results.scaling, "workers")):
        rows = [{**row, "load": {"replies_per_second": row["load"]["replies_per_second"]} if row.get("load") else None}
                for row in rows]
        _write_lines(folder / f"{name}.jsonl", rows, ("subject", "workload", key, "load", "failed"))
    found = study.read(results.folder)  # If there is none, that of before stays: it is made by a run of its own.
    if found is not None:
        _write(folder / "study.json", json.dumps(found, ensure_ascii=False) + "\n")
    dots, curves = _samples(results)
    _write_lines(folder / "dots.jsonl", dots, ("workload", "subject", "metric", "of", "values"))
    _write_lines(folder / "curves.jsonl", curves, ("workload", "subject", "kind", "us"))


def _samples(results):
    """(rows of dots.jsonl, rows of curves.jsonl); see samples.py."""
    dots, curves = [], []
    for workload, subject in itertools.product(results.workloads, results.models + results.peers):
        whose = {"workload": workload.name, "subject": subject.name}
        for metric in samples.DRAWN:
            found = results.dots(workload, subject.name, metric) if samples.is_drawn(metric, workload.latency_metric) else None
            if found is not None:
                dots.append({**whose, "metric": metric, "of": found.of, "values": _digits(found.values, 4)})
        curve = results.curve(workload, subject.name)
        if curve:
            curves.append({**whose, "kind": workload.latency_metric, "us": _digits((us for _, us in curve), 5)})
    return dots, curves


def _digits(values, number):
    """The values with so many digits that count; whole ones without a point, which takes less room."""
    return [int(value) if value == int(value) else value for value in (float(f"{value:.{number}g}") for value in values)]


def _write_lines(path, rows, names):
    """No file if there are no lines: an empty one would say no more."""
    if rows:
        _write(path, _lines(rows, names))
    else:
        path.unlink(missing_ok=True)


_OF_A_VERDICT = ("workload", "metric", "a", "b", "kind", "log", "error", "degrees", "rounds")


def _rounded(tree):
    """The tree of dicts and lists with five digits that count."""
    if isinstance(tree, dict):
        return {name: _rounded(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_rounded(value) for value in tree]
    return float(f"{tree:.5g}") if isinstance(tree, float) else tree


def _small_cell(row):
    wanted = {metric for _, metric, _ in tables.METRICS} | {"pss_bytes_per_connection", "kernel_bytes_per_connection",
                                                            "threads", "processes"}
    wanted = {metric.replace("LATENCY", kind) for metric in wanted for kind in ("service", "response")}
    metrics = {
        name:
        {part: float(f"{value[part]:.6g}") if part != "n" else value[part] for part in ("median", "low", "high", "n")}
        for name, value in row["metrics"].items()
        if name in wanted
    }
    return {
        **{name: row[name] for name in ("subject", "workload", "rounds", "rounds_failed", "marks")}, "metrics": metrics
    }


def _matters(results, verdict):
    """Verdicts that rules.pick() may ask for."""
    return verdict["metric"] in (results.workload(verdict["workload"]).figure, "service_p99_us", "cpu_us_per_request")


def _answer(results, workload):
    pick = rules.pick(results, workload)
    level = [f"`{name}`" for name in pick.level if name != pick.model]
    return _escape({
        "workload": workload.name,
        "title": workload.title,
        "model": pick.model,
        "is_guess": pick.is_guess,
        "bound": words.percent(pick.bound) if pick.bound else "",
        "level": words.names(level),
        "because": " ".join(pick.because + pick.warnings)
    })


def _glance(results, name):
    cells = [tables.share(results, workload, name) for workload in results.workloads]
    return _escape({"name": name, "cells": ["" if cell is None else cell for cell in cells]})


def _workload(results, workload):
    names = plots.ranked(results, workload)
    columns = tables.columns_of(results, workload, names)
    rows = []
    for name in names:
        found = [results.estimate(workload.name, name, metric) for _, metric, _ in columns]
        rows.append(
            _escape({
                "name": name,
                "rounds": results.figure(workload, name).n,
                "cells": [
                    words.estimate(value, write) if value else "" for value, (_, _, write) in zip(found, columns)
                ]
            }))
    noise = " ".join(words.twins(results.twins(workload.name, workload.figure)))
    return {"name": workload.name, "title": workload.title, "load": " ".join(workload.load_flags), "noise": noise,
            "columns": [title for title, _, _ in columns], "rows": rows,
            "marks": tables.marks_under(results, workload)}


def _memory(results):
    rows = []
    for subject in results.models + results.peers:
        own, kernel = results.memory_per_connection(subject.name)
        if own is not None:
            rows.append(
                _escape({
                    "name": subject.name,
                    "own": tables.memory_part(own),
                    "kernel": tables.memory_part(kernel)
                }))
    return rows


def _idle(results):
    series = {}
    for subject in results.models + results.peers:
        workload, points = results.over_idle(subject.name)
        if points:
            series[f"{subject.name} ({workload})"] = dict(points)
    return _steps(series) if series else None


def _scaling(results):
    parts = []
    for workload in results.workloads:
        series = {subject.name: results.over_workers(workload.name, subject.name) for subject in results.models}
        series = {name: points for name, points in series.items() if len(points) > 1}
        if not series:
            continue
        part = _steps({name: dict(points) for name, points in series.items()})
        for row, points in zip(part["rows"], series.values()):
            fit = usl.fit(points)
            row.update({"sigma": "", "kappa": "", "error": "too few steps"} if fit is None else
                       {"sigma": f"{fit.sigma:.3f}", "kappa": f"{fit.kappa:.4f}", "error": words.percent(fit.error)})
        parts.append({**part, "workload": workload.name})
    return parts


def _steps(series):
    columns = sorted({step for points in series.values() for step in points})
    return {
        "columns": [f"{step:,}" for step in columns],
        "rows": [
            _escape({
                "name": name,
                "cells": [words.number(points[step]) if step in points else "" for step in columns]
            }) for name, points in series.items()
        ]
    }


def _cpus(cpus):
    return words.names(str(cpu) for cpu in cpus) if cpus else "not recorded"


def _escape(row):
    """Texts that may stand in a cell of a Markdown table."""
    return {
        name: value.replace("|", "\\|").replace("\n", " ") if isinstance(value, str) else value
        for name, value in row.items()
    }


def _lines(rows, names):
    return "".join(json.dumps({name: row.get(name) for name in names}, ensure_ascii=False) + "\n" for row in rows)


def _write(path, text):
    path.write_text(text, encoding="utf-8")
