"""What a soak prints at its end: tables for people, and the same as JSON."""

import dataclasses

_COLUMNS = ("asked", "answered", "refused", "cut", "wrong")


def _table(head, rows):
    """Lines; the first column to the left, the others to the right."""
    widths = [max(len(str(row[at])) for row in [head, *rows]) for at in range(len(head))]
    return [("  " + str(row[0]).ljust(widths[0]) + "".join(f"  {str(cell).rjust(width)}" for cell, width in zip(row[1:], widths[1:])))
            .rstrip() for row in [head, *rows]]


def text(result):
    """Of one model."""
    lines = [f"{result.model}: {result.seconds:.0f} s, seed {result.seed}, {result.disk}"]
    lines += _table(("load", *_COLUMNS), [(kind, *(getattr(tally, column) for column in _COLUMNS))
                                          for kind, tally in sorted(result.tallies.items())])
    lines += _table(("disturbance", "times"), sorted(result.disturbances.items()) or [("none", 0)])
    lines += [f"  {'ok    ' if check.ok else 'FAILED'}  {check.name}: {check.what}" for check in result.checks]
    lines += [f"  {fault}" for fault in result.faults]
    if result.crash:
        lines.append(f"  CRASHED: {result.crash}")
    return "\n".join(lines)


def as_json(results):
    return {"passed": all(result.passed for result in results),
            "models": [{**dataclasses.asdict(result), "passed": result.passed} for result in results]}


def summary(results):
    failed = [result.model for result in results if not result.passed]
    if failed:
        return f"soak: FAILED: {', '.join(failed)}"
    return f"soak: passed: {', '.join(result.model for result in results)}"
