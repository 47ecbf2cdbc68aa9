import unittest
from typing import Any, Callable

import numpy as np

from baton_host.batch import Batch
from baton_host.adapters.custom import CustomEnvironment
from baton_host.errors import HostError

from .games import Duel, Lights, Troubled, TroubledMask


def batch(make: Callable[[], Any], copies: int = 2) -> Batch:
    return Batch([CustomEnvironment(make, "game") for _ in range(copies)])


def actions(*rows: Any) -> Any:
    return np.array(rows, "int32")


class Playing(unittest.TestCase):
    def test_copies_play_as_they_would_alone(self) -> None:
        together, alone = batch(Duel, 3), Duel()
        together.reset([0, 1, 2], [7, 8, 9])
        alone.reset(8)
        for choice in ([2, 2], [3, 2], [2, 3]):
            arrays, infos = together.step(actions([1, 1], choice, [1, 1]))
            expected, reward, terminated, truncated, info = alone.step(choice)
            for name, wire in {"observations": "observations", "relations": "relations", "action_targets": "actionTargets"}.items():
                np.testing.assert_array_equal(arrays[wire][1], np.asarray(expected[name], arrays[wire].dtype))
            self.assertEqual(arrays["actionMask"][1].tolist(), alone.available_actions())
            self.assertEqual(arrays["reward"][1], np.float32(reward))
            self.assertEqual(infos[1], {"won": False, "hits": 2})

    def test_some_copies_are_stepped_as_all_would_be(self) -> None:
        together, apart = batch(Duel, 3), batch(Duel, 3)
        together.reset([0, 1, 2], [7, 8, 9])
        apart.reset([0, 1, 2], [7, 8, 9])
        arrays, infos = together.step(actions([1, 1], [2, 2], [3, 1]))
        later, later_infos = apart.step(actions([2, 2], [3, 1]), 1)
        np.testing.assert_array_equal(later["observations"], arrays["observations"][1:])
        self.assertEqual(later_infos, infos[1:])
        first, _ = apart.step(actions([1, 1]))
        np.testing.assert_array_equal(first["observations"], arrays["observations"][:1])

    def test_reset_returns_the_rows_asked_for(self) -> None:
        arrays, infos = batch(Lights, 3).reset([2, 0], [5, 6])
        self.assertEqual(arrays["observations"][:, 1, 0].tolist(), [5, 6])
        self.assertEqual(infos, [{}, {}])

    def test_episodes_are_cut_off_at_their_limit(self) -> None:
        lights = batch(Lights)
        lights.reset([0, 1], [0, 0])
        ends = [lights.step(actions([0, 0], [0, 0]))[0]["truncated"].tolist() for _ in range(3)]
        self.assertEqual(ends, [[0, 0], [0, 0], [1, 1]])

    def test_an_episode_ends_in_one_way(self) -> None:
        ending = type("Ending", (Lights,), {"step": lambda self, actions: ([[0], [0]], 1, True, True, {})})
        game = batch(ending)
        game.reset([0, 1], [0, 0])
        arrays, _ = game.step(actions([0, 0], [0, 0]))
        self.assertEqual((arrays["terminated"].tolist(), arrays["truncated"].tolist()), ([1, 1], [0, 0]))


class Closing(unittest.TestCase):
    def game(self, closed: list[int], name: int, fails: bool = False) -> Any:
        def close(_self: Any) -> None:
            closed.append(name)
            if fails:
                raise ValueError("it is stuck")

        return CustomEnvironment(type("Closed", (Lights,), {"close": close}), "game")

    def test_one_that_fails_to_close_keeps_no_other_open(self) -> None:
        closed: list[int] = []
        games = Batch([self.game(closed, copy, fails=copy == 1) for copy in range(3)])
        with self.assertRaisesRegex(ValueError, "it is stuck"):
            games.close()
        self.assertEqual(sorted(closed), [0, 1, 2])

    def test_where_one_cannot_be_made_none_is_left(self) -> None:
        closed: list[int] = []
        names = iter([0, 1])
        with self.assertRaises(StopIteration):
            Batch.of(lambda: self.game(closed, next(names)), 3)
        self.assertEqual(sorted(closed), [0, 1])


class Refusing(unittest.TestCase):
    def refused(self, message: str, call: Callable[[], Any], code: str) -> None:
        with self.assertRaisesRegex(HostError, message) as caught:
            call()
        self.assertEqual(caught.exception.code, code)

    def test_requests_that_make_no_sense(self) -> None:
        duel = batch(Duel)
        self.refused("no episode is running", lambda: duel.step(actions([1, 1], [1, 1])), "invalid-value")
        self.refused("there is no copy 2", lambda: duel.reset([2], [0]), "invalid-value")
        self.refused("2 copies are reset with 1 seeds", lambda: duel.reset([0, 1], [0]), "invalid-value")
        duel.reset([0, 1], [0, 1])
        for given, first in ((actions([1, 1], [1, 1], [1, 1]), 0), (actions([1, 1], [1, 1]), 1), (actions([1, 1]), -1), (actions([1]), 0)):
            self.refused("actions .* are given", lambda: duel.step(given, first), "invalid-value")
        self.refused("copy 1 of game: agent 0 may not choose action 0 \\(rest\\)", lambda: duel.step(actions([1, 1], [0, 1])), "invalid-value")
        self.refused("agent 1 may not choose action 4$", lambda: duel.step(actions([1, 4], [1, 1])), "invalid-value")
        self.refused("agent 1 may not choose action -1$", lambda: duel.step(actions([1, -1], [1, 1])), "invalid-value")

    def test_environments_that_break_their_word(self) -> None:
        sentences = {
            "shape": "copy 1 of game: observations has shape \\[2, 2\\], but at first it had shape \\[2, 1\\]",
            "nan": "copy 1 of game: observations\\[1, 0\\] is nan",
            "text": "copy 1 of game: observations holds no numbers",
            "masked": "copy 1 of game: action_mask is given now, but was not at first",
        }
        for trouble, sentence in sentences.items():
            with self.subTest(trouble):
                game = batch(lambda: Troubled(trouble))
                game.reset([0, 1], [0, 0])
                self.refused(sentence, lambda: game.step(actions([0, 0], [1, 0])), "environment")
        masked = batch(lambda: TroubledMask("masked"))
        masked.reset([0, 1], [0, 0])
        self.refused("copy 1 of game: agent 0 has no action", lambda: masked.step(actions([0, 0], [1, 0])), "environment")

    def test_after_an_error_every_copy_needs_a_reset(self) -> None:
        game = batch(lambda: Troubled("raise"))
        game.reset([0, 1], [0, 0])
        self.refused("the lights went out", lambda: game.step(actions([0, 0], [1, 0])), "environment")
        self.refused("copy 0 of game cannot be stepped", lambda: game.step(actions([0, 0], [0, 0])), "invalid-value")
        game.reset([0, 1], [0, 0])
        game.step(actions([0, 0], [0, 0]))

    def test_copies_of_different_sizes(self) -> None:
        sizes = iter([3, 4])
        make = lambda: type("Varied", (Lights,), {"episode_limit": next(sizes)})()
        self.refused("copy 1 has other sizes", lambda: batch(make), "environment")


if __name__ == "__main__":
    unittest.main()
