"""docs/benchmarks.md, made from a result folder: the prose is in the template, every figure comes from the data.

What it needs of the data is kept beside it in docs/benchmarks/, cut down to a size that belongs into a repository; a
test makes the page anew from that, and compares.
"""
import json
import pathlib
import re
import shlex

import jinja2

from . import doubts, plots, rules, tables, usl, words
from .results import SLOW_ONE_IN, Results

_TEMPLATES = pathlib.Path(__file__).parent / "templates"
_KINDS = {"model": "model", "peer": "other server", "aa": "the same once more"}


def write(results, docs):
    """Writes benchmarks.md and benchmarks/ into the folder `docs`. Returns the page's path."""
    docs = pathlib.Path(docs)
    keep(results, docs / "benchmarks")
    path = docs / "benchmarks.md"
    # Of what is kept, not of what was given: figures are rounded there.
    path.write_text(render(Results(docs / "benchmarks")), encoding="utf-8")
    return path


def render(results):
    """The page's text."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=False, trim_blocks=True,
                                     lstrip_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    run = results.run
    fairness = run.get("fairness") or {}
    text = environment.get_template("benchmarks.md.jinja").render(
        run={
            "warm_up_s": 0,
            **run
        },
        command=shlex.join(run["command"]),
        machine_line=doubts.machine_line(run),
        machine={
            "distribution": "",
            "virtual": False,
            **run["machine"]
        },
        started=doubts.started(run),
        revision=doubts.revision(run),
        doubts=doubts.of_run(results),
        answers=[_answer(results, workload) for workload in results.workloads],
        rules=rules.RULES,
        slow_one_in=SLOW_ONE_IN,
        server_cpus=_cpus(run.get("server_cpus")),
        client_cpus=_cpus(run.get("client_cpus")),
        fairness=[
            _escape({
                "name": name,
                "common": common,
                "others": others
            }) for name, common, others in tables.agreements(fairness.get("contract") or {})
        ],
        remarks=fairness.get("remarks") or (),
        paced=any(workload.is_paced for workload in results.workloads),
        glance=[_glance(results, subject.name) for subject in results.models + results.peers],
        workloads=[_workload(results, workload) for workload in results.workloads],
        memory=_memory(results),
        idle=_idle(results),
        scaling=_scaling(results),
        subjects=[
            _escape({
                "name": subject.name,
                "what": _KINDS.get(subject.kind, subject.kind),
                "version": subject.version,
                "flags": subject.flags
            }) for subject in results.subjects
        ],
        margin=words.percent(results.margin),
        configured=[subject for subject in results.subjects if subject.config])
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def keep(results, folder):
    """Writes what render() needs into `folder`: a result folder that is small."""
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
    ranking = summary.get("ranking")
    lines = [f'"ranking": {json.dumps(ranking)}'] if ranking else []
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


def _write_lines(path, rows, names):
    """No file if there are no lines: an empty one would say no more."""
    if rows:
        _write(path, _lines(rows, names))
    else:
        path.unlink(missing_ok=True)


_OF_A_VERDICT = ("workload", "metric", "a", "b", "kind", "log", "error", "degrees", "rounds")


def _rounded(row):
    return {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in row.items()}


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
