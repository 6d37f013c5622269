"""All scenes at their small size, as `tools/scale --quick` plays them, with the real programs. Run by name alone: it takes minutes."""

import contextlib
import io
import json
import os
import tempfile
import unittest

from scaling import cli, stand
from scaling.namespaces import NetworkError
from scaling.scenes import SCENES

_TOP = os.path.abspath("..")  # The test begins in tools/; the programs are where they would be in bazel-bin.


class ScenesTest(unittest.TestCase):
    def setUp(self):
        try:
            stand.check()
        except NetworkError as error:
            self.skipTest(str(error))

    def test_all_pass_under_models_of_each_kind(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scale.json")
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                status = cli.main("", ["--quick", f"--bin={_TOP}", f"--json={path}", "--models=epoll,thread,fork"])
            with open(path, encoding="utf-8") as file:
                told = json.load(file)
        self.assertEqual([scene["faults"] for scene in told["scenes"]], [[]] * len(SCENES), said.getvalue())
        self.assertEqual(status, cli.PASSED)
        self.assertEqual([scene["name"] for scene in told["scenes"]], list(SCENES))


if __name__ == "__main__":
    unittest.main()
