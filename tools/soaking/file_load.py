"""Clients of `file`, in the clear and over TLS: whole files, parts, uploads, sizes."""

from .callers import Wrong
from .web_load import settle, store_and_look


async def _reply(stream):
    """The number behind OK, or a code below zero."""
    words = (await stream.line()).split()
    if words[:1] == [b"OK"] and len(words) > 1 and words[1].isdigit():
        return int(words[1])
    if words[:1] == [b"ERR"] and len(words) > 1 and words[1].isdigit():
        return -int(words[1])
    raise Wrong(f"no reply: {b' '.join(words)[:80]!r}")


async def get(caller, kind, command, is_right):
    async def exchange(stream):
        await stream.send(command.encode() + b"\n")
        size = await _reply(stream)
        if size == -503:
            return 503, True
        if size < 0:
            raise Wrong(f"{command}: ERR {-size}")
        if not is_right(await stream.exactly(size)):
            raise Wrong(f"{command}: {size} bytes that are not the file")
        return True, True
    return await caller.ask(kind, exchange)


async def put(caller, kind, uploads, name, content):
    uploads.begin(name, content)

    async def exchange(stream):
        await stream.send(f"P {name} {len(content)}\n".encode() + content)
        code = await _reply(stream)
        if code in (-503, -507):
            return -code, True
        if code != 0:
            raise Wrong(f"P {name}: {code}")
        return True, True
    return settle(uploads, name, await caller.ask(kind, exchange))


async def visit(scene, number, encrypted):
    """One client, until the scene ends."""
    chance, prefix = scene.chance(f"file {number} {encrypted}"), "file+tls" if encrypted else "file"
    address = scene.address(prefix)
    caller = scene.caller(address, encrypted)
    slots = scene.slots(f"{prefix.replace('+', '-')}-{number}")
    while not scene.is_over():
        draw = chance.random()
        if draw < 0.3:
            name = chance.choice(scene.static_names)
            await get(caller, f"{prefix} get", f"G {name}", lambda content, name=name: content == scene.static[name])
        elif draw < 0.5:
            whole = scene.static[scene.large_name]
            first, length = chance.randrange(len(whole)), chance.randrange(1, 100_000)
            await get(caller, f"{prefix} get", f"R {scene.large_name} {first} {length}",
                      lambda content: content == whole[first:first + length])  # pylint: disable=cell-var-from-loop
        else:
            await store_and_look(scene, slots, chance,
                                 lambda name, content: put(caller, f"{prefix} put", scene.uploads, name, content),
                                 lambda name: get(caller, f"{prefix} get", f"G {name}",
                                                  lambda content: scene.uploads.is_right(name, content)))
        if scene.one_at_a_time or chance.random() < 0.02:
            caller.leave()
        await scene.pause(chance)
    caller.leave()
