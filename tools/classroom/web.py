"""The lab's own web server, on loopback: the page, the events, and the orders of its buttons. It never asks a measured server, so
that the page goes on whatever those do.

  GET  /               the page
  GET  /events         the stream, as server-sent events (HTML standard, section 9.2)
  POST /scenes/NAME    begins a scene: 202, or 409 while another one is played
  POST /end            ends the scene: 202

Other pages must not give orders: the host has to be a name of this machine (against DNS rebinding), and an order has a field that
a browser sends to another origin only after asking, which is refused (Fetch standard, CORS-preflight).
"""

import asyncio
import json
from http import HTTPStatus

from . import page, scene_table, streams

_LONGEST_HEAD = 16 * 1024
_PATIENCE_S = 10.0
_HEARTBEAT_S = 15.0
ORDER_FIELD = "x-polyserve-lab"
_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class BadRequest(Exception):
    """The text says why."""


def parse_head(head):
    """(method, path, {field in lower case: value}) of the head of a request. Raises BadRequest."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest("this is no request of HTTP/1.1")
    fields = {}
    for line in filter(None, lines[1:]):
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest("a line of the head is no field")
        fields[name.strip().lower()] = value.strip()
    return words[0], words[1].partition("?")[0], fields


def is_our_host(value):
    """Whether a Host names this machine by a name that no other site can have."""
    host, colon, port = value.rpartition(":") if not value.endswith("]") else (value, "", "")
    return (host if colon and port.isdigit() else value) in _HOSTS


class WebServer:
    """Use serve() to start it, and close() to end it.

    stream    streams.Stream; None for a recording
    director  director.Director; None for a recording, which takes no orders
    events    of a recording, which the page plays by itself; None for a live lab
    """

    def __init__(self, stream=None, director=None, events=None):
        self._stream, self._director = stream, director
        self._html, self._policy = page.build(events)
        self._server = None
        self._tasks = set()

    async def serve(self, port):
        """Returns the address to open. Port 0 is any free one. OSError: it is taken."""
        self._server = await asyncio.start_server(self._client, "127.0.0.1", port, limit=_LONGEST_HEAD)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def close(self):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _client(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_S)
            await self._answer(head, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # The browser has left, or says nothing, or the lab ends: each of them is no one's fault.
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, head, writer):
        try:
            method, path, fields = parse_head(head)
        except BadRequest as error:
            return await self._reply(writer, HTTPStatus.BAD_REQUEST, str(error))
        if not is_our_host(fields.get("host", "")):
            return await self._reply(writer, HTTPStatus.MISDIRECTED_REQUEST, "this host is not served here")
        if (method, path) == ("GET", "/"):
            return await self._reply(writer, HTTPStatus.OK, self._html, "text/html")
        if (method, path) == ("GET", "/events") and self._stream:
            return await self._send_events(writer)
        if method == "POST" and self._director:
            if ORDER_FIELD not in fields:
                return await self._reply(writer, HTTPStatus.FORBIDDEN, f"an order needs the field {ORDER_FIELD}")
            return await self._reply(writer, *self._order(path))
        return await self._reply(writer, HTTPStatus.NOT_FOUND, "there is no such page")

    def _order(self, path):
        """(status, what to say)."""
        if path == "/end":
            self._director.end()
            return HTTPStatus.ACCEPTED, "the scene ends"
        scene = next((scene for scene in scene_table.ALL if path == f"/scenes/{scene.name}"), None)
        if scene is None:
            return HTTPStatus.NOT_FOUND, "there is no such scene"
        if not self._director.start(scene):
            return HTTPStatus.CONFLICT, "another scene is being played"
        return HTTPStatus.ACCEPTED, "the scene begins"

    async def _reply(self, writer, status, content, kind="text/plain"):
        body = content.encode()
        writer.write(self._head(status, kind, f"Content-Length: {len(body)}\r\n") + body)
        await writer.drain()

    def _head(self, status, kind, more):
        return (f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}; charset=utf-8\r\n{more}Connection: close\r\n"
                f"Cache-Control: no-store\r\nContent-Security-Policy: {self._policy}; frame-ancestors 'none'\r\n"
                "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\r\n").encode()

    async def _send_events(self, writer):
        writer.write(self._head(HTTPStatus.OK, "text/event-stream", ""))
        backlog = streams.Backlog(self._stream)
        try:
            while True:
                try:
                    events = await asyncio.wait_for(backlog.next(), _HEARTBEAT_S)
                except asyncio.TimeoutError:
                    events = []
                # A comment, if there is nothing else: so a browser that has left is noticed.
                text = "".join(f"data: {json.dumps(event, separators=(',', ':'))}\n\n" for event in events) or ":\n\n"
                writer.write(text.encode())
                await writer.drain()
        finally:
            backlog.close()
