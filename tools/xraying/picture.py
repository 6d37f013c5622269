"""The picture of a story: SVG, and a page around it that needs nothing else.

Time is not to scale: what is short must be seen beside what is long, so a stretch between two neighbouring events is as wide as the
logarithm of its length. A block that is pointed at says how long it really took.
"""

import bisect
import html
import math
from dataclasses import dataclass

_LANE, _BAR, _LEFT, _TOP, _RIGHT = 46, 22, 150, 34, 24
_WIDTH = 1180  # Of the time, at most; the least stretch stays visible.
_LEAST_PX, _PX_PER_DECADE = 3.0, 16.0

# Colours: those of Okabe and Ito (2008), which everybody can tell apart, on light and dark; the letters help, too.
_COLOURS = {"accept": "#0072b2", "read": "#009e73", "work": "#e69f00", "write": "#d55e00", "fork": "#cc79a7", "thread": "#cc79a7",
            "close": "#777777", "submit": "#d55e00", "complete": "#009e73", "enter": "#56b4e9", "pass": "#f0e442", "take": "#f0e442",
            "wake": "#f0e442", "woken": "#f0e442", "reap": "#999999", "wait": "none",
            "connect": "#0072b2", "ask": "#d55e00", "reply": "#009e73", "leave": "#777777"}
_MEANING = {"accept": "takes a connection", "read": "reads", "work": "works", "write": "writes", "wait": "waits", "fork": "forks or starts a thread",
            "enter": "enters the ring", "submit": "asks the ring", "complete": "is told by the ring", "pass": "hands a connection over",
            "wake": "wakes another thread", "close": "closes", "reap": "collects a child"}
_LEGEND = {"thread": "fork", "take": "pass", "woken": "wake"}


@dataclass(frozen=True)
class Scale:
    """Times to places: piecewise linear between the events."""

    times: list
    places: list

    def at(self, time):
        right = min(max(bisect.bisect_left(self.times, time), 1), len(self.times) - 1)
        (t0, t1), (x0, x1) = self.times[right - 1:right + 1], self.places[right - 1:right + 1]
        return x1 if t1 == t0 else x0 + (x1 - x0) * (min(max(time, t0), t1) - t0) / (t1 - t0)

    @property
    def width(self):
        return self.places[-1]


def scale(story):
    times = {story.begin_ns, story.end_ns}
    for lane in story.lanes:
        for block in lane.blocks:
            times |= {block.begin_ns, block.end_ns}
    times = sorted(times)
    widths = [_LEAST_PX + _PX_PER_DECADE * math.log10(1 + (after - before) / 2000) for before, after in zip(times, times[1:])]
    shrink = min(1.0, max(_WIDTH, _LEAST_PX * len(widths)) / sum(widths)) if widths else 1.0
    places = [0.0]
    for width in widths:
        places.append(places[-1] + width * shrink)
    return Scale(times, places)


def duration(nanoseconds):
    if nanoseconds < 1000:
        return f"{nanoseconds} ns"
    return f"{nanoseconds / 1000:.3g} µs" if nanoseconds < 1_000_000 else f"{nanoseconds / 1_000_000:.3g} ms"


def _block(number, block, at, y, place):
    x0, x1 = at.at(block.begin_ns), at.at(block.end_ns)
    where = f"\n{place.file}:{place.line}  {place.text}" if place else ""
    took = f" ({duration(block.end_ns - block.begin_ns)})" if block.end_ns > block.begin_ns else ""
    title = f"<title>{html.escape(block.text or block.kind)}{took}{html.escape(where)}</title>"
    if x1 - x0 < 1 and block.begin_ns == block.end_ns:
        return (f'<g class="b {block.kind}" data-n="{number}">{title}<path d="M{x0:.1f} {y - 5} l5 {_BAR / 2 + 5} l-5 {_BAR / 2 + 5} '
                f'l-5 {-_BAR / 2 - 5} z"/></g>')
    letter = str(block.client) if block.client and x1 - x0 > 9 else ""
    text = f'<text x="{(x0 + x1) / 2:.1f}" y="{y + _BAR - 7}">{letter}</text>' if letter else ""
    return (f'<g class="b {block.kind}" data-n="{number}">{title}<rect x="{x0:.1f}" y="{y}" width="{max(x1 - x0, 1.5):.1f}" height="{_BAR}" '
            f'rx="2"/>{text}</g>')


def _arrow(arrow, at, y_of):
    x0, x1 = at.at(arrow.from_ns), at.at(arrow.to_ns)
    y0, y1 = y_of(arrow.from_lane), y_of(arrow.to_lane)
    y0, y1 = (y0 + _BAR, y1) if y1 > y0 else (y0, y1 + _BAR)
    bend = (y1 - y0) * 0.45
    return (f'<path class="a {arrow.kind}" d="M{x0:.1f} {y0} C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1}" '
            f'marker-end="url(#head)"><title>{arrow.kind}; known from: {html.escape(arrow.source)}</title></path>')


_STYLE = """
.xray { --ink: #1a1a1a; --faint: #d9d9d9; --paper: #ffffff; font: 13px system-ui, sans-serif; color: var(--ink); }
.xray .b.wait text { fill: var(--ink); }
@media (prefers-color-scheme: dark) { .xray { --ink: #ececec; --faint: #454545; --paper: #17191c; } }
.xray text { fill: var(--ink); } .xray .b text { font-size: 11px; text-anchor: middle; fill: #000; }
.xray .line { stroke: var(--faint); } .xray .a { fill: none; stroke: var(--ink); stroke-width: 1.1; opacity: .65; }
.xray .a.request, .xray .a.reply { stroke-dasharray: 3 3; opacity: .45; } .xray #head path { fill: var(--ink); }
.xray .b.wait rect { fill: var(--faint); fill-opacity: .45; } .xray .b:hover rect, .xray .b.on rect, .xray .b:hover path, .xray .b.on path {
  stroke: var(--ink); stroke-width: 2; }
"""


def _colours():
    return "".join(f".xray .{kind} rect, .xray .b.{kind} path {{ fill: {colour}; }} " for kind, colour in _COLOURS.items() if colour != "none")


def _legend(story, y):
    kinds = {_LEGEND.get(block.kind, block.kind) for lane in story.lanes if lane.pid for block in lane.blocks}
    found, x = [], _LEFT
    for kind, meaning in _MEANING.items():
        if kind in kinds:
            found.append(f'<g class="b {kind}"><rect x="{x}" y="{y}" width="14" height="14" rx="2"/></g><text x="{x + 19}" y="{y + 12}">{meaning}</text>')
            x += 34 + 7 * len(meaning)
    return "".join(found), x


def svg(story, places, title, has_title=True):
    """A picture that stands by itself.

    places     caller -> source.Place
    has_title  whether it is written above
    """
    at = scale(story)
    heading = f'<text x="8" y="20" style="font-weight: 600">{html.escape(title)}</text>' if has_title else ""
    y_of = lambda lane: _TOP + lane * _LANE + (18 if story.lanes[lane].pid else 0)
    parts, number = [], 0
    for index, lane in enumerate(story.lanes):
        y = y_of(index)
        parts.append(f'<text x="8" y="{y + 15}">{html.escape(lane.name)}</text>'
                     f'<line class="line" x1="{_LEFT}" x2="{_LEFT + at.width:.0f}" y1="{y + _BAR / 2}" y2="{y + _BAR / 2}"/><g transform="translate({_LEFT} 0)">')
        for block in lane.blocks:
            parts.append(_block(number, block, at, y, places.get(block.caller)))
            number += 1
        parts.append("</g>")
    arrows = "".join(_arrow(arrow, at, y_of) for arrow in story.arrows)
    bottom = y_of(len(story.lanes) - 1) + _LANE + 6
    legend, right = _legend(story, bottom)
    width, height = max(_LEFT + at.width + _RIGHT, right), bottom + 48
    return (f'<svg class="xray" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img" '
            f'aria-label="{html.escape(title)}"><style>{_STYLE}{_colours()}</style><defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" '
            f'markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
            f'<rect width="100%" height="100%" style="fill: var(--paper)"/>{heading}'
            f'{"".join(parts)}<g transform="translate({_LEFT} 0)">{arrows}</g>{legend}'
            f'<text x="{_LEFT}" y="{bottom + 38}">The numbers are those of the clients. Time runs to the right, and is not to scale: the longer, the more it is shortened.'
            '</text></svg>')


_PAGE_STYLE = """
body { margin: 0; background: #fff; color: #1a1a1a; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1400px; margin: 0 auto; padding: 24px; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; } td, th { text-align: left; padding: 3px 12px 3px 0; vertical-align: top;
  border-bottom: 1px solid #e4e4e4; } td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font: 13px ui-monospace, monospace; } tr.on { background: #fff3c4; }
@media (prefers-color-scheme: dark) { body { background: #17191c; color: #ececec; } td, th { border-color: #3a3d42; } tr.on { background: #4d4420; } }
"""
_SCRIPT = """
const mark = (number, on) => document.querySelectorAll(`[data-n="${number}"]`).forEach((one) => one.classList.toggle('on', on));
document.querySelectorAll('[data-n]').forEach((one) => {
  one.addEventListener('mouseenter', () => mark(one.dataset.n, true));
  one.addEventListener('mouseleave', () => mark(one.dataset.n, false));
});
"""


def _rows(story, places):
    found, number = [], 0
    for lane in story.lanes:
        for block in lane.blocks:
            found.append((block.begin_ns, number, lane, block))
            number += 1
    for begin, number, lane, block in sorted(found, key=lambda row: (row[0], row[1])):
        place = places.get(block.caller)
        where = f"{html.escape(place.file)}:{place.line}" if place else ""
        yield (f'<tr data-n="{number}"><td class="n">{(begin - story.begin_ns) / 1000:,.1f}</td><td>{html.escape(lane.name)}</td>'
               f'<td>{html.escape(block.text or block.kind)}</td><td class="n">{duration(block.end_ns - block.begin_ns) if block.end_ns > block.begin_ns else ""}</td>'
               f'<td>{where}</td><td><code>{html.escape(place.text) if place else ""}</code></td></tr>')


def page(story, places, title, notes):
    """A page with the picture, and all that happened, in a table, each with its line of the source.

    notes  sentences on how it was made
    """
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
            f'<style>{_PAGE_STYLE}</style></head><body><main><h1>{html.escape(title)}</h1><div class="wide">{svg(story, places, title, has_title=False)}</div>'
            f'{"".join(f"<p>{html.escape(note)}</p>" for note in notes)}<h2>All that happened</h2><div class="wide"><table><thead><tr><th>µs</th><th>who</th>'
            f'<th>what</th><th>took</th><th>source</th><th></th></tr></thead><tbody>{"".join(_rows(story, places))}</tbody></table></div>'
            f'<script>{_SCRIPT}</script></main></body></html>\n')
