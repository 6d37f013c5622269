"""The lab's web server: what it answers, and whom it obeys."""

import asyncio
import json
import unittest

from . import scene_table, streams, web


class Director:
    """What it was asked to do."""

    def __init__(self):
        self.orders = []
        self.is_playing = False

    def start(self, scene):
        self.orders.append(scene.name)
        return not self.is_playing

    def end(self):
        self.orders.append("end")


class HeadTest(unittest.TestCase):
    def test_a_request_is_taken_apart(self):
        found = web.parse_head(b"GET /events?x=1 HTTP/1.1\r\nHost: localhost:80\r\nX-A:  b \r\n\r\n")
        self.assertEqual(found, ("GET", "/events", {"host": "localhost:80", "x-a": "b"}))

    def test_what_is_no_request_is_refused(self):
        for head in (b"\r\n\r\n", b"GET /\r\n\r\n", b"GET / SPDY\r\n\r\n", b"GET / HTTP/1.1\r\nnonsense\r\n\r\n"):
            with self.assertRaises(web.BadRequest):
                web.parse_head(head)

    def test_only_names_of_this_machine_are_served(self):
        for host in ("127.0.0.1", "127.0.0.1:8070", "localhost:8070", "[::1]", "[::1]:80"):
            self.assertTrue(web.is_our_host(host), host)
        for host in ("", "example.org", "localhost.example.org:80", "127.0.0.1.example.org", "127.0.0.1:80.example.org"):
            self.assertFalse(web.is_our_host(host), host)


class WebServerTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.stream, self.director = streams.Stream(), Director()
        self.server = web.WebServer(self.stream, self.director)
        address = await self.server.serve(0)
        self.port = int(address.rstrip("/").rpartition(":")[2])
        self.addAsyncCleanup(self.server.close)

    async def ask(self, request, *fields, host="127.0.0.1"):
        """(status, head, content)."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join([f"{request} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode())
        head, _, content = (await reader.read(-1)).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), head, content

    async def test_the_page_comes_with_its_policy(self):
        status, head, content = await self.ask("GET /")
        self.assertEqual(status, 200)
        self.assertTrue(content.startswith("<!DOCTYPE html>"))
        self.assertRegex(head, "Content-Security-Policy: default-src 'none'; style-src 'sha256-.*; frame-ancestors 'none'")

    async def test_orders_are_given_to_the_director(self):
        self.assertEqual((await self.ask("POST /scenes/kill", "X-Polyserve-Lab: 1"))[0], 202)
        self.assertEqual((await self.ask("POST /end", "X-Polyserve-Lab: 1"))[0], 202)
        self.assertEqual(self.director.orders, ["kill", "end"])

    async def test_one_scene_is_played_at_a_time(self):
        self.director.is_playing = True
        self.assertEqual((await self.ask("POST /scenes/kill", "X-Polyserve-Lab: 1"))[0], 409)

    async def test_pages_of_other_sites_give_no_orders(self):
        self.assertEqual((await self.ask("POST /scenes/kill"))[0], 403)
        self.assertEqual((await self.ask("POST /scenes/kill", "X-Polyserve-Lab: 1", host="example.org"))[0], 421)
        self.assertEqual((await self.ask("GET /scenes/kill", "X-Polyserve-Lab: 1"))[0], 404)
        self.assertEqual(self.director.orders, [])

    async def test_what_there_is_not_is_404(self):
        for request in ("GET /none", "POST /scenes/none", "POST /scenes/", "DELETE /"):
            self.assertEqual((await self.ask(request, "X-Polyserve-Lab: 1"))[0], 404, request)

    async def test_events_come_as_they_happen(self):
        self.stream.emit("lab", scenes=len(scene_table.ALL))
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"text/event-stream", await reader.readuntil(b"\r\n\r\n"))
        first = json.loads((await reader.readuntil(b"\n\n")).removeprefix(b"data: "))
        self.assertEqual(first["event"], "lab")
        self.stream.emit("note", server=None, text="two\nlines")
        second = json.loads((await reader.readuntil(b"\n\n")).removeprefix(b"data: "))
        self.assertEqual(second["text"], "two\nlines")
        writer.close()

    async def test_a_recording_takes_no_orders(self):
        server = web.WebServer(events=[{"event": "lab", "t": 0}])
        self.port = int((await server.serve(0)).rstrip("/").rpartition(":")[2])
        self.addAsyncCleanup(server.close)
        self.assertEqual((await self.ask("GET /"))[0], 200)
        self.assertEqual((await self.ask("GET /events"))[0], 404)
        self.assertEqual((await self.ask("POST /end", "X-Polyserve-Lab: 1"))[0], 404)


if __name__ == "__main__":
    unittest.main()
