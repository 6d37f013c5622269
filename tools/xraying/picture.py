"""The picture of a story, as SVG: a lane for each client, process and thread, a legend that names the line of the source for
each kind of block, and for each kind of arrow where it is known from.

Time is not to scale: what is short must be seen beside what is long, so a stretch between two neighbouring events is as wide as
the logarithm of its length. A block that is pointed at says how long it really took.
"""

import bisect
import collections
import html
import math
from dataclasses import dataclass

from xraying.story import MAKES_PROCESS

_LANE, _BAR, _LEFT, _TOP, _RIGHT = 42, 20, 156, 32, 14
_ROW = 18  # Of the legend.
# Of a stretch, before all are made to fit: at least, and for each tenfold of a microsecond.
_LEAST_PX, _PX_PER_DECADE = 5.0, 12.0
# In the legend, of 11 px in a monospaced face.
_SOURCE_X, _LETTER_PX = 182, 6.7

# Colours: those of Okabe and Ito (2008), which everybody can tell apart, on light and dark; the letters help, too.
_COLOURS = {"accept": "#0072b2", "read": "#009e73", "work": "#e69f00", "write": "#d55e00", "fork": "#cc79a7", "spawn": "#cc79a7",
            "thread": "#cc79a7", "close": "#777777", "submit": "#d55e00", "complete": "#009e73", "enter": "#56b4e9",
            "pass": "#f0e442", "take": "#f0e442", "inherit": "#f0e442", "wake": "#f0e442", "woken": "#f0e442",
            "reap": "#999999", "wait": "none", "vain": "none",
            "connect": "#0072b2", "ask": "#d55e00", "reply": "#009e73", "leave": "#777777"}
# In the order of the legend: what a block means.
_MEANING = {"accept": "accepts", "fork": "forks", "spawn": "starts a program", "thread": "starts a thread",
            "pass": "hands over a client", "take": "takes a client over", "inherit": "begins with a client",
            "read": "reads", "complete": "gets a completion", "work": "works", "submit": "prepares an operation",
            "write": "writes", "enter": "enters the ring", "wait": "waits", "vain": "asks in vain", "wake": "sends a wake-up",
            "woken": "reads a wake-up", "close": "closes", "reap": "collects a child"}
# What stands in place of a line of the source. A library that is built without frame pointers hides from where it was called.
_REMARKS = {"work": "the time between two calls", "vain": "calls that find nothing (EAGAIN)",
            "inherit": "a descriptor that the program was started with"}
_REMARK_OF_OTHERS = "a library makes this call"
# What a lane does, beside its name. Serving is added to it.
_ROLES = {"accept": "accepts", "fork": "forks", "spawn": "starts programs", "thread": "starts threads", "pass": "hands over"}
_SERVING = ("read", "write", "submit", "complete")
_OF_CLIENTS = {"connect": "connects", "ask": "asks", "reply": "has the reply", "leave": "leaves"}
_ARROWS = {"fork": "fork", "spawn": "new program", "thread": "new thread", "pass": "hand-over of a client", "wake": "wake-up",
           "request": "request, reply", "reply": "request, reply"}


@dataclass(frozen=True)
class Scale:
    """Times to places: piecewise linear between the events."""

    times: list
    places: list

    def at(self, time):
        right = min(max(bisect.bisect_left(self.times, time), 1), len(self.times) - 1)
        (t0, t1), (x0, x1) = self.times[right - 1:right + 1], self.places[right - 1:right + 1]
        return x1 if t1 == t0 else x0 + (x1 - x0) * (min(max(time, t0), t1) - t0) / (t1 - t0)


def scale(story, width):
    """The Scale of a story that is to be as wide, in pixels; `times` begins with its begin, and ends with its end."""
    times = {story.begin_ns, story.end_ns}
    for lane in story.lanes:
        for block in lane.blocks:
            times |= {block.begin_ns, block.end_ns}
    times = sorted(times)
    widths = [_LEAST_PX + _PX_PER_DECADE * math.log10(1 + (after - before) / 1000) for before, after in zip(times, times[1:])]
    places = [0.0]
    for stretch in widths:
        places.append(places[-1] + stretch * width / sum(widths))
    return Scale(times, places)


def duration(nanoseconds):
    if nanoseconds < 1000:
        return f"{nanoseconds} ns"
    return f"{nanoseconds / 1000:.3g} µs" if nanoseconds < 1_000_000 else f"{nanoseconds / 1_000_000:.3g} ms"


def _letters(block, width):
    """What is written into a block, if it is wide enough."""
    if block.kind == "vain":
        return next((text for text in (f"{block.result} calls in vain", f"{block.result}×") if len(text) * 6 < width), "")
    whose = str(block.client or "")
    if block.kind == "wait":
        waits = f"waits for {whose}" if whose else "waits"
        texts = (f"{waits}, {duration(block.end_ns - block.begin_ns)}", waits)
    else:
        texts = (whose,)
    return next((text for text in texts if text and 3 + len(text) * 5.7 < width), "")


def _title(block, place):
    lines = dict.fromkeys((place.call, place.model)) if place else ()
    where = "".join(f"\n{line.file}:{line.number}  {line.text}" for line in lines)
    took = f" ({duration(block.end_ns - block.begin_ns)})" if block.end_ns > block.begin_ns else ""
    return f"<title>{html.escape((block.text or block.kind) + took + where)}</title>"


def _block(block, at, y, attributes, title):
    x0, x1 = at.at(block.begin_ns), at.at(block.end_ns)
    if block.begin_ns == block.end_ns:
        half, side = _BAR / 2 + 4, 4.5 if block.kind in _OF_CLIENTS else 3
        return (f'<g class="b {block.kind}"{attributes}>{title}'
                f'<path d="M{x0:.1f} {y - 4} l{side} {half} l{-side} {half} l{-side} {-half} z"/></g>')
    letters = _letters(block, x1 - x0)
    text = f'<text x="{(x0 + x1) / 2:.1f}" y="{y + _BAR - 6}">{letters}</text>' if letters else ""
    return (f'<g class="b {block.kind}"{attributes}>{title}'
            f'<rect x="{x0:.1f}" y="{y}" width="{max(x1 - x0, 1.5):.1f}" height="{_BAR}" rx="2"/>{text}</g>')


def _arrow(arrow, at, y_of, has_titles):
    x0, x1 = at.at(arrow.from_ns), at.at(arrow.to_ns)
    y0, y1 = y_of(arrow.from_lane), y_of(arrow.to_lane)
    y0, y1 = (y0 + _BAR, y1) if y1 > y0 else (y0, y1 + _BAR)
    bend = (y1 - y0) * 0.45
    title = f"<title>{_ARROWS[arrow.kind]}; known from {html.escape(arrow.source)}</title>" if has_titles else ""
    return (f'<path class="a {arrow.kind}" d="M{x0:.1f} {y0} C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1}" '
            f'marker-end="url(#head)">{title}</path>')


_STYLE = """
.xray { --ink: #1a1a1a; --soft: #5c5c5c; --faint: #d9d9d9; --paper: #fff; font: 13px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .xray { --ink: #ececec; --soft: #a8a8a8; --faint: #454545; --paper: #17191c; } }
.xray text { fill: var(--ink); } .xray .role, .xray .file { fill: var(--soft); } .xray .role { font-size: 11px; }
.xray .b text { font-size: 11px; text-anchor: middle; fill: #000; }
.xray .b.wait text, .xray .b.vain text { fill: var(--ink); stroke: var(--paper); stroke-width: 3; paint-order: stroke; }
.xray .source { font: 11px ui-monospace, monospace; white-space: pre; } .xray .line { stroke: var(--faint); }
.xray .open { stroke: #0072b2; stroke-width: 4; opacity: .35; } .xray .asked { fill: #d55e00; opacity: .4; }
.xray .a { fill: none; stroke: var(--ink); stroke-width: 1.5; opacity: .8; } .xray #head path { fill: var(--ink); }
.xray .a.request, .xray .a.reply { stroke-dasharray: 3 3; stroke-width: 1; opacity: .6; }
.xray .a.wake { stroke-dasharray: 8 2 1.5 2; }
.xray .b.wait rect, .xray .b.vain rect { fill: var(--faint); fill-opacity: .5; }
.xray .b.vain rect { stroke: var(--soft); stroke-dasharray: 1 3; stroke-width: 1.5; }
.xray .b:hover rect, .xray .b.on rect, .xray .b:hover path, .xray .b.on path { stroke: var(--ink); stroke-width: 2; }
"""


def _colours(story):
    """The rules of the kinds that the story has."""
    kinds = {block.kind for lane in story.lanes for block in lane.blocks}
    return "".join(f".xray .{kind} rect, .xray .b.{kind} path {{ fill: {_COLOURS[kind]}; }} " for kind in sorted(kinds)
                   if _COLOURS.get(kind, "none") != "none")


def _is_birth(block):
    """Whether it is a child's own record of the call that has made it, which is not its doing."""
    return block.kind in MAKES_PROCESS and block.result == 0


def _role(lane):
    """What a lane does, in some words."""
    kinds = {block.kind for block in lane.blocks if not _is_birth(block)}
    clients = sorted({block.client for block in lane.blocks if block.client and block.kind in _SERVING})
    serving = [f"serves {', '.join(map(str, clients))}"] if clients else []
    return ", ".join([text for kind, text in _ROLES.items() if kind in kinds] + serving)


def _back(lane, at, y):
    """What lies behind a lane's blocks: how long it lives; of a client, its connection, and when it waits for a reply."""
    times = [block.begin_ns for block in lane.blocks] + [block.end_ns for block in lane.blocks]
    begin, end = (min(times), max(times)) if times and lane.name != "server" else (at.times[0], at.times[-1])
    middle = y + _BAR / 2
    kind = "line" if lane.pid else "open"
    line = f'<line class="{kind}" x1="{at.at(begin):.1f}" x2="{at.at(end):.1f}" y1="{middle}" y2="{middle}"/>'
    asked = None
    for block in lane.blocks if not lane.pid else ():
        if block.kind == "ask":
            asked = block.begin_ns
        if block.kind == "reply" and asked is not None:
            x0, x1 = at.at(asked), at.at(block.begin_ns)
            line += f'<rect class="asked" x="{x0:.1f}" y="{y + 4}" width="{x1 - x0:.1f}" height="{_BAR - 8}"/>'
    return line


def _sources(story, places):
    """kind -> the line of the model that most blocks of this kind come from."""
    counts = collections.defaultdict(collections.Counter)
    for lane in story.lanes:
        for block in lane.blocks:
            if block.callers in places and block.kind not in _REMARKS and not _is_birth(block):
                counts[block.kind][places[block.callers].model] += 2 if block.client else 1
    return {kind: lines.most_common(1)[0][0] for kind, lines in counts.items()}


def _source(line, width):
    """A line of the source, cut off at the right."""
    room = int((width - _SOURCE_X - _RIGHT) / _LETTER_PX) - len(line.file) - 2
    text = line.text if len(line.text) <= room else line.text[:room - 1] + "…"
    return (f'<text class="source" x="{_SOURCE_X}" y="12"><tspan class="file">{html.escape(line.file)}</tspan>  '
            f'<tspan class="code">{html.escape(text)}</tspan></text>')


def _legend(story, places, width):
    """Rows, each drawn from y = 0."""
    sources = _sources(story, places)
    kinds = {block.kind for lane in story.lanes if lane.pid for block in lane.blocks}
    for kind in (kind for kind in _MEANING if kind in kinds):
        remark = f'<text class="role" x="{_SOURCE_X}" y="12">{_REMARKS.get(kind, _REMARK_OF_OTHERS)}</text>'
        source = _source(sources[kind], width) if kind in sources else remark
        yield (f'<g class="b {kind}"><rect x="8" width="14" height="14" rx="2"/></g>'
               f'<text x="28" y="12">{_MEANING[kind]}</text>{source}')
    arrows = {}  # What is drawn alike shares a row.
    for arrow in sorted(story.arrows, key=lambda one: list(_ARROWS).index(one.kind)):
        arrows.setdefault(_ARROWS[arrow.kind], (arrow.kind, set()))[1].add(arrow.source)
    for meaning, (kind, known) in arrows.items():
        yield (f'<path class="a {kind}" d="M2 8 L24 8" marker-end="url(#head)"/><text x="28" y="12">{meaning}</text>'
               f'<text class="role" x="{_SOURCE_X}" y="12">known from {html.escape(" and ".join(sorted(known)))}</text>')


def _legend_of_clients(story):
    """One row, drawn from y = 0."""
    found, x = ['<text x="8" y="12">A client</text>'], 70
    kinds = {block.kind for lane in story.lanes if not lane.pid for block in lane.blocks}
    for kind, meaning in _OF_CLIENTS.items():
        if kind in kinds:
            found.append(f'<g class="b {kind}"><path d="M{x} -1 l4 8 l-4 8 l-4 -8 z"/></g>'
                         f'<text x="{x + 9}" y="12">{meaning}</text>')
            x += 26 + 7 * len(meaning)
    found.append(f'<rect class="asked" x="{x}" y="2" width="22" height="11"/><text x="{x + 28}" y="12">waits for the reply</text>'
                 f'<text class="role" x="{x + 166}" y="12">Numbers are clients. Long times are shortened.</text>')
    return "".join(found)


def svg(story, places, title, width=1340, has_title=True, has_titles=True):
    """A picture that stands by itself.

    places      callers -> source.Place
    width       in pixels
    has_title   whether it is written above
    has_titles  whether a reader can point at blocks and arrows; not so where a page shows the picture as an image
    """
    at = scale(story, width - _LEFT - _RIGHT)
    top = _TOP if has_title else 8
    y_of = lambda lane: top + lane * _LANE + (12 if story.lanes[lane].pid else 0)
    parts, number = [], 0
    for index, lane in enumerate(story.lanes):
        y = y_of(index)
        role = f'<text class="role" x="8" y="{y + 24}">{_role(lane)}</text>' if lane.pid else ""
        parts.append(f'<text x="8" y="{y + (10 if role else 14)}">{html.escape(lane.name)}</text>{role}'
                     f'<g transform="translate({_LEFT} 0)">{_back(lane, at, y)}')
        for block in lane.blocks:
            attributes = f' data-n="{number}"' if has_titles else ""
            parts.append(_block(block, at, y, attributes, _title(block, places.get(block.callers)) if has_titles else ""))
            number += 1
        parts.append("</g>")
    arrows = "".join(_arrow(arrow, at, y_of, has_titles) for arrow in story.arrows)
    bottom = y_of(len(story.lanes) - 1) + _LANE
    rows = [_legend_of_clients(story), *_legend(story, places, width)]
    legend = "".join(f'<g transform="translate(0 {bottom + number * _ROW})">{row}</g>' for number, row in enumerate(rows))
    heading = f'<text x="8" y="20" style="font-weight: 600">{html.escape(title)}</text>' if has_title else ""
    return _frame(title, width, bottom + len(rows) * _ROW + 10, story,
                  f'{heading}<g transform="translate({_LEFT} 0)">{arrows}</g>{"".join(parts)}{legend}')


def _frame(title, width, height, story, content):
    return (f'<svg class="xray" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{html.escape(title)}"><style>{_STYLE}{_colours(story)}</style>'
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
            f'<rect width="100%" height="100%" style="fill: var(--paper)"/>{content}</svg>')
