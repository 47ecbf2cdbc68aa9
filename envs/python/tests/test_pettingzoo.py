import importlib.machinery
import unittest
from types import ModuleType
from typing import Any
from unittest import mock

from baton_host.adapters import open_spec
from baton_host.adapters.pettingzoo import ParallelEnvironment
from baton_host.errors import HostError

from .fakes import pettingzoo as fake


def adapt(env: Any, reward: str = "sum", limit: Any = None, won: Any = None) -> ParallelEnvironment:
    return ParallelEnvironment(env, "pettingzoo/talk_v1", reward, limit, won)


class PettingZoo(unittest.TestCase):
    def test_ragged_agents_are_padded_and_masked(self) -> None:
        env = adapt(fake.ParallelEnv())
        self.assertEqual((env.spec.agents, env.spec.actions, env.spec.episode_limit), (3, 5, 4))
        self.assertEqual(env.spec.shapes["state"], (6,))
        arrays = env.reset(3)
        self.assertEqual(arrays["observations"].tolist(), [[0, 0, 0, 0], [1, 1, 1, 1], [2, 0, 0, 0]])
        self.assertEqual(arrays["actionMask"].tolist(), [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
        self.assertEqual(arrays["alive"].tolist(), [1, 1, 1])

    def test_agents_that_left_are_dead_and_send_nothing(self) -> None:
        inner = fake.ParallelEnv()
        env = adapt(inner)
        env.reset(0)
        self.assertEqual(env.step([1, 2, 1]).reward, 6)
        left = env.step([1, 2, 1])
        self.assertFalse(left.terminated or left.truncated)
        self.assertEqual(left.arrays["alive"].tolist(), [1, 1, 0])
        self.assertEqual(left.arrays["observations"][2].tolist(), [0, 0, 0, 0])
        self.assertEqual(left.arrays["actionMask"][2].tolist(), [1, 0, 0, 0, 0])
        self.assertEqual(env.step([0, 1, 0]).reward, 3)
        self.assertEqual(inner.received[-1], {"speaker": 0, "listener": 1})
        last = env.step([0, 1, 0])
        self.assertEqual((last.terminated, last.truncated), (False, True))
        self.assertEqual(last.arrays["state"].tolist(), [4] * 6)
        self.assertEqual(last.info["score"], 4)

    def test_actions_begin_where_their_space_does(self) -> None:
        inner = fake.ParallelEnv(first_action=1)
        env = adapt(inner)
        env.reset(0)
        env.step([0, 2, 1])
        self.assertEqual(inner.received[-1], {"speaker": 1, "listener": 3, "guest": 2})

    def test_an_end_of_all_is_a_termination(self) -> None:
        env = adapt(fake.ParallelEnv(), "mean", won="terminated")
        env.reset(0)
        step = env.step([0, 4, 0])
        self.assertEqual((step.reward, step.terminated, step.truncated, step.info["won"]), (2, True, False, True))
        # The last time step still shows everybody.
        self.assertEqual(step.arrays["alive"].tolist(), [1, 1, 1])

    def test_masks_in_the_observation_are_taken_out_of_it(self) -> None:
        arrays = adapt(fake.ParallelEnv(masked=True)).reset(0)
        self.assertEqual(arrays["actionMask"][2].tolist(), [0, 1, 0, 0, 0])
        self.assertEqual(arrays["observations"][2].tolist(), [2, 0, 0, 0])

    def test_a_state_need_not_be(self) -> None:
        self.assertNotIn("state", adapt(fake.WithoutState()).spec.shapes)

    def test_mistakes_are_sentences(self) -> None:
        with self.assertRaisesRegex(HostError, "speaker acts in a Box space, but Baton's agents choose among numbered actions"):
            adapt(fake.Continuous())
        endless = fake.ParallelEnv()
        endless.max_cycles = 0
        with self.assertRaisesRegex(HostError, "does not say how long its episodes are") as caught:
            adapt(endless)
        self.assertIn("episode_limit", caught.exception.hint)
        self.assertEqual(adapt(endless, limit=9).spec.episode_limit, 9)

    def test_options_go_to_parallel_env(self) -> None:
        package, module = ModuleType("talk"), ModuleType("talk.talk_v1")
        package.__path__ = []
        vars(module)["parallel_env"] = fake.ParallelEnv
        for made in (package, module):
            made.__spec__ = importlib.machinery.ModuleSpec(made.__name__, None)
        with mock.patch.dict("sys.modules", {"talk": package, "talk.talk_v1": module}):
            env = open_spec("pettingzoo:talk.talk_v1", {"max_cycles": 7})()
        self.assertEqual((env.spec.id, env.spec.episode_limit), ("pettingzoo/talk_v1", 7))


if __name__ == "__main__":
    unittest.main()
