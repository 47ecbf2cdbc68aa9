import unittest

from baton_host.adapters.battle import Battle, Ground, action_targets, entity_features, relation_features

import numpy as np


def battle() -> Battle:
    """A marine at (8, 6) and a medivac at (11, 10); a zealot at (8, 1) and a dead one at (31, 10). Types: marine, medivac, zealot."""
    made = Battle.empty(2, 4)
    made.alive[:] = 1, 1, 1, 0
    made.kind[:] = 0, 1, 2, 2
    made.heals[1] = 1
    made.position[:] = (8, 6), (11, 10), (8, 1), (31, 10)
    made.health[:] = 45, 150, 80, 100
    made.shield[:] = 0, 0, 25, 50
    made.readiness[:] = 10, 75, 5, 5
    return made


class Entities(unittest.TestCase):
    def test_rows_are_those_computed_by_hand(self) -> None:
        around = np.arange(4 * 18, dtype="float32").reshape(4, 18)
        rows = entity_features(battle(), 3, (32, 16), [7, 1], around)
        self.assertEqual(rows.shape, (4, 35))
        #        enemy  type     x       y       health  shield  has  ready      last action
        marine = [0, 1, 0, 0, 8 / 32, 6 / 16, 0.45, 0, 0, 10 / 50, 0, 0, 0, 0, 0, 0, 1]
        medivac = [0, 0, 1, 0, 11 / 32, 10 / 16, 1.5, 0, 0, 75 / 150, 0, 1, 0, 0, 0, 0, 0]
        zealot = [1, 0, 0, 1, 8 / 32, 1 / 16, 0.8, 0.25, 1, 5 / 50, 0, 0, 0, 0, 0, 0, 0]
        dead = [1, 0, 0, 1, 31 / 32, 10 / 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        for k, row in enumerate([marine, medivac, zealot, dead]):
            np.testing.assert_allclose(rows[k, :17], row, rtol=1e-6)
        np.testing.assert_array_equal(rows[:3, 17:], around[:3])
        np.testing.assert_array_equal(rows[3, 17:], np.zeros(18))

    def test_a_dead_agents_last_action_is_that_of_the_dead(self) -> None:
        made = battle()
        made.alive[0] = 0
        row = entity_features(made, 3, (32, 16), [3, 1], np.zeros((4, 18), "float32"))[0]
        self.assertEqual(row[10:17].tolist(), [1, 0, 0, 0, 0, 0, 0])


class Relations(unittest.TestCase):
    def test_pairs_are_those_computed_by_hand(self) -> None:
        made = battle()
        made.reach[2] = 2
        pairs = relation_features(made)
        # Marine and medivac are 5 apart: a 3-4-5 triangle.
        np.testing.assert_allclose(pairs[0, 1], [-1 / 6, -1 / 6, -3 / 5, -4 / 5, 1, 1], rtol=1e-6)
        np.testing.assert_allclose(pairs[1, 0], [-1 / 6, -1 / 6, 3 / 5, 4 / 5, 1, 1], rtol=1e-6)
        # The zealot's reach is 2, the marine's 6.
        np.testing.assert_allclose(pairs[0, 2], [3 / 6, -1 / 6, 0, 1, 0, 1], rtol=1e-6)
        np.testing.assert_allclose(pairs[2, 0], [-1 / 6, 3 / 6, 0, -1, 1, 0], rtol=1e-6)
        np.testing.assert_allclose(pairs[0, 0], [-1, -1, 0, 0, 1, 1], rtol=1e-6)
        self.assertEqual(np.abs(pairs[3]).sum() + np.abs(pairs[:, 3]).sum(), 0)

    def test_three_ranges_are_the_farthest(self) -> None:
        made = battle()
        made.alive[3] = 1
        made.position[3] = 8, 56
        np.testing.assert_allclose(relation_features(made)[0, 3, :4], [3, 3, 0, -1], rtol=1e-6)


class Surroundings(unittest.TestCase):
    def test_points_are_smacs_and_zero_beyond_the_edge(self) -> None:
        x, y = np.meshgrid(np.arange(8), np.arange(6), indexing="ij")
        ground = Ground((x + 10 * y).astype("float32"), (x + 10 * y) / 255)
        (row,) = ground.around(np.array([[5.9, 2.9]]))
        # At (5, 2): N (5, 6) outside, S (5, -2) outside, E (9, 2) outside, W (1, 2), NE (7, 4), SW (3, 0), SE (7, 0), NW (3, 4), itself.
        np.testing.assert_array_equal(row[:9], [0, 0, 0, 21, 47, 3, 7, 43, 25])
        np.testing.assert_allclose(row[9:], row[:9] / 255, rtol=1e-6)


class Targets(unittest.TestCase):
    def test_fighters_act_on_enemies_and_healers_on_allies_that_do_not_heal(self) -> None:
        self.assertEqual(action_targets(battle(), 3).tolist(), [[2, 3, -1], [0, -1, -1]])


if __name__ == "__main__":
    unittest.main()
