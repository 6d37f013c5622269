"""The stream of events: who gets what, and recordings."""

import asyncio
import json
import os
import tempfile
import unittest

from . import streams


class StreamTest(unittest.IsolatedAsyncioTestCase):
    def stream(self, number, **more):
        found = streams.Stream(**more)
        found.emit("lab", version=1)
        for place in range(number):
            found.emit("figures", place=place)
        return found

    async def test_one_that_comes_late_gets_the_first_event_and_the_last_ones(self):
        events = await streams.Backlog(self.stream(1000)).next()
        self.assertEqual(events[0]["event"], "lab")
        self.assertEqual([event["place"] for event in events[1:]], list(range(850, 1000)))

    async def test_it_waits_for_what_comes(self):
        stream = self.stream(0)
        backlog = streams.Backlog(stream)
        await backlog.next()
        waiting = asyncio.ensure_future(backlog.next())
        await asyncio.sleep(0)
        self.assertFalse(waiting.done())
        stream.emit("note", text="now")
        self.assertEqual([event["text"] for event in await waiting], ["now"])

    async def test_one_that_does_not_read_costs_a_bounded_backlog(self):
        stream = self.stream(0)
        backlog = streams.Backlog(stream, most=3)
        for place in range(10):
            stream.emit("figures", place=place)
        self.assertEqual([event.get("place") for event in await backlog.next()], [None, 7, 8, 9])

    async def test_one_that_has_left_is_forgotten(self):
        stream = self.stream(0)
        backlog = streams.Backlog(stream)
        backlog.close()
        stream.emit("figures")
        self.assertEqual(len(await backlog.next()), 1)

    async def test_a_recording_has_all_events_and_comes_back_as_it_was(self):
        events = self.stream(1000, keeps_all=True).events()
        self.assertEqual(len(events), 1001)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "recording.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(streams.dump(events))
            self.assertEqual(streams.load(path), events)

    async def test_what_is_no_recording_is_refused_in_a_sentence(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "recording.json")
            for content, why in (("{", "cannot be read"), ("[]", "no recording"), ('{"polyserve_lab": 2}', "no recording"),
                                 (json.dumps({"polyserve_lab": 1, "events": []}), "no events"),
                                 (json.dumps({"polyserve_lab": 1, "events": [{"event": "note"}]}), "does not begin")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(content)
                with self.assertRaisesRegex(streams.RecordingError, why):
                    streams.load(path)


if __name__ == "__main__":
    unittest.main()
