"""What a person reads of the parts `cost` and `promise`: the recommendations of a workload, and a table of what was measured at the
same rate for all."""

from . import wording
from .ranking import PROCESSOR_TIME

LEGEND = (
    "at N a second  the same rate for all; it is a part of what the slowest model can do, but of none that is hopelessly slow",
    "CPU us         processor time of a request at that rate, and at a low one: a tenth of it; ±: half of its 95 % interval",
    "mean, p99 ...  response times at that rate, from when a request was due: cheap can be bought by letting requests wait",
    "p99<10ms ...   the highest rate at which the promise is kept, a second; at least: the load generator could do no more",
    "idle %         of a processor, while the connections are there and no request comes",
    "start, drain   ms until it is ready; from SIGTERM to its end, with idle connections, which have a grace of a second",
)


def _with_error(metric, factor=1.0):
    """A value with half of its interval; of a wide one, which is not the same to both sides, with its bounds."""
    if metric is None:
        return "-"
    middle, low, high = (factor * metric[part] for part in ("median", "low", "high"))
    if metric["n"] < 2:
        return wording.grouped(middle)
    if high - low > middle > 0:
        return f"{wording.grouped(middle)} ({wording.grouped(low)} to {wording.grouped(high)})"
    return f"{wording.grouped(middle)} ±{wording.grouped((high - low) / 2)}"


def _capacity(metric):
    if metric is None:
        return "-"
    if metric["median"] == 0:
        return "none"
    return ("at least " if metric.get("at_least") else "") + _with_error(metric)


def _columns(promise):
    def of(name, factor=1.0):
        return lambda metrics: _with_error(metrics.get(name), factor)
    return (("CPU us", of("given_cpu_us")), ("mean us", of("given_mean_us")), ("p99 us", of("given_p99_us")),
            ("p99.9 us", of("given_p999_us")), ("low CPU us", of("low_cpu_us")),
            (f"{promise} up to", lambda metrics: _capacity(metrics.get("capacity"))), ("idle %", of("idle_share", 100)),
            ("start ms", of("start_ms")), ("drain ms", of("drain_ms")))


def lines(summary, workload, order, promise):
    """The lines of the table of a workload; none if nothing of it was measured.

    order    the names of the subjects, as the table above has them
    promise  its text
    """
    results = {result["subject"]: result["metrics"] for result in summary["results"] if result["workload"] == workload["name"]}
    measured = ("given_cpu_us", "given_p99_us", "capacity", "low_cpu_us")
    names = [name for name in order if name in results]
    if not any(metric in results[name] for name in names for metric in measured):
        return []
    columns = [(heading, show) for heading, show in _columns(promise) if any(show(results[name]) != "-" for name in names)]
    rows = [["", *(heading for heading, _ in columns)], *([name, *(show(results[name]) for _, show in columns)] for name in names)]
    given = next((front["given_rate"] for front in summary.get("fronts", ()) if front["workload"] == workload["name"]), None)
    at = f"at {wording.grouped(given)} a second" if given else "at a rate"
    return [f"{workload['name']}, {at}", *wording.align(rows)]


def needs(summary, workload):
    """The lines that say which model for which need; none if none is known."""
    front = next((front for front in summary.get("fronts", ()) if front["workload"] == workload["name"]), None)
    if front is None or len(front["models"]) < 2:
        return []
    width = max(len(need["need"]) for need in front["needs"])
    found = [f"  {need['need'].ljust(width)}  {need['sentence']}" for need in front["needs"]]
    kept = [model["name"] for model in front["models"] if model["is_on_front"]]
    beaten = [model["name"] for model in front["models"] if not model["is_on_front"]]
    measured = [axis for axis, entry in front["axes"].items() if entry]
    if beaten and len(measured) > 1:
        axes = wording.join([axis if front["axes"][axis]["metric"] != PROCESSOR_TIME or axis == "cost" else "processor time"
                             for axis in measured])
        found.append(f"  {'beaten by another model'.ljust(width)}  {wording.join(beaten)}: it is surely not worse in {axes}, and "
                     f"surely better in one of them. Not beaten: {wording.join(kept)}.")
    return found
