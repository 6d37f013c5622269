"""Colours: one for each subject, the same in every plot, and the few others of a page, for light and for dark.

A family of models has a hue (after Okabe and Ito, 'Color Universal Design', 2008: told apart with any colour vision),
its members shades and marks of their own; no plot distinguishes by colour alone. A plot is drawn in the light colours; in SVG
each is then replaced by a CSS variable, so no two of the light colours may be the same.
"""
import colorsys
import re

# Page: light, dark.
_PAGE = {
    "ink": ("#1b2026", "#e6e9ed"),
    "muted": ("#59636e", "#9ba6b2"),
    "grid": ("#dde2e7", "#2f3740"),
    "paper": ("#fefefe", "#14181d"),
    "band": ("#f4f6f8", "#1b2127"),
    "warn": ("#a14a00", "#f0a85a"),
    "focus": ("#1a5fb4", "#8ab8ff"),
    "control": ("#7b858f", "#6d7883"),  # The border of what can be operated.
}

# Families in the order of the server's own table: name, what they have in common, members with their light colours.
FAMILIES = (
    ("loop", "one after the other", {"loop": "#7a5c3e"}),
    ("processes", "processes", {"fork": "#b83a08", "multiprocess": "#d96a28", "exec": "#8c3a1c", "prefork": "#ee9a55",
                                "hybrid": "#a0522d"}),
    ("threads", "threads", {"thread": "#0b5394", "threadpool": "#4a9bd9", "leader": "#2a76b8", "halfsync": "#7fb9e6",
                            "staged": "#3d5a80", "stealing": "#5b7fd6"}),
    ("events", "readiness", {"select": "#064e40", "poll": "#0d7a62", "epoll": "#0aa17d", "libevent": "#52b69a",
                             "sigio": "#2f8f9d", "nonblock": "#8f8400"}),
    ("others", "coroutines and the ring", {"coroutine": "#6f3fa0", "fiber": "#9a6fc4", "uring": "#c2387f"}),
)
_PEERS = ("#3d4650", "#5f6b77", "#7f8b97", "#98a3ae", "#aeb8c2", "#4f4a60", "#777190")
_MARKS = "osD^vP*X<>hd"

# Heat map, from the least share of the best to the most; the limits are the lower bounds of the classes but the first.
HEAT_LIMITS = (0.10, 0.25, 0.50, 0.70, 0.85, 0.95)
HEAT = (("#f3f6fa", "#1c232b"), ("#d9e6f2", "#20303f"), ("#b5d0e8", "#244258"), ("#83b2da", "#2a5a7e"),
        ("#4c8dc4", "#468bbd"), ("#1f66a6", "#66a9d8"), ("#0b3f78", "#a9d3f2"))
# What is written on each: dark or light.
HEAT_INK = (("#1b2030", "#e6e9ee"), ("#1b2031", "#e6e9ee"), ("#1b2032", "#e6e9ee"), ("#1b2033", "#ffffff"),
            ("#1b2034", "#10151a"), ("#fffff5", "#10151a"), ("#fffff6", "#10151a"))

# Parts of a request's time: light, dark.
PARTS = {"socket": ("#8d99a6", "#6c7884"), "wakeup": ("#d1495b", "#e5707f"), "queue": ("#edae49", "#e0b060"),
         "run": ("#00798c", "#2fa7ba"), "send": ("#66a182", "#7fbf9e"), "off_cpu": ("#8e5572", "#b57e9a"),
         "wait": ("#c9d3dc", "#3a4550"), "peer": ("#2e4057", "#8aa0ba"), "outside": ("#e3e8ec", "#2b333b")}


def heat_class(share):
    """0 (least) to 6 (95 % of the best, or more)."""
    return sum(share >= limit for limit in HEAT_LIMITS)


def family_of(subject):
    """The place in FAMILIES of a subject; peers come after them."""
    for place, (_, _, members) in enumerate(FAMILIES):
        if subject.kind != "peer" and subject.model in members:
            return place
    return len(FAMILIES)


class Palette:
    """Colour and mark of each subject of a run."""

    def __init__(self, subjects):
        self._colours = {}
        self._marks = {}
        taken = set()
        peers = 0
        for subject in subjects:
            light = next((members[subject.model] for _, _, members in FAMILIES
                          if subject.kind != "peer" and subject.model in members), None)
            if light is None:
                light = _PEERS[peers % len(_PEERS)]
                peers += 1
            while light in taken:  # The same model twice, with other flags: a little lighter each time.
                light = _lighter(light)
            taken.add(light)
            self._colours[subject.name] = light
        by_family = {}
        for subject in subjects:
            place = by_family.setdefault(family_of(subject), [])
            self._marks[subject.name] = _MARKS[len(place) % len(_MARKS)]
            place.append(subject.name)

    def colour(self, subject_name):
        return self._colours[subject_name]

    def mark(self, subject_name):
        """matplotlib's name of a mark, which no other of the same family has."""
        return self._marks[subject_name]

    def variables(self):
        """{name of the CSS variable: (light, dark)} of all colours."""
        variables = {f"{name}": colours for name, colours in _PAGE.items()}
        for place, light in enumerate(self._colours.values()):
            variables[f"s{place}"] = (light, _for_dark(light))
        for name, colours in PARTS.items():
            variables[f"part-{name}"] = colours
        for place, colours in enumerate(HEAT):
            variables[f"heat{place}"] = colours
        for place, colours in enumerate(HEAT_INK):
            variables[f"heat-ink{place}"] = colours
        return variables

    def variable_of(self, subject_name):
        return f"s{list(self._colours).index(subject_name)}"

    def with_variables(self, svg):
        """The SVG text with each colour replaced by its variable."""
        names = {}
        for name, (light, _) in self.variables().items():
            names.setdefault(light, name)
        return re.sub(r"#[0-9a-f]{6}\b", lambda match: f"var(--{names[match[0]]})"
                      if match[0] in names else match[0], svg)

    def style_sheet(self):
        """The variables as CSS, light and, if the reader's system says so, dark."""
        light = "".join(f"--{name}:{colours[0]};" for name, colours in self.variables().items())
        dark = "".join(f"--{name}:{colours[1]};" for name, colours in self.variables().items())
        return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def page(name):
    """A colour of the page, as plots are drawn."""
    return _PAGE[name][0]


def part(name):
    """The colour of a part of a request's time, as plots are drawn."""
    return PARTS[name][0]


def _lighter(colour):
    return _mix(colour, 0.12)


def _mix(colour, white):
    parts = (int(colour[place:place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * white):02x}" for part in parts)


def _for_dark(colour):
    red, green, blue = (int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    rgb = colorsys.hls_to_rgb(hue, 0.37 + 0.62 * light, min(saturation, 0.6))
    return "#" + "".join(f"{round(255 * min(1, part)):02x}" for part in rgb)
