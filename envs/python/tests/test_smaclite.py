import json
import os
import tempfile
import unittest
from typing import Any

from baton_host.adapters import open_spec
from baton_host.adapters.smaclite import scenario
from baton_host.batch import Batch
from baton_host.errors import HostError

import numpy as np

from .fakes import smaclite as fake
from .fakes.install import installed


class Smaclite(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(installed(fake.MODULES))

    def make(self, spec: str = "smaclite:MMM", **options: Any) -> Any:
        return open_spec(spec, options)()

    def test_units_become_entities(self) -> None:
        env = self.make()
        self.assertEqual(env.spec.shapes["entities"], (3, 35))
        self.assertEqual(env.spec.episode_limit, 150)
        self.assertEqual(env.spec.entity_types, (1, ("marine", "medivac", "zealot")))
        arrays = env.reset(1)
        # Types: marine, medivac, zealot. A cooldown of half a second is 8 ticks.
        np.testing.assert_allclose(arrays["entities"][0, :10], [0, 1, 0, 0, 9.5 / 32, 16.5 / 32, 0.45, 0.2, 1, 8 / 50], rtol=1e-6)
        np.testing.assert_allclose(arrays["entities"][1, :10], [0, 0, 1, 0, 9.5 / 32, 16.5 / 32, 0.45, 0.2, 1, 75 / 150], rtol=1e-6)
        np.testing.assert_allclose(arrays["entities"][2, :10], [1, 0, 0, 1, 23.5 / 32, 16.5 / 32, 0.45, 0.2, 1, 8 / 50], rtol=1e-6)
        # The cliff at (9, 20) is two steps north of the marine in (9, 16); its ground is flat.
        self.assertEqual(arrays["entities"][0, 17:].tolist(), [0, 1, 1, 1, 1, 1, 1, 1, 1] + [0] * 9)
        np.testing.assert_allclose(arrays["relations"][0, 2], [8 / 6, 8 / 6, -1, 0, 0, 0], rtol=1e-5)
        self.assertEqual(arrays["actionTargets"].tolist(), [[2], [0]])

    def test_units_are_drawn_the_dead_without_life(self) -> None:
        env = self.make()
        arrays = env.reset(1)
        self.assertEqual((env.spec.drawing()["types"], arrays["world"].tolist()), (["marine", "medivac", "zealot"], [32, 32]))
        np.testing.assert_allclose(arrays["units"][2], [23.5, 16.5, 0.75, 1, 2, 1, 45, 90, 20, 30])
        env.step([1, 1])
        np.testing.assert_allclose(env.step([1, 1]).arrays["units"][0], [9.5, 16.5, 0.75, 0, 0, 0, 0, 90, 0, 30])

    def test_the_dead_keep_their_place_and_send_nothing(self) -> None:
        batch = Batch([self.make()])
        batch.reset([0], [1])
        batch.step(np.array([[1, 1]], "int32"))
        arrays, infos = batch.step(np.array([[2, 1]], "int32"))
        self.assertEqual(arrays["alive"][0].tolist(), [0, 1, 1])
        self.assertEqual(arrays["actionMask"][0, 0].tolist(), [1, 0, 0, 0, 0, 0, 0])
        np.testing.assert_allclose(arrays["entities"][0, 0, 4:10], [9.5 / 32, 16.5 / 32, 0, 0, 0, 0], rtol=1e-6)
        self.assertEqual(dict(infos[0]), {"won": False, "dead_allies": 1, "dead_enemies": 0})
        batch.step(np.array([[0, 5]], "int32"))
        arrays, infos = batch.step(np.array([[0, 5]], "int32"))
        self.assertEqual((arrays["terminated"][0], arrays["truncated"][0], infos[0]["won"]), (1, 0, True))
        self.assertEqual(arrays["reward"][0], 2.5)

    def test_a_reset_forgets_the_last_actions(self) -> None:
        env = self.make()
        fresh = env.reset(1)["state"].tolist()
        env.step([1, 1])
        self.assertEqual(env.reset(1)["state"].tolist(), fresh)

    def test_episodes_end_by_the_limit(self) -> None:
        batch = Batch([self.make(episode_limit=1)])
        batch.reset([0], [1])
        arrays, _ = batch.step(np.array([[1, 1]], "int32"))
        self.assertEqual((arrays["terminated"][0], arrays["truncated"][0]), (0, 1))

    def test_maps_that_are_not_shipped_are_described_here(self) -> None:
        made = scenario("1c3s5z")
        self.assertEqual((made["num_allied_units"], made["num_enemy_units"], made["num_unit_types"]), (9, 9, 3))
        self.assertEqual((scenario("2m_vs_1z")["ally_has_shields"], scenario("2m_vs_1z")["enemy_has_shields"]), (False, True))
        env = self.make("smaclite:3m")
        self.assertEqual((env.spec.id, env.spec.agents, env.spec.episode_limit), ("smaclite/3m", 3, 60))

    def test_a_scenario_file_is_a_map(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "duel.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"name": "duel", "groups": [{"units": {"MARINE": 1}}, {"units": {"MARINE": 2}}]}, file)
            env = self.make(f"smaclite:{path}")
        self.assertEqual((env.spec.id, env.spec.agents, env.spec.actions, env.spec.episode_limit), ("smaclite/duel", 1, 8, 120))

    def test_mistakes_are_sentences(self) -> None:
        for spec, options, sentence in (
            ("smaclite:4m", {}, 'SMAClite has no map "4m"'),
            ("smaclite:nowhere.json", {}, 'there is no scenario file "nowhere.json"'),
            ("smaclite:", {}, '"smaclite:" names no environment'),
            ("smaclite:3m", {"limit": 3}, 'the adapter "smaclite" has no option "limit"'),
        ):
            with self.subTest(spec), self.assertRaisesRegex(HostError, sentence):
                open_spec(spec, options)


if __name__ == "__main__":
    unittest.main()
