import unittest
from typing import Any

import numpy as np

from baton_host.adapters import flat, open_spec
from baton_host.errors import HostError

from .fakes import gymnasium as fake
from .fakes.install import installed


class Gymnasium(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(installed(fake.MODULES))

    def make(self, member: str = "Foraging-1x2-2p-2f-v3", **options: Any) -> Any:
        return open_spec(f"gymnasium:{member}", options)()

    def test_a_tuple_is_a_team(self) -> None:
        env = self.make()
        self.assertEqual((env.spec.id, env.spec.agents, env.spec.actions), ("gymnasium/Foraging-1x2-2p-2f-v3", 2, 2))
        self.assertEqual(env.spec.episode_limit, 3)
        arrays = env.reset(2**32 + 5)
        # The shorter observation is padded.
        self.assertEqual(arrays["observations"].tolist(), [[0, 1, 0], [0, 2, 2]])
        self.assertEqual(arrays["actionMask"].tolist(), [[1, 1], [1, 1]])
        self.assertEqual(env._env.seed, 5)

    def test_rewards_are_added_up_or_averaged(self) -> None:
        for how, total in (("sum", 0.75), ("mean", 0.375)):
            env = self.make(reward=how)
            env.reset(0)
            self.assertEqual((env.step([1, 1]).reward, env.step([0, 1]).reward), (total, 0))

    def test_an_end_by_the_time_limit_is_a_truncation(self) -> None:
        env = self.make(won="terminated")
        env.reset(0)
        ends = [env.step([0, 0]) for _ in range(3)]
        self.assertEqual([(step.terminated, step.truncated) for step in ends], [(False, False), (False, False), (False, True)])
        self.assertFalse(ends[-1].info["won"])

    def test_an_end_by_the_rules_is_one_even_in_the_last_step(self) -> None:
        for idle in (0, 1):
            env = self.make(won="terminated")
            env.reset(0)
            for _ in range(idle):
                env.step([0, 0])
            env.step([1, 1])
            last = env.step([1, 1])
            self.assertEqual((last.terminated, last.truncated, last.info["won"]), (True, False, True))

    def test_one_agent(self) -> None:
        env = self.make("Taxi-v3")
        self.assertEqual((env.spec.agents, env.spec.actions, env.spec.episode_limit), (1, 3, 10))
        arrays = env.reset(0)
        # One-hot place, two one-hot choices, the numbers as they are.
        self.assertEqual(arrays["observations"].tolist(), [[1, 0, 0, 1, 0, 0, 1, 5, 6]])
        self.assertEqual(arrays["actionMask"].tolist(), [[1, 0, 1]])
        # Its actions begin at 1.
        step = env.step([2])
        self.assertEqual((step.reward, step.terminated, step.info["won"]), (-1, True, True))
        env.reset(0)
        step = env.step([0])
        self.assertEqual((step.terminated, step.truncated, step.info["won"]), (False, True, False))

    def test_choices_count_from_where_their_space_begins(self) -> None:
        space = fake.MultiDiscrete([2, 3])
        space.start = np.array([1, -1])
        self.assertEqual(flat.flatten(space, np.array([2, -1])).tolist(), [0, 1, 1, 0, 0])

    def test_mistakes_are_sentences(self) -> None:
        with self.assertRaisesRegex(HostError, 'reward is "max", but must be "sum" or "mean"'):
            self.make(reward="max")
        with self.assertRaisesRegex(HostError, "cannot be made: TypeError: .*colour"):
            self.make(colour="red")


if __name__ == "__main__":
    unittest.main()
