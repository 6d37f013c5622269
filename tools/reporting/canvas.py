"""What all plots have in common: sizes, style, and how a figure becomes SVG (for a page, for a file) and PNG.

Every plot is drawn twice, wide and narrow, since a picture that is shrunk to a phone's width cannot be read.
"""
import dataclasses
import io
import re
import textwrap

import matplotlib

matplotlib.use("Agg")
import matplotlib.patches  # noqa: E402, after use()
import matplotlib.path  # noqa: E402
import matplotlib.ticker  # noqa: E402
from matplotlib import pyplot  # noqa: E402

from . import palette, words

_INCHES = {"wide": 7.8, "narrow": 3.7}
_FONTS = "system-ui,-apple-system,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif"
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.fonttype": "none",  # Text stays text: it can be found, read aloud, and follows the page.
    "axes.edgecolor": palette.page("grid"),
    "axes.labelcolor": palette.page("muted"),
    "axes.labelsize": 8.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": palette.page("paper"),
    "grid.color": palette.page("grid"),
    "grid.linewidth": 0.7,
    "hatch.color": palette.page("paper"),
    "hatch.linewidth": 0.9,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "text.color": palette.page("ink"),
    "xtick.color": palette.page("muted"),
    "ytick.color": palette.page("ink"),
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 9,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


@dataclasses.dataclass(frozen=True)
class Plot:
    """A plot to be drawn: its file's name, what it shows in a sentence (for readers who cannot see it), and
    draw(canvas)."""
    name: str
    title: str
    alt: str
    draw: object


@dataclasses.dataclass(frozen=True)
class Picture:
    """A plot, drawn. The SVGs follow the reader's light or dark; `inline` are for a page that has the style sheet."""
    plot: Plot
    inline_wide: str
    inline_narrow: str
    svg: str
    png: bytes


class Canvas:
    """Gives a plot its figure. `is_narrow` if it is for a phone."""

    def __init__(self, width, colours):
        self.is_narrow = width == "narrow"
        self.colours = colours
        self.figure = None
        self._inches = _INCHES[width]

    def axes(self, height, rows=1, columns=1, **options):
        """The axes of a new figure, of this height in inches."""
        self.figure, axes = pyplot.subplots(rows, columns, figsize=(self._inches, height), squeeze=False,
                                            layout="constrained", **options)
        return axes

    def panels(self, count, height):
        """So many axes in a list, two in a row (one on a phone), with one scale."""
        columns = 1 if self.is_narrow or count == 1 else 2
        rows = -(-count // columns)
        axes = self.axes(height * rows, rows, columns, sharex=True, sharey=True).ravel()
        for spare in axes[count:]:
            spare.set_visible(False)
            axes[count - 2].tick_params(labelbottom=True)
        return axes[:count]

    def settle(self):
        """Finds the places of the axes, which stay as they are then."""
        self.figure.canvas.draw()
        self.figure.set_layout_engine("none")

    def label_all(self, across, up):
        """What the axes of all panels are."""
        self.figure.supxlabel(across, fontsize=8.5, color=palette.page("muted"))
        self.figure.supylabel(up, fontsize=8.5, color=palette.page("muted"))


def legend_above(axes, handles):
    """A legend in one line over the axes, at the right."""
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles), handletextpad=0.2,
                columnspacing=1.2, borderaxespad=0.2)


# A row of a plot: a figure with its interval, and under it the strip of the dots that it was made of. In rows.
ROW_INCHES = 0.34
FIGURE_UP, FIGURE_HEIGHT = 0.14, 0.5
_STRIP_DOWN, _STRIP_REACH = 0.27, 0.08
# The least that two points of a path must be apart to be drawn as a line: its round ends are the dot.
_DOT_ROWS = 0.004


def dots(axes, row, found, colour, limits):
    """The values of some samples.Dots (None: nothing) as faint dots in the strip of the row; those beyond the limits (lowest,
    highest) at the edge. Each lies at a height of its own, so that they do not hide each other."""
    if found is None:
        return
    low, high = limits
    points, codes = [], []
    for number, value in enumerate(found.values):
        height = row + _STRIP_DOWN + _STRIP_REACH * (2 * (number * 0.618034 % 1) - 1)
        place = min(max(value, low), high)
        points += [(place, height), (place, height + _DOT_ROWS)]
        codes += [matplotlib.path.Path.MOVETO, matplotlib.path.Path.LINETO]
    path = matplotlib.path.Path(points, codes)
    path.should_simplify = False  # It would take the dots for nothing.
    axes.add_patch(matplotlib.patches.PathPatch(path, fill=False, edgecolor=colour, linewidth=2.6, alpha=0.45,
                                                capstyle="round", snap=False))


def interval(axes, row, estimate):
    """The line of an Estimate's interval, with a pale edge, so that it can be seen on bars of any colour."""
    for colour, width in (("paper", 3.2), ("ink", 1.4)):
        axes.plot([estimate.low, estimate.high], [row - FIGURE_UP] * 2, color=palette.page(colour), linewidth=width)


def rows(on, axes, names):
    """A row for each name, the first at the top; long names take two lines on a phone."""
    labels = [textwrap.fill(name, 17) for name in names] if on.is_narrow else names
    axes.set_yticks(range(len(names)), labels, linespacing=0.9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def families(results, names):
    """[(title, [names])]: those of one family share a panel. Few subjects share one without a title."""
    if len(names) <= 4:
        return [("", list(names))]
    titles = [title for _, title, _ in palette.FAMILIES] + ["other servers"]
    panels = {}
    for name in names:
        panels.setdefault(palette.family_of(results.subject(name)), []).append(name)
    return [(titles[place], members) for place, members in sorted(panels.items())]


def line(on, axes, name, points, **style):
    """The (x, y) points of a subject, in its colour and with its mark."""
    axes.plot([x for x, _ in points], [y for _, y in points],
              color=on.colours.colour(name),
              marker=on.colours.mark(name),
              markersize=5,
              linewidth=1.6,
              label=name,
              **style)


def finish_panel(axes, title, most, legend):
    """Title, scale from zero to `most`, and legend of a panel of lines."""
    axes.set_title(title, color=palette.page("muted"))
    axes.grid(axis="y")
    axes.set_ylim(0, most * 1.08)
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: words.tick(words.number(value))))
    axes.legend(loc=legend, handlelength=1.6, ncols=2, columnspacing=1)


def paint(plot, colours):
    """The Picture of a Plot, in the colours of a Palette."""
    wide, png = _draw(plot, colours, "wide")
    narrow, _ = _draw(plot, colours, "narrow")
    style = f"{colours.style_sheet()}text{{font-family:{_FONTS}}}"
    alone = wide.replace(">", f"><style>{style}</style>", 1)
    return Picture(plot, _for_page(wide, plot, "wide"), _for_page(narrow, plot, "narrow"), alone, png)


def _draw(plot, colours, width):
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": f"{plot.name}-{width}"}):
        canvas = Canvas(width, colours)
        plot.draw(canvas)
        text = io.StringIO()
        canvas.figure.savefig(text, format="svg")
        canvas.figure.set_layout_engine("none")  # It stays as it is; to find it once takes long enough.
        picture = io.BytesIO()
        if width == "wide":
            canvas.figure.savefig(picture, format="png", dpi=160)
        pyplot.close(canvas.figure)
    return _clean(text.getvalue(), plot, colours, width), picture.getvalue()


def _clean(svg, plot, colours, width):
    """matplotlib's SVG without head and metadata, with colours by name, and with ids that no other plot has."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    prefix = f"{plot.name}-{width}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = svg.replace("url(#", f"url(#{prefix}").replace('href="#', f'href="#{prefix}')
    # The font is the page's, or that of the style sheet of a picture that stands alone.
    svg = re.sub(r"font: ([\d.]+px) (?:'DejaVu Sans'|DejaVu Sans)", r"font-size: \1", svg)
    return colours.with_variables(_shorter(svg))


def _shorter(svg):
    """Without what is not seen: digits below a hundredth of a point, blanks, names of groups, groups of nothing."""
    svg = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{3,}", _hundredths, tag[0]), svg)
    svg = re.sub(r'(<path[^>]* d=")([^"]*)', lambda match: match[1] + re.sub(r"\s*([MLCQzZ])\s*", r"\1", match[2]).strip(), svg)
    svg = re.sub(r"M([\d.]+) ([\d.]+)L\1 ([\d.]+)(?=[M\"])", _dot, svg)
    svg = re.sub(r'<g id="[^"]*(?<!figure_1)"', "<g", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    svg = re.sub(r">\s+<", "><", svg)
    before = None
    while svg != before:
        before, svg = svg, re.sub(r"<g/>|<g></g>", "", svg)
    return svg


def _dot(match):
    """Of a dot, see dots(), a tenth of a point is enough; other lines stay as they are."""
    x, y, end = map(float, match.groups())
    return f"M{x:.1f} {y:.1f}v.1" if abs(end - y) < 0.2 else match[0]


def _hundredths(match):
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _for_page(svg, plot, width):
    """The SVG with its size left to the page. Hidden from screen readers: the figure around it says what it shows."""
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", svg).replace("xlink:href", "href")
    return svg.replace("<svg", f'<svg class="{width}" aria-hidden="true" focusable="false"', 1)
