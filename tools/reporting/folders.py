"""Which result folder a tool reads, where none was named: the newest under results/."""
import pathlib

from .results import ResultsError

_RESULTS = pathlib.Path(__file__).resolve().parent.parent.parent / "results"


def newest():
    """The path. Raises ResultsError where there is none."""
    found = sorted(_RESULTS.glob("*/summary.json"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise ResultsError("nothing was measured yet: run tools/compare first, or name a result folder with --from=DIR")
    return found[-1].parent
