"""All figures of a run in one table: a row for each subject under each workload. As CSV for other programs, and in the page,
which sorts and filters it; both have the same rows in the same order."""
import csv
import io

import markupsafe

from comparison import metrics

from . import plots, rules, tables, words

_FIRST = ("workload", "subject", "kind", "verdict", "of_best", "of_best_low", "of_best_high", "ranked_by", "unit", "rounds", "rounds_failed")
_OF_LIMITS = ("throttled", "oom_kills", "survived")  # If there were any.
_LAST = ("marks",)
_PARTS = ("", "_low", "_high")
_DIGITS = 6
# A file of figures, in the folder of a run.
CSV_NAME = "figures.csv"
VERDICTS = ("best", "equal", "open", "different", "failed")


def rows(results):
    """[(Workload, name of the subject, Cell)], the best of each workload first, those without figures behind them."""
    found = []
    for workload in results.workloads:
        ranked = plots.ranked(results, workload)
        names = ranked + [subject.name for subject in results.models + results.peers if subject.name not in ranked]
        cells = [(workload, name, results.cell(workload.name, name)) for name in names]
        found += [row for row in cells if row[2] is not None]
    return found


def csv_rows(results):
    """The titles, then a row of texts for each of rows(). Each figure has its bounds beside it; "" was not measured."""
    cells = rows(results)
    names = _metrics(cell for _, _, cell in cells)
    limited = _OF_LIMITS if any(cell.limits for _, _, cell in cells) else ()
    titles = [*_FIRST, *(metric + part for metric in names for part in _PARTS), *limited, *_LAST]
    return [titles] + [_csv_row(results, *row, names, limited) for row in cells]


def csv_text(results):
    """As RFC 4180 has it: quotes where they are needed, lines that end in CR LF."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(csv_rows(results))
    return text.getvalue()


def _csv_row(results, workload, name, cell, names, limited):
    figures = [cell.metrics.get(metric) if not cell.failed else None for metric in names]
    figures = [(value.median, value.low, value.high) if value else (None,) * 3 for value in figures]
    share = rules.share_of_best(results, workload, name)
    of_best = (share.middle, share.low, share.high) if share else (None,) * 3
    return [workload.name, name, results.subject(name).kind, verdict_of(results, workload, name), *map(_number, of_best),
            workload.figure, workload.unit, str(cell.rounds), str(cell.rounds_failed), *(_number(part) for value in figures for part in value),
            *(_number((cell.limits or {}).get(part)) for part in limited), " | ".join(" ".join(mark.split()) for mark in cell.marks)]


def verdict_of(results, workload, name):
    """One of VERDICTS: of the subject beside the best model."""
    if results.figure(workload, name) is None:
        return "failed"
    best = rules.best_model(results, workload)
    return "best" if best in (name, None) else results.verdict(workload.name, workload.figure, best, name)


def table(results):
    """Markup of the page's table: the figures of tables.METRICS. Cells that are sorted by another value than their text have it
    as data-v."""
    cells = rows(results)
    shown = [row for row in tables.METRICS if any(_estimate(results, cell, row[1]) for cell in cells)]
    markup = markupsafe.Markup
    titles = ["workload", "subject", "verdict", "of best", *(title for title, _, _ in shown), "memory", "rounds"]
    head = markup("").join(markup('<th scope="col"{}>{}</th>').format(markup(' class="n"') if place > 2 else "", title)
                           for place, title in enumerate(titles))
    body = markup("").join(_table_row(results, row, shown) for row in cells)
    return markup('<table id="figures"><caption class="sr">All figures, a row for each subject under each workload</caption>'
                  "<thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def _table_row(results, row, shown):
    workload, name, cell = row
    share = rules.share_of_best(results, workload, name)
    values = [(words.bounded(share.middle, share.low, share.high, words.ratio) if share else "", share.middle if share else None)]
    for _, metric, write in shown:
        value = _estimate(results, row, metric)
        write = write or (lambda figure, unit=workload.unit: words.rate(figure, unit))
        values.append((words.estimate(value, write) if value else "", value.median if value else None))
    own, kernel = results.memory_per_connection(name)
    total = own.median + kernel.median if own and kernel else None
    values.append((words.size(total) if total is not None else "", total))
    values.append((f"{cell.rounds - cell.rounds_failed} of {cell.rounds}", cell.rounds - cell.rounds_failed))
    return markupsafe.Markup('<tr><td>{}</td><th scope="row">{}</th><td>{}</td>{}</tr>').format(
        workload.name, name, verdict_of(results, workload, name), markupsafe.Markup("").join(_table_cell(*one) for one in values))


def _table_cell(text, value):
    if value is None:
        return markupsafe.Markup('<td class="n">{}</td>').format(text)
    return markupsafe.Markup('<td class="n" data-v="{}">{}</td>').format(_number(value), text)


def _estimate(results, row, metric):
    workload, name, _ = row
    return results.estimate(workload.name, name, metric.replace("LATENCY", workload.latency_metric))


def _metrics(cells):
    """Those that any cell has, in the order of metrics.METRICS; those of other measurements after them."""
    found = dict.fromkeys(metric for cell in cells for metric in cell.metrics)
    known = [metric for metric in metrics.METRICS if metric in found]
    return known + [metric for metric in found if metric not in known]


def _number(value):
    """With six digits that count, and no exponent."""
    if value is None:
        return ""
    text = f"{value:.{_DIGITS}g}"
    return f"{float(text):.12f}".rstrip("0").rstrip(".") if "e" in text else text
