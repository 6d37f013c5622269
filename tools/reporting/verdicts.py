"""What is said of each pair of a workload: as a matrix of signs, and as data from which the page makes the sentence on a pair
that is pointed at."""
import itertools

import markupsafe

from comparison import inference

from . import plots, request_times, words

# Metrics that a sentence on a pair tells of, after the one that ranks; those in which more is better. LATENCY stands for service
# or response.
_TOLD = ("throughput", "capacity", "LATENCY_p99_us", "given_p99_us", "cpu_us_per_request", "given_cpu_us", "connection_bytes",
         "fairness")
_MORE_IS_BETTER = ("throughput", "capacity", "fairness")
_DIGITS = 4
# What stands in a cell: sign, what it says, class of its colour.
_EQUAL, _OPEN = ("=", "equal", "eq"), ("?", "open", "op")
_BETTER, _WORSE = ("+", "better", "be"), ("−", "worse", "wo")
_NOT_JUDGED = ("", "not compared", "")


def matrix(results, workload):
    """Markup of the matrix: each row's subject beside each column's, by the figure that ranks. None with fewer than two."""
    names = plots.ranked(results, workload)
    if len(names) < 2:
        return None
    markup = markupsafe.Markup
    head = markup("").join(markup('<th scope="col"><span>{}</span></th>').format(name) for name in names)
    body = markup("").join(
        markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row, markup("").join(_cell(results, workload, row, column) for column in names)) for row in names)
    return markup('<table class="pairs" data-workload="{}"><caption class="sr">Under {}, each row beside each column</caption>'
                  "<thead><tr><td></td>{}</tr></thead><tbody>{}</tbody></table>").format(workload.name, workload.name, head, body)


def _cell(results, workload, row, column):
    markup = markupsafe.Markup
    if row == column:
        return markup('<td class="self" aria-label="itself"></td>')
    sign, says, kind = _verdict(results, workload, row, column)
    return markup('<td class="{}" aria-label="{}">{}</td>').format(kind, says, sign)


def _verdict(results, workload, one, other):
    """Of the first one, beside the other."""
    judged = results.judged(workload.name, workload.figure, one, other)
    if judged is None:
        return _NOT_JUDGED
    effect, kind = judged
    if kind != inference.DIFFERENT:
        return _EQUAL if kind == inference.EQUAL else _OPEN
    return _BETTER if (effect.log > 0) == workload.more_is_better else _WORSE


def data(results, workload):
    """What the page's sentences are made of: {names, told: [{title, more, pairs}], why}. The pairs are those of two names, first
    with second, first with third and so on, each [ratio, low, high, verdict]; 0 for one that was not compared. `why` has the
    sentences on each pair, if there are any."""
    names = plots.ranked(results, workload)
    told = []
    for metric in dict.fromkeys((workload.figure, *(one.replace("LATENCY", workload.latency_metric) for one in _TOLD))):
        pairs = [_pair(results.judged(workload.name, metric, a, b)) for a, b in itertools.combinations(names, 2)]
        if any(pairs):
            told.append({"title": words.metric(metric), "more": metric in _MORE_IS_BETTER, "pairs": pairs})
    why = request_times.why(results, workload)
    return {"names": names, "told": told, **({"why": why} if any(why) else {})}


def _pair(judged):
    if judged is None:
        return 0
    effect, kind = judged
    return [float(f"{value:.{_DIGITS}g}") for value in effect.ratio()] + [kind]
