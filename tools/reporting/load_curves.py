"""Load curves: latency against rate, of each model, with its knee and the rate up to which it keeps the promise.

No measurement is made for them: the points are the probes of the search for capacity under a promise (promise.jsonl), and what
was measured at the rates that all get (cost.jsonl). Latency is the percentile that is promised, of response times counted from
when a request was due.

A line is an isotonic regression through the points' logarithms: latency can only rise with the rate, and a probe with bad luck is
outvoted by those beside it (promise.py has more). The knee is where the power, rate over latency, is largest (L. Kleinrock,
"Power and deterministic rules of thumb for probabilistic problems in computer communications", 1979): below it, a higher rate
costs less in latency than it brings; beyond it, more.
"""
import dataclasses
import math

import matplotlib.lines
import matplotlib.ticker
import numpy

from comparison import inference, promise

from . import canvas, palette, tables, words

_LEAST_RATES = 4  # Of so few a line has no bend.
# Rates up to this share above the highest promise are drawn: beyond it there is only the queue.
_BEYOND = 1.5


@dataclasses.dataclass(frozen=True)
class Curve:
    """Of one subject. `points` as measured: (rate, microseconds) by rising rates; `line`: the same rates once each, with times
    that never fall. `knee`: its (rate, microseconds); None: it was not reached, or there are too few rates. `kept_up_to`: the
    Estimate of the highest rate that keeps the promise; None: there is none."""
    points: tuple
    line: tuple
    knee: tuple
    kept_up_to: object


def of_workload(results, workload):
    """(the Promise, {subject: its Curve}), in the order of the models; (None, {}) if no promise was searched for."""
    lines = [line for line in results.promise if line["workload"] == workload.name and not line.get("failed")]
    if not lines:
        return None, {}
    wanted = promise.parse(lines[0]["promise"])
    curves = {}
    for subject in results.models + results.peers:
        points = _probed(lines, subject.name, wanted) + _at_given_rates(results.cost, workload.name, subject.name, wanted)
        if points:
            line = _line(points)
            curves[subject.name] = Curve(tuple(sorted((rate, us) for rate, us, _ in points)), line, knee(line),
                                         results.estimate(workload.name, subject.name, "capacity"))
    return wanted, curves


def _tells(wanted, requests):
    """Whether of so many requests one at least is expected to be slower than the percentile: otherwise it is the maximum."""
    return requests * (1 - wanted.share) >= 1 - 1e-9


def _probed(lines, subject, wanted):
    """[(rate, microseconds, 1)] of the probes that say something about the server."""
    name = "p" + f"{100 * wanted.share:g}".replace(".", "") + "_us"
    probes = [probe for line in lines if line["subject"] == subject for probe in promise.of_json(line["probes"])]
    return [(probe.rate, probe.times[name], 1) for probe in probes
            if probe.times and probe.tells and probe.times.get(name) and _tells(wanted, probe.times["requests"])]


def _at_given_rates(rows, workload, subject, wanted):
    """[(rate, microseconds, slices)] of cost.jsonl: one for each of its points, of the times of all rounds together."""
    found = {}
    for row in rows:
        if (row["workload"], row["subject"]) == (workload, subject) and row.get("load") and not row.get("failed"):
            times = row["load"]["response_ns"].get("histogram")
            if times:
                found.setdefault(row["point"], []).append((row["rate"], times, len(row["load"].get("slices") or (0,))))
    points = []
    for entries in found.values():
        values, counts = inference.merged([times for _, times, _ in entries])
        totals = numpy.cumsum(counts.sum(axis=0))
        if _tells(wanted, totals[-1]):
            place = int(numpy.searchsorted(totals, math.ceil(wanted.share * totals[-1] - 1e-6)))
            rate = float(numpy.median([rate for rate, _, _ in entries]))
            points.append((rate, float(values[place]) / 1e3, sum(slices for _, _, slices in entries)))
    return points


def _line(points):
    """((rate, microseconds), ...) of (rate, microseconds, weight): rising."""
    rates = sorted({rate for rate, _, _ in points})
    total, count = numpy.zeros(len(rates)), numpy.zeros(len(rates))
    for rate, us, weight in points:
        place = rates.index(rate)
        total[place] += weight * math.log(us)
        count[place] += weight
    fit = numpy.exp(promise.isotonic(total[None], count[None])[0])
    return tuple((float(rate), float(us)) for rate, us in zip(rates, fit))


def knee(line):
    """The (rate, microseconds) of a rising line at which rate over time is largest; None if that is its last point, beyond which
    nothing is known, or if it has too few. Of equal ones the highest rate."""
    if len(line) < _LEAST_RATES:
        return None
    power = [rate / us for rate, us in line]
    place = max(range(len(line)), key=lambda number: (power[number], number))
    return None if place == len(line) - 1 else line[place]


def plot(results, workload):
    """The Plot of a Workload's load curves; None if there are none."""
    wanted, curves = of_workload(results, workload)
    curves = {name: curve for name, curve in curves.items() if len(curve.line) > 1}
    if not curves:
        return None
    most = _most_rate(curves)

    def draw(on):
        panels = canvas.families(results, curves)
        for axes, (title, members) in zip(on.panels(len(panels), 2.7), panels):
            axes.set_yscale("log")
            axes.axhline(wanted.bound_us, color=palette.page("ink"), linewidth=1, linestyle=(0, (4, 2)))
            for name in members:
                _draw_curve(on, axes, name, curves[name], wanted)
            _finish(axes, title, most, on.is_narrow)
            axes.annotate(wanted.text, (1, wanted.bound_us), xycoords=("axes fraction", "data"), xytext=(-2, 3),
                          textcoords="offset points", ha="right", fontsize=8, color=palette.page("ink"),
                          bbox={"boxstyle": "square,pad=0.1", "facecolor": palette.page("paper"), "edgecolor": "none", "alpha": 0.8})
            axes.legend(handles=axes.get_legend_handles_labels()[0] + _handles(), loc="upper left", handlelength=1.8)
        on.label_all("requests due per second", f"{words.metric(_metric(wanted))}, logarithmic")

    return canvas.Plot(f"{workload.name}-load", "Latency against rate", _alt(workload, wanted, curves), draw)


def _metric(wanted):
    return f"response_p{100 * wanted.share:g}_us".replace(".", "")


def _most_rate(curves):
    """Where the axis of rates ends: some way beyond all that is marked."""
    marked = [curve.kept_up_to.high for curve in curves.values() if curve.kept_up_to]
    marked += [curve.knee[0] for curve in curves.values() if curve.knee]
    tried = max(rate for curve in curves.values() for rate, _ in curve.line)
    furthest = max(marked, default=0)  # 0, too, if no rate keeps the promise, and no line has a knee.
    return min(tried, _BEYOND * furthest) if furthest > 0 else tried


def _draw_curve(on, axes, name, curve, wanted):
    colour = on.colours.colour(name)
    axes.plot([rate for rate, _ in curve.points], [us for _, us in curve.points], color=colour, linestyle="none", marker="o",
              markersize=2.6, markeredgewidth=0, alpha=0.4)
    axes.plot([rate for rate, _ in curve.line], [us for _, us in curve.line], color=colour, linewidth=1.6,
              marker=on.colours.mark(name), markersize=4, label=name)
    if curve.knee:
        axes.plot(*([part] for part in curve.knee), color=colour, linestyle="none", marker="o", markersize=10,
                  markerfacecolor="none", markeredgewidth=1.5)
    if curve.kept_up_to and curve.kept_up_to.median > 0:
        kept = curve.kept_up_to
        axes.plot([kept.low, kept.high], [wanted.bound_us] * 2, color=colour, linewidth=4, alpha=0.3, solid_capstyle="butt")
        axes.plot([kept.median], [wanted.bound_us], color=colour, linestyle="none", marker="v", markersize=7,
                  markeredgecolor=palette.page("paper"), markeredgewidth=0.7)


def _handles():
    style = {"color": palette.page("muted"), "linestyle": "none"}
    return [matplotlib.lines.Line2D([], [], marker="v", markersize=7, label="promise kept up to here", **style),
            matplotlib.lines.Line2D([], [], marker="o", markersize=9, markerfacecolor="none", label="knee", **style)]


def _finish(axes, title, most, is_narrow):
    axes.set_title(title, color=palette.page("muted"))
    axes.grid(axis="both")
    axes.set_xlim(0, 1.04 * most)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3 if is_narrow else 5))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.number(value))))
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,), numticks=20))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.time(value))))
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())


def _alt(workload, wanted, curves):
    """What the plot shows, in words."""
    knees = {name: curve.knee for name, curve in curves.items() if curve.knee}
    kept = {name: curve.kept_up_to.median for name, curve in curves.items() if curve.kept_up_to and curve.kept_up_to.median > 0}
    text = f"Curves on a logarithmic scale: latency against rate under {workload.title}, with the promise {wanted.text}."
    if kept:
        best = max(kept, key=kept.get)
        text += f" {best} keeps it up to the highest rate, {words.rate(kept[best], 'requests/s')}."
    if knees:
        last = max(knees, key=lambda name: knees[name][0])
        text += (f" The knee comes last with {last}, at {words.rate(knees[last][0], 'requests/s')} and "
                 f"{words.time(knees[last][1])}.")
    return text


def table(results, workload):
    """The marks of the plot as a table; None if there are no curves."""
    wanted, curves = of_workload(results, workload)
    if not curves:
        return None
    rows = []
    for name, curve in curves.items():
        kept = curve.kept_up_to
        rows.append([name, words.rate(kept.median, "requests/s") if kept else "not measured",
                     words.rate(curve.knee[0], "requests/s") if curve.knee else "none",
                     words.time(curve.knee[1]) if curve.knee else "", f"{len(curve.points)} at {len(curve.line)} rates"])
    return tables.table(["model", f"{wanted.text} kept up to", "knee at", "latency there", "points"], rows)
