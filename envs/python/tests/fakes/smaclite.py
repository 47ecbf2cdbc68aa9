"""A stand-in for SMAClite: a marine and a medivac against a zealot, its API, strictness about actions and forgotten limit."""

from __future__ import annotations

import enum
import json
from types import SimpleNamespace
from typing import Any

import numpy as np


class Kind(enum.Enum):
    DAMAGE = "DAMAGE"
    HEALING = "HEALING"


class Cell(enum.Enum):
    NORMAL = " "
    CLIFF = "X"


def unit_type(name: str, kind: Kind = Kind.DAMAGE) -> Any:
    return SimpleNamespace(stats=SimpleNamespace(name=name), combat_type=kind)


TYPES = {"MARINE": unit_type("marine"), "MEDIVAC": unit_type("medivac", Kind.HEALING), "ZEALOT": unit_type("zealot")}


class MapInfo:
    def __init__(self, name: str, allies: dict[str, int], enemies: dict[str, int]) -> None:
        self.name = name
        self.width = self.height = 32
        # Rows first: the cell at x = 9, y = 16 + 4 is a cliff.
        self.terrain = [[Cell.CLIFF if (x, y) == (9, 20) else Cell.NORMAL for x in range(32)] for y in range(32)]
        self.groups = [SimpleNamespace(units=[(TYPES[t], c) for t, c in side.items()]) for side in (allies, enemies)]

    @staticmethod
    def from_file(path: str) -> "MapInfo":
        with open(path, encoding="utf-8") as file:
            loaded = json.load(file)
        return MapInfo(loaded["name"], *(group["units"] for group in loaded["groups"]))


class MapPreset(enum.Enum):
    MAP_MMM = MapInfo("MMM", {"MARINE": 1, "MEDIVAC": 1}, {"ZEALOT": 1})


class SMACliteEnv:
    def __init__(self, map_info: MapInfo, use_cpp_rvo2: bool, seed: int) -> None:
        self.map_info = map_info
        self.n_agents = sum(count for _, count in map_info.groups[0].units)
        self.n_enemies = sum(count for _, count in map_info.groups[1].units)
        self.n_actions, self.obs_size, self.state_size = 6 + self.n_enemies, 3, 4
        self.last_actions = np.zeros(self.n_actions * self.n_agents)

    def reset(self, seed: int) -> tuple[Any, dict[str, Any]]:
        self.t = 0
        self.agents, self.enemies = (
            dict(enumerate(self._unit(kind, 9.5 + 14 * side, k) for kind, count in group.units for k in range(count)))
            for side, group in enumerate(self.map_info.groups)
        )
        return self.get_obs(), {"battle_won": False}

    def step(self, actions: list[int]) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert all(type(action) is int for action in actions)
        self.t += 1
        self.last_actions = np.eye(self.n_actions)[np.array(actions)].flatten()
        for k, action in enumerate(actions):
            if k not in self.agents:
                assert action == 0
            elif not self.get_avail_actions()[k][action]:
                raise ValueError(f"Invalid action for agent {k}: {action}")
        if self.t == 2:
            del self.agents[0]
        if self.t == 4:
            del self.enemies[0]
        won = not self.enemies
        return self.get_obs(), 2.5, won, False, {"battle_won": won}

    def get_obs(self) -> Any:
        return tuple(np.full(3, k, np.float32) for k in range(self.n_agents))

    def get_state(self) -> Any:
        return np.array([self.t, *self.last_actions[:3]], np.float32)

    def get_avail_actions(self) -> list[Any]:
        alive, dead = np.ones(self.n_actions), np.zeros(self.n_actions)
        alive[0], alive[6:], dead[0] = 0, 0, 1
        return [alive if k in self.agents else dead for k in range(self.n_agents)]

    def close(self) -> None:
        pass

    @staticmethod
    def _unit(kind: Any, x: float, k: int) -> Any:
        position = np.array([x, 16.5 + k], np.float32)
        return SimpleNamespace(
            type=kind, combat_type=kind.combat_type, hp=45, shield=20, cooldown=0.5, energy=75, pos=position,
            max_hp=90, max_shield=30, radius=0.75,
        )  # fmt: skip


MODULES = {
    "smaclite.env": {"SMACliteEnv": SMACliteEnv},
    "smaclite.env.maps.map": {"MapInfo": MapInfo, "MapPreset": MapPreset},
}
