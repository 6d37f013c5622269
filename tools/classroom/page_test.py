"""The page: nothing but its own style and script may run, it loads nothing, and what its script computes. Node runs the script;
the rest is for a browser."""

import base64
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import unittest

from . import page

_FOLDER = pathlib.Path(__file__).resolve().parent / "page"


class PageTest(unittest.TestCase):
    def test_its_policy_allows_its_own_style_and_script_and_nothing_else(self):
        for events in (None, [{"event": "lab", "t": 0}]):
            html, policy = page.build(events)
            self.assertIn(f'content="{policy}"', html)
            (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
            (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
            for text in (style, script):
                self.assertIn("sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode(), policy)
            self.assertTrue(policy.startswith("default-src 'none'"))
            self.assertNotIn("unsafe", policy)
            self.assertEqual(re.findall(r'\son\w+=|\sstyle="', html), [])

    def test_it_loads_nothing(self):
        html, _ = page.build()
        self.assertEqual(re.findall(r'(?:src|href)="(?!data:,")[^"]*"|@import|url\(', html), [])
        self.assertEqual(set(re.findall(r"https?://[^\"' ]+", html)), {"http://www.w3.org/2000/svg"})  # A name, not an address.

    def test_a_page_of_a_recording_may_connect_nowhere(self):
        self.assertIn("connect-src 'self'", page.build()[1])
        self.assertIn("connect-src 'none'", page.build([{"event": "lab", "t": 0}])[1])

    def test_what_was_recorded_cannot_end_its_element(self):
        events = [{"event": "lab", "t": 0, "machine": "</script><script>alert(1)</script>@STYLE@"}]
        html, _ = page.build(events)
        (found,) = re.findall(r'<script id="recording" type="application/json">(.*?)</script>', html, re.DOTALL)
        self.assertEqual(json.loads(found), events)


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class ScriptTest(unittest.TestCase):
    def call(self, file, expression):
        """The value of an expression over `lab`, what the file exports."""
        text = f"const lab = require({json.dumps(str(_FOLDER / file))}); process.stdout.write(JSON.stringify({expression}))"
        done = subprocess.run(["node", "-e", text], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_figures_have_the_unit_that_a_person_would_take(self):
        values = [None, 0.042, 0.999, 1.04, 9.996, 23.4, 999.4, 999.6, 8123, 12345]
        self.assertEqual(self.call("charts.js", f"{json.dumps(values)}.map((one) => lab.milliseconds(one).join(' '))"),
                         ["– ", "0.04 ms", "1.0 ms", "1.0 ms", "10 ms", "23 ms", "999 ms", "1.0 s", "8.1 s", "12 s"])

    def test_each_connection_has_a_place_in_its_room(self):
        found = self.call("picture.js", "lab.dots(48, {x: 10, y: 20, width: 60, height: 30}, 7)")
        self.assertEqual(len({(place["x"], place["y"]) for place in found["places"]}), 48)
        for place in found["places"]:
            self.assertTrue(10 <= place["x"] <= 70 and 20 <= place["y"] <= 51, place)

    def test_rooms_lie_within_their_area_and_apart(self):
        for number in (1, 4, 7, 24):
            found = self.call("picture.js", f"lab.grid({number}, {{x: 0, y: 0, width: 200, height: 100}})")
            self.assertEqual(len(found), number)
            for place, one in enumerate(found):
                self.assertTrue(one["x"] + one["width"] <= 200.001 and one["y"] + one["height"] <= 100.001)
                for other in found[:place]:
                    self.assertTrue(other["x"] + other["width"] <= one["x"] or other["y"] + other["height"] <= one["y"])

    def rooms(self, tree):
        return self.call("picture.js", f"lab.roomsOf({json.dumps(tree)})")

    @staticmethod
    def process(pid, count=0, boxes=(), role="load", **more):
        return {"pid": pid, "count": count, "roles": {role: count} if count else {}, "connections": [], "busy": 0,
                "boxes": list(boxes), "more_boxes": 0, "is_first": False, "serves": False, **more}

    def test_threads_are_rooms_in_their_process(self):
        boxes = [{"kind": "thread", "id": tid, "count": 1, "roles": {"load": 1}, "connections": [], "busy": 0} for tid in (8, 9)]
        found = self.rooms([self.process(7, boxes=boxes, is_first=True)])
        self.assertEqual([room["label"] for room in found["rooms"]], ["thread 8", "thread 9"])
        self.assertEqual((found["around"], found["more"]), (7, 0))

    def test_processes_without_clients_are_shown_if_they_are_the_first_or_serve(self):
        found = self.rooms([self.process(7, is_first=True), self.process(8, 1), self.process(9), self.process(10, serves=True)])
        self.assertEqual([room["label"] for room in found["rooms"]], ["process 7", "process 8", "process 10"])

    def test_of_very_many_rooms_those_of_the_scene_are_shown(self):
        tree = [self.process(number, 1) for number in range(40)] + [self.process(99, 1, role="victim")]
        found = self.rooms(tree)
        self.assertEqual((len(found["rooms"]), found["more"]), (24, 17))
        self.assertIn("process 99", [room["label"] for room in found["rooms"]])

    def test_a_recording_knows_its_scenes_and_where_it_is(self):
        events = [{"t": 0, "event": "lab"}, {"t": 1, "event": "scene", "name": "kill", "phase": "begin"},
                  {"t": 2, "event": "note"}, {"t": 4, "event": "scene", "name": "kill", "phase": "end"},
                  {"t": 9, "event": "figures"}]
        text = json.dumps(events)
        self.assertEqual(self.call("source.js", f"lab.chapters({text})"), [{"name": "kill", "from": 1, "to": 4}])
        self.assertEqual(self.call("source.js", f"[-1, 0, 1.5, 2, 100].map((t) => lab.happened({text}, t))"), [0, 1, 2, 3, 5])

    def test_an_address_may_say_where_to_begin(self):
        self.assertEqual(self.call("source.js", "['', '#at=12.5', '#at=x', '#at='].map(lab.asked)"), [None, 12.5, None, None])

    def test_a_chart_has_a_gap_if_there_was_no_figure(self):
        self.assertEqual(self.call("charts.js", "lab.path([[0, 1], [1, 1], [2, null], [3, 1]], 3)").count("M"), 2)

    def test_a_card_says_what_its_server_does(self):
        servers = [{"state": state, "waiting_s": waiting}
                   for state, waiting in (("serving", 0), ("serving", 2), ("stopping", 0), ("ended", 0))]
        found = self.call("cards.js", f"{json.dumps(servers)}.map(lab.stateOf)")
        self.assertEqual(found, ["serves", "stands still", "stopping", "ended"])


if __name__ == "__main__":
    unittest.main()
