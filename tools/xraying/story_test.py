"""The story that records tell: whose each call is, what is work, and which arrows there are."""

import unittest

from xraying import picture, sched, source, story, trace_events
from xraying.records import Record
from xraying.scene import Client, Moment


def record(kind, begin, pid=1, tid=None, fd=-1, result=0, port=0, length=10, caller=7):
    return Record(1000 * begin, 1000 * (begin + length), pid, tid or pid, fd, result, caller, kind, port, 0)


def client(number, *moments):
    return Client(number, 50000 + number, [Moment(1000 * at, what) for at, what in moments])


def tell(records, *clients):
    return story.tell(sorted(records, key=lambda one: one.begin_ns), clients, 1, 0, 10**8)


def arrows(told):
    return [(arrow.kind, told.lanes[arrow.from_lane].name, told.lanes[arrow.to_lane].name) for arrow in told.arrows]


class StoryTest(unittest.TestCase):
    def test_calls_are_for_the_client_whose_connection_it_is_until_it_is_closed(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50002), record("read", 30, fd=8, result=5), record("write", 60, fd=8, result=5),
                     record("close", 80, fd=8), record("read", 100, fd=8, result=1)], client(1), client(2))
        self.assertEqual([(block.kind, block.client) for block in told.lanes[2].blocks],
                         [("accept", 2), ("work", 2), ("read", 2), ("work", 2), ("write", 2), ("close", 2), ("read", 0)])

    def test_child_has_its_parents_connections_and_an_arrow_from_the_fork(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("fork", 30, result=77), record("fork", 30, pid=77, result=0, length=15),
                     record("close", 50, fd=8), record("read", 60, pid=77, fd=8, result=5), record("write", 80, pid=77, fd=8, result=5)], client(1))
        child = next(lane for lane in told.lanes if lane.pid == 77)
        self.assertEqual([block.client for block in child.blocks if block.kind in ("read", "write")], [1, 1])
        self.assertEqual(arrows(told), [("fork", "server 1", "process 77")])

    def test_connection_that_is_handed_over_stays_its_clients(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("pass", 30, fd=4, result=8), record("close", 45, fd=8),
                     record("take", 50, pid=9, fd=5, result=6), record("read", 70, pid=9, fd=6, result=5)], client(1))
        worker = next(lane for lane in told.lanes if lane.pid == 9)
        self.assertEqual(worker.blocks[-1].client, 1)
        self.assertEqual(arrows(told), [("pass", "server 1", "process 9")])

    def test_request_and_reply_lead_from_client_to_server_and_back(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 30, fd=8, result=5), record("write", 60, fd=8, result=5)],
                    client(1, (5, "connect"), (28, "ask"), (72, "reply")))
        self.assertEqual(arrows(told), [("request", "client 1", "server 1"), ("reply", "server 1", "client 1")])
        self.assertEqual({arrow.source for arrow in told.arrows}, {story.CLIENT})

    def test_reply_may_arrive_before_the_call_that_sends_it_is_over(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 30, fd=8, result=5), record("write", 60, fd=8, result=5, length=9000)],
                    client(1, (5, "connect"), (28, "ask"), (72, "reply"), (9500, "leave")))
        self.assertEqual(arrows(told), [("request", "client 1", "server 1"), ("reply", "server 1", "client 1")])

    def test_new_thread_has_an_arrow_from_the_one_that_started_it(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("thread", 25, length=0), record("read", 40, tid=2, fd=8, result=5)], client(1))
        self.assertEqual(arrows(told), [("thread", "server 1", "thread 2")])

    def test_what_the_scheduler_says_of_wake_ups_replaces_what_the_records_suggest(self):
        told = tell([record("wake", 10, fd=4, result=8), record("woken", 40, tid=2, fd=4, result=8)])
        self.assertEqual([arrow.source for arrow in told.arrows], [story.PROBE])
        story.add_wakings(told, [sched.Waking(15_000, 1, 2), sched.Waking(16_000, 999, 2)])
        self.assertEqual([(arrow.kind, arrow.source) for arrow in told.arrows], [("wake", story.KERNEL)])

    def test_call_that_waits_in_the_kernel_is_a_wait_and_then_the_call(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 100, fd=8, result=5, length=9000)], client(1))
        self.assertEqual([(block.kind, block.end_ns - block.begin_ns) for block in told.lanes[1].blocks if block.kind in ("wait", "read")],
                         [("wait", 8_995_000), ("read", 5000)])

    def test_what_happened_before_the_scene_is_left_out_but_known(self):
        records = [record("accept", 10, fd=3, result=8, port=50001), record("read", 9000, fd=8, result=5)]
        told = story.tell(records, (client(1),), 1, 5_000_000, 10**7)
        self.assertEqual([(block.kind, block.client) for block in told.lanes[1].blocks], [("read", 1)])


class PictureTest(unittest.TestCase):
    TOLD = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 30, fd=8, result=5), record("write", 90000, fd=8, result=5)],
                client(1, (28, "ask"), (90020, "reply")))
    PLACES = {7: source.Place("Read", "backends/a.cc", 5, 'if (a < b && c == "x") recv();')}

    def test_is_well_formed_and_has_each_block_with_its_line(self):
        import xml.etree.ElementTree as trees
        tree = trees.fromstring(picture.svg(self.TOLD, self.PLACES, "a <title> & more"))
        titles = [one.text for one in tree.iter("{http://www.w3.org/2000/svg}title")]
        self.assertTrue(any(text.startswith("read 5 bytes of client 1 (10 µs)\nbackends/a.cc:5  if (a < b") for text in titles), titles)
        self.assertEqual(sum("write" in (one.get("class") or "") and one.get("data-n") is not None for one in tree.iter()), 1)
        page = picture.page(self.TOLD, self.PLACES, "a <title>", ["made <so>"])
        self.assertIn("backends/a.cc:5", page)
        self.assertNotIn("<so>", page)
        self.assertNotIn("http://", page.replace("http://www.w3.org/2000/svg", ""))

    def test_time_runs_to_the_right_and_long_waits_are_shortened(self):
        at = picture.scale(self.TOLD)
        self.assertEqual(at.places, sorted(at.places))
        self.assertLess(at.at(90_000_000) - at.at(40_000), 20 * (at.at(40_000) - at.at(30_000)))

    def test_trace_events_have_all_blocks_and_both_ends_of_each_arrow(self):
        events = trace_events.events(self.TOLD, self.PLACES)["traceEvents"]
        self.assertEqual(sum(one["ph"] == "X" for one in events), sum(len(lane.blocks) for lane in self.TOLD.lanes))
        self.assertEqual(sum(one["ph"] == "s" for one in events), len(self.TOLD.arrows))
        self.assertEqual(sum(one["ph"] == "f" for one in events), len(self.TOLD.arrows))


class SourceTest(unittest.TestCase):
    def test_innermost_function_of_the_project_is_the_place(self):
        found = source.parse("0x10\nmemcpy\n/usr/include/string.h:30\npolyserve::Flush(int)\n/proc/self/cwd/backends/flush.cc:12 (discriminator 3)\n"
                             "polyserve::Run()\n./backends/x.cc:4\n0x20\n??\n??:0\n", "/none")
        self.assertEqual(found, {0x10: source.Place("Flush", "backends/flush.cc", 12, "")})


class SchedTest(unittest.TestCase):
    def test_lines_of_the_kernels_trace(self):
        text = ("# tracer: nop\n          server-4242    [001] d..2.  1234.000567: sched_waking: comm=server pid=4243 prio=120 target_cpu=000\n"
                "          <idle>-0       [000] d.h1.  1234.000600: sched_waking: comm=my thread pid=7 prio=120 target_cpu=000\n"
                "          server-4242    [001] d..2.  1234.000700: sched_switch: prev_comm=x\n")
        self.assertEqual(sched.parse(text), [sched.Waking(1234_000567_000, 4242, 4243), sched.Waking(1234_000600_000, 0, 7)])


if __name__ == "__main__":
    unittest.main()
