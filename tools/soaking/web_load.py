"""Clients of http and https: whole files, ranges, uploads with a length and in chunks, over connections that are kept."""

from .callers import Wrong

_CHUNK = 10_000


async def read_reply(stream, is_head=False):
    """(code, fields, content) of the next reply that is not 100 Continue."""
    while True:
        words = (await stream.line()).split(b" ", 2)
        if len(words) < 3 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise Wrong(f"no status line: {b' '.join(words)[:80]!r}")
        code, fields = int(words[1]), {}
        while (line := await stream.line()) != b"\r\n":
            name, _, value = line.partition(b":")
            fields[name.strip().lower().decode("latin-1")] = value.strip().decode("latin-1")
        if code != 100:
            break
    has_content = not is_head and code not in (204, 304)
    return code, fields, await stream.exactly(int(fields.get("content-length", 0))) if has_content else b""


def keeps(fields):
    return fields.get("connection", "").lower() != "close"


async def get(caller, kind, name, is_right, is_last=False):
    """is_right(content) says whether the file is what it has to be."""
    async def exchange(stream):
        await stream.send(_head("GET", name, is_last))
        code, fields, content = await read_reply(stream)
        if code in (503, 507):
            return code, keeps(fields)
        if code != 200 or not is_right(content):
            raise Wrong(f"GET {name}: {code}, {len(content)} bytes that are not the file")
        return True, keeps(fields)
    return await caller.ask(kind, exchange)


async def get_range(caller, kind, name, content, first, last, is_last=False):
    async def exchange(stream):
        await stream.send(_head("GET", name, is_last, f"Range: bytes={first}-{last}\r\n"))
        code, fields, part = await read_reply(stream)
        if code == 503:
            return code, keeps(fields)
        if code != 206 or part != content[first:last + 1]:
            raise Wrong(f"GET {name}, bytes {first} to {last}: {code}, {len(part)} bytes that are not that part")
        return True, keeps(fields)
    return await caller.ask(kind, exchange)


async def put(caller, kind, uploads, name, content, is_chunked=False, is_last=False):
    uploads.begin(name, content)

    async def exchange(stream):
        if is_chunked:
            pieces = [content[at:at + _CHUNK] for at in range(0, len(content), _CHUNK)]
            framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            await stream.send(_head("PUT", name, is_last, "Transfer-Encoding: chunked\r\n") + framed)
        else:
            await stream.send(_head("PUT", name, is_last, f"Content-Length: {len(content)}\r\n") + content)
        code, fields, _ = await read_reply(stream)
        if code in (201, 204):
            return True, keeps(fields)
        if code in (503, 507):
            return code, keeps(fields)
        raise Wrong(f"PUT {name}: {code}")
    return settle(uploads, name, await caller.ask(kind, exchange))


def settle(uploads, name, outcome):
    """Notes what came of an upload."""
    if outcome is None:
        uploads.unknown(name)
    elif outcome:
        uploads.acknowledged(name)
    else:
        uploads.refused(name)
    return outcome


def _head(method, name, is_last, more=""):
    closing = "Connection: close\r\n" if is_last else ""
    return f"{method} /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}{closing}\r\n".encode()


async def visit(scene, number, encrypted):
    """One client, until the scene ends."""
    chance, prefix = scene.chance(f"web {number} {encrypted}"), "https" if encrypted else "http"
    address = scene.address("http+tls" if encrypted else "http")
    caller = scene.caller(address, encrypted)
    slots = scene.slots(f"{prefix}-{number}")
    while not scene.is_over():
        is_last = scene.one_at_a_time or chance.random() < 0.1
        draw = chance.random()
        if draw < 0.4:
            name = chance.choice(scene.static_names)
            await get(caller, f"{prefix} get", name, lambda content, name=name: content == scene.static[name], is_last)
        elif draw < 0.6:
            name = scene.large_name
            first = chance.randrange(len(scene.static[name]))
            last = min(first + chance.randrange(1, 100_000), len(scene.static[name])) - 1
            await get_range(caller, f"{prefix} range", name, scene.static[name], first, max(first, last), is_last)
        else:
            await store_and_look(scene, slots, chance,
                                 lambda name, content: put(caller, f"{prefix} put", scene.uploads, name, content,
                                                           chance.random() < 0.5, is_last),
                                 lambda name: get(caller, f"{prefix} get", name,
                                                  lambda content: scene.uploads.is_right(name, content), is_last))
        if scene.one_at_a_time:
            caller.leave()
        await scene.pause(chance)
    caller.leave()


async def store_and_look(scene, slots, chance, store, look):
    """An upload, and one in two times its content once more; also behind one that was refused: the file is what it was."""
    name = slots.draw(chance)
    outcome = await store(name, chance.randbytes(chance.randrange(1, scene.largest_upload)))
    if outcome is None:
        slots.retire(name)
    elif scene.uploads.holds(name) and (not outcome or chance.random() < 0.5):
        await look(name)
