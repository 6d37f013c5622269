"""Numbers as a person reads them: three significant figures, a unit that fits, never more precision than there is."""
import math
import re

from comparison import wording

_TIMES = ((1e6, "s"), (1e3, "ms"), (1, "µs"), (1e-3, "ns"))
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))

metric = wording.metric  # What a metric is called.


def number(value):
    """1234567 -> '1.23 M', 152345 -> '152 k', 12.3 -> '12.3', 0.0213 -> '0.0213'."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= 0.9995 * factor:
            return _three_figures(value / factor) + letter
    return str(int(value)) if value == int(value) else _three_figures(value)


def tick(text):
    """A figure beside an axis needs no zeros: '30.0 k' -> '30 k', '1.50 ms' -> '1.5 ms'."""
    return re.sub(r"(\.\d*?)0+(?= |$)", lambda match: match[1].rstrip("."), text)


def time(microseconds):
    """152.3 -> '152 µs', 0.8 -> '800 ns'."""
    return _with_unit(microseconds, _TIMES)


def size(number_of_bytes):
    """10240 -> '10.0 KiB', 200 -> '200 B'."""
    return f"{number_of_bytes:.0f} B" if abs(number_of_bytes) < 1000 else _with_unit(number_of_bytes, _SIZES)


def rate(value, unit):
    """152345, 'requests/s' -> '152 k requests/s'. A unit of bytes is written in KiB, MiB, GiB."""
    if unit in ("bytes/s", "B/s"):
        return size(value) + "/s"
    return f"{number(value)} {unit}"


def percent(share):
    """0.0213 -> '2.1 %'; what is too small to be shown so is '< 0.1 %'."""
    if 0 < abs(share) < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if abs(share) < 0.0995 else f"{100 * share:.0f} %"


def ratio(value):
    """1.3512 -> '1.35', 21.3 -> '21.3', 0.004 -> '0.004'."""
    return f"{value:.2f}" if 0.0095 <= value < 9.995 else _three_figures(value)


def names(items):
    """['a', 'b', 'c'] -> 'a, b and c'."""
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def some(items, most=4):
    """As names(), but of many only the first: 'a, b, c and 7 others'."""
    items = list(items)
    return names(items if len(items) <= most else items[:most - 1] + [f"{len(items) - most + 1} others"])


def estimate(value, write):
    """An Estimate, written by `write`, with its spread: '152 k ± 1.2 %'. One measurement has none."""
    if value.n == 1:
        return write(value.median)
    if value.spread > 1:  # Such an interval is not even: its bounds say more.
        return within(value, write)
    return f"{write(value.median)} ± {percent(value.spread)}"


def within(value, write):
    """An Estimate with its bounds: '4.20 KiB (4.10 KiB to 4.31 KiB)'. One measurement has none."""
    return write(value.median) if value.n == 1 else bounded(value.median, value.low, value.high, write)


def bounded(middle, low, high, write):
    """'0.98 (0.95 to 1.00)'."""
    return f"{write(middle)} ({write(low)} to {write(high)})"


def twins(pairs):
    """Sentences on what was measured twice."""
    return [f"{pair['a']} against itself: {ratio(pair['ratio'])} ({ratio(pair['low'])} to {ratio(pair['high'])})"
            + (", which should not be." if pair["differs"] else ".") for pair in pairs]


def _with_unit(value, units):
    for factor, unit in units:
        if abs(value) >= 0.9995 * factor:
            return f"{_three_figures(value / factor)} {unit}"
    return f"{_three_figures(value / units[-1][0])} {units[-1][1]}"


def _three_figures(value):
    if value == 0:
        return "0"
    value = float(f"{value:.3g}")
    return f"{value:.{min(6, max(0, 2 - math.floor(math.log10(abs(value)))))}f}"
