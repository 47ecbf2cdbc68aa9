import unittest
from typing import Any

import numpy as np

from baton_host import protocol
from baton_host.errors import HostError
from baton_host.gym import GymBatch
from baton_host.plain import plain_info
from baton_host.spaces import Bounds, Box, Dict, Discrete, Layout, MultiDiscrete, describe

from .gym_games import EVERYTHING, Count, Echo, Hunt


def ask(gym: GymBatch, kind: str, fields: dict[str, Any], arrays: dict[str, Any] | None = None) -> protocol.Message:
    """As over the wire."""
    made, answer, buffers = gym.answer(protocol.decode(protocol.encode(kind, fields, arrays or {})))
    return protocol.decode(protocol.encode(made, answer, buffers))


class Spaces(unittest.TestCase):
    def test_values_come_back_with_their_types(self) -> None:
        layout = Layout(describe(EVERYTHING, Bounds()), 2)
        value, _ = Echo().reset(seed=3)
        layout.write(1, value)
        back = layout.read(1)
        self.assertEqual(list(back), list(value))
        for key in ("bounded", "unbounded", "pixels", "small", "large", "choices", "flags"):
            np.testing.assert_array_equal(back[key], value[key])
            self.assertEqual(back[key].dtype, value[key].dtype)
        self.assertEqual((back["choice"], back["pair"][0], float(back["pair"][1]["inner"])), (-1, 1, 0.25))

    def test_bounds_are_one_number_or_an_array(self) -> None:
        bounds = Bounds()
        first = describe(Box(-1, [1, 2], dtype=np.float32), bounds)
        second = describe(MultiDiscrete([3, 4]), bounds)
        self.assertEqual((first["low"], first["high"], second["nvec"]), (-1.0, {"offset": 0}, {"offset": 2}))
        self.assertEqual(bounds.array().tolist(), [1, 2, 3, 4])

    def test_what_does_not_fit_is_refused(self) -> None:
        layout = Layout(describe(Dict({"a": Discrete(2), "b": Box(0, 1, (2,))}), Bounds()), 1)
        with self.assertRaisesRegex(ValueError, '"b" is missing'):
            layout.write(0, {"a": 1})
        with self.assertRaisesRegex(ValueError, r"its shape is \[3\]"):
            layout.write(0, {"a": 1, "b": np.zeros(3)})
        with self.assertRaisesRegex(HostError, "is not 2 numbers"):
            layout.load({"int32": np.zeros(1, "int32"), "float32": np.zeros(3, "float32")})
        with self.assertRaisesRegex(HostError, "beyond 32 bits"):
            describe(Discrete(2**40), Bounds())


class Gym(unittest.TestCase):
    def test_episodes_end_and_begin(self) -> None:
        gym = GymBatch(Count, "count", 1)
        ask(gym, "gym-hello", {"autoreset": "next-step"})
        action = {"int32": np.array([2], "int32")}
        answers = [ask(gym, "gym-reset", {"seeds": [5]})] + [ask(gym, "gym-step", {}, action) for _ in range(3)]
        seen = [(m.arrays["float64"].tolist(), m.arrays["reward"].tolist(), m.arrays["truncated"].tolist()) for m in answers]
        self.assertEqual(seen, [([5], [0], [0]), ([6], [2], [0]), ([7], [2], [1]), ([2000], [0], [0])])

    def test_only_acting_agents_are_asked(self) -> None:
        gym = GymBatch(Hunt, "hunt", 1)
        welcome = ask(gym, "gym-hello", {"autoreset": "disabled"})
        self.assertEqual(welcome.fields["agents"], ["red", "green", "blue"])
        first = ask(gym, "gym-reset", {"seeds": [None]})
        self.assertEqual(first.fields["agents"], [["red", "green", "blue"]])
        actions = {"int32": np.array([1, 2, 3], "int32")}
        step = ask(gym, "gym-step", {"agents": first.fields["agents"]}, actions)
        self.assertEqual((step.fields["agents"], step.fields["present"]), ([["green", "blue"]], [["red", "green", "blue"]]))
        self.assertEqual(step.arrays["reward"].tolist(), [[1, 2, 3]])
        self.assertEqual(step.arrays["terminated"].tolist(), [[1, 0, 0]])

    def test_mistakes_are_faults(self) -> None:
        gym = GymBatch(Count, "count", 2)
        for kind, fields, message in (
            ("gym-hello", {"autoreset": "sometimes"}, "autoreset is 'sometimes'"),
            ("gym-reset", {"seeds": [1]}, "needs as many seeds"),
            ("gym-fly", {}, "does not know"),
        ):
            with self.assertRaisesRegex(HostError, message):
                ask(gym, kind, fields)
        ask(gym, "gym-hello", {"autoreset": "disabled"})
        ask(gym, "gym-reset", {"seeds": [1, 2]})
        with self.assertRaisesRegex(HostError, "copy 1 of count: step failed: RuntimeError"):
            ask(gym, "gym-step", {}, {"int32": np.array([0, 1], "int32")})

    def test_infos_keep_what_a_header_can_carry(self) -> None:
        info = {"n": np.int64(3), "a": np.arange(2), 5: (1, None), "huge": np.zeros(9999), "odd": object(), "deep": {"x": [object()]}}
        self.assertEqual(plain_info(info), {"n": 3, "a": [0, 1], "5": [1, None], "deep": {"x": [None]}})
        self.assertEqual(plain_info(None), {})


if __name__ == "__main__":
    unittest.main()
