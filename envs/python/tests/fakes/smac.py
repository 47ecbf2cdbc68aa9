"""A stand-in for SMAC's StarCraft2Env: its attributes, methods, types and quirks, around a battle that is played by hand.

A marine (agent 0) and a medivac (agent 1), with the numbers that SMAC gives the agents' own unit types, against two marauders, one
with a shield that real ones lack. Hits take 40 points from a target at once; marauder 0 strikes the marine for 30 in every step.
"""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any, Optional

import numpy as np

MIN_TYPE = 1970


class StarCraft2Env:
    made: list["StarCraft2Env"] = []
    map_kind = "MMM"

    def __init__(self, map_name: str = "8m", seed: Optional[int] = None, continuing_episode: bool = False, crash_at: int = 0) -> None:
        StarCraft2Env.made.append(self)
        self.map_name, self._seed, self.continuing_episode, self.crash_at = map_name, seed, continuing_episode, crash_at
        self.map_type = self.map_kind
        self.n_agents, self.n_enemies, self.episode_limit = 2, 2, 5
        self.n_actions_no_attack, self.n_actions = 6, 8
        self.marine_id = self.marauder_id = self.medivac_id = 0
        self.zealot_id = self.stalker_id = self.colossus_id = 0
        self.map_x, self.map_y = 32, 16
        self.pathing_grid: Any = None
        self.terrain_height: Any = None
        self.agents: dict[int, Any] = {}
        self.enemies: dict[int, Any] = {}
        self.replays = 0
        self.launches = 0
        self.closed = False

    def get_env_info(self) -> dict[str, Any]:
        return {"state_shape": 3, "obs_shape": 2, "n_actions": 8, "n_agents": 2, "episode_limit": self.episode_limit}

    def reset(self) -> tuple[list[Any], Any]:
        self.launches += self.pathing_grid is None
        self.marauder_id, self.marine_id, self.medivac_id = MIN_TYPE, MIN_TYPE + 1, MIN_TYPE + 2
        self.pathing_grid = np.ones((32, 16), bool)
        self.pathing_grid[8, 10] = False
        self.terrain_height = np.full((32, 16), 51) / 255
        self.t = 0
        self.agents = {
            0: unit(self.marine_id, 8.5, 6.5, health=45.0, cooldown=10.0),
            1: unit(self.medivac_id, 10.5, 6.5, health=150.0, energy=75.0),
        }
        self.enemies = {0: unit(51, 8.5, 11.5, health=100.0, shield=50.0), 1: unit(51, 30.5, 6.5, health=100.0, shield=0.0)}
        return self.get_obs(), self.get_state()

    def step(self, actions: list[int]) -> tuple[float, bool, dict[str, Any]]:
        self.t += 1
        if self.t == self.crash_at:
            self.reset()
            return 0, True, {}
        for agent, action in enumerate(int(a) for a in actions):
            assert self.get_avail_agent_actions(agent)[action] == 1, f"Agent {agent} cannot perform action {action}"
            if agent == 0 and action >= 6:
                self.enemies[action - 6].health = max(0.0, self.enemies[action - 6].health - 40)
        self.agents[0].health = max(0.0, self.agents[0].health - 30)
        self.agents[1].energy -= 1
        dead = [[unit.health == 0 for unit in side.values()] for side in (self.agents, self.enemies)]
        info: dict[str, Any] = {"battle_won": False, "dead_allies": sum(dead[0]), "dead_enemies": sum(dead[1])}
        terminated = dead[0][0]
        if self.t >= self.episode_limit:
            terminated = True
            if self.continuing_episode:
                info["episode_limit"] = True
        return 1.25, terminated, info

    def get_obs(self) -> list[Any]:
        return [np.array([k, self.t], np.float32) for k in range(2)]

    def get_state(self) -> Any:
        return np.array([self.t, 1, 2], np.float32)

    def get_avail_actions(self) -> list[list[int]]:
        return [self.get_avail_agent_actions(agent) for agent in range(2)]

    def get_avail_agent_actions(self, agent: int) -> list[int]:
        if self.agents[agent].health == 0:
            return [1] + [0] * 7
        return [0, 1, 1, 1, 1, 1, 1, 0]

    def unit_shoot_range(self, agent_id: int) -> int:
        return 6

    def save_replay(self) -> None:
        self.replays += 1

    def close(self) -> None:
        self.closed = True


def unit(unit_type: int, x: float, y: float, health: float, shield: float = 0.0, cooldown: float = 0.0, energy: float = 0.0) -> Any:
    return SimpleNamespace(
        unit_type=unit_type, pos=SimpleNamespace(x=x, y=y), health=health, shield=shield, weapon_cooldown=cooldown, energy=energy,
        health_max=150.0, shield_max=50.0, radius=0.375,
    )  # fmt: skip


class StarCraftCapabilityEnvWrapper:
    """SMACv2's wrapper: its reset may return nothing, and draws places with generators of its own and with ``random``."""

    def __init__(self, **kwargs: Any) -> None:
        self.config = kwargs.pop("capability_config")
        self.settings = {key: kwargs.pop(key) for key in ("conic_fov", "obs_own_pos", "use_unit_ranges", "min_attack_range")}
        self.env = StarCraft2Env(**kwargs)
        self.env.map_type = "terran_gen"
        mirrored = SimpleNamespace(generate=None, box=SimpleNamespace(generate=None, rng=np.random.default_rng()))
        places = SimpleNamespace(generate=None, rng=np.random.default_rng(), mirrored=mirrored)
        self.env_key_to_distribution_map = {"team_gen": SimpleNamespace(), "start_positions": places}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def reset(self) -> None:
        self.env.reset()
        places = self.env_key_to_distribution_map["start_positions"]
        self.env.agents[0].pos.x = 4 + 8 * places.rng.random()
        self.env.agents[1].pos.x = 4 + 8 * places.mirrored.box.rng.random()
        self.env.enemies[0].pos.x = 4 + 8 * random.random()


MODULES = {
    "smac.env": {"StarCraft2Env": StarCraft2Env},
    "smac.env.starcraft2.maps.smac_maps": {"get_smac_map_registry": lambda: {"3m": {}, "MMM": {}, "corridor": {}}},
    "smacv2.env.starcraft2.wrapper": {"StarCraftCapabilityEnvWrapper": StarCraftCapabilityEnvWrapper},
}
