"""echo by asyncio: a Protocol, which is its fast way (streams cost about twice as much). Takes the address and the port."""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport  # TCP_NODELAY is asyncio's default.

    def data_received(self, data):
        self.transport.write(data)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, sys.argv[1], int(sys.argv[2]), backlog=4096, reuse_address=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
