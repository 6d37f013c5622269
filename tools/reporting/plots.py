"""The plots of one workload: throughput, latency, how times are spread, what a request costs, scaling over workers."""
import math

import matplotlib.lines
import matplotlib.ticker

from . import canvas, palette, samples, usl, words

# A dot that is farther out than the highest interval, times this, is drawn at the edge.
_DOTS_BEYOND = 1.3
# An interval of few noisy rounds may reach many times as far as any figure: then it is cut off at so many times the highest one.
_INTERVALS_BEYOND = 2.5
_NO_DOTS = samples.Dots((), "")
_QUANTILES = (("p50", "o"), ("p90", "s"), ("p99", "D"), ("p999", "X"))
_QUANTILE_TITLES = {"p50": "half are faster (p50)", "p90": "90 %", "p99": "99 %", "p999": "99.9 %"}


def plots_of(results, workload):
    """The Plots of a Workload that there are figures for."""
    names = ranked(results, workload)
    if not names:
        return []
    plots = [_throughput(results, workload, names)]
    timed = [name for name in names if results.estimate(workload.name, name, f"{workload.latency_metric}_p50_us")]
    if timed:
        plots.append(_latency(results, workload, timed))
    curves = {name: results.curve(workload, name) for name in timed}
    curves = {name: curve for name, curve in curves.items() if len(curve) > 1}
    if curves:
        plots.append(_spread_of_times(results, workload, curves))
    costly = [name for name in names if results.estimate(workload.name, name, "cpu_us_per_request")]
    if costly:
        plots.append(_cost(results, workload, costly))
    scaled = {subject.name: results.over_workers(workload.name, subject.name) for subject in results.models}
    scaled = {name: points for name, points in scaled.items() if len(points) > 1}
    if scaled:
        plots.append(_scaling(results, workload, scaled))
    return plots


def ranked(results, workload):
    """Names of the models and peers with figures, the best first."""
    names = [subject.name for subject in results.models + results.peers
             if results.figure(workload, subject.name)]
    return sorted(names, key=lambda name: results.figure(workload, name).median,
                  reverse=workload.more_is_better)


def _time_ticks(axes, is_narrow):
    """Writes the ticks of a logarithmic axis in microseconds as 10 µs, 100 µs, 1 ms; 2 and 5 between, where it is
    short."""
    low, high = axes.get_xlim()
    decades = math.log10(high / low)
    room = 1.6 if is_narrow else 2.6  # Decades that have room for all three.
    steps = (1, 2, 5) if decades < room else (1, 3) if decades < 1.5 * room else (1,)
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=steps, numticks=20))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.time(value))))
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.set_xlim(low, high)


def _height(names, extra):
    return canvas.ROW_INCHES * len(names) + extra


def _most(results, workload, names, metric):
    """Where a linear axis ends that has room for all intervals but the widest, and for the dots that are not far beyond them."""
    estimates = [results.estimate(workload.name, name, metric) for name in names]
    most = max(value.high for value in estimates)
    most = min(most, _INTERVALS_BEYOND * max(value.median for value in estimates) or most)
    dots = [value for name in names for value in (results.dots(workload, name, metric) or _NO_DOTS).values]
    return max([most, *(value for value in dots if value <= _DOTS_BEYOND * most)])


def what_dots_are(results, workload):
    """A sentence on the dots of the plots of a Workload; "" if there are none."""
    found = [results.dots(workload, name, workload.figure) for name in ranked(results, workload)]
    kinds = sorted({dots.of for dots in found if dots is not None})
    return f"Each faint dot is one {' or '.join(kinds)}." if kinds else ""


def _throughput(results, workload, names):
    metric = workload.figure

    def draw(on):
        axes = on.axes(_height(names, 0.6))[0][0]
        canvas.rows(on, axes, names)
        write = words.number if workload.figure == "throughput" else workload.write
        most = _most(results, workload, names, metric)
        for row, name in enumerate(names):
            value, colour = results.figure(workload, name), on.colours.colour(name)
            axes.barh(row - canvas.FIGURE_UP, value.median, height=canvas.FIGURE_HEIGHT, color=colour)
            canvas.interval(axes, row, value)
            canvas.dots(axes, row, results.dots(workload, name, metric), colour, (0, most))
            mark = " †" if results.is_at_least(workload, name) else ""
            axes.text(min(max(value.median, value.high), most) + most * 0.012, row - canvas.FIGURE_UP, write(value.median) + mark,
                      va="center", fontsize=8.5)
        axes.set_xlim(0, most * (1.22 if on.is_narrow else 1.1))
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4 if on.is_narrow else 7))
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(write(value))))
        unit = workload.unit if workload.figure == "throughput" else workload.figure_title
        axes.set_xlabel(unit + ("" if workload.more_is_better else " (less is better)"))

    best = results.figure(workload, names[0])
    alt = (f"Bars: {workload.figure_title} by subject under {workload.title}. Best is {names[0]} with "
           f"{workload.write(best.median)}, last is {names[-1]} with "
           f"{workload.write(results.figure(workload, names[-1]).median)}.")
    return canvas.Plot(f"{workload.name}-throughput", workload.figure_title.capitalize(), alt, draw)


def _latency(results, workload, names):
    def draw(on):
        axes = on.axes(_height(names, 0.85))[0][0]
        canvas.rows(on, axes, names)
        axes.set_xscale("log")
        for row, name in enumerate(names):
            _latency_row(on, axes, results, workload, row, name)
        _time_ticks(axes, on.is_narrow)
        axes.set_xlabel(f"{workload.latency_metric} time, logarithmic")
        canvas.legend_above(axes, _quantile_handles(on))

    low = min(results.estimate(workload.name, name, f"{workload.latency_metric}_p50_us").median for name in names)
    last = [(results.estimate(workload.name, name, f"{workload.latency_metric}_p99_us"), name) for name in names]
    last = [(value.median, name) for value, name in last if value is not None]
    alt = (f"Dots on a logarithmic scale: {workload.latency_metric} times under {workload.title}. The lowest median is "
           f"{words.time(low)}")
    if last:
        alt += (f"; the lowest 99th percentile is {words.time(min(last)[0])} ({min(last)[1]}), the highest "
                f"{words.time(max(last)[0])} ({max(last)[1]})")
    return canvas.Plot(f"{workload.name}-latency", "Latency", alt + ".", draw)


def _latency_row(on, axes, results, workload, row, name):
    metrics = [(mark, f"{workload.latency_metric}_{label}_us") for label, mark in _QUANTILES]
    found = [(mark, metric, results.estimate(workload.name, name, metric)) for mark, metric in metrics]
    found = [(mark, metric, value) for mark, metric, value in found if value is not None]
    colour, height = on.colours.colour(name), row - canvas.FIGURE_UP
    axes.plot([value.median for _, _, value in found], [height] * len(found), color=colour, linewidth=1.6, alpha=0.55)
    for mark, metric, value in found:
        axes.plot([value.low, value.high], [height] * 2, color=colour, linewidth=4, alpha=0.3, solid_capstyle="butt")
        axes.plot([value.median], [height], color=colour, marker=mark, markersize=5.2, linestyle="none",
                  markeredgecolor=palette.page("paper"), markeredgewidth=0.7)
        canvas.dots(axes, row, results.dots(workload, name, metric), colour, (0, math.inf))


def _quantile_handles(on):
    return [matplotlib.lines.Line2D([], [], marker=mark, color=palette.page("muted"), linestyle="none", markersize=5.2,
                                    label=label.replace("p999", "p99.9") if on.is_narrow else _QUANTILE_TITLES[label])
               for label, mark in _QUANTILES]


# Where a curve of times has its ticks: shares of the requests.
_SHARE_TICKS = (0.5, 0.9, 0.99, 0.999, 0.9999)


def _nines(share):
    """The place of a share on an axis on which each nine takes as much room."""
    return -math.log10(1 - share)


def _spread_of_times(results, workload, curves):
    first = next(iter(curves))

    def draw(on):
        panels = canvas.families(results, curves)
        for axes, (title, members) in zip(on.panels(len(panels), 2.5), panels):
            axes.set_yscale("log")
            if first not in members:
                axes.plot(*_line_of(curves[first]), color=palette.page("muted"), linewidth=1.2, linestyle=(0, (4, 2)),
                          label=f"{first}, to compare")
            for name in members:
                axes.plot(*_line_of(curves[name]), color=on.colours.colour(name), linewidth=1.6, label=name,
                          marker=on.colours.mark(name), markersize=4.5, markevery=samples.STEPS_OF_A_NINE)
            _finish_times(axes, title)
        on.label_all("share of the requests that took no longer", f"{workload.latency_metric} time, logarithmic")

    ends = {name: curve[-1] for name, curve in curves.items()}
    slowest = max(ends, key=lambda name: ends[name][1])
    alt = (f"Curves: {workload.latency_metric} times of all requests under {workload.title}, from the fastest to the slowest, as "
           f"far as {_percentile(max(share for share, _ in ends.values()))} of them. The highest end has {slowest}: "
           f"{_percentile(ends[slowest][0])} of its requests took no longer than {words.time(ends[slowest][1])}.")
    return canvas.Plot(f"{workload.name}-times", f"All {workload.latency_metric} times", alt, draw)


def _line_of(curve):
    return [_nines(share) for share, _ in curve], [us for _, us in curve]


def _percentile(share):
    return f"{100 * share:.5g} %"


def _finish_times(axes, title):
    axes.set_title(title, color=palette.page("muted"))
    axes.grid(axis="both")
    axes.xaxis.set_major_locator(matplotlib.ticker.FixedLocator([_nines(share) for share in _SHARE_TICKS]))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda place, _: _percentile(1 - 10**-place)))
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,), numticks=20))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.time(value))))
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.legend(loc="upper left", handlelength=1.8)


def _cost(results, workload, names):
    called = [name for name in names if results.estimate(workload.name, name, "syscalls_per_request")]
    panels = 2 if called else 1

    def draw(on):
        down = panels if on.is_narrow else 1
        axes = on.axes(_height(names, 0.85) * down, down, panels // down, sharey=False).ravel()
        _processor_panel(axes[0], results, workload, names, on)
        if called:
            _calls_panel(axes[1], results, workload, names, on)
            if not on.is_narrow:
                axes[1].set_yticklabels([])

    cheapest = min(names, key=lambda name: results.estimate(workload.name, name, "cpu_us_per_request").median)
    least = results.estimate(workload.name, cheapest, "cpu_us_per_request").median
    alt = (f'Bars: processor time{" and system calls" if called else ""} per request under {workload.title}. The least '
           f"processor time is that of {cheapest}: {words.time(least)}.")
    return canvas.Plot(f"{workload.name}-cost", "What a request costs", alt, draw)


def _processor_panel(axes, results, workload, names, on):
    canvas.rows(on, axes, names)
    metric = "cpu_us_per_request"
    most = _most(results, workload, names, metric)
    for row, name in enumerate(names):
        value, colour = results.estimate(workload.name, name, metric), on.colours.colour(name)
        user = results.median_of(workload.name, name, _user_share)
        own = value.median * (user if user is not None else 1)
        bar = {"height": canvas.FIGURE_HEIGHT, "color": colour}
        axes.barh(row - canvas.FIGURE_UP, own, **bar)
        axes.barh(row - canvas.FIGURE_UP, value.median - own, left=own, alpha=0.45, **bar)
        canvas.interval(axes, row, value)
        canvas.dots(axes, row, results.dots(workload, name, metric), colour, (0, most))
        axes.text(min(max(value.median, value.high), most) + most * 0.02, row - canvas.FIGURE_UP, words.time(value.median),
                  va="center", fontsize=8.5)
    axes.set_xlim(0, most * 1.3)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.number(value))))
    axes.set_xlabel("µs of processor per request: own code (full), kernel (pale)" if not on.is_narrow
                    else "µs per request: own (full), kernel (pale)")


def _user_share(row):
    server = row["server"]
    total = server["cpu_user_s"] + server["cpu_system_s"]
    return server["cpu_user_s"] / total if total else None


def _calls_panel(axes, results, workload, names, on):
    canvas.rows(on, axes, names)
    values = [results.estimate(workload.name, name, "syscalls_per_request") for name in names]
    most = max(value.median for value in values if value is not None) or 1
    for row, (name, value) in enumerate(zip(names, values)):
        height = row - canvas.FIGURE_UP
        if value is None:
            axes.text(0, height, " not measured", va="center", fontsize=8.5, color=palette.page("muted"))
            continue
        axes.barh(height, value.median, height=canvas.FIGURE_HEIGHT, color=on.colours.colour(name))
        axes.text(value.median + most * 0.02, height, f"{value.median:.2f}", va="center", fontsize=8.5)
    axes.set_xlim(0, most * 1.25)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    axes.set_xlabel("system calls per request")


def _scaling(results, workload, series):
    most = max(rate for points in series.values() for _, rate in points)

    def draw(on):
        panels = canvas.families(results, series)
        for axes, (title, members) in zip(on.panels(len(panels), 2.3), panels):
            for name in members:
                _scaling_line(on, axes, name, series[name])
            canvas.finish_panel(axes, title, most, "lower right")
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        on.label_all("workers (marks: measured; lines: the law that was fitted)", workload.unit)

    gain = {name: max(rate for _, rate in points) / points[0][1] for name, points in series.items()}
    best = max(gain, key=gain.get)
    alt = (f"Lines: throughput over the number of workers under {workload.title}. {best} gains most: "
           f"{words.ratio(gain[best])} times what it does with {series[best][0][0]}.")
    return canvas.Plot(f"{workload.name}-scaling", "Scaling over workers", alt, draw)


def _scaling_line(on, axes, name, points):
    fit = usl.fit(points)
    if fit is None:
        canvas.line(on, axes, name, points)
        return
    canvas.line(on, axes, name, points, linestyle="none")
    first, last = points[0][0], points[-1][0]
    steps = [first + (last - first) * place / 60 for place in range(61)]
    axes.plot(steps, [fit.throughput(workers) for workers in steps], color=on.colours.colour(name), linewidth=1.4)
