"""What the scenes have found, as a table and as JSON."""

from dataclasses import dataclass, field


@dataclass
class Result:
    """Of one scene. `figures`: what was measured, [(name, value, unit)]; `faults`: what must not be, a sentence each."""

    name: str
    title: str
    figures: list = field(default_factory=list)
    faults: list = field(default_factory=list)

    def add(self, name, value, unit=""):
        self.figures.append((name, value, unit))

    @property
    def passed(self):
        return not self.faults


_MOST_FAULTS = 5  # Of a scene; there may be one for each of thousands of members.


def _shown(value, unit):
    if isinstance(value, int):
        return f"{value:,}{' ' + unit if unit else ''}"
    return f"{value:,.{0 if value >= 1000 else 2}f}{' ' + unit if unit else ''}"


def table(results):
    """In Markdown, so that it can be put into a page as it is."""
    rows = [("scene", "what", "figure")]
    for result in results:
        for place, (name, value, unit) in enumerate(result.figures):
            rows.append((result.title if place == 0 else "", name, _shown(value, unit)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"| {row[0]:{widths[0]}} | {row[1]:{widths[1]}} | {row[2]:>{widths[2]}} |" for row in rows]
    lines.insert(1, f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 2)}|{'-' * (widths[2] + 1)}:|")
    return "\n".join(lines)


def faults(results):
    """Lines, one for each fault; of each scene the first few."""
    lines = []
    for result in results:
        lines += [f"{result.title}: {fault}" for fault in result.faults[:_MOST_FAULTS]]
        if len(result.faults) > _MOST_FAULTS:
            lines.append(f"{result.title}: {len(result.faults) - _MOST_FAULTS} more of these")
    return lines


def as_json(results, facts):
    """For json.dump(). `facts`: where and with what this was measured."""
    return {**facts, "scenes": [{"name": result.name, "title": result.title, "passed": result.passed,
                                 "figures": {name: {"value": value, "unit": unit} for name, value, unit in result.figures},
                                 "faults": result.faults} for result in results]}
