"""Words: numbers, lists and columns as a person reads them in a terminal."""

# What metrics are called; the others by their own names.
_METRICS = {
    "capacity": "highest rate that keeps the promise",
    "connection_bytes": "memory per connection",
    "cpu_us_per_request": "processor time per request",
    "fairness": "fairness between connections",
    "given_cpu_us": "processor time per request, at the same rate",
    "given_mean_us": "mean response time, at the same rate",
    "given_p999_us": "99.9th percentile of the response time, at the same rate",
    "given_p99_us": "99th percentile of the response time, at the same rate",
    "low_cpu_us": "processor time per request, at a low rate",
    "pss_bytes_per_connection": "the server's own memory per connection",
    "response_p50_us": "median response time",
    "response_p99_us": "99th percentile of the response time",
    "service_p99_us": "99th percentile of the service time",
}


def metric(name):
    """'cpu_us_per_request' -> 'processor time per request'."""
    return _METRICS.get(name, name.replace("_", " "))


def grouped(value):
    """A number with as many digits as mean something: 112,300; 4.21; 0.0312."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{round(value, -max(0, len(str(int(abs(value)))) - 4)):,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}"


def shown(metric, value):
    """A figure of a metric as a column has it: fairness is near 1, and needs a digit more."""
    return f"{value:.3f}" if metric == "fairness" and value is not None else grouped(value)


def per_processor(microseconds):
    """How many requests a processor would do that is busy with nothing else: "196,100 requests per second of processor time"."""
    return f"{grouped(1e6 / microseconds)} requests per second of processor time" if microseconds > 0 else "no processor time"


def align(rows, left=1):
    """Lines of columns as wide as they need be; the first `left` columns are aligned to the left, others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if column < left else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return lines


def join(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
