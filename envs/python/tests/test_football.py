import sys
import unittest
from typing import Any

from baton_host.adapters import open_spec
from baton_host.adapters.football_features import action_mask
from baton_host.errors import HostError

import numpy as np

from .fakes import football as fake
from .fakes.install import installed


class Football(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(installed(fake.MODULES))
        fake.made.clear()

    def make(self, spec: str = "football:academy_3_vs_1_with_keeper", **options: Any) -> Any:
        return open_spec(spec, options)()

    def engine(self) -> fake.Environment:
        return fake.made[-1]

    def test_sizes(self) -> None:
        wire = self.make().spec.to_wire()
        self.assertEqual((wire["agents"], wire["entities"], wire["actions"], wire["untargetedActions"]), (3, 6, 19, 19))
        self.assertEqual((wire["entityFeatures"], wire["relationFeatures"], wire["observationSize"]), (21, 4, 4))
        self.assertEqual(wire["episodeLimit"], 150)
        # The ball, and the column of who owns it.
        self.assertEqual(wire["heldEntity"], {"entity": 5, "holderFeature": 4})

    def test_entities_are_those_computed_by_hand(self) -> None:
        env = self.make()
        # Seed 1: player 2, agent 1, has the ball.
        arrays = env.reset(1)
        nothing = [0] * 10
        rows = [
            [1, 0, 0, 0, 0, -0.4, 0.0, 0, 0.3, 0.0, 0, *nothing],
            [1, 0, 0, 0, 1, -0.3, 0.2, 0, 0.35, 0.1, 0, *nothing],
            [1, 0, 0, 0, 0, -0.3, -0.2, 0, 0.35, -0.1, 0, *nothing],
            [0, 1, 0, 0, 0, 0.0, 0.0, 0, 0, 0, 0, *nothing],
            [0, 0, 1, 0, 0, -0.25, 0.0, 0, 0, 0, 0, *nothing],
            [0, 0, 0, 1, 0, -0.38, 0.0, 0.1, 1, -0.5, 2, *nothing],
        ]
        np.testing.assert_allclose(arrays["entities"], rows, atol=1e-6)
        # Agent 0 at (0.6, 0), agent 1 at (0.7, 0.2).
        length = np.hypot(0.1, 0.2)
        np.testing.assert_allclose(arrays["relations"][0, 1], [-0.1, -0.2, -0.1 / length, -0.2 / length], rtol=1e-5)
        np.testing.assert_allclose(arrays["relations"][1, 0], [0.1, 0.2, 0.1 / length, 0.2 / length], rtol=1e-5)
        self.assertEqual(arrays["relations"][2, 2].tolist(), [0, 0, 0, 0])

    def test_only_the_owners_team_owns_the_ball(self) -> None:
        env = self.make()
        env.reset(0)
        self.engine().next = {"owner": (1, 1)}
        self.assertEqual(env.step([0, 0, 0]).arrays["entities"][:, 4].tolist(), [0, 0, 0, 0, 1, 0])
        self.engine().next = {"owner": (-1, -1)}
        self.assertEqual(env.step([0, 0, 0]).arrays["entities"][:, 4].tolist(), [0] * 6)
        # The own keeper is no entity.
        self.engine().next = {"owner": (0, 0)}
        step = env.step([0, 0, 0])
        self.assertEqual(step.arrays["entities"][:, 4].tolist(), [0] * 6)
        self.assertEqual(step.arrays["actionMask"][:, 9:13].sum(), 0)

    def test_agents_stay_with_their_players(self) -> None:
        env = self.make()
        env.reset(0)
        engine = self.engine()
        self.assertEqual(engine.can, [1, 2, 3])
        # The foremost player has the first controller: 2, 3, 1.
        env.step([1, 2, 13])
        self.assertEqual(engine.received[-1], [2, 13, 1])
        engine.next = {"left": np.array([[-1, 0], [0.9, 0], [0.7, 0.2], [0.7, -0.2]])}
        step = env.step([3, 4, 5])
        self.assertEqual(engine.received[-1], [4, 5, 3])
        self.assertEqual(step.arrays["entities"][:3, 11 + 8].tolist(), [0, 0, 1])
        self.assertEqual(step.arrays["observations"][:, 0].tolist(), [1, 2, 3])
        env.step([3, 4, 5])
        self.assertEqual(engine.received[-1], [3, 4, 5])
        # In the second episode the sides are set up in the other order.
        env.reset(1)
        self.assertEqual(engine.can, [1, 2, 3])

    def test_engines_that_move_controllers_are_refused(self) -> None:
        env = self.make()
        env.reset(0)
        self.engine().can = [0, 1, 2]
        with self.assertRaisesRegex(HostError, r"the engine controls players \[2, 1, 0\], not \[1, 2, 3\]"):
            env.step([0, 0, 0])

    def test_players_may_be_chosen_and_are_all_field_players_elsewhere(self) -> None:
        self.assertEqual(self.make(players=[3, 1]).spec.agents, 2)
        with self.assertRaisesRegex(HostError, r"players is \[2, 1, 2\], but a player can be one agent only"):
            self.make(players=[2, 1, 2])
        self.assertEqual(self.engine().can, [1, 3])
        env = self.make("football:match")
        self.assertEqual(self.engine().can, [1, 2, 3])
        # One agent: the other field players of its team are entities behind it.
        env = self.make(players=[2])
        np.testing.assert_allclose(env.reset(0)["entities"][:3, 5], [-0.3, -0.4, -0.3], rtol=1e-6)
        self.assertEqual(env.spec.shapes["entities"], (6, 21))

    def test_episodes_have_the_seed_of_their_reset(self) -> None:
        env = self.make()
        self.assertEqual([env.reset(seed)["entities"][:3, 4].argmax() for seed in (0, 1, 2, 1)], [0, 1, 2, 1])
        config = self.engine()._config
        self.assertEqual((config["game_engine_random_seed"], config["reverse_team_processing"]), (1, True))

    def test_who_kicks_off_follows_from_the_seed_and_not_from_the_episodes_before(self) -> None:
        env = self.make()
        sides = []
        for seed in (0, 1, 1, 0):
            env.reset(seed)
            sides.append(self.engine().kick_off)
        self.assertEqual(sides, [sides[0], sides[1], sides[1], sides[0]])
        self.assertNotEqual(sides[0], sides[1])

    def test_rewards(self) -> None:
        env = self.make()
        env.reset(0)
        step = env.step([0, 0, 0])
        self.assertEqual((step.reward, step.terminated, step.truncated, step.info["won"]), (0, False, False, False))
        self.engine().next = {"goal": 1}
        step = env.step([0, 0, 0])
        self.assertEqual((step.reward, step.terminated, step.truncated), (100, True, False))
        self.assertEqual(dict(step.info), {"won": True, "goals": 1, "goals_against": 0})
        for place in ({"ball": np.array([-0.1, 0, 0])}, {"left": np.array([[-1, 0], [0.6, 0], [-0.01, 0.2], [0.7, 0]])}):
            env.reset(0)
            self.engine().next = place
            step = env.step([0, 0, 0])
            self.assertEqual((step.reward, step.terminated, step.info["won"]), (-1, True, False))

    def test_the_engines_time_limit_is_a_truncation(self) -> None:
        env = self.make()
        env.reset(0)
        self.engine().next = {}
        ends = [(step.terminated, step.truncated) for step in (env.step([0, 0, 0]) for _ in range(20))]
        self.assertEqual(ends, [(False, False)] * 19 + [(False, True)])

    def test_matches_go_on_in_the_own_half_and_are_won_by_their_score(self) -> None:
        env = self.make("football:match", reward="scoring")
        env.reset(0)
        engine = self.engine()
        engine.next = {"ball": np.array([-0.5, 0, 0]), "score": [2, 1]}
        for _ in range(20):
            step = env.step([0, 0, 0])
        self.assertEqual((step.reward, step.terminated, step.truncated, step.info["won"]), (0, False, True, True))

    def test_dumps_are_asked_for(self) -> None:
        self.make(dumps="/somewhere", dump_every=3)
        settings = self.engine().settings
        self.assertEqual((settings["write_full_episode_dumps"], settings["dump_frequency"], settings["logdir"]), (True, 3, "/somewhere"))
        self.make()
        self.assertFalse(self.engine().settings["write_full_episode_dumps"])

    def test_mistakes_are_sentences(self) -> None:
        with self.assertRaisesRegex(HostError, 'has no scenario "academy"'):
            self.make("football:academy")
        with self.assertRaisesRegex(HostError, 'reward is "cds", but must be "ace", "scoring" or "checkpoints"'):
            self.make(reward="cds")

    def tearDown(self) -> None:
        for name in [name for name in sys.modules if name.startswith("gfootball.scenarios.baton_")]:
            del sys.modules[name]


class Masks(unittest.TestCase):
    def test_what_may_be_done_with_and_without_the_ball(self) -> None:
        sticky = np.zeros((3, 10), "uint8")
        sticky[1, 8] = 1  # sprints
        sticky[2, 9] = 1  # dribbles
        mask = action_mask(sticky, np.array([False, True, True]))
        always = [*range(9), 14]
        self.assertEqual(np.flatnonzero(mask[0]).tolist(), sorted([*always, 13]))
        self.assertEqual(np.flatnonzero(mask[1]).tolist(), sorted([*always, 9, 10, 11, 12, 15, 17]))
        self.assertEqual(np.flatnonzero(mask[2]).tolist(), sorted([*always, 9, 10, 11, 12, 13, 18]))


if __name__ == "__main__":
    unittest.main()
