"""Fronts: of each workload the models that no other one beats in every respect (Pareto's front), drawn and as a table, and
which model to take for which need. All of it is in the summary; here it is shown."""
import math
import textwrap

import matplotlib.ticker
import markupsafe

from . import canvas, palette, tables, words

_AXES = ("capacity", "tail", "cost", "memory")
_PANEL_INCHES = 2.6
# Two names beside points are so far apart at least, in points of 1/72 inch.
_LINE_POINTS = 10.5
# How far an interval may reach beyond the figures, and where one that reaches to nothing or below is cut off, as a factor.
_FAR, _OFF = 4, 1e6
_LEAST_LENGTH = 1.5


def plot(results, workload):
    """The Plot of a Workload's front: the first axis that was measured (capacity, if it was) against each other one. None without
    a front, or without anything to draw."""
    front = results.fronts.get(workload.name)
    across, *axes = _axes_of(front) if front else [None]
    axes = [name for name in axes if _drawn(front, across, name)]
    if not axes:
        return None

    def draw(on):
        panels = on.axes(_PANEL_INCHES * (len(axes) if on.is_narrow else 1) + 0.3, *(
            (len(axes), 1) if on.is_narrow else (1, len(axes)))).ravel()
        for panel, name in zip(panels, axes):
            _panel(on, panel, front, across, name)
        on.settle()
        for panel, name in zip(panels, axes):
            _names(on, panel, [model for model in _drawn(front, across, name) if model["is_on_front"]], across, name)

    on_front = [model["name"] for model in front["models"] if model["is_on_front"]]
    shown = [_titles(front, name).replace(": ", " (", 1) + ")" for name in (across, *axes)]
    alt = (f"Points on logarithmic scales: {shown[0]} against {words.names(shown[1:])}, under {workload.title}. No other model "
           f"beats {words.names(on_front)} in every respect.")
    return canvas.Plot(f"{workload.name}-front", "What no other model beats in every respect", alt, draw)


def _axes_of(front):
    """The names of the axes that were measured, [None] if none was."""
    return [name for name in _AXES if front["axes"].get(name)] or [None]


def _drawn(front, *axes):
    """The models that have a place in the panel: the figures are there, and more than nothing."""
    return [model for model in front["models"] if all(model.get(axis) and model[axis]["median"] > 0 for axis in axes)]


def _panel(on, axes, front, across, name):
    axes.set_xscale("log")
    axes.set_yscale("log")
    models = _drawn(front, across, name)
    for model in sorted(models, key=lambda model: model["is_on_front"]):
        _point(on, axes, model, across, name)
    axes.grid(axis="both")
    axes.set_title(_better(front, across, name), color=palette.page("muted"), fontsize=8)
    axes.set_xlabel(_wrapped(_titles(front, across)))
    axes.set_ylabel(_wrapped(_titles(front, name)))
    axes.set_xlim(*_limits([model[across] for model in models], 0.1, 0.6))  # For the names at the right.
    axes.set_ylim(*_limits([model[name] for model in models], 0.12, 0.12))
    _ticks(axes.xaxis, front["axes"][across], 3)
    _ticks(axes.yaxis, front["axes"][name], 5)


def _limits(figures, below, above):
    """The ends of a logarithmic axis, with room of so many times its length. An interval that reaches far beyond all figures is
    cut off: it would leave no room for them."""
    middles = [figure["median"] for figure in figures]
    low = max(min(figure["low"] for figure in figures), min(middles) / _FAR)
    high = min(max(figure["high"] for figure in figures), max(middles) * _FAR)
    length = max(high / low, _LEAST_LENGTH)
    return low / length**below, high * length**above


def _point(on, axes, model, across, name):
    x, y, is_on_front = model[across], model[name], model["is_on_front"]
    colour = on.colours.colour(model["name"])
    style = {"color": colour, "linewidth": 1.3, "alpha": 0.9 if is_on_front else 0.3}
    axes.plot([max(x["low"], x["median"] / _OFF), x["high"]], [y["median"]] * 2, **style)
    axes.plot([x["median"]] * 2, [max(y["low"], y["median"] / _OFF), y["high"]], **style)
    axes.plot([x["median"]], [y["median"]], marker=on.colours.mark(model["name"]), linestyle="none", color=colour,
              markersize=6 if is_on_front else 4.5, markerfacecolor=colour if is_on_front else palette.page("paper"),
              alpha=1 if is_on_front else 0.55)


def _names(on, axes, models, across, name):
    """The names of the models at the right of the panel, each with a line to its point, without overlap."""
    def height(model):
        return axes.transData.transform((model[across]["median"], model[name]["median"]))[1]
    step = _LINE_POINTS * on.figure.dpi / 72
    bottom, top = (axes.transAxes.transform((0, place))[1] for place in (0.03, 0.97))
    ordered = sorted(models, key=height)
    places = []
    for model in ordered:
        places.append(max(height(model), places[-1] + step if places else bottom))
    for number in reversed(range(len(places))):  # Those that were pushed out at the top come back.
        places[number] = min(places[number], places[number + 1] - step if number + 1 < len(places) else top)
    for model, place in zip(ordered, places):
        share = axes.transAxes.inverted().transform((0, place))[1]
        axes.annotate(model["name"], (model[across]["median"], model[name]["median"]), xytext=(0.99, share),
                      textcoords="axes fraction", ha="right", va="center", fontsize=8,
                      bbox={"boxstyle": "square,pad=0.1", "facecolor": palette.page("paper"), "edgecolor": "none", "alpha": 0.85},
                      arrowprops={"arrowstyle": "-", "color": palette.page("muted"), "linewidth": 0.6, "alpha": 0.7,
                                  "shrinkA": 1, "shrinkB": 3})


def _ticks(axis, what, most):
    """So many at most, about."""
    low, high = axis.get_view_interval()
    if high < (1 + most) * low:  # Too few powers for a scale of them.
        axis.set_major_locator(matplotlib.ticker.MaxNLocator(most))
    elif what["unit"] == "B":
        axis.set_major_locator(matplotlib.ticker.LogLocator(base=2, numticks=7))
    else:
        axis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=6))
    axis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(_short(value, what["unit"]))))
    axis.set_minor_locator(matplotlib.ticker.NullLocator())


def _wrapped(title):
    return textwrap.fill(title, 30)


def _better(front, across, name):
    """In which corner the best are."""
    side = "right" if front["axes"][across]["more_is_better"] else "left"
    return f"better: {'up' if front['axes'][name]['more_is_better'] else 'down'} and {side}"


def _short(value, unit):
    """As write(), for a tick: rates without their unit."""
    return write(value, unit) if unit in ("us", "B") else words.number(value)


def write(value, unit):
    """A figure of an axis with its unit."""
    if not math.isfinite(value):
        return "none"
    if unit == "us":
        return words.time(value)
    if unit == "B":
        return words.size(value)
    return words.rate(value, {"1/s": "/s"}.get(unit, unit)).strip()


def _titles(front, name):
    """What an axis is: `tail: 99th percentile of the response time`."""
    return f"{name}: {words.metric(front['axes'][name]['metric'])}"


def table(results, workload):
    """All models of a Workload's front, as a table; None without a front."""
    front = results.fronts.get(workload.name)
    if front is None:
        return None
    axes = [name for name in _axes_of(front) if name]
    rows = []
    for model in sorted(front["models"], key=lambda model: not model["is_on_front"]):
        beaten = "no other beats it" if model["is_on_front"] else f"beaten by {words.some(model['beaten_by'])}"
        rows.append([model["name"], *(_cell(model.get(name), front["axes"][name]["unit"]) for name in axes), beaten])
    return tables.table(["model", *(_titles(front, name) for name in axes), "in every respect"], rows)


def _cell(value, unit):
    if value is None:
        return "not measured"
    return markupsafe.Markup("{}<small>{} to {}</small>").format(
        *(write(value[part], unit) for part in ("median", "low", "high")))


def needs(results, workload):
    """[{need, take (or None), equal to it, sentence}] of a Workload."""
    found = (results.fronts.get(workload.name) or {}).get("needs") or ()
    return [{**need, "equal": [name for name in need["equal"] if name != need["take"]]} for need in found]
