"""The manifests of deploy/kubernetes: the types of the API, that the objects belong together, and the server with their flags.

There is no cluster here. What a node does with a pod that it stops is done by hand: SIGTERM, then the probes.
"""

import copy
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from balancing import stand
from comparison import processes
from deployment import manifests

_TOP = os.path.abspath("..")  # The test begins in tools/.
_FOLDER = os.path.join(_TOP, "deploy", "kubernetes")
_SERVER = os.path.join(_TOP, "server")
_IMAGES_FLAGS = os.path.join(_TOP, "tools", "distribution", "image", "server.conf")
_LIBRARY = "/var/lib/polyserve/files"
_MARGIN_S = 5


def seconds(flags, name):
    return int(re.search(rf"(?m)^--{name}=(\d+)s$", flags).group(1))


class TypesTest(unittest.TestCase):
    def test_objects_are_what_the_api_takes(self):
        for name in sorted(os.listdir(_FOLDER)):
            for kind, one in manifests.objects(os.path.join(_FOLDER, name)).items():
                self.assertEqual(manifests.faults(one), [], f"{name}: {kind}")

    def test_faults_are_found(self):
        right = manifests.objects(os.path.join(_FOLDER, "polyserve.yaml"))["Deployment"]

        def faults(change):
            wrong = copy.deepcopy(right)
            change(wrong, wrong["spec"]["template"]["spec"]["containers"][0])
            return manifests.faults(wrong)
        self.assertTrue(faults(lambda one, server: one.update(apiVersion="apps/v7")))
        self.assertTrue(faults(lambda one, server: one["spec"].update(replicas="two")))
        self.assertTrue(faults(lambda one, server: one["spec"].pop("selector")))
        self.assertTrue(faults(lambda one, server: server.update(readinesProbe={})))
        self.assertTrue(faults(lambda one, server: server["ports"][0].pop("containerPort")))
        self.assertTrue(faults(lambda one, server: server["readinessProbe"]["httpGet"].update(url="/")))


class _Manifest(unittest.TestCase):
    """With the objects of one file."""

    NAME = ""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.objects = manifests.objects(os.path.join(_FOLDER, self.NAME))
        self.deployment = self.objects["Deployment"]["spec"]
        self.pod = self.deployment["template"]["spec"]
        self.container, = self.pod["containers"]

    def check_belongs_together(self):
        """Each reference to another object, or to another part of the pod, leads there."""
        labels = self.deployment["template"]["metadata"]["labels"].items()
        self.assertLessEqual(self.deployment["selector"]["matchLabels"].items(), labels)
        self.assertLessEqual(self.objects["Service"]["spec"]["selector"].items(), labels)
        ports = {port["name"] for port in self.container["ports"]}
        self.assertEqual({port["targetPort"] for port in self.objects["Service"]["spec"]["ports"]}, ports)
        for probe in (self.container[name] for name in self.container if name.endswith("Probe")):
            if "exec" not in probe:
                self.assertIn(probe.get("httpGet", probe.get("tcpSocket"))["port"], ports)
        volumes = {volume["name"] for volume in self.pod.get("volumes", [])}
        self.assertEqual({mount["name"] for mount in self.container.get("volumeMounts", [])}, volumes)

    def check_is_restricted(self):
        """What the standard "restricted" of Kubernetes asks for, and a root that nothing can be written to."""
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        may = self.container["securityContext"]
        self.assertEqual((may["allowPrivilegeEscalation"], may["capabilities"], may["readOnlyRootFilesystem"]),
                         (False, {"drop": ["ALL"]}, True))
        self.assertLessEqual(set(may), {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"})
        self.assertIn("memory", self.container["resources"]["limits"])


class ServerTest(_Manifest):
    NAME = "polyserve.yaml"

    def setUp(self):
        super().setUp()
        self.flags = self.objects["ConfigMap"]["data"]["server.conf"]

    def test_objects_belong_together(self):
        self.check_belongs_together()
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        self.assertEqual(volumes["config"]["configMap"]["name"], self.objects["ConfigMap"]["metadata"]["name"])
        self.assertEqual(volumes["files"]["persistentVolumeClaim"]["claimName"], self.objects["PersistentVolumeClaim"]["metadata"]["name"])
        paths = {mount["name"]: mount["mountPath"] for mount in self.container["volumeMounts"]}
        self.assertIn(f"--flagfile={paths['config']}/server.conf", self.container["args"])
        self.assertIn(f"--root={paths['files']}\n", self.flags)
        labels = self.deployment["template"]["metadata"]["labels"]
        self.assertEqual(self.objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"], labels)

    def test_it_may_do_little(self):
        self.check_is_restricted()

    def test_ports_are_those_of_the_flags(self):
        listen = re.findall(r"(\w+)://0\.0\.0\.0:(\d+)", self.flags)
        self.assertEqual([(port["name"], str(port["containerPort"])) for port in self.container["ports"]], listen)

    def test_no_client_is_lost_when_pods_are_replaced(self):
        notice_s, drain_s = seconds(self.flags, "stop_notice"), seconds(self.flags, "drain_timeout")
        self.assertGreaterEqual(self.pod["terminationGracePeriodSeconds"], notice_s + drain_s + _MARGIN_S)
        probe = self.container["readinessProbe"]
        self.assertGreaterEqual(notice_s, probe["failureThreshold"] * (probe["periodSeconds"] + probe["timeoutSeconds"]) + _MARGIN_S)
        self.assertEqual(self.deployment["strategy"]["rollingUpdate"]["maxUnavailable"], 0)
        self.assertLess(self.objects["PodDisruptionBudget"]["spec"]["maxUnavailable"], self.deployment["replicas"])

    def argv(self, flags, ports=None):
        """The container's command line, with files and, if given, ports of this test."""
        os.makedirs(os.path.join(self.folder, "files"), exist_ok=True)
        flags = flags.replace(_LIBRARY, os.path.join(self.folder, "files"))
        for old, new in (ports or {}).items():
            flags = flags.replace(f"0.0.0.0:{old}", f"{stand.BALANCER}:{new}")
        with open(os.path.join(self.folder, "server.conf"), "w", encoding="utf-8") as file:
            file.write(flags)
        return [_SERVER, f"--flagfile={_IMAGES_FLAGS}", *(word.replace("/config", self.folder) for word in self.container["args"])]

    def test_the_server_understands_its_flags(self):
        subprocess.run([*self.argv(self.flags), "--check"], check=True)
        done = subprocess.run([*self.argv(self.flags + "--wrong\n"), "--check"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)  # So the file counts.

    def test_a_pod_that_is_told_to_stop_serves_until_its_clients_are_sent_elsewhere(self):
        numbers = [port["containerPort"] for port in self.container["ports"]]
        ports = dict(zip(numbers, stand.free_ports(len(numbers))))
        http = ports[8080]
        # The time is as long as this test likes: a second signal ends it.
        argv = self.argv(re.sub(r"--stop_notice=\w+", "--stop_notice=1h", self.flags), ports)
        server = processes.spawn(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)

        def says(probe):
            return stand.get(http, self.container[probe]["httpGet"]["path"])[9:12]
        self.assertTrue(stand.eventually(lambda: processes.is_listening(f"{stand.BALANCER}:{http}") or server.poll() is not None))
        self.assertEqual([says(probe) for probe in ("startupProbe", "readinessProbe", "livenessProbe")], [b"200"] * 3)
        server.send_signal(signal.SIGTERM)
        self.assertTrue(stand.eventually(lambda: says("readinessProbe") == b"503"))
        self.assertEqual(says("livenessProbe"), b"200")
        self.assertTrue(stand.get(http, "/").startswith(b"HTTP/1.1 200 "))
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(stand.PATIENCE_S), 0)


class RedisTest(_Manifest):
    NAME = "redis.yaml"

    def test_objects_belong_together(self):
        self.check_belongs_together()
        self.assertEqual(self.objects["NetworkPolicy"]["spec"]["podSelector"], self.deployment["selector"])
        servers = manifests.objects(os.path.join(_FOLDER, "polyserve.yaml"))
        allowed = self.objects["NetworkPolicy"]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
        self.assertLessEqual(allowed.items(), servers["Deployment"]["spec"]["template"]["metadata"]["labels"].items())
        service = self.objects["Service"]
        self.assertIn(f"#--room=redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/0\n",
                      servers["ConfigMap"]["data"]["server.conf"])

    def test_it_may_do_little(self):
        self.check_is_restricted()

    def test_a_server_shares_its_room_there(self):
        port, chat = stand.free_ports(2)
        program, *flags = self.container["args"]
        log_path = os.path.join(self.folder, "log")
        with open(log_path, "w", encoding="utf-8") as log:
            redis = processes.spawn([stand.needed(program), *flags, "--port", str(port)], cwd=self.folder, stdout=log, stderr=log)
            self.addCleanup(redis.wait)
            self.addCleanup(redis.kill)
            self.assertTrue(stand.eventually(lambda: processes.is_listening(f"{stand.BALANCER}:{port}")))
            server = processes.spawn([_SERVER, f"--listen=chat://{stand.BALANCER}:{chat}", f"--root={self.folder}",
                                      f"--room=redis://{stand.BALANCER}:{port}/0"], stdout=log, stderr=log)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertTrue(stand.eventually(lambda: processes.is_listening(f"{stand.BALANCER}:{chat}") or server.poll() is not None))
        with stand.socket.create_connection((stand.BALANCER, chat), stand.PATIENCE_S) as ada:
            ada.sendall(b"L ada\n")
            self.assertEqual(ada.recv(3), b"OK\n")
        # Ada is a member at once, also if the server has not reached Redis yet.
        listing = [stand.needed("redis-cli"), "-p", str(port), "keys", "*"]
        self.assertTrue(stand.eventually(
            lambda: "polyserve:" in subprocess.run(listing, capture_output=True, text=True, check=True).stdout, pause_s=0.5))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "dump.rdb")))


if __name__ == "__main__":
    unittest.main()
