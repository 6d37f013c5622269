"""Which result folder a tool reads, if none is named: the newest under results/ that compares models, not versions."""
import json
import pathlib

from .results import ResultsError

_RESULTS = pathlib.Path(__file__).resolve().parent.parent.parent / "results"


def _is_of_versions(folder):
    try:
        return bool(json.loads((folder / "run.json").read_text(encoding="utf-8")).get("versions"))
    except (OSError, ValueError):
        return False


def newest():
    """The path. Raises ResultsError if there is none."""
    found = sorted((path for path in _RESULTS.glob("*/summary.json") if not _is_of_versions(path.parent)),
                   key=lambda path: path.stat().st_mtime)
    if not found:
        raise ResultsError("nothing was measured yet: run tools/compare first, or name a result folder with --from=DIR")
    return found[-1].parent
