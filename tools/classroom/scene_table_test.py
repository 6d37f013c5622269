"""The table of scenes: each can be played, and is told in two sentences."""

import unittest

from . import acts, scene_table


class SceneTableTest(unittest.TestCase):
    def test_each_scene_has_an_act_and_each_act_a_scene(self):
        self.assertEqual({scene.name for scene in scene_table.ALL}, set(acts.ACTS))

    def test_what_to_look_at_and_why_are_a_sentence_each(self):
        for scene in scene_table.ALL:
            for sentence in (scene.look, scene.why):
                self.assertTrue(sentence.endswith("."), sentence)
                self.assertNotIn(". ", sentence)

    def test_each_has_a_key_of_its_own(self):
        self.assertLessEqual(len(scene_table.ALL), 9)

    def test_scenes_are_chosen_in_the_order_that_is_asked_for(self):
        self.assertEqual([scene.name for scene in scene_table.choose("kill, silent")], ["kill", "silent"])
        self.assertEqual(scene_table.choose("all"), list(scene_table.ALL))

    def test_one_that_is_unknown_is_named_and_so_are_those_that_there_are(self):
        for text in ("none", "silent,none", ""):
            with self.assertRaisesRegex(scene_table.UnknownScene, "there are silent, idle"):
                scene_table.choose(text)


if __name__ == "__main__":
    unittest.main()
