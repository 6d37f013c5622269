"""The command line of tools/lab."""

import argparse
import asyncio
import datetime
import json
import os
import signal
import sys
import tempfile
import webbrowser

from comparison import load, machine, processes, programs, subjects
from comparison.connections import raise_descriptor_limit

from . import acts, director, page, scene_table, stand, streams, web

DEFAULT_MODELS = "loop,thread,epoll,uring"
_QUIET_S = 3.0  # Before the first of --scenes, and behind each: charts show what is usual.

_SAME_SIGNAL_S = 1.0


class LabError(Exception):
    """The text says why there is no lab."""


def parse(arguments, about):
    parser = argparse.ArgumentParser(prog="tools/lab", description=about, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Exit status: 0 done; 1 no lab; 2 wrong usage.")
    parser.add_argument("--models", default=DEFAULT_MODELS, metavar="LIST",
                        help=f"models, each with flags of its own behind it; {DEFAULT_MODELS}")
    parser.add_argument("--rate", type=float, default=200, metavar="N", help="requests per second for each server; 200")
    parser.add_argument("--port", type=int, default=8070, metavar="N", help="of the page, on loopback; 0: any free port; 8070")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--scenes", metavar="LIST", help="play these one after the other, and end: "
                        f"{', '.join(scene.name for scene in scene_table.ALL)}; all")
    parser.add_argument("--record", metavar="FILE", help="write all events to this file at the end, as JSON")
    parser.add_argument("--play", metavar="FILE", help="play a recording; no server is started")
    parser.add_argument("--export", metavar="FILE.html", help="write a page that plays the recording by itself")
    parser.add_argument("--json", action="store_true", help="print the events, one on a line")
    parser.add_argument("--bin", metavar="DIR",
                        help="take server and load generator from here, such as bazel-bin; by default they are built")
    options = parser.parse_args(arguments)
    if not 0 < options.rate <= 100_000:
        parser.error("--rate is more than 0, and at most 100000")
    if not 0 <= options.port <= 65535:
        parser.error("--port is 0 to 65535")
    if options.play and (options.record or options.scenes):
        parser.error("--play takes what was recorded; --record and --scenes make something new")
    try:
        options.scenes = scene_table.choose(options.scenes) if options.scenes is not None else None
    except scene_table.UnknownScene as error:
        parser.error(str(error))
    for path in (options.record, options.export):
        if path and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            parser.error(f"there is no folder for {path}")
    return options


def _say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    _say(f"wrote {path}")


def _describe(stands, left_out, options, address):
    """What the event "lab" says."""
    known = machine.describe()
    now = datetime.datetime.now().astimezone()
    return {"version": streams.VERSION, "at": now.isoformat(timespec="seconds"),
            "machine": f"{known['cpu']}, {known['cores_for_us']} processors, {known['kernel']}",
            "page": address, "rate": options.rate, "tick_s": director.TICK_S, "left_out": left_out,
            "scenes": [vars(scene) for scene in scene_table.ALL],
            "servers": [{"name": one.name, "model": one.model.model, "flags": list(one.model.flags), "traits": one.model.traits,
                         "http": one.address("http")} for one in stands]}


def _open_stands(chosen, load_program, options, folder):
    """(stands that run, lines about the others)."""
    root = os.path.join(folder, "root")
    os.mkdir(root)
    acts.make_files(root)
    stands, left_out = [], []
    for model in chosen:
        one = stand.Stand(model, load_program, options.rate, root, stand.log_path(folder, model.name))
        try:
            one.open()
            stands.append(one)
        except processes.ServerError as error:
            left_out.append(f"{model.name} is left out: {error}")
            _say(left_out[-1])
    return stands, left_out


async def _first(*works):
    """Waits until one of them is done, and cancels the others; what has failed fails here, too."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _interruption():
    """An event that Ctrl-C or SIGTERM sets. Another one a second later ends us at once; until then it counts as the same, since
    a shell and a tool such as timeout(1) may both pass it on."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def let_go():
        for number in numbers:
            loop.remove_signal_handler(number)

    def note():
        if not interrupted.is_set():
            loop.call_later(_SAME_SIGNAL_S, let_go)
        interrupted.set()
    for number in numbers:
        loop.add_signal_handler(number, note)
    return interrupted


async def _play_scenes(scenes, directs):
    await asyncio.sleep(_QUIET_S)
    for scene in scenes:
        directs.start(scene)
        await directs.wait()
        await asyncio.sleep(_QUIET_S)


def _tell_address(address, options):
    print(f"open {address}    (Ctrl-C ends it)", file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.open:
        webbrowser.open(address)


async def _live(options, chosen, load_program, folder):
    interrupted = _interruption()
    stream = streams.Stream(keeps_all=bool(options.record or options.export))
    if options.json:
        stream.listen(lambda event: print(json.dumps(event, separators=(",", ":")), flush=True))
    stands, left_out = _open_stands(chosen, load_program, options, folder)
    directs = director.Director(stands, stream, load_program)
    server = web.WebServer(stream, directs)
    try:
        if not stands:
            raise LabError("no server could be started")
        address = await server.serve(options.port)
        stream.emit("lab", **_describe(stands, left_out, options, address))
        _tell_address(address, options)
        await _first(directs.watch(), interrupted.wait(), *([_play_scenes(options.scenes, directs)] if options.scenes else []))
    finally:
        await directs.close()
        await server.close()
    return stream.events()


async def _replay(options, events):
    interrupted = _interruption()
    server = web.WebServer(events=events)
    _tell_address(await server.serve(options.port), options)
    await interrupted.wait()
    await server.close()


def _play(options):
    events = streams.load(options.play)
    if options.json:
        for event in events:
            print(json.dumps(event, separators=(",", ":")))
    if options.export:
        _write(options.export, page.build(events)[0])
    elif not options.json:
        asyncio.run(_replay(options, events))
    return 0


def _lab(options):
    raise_descriptor_limit()  # Before the servers start: they inherit it.
    built = programs.obtain(options.bin)
    chosen = subjects.choose(subjects.split(options.models), built.server, programs.models(built.server))
    if not chosen:
        raise LabError("--models names no model")
    with tempfile.TemporaryDirectory(prefix="polyserve-lab-") as folder:
        events = asyncio.run(_live(options, chosen, load.Load(built.load.path, ()), folder))
    if options.record:
        _write(options.record, streams.dump(events))
    if options.export:
        _write(options.export, page.build(events)[0])
    return 0


def main(arguments, about):
    options = parse(arguments, about)
    try:
        return _play(options) if options.play else _lab(options)
    except (subjects.UnknownSubject, streams.RecordingError) as error:
        _say(str(error))
        return 2
    except (LabError, programs.BuildError, OSError) as error:
        _say(str(error))
        return 1
