"""A story in the Trace Event Format, which Perfetto and chrome://tracing open."""

# Blocks without a length get one, so that they can be seen.
_LEAST_US = 0.5


def events(story, places):
    """The file's content, for json.dump.

    places  callers -> source.Place
    """
    found = []
    for lane in story.lanes:
        pid, tid = lane.pid or 1, lane.tid
        process = f"process {lane.pid}" if lane.pid else "clients"
        found.append({"ph": "M", "name": "process_name", "pid": pid, "args": {"name": process}})
        found.append({"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": lane.label}})
        for block in lane.blocks:
            place = places.get(block.callers)
            found.append({"ph": "X", "cat": block.kind, "name": block.text or block.kind, "pid": pid, "tid": tid,
                          "ts": _us(story, block.begin_ns), "dur": max((block.end_ns - block.begin_ns) / 1e3, _LEAST_US),
                          "args": {"client": block.client, "fd": block.fd, "result": block.result,
                                   "source": f"{place.call.file}:{place.call.number}" if place else "",
                                   "model": f"{place.model.file}:{place.model.number}" if place else ""}})
    for number, arrow in enumerate(story.arrows):
        for phase, lane, at in (("s", arrow.from_lane, arrow.from_ns), ("f", arrow.to_lane, arrow.to_ns)):
            own = story.lanes[lane]
            found.append({"ph": phase, "bp": "e", "cat": arrow.kind, "name": f"{arrow.kind} (known from: {arrow.source})",
                          "id": number, "pid": own.pid or 1, "tid": own.tid, "ts": _us(story, at)})
    return {"traceEvents": found, "displayTimeUnit": "ns"}


def _us(story, at_ns):
    return (at_ns - story.begin_ns) / 1e3
