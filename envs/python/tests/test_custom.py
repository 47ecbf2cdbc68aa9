import unittest
from typing import Any, Callable

from baton_host.adapters.custom import CustomEnvironment, plain_info
from baton_host.errors import HostError

import numpy as np

from .games import Duel, Lights, Troubled


def adapt(make: Callable[[], Any]) -> CustomEnvironment:
    return CustomEnvironment(make, "python:games:Game")


def changed(**attributes: Any) -> Callable[[], Any]:
    return lambda: type("Changed", (Lights,), attributes)()


class Specs(unittest.TestCase):
    def test_sizes_follow_from_the_first_time_step(self) -> None:
        self.assertEqual(
            adapt(Duel).spec.to_wire(),
            {
                "id": "python:games:Game",
                "agents": 2,
                "actions": 4,
                "untargetedActions": 2,
                "episodeLimit": 9,
                "predictedFeatures": [1],
                "actionNames": ["rest", "wait", "hit first", "hit second"],
                "entities": 4,
                "entityFeatures": 2,
                "relationFeatures": 1,
                "observationSize": 3,
                "stateSize": 3,
            },
        )

    def test_what_is_not_given_is_not_said(self) -> None:
        wire = adapt(Lights).spec.to_wire()
        self.assertEqual({"id", "agents", "actions", "untargetedActions", "episodeLimit", "predictedFeatures", "observationSize"}, set(wire))

    def test_units_may_be_drawn(self) -> None:
        env = adapt(changed(units=lambda self: [[1, 2, 0.5, 0, 0, 1, 3, 4, 0, 0]] * 3, world_size=(8, 6), unit_types=["lamp"]))
        self.assertEqual(env.spec.drawing(), {"types": ["lamp"], "units": 3})
        arrays = env.reset(1)
        self.assertEqual((arrays["units"].shape, arrays["world"].tolist()), ((3, 10), [8, 6]))
        self.assertIsNone(adapt(Lights).spec.drawing())

    def test_types_may_be_named(self) -> None:
        duel = type("Typed", (Duel,), {"entity_types": (0, ["ours", "theirs"])})
        self.assertEqual(adapt(duel).spec.to_wire()["entityTypes"], {"first": 0, "names": ["ours", "theirs"]})

    def test_something_may_be_held(self) -> None:
        duel = type("Held", (Duel,), {"held_entity": (3, 1)})
        self.assertEqual(adapt(duel).spec.to_wire()["heldEntity"], {"entity": 3, "holderFeature": 1})

    def test_mistakes_are_sentences(self) -> None:
        cases: list[tuple[Callable[[], Any], str]] = [
            (changed(n_agents=0), "its n_agents is 0, but must be a whole number of at least 1"),
            (changed(episode_limit=None), "its episode_limit is missing"),
            (changed(n_actions="2"), "its n_actions is '2'"),
            (changed(n_untargeted_actions=1), "has 1 actions with a target but gives no action_targets \\[2, 1\\]"),
            (changed(n_untargeted_actions=3), "has n_untargeted_actions = 3, more than n_actions = 2"),
            (changed(action_names=["one"]), "has 1 action_names for n_actions = 2"),
            (changed(n_agents=3), "gives observations of shape \\[2, 1\\], but it must be \\[3, O\\]"),
            (changed(reset=lambda self, seed: {"observation": [[1], [1]]}), 'gave an array "observation"'),
            (changed(reset=lambda self, seed: {}), "gives neither observations nor entities"),
            (changed(reset=lambda self, seed: {"entities": [[1]]}), "gives 1 entities for 2 agents"),
            (changed(units=lambda self: [[0] * 10] * 2), "gives units but has no world_size"),
            (changed(units=lambda self: [[0] * 10], world_size=(4, 4)), "gives 1 units for 2 agents"),
            (changed(units=lambda self: [[0] * 9] * 2, world_size=(4, 4)), r"gives units of shape \[2, 9\], but it must be \[M, 10\]"),
            (changed(units=lambda self: [[0] * 10] * 2, world_size=4), r"gives world_size of shape \[\], but it must be \[2\]"),
            (changed(step=None), "has no method step"),
            (lambda: type("Held", (Duel,), {"held_entity": (4, 1)})(), r"has held_entity = \(4, 1\), but must have an entity"),
            (lambda: type("Typed", (Duel,), {"entity_types": (1, ["a", "b"])})(), r"has entity_types = .*, but must have a column of"),
            (lambda: type("Typed", (Duel,), {"entity_types": (0, ["a", "a"])})(), r"has entity_types = .*the different names"),
            (lambda: type("Typed", (Duel,), {"entity_types": 0})(), r"has entity_types = 0, but must have a column"),
            (lambda: Troubled("make"), "cannot be made: RuntimeError: no simulator here"),
        ]
        for make, sentence in cases:
            with self.subTest(sentence), self.assertRaisesRegex(HostError, sentence) as caught:
                adapt(make)
            self.assertEqual(caught.exception.code, "environment")


class Steps(unittest.TestCase):
    def test_gymnasiums_pair_is_as_good_as_the_observation(self) -> None:
        env = adapt(changed(reset=lambda self, seed: ([[seed], [2]], {"debug": 1})))
        self.assertEqual(env.reset(5)["observations"].tolist(), [[5], [2]])

    def test_exceptions_come_with_the_users_traceback_alone(self) -> None:
        env = adapt(lambda: Troubled("raise"))
        env.reset(0)
        with self.assertRaisesRegex(HostError, "failed in step: ValueError: the lights went out") as caught:
            env.step([1, 0])
        self.assertIn("games.py", caught.exception.trace)
        self.assertNotIn("custom.py", caught.exception.trace)

    def test_wrong_answers_are_sentences(self) -> None:
        for trouble, sentence in {"four": "returned a tuple of 4 from step", "reward": "gave the reward list"}.items():
            env = adapt(lambda: Troubled(trouble))
            with self.subTest(trouble), self.assertRaisesRegex(HostError, sentence):
                env.step([1, 0])

    def test_infos_keep_what_people_can_read(self) -> None:
        info = {"won": np.bool_(True), "score": np.float32(0.5), "map": "3m", "board": [1], "big": 2**60, 3: 4}
        self.assertEqual(plain_info(info), {"won": True, "score": 0.5, "map": "3m", "3": 4})
        self.assertEqual(plain_info(None), {})


if __name__ == "__main__":
    unittest.main()
