"""The page around a picture: the picture, and a table of all that happened, with the lines of the source. It loads nothing."""

import html

from xraying import picture

_STYLE = """
body { margin: 0; background: #fff; color: #1a1a1a; font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1400px; margin: 0 auto; padding: 24px; } .wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: left; padding: 3px 12px 3px 0; vertical-align: top; border-bottom: 1px solid #e4e4e4; }
td { white-space: nowrap; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 13px ui-monospace, monospace; } tr.on { background: #fff3c4; }
@media (prefers-color-scheme: dark) {
  body { background: #17191c; color: #ececec; } td, th { border-color: #3a3d42; } tr.on { background: #4d4420; }
}
"""
_SCRIPT = """
const mark = (number, on) => document.querySelectorAll(`[data-n="${number}"]`).forEach((one) => one.classList.toggle('on', on));
document.querySelectorAll('[data-n]').forEach((one) => {
  one.addEventListener('mouseenter', () => mark(one.dataset.n, true));
  one.addEventListener('mouseleave', () => mark(one.dataset.n, false));
});
"""


def _where(line):
    return f"<td>{html.escape(line.file)}:{line.number}</td><td><code>{html.escape(line.text)}</code></td>"


def _rows(story, places):
    found, number = [], 0
    for lane in story.lanes:
        for block in lane.blocks:
            found.append((block.begin_ns, number, lane, block))
            number += 1
    for begin, number, lane, block in sorted(found, key=lambda row: (row[0], row[1])):
        place = places.get(block.callers)
        took = picture.duration(block.end_ns - block.begin_ns) if block.end_ns > block.begin_ns else ""
        lines = (place.call, place.model if place.model != place.call else None) if place else (None, None)
        where = "".join(_where(line) if line else "<td></td><td></td>" for line in lines)
        yield (f'<tr data-n="{number}"><td class="n">{(begin - story.begin_ns) / 1000:,.1f}</td>'
               f'<td>{html.escape(lane.label)}</td><td>{html.escape(block.text or block.kind)}</td>'
               f'<td class="n">{took}</td>{where}</tr>')


def page(story, places, title, notes):
    """The page, as a string.

    places  callers -> source.Place
    notes   sentences on how it was made
    """
    return ('<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f'<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body><main><h1>{html.escape(title)}</h1>'
            f'<div class="wide">{picture.svg(story, places, title, has_title=False)}</div>'
            f'{"".join(f"<p>{html.escape(note)}</p>" for note in notes)}<h2>All that happened</h2>'
            '<div class="wide"><table><thead><tr><th>µs</th><th>who</th><th>what</th><th>took</th><th colspan="2">the call</th>'
            '<th colspan="2">what led to it</th></tr></thead>'
            f'<tbody>{"".join(_rows(story, places))}</tbody></table></div>'
            f'<script>{_SCRIPT}</script></main></body></html>\n')
