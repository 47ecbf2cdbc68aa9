"""Entity and relation features of StarCraft-like battles, as ACE uses them (Li et al., AAAI 2023) and skirmish lays them out.

Both SMAC and SMAClite fill in a :class:`Battle`; a policy trained on the embedded simulator finds the same columns here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

Array = "np.ndarray[Any, Any]"

#: Scales of the features, and the distance in ranges up to which pairs are told apart.
POINTS, COOLDOWN, ENERGY, RANGE, FARTHEST = 100.0, 50.0, 150.0, 6.0, 3.0
#: Column of an entity's features where its type begins.
FIRST_TYPE = 1
#: Features of an entity besides its type.
PLAIN_FEATURES = 32
RELATION_FEATURES = 6
#: no-op, stop, north, south, east, west.
MOVES = ("no-op", "stop", "north", "south", "east", "west")

#: Episode limits of SMAC's maps, in steps.
LIMITS: Mapping[str, int] = {
    "3m": 60, "8m": 120, "25m": 150, "5m_vs_6m": 70, "8m_vs_9m": 120, "10m_vs_11m": 150, "27m_vs_30m": 180, "MMM": 150,
    "MMM2": 180, "2s3z": 120, "3s5z": 150, "3s5z_vs_3s6z": 170, "3s_vs_3z": 150, "3s_vs_4z": 200, "3s_vs_5z": 250,
    "1c3s5z": 180, "2m_vs_1z": 150, "corridor": 400, "6h_vs_8z": 150, "2s_vs_1sc": 300, "so_many_baneling": 100,
    "bane_vs_bane": 200, "2c_vs_64zg": 400,
}  # fmt: skip


@dataclass
class Battle:
    """All units at one moment; axis N, the n allies first."""

    #: n
    agents: int
    #: [N] 1 where the unit lives. The dead keep type and place.
    alive: "np.ndarray[Any, Any]"
    #: [N] index into the names of types.
    kind: "np.ndarray[Any, Any]"
    #: [N] 1 where the unit heals and does not fight.
    heals: "np.ndarray[Any, Any]"
    #: [N, 2] in game units.
    position: "np.ndarray[Any, Any]"
    #: [N] in hit points.
    health: "np.ndarray[Any, Any]"
    shield: "np.ndarray[Any, Any]"
    #: [N] ticks of 1/16 s until the next attack; energy of those that heal.
    readiness: "np.ndarray[Any, Any]"
    #: [N] distance that targets may be away, in game units.
    reach: "np.ndarray[Any, Any]"
    #: [N] for pictures only: in hit points and game units.
    health_max: "np.ndarray[Any, Any]"
    shield_max: "np.ndarray[Any, Any]"
    radius: "np.ndarray[Any, Any]"

    @staticmethod
    def empty(agents: int, entities: int) -> "Battle":
        """Everybody dead at the origin."""
        zeros = lambda: np.zeros(entities, "float32")  # noqa: E731
        position = np.zeros((entities, 2), "float32")
        alive, kind, heals = (np.zeros(entities, "int64") for _ in range(3))
        reach = np.full(entities, RANGE, "float32")
        return Battle(agents, alive, kind, heals, position, zeros(), zeros(), zeros(), reach, zeros(), zeros(), zeros())

    def units(self) -> "np.ndarray[Any, Any]":
        """[N, 10], the columns of ``environment.UNIT``."""
        x, y = self.position.T
        living = self.alive != 0
        team = np.arange(len(living)) >= self.agents
        health, shield = self.health * living, self.shield * living
        columns = (x, y, self.radius, team, self.kind, living, health, self.health_max, shield, self.shield_max)
        return np.stack(columns, axis=1).astype("float32")


@dataclass(frozen=True)
class Ground:
    """What units can walk on and how high it is, both indexed [x, y]; heights are fractions."""

    pathable: "np.ndarray[Any, Any]"
    height: "np.ndarray[Any, Any]"

    def around(self, position: "np.ndarray[Any, Any]", step: float = 2.0) -> "np.ndarray[Any, Any]":
        """[N, 18]: pathing, then height, at 9 points around each unit: N, S, E, W two steps away, the diagonals one, itself.

        Points beyond the edge are zeros.
        """
        offsets = step * np.array([[0, 2], [0, -2], [2, 0], [-2, 0], [1, 1], [-1, -1], [1, -1], [-1, 1], [0, 0]])
        # SMAC truncates the unit's place first, then the point.
        points = np.trunc(np.trunc(position)[:, None, :] + offsets).astype("int64")
        width, height = self.pathable.shape
        x, y = points[..., 0], points[..., 1]
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        x, y = x.clip(0, width - 1), y.clip(0, height - 1)
        return np.concatenate([self.pathable[x, y] * inside, self.height[x, y] * inside], axis=1).astype("float32")


def entity_features(
    battle: Battle, types: int, size: Sequence[float], last_actions: Sequence[int], around: "np.ndarray[Any, Any]"
) -> "np.ndarray[Any, Any]":
    """[N, 32+T]: enemy flag; type one-hot; x, y (of the map's size); health/100, shield/100, shield > 0; cooldown/50 (healers:
    energy/150); one-hot of the last action (dead, stop, N, S, E, W, on a target; allies only); pathing and height around it.

    ``last_actions`` [n] counts all actions on targets as 6 or more. The dead keep flag, type and place.
    """
    n, N = battle.agents, len(battle.alive)
    living = battle.alive != 0
    out = np.zeros((N, PLAIN_FEATURES + types), "float32")
    out[n:, 0] = 1
    out[np.arange(N), FIRST_TYPE + battle.kind] = 1
    at = FIRST_TYPE + types
    out[:, at : at + 2] = battle.position / np.asarray(size, "float32")
    out[:, at + 2] = living * battle.health / POINTS
    out[:, at + 3] = living * battle.shield / POINTS
    out[:, at + 4] = living * (battle.shield > 0)
    out[:, at + 5] = living * battle.readiness / np.where(battle.heals != 0, ENERGY, COOLDOWN)
    kinds = np.where(living[:n], np.minimum(np.asarray(last_actions), 6), 0)
    out[np.arange(n), at + 6 + kinds] = 1
    out[:, at + 13 :] = around * living[:, None]
    return out


def dynamic_columns(types: int) -> tuple[int, ...]:
    """Columns of x, y, health, shield, "has a shield" and readiness: what a model may be asked to predict."""
    return tuple(FIRST_TYPE + types + k for k in range(6))


def relation_features(battle: Battle) -> "np.ndarray[Any, Any]":
    """[N, N, 6], row i, column j: the distance beyond j's and beyond i's reach, in ranges of 6, at most 3; the direction from j to
    i; whether i is in j's reach and j in i's. Pairs with a dead unit are zeros."""
    offset = battle.position[:, None, :] - battle.position[None, :, :]
    distance = np.sqrt((offset * offset).sum(axis=-1))
    reach = battle.reach
    out = np.stack(
        [
            np.minimum((distance - reach[None, :]) / RANGE, FARTHEST),
            np.minimum((distance - reach[:, None]) / RANGE, FARTHEST),
            offset[..., 0] / (distance + 1e-8),
            offset[..., 1] / (distance + 1e-8),
            distance <= reach[None, :],
            distance <= reach[:, None],
        ],
        axis=-1,
    ).astype("float32")
    living = battle.alive != 0
    out[~(living[:, None] & living[None, :])] = 0
    return out


def action_targets(battle: Battle, slots: int) -> "np.ndarray[Any, Any]":
    """[n, slots]: the entity that action ``first target + k`` of each agent is about. Fighters act on enemy k, healers on ally k."""
    n, N = battle.agents, len(battle.alive)
    k = np.arange(slots)
    enemies = np.where(k < N - n, n + k, -1)
    allies = np.where((k < n) & (battle.heals[np.minimum(k, n - 1)] == 0), k, -1)
    return np.where(battle.heals[:n, None] != 0, allies, enemies).astype("int32")


def action_names(moves: Sequence[str], slots: int) -> tuple[str, ...]:
    return (*moves, *(f"target {k}" for k in range(slots)))
