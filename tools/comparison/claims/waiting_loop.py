"""A server of the service `wait` on asyncio's loop, which lets each request wait in one of two ways. Takes which: `awaits`, and
the loop has a timer, or `blocks`, and the loop sleeps, as it does in any call that does not return at once."""

import asyncio
import sys
import time

_BLOCKS = sys.argv[1] == "blocks"


class Waits(asyncio.Protocol):
    def __init__(self):
        self._rest = b""

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            milliseconds = int(line.removeprefix(b"WAIT "))
            if _BLOCKS:
                time.sleep(milliseconds / 1000)
                self._answer(milliseconds)
            else:
                asyncio.get_running_loop().call_later(milliseconds / 1000, self._answer, milliseconds)

    def _answer(self, milliseconds):
        self._transport.write(b"OK %d\n" % milliseconds)


async def main():
    server = await asyncio.get_running_loop().create_server(Waits, "127.0.0.1", 0, backlog=4096)
    host, port = server.sockets[0].getsockname()
    print(f"listening wait tcp {host}:{port}\nready model=asyncio", flush=True)  # As processes.Server reads it.
    await server.serve_forever()


asyncio.run(main())
