"""What other programs print, and how it is read: recorded output, odd cases included."""

import dataclasses
import fcntl
import os
import signal
import subprocess
import tempfile
import time
import unittest

from comparison import connections, fairness, load, machine, peers, processes, procfs, subjects, syscalls, tls, workloads

STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 55.12    0.101216          17      5799         3 sendto
 40.00    0.073457          12      5804           recvfrom
  4.88    0.008960          67       133           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.183633          15     11736         3 total
"""
SETSOCKOPT = """\
123 setsockopt(6, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
123 setsockopt(6, SOL_TCP, TCP_NODELAY, [1], 4) = 0
123 setsockopt(6, SOL_SOCKET, SO_REUSEPORT, [1], 4) = 0
123 setsockopt(6, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, [0], 4) = -1 ENOENT (No such file or directory)
123 setsockopt(6, SOL_SOCKET, SO_RCVTIMEO_OLD, "\\54\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0", 16) = 0
"""
SS_LISTEN = """\
State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
LISTEN 0      128          0.0.0.0:2024       0.0.0.0:*
LISTEN 0      4096       127.0.0.1:33569      0.0.0.0:*
"""
SS_CONNECTION = """\
Recv-Q Send-Q Local Address:Port  Peer Address:Port Process
0      0          127.0.0.1:36205    127.0.0.1:54908
\t skmem:(r0,rb131072,t0,tb4194304,f0,w0,o0,bl0,d0) cubic wscale:10,10 rto:204 rtt:0.019/0.01 ato:40 mss:32768
"""


class SyscallsTest(unittest.TestCase):
    def test_table_of_strace(self):
        self.assertEqual(syscalls.parse(STRACE), {"sendto": 5799, "recvfrom": 5804, "epoll_wait": 133})

    def test_empty_table(self):
        self.assertEqual(syscalls.parse(""), {})


class FairnessTest(unittest.TestCase):
    def test_options_that_are_set(self):
        self.assertEqual(fairness.socket_options(SETSOCKOPT), "SO_RCVTIMEO_OLD SO_REUSEADDR=1 TCP_NODELAY=1")

    def test_backlog(self):
        self.assertEqual(fairness.listen_backlog(SS_LISTEN, 33569), "4096")
        self.assertEqual(fairness.listen_backlog(SS_LISTEN, 3356), "unknown")

    def test_buffers_and_congestion_control(self):
        self.assertEqual(fairness.connection_facts(SS_CONNECTION), ("131072", "4194304", "cubic"))
        self.assertEqual(fairness.connection_facts(SS_CONNECTION.replace(" cubic", " ts sack cubic"))[2], "cubic")
        self.assertEqual(fairness.connection_facts(""), ("unknown",) * 3)

    def test_a_model_that_differs_violates_the_contract_and_a_peer_is_remarked(self):
        contract = {"listen backlog": {"a": "4096", "b": "4096", "c": "5", "nginx": "511"},
                    "workers": {"a": "1", "b": "2"}}
        broken, remarks = fairness.violations(contract, {"a": "model", "b": "model", "c": "aa", "nginx": "peer"})
        self.assertEqual(broken, ["listen backlog: c: 5; the models: 4096"])
        self.assertEqual(remarks, ["listen backlog: nginx: 511; the models: 4096"])

    def test_a_model_that_was_told_to_differ_is_remarked(self):
        contract = {"listen backlog": {"a": "4096", "a --listen_backlog=5": "5"}}
        broken, remarks = fairness.violations(contract, {"a": "model", "a --listen_backlog=5": "tuned"})
        self.assertEqual(broken, [])
        self.assertEqual(remarks, ["listen backlog: a --listen_backlog=5: 5; the models: 4096"])


class LoadTest(unittest.TestCase):
    def test_good_run(self):
        run = load.interpret(0, '{"replies": 5, "faults": []}', "")
        self.assertIsNone(run.failed)
        self.assertEqual(run.replies, 5)

    def test_faults_fail_the_run_and_keep_the_report(self):
        run = load.interpret(1, '{"replies": 5, "faults": ["2 replies were wrong"]}', "")
        self.assertEqual(run.failed, "2 replies were wrong")
        self.assertEqual(run.replies, 5)

    def report(self, mean_ns, **more):
        return {"connections": 64, "depth": 2, "replies_per_second": 10_000.0, "seconds": 0.7,
                "response_ns": {"mean": mean_ns, "max": 3_500_000}, **more}

    def test_figures_of_a_closed_loop_agree_with_littles_law(self):
        self.assertIsNone(load.contradiction(self.report(12_800_000)))
        self.assertIsNone(load.contradiction(self.report(12_900_000)))

    def test_connections_that_are_never_answered_void_the_figures(self):
        self.assertRegex(load.contradiction(self.report(12_000_000)), "128 requests wait .* is 120")

    def test_a_window_that_is_short_for_its_responses_says_nothing(self):
        self.assertIsNone(load.contradiction(self.report(6_000_000, response_ns={"mean": 6_000_000, "max": 80_000_000})))

    def test_at_a_rate_connections_wait_for_requests_too(self):
        self.assertIsNone(load.contradiction(self.report(2_000_000, rate=10_000.0)))

    def test_no_report_fails_the_run(self):
        self.assertEqual(load.interpret(3, "", "load: connect to 127.0.0.1:1: refused\n").failed,
                         "load: connect to 127.0.0.1:1: refused")
        self.assertEqual(load.interpret(-9, "{", "").failed, "the load generator ended with status -9")

    def test_as_many_threads_as_processors_but_no_more_than_connections(self):
        flags = load.Load("load", (1, 2, 3)).command(["--connections=2"], "127.0.0.1:1", 1.5)
        self.assertIn("--threads=2", flags)
        self.assertIn("--duration=1.500s", flags)


class LookingTest(unittest.TestCase):
    """Of a load generator that says when it counts."""

    def run_looking(self, script, look=None):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "load")
            with open(program, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{script}\n")
            os.chmod(program, 0o755)
            looks = iter("first last".split())
            return load.Load(program, ()).run_looking([], "127.0.0.1:1", 0.1, 0, 1, look or (lambda process: next(looks)))

    def test_looks_when_counting_begins_and_when_it_ends(self):
        run, first, last = self.run_looking(
            "echo counting >&2; echo counted >&2; echo '{\"replies\": 5, \"replies_in_all\": 7, \"faults\": []}'")
        self.assertEqual((run.failed, run.replies, run.replies_in_all, first, last), (None, 5, 7, "first", "last"))

    def test_what_it_says_instead_is_why_it_failed(self):
        run, first, last = self.run_looking("echo 'load: connect to 127.0.0.1:1: refused' >&2; exit 3")
        self.assertEqual((run.failed, first, last), ("load: connect to 127.0.0.1:1: refused", None, None))

    def test_one_that_ends_while_it_counts_has_failed(self):
        run, first, last = self.run_looking("echo counting >&2; exit 1")
        self.assertEqual((run.failed, first, last), ("the load generator ended with status 1", None, None))

    def test_one_that_cannot_be_looked_at_is_ended(self):
        seen = []

        def look(process):
            seen.append(process)
            raise OSError("no answer")
        with self.assertRaisesRegex(OSError, "no answer"):
            self.run_looking("echo counting >&2; exec sleep 1000", look)
        self.assertEqual(seen[0].returncode, -signal.SIGKILL)

    def test_descriptors_may_have_large_numbers(self):
        connections.raise_descriptor_limit()
        ours, theirs = os.pipe()
        high = fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, 1100)
        self.assertFalse(processes.is_readable(high, 0))
        os.write(theirs, b"x")
        self.assertTrue(processes.is_readable(high, 0))
        for descriptor in (ours, theirs, high):
            os.close(descriptor)


class PaddingTest(unittest.TestCase):
    def test_each_start_has_an_environment_of_another_size(self):
        sizes = {sum(map(len, processes.with_padding({"PATH": "/bin"}).values())) for _ in range(20)}
        self.assertGreater(len(sizes), 10)
        self.assertEqual(processes.with_padding({"PATH": "/bin"})["PATH"], "/bin")


class ProcfsTest(unittest.TestCase):
    def test_knows_this_process(self):
        me = os.getpid()
        self.assertIn(me, procfs.session_members(os.getsid(0)))
        self.assertGreater(procfs.pss_kib(me), 100)
        self.assertIn(me, procfs.threads(me))
        self.assertGreater(sum(procfs.cpu_times(me)), 0)
        self.assertFalse(procfs.is_zombie(me))

    def test_a_process_that_is_gone_counts_as_nothing(self):
        child = subprocess.Popen(["true"])
        child.wait()
        self.assertEqual(procfs.cpu_times(child.pid), (0.0, 0.0))
        self.assertEqual(procfs.descriptors(child.pid), {})
        self.assertEqual(procfs.threads(child.pid), [])
        self.assertEqual(procfs.pss_kib(child.pid), 0)

    def test_the_kernels_network_threads_are_those_of_the_processors(self):
        both = procfs.network_seconds((0, 1))
        self.assertGreaterEqual(both, procfs.network_seconds((0,)))
        self.assertEqual(procfs.network_seconds(()), 0)
        self.assertEqual(procfs.network_seconds((4095,)), 0)

    def test_the_machine(self):
        self.assertGreater(procfs.busy_seconds()[0], 0)
        self.assertGreater(procfs.kernel_kib(), 1000)
        self.assertGreaterEqual(procfs.listen_overflows(), 0)

    def test_a_machine_has_an_identity_from_which_its_machine_id_cannot_be_read(self):
        first, second = "0123456789abcdef" * 2, "1123456789abcdef" * 2
        self.assertRegex(machine.identity(first + "\n"), "^[0-9a-f]{16}$")
        self.assertEqual(machine.identity(first), machine.identity(first))
        self.assertNotEqual(machine.identity(first), machine.identity(second))
        self.assertNotIn(machine.identity(first), first)
        self.assertEqual([machine.identity(text) for text in ("", "uninitialized\n")], [None, None])


class ChildTest(unittest.TestCase):
    def test_one_whose_parent_is_killed_while_it_is_made_does_not_stay(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        parent = os.fork()
        if parent == 0:
            try:
                me, prepare = os.getpid(), processes._prepare_child(None, None, None)
                if os.fork() == 0:
                    while os.getppid() == me:
                        time.sleep(0.001)
                    os.write(writing, b"orphan;")
                    prepare()
                    os.write(writing, b"alive")
            finally:
                os._exit(0)
        os.close(writing)
        os.waitpid(parent, 0)
        with open(reading, "rb", closefd=False) as said:
            self.assertEqual(said.read(), b"orphan;")


class SubjectsTest(unittest.TestCase):
    POOL = {"silent": "one of N", "crash": "all", "max_clients": 0, "flags": ["workers", "accept"]}
    LOOP = {"silent": "blocks", "crash": "all", "max_clients": 0, "flags": []}
    SELECT = {"silent": "harmless", "crash": "all", "max_clients": 1024, "flags": ["trigger"]}
    KNOWN = {"threadpool": POOL, "loop": LOOP, "select": SELECT}

    class Server:
        path = "server"

    def choose(self, text):
        return subjects.choose(subjects.split(text), self.Server, self.KNOWN)

    def setting(self, connections):
        return subjects.Setting("root", (0, 1), "logs", "scratch", connections)

    def test_flags_belong_to_their_model(self):
        first, second = self.choose("threadpool --accept=lock, loop")
        self.assertEqual((first.name, first.model, first.flags),
                         ("threadpool --accept=lock", "threadpool", ("--accept=lock",)))
        self.assertEqual(second.flags, ())
        with self.assertRaisesRegex(subjects.UnknownSubject, "there are threadpool, loop, select"):
            self.choose("treadpool")

    def test_a_pool_has_a_worker_for_each_connection(self):
        pool, loop = self.choose("threadpool,loop")
        self.assertEqual(pool.workers(self.setting(64)), 72)
        self.assertEqual(pool.workers(self.setting(5000)), 1024)
        self.assertIsNone(loop.workers(self.setting(64)))
        told, = self.choose("threadpool --workers=3")
        self.assertIsNone(told.workers(self.setting(64)))

    def test_services_with_tls_get_the_certificate_of_the_run(self):
        select, = self.choose("select")
        with tempfile.TemporaryDirectory() as folder:
            command = select.command("http+tls", subjects.Setting("root", (0,), folder, folder, 1))
            self.assertIn("--listen=http+tls://127.0.0.1:0", command)
            path, = [flag.partition("=")[2] for flag in command if flag.startswith("--tls_cert=")]
            self.assertEqual(path, tls.certificate(folder))
            with open(path, encoding="ascii") as file:
                text = file.read()
            self.assertRegex(text, "(?s)BEGIN PRIVATE KEY.*BEGIN CERTIFICATE")
        self.assertFalse([flag for flag in select.command("http", self.setting(1)) if "tls" in flag])

    def test_a_server_that_has_to_ask_another_one_is_told_which(self):
        select, = self.choose("select")
        self.assertIn("--relay_to=127.0.0.1:9", select.command("relay", self.setting(1), "127.0.0.1:9"))
        self.assertFalse([flag for flag in select.command("wait", self.setting(1)) if "relay" in flag])

    def test_what_a_server_asks_takes_descriptors_too(self):
        select, = self.choose("select")
        wait, relay = (dataclasses.replace(workload, connections=500) for workload in workloads.choose(["wait", "relay"]))
        self.assertIsNone(select.refuses(wait))
        self.assertIn("serves 1024 clients at most", select.refuses(relay))

    def test_what_makes_no_sense_is_refused_with_a_reason(self):
        echo, churn = workloads.choose(["echo", "churn"])
        pool, loop, select = self.choose("threadpool,loop,select")
        self.assertIn("63 of 64", loop.refuses(echo))
        self.assertIsNone(loop.refuses(churn))
        self.assertIsNone(pool.refuses(echo))
        self.assertIsNone(select.refuses(echo))

    def test_what_is_measured_twice_takes_part_in_all(self):
        wanted = workloads.choose(["echo", "churn"])
        self.assertEqual(subjects.most_willing(self.choose("loop,select,threadpool"), wanted).name, "select")
        self.assertEqual(subjects.most_willing(self.choose("loop,select"), workloads.choose(["churn"])).name, "loop")

    def test_a_twin_knows_whose(self):
        select, = self.choose("select")
        twin = select.again()
        self.assertEqual((twin.kind, twin.of, twin.model), ("aa", "select", "select"))


class PeersTest(unittest.TestCase):
    def test_each_configuration_says_where_to_listen_what_to_serve_and_how_many_may_wait(self):
        with tempfile.TemporaryDirectory() as folder:
            setting = subjects.Setting("/some/root", (0, 1), folder, folder, 100)
            for peer in peers.ALL:
                _, text = peer.write(setting, 12345, folder)
                self.assertIn("4096", text, peer.name)
                if peer.service == "http":
                    self.assertIn("12345", text, peer.name)
                    self.assertIn("/some/root", text, peer.name)

    def test_nginx_alone_is_asked_for_tls(self):
        self.assertEqual([peer.name for peer in peers.ALL if "http+tls" in peer.services()], ["nginx"])
        nginx, = [peer for peer in peers.ALL if peer.name == "nginx"]
        with tempfile.TemporaryDirectory() as folder:
            setting = subjects.Setting("/some/root", (0, 1), folder, folder, 100)
            _, text = nginx.write(setting, 12345, folder, certificate="/a/certificate")
            self.assertRegex(text, r"listen \S+:12345 backlog=4096 ssl;\s+ssl_certificate /a/certificate;")
            _, text = nginx.write(setting, 12345, folder)
            self.assertNotIn("ssl", text)

    def test_unknown_one(self):
        with self.assertRaisesRegex(peers.MissingPeer, "there are nginx, apache-prefork"):
            peers.choose(["ngnix"])

    def test_nginx_alone_takes_uploads_and_keeps_no_old_ones(self):
        upload, = workloads.choose(["upload"])
        with tempfile.TemporaryDirectory() as folder:
            _, text = next(peer for peer in peers.ALL if peer.takes_uploads).write(
                subjects.Setting("/some/root", (0,), folder, folder, 100), 12345, folder)
        self.assertRegex(text, r"location /upload {\s+open_file_cache off;")
        self.assertEqual([peer.name for peer in peers.ALL if peer.service == "http" and peer.refuses(upload) is None], ["nginx"])

    def test_all_are_those_that_are_installed(self):
        self.assertIn("python-asyncio", [peer.name for peer in peers.choose(["all", "python-asyncio"])])


class WorkloadsTest(unittest.TestCase):
    def test_each_is_named_once(self):
        names = [workload.name for workload in workloads.ALL]
        self.assertEqual(len(names), len(set(names)))

    def test_addresses_and_files_are_filled_in(self):
        mixed, disk = workloads.choose(["mixed", "disk"])
        self.assertIn("--beside_server=127.0.0.1:7", mixed.load_flags({"echo": "127.0.0.1:6", "compute": "127.0.0.1:7"}))
        self.assertIn("--beside_server={compute}", mixed.load_flags())
        self.assertIn("--files=/files/disk", disk.load_flags({"http": "127.0.0.1:8"}, "/files"))

    def test_load_over_tls_is_told_so(self):
        http, https, close = workloads.choose(["http", "https", "https-close"])
        self.assertEqual(http.server({"http": "127.0.0.1:8"}), "127.0.0.1:8")
        self.assertEqual(https.server({"http+tls": "127.0.0.1:8"}), "http+tls://127.0.0.1:8")
        self.assertEqual((https.keeps, close.keeps, https.is_default, close.is_default), (True, False, False, False))

    def test_unknown_one(self):
        with self.assertRaisesRegex(workloads.UnknownWorkload, "there are echo"):
            workloads.choose(["ehco"])


if __name__ == "__main__":
    unittest.main()
