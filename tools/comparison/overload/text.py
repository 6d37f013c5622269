"""The tables of what was measured past the limit, for a person."""

from ..wording import align

_LEGEND = (
    "goodput   answers in time, as a part of the capacity; the median of the rounds, and the least and the most",
    "p99       of these answers, in ms, from the begin of the try that was answered",
    "recovers  seconds after a burst until answers come in time again; -: not before the end",
)


def _goodput(point):
    median = f"{point.goodput:.2f}"
    low, high = f"{point.low:.2f}", f"{point.high:.2f}"
    return median if low == high else f"{median} ({low}-{high})"


def _p99(point):
    return "-" if point.p99_ms is None else f"{point.p99_ms:.1f}"


def _seconds(value):
    return "-" if value is None else f"{value:.1f}"


def table(title, points_of, value, recovery_of=None):
    """Lines of a table over the rules: value(point) for each multiple of the capacity, and how long each takes to recover."""
    factors = [point.factor for point in next(iter(points_of.values()))]
    rows = [["rule", *(f"{factor:g}x" for factor in factors), *(["recovers"] if recovery_of else [])]]
    for rule, points in points_of.items():
        rows.append([rule, *map(value, points), *([_seconds(recovery_of[rule])] if recovery_of else [])])
    return [f"  {title}", *(f"    {line}" for line in align(rows, left=1))]


def sentence(model, retry, verdict):
    """Which rule is right."""
    said = f"{model}, {retry}: {verdict.right} keeps {verdict.kept:.0%} of its best goodput at the highest rate"
    if not verdict.holds:
        said += ", which is a collapse all the same"
    if verdict.equals:
        said += f"; {', '.join(verdict.equals)} {'does' if len(verdict.equals) == 1 else 'do'} as well"
    if verdict.collapses:
        said += f"; {', '.join(verdict.collapses)} would collapse"
    return said + (". That is in doubt, as figures behind it are." if verdict.is_in_doubt else ".")


def doubt(points_of):
    """Lines that name the figures that were disturbed."""
    those = [f"{rule} at {point.factor:g}x" for rule, points in points_of.items() for point in points if point.is_in_doubt]
    return [f"  In doubt, since the load generator was the limit, or had a fault: {', '.join(those)}."] if those else []


def left_out(failures):
    """Lines that say what was not measured: {(rule, factor): why}."""
    return [f"  Not measured: {rule} at {factor:g}x, and so {rule} is left out: {why}" for (rule, factor), why in failures.items()]


def text(results):
    """All of it. `results`: results.json's content, with Points and Verdicts in place of their JSON."""
    lines = []
    for model in results:
        lines.append(f"{model.name}: {model.capacity:,.0f} requests per second is its capacity; clients give up after {model.give_up}")
        for part in model.parts:
            if part.points:
                lines += table(f"goodput, --retry={part.retry}", part.points, _goodput, part.recovery)
                lines += table(f"p99, --retry={part.retry}", part.points, _p99)
            lines += doubt(part.points) + left_out(part.failures)
        lines += [sentence(model.name, part.retry, part.verdict) for part in model.parts if part.verdict] + [""]
    return "\n".join(lines + list(_LEGEND))
