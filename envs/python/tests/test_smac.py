import unittest
from typing import Any
from unittest import mock

from baton_host.adapters import open_spec
from baton_host.batch import Batch
from baton_host.errors import HostError

import numpy as np

from .fakes import smac as fake
from .fakes.install import installed


def make(spec: str = "smac:MMM", **options: Any) -> Any:
    with installed(fake.MODULES):
        return open_spec(spec, options)()


class Smac(unittest.TestCase):
    def setUp(self) -> None:
        fake.StarCraft2Env.made.clear()
        self.enterContext(installed(fake.MODULES))

    def test_sizes_are_known_before_the_game_starts(self) -> None:
        env = make()
        self.assertEqual(fake.StarCraft2Env.made[0].launches, 0)
        wire = env.spec.to_wire()
        self.assertEqual((wire["agents"], wire["entities"], wire["actions"], wire["untargetedActions"]), (2, 4, 8, 6))
        # Marauder, marine, medivac; the enemies of this kind of map are of the same types.
        self.assertEqual((wire["entityFeatures"], wire["relationFeatures"]), (35, 6))
        self.assertEqual(wire["entityTypes"], {"first": 1, "names": ["marauder", "marine", "medivac"]})
        self.assertEqual((wire["observationSize"], wire["stateSize"], wire["episodeLimit"]), (2, 3, 5))
        self.assertEqual(wire["predictedFeatures"], [4, 5, 6, 7, 8, 9])
        self.assertEqual(wire["actionNames"][:2] + wire["actionNames"][5:], ["no-op", "stop", "west", "target 0", "target 1"])

    def test_units_become_entities(self) -> None:
        env = make()
        arrays = env.reset(0)
        # Types: marauder, marine, medivac.
        np.testing.assert_allclose(arrays["entities"][0, :10], [0, 0, 1, 0, 8.5 / 32, 6.5 / 16, 0.45, 0, 0, 0.2], rtol=1e-6)
        np.testing.assert_allclose(arrays["entities"][1, :10], [0, 0, 0, 1, 10.5 / 32, 6.5 / 16, 1.5, 0, 0, 0.5], rtol=1e-6)
        np.testing.assert_allclose(arrays["entities"][2, :10], [1, 1, 0, 0, 8.5 / 32, 11.5 / 16, 1, 0.5, 1, 0], rtol=1e-6)
        self.assertEqual(arrays["entities"][0, 10:17].tolist(), [0, 1, 0, 0, 0, 0, 0])
        # The marine stands in cell (8, 6); the wall in (8, 10) is two steps north. Height 51/255 wherever there is ground.
        np.testing.assert_allclose(arrays["entities"][0, 17:26], [0, 1, 1, 1, 1, 1, 1, 1, 1])
        np.testing.assert_allclose(arrays["entities"][0, 26:35], [0.2] * 9, rtol=1e-6)
        self.assertEqual(arrays["actionTargets"].tolist(), [[2, 3], [0, -1]])
        np.testing.assert_allclose(arrays["relations"][0, 2], [-1 / 6, -1 / 6, 0, -1, 1, 1], rtol=1e-5)

    def test_units_are_drawn(self) -> None:
        env = make()
        self.assertEqual(env.spec.drawing(), {"types": ["marauder", "marine", "medivac"], "units": 4})
        arrays = env.reset(0)
        self.assertEqual(arrays["world"].tolist(), [32, 16])
        np.testing.assert_allclose(arrays["units"][0], [8.5, 6.5, 0.375, 0, 1, 1, 45, 150, 0, 50])
        np.testing.assert_allclose(arrays["units"][2], [8.5, 11.5, 0.375, 1, 0, 1, 100, 150, 50, 50])

    def test_steps_deaths_and_the_end(self) -> None:
        env = make("smac:MMM", save_replay_every=2)
        sc2 = fake.StarCraft2Env.made[0]
        env.reset(0)
        first = env.step([6, 1])
        self.assertEqual((first.reward, first.terminated, first.truncated), (1.25, False, False))
        self.assertEqual(first.arrays["entities"][0, 10:17].tolist(), [0, 0, 0, 0, 0, 0, 1])
        second = env.step([6, 1])
        self.assertTrue(second.terminated)
        self.assertEqual(dict(second.info), {"battle_won": False, "dead_allies": 1, "dead_enemies": 0, "won": False})
        self.assertEqual(second.arrays["alive"].tolist(), [0, 1, 1, 1])
        self.assertEqual(second.arrays["actionMask"][0].tolist(), [1, 0, 0, 0, 0, 0, 0, 0])
        self.assertEqual(sc2.replays, 0)
        env.reset(1)
        env.step([1, 1])
        env.step([1, 1])
        self.assertEqual(sc2.replays, 1)
        self.assertEqual(sc2.launches, 1)
        env.close()
        self.assertTrue(sc2.closed)

    def test_the_time_limit_is_a_truncation(self) -> None:
        env = make()
        env.reset(0)
        fake.StarCraft2Env.made[0].agents[0].health = 1000.0
        for t in range(1, 6):
            step = env.step([1, 1])
            self.assertEqual((step.terminated, step.truncated), (False, t == 5))

    def test_a_crash_of_the_game_is_told(self) -> None:
        env = make("smac:MMM", crash_at=1)
        env.reset(0)
        with self.assertRaisesRegex(HostError, "StarCraft II crashed") as caught:
            env.step([1, 1])
        self.assertEqual(caught.exception.code, "environment")
        self.assertIn("alive", env.reset(1))

    def test_copies_have_seeds_of_their_own(self) -> None:
        opened = open_spec("smac:MMM", {"seed": 7})
        opened(), opened()
        self.assertEqual([env._seed for env in fake.StarCraft2Env.made], [7, 8])

    def test_illegal_actions_are_refused_before_the_game_hears_of_them(self) -> None:
        batch = Batch([make()])
        batch.reset([0], [0])
        with self.assertRaisesRegex(HostError, r"agent 0 may not choose action 7 \(target 1\)"):
            batch.step(np.array([[7, 1]], "int32"))

    def test_enemies_of_another_race_have_types_of_their_own(self) -> None:
        opened = open_spec("smac:corridor", {})
        with mock.patch.object(fake.StarCraft2Env, "map_kind", "zealots"):
            self.assertEqual(opened()._types, ["zealot", "zergling"])

    def test_mistakes_are_sentences(self) -> None:
        with self.assertRaisesRegex(HostError, 'SMAC has no map "4m"') as caught:
            open_spec("smac:4m", {})
        self.assertIn("3m, MMM, corridor, 10gen_terran", caught.exception.hint)
        with self.assertRaisesRegex(HostError, "does not take these options: .*colour"):
            make(colour="red")


class Smacv2(unittest.TestCase):
    def setUp(self) -> None:
        fake.StarCraft2Env.made.clear()
        self.enterContext(installed(fake.MODULES))

    def test_teams_are_drawn_by_the_authors_weights_and_the_seed_of_the_reset(self) -> None:
        env = make("smac:10gen_terran", units=5, enemies=6, min_attack_range=3)
        wrapper = env._env
        self.assertEqual((wrapper.config["n_units"], wrapper.config["n_enemies"]), (5, 6))
        self.assertEqual(wrapper.config["team_gen"]["weights"], [0.45, 0.45, 0.1])
        self.assertEqual(wrapper.config["team_gen"]["exception_unit_types"], ["medivac"])
        self.assertEqual(wrapper.settings, {"conic_fov": False, "obs_own_pos": True, "use_unit_ranges": True, "min_attack_range": 3})
        first, other, again = (env.reset(seed)["entities"] for seed in (3, 4, 3))
        np.testing.assert_array_equal(first, again)
        # Every place that is drawn.
        self.assertEqual((first[:, 4] != other[:, 4]).tolist(), [True, True, True, False])


if __name__ == "__main__":
    unittest.main()
