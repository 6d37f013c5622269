"""The plots of a whole run: the heat map, memory, and idle connections."""
import matplotlib.lines
import matplotlib.ticker

from . import canvas, palette, rules, tables, words

_LEAST_KIB = 0.05  # What is less is drawn here: a logarithmic axis has no zero.


def plots_of(results):
    """The Plots that there are figures for."""
    candidates = (heat_map(results), _memory(results), _idle(results))
    return [plot for plot in candidates if plot is not None]


def heat_map(results):
    """Models by workloads, as shares of the best model."""
    names = [subject.name for subject in results.models + results.peers]
    workloads = results.workloads

    def draw(on):
        axes = on.axes(0.31 * len(names) + 1.25)[0][0]
        for row, name in enumerate(names):
            for column, workload in enumerate(workloads):
                text = tables.share(results, workload, name) or ""
                share = rules.share_of_best(results, workload, name)
                heat = None if share is None else palette.heat_class(share.middle)
                colour = palette.HEAT[heat][0] if heat is not None else "none"
                axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], facecolor=colour,
                          edgecolor=palette.page("paper"), linewidth=1.5)
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7 if on.is_narrow else 8.5,
                          color=palette.HEAT_INK[heat][0] if heat is not None else palette.page("muted"))
        axes.set_xlim(0, len(workloads))
        axes.set_ylim(len(names), 0)
        axes.set_yticks([row + 0.5 for row in range(len(names))], names)
        axes.set_xticks([column + 0.5 for column in range(len(workloads))], [workload.name for workload in workloads],
                        rotation=35, ha="left", color=palette.page("ink"))
        axes.xaxis.tick_top()
        for spine in axes.spines.values():
            spine.set_visible(False)

    best = words.names(f"{rules.best_model(results, workload)} for {workload.name}" for workload in workloads
                       if rules.best_model(results, workload))
    return canvas.Plot(
        "heatmap", "All at a glance", f"Heat map: what each model reaches under each workload, as a share of "
        f"the best model. The best: {best}.", draw)


def _memory(results):
    found = {subject.name: results.memory_per_connection(subject.name) for subject in results.models + results.peers}
    found = {name: pair for name, pair in found.items() if pair[0] is not None}
    if not found:
        return None
    names = sorted(found, key=lambda name: sum(value.median for value in found[name] if value is not None))

    def draw(on):
        axes = on.axes(0.29 * len(names) + 0.85)[0][0]
        canvas.rows(on, axes, names)
        axes.set_xscale("log")
        for row, name in enumerate(names):
            _memory_row(axes, row, found[name], on.colours.colour(name), on.is_narrow)
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, _LEAST_KIB * 0.8), high * (12 if on.is_narrow else 3))
        axes.xaxis.set_major_formatter(
            matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.size(value * 1024))))
        axes.set_xlabel("per idle connection, logarithmic")
        muted = palette.page("muted")
        handles = [
            matplotlib.lines.Line2D([], [], marker="o", color=muted, linestyle="none", label="the server's own (PSS)"),
            matplotlib.lines.Line2D([], [],
                                    marker="|",
                                    markersize=9,
                                    markeredgewidth=2,
                                    color=muted,
                                    linestyle="none",
                                    label="with the kernel's")
        ]
        canvas.legend_above(axes, handles)

    total = {name: sum(value.median for value in found[name] if value is not None) for name in names}
    alt = (
        f"Dots on a logarithmic scale: memory per idle connection. Least: {names[0]}, {words.size(total[names[0]])} "
        f"with the kernel's part; most: {names[-1]}, {words.size(total[names[-1]])}.")
    return canvas.Plot("memory", "Memory per connection", alt, draw)


def _memory_row(axes, row, pair, colour, is_narrow):
    own, kernel = pair
    start = max(own.median / 1024, _LEAST_KIB)
    end = start if kernel is None else max((own.median + kernel.median) / 1024, _LEAST_KIB)  # The axis is logarithmic.
    beyond = end
    for value, extra in ((own, 0), (kernel, own.median)):
        if value is not None:
            bounds = [max((bound + extra) / 1024, _LEAST_KIB) for bound in (value.low, value.high)]
            axes.plot(bounds, [row, row], color=colour, linewidth=6, alpha=0.25, solid_capstyle="butt")
            beyond = max(beyond, *bounds)
    axes.plot([start, end], [row, row], color=colour, linewidth=1.4, alpha=0.6)
    axes.plot([start], [row], color=colour, marker="o", markersize=6, linestyle="none")
    text = words.size(own.median)
    if kernel is not None:
        axes.plot([end], [row], color=colour, marker="|", markersize=10, markeredgewidth=2, linestyle="none")
        text = words.size(own.median + kernel.median) if is_narrow else f"{text} + {words.size(kernel.median)}"
    axes.annotate(text, (beyond, row), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8.5)


def _idle(results):
    series = {subject.name: results.over_idle(subject.name) for subject in results.models + results.peers}
    series = {name: found for name, found in series.items() if len(found[1]) > 1}
    if not series:
        return None
    most = max(rate for _, points in series.values() for _, rate in points)

    def draw(on):
        panels = canvas.families(results, series)
        for axes, (title, members) in zip(on.panels(len(panels), 2.3), panels):
            axes.set_xscale("symlog", linthresh=10, linscale=0.5)
            for name in members:
                canvas.line(on, axes, name, series[name][1])
            under = words.names(dict.fromkeys(series[name][0] for name in members))
            canvas.finish_panel(axes, f"{title} ({under})" if title else under, most, "lower left")
            axes.xaxis.set_major_locator(matplotlib.ticker.FixedLocator([0, 10, 100, 1000, 10000]))
            axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
            axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        unit = results.workload(next(iter(series.values()))[0]).unit
        on.label_all("idle connections beside the busy ones", unit)

    left = {name: points[-1][1] / points[0][1] for name, (_, points) in series.items()}
    worst = min(left, key=left.get)
    alt = (f"Lines: throughput beside more and more idle connections. {worst} loses most: with "
           f"{series[worst][1][-1][0]:,} of them it keeps {words.ratio(left[worst])} of its throughput.")
    return canvas.Plot("idle", "Throughput beside idle connections", alt, draw)
