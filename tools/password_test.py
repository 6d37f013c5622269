"""tools/password: the line that it prints is one of --auth_file, and its hash fits the password alone."""

import ctypes
import os
import pty
import subprocess
import sys
import unittest

_TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "password")


def _run(*arguments, password=b"secret\n"):
    return subprocess.run([sys.executable, _TOOL, *arguments], input=password, capture_output=True, check=False)


def _fits(password, stored):
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(password, stored) == stored


class PasswordTest(unittest.TestCase):
    def assert_refused(self, run, reason):
        self.assertEqual((run.returncode, run.stdout), (1, b""))
        self.assertIn(reason, run.stderr.decode())

    def test_line_has_name_hash_and_rights(self):
        for method, prefix in (("yescrypt", b"$y$"), ("bcrypt", b"$2b$12$")):
            run = _run("ada", "--rights=read write:/home/ada", f"--method={method}")
            self.assertEqual((run.returncode, run.stderr), (0, b""))
            name, stored, rights = run.stdout.rstrip(b"\n").split(b":", 2)
            self.assertEqual((name, rights), (b"ada", b"read write:/home/ada"))
            self.assertTrue(stored.startswith(prefix), stored)
            self.assertTrue(_fits(b"secret", stored))
            self.assertFalse(_fits(b"secret\n", stored))
            self.assertFalse(_fits(b"Secret", stored))

    def test_same_password_has_another_hash_each_time(self):
        self.assertNotEqual(_run("ada").stdout, _run("ada").stdout)

    def test_password_may_hold_any_character(self):
        stored = _run("ada", password="pä:ss wörd \r\n".encode()).stdout.split(b":")[1]
        self.assertTrue(_fits("pä:ss wörd ".encode(), stored))

    def test_token_is_made_up_and_shown_once(self):
        run = _run("ci", "--token", "--rights=write:/builds", password=b"")
        self.assertEqual(run.returncode, 0)
        shown = run.stderr.split()[-1]
        name, _, token = shown.rpartition(b".")
        self.assertEqual(name, b"ci")
        self.assertGreaterEqual(len(token), 32)
        self.assertTrue(_fits(token, run.stdout.split(b":")[1]))
        self.assertNotIn(token, run.stdout)

    def test_terminal_is_asked_twice_and_does_not_show_the_password(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, _TOOL, "ada"])
        said = b""
        for prompt in (b"Password: ", b"again: "):
            while not said.endswith(prompt):
                said += os.read(terminal, 1024)
            os.write(terminal, b"secret\n")
        while not said.endswith(b":read\r\n"):
            said += os.read(terminal, 1024)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        os.close(terminal)
        self.assertNotIn(b"secret", said)
        self.assertTrue(_fits(b"secret", said.split(b":")[-2].strip()))

    def test_faults_are_refused(self):
        self.assert_refused(_run("a b"), "a name has")
        self.assert_refused(_run("*"), "a name has")
        self.assert_refused(_run("ada", password=b""), "a password has")
        self.assert_refused(_run("ada", password=b"a\0b\n"), "a password has")
        self.assert_refused(_run("ada", "--method=bcrypt", password=b"x" * 73 + b"\n"), "1 to 72 bytes")
        self.assertEqual(_run("ada", "--method=md5").returncode, 2)


if __name__ == "__main__":
    unittest.main()
