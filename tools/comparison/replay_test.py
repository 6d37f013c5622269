"""Logs that are replayed: what is read of them, what is left out and named, which part is taken, and what is made of it."""

import gzip
import os
import tempfile
import unittest

from comparison import replay, workloads

COMBINED = """\
1.2.3.4 - - [10/Oct/2024:13:55:36 +0200] "GET /a%20b?x=1 HTTP/1.1" 200 2326 "http://x/" "Mozilla/5.0 (\\"odd\\")"
1.2.3.4 - frank [10/Oct/2024:13:55:36 +0200] "GET /b HTTP/1.1" 304 - "-" "Mozilla/5.0 (\\"odd\\")"
1.2.3.4 - - [10/Oct/2024:11:55:37 +0000] "HEAD /b HTTP/1.1" 200 0 "-" "curl/7.88"
example.org:443 5.6.7.8 - - [10/Oct/2024:13:55:38 +0200] "POST /form HTTP/2.0" 200 17 "-" "Mozilla/5.0" 0.004
9.9.9.9 - - [10/Oct/2024:13:55:39 +0200] "GET /old HTTP/1.0" 200 5 "-" "ab"
::1 - - [10/Oct/2024:13:55:40 +0200] "GET /common HTTP/1.1" 200 5
5.6.7.8 - - [10/Oct/2024:13:55:40 +0200] "\\x16\\x03\\x01" 400 150 "-" "-"
what is this?
5.6.7.8 - - [99/Oct/2024:13:55:40 +0200] "GET / HTTP/1.1" 200 1 "-" "-"
"""


class Files(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def path(self, name):
        return os.path.join(self.scratch, name)

    def file(self, content, name="access.log"):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)


def request(time, client="a", size=1, path="/"):
    return replay.Request(time, "GET", path, size, client)


class ReadTest(Files):
    def test_a_combined_log(self):
        log = replay.read(self.file(COMBINED))
        self.assertEqual([(one.method, one.path, one.size) for one in log.requests],
                         [("GET", "/a%20b?x=1", 2326), ("GET", "/b", 0), ("HEAD", "/b", 0), ("GET", "/form", 17), ("GET", "/old", 5),
                          ("GET", "/common", 5)])
        self.assertEqual([int(one.time - log.requests[0].time // 1) for one in log.requests], [0, 0, 1, 2, 3, 4])
        first, second, other, *_ = [one.client for one in log.requests]
        self.assertEqual(first, second)
        self.assertNotEqual(first, other, "another program at the same address is another client")
        self.assertEqual(log.requests[4].client, "", "before HTTP/1.1 a connection ended with its reply")

    def test_what_is_left_out_is_counted_and_named(self):
        remarks = replay.read(self.file(COMBINED + "again\n")).remarks()
        self.assertIn("1 of 10 lines is without a request of HTTP, and left out; the first is line 7: 5.6.7.8", remarks[0])
        self.assertIn("2 of 10 lines are not a line of an access log, and left out; the first is line 8: what is this?", remarks[1])
        self.assertIn("1 of 10 lines is without a time, and left out; the first is line 9: 5.6.7.8", remarks[2])
        self.assertEqual(remarks[3], "what was sent in reply to other methods is fetched by GET: POST (1)")

    def test_a_compressed_log_whatever_its_name(self):
        log = replay.read(self.file(gzip.compress(COMBINED.encode())))
        self.assertEqual(len(log.requests), 6)

    def test_whole_seconds_are_spread_and_the_order_stays(self):
        line = '1.1.1.1 - - [10/Oct/2024:13:55:36 +0000] "GET /{} HTTP/1.1" 200 5 "-" "x"\n'
        requests = replay.read(self.file("".join(line.format(number) for number in range(500)))).requests
        self.assertEqual([one.path for one in requests], [f"/{number}" for number in range(500)])
        offsets = [one.time % 1 for one in requests]
        self.assertEqual(offsets, sorted(offsets))
        self.assertLess(abs(sum(offsets) / 500 - 0.5), 0.1)
        self.assertEqual({int(one.time) for one in requests}, {int(requests[0].time)})

    def test_a_table_with_and_without_clients(self):
        log = replay.read(self.file("time,method,path,bytes,client\n0.5,GET,/a,b,7,x\n0.25,HEAD,/c,8,\n\nno,GET,/d,9,x\n"))
        self.assertEqual([(one.time, one.method, one.path, one.size, one.client) for one in log.requests],
                         [(0.25, "HEAD", "/c", 8, ""), (0.5, "GET", "/a,b", 7, "x")])
        self.assertIn("1 of 3 lines is not time,method,path,bytes,client", log.remarks()[0])
        log = replay.read(self.file("time,method,path,bytes\n1,PUT,/a,7\n"))
        self.assertEqual([(one.time, one.method, one.size, one.client) for one in log.requests], [(1.0, "GET", 7, "")])
        self.assertIn("PUT (1)", log.remarks()[0])

    def test_what_is_no_log_is_refused(self):
        for content, expected in (("", "it is empty"), ("hello\n" * 3, "3 of 3 lines are not a line of an access log"),
                                  ("time,method,path,bytes\nx,GET,/,5\n", "is neither"),
                                  (gzip.compress(b"x" * 100000)[:60], "cannot be read")):
            with self.assertRaisesRegex(replay.ReplayError, expected):
                replay.read(self.file(content))
        with self.assertRaisesRegex(replay.ReplayError, "cannot be read"):
            replay.read(self.path("none"))

    def test_nothing_of_a_line_reaches_the_terminal_as_it_is(self):
        log = replay.Log(lines=1)
        log.leave_out("bad", 1, "\x1b[31mred")
        self.assertIn(r"\x1b[31mred", log.remarks()[0])


class WindowTest(unittest.TestCase):
    def test_the_busiest_span(self):
        requests = [request(time) for time in (0, 5, 10, 11, 12, 13.5, 20, 21, 22)]
        self.assertEqual([one.time for one in replay.busiest(requests, 3)], [10, 11, 12])
        self.assertEqual([one.time for one in replay.busiest(requests, 4)], [10, 11, 12, 13.5])
        self.assertEqual(len(replay.busiest(requests, 1000)), len(requests))

    def test_connections_at_a_time(self):
        self.assertEqual(replay.most_connections([request(0, "a"), request(1, "b"), request(2, "c")], 10), 3)
        self.assertEqual(replay.most_connections([request(0, "a"), request(1, "b"), request(2, "c")], 0.5), 1)
        self.assertEqual(replay.most_connections([request(0, "a"), request(1, "a"), request(2, "a")], 1.5), 1)
        self.assertEqual(replay.most_connections([request(0, "a"), request(1, ""), request(2, ""), request(3, "b")], 5), 2)


class MakeTest(Files):
    def setUp(self):
        super().setUp()
        rows = ["time,method,path,bytes,client"]
        rows += [f"{number / 128},{'HEAD' if number == 7 else 'GET'},/{number % 5},{100 * (number % 5)},c{number % 3}" for number in range(400)]
        self.log = self.file("\n".join(rows) + "\n100,GET,/late,5,z\n")

    def make(self, speed=2.0, window_s=1.0):
        return replay.make(self.log, speed, 15.0, window_s, self.scratch, self.path("sch{}edule.csv"))

    def test_a_schedule_and_files_of_the_sizes(self):
        made = self.make()
        with open(self.path("sch{}edule.csv"), encoding="ascii") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], "time,method,path,bytes,client")
        self.assertEqual(lines[1], "0.000000,GET,/replay/0,0,1")
        self.assertEqual(lines[8], "0.027344,HEAD,/replay/2,200,2")
        self.assertEqual(len(lines), 1 + 256)
        self.assertEqual([os.path.getsize(self.path(f"replay/{number}")) for number in range(5)], [0, 100, 200, 300, 400])
        self.assertFalse(os.path.exists(self.path("replay/5")))
        self.assertEqual(made.remarks, made.remarks_to_keep)
        self.assertIn("of 401 requests those 256 are replayed that came from 0 s after the first one on, the busiest 2 s",
                      made.remarks[0])

    def test_a_workload_that_is_ranked_by_its_response_times(self):
        workload = self.make().workload
        self.assertEqual((workload.name, workload.service, workload.ranked_by), ("replay", "http", "response_p50_us"))
        self.assertEqual(workload.connections, 3)
        self.assertFalse(workload.connects_first)
        self.assertAlmostEqual(workload.least_s, 100 / 256, places=2)  # Of 256 requests in a second.
        self.assertEqual(workload.title, "256 requests of 3 clients, which took 1.99 s in access.log, at 2 times their speed")
        flags = workload.load_flags({"http": "127.0.0.1:1"}, "/root")
        self.assertIn(f"--schedule={self.path('sch{}edule.csv')}", flags)
        self.assertIn("--keep_alive=7.500s", flags)

    def test_nothing_of_the_log_itself_is_kept(self):
        with open(self.log, "a", encoding="ascii") as file:
            file.write("secret\n")
        made = self.make()
        self.assertIn("line 403: secret", made.remarks[0])
        self.assertNotIn("secret", str(made.as_json()))

    def test_the_same_log_gives_the_same(self):
        self.assertEqual(self.make().as_json(), self.make().as_json())
        self.assertNotEqual(self.make().schedule_sha256, self.make(speed=1.5, window_s=4 / 3).schedule_sha256)

    def test_too_few_requests_for_a_percentile_are_refused_with_advice(self):
        with self.assertRaisesRegex(replay.ReplayError, r"has 64 requests in 0.5 s of replay.* --speed=3 might"):
            self.make(speed=1.0, window_s=0.5)
        self.log = self.file("time,method,path,bytes\n" + "1,GET,/,5\n" * 99)
        with self.assertRaisesRegex(replay.ReplayError, "has 99 requests that can be replayed; that is too few"):
            self.make()

    def test_files_that_have_no_room_are_refused_before_one_is_made(self):
        self.log = self.file("time,method,path,bytes\n" + "1,GET,/,1000000000000000\n" * 200)
        with self.assertRaisesRegex(replay.ReplayError, r"would take 1000000.0 GB under .* set TMPDIR"):
            self.make()
        self.assertFalse(os.path.exists(self.path("replay")))


class ChooseTest(Files):
    def test_it_is_the_only_workload_unless_others_are_given(self):
        own = workloads.Workload("replay", "http", "", (), 1)
        self.assertEqual(workloads.choose(None, [own]), [own])
        self.assertEqual([one.name for one in workloads.choose(["http"], [own])], ["http", "replay"])
        self.assertEqual([one.name for one in workloads.choose(["replay", "http"], [own])], ["replay", "http"])
        with self.assertRaises(workloads.UnknownWorkload):
            workloads.choose(["replay"])


if __name__ == "__main__":
    unittest.main()
