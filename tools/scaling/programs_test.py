"""The configurations of deploy/ with a third server, as far as can be said without running them."""

import os
import re
import unittest

from comparison import programs as built
from scaling import programs

_DEPLOY = os.path.join(built.REPOSITORY, "deploy")


def read(name):
    with open(os.path.join(_DEPLOY, name), encoding="utf-8") as file:
        return file.read()


class ConfigurationTest(unittest.TestCase):
    def check(self, text, original):
        second = original.count("10.0.0.12:")
        self.assertGreater(second, 4)
        for address in ("10.0.0.11:", "10.0.0.12:", "10.0.0.13:"):
            self.assertEqual(text.count(address), second, address)
        self.assertNotIn(" backup", text)

    def test_haproxy_has_each_server_of_every_service(self):
        text = programs.haproxy_configuration(read("haproxy.cfg"))
        self.check(text, read("haproxy.cfg"))
        self.assertEqual(text.count("track http/c"), text.count("track http/b"))
        self.assertEqual(len(re.findall(r"(?m)^    server c 10\.0\.0\.13:8080 check$", text)), 1)

    def test_nginx_has_each_server_of_every_service_and_is_one_process(self):
        text = programs.nginx_configuration(read("nginx.conf"), "/folder")
        self.check(text, read("nginx.conf"))
        self.assertIn("\ndaemon off;\n", text)
        self.assertIn("pid /folder/nginx.pid;", text)

    def test_a_configuration_that_is_understood_no_more_is_refused(self):
        with self.assertRaises(programs.ProgramError):
            programs.haproxy_configuration("    server other 10.0.0.12:8080\n")
        with self.assertRaises(programs.ProgramError):
            programs.nginx_configuration("        server 10.0.0.12:8080;\n", "/folder")


if __name__ == "__main__":
    unittest.main()
