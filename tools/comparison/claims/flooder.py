"""One client that sends without end, and reads all that comes back. Takes HOST and PORT."""

import select
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as flood:
    flood.setblocking(False)
    block = b"x" * 65536
    while True:
        readable, writable, _ = select.select([flood], [flood], [])
        if readable and not flood.recv(1 << 20):
            sys.exit()
        if writable:
            flood.send(block)
