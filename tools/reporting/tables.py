"""The tables of the report, as HTML: what the plots show, in figures. Each is one function; markup is escaped
throughout."""
import markupsafe

from comparison import inference
from comparison import table as comparison_table

from . import palette, plots, rules, usl, words

METRICS = (
    # title, metric (LATENCY stands for service or response), how to write it
    ("throughput", "throughput", None),
    ("p50", "LATENCY_p50_us", words.time),
    ("p90", "LATENCY_p90_us", words.time),
    ("p99", "LATENCY_p99_us", words.time),
    ("p99.9", "LATENCY_p999_us", words.time),
    ("CPU/request", "cpu_us_per_request", words.time),
    ("beside it", "beside_per_second", lambda value: words.rate(value, "/s")),
    ("calls/request", "syscalls_per_request", "{:.2f}".format),
    ("fairness", "fairness", "{:.3f}".format),
    ("capacity", "capacity", lambda value: words.rate(value, "/s")),
    ("p99, same rate", "given_p99_us", words.time),
    ("CPU, same rate", "given_cpu_us", words.time),
    ("CPU, idle", "idle_share", words.percent),
    ("start-up", "start_ms", lambda value: words.time(1e3 * value)),
    ("drain", "drain_ms", lambda value: words.time(1e3 * value)),
)


def table(head, rows, numeric=True):
    """Markup of a table: `head` are the titles, the first cell of each row is its title. Cells may be Markup."""
    kind = markupsafe.Markup(' class="n"') if numeric else ""
    escape = markupsafe.escape
    top = _join(markupsafe.Markup('<th scope="col"{}>{}</th>').format(kind if place else "", title)
                for place, title in enumerate(head))
    body = _join(
        markupsafe.Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], _join(markupsafe.Markup("<td{}>{}</td>").format(kind, escape(cell))
                          for cell in row[1:]))
        for row in rows)
    return markupsafe.Markup(
        '<div class="scroll" tabindex="0"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
            top, body)


def heat_map(results):
    """Models, then peers, by workloads."""
    markup = markupsafe.Markup
    top = _join(markup('<th scope="col">{}</th>').format(workload.name) for workload in results.workloads)
    rows = [_heat_row(results, subject.name) for subject in results.models]
    if results.peers:
        rows.append(
            markup('<tr class="peers"><th scope="rowgroup" colspan="{}">other servers, beside the best model</th></tr>'
                  ).format(len(results.workloads) + 1))
        rows += [_heat_row(results, subject.name) for subject in results.peers]
    return markup(
        '<div class="scroll" tabindex="0"><table class="heat"><thead><tr><th scope="col">model</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>").format(top, _join(rows))


def _heat_row(results, name):
    return markupsafe.Markup('<tr><th scope="row">{}</th>{}</tr>').format(
        name, _join(_heat_cell(results, workload, name) for workload in results.workloads))


def _heat_cell(results, workload, name):
    markup = markupsafe.Markup
    text = share(results, workload, name)
    if text is None:
        return markup("<td></td>")
    if text == "–":
        return markup('<td class="no" title="{}">–</td>').format(results.left_out(workload.name, name))
    if text == "failed":
        return markup('<td class="bad">failed</td>')
    figure = ""
    if name == rules.best_model(results, workload):
        figure = markup("<small>{}</small>").format(workload.write(results.figure(workload, name).median))
    found = rules.share_of_best(results, workload, name)
    says = f"{words.bounded(found.middle, found.low, found.high, words.ratio)} of the best"
    if name == rules.best_model(results, workload):
        says = f"the best: {workload.write(results.figure(workload, name).median)}"
    return markup('<td class="h{}" title="{}">{}{}</td>').format(palette.heat_class(found.middle), says, text, figure)


def of_workload(results, workload):
    """All estimates of a workload, with their spreads."""
    names = plots.ranked(results, workload)
    columns = columns_of(results, workload, names)
    of_floor = results.of_floor(workload.name)
    rows = []
    for name in names:
        cells = [results.estimate(workload.name, name, metric) for _, metric, _ in columns]
        rows.append([name] + ([_of_floor(of_floor.get(name))] if of_floor else []) +
                    [words.estimate(cell, write) if cell else "" for cell, (_, _, write) in zip(cells, columns)] +
                    [results.figure(workload, name).n])
    return table(["subject"] + (["of its floor"] if of_floor else []) + [title for title, _, _ in columns] + ["rounds"], rows)


def limits(results, workload):
    """What limits have done to each subject of a Workload, those included that have no figures; None if there were none."""
    row = next(row for row in results.run["workloads"] if row["name"] == workload.name)
    rows = comparison_table.limits_rows(results.summary, row)
    return table(["subject", *comparison_table.LIMITS_HEADINGS], rows) if rows else None


def _of_floor(entry):
    """What a model reaches of the smallest honest program that works in the same way."""
    return words.bounded(entry["ratio"], entry["low"], entry["high"], words.ratio) if entry else ""


def marks_under(results, workload):
    """What was noticed in the rounds of each subject, in texts: `epoll: the client was the limit (3 of 7 rounds)`."""
    found = []
    for subject in results.models + results.peers:
        cell = results.cell(workload.name, subject.name)
        found += [f"{subject.name}: {mark}" for mark in (cell.marks if cell else ())]
    return found


def columns_of(results, workload, names):
    """(title, metric, write) of METRICS, those that one of the subjects has an estimate of."""
    columns = []
    for title, metric, write in METRICS:
        metric = metric.replace("LATENCY", workload.latency_metric)
        if any(results.estimate(workload.name, name, metric) for name in names):
            columns.append((title, metric, write or (lambda value: words.rate(value, workload.unit))))
    return columns


def share(results, workload, name):
    """What stands in the heat map: the share of the best with its marks, `failed`, or `–` for what was left out;
    None if there is nothing to say."""
    if results.cell(workload.name, name) is None:
        return "–" if results.left_out(workload.name, name) else None
    found = rules.share_of_best(results, workload, name)
    return "failed" if found is None else words.ratio(found.middle) + marks_of(results, workload, name)


def marks_of(results, workload, name):
    """What is written behind a share: that it is equal to the best (=), that this is open (?), that it is a throughput of which the
    client was the limit, in half of the rounds or more (†)."""
    best = rules.best_model(results, workload)
    signs = {inference.DIFFERENT: "", inference.EQUAL: " =", inference.OPEN: " ?"}
    marks = "" if name == best else signs[results.verdict(workload.name, workload.figure, best, name)]
    return marks + (" †" if results.is_at_least(workload, name) else "")


def memory(results):
    rows = []
    for subject in results.models + results.peers:
        own, kernel = results.memory_per_connection(subject.name)
        if own is not None:
            rows.append([subject.name] + [memory_part(part) for part in (own, kernel)])
    return table(["subject", "the server's own (PSS)", "the kernel's"], rows)


def memory_part(part):
    """An Estimate of bytes per connection, or None, as a text."""
    if part is None:
        return "not measured"
    return words.within(part, words.size)


def idle(results):
    """Throughput by idle connections, a column each."""
    series = {subject.name: results.over_idle(subject.name) for subject in results.models + results.peers}
    return _steps({f"{name} ({workload})": dict(points) for name, (workload, points) in series.items() if points})


def scaling(results, workload):
    """Throughput by workers, a column each, and the parameters of the laws that were fitted; None if there is
    nothing."""
    series = {subject.name: results.over_workers(workload.name, subject.name) for subject in results.models}
    series = {name: points for name, points in series.items() if len(points) > 1}
    if not series:
        return None
    rows = []
    for name, points in series.items():
        fit, held = usl.fit(points), usl.hold_back(points)
        if fit is not None:
            peak = "never" if fit.peak == float("inf") else f"{fit.peak:.1f}"
            rows.append([
                name,
                words.number(fit.one), f"{fit.sigma:.3f}", f"{fit.kappa:.4f}", peak,
                words.percent(fit.error),
                "too few steps" if held is None else f"{100 * held.error:+.1f} % at {held.workers}"
            ])
    measured = _steps({name: dict(points) for name, points in series.items()})
    return measured + table(["", "one worker (λ)", "contention (σ)", "coherency (κ)", "most at", "error of the fit",
                             "held back: predicted"], rows) if rows else measured


def _steps(series):
    columns = sorted({step for points in series.values() for step in points})
    rows = [[name] + [words.number(points[step]) if step in points else "" for step in columns]
            for name, points in series.items()]
    return table([""] + [f"{step:,}" for step in columns], rows)


def pairs(mapping):
    """A table of names and values."""
    return table(["name", "value"], [[name, "none" if value is None else value] for name, value in mapping.items()],
                 numeric=False)


def agreements(contract):
    """Rows (name, the value that most have, which subjects have which other one) of the fairness contract, {row: {subject:
    value}}."""
    for row, values in contract.items():
        by_value = {}
        for name, value in values.items():
            by_value.setdefault(str(value), []).append(name)
        common = max(by_value, key=lambda value: len(by_value[value])) if by_value else ""
        yield row, common, "; ".join(
            f"{words.names(names)}: {value}" for value, names in by_value.items() if value != common)


def fairness(contract):
    """The fairness contract; what is the same for all is said once."""
    return table(["row", "the same for all", "except for"],
                 [[row, common, others or "none"] for row, common, others in agreements(contract)],
                 numeric=False)


def subjects(results):
    kinds = {"model": "model", "peer": "other server", "aa": "the same once more"}
    rows = [[subject.name, kinds.get(subject.kind, subject.kind), subject.version,
             markupsafe.Markup("<code>{}</code>").format(" ".join(subject.flags)) if subject.flags else ""]
            for subject in results.subjects]
    return table(["name", "what", "version", "flags"], rows, numeric=False)


def _join(parts):
    return markupsafe.Markup("").join(parts)
