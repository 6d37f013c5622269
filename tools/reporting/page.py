"""The report: one HTML page that needs nothing else, the pictures of it as files, and its figures as CSV.

templates/report.html.jinja decides what stands where; this file gathers it.
"""
import json
import pathlib
import shlex

import jinja2
import markupsafe

from comparison import ranking
from comparison.tuning import text as tuning_text

from . import (canvas, doubts, figures, fronts, load_curves, palette, plots, request_times, rules, run_plots, tables, tuning,
               verdicts, words)

_TEMPLATES = pathlib.Path(__file__).parent / "templates"

_TEXTS = {
    "memory":
        "The memory of one more silent connection: the slope of a line through steps of idle connections. The server's "
        "own part is PSS, shared pages counted by shares; the kernel's is sockets, stacks and tables.",
    "idle":
        "A few connections are busy, the others are open and silent. This shows which models look at all of them at every "
        "turn.",
}
_RUN_TABLES = {"memory": tables.memory, "idle": tables.idle}
_SHORT = {"memory": "memory", "idle": "idle"}


def write(results, out):
    """Writes report.html into the folder `out`, and plots/NAME.svg and .png beside it. Returns the page's path."""
    out = pathlib.Path(out)
    (out / "plots").mkdir(parents=True, exist_ok=True)
    colours = palette.Palette(results.subjects)
    pictures = {"": [canvas.paint(plot, colours) for plot in run_plots.plots_of(results)]}
    for workload in results.workloads:
        wanted = [fronts.plot(results, workload), *plots.plots_of(results, workload), request_times.plot(results, workload),
                  load_curves.plot(results, workload)]
        pictures[workload.name] = [canvas.paint(plot, colours) for plot in wanted if plot is not None]
    for picture in sum(pictures.values(), []):
        (out / "plots" / f"{picture.plot.name}.svg").write_text(picture.svg, encoding="utf-8")
        (out / "plots" / f"{picture.plot.name}.png").write_bytes(picture.png)
    path = out / "report.html"
    path.write_text(render(results, colours, pictures), encoding="utf-8")
    return path


def write_csv(results, out):
    """Writes figures.csv into the folder `out`: what the page's button saves; and tuning.csv, if settings raced. Returns the path of
    the first."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    texts = {figures.CSV_NAME: figures.csv_text(results)}
    if "tuning" in results.summary:
        texts[tuning_text.CSV_NAME] = tuning_text.csv_text(results.summary)
    for name, text in texts.items():
        with (out / name).open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    return out / figures.CSV_NAME


def render_template(name, colours, **content):
    """A page's text, of a template and what it shows; colours and style are those of all pages."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_TEMPLATES),
                                     autoescape=jinja2.select_autoescape(["jinja"]),
                                     trim_blocks=True,
                                     lstrip_blocks=True,
                                     undefined=jinja2.StrictUndefined)
    style = environment.from_string(
        (_TEMPLATES / "report.css").read_text(encoding="utf-8")).render(heats=len(palette.HEAT))
    return environment.get_template(name).render(colours=markupsafe.Markup(colours.style_sheet()), style=markupsafe.Markup(style),
                                                 **content)


def render(results, colours, pictures):
    """The page's text. pictures: {name of a workload, or '' for the run: [Picture]}."""
    run = results.run
    return render_template(
        "report.html.jinja",
        colours,
        run=run,
        models=results.models,
        peers=results.peers,
        workloads=[_workload(results, workload, pictures) for workload in results.workloads],
        answers=[_answer(results, workload, colours) for workload in results.workloads],
        rules=rules.RULES,
        margin=words.percent(results.margin),
        by_processor_time=doubts.by_processor_time(results),
        heat_map=tables.heat_map(results),
        figures=figures.table(results),
        filters=_filters(results),
        data=_script_data(results),
        script=markupsafe.Markup((_TEMPLATES / "report.js").read_text(encoding="utf-8")),
        run_pictures=_run_pictures(results, pictures[""]),
        started=doubts.started(run),
        revision=doubts.revision(run),
        machine_line=doubts.machine_line(run),
        doubts=doubts.of_run(results),
        caveats=doubts.caveats(results),
        command=shlex.join(run["command"]),
        machine=tables.pairs(_flat(run["machine"])),
        sysctls=tables.pairs(run.get("sysctls") or {}),
        fairness=tables.fairness((run.get("fairness") or {}).get("contract") or {}),
        subjects=tables.subjects(results),
        configured=[subject for subject in results.subjects if subject.config])


def _script_data(results):
    """What report.js reads, as JSON that can stand within an element."""
    data = {"csv": figures.csv_rows(results),
            "workloads": {workload.name: verdicts.data(results, workload) for workload in results.workloads}}
    return markupsafe.Markup(json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"))


def _filters(results):
    """(what, its column in the table of all figures, what can be chosen)."""
    cells = figures.rows(results)
    verdicts_there = {figures.verdict_of(results, workload, name) for workload, name, _ in cells}
    return [("workload", 0, [workload.name for workload in results.workloads]),
            ("model or server", 1, [subject.name for subject in results.models + results.peers]),
            ("verdict", 2, [verdict for verdict in figures.VERDICTS if verdict in verdicts_there])]


def _answer(results, workload, colours):
    pick = rules.pick(results, workload)
    level = [name for name in pick.level if name != pick.model]
    peers = [f"{subject.name} reaches {words.ratio(rules.share_of_best(results, workload, subject.name).middle)}"
             for subject in results.peers if rules.share_of_best(results, workload, subject.name)]
    return {"title": f"{workload.name}: {workload.title}", "model": pick.model, "is_guess": pick.is_guess,
            "bound": words.percent(pick.bound) if pick.bound else "", "level": words.names(level),
            "swatch": colours.variable_of(pick.model) if pick.model else "", "because": pick.because,
            "warnings": pick.warnings, "peers": f"Beside the best model: {words.names(peers)}." if peers else "",
            "out": _out(pick.out_of_question), "needs": [_need(need, colours) for need in fronts.needs(results, workload)]}


def _need(need, colours):
    return {"need": need["need"], "take": need["take"], "equal": words.names(need["equal"]), "sentence": need["sentence"],
            "swatch": colours.variable_of(need["take"]) if need["take"] else ""}


def _out(failed):
    """The subjects that failed, and why; of many only the names, since the section of the workload has the reasons."""
    if len(failed) > 2:
        return [f"{words.names(name for name, _ in failed)}, since rounds failed"]
    return [f"{name} ({why})" for name, why in failed]


def _workload(results, workload, pictures):
    failures = [f"{subject.name}: {'; '.join(results.failures(workload.name, subject.name)) or 'no figures'}"
                for subject in results.models + results.peers
                if results.cell(workload.name, subject.name) and results.cell(workload.name, subject.name).failed]
    why_not = {}
    for subject in results.models + results.peers:
        why = results.left_out(workload.name, subject.name)
        if why:
            why_not.setdefault(why, []).append(subject.name)
    return {
        "name": workload.name,
        "title": workload.title,
        "figure": workload.figure_title,
        "by_processor_time": ranking.BY_PROCESSOR_TIME if workload.is_instead else "",
        "left_out": [f"{words.names(names)} ({why})" for why, names in why_not.items()],
        "pictures": pictures[workload.name],
        "failures": failures,
        "front": fronts.table(results, workload),
        "load": load_curves.table(results, workload),
        "request_times": request_times.table(results, workload),
        "pairs": verdicts.matrix(results, workload),
        "dots": plots.what_dots_are(results, workload),
        "table": tables.of_workload(results, workload),
        "limits": tables.limits(results, workload),
        "tuning": tuning.of_workload(results.summary, workload.name),
        "marks": tables.marks_under(results, workload),
        "scaling": tables.scaling(results, workload),
        "noise": " ".join(words.twins(results.twins(workload.name, workload.figure)))
    }


def _run_pictures(results, pictures):
    found = []
    for picture in pictures:
        name = picture.plot.name
        if name == "heatmap":  # In the page it is a table.
            continue
        found.append({"plot": picture.plot, "inline_wide": picture.inline_wide, "inline_narrow": picture.inline_narrow,
                      "text": _TEXTS[name], "short": _SHORT[name], "table": _RUN_TABLES[name](results)})
    return found


def _flat(mapping, prefix=""):
    """{'a': {'b': 1}} -> {'a b': 1}; lists become lines of text."""
    flat = {}
    for name, value in mapping.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name} "))
        else:
            flat[prefix + name] = words.names(map(str, value)) if isinstance(value, (list, tuple)) else value
    return flat
