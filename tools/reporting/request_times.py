"""Where the time of requests goes under each model of a workload: a bar whose parts add up to what the client has seen, a table of
the same, and sentences on why one of a pair that was decided is better. The figures are those of request_times.jsonl."""
import itertools

import matplotlib.patches
import matplotlib.ticker

from comparison import explaining, inference, times

from . import canvas, palette, plots, tables, words

# What the parts are called on the page, in the order of a request's way. The last one is not the server's.
TITLES = {"socket": "in the socket", "wakeup": "waking up", "queue": "queued", "run": "worked on", "send": "sending",
          "off_cpu": "off the processor", "wait": "the service waits", "peer": "the client is slow", "outside": "outside the server"}
# No part is told from its neighbours by colour alone.
_HATCHES = {"wakeup": "////", "queue": "....", "off_cpu": "xxxx", "peer": "\\\\\\\\", "outside": "||||"}
_LEAST_SHARE = 0.005  # A part that is less of each bar than this has no place in the legend.


def of_workload(results, workload):
    """{model: its line}, the best first; without those that failed."""
    lines = {line["subject"]: line for line in results.request_times
             if line["workload"] == workload.name and not line.get("failed") and line["client_us"]}
    return {name: lines[name] for name in plots.ranked(results, workload) if name in lines}


def _parts(line):
    """{part: microseconds}, that of the client included; they add up to what the client has seen. A server that has taken a reply's
    end down after the client had it leaves nothing outside."""
    return {**{part: line["parts_us"][part] for part in times.PARTS}, "outside": max(0.0, line["client_us"] - line["whole_us"])}


def _shown(lines):
    """The parts that are worth a place in the legend."""
    return [part for part in TITLES
            if any(_parts(line)[part] >= _LEAST_SHARE * line["client_us"] for line in lines.values())]


def plot(results, workload):
    """A canvas.Plot; None if nothing was measured."""
    lines = of_workload(results, workload)
    if not lines:
        return None
    shown, names = _shown(lines), list(lines)
    most = max(sum(_parts(line).values()) for line in lines.values())

    def draw(on):
        columns = 2 if on.is_narrow else 5
        axes = on.axes(canvas.ROW_INCHES * len(names) + 0.6 + 0.22 * -(-len(shown) // columns))[0][0]
        canvas.rows(on, axes, names)
        for row, name in enumerate(names):
            begin = 0.0
            for part, us in _parts(lines[name]).items():
                axes.barh(row, us, left=begin, height=canvas.FIGURE_HEIGHT, **_style(part))
                begin += us
            axes.text(begin + most * 0.012, row, words.time(begin), va="center", fontsize=8.5)
        axes.set_xlim(0, most * (1.25 if on.is_narrow else 1.12))
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4 if on.is_narrow else 7))
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.time(value))))
        axes.set_xlabel("mean response time, by parts")
        handles = [matplotlib.patches.Patch(label=TITLES[part], **_style(part)) for part in shown]
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, columnspacing=1.2)

    best = min(lines, key=lambda name: lines[name]["client_us"])
    largest = max(_parts(lines[best]), key=_parts(lines[best]).get)
    alt = (f"Stacked bars: the mean response time of each model under {workload.title}, at the same rate, by parts. The least has "
           f"{best}: {words.time(lines[best]['client_us'])}, of which the largest part is: {TITLES[largest]}.")
    return canvas.Plot(f"{workload.name}-request-times", "Where the time goes", alt, draw)


def _style(part):
    return {"facecolor": palette.part(part), "hatch": _HATCHES.get(part), "edgecolor": palette.page("paper"), "linewidth": 0.5}


def table(results, workload):
    """The parts as a table, with what the kernel counts; None if nothing was measured."""
    lines = of_workload(results, workload)
    if not lines:
        return None
    shown = _shown(lines)
    rows = [[name, *(words.time(_parts(line)[part]) for part in shown), words.time(line["client_us"]), *_counted(line)]
            for name, line in lines.items()]
    return tables.table(["model", *(TITLES[part] for part in shown), "together", "switches", "own code", "kernel"], rows)


def _counted(line):
    switches = [line["voluntary_switches"], line["involuntary_switches"]]
    return ["" if None in switches else f"{sum(switches):.2f}",
            *("" if line[part] is None else words.time(line[part]) for part in ("cpu_user_us", "cpu_system_us"))]


def why(results, workload):
    """[sentences] of each pair of plots.ranked(), first with second, first with third and so on, as verdicts.data() has them; empty
    for one that was not decided, or has no figures."""
    lines = of_workload(results, workload)
    calls = {name: estimate.median for name in lines
             if (estimate := results.estimate(workload.name, name, "syscalls_per_request")) is not None}
    return [_why(results, workload, lines, calls, *pair) for pair in itertools.combinations(plots.ranked(results, workload), 2)]


def _why(results, workload, lines, calls, one, other):
    judged = results.judged(workload.name, workload.figure, one, other)
    if judged is None or judged[1] != inference.DIFFERENT:
        return []
    return explaining.why((one, lines.get(one)), (other, lines.get(other)), calls)
