"""A stand after a scene: which servers are started again. The server and its load are stand-ins; lab_test.py has real ones."""

import unittest

from comparison import subjects

from . import stand


class Server:
    """It runs, unless it has an exit status."""

    def __init__(self, exit_status=None):
        self.exit_status = exit_status
        self.addresses = dict.fromkeys(stand.SERVICES, "127.0.0.1:1")

    def port(self, _service):
        return 1

    def stop(self):
        self.exit_status = 0


class Load:
    has_ended = False

    def close(self):
        self.has_ended = True


class Stand(stand.Stand):
    """Counts how often it is started."""

    def __init__(self):
        super().__init__(subjects.Model("loop", "loop"), None, 200, "/nowhere", "/nowhere")
        self.flags_of_starts = []

    def _start(self, flags):
        self.flags_of_starts.append(tuple(flags))
        return Server()

    def start_load(self):
        self._load = Load()

    def dies(self):
        self._server.exit_status = -9


class StandTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.stand = Stand()
        self.stand.open()

    async def test_one_that_serves_as_before_stays(self):
        await self.stand.restore()
        self.assertEqual(self.stand.flags_of_starts, [()])

    async def test_one_that_has_just_died_is_started_again_even_if_it_was_not_noticed_before(self):
        self.stand.dies()
        await self.stand.restore()
        self.assertEqual((self.stand.flags_of_starts, self.stand.state), ([(), ()], stand.SERVING))

    async def test_one_with_the_flags_of_a_scene_is_started_without_them(self):
        await self.stand.reopen(("--offload=2",))
        await self.stand.restore()
        self.assertEqual(self.stand.flags_of_starts, [(), ("--offload=2",), ()])

    async def test_one_whose_load_was_stopped_is_started_again(self):
        self.stand.stop_load()
        await self.stand.restore()
        self.assertEqual(len(self.stand.flags_of_starts), 2)

    async def test_what_ends_by_itself_is_told_once(self):
        self.assertIsNone(self.stand.tick())
        self.stand.dies()
        self.assertEqual(self.stand.tick(), "the server has ended")
        self.assertIsNone(self.stand.tick())
        self.assertEqual(self.stand.state, stand.ENDED)

    async def test_a_load_that_has_ended_is_started_again(self):
        self.stand._load.has_ended = True
        self.assertEqual(self.stand.tick(), "the load generator was started again")
        self.assertFalse(self.stand._load.has_ended)


if __name__ == "__main__":
    unittest.main()
