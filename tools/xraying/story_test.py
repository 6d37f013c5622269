"""The story that records tell: whose each call is, what is work, and which arrows there are."""

import os
import tempfile
import unittest
from unittest import mock

from xraying import page, picture, sched, source, story, trace_events
from xraying.records import Record
from xraying.scene import Client, Moment


def record(kind, begin, pid=1, tid=None, fd=-1, result=0, port=0, length=10, callers=(7,), skipped=0):
    return Record(1000 * begin, 1000 * (begin + length), pid, tid or pid, fd, result, callers, kind, port, skipped)


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
        self.assertEqual(arrows(told), [("fork", "server", "process 1")])

    def test_program_has_an_arrow_from_its_maker_and_the_connection_that_it_was_started_with(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50002), record("spawn", 30, result=77, length=500), record("close", 540, fd=8),
                     record("spawn", 2000, pid=77), record("inherit", 2010, pid=77, fd=5, port=50002),
                     record("read", 3000, pid=77, fd=5, result=5), record("read", 4000, pid=77, fd=8, result=5)], client(1), client(2))
        program = next(lane for lane in told.lanes if lane.pid == 77)
        self.assertEqual([(block.kind, block.client) for block in program.blocks],
                         [("spawn", 0), ("inherit", 2), ("work", 2), ("read", 2), ("work", 2), ("read", 0)],
                         "it has none of its maker's descriptors but this one")
        self.assertEqual(arrows(told), [("spawn", "server", "process 1")])
        self.assertEqual([arrow.to_ns for arrow in told.arrows], [program.blocks[0].end_ns])

    def test_program_that_does_not_start_makes_nothing(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("spawn", 30, result=-11)], client(1))
        self.assertEqual(arrows(told), [])
        self.assertEqual(told.lanes[1].blocks[-1].text, "spawn: error 11")

    def test_connection_that_is_handed_over_stays_its_clients(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("pass", 30, fd=4, result=8), record("close", 45, fd=8),
                     record("take", 50, pid=9, fd=5, result=6), record("read", 70, pid=9, fd=6, result=5)], client(1))
        worker = next(lane for lane in told.lanes if lane.pid == 9)
        self.assertEqual(worker.blocks[-1].client, 1)
        self.assertEqual(arrows(told), [("pass", "server", "process 1")])

    def test_connection_belongs_to_the_process_that_takes_it_over_first_not_to_one_that_has_waited_longer(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("pass", 30, fd=4, result=8),
                     record("take", 42, fd=4, result=10, length=100), record("take", 50, pid=9, fd=5, result=6),
                     record("pass", 80, pid=9, fd=5, result=7), record("read", 160, pid=9, fd=6, result=5)], client(1))
        taker = next(lane for lane in told.lanes if lane.pid == 9)
        self.assertEqual([(block.kind, block.client) for block in taker.blocks if block.kind in ("take", "pass", "read")],
                         [("take", 1), ("pass", 0), ("read", 1)])

    def test_request_and_reply_lead_from_client_to_server_and_back(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 30, fd=8, result=5), record("write", 60, fd=8, result=5)],
                    client(1, (5, "connect"), (28, "ask"), (72, "reply")))
        self.assertEqual(arrows(told), [("request", "client 1", "server"), ("reply", "server", "client 1")])
        self.assertEqual({arrow.source for arrow in told.arrows}, {story.CLIENT})

    def test_reply_may_arrive_before_the_call_that_sends_it_is_over(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 30, fd=8, result=5), record("write", 60, fd=8, result=5, length=9000)],
                    client(1, (5, "connect"), (28, "ask"), (72, "reply"), (9500, "leave")))
        self.assertEqual(arrows(told), [("request", "client 1", "server"), ("reply", "server", "client 1")])

    def test_new_thread_has_an_arrow_from_the_one_that_started_it(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("thread", 25, length=0), record("read", 40, tid=2, fd=8, result=5)], client(1))
        self.assertEqual(arrows(told), [("thread", "server", "thread 1")])

    def test_what_the_scheduler_says_of_wake_ups_replaces_what_the_records_suggest(self):
        told = tell([record("wake", 10, fd=4, result=8), record("woken", 40, tid=2, fd=4, result=8)])
        self.assertEqual([arrow.source for arrow in told.arrows], [story.PROBE])
        story.add_wakings(told, [sched.Waking(15_000, 1, 2), sched.Waking(16_000, 999, 2)])
        self.assertEqual([(arrow.kind, arrow.source) for arrow in told.arrows], [("wake", story.KERNEL)])

    def test_program_wakes_nothing_before_it_has_begun(self):
        told = tell([record("spawn", 10, result=77, length=500), record("wait", 600), record("spawn", 2000, pid=77), record("wait", 4000)])
        story.add_wakings(told, [sched.Waking(500_000, 77, 1), sched.Waking(3_000_000, 77, 1)])
        self.assertEqual([arrow.from_ns for arrow in told.arrows if arrow.kind == "wake"], [3_000_000])

    def test_call_that_waits_in_the_kernel_is_a_wait_and_then_the_call(self):
        told = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 100, fd=8, result=5, length=9000)], client(1))
        self.assertEqual([(block.kind, block.end_ns - block.begin_ns) for block in told.lanes[1].blocks if block.kind in ("wait", "read")],
                         [("wait", 8_995_000), ("read", 5000)])

    def test_calls_in_vain_are_one_block_if_there_are_many(self):
        told = tell([record("read", 10, fd=8, result=5), record("read", 9000, fd=8, result=5, skipped=40), record("read", 9500, fd=8, skipped=1)])
        self.assertEqual([(block.begin_ns, block.end_ns, block.result) for block in told.lanes[0].blocks if block.kind == "vain"],
                         [(20_000, 9_000_000, 40)])

    def test_workers_begin_with_the_first_that_lives_to_see_the_scene(self):
        records = [record("fork", 10, result=70), record("close", 20, pid=70), record("fork", 30, result=71), record("fork", 40, result=72),
                   record("wait", 50, pid=71, length=5000), record("thread", 60), record("thread", 70), record("wait", 80, tid=3, length=5000)]
        self.assertEqual(story.workers_begin_ns(records, 1, 1_000_000, 10**7), 30_000)
        self.assertEqual(story.workers_begin_ns(records[5:], 1, 1_000_000, 10**7), 70_000)
        self.assertEqual(story.workers_begin_ns(records[:2], 1, 1_000_000, 10**7), 1_000_000)

    def test_what_happened_before_the_scene_is_left_out_but_known(self):
        records = [record("accept", 10, fd=3, result=8, port=50001), record("read", 9000, fd=8, result=5)]
        told = story.tell(records, (client(1),), 1, 5_000_000, 10**7)
        self.assertEqual([(block.kind, block.client) for block in told.lanes[1].blocks], [("read", 1)])


class PictureTest(unittest.TestCase):
    TOLD = tell([record("accept", 10, fd=3, result=8, port=50001), record("read", 30, fd=8, result=5), record("write", 90000, fd=8, result=5)],
                client(1, (28, "ask"), (90020, "reply")))
    CALL = source.Line("Read", "net/a.cc", 5, 'if (a < b && c == "x") recv();')
    PLACES = {(7,): source.Place(CALL, source.Line("Serve", "backends/loop.cc", 9, "Serve();"))}

    def test_is_well_formed_and_has_each_block_with_its_line(self):
        import xml.etree.ElementTree as trees
        tree = trees.fromstring(picture.svg(self.TOLD, self.PLACES, "a <title> & more"))
        titles = [one.text for one in tree.iter("{http://www.w3.org/2000/svg}title")]
        self.assertTrue(any(text.startswith("read 5 bytes of client 1 (10 µs)\nnet/a.cc:5  if (a < b") for text in titles), titles)
        self.assertEqual(sum("write" in (one.get("class") or "") and one.get("data-n") is not None for one in tree.iter()), 1)
        text = page.page(self.TOLD, self.PLACES, "a <title>", ["made <so>"])
        self.assertIn("net/a.cc:5", text)
        self.assertIn("backends/loop.cc:9", text)
        self.assertNotIn("<so>", text)
        self.assertNotIn("http://", text.replace("http://www.w3.org/2000/svg", ""))

    def test_legend_names_the_models_line_and_where_arrows_are_known_from(self):
        found = picture.svg(self.TOLD, self.PLACES, "title", width=900, has_titles=False)
        self.assertIn("backends/loop.cc", found)
        self.assertIn("known from the client", found)
        self.assertNotIn("<title>", found)
        self.assertIn('width="900"', found)

    def test_legend_names_the_line_that_makes_a_program_not_the_one_where_it_begins(self):
        maker, begins = (source.Line("", file, 1, f"{file}();") for file in ("backends/exec.cc", "server.cc"))
        told = tell([record("spawn", 10, result=77, callers=(1,)), *(record("spawn", 20 + pid, pid=pid, callers=(2,)) for pid in (77, 78))])
        drawn = picture.svg(told, {(1,): source.Place(maker, maker), (2,): source.Place(begins, begins)}, "title")
        self.assertIn("backends/exec.cc();", drawn)
        self.assertNotIn('class="source" x="182" y="12"><tspan class="file">server.cc', drawn)
        self.assertIn("starts programs", drawn)
        self.assertIn("new program", drawn)

    def test_lane_says_what_it_does(self):
        self.assertIn("accepts, serves 1", picture.svg(self.TOLD, self.PLACES, "title"))

    def test_time_runs_to_the_right_and_long_waits_are_shortened(self):
        at = picture.scale(self.TOLD, 1000)
        self.assertEqual(at.places, sorted(at.places))
        self.assertAlmostEqual(at.places[-1], 1000)
        self.assertLess(at.at(90_000_000) - at.at(40_000), 20 * (at.at(40_000) - at.at(30_000)))

    def test_trace_events_have_all_blocks_and_both_ends_of_each_arrow(self):
        events = trace_events.events(self.TOLD, self.PLACES)["traceEvents"]
        self.assertEqual(sum(one["ph"] == "X" for one in events), sum(len(lane.blocks) for lane in self.TOLD.lanes))
        self.assertEqual(sum(one["ph"] == "s" for one in events), len(self.TOLD.arrows))
        self.assertEqual(sum(one["ph"] == "f" for one in events), len(self.TOLD.arrows))


class SourceTest(unittest.TestCase):
    def test_functions_of_the_project_are_its_lines_the_innermost_first(self):
        found = source.parse("0x10\nmemcpy\n/usr/include/string.h:30\npolyserve::Flush(int)\n/proc/self/cwd/backends/flush.cc:12 (discriminator 3)\n"
                             "polyserve::Run()\n./backends/x.cc:4\n0x20\n??\n??:0\n", "/none")
        self.assertEqual(found, {0x10: [source.Line("Flush", "backends/flush.cc", 12, ""), source.Line("Run", "backends/x.cc", 4, "")]})

    def test_place_is_the_call_and_the_line_of_the_model_that_led_to_it(self):
        def line(file, text=""):
            return source.Line("", file, 1, text)
        call, acceptor, loop = line("net/socket.cc"), line("backends/accept/acceptor.cc"), line("backends/event/poller_loop.cc")
        for inwards, model, expected in (
                ((acceptor, line("backends/loop.cc")), "loop", line("backends/loop.cc")),
                ((line("backends/blocking/driver.cc"), line("backends/loop.cc")), "loop", line("backends/blocking/driver.cc")),
                ((acceptor, loop, line("backends/threadpool.cc")), "thread", loop),
                ((loop, line("backends/coroutine.cc")), "coroutine", line("backends/coroutine.cc")),
                ((line("backends/poller/epoll_poller.cc"), loop), "epoll", line("backends/poller/epoll_poller.cc")),
                ((), "loop", call)):
            self.assertEqual(source.place([call, *inwards], model), source.Place(call, expected))
        probe = line("backends/uring/ring.cc", "Trace::Mark(Traced::kSubmit, 1, 0);")
        self.assertEqual(source.place([probe, call], "uring"), source.Place(call, call))

    def test_statement_is_shown_by_the_line_that_begins_it(self):
        lines = ["void F() {", "  {", "    const Fd fd = Open(a,", "                       b);  // why", "    Use(fd);", "  }", "",
                 "  Start([] {", "    G();", "  });", "}"]
        for number, begins in ((5, 5), (4, 3), (6, 1), (10, 8), (9, 9), (11, 1)):
            self.assertEqual(source.statement(lines, number), begins, number)


class SchedTest(unittest.TestCase):
    def test_lines_of_the_kernels_trace(self):
        text = ("# tracer: nop\n          server-4242    [001] d..2.  1234.000567: sched_waking: comm=server pid=4243 prio=120 target_cpu=000\n"
                "          <idle>-0       [000] d.h1.  1234.000600: sched_waking: comm=my thread pid=7 prio=120 target_cpu=000\n"
                "          server-4242    [001] d..2.  1234.000700: sched_switch: prev_comm=x\n")
        self.assertEqual(sched.parse(text), [sched.Waking(1234_000567_000, 4242, 4243), sched.Waking(1234_000600_000, 0, 7)])

    def test_trace_with_the_ids_of_another_namespace_is_not_used(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "instances"))
            with mock.patch.multiple(sched, _ROOTS=(root,), _FIRST_PID_NAMESPACE=0), sched.Wakings() as wakings:
                self.assertEqual(os.listdir(os.path.join(root, "instances")), [])
        self.assertIsNone(wakings.found)
        self.assertIn("other process ids", wakings.why)


if __name__ == "__main__":
    unittest.main()
