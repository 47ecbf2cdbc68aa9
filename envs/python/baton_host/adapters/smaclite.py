"""SMAClite: SMAC's maps in pure Python, with SMAC's actions, observations and state.

Needs the package ``smaclite``. It ships 12 of SMAC's maps; ten more are described here and made from the same units.

Quirks that end here: actions must be plain ints; a dead agent sends 0; there is no episode limit inside, SMAC's is added.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any, Callable, Mapping, Optional

import numpy as np

from ..environment import UNIT, Arrays, Spec, Step
from ..errors import HostError, unknown_name, user_code
from ..packages import require
from . import battle as features
from .battle import Battle, Ground

#: SMAClite's clock, ticks a second.
_TICKS = 16.0

#: Maps of SMAC that SMAClite does not ship: the two teams and the types' one-hot bits.
_MORE_MAPS: Mapping[str, tuple[Mapping[str, int], Mapping[str, int], tuple[str, ...]]] = {
    "3m": ({"MARINE": 3}, {"MARINE": 3}, ()),
    "8m": ({"MARINE": 8}, {"MARINE": 8}, ()),
    "25m": ({"MARINE": 25}, {"MARINE": 25}, ()),
    "5m_vs_6m": ({"MARINE": 5}, {"MARINE": 6}, ()),
    "8m_vs_9m": ({"MARINE": 8}, {"MARINE": 9}, ()),
    "3s_vs_3z": ({"STALKER": 3}, {"ZEALOT": 3}, ()),
    "3s_vs_4z": ({"STALKER": 3}, {"ZEALOT": 4}, ()),
    "2m_vs_1z": ({"MARINE": 2}, {"ZEALOT": 1}, ()),
    "1c3s5z": ({"COLOSSUS": 1, "STALKER": 3, "ZEALOT": 5}, {"COLOSSUS": 1, "STALKER": 3, "ZEALOT": 5}, ("COLOSSUS", "STALKER", "ZEALOT")),
    "so_many_baneling": ({"ZEALOT": 7}, {"BANELING": 32}, ()),
}  # fmt: skip

_PROTOSS = {"STALKER", "ZEALOT", "COLOSSUS"}


def opener(member: str, episode_limit: Optional[int] = None, use_cpp_rvo2: bool = False) -> Callable[[], "SmacliteEnvironment"]:
    """Makes copies of the map ``member``: a name of SMAC's, or the path of a scenario file in SMAClite's format.

    ``episode_limit`` in steps is SMAC's for the map unless given (120 for scenario files); ``use_cpp_rvo2`` asks for the C++ library.
    """
    make_env = require("smaclite.env", "smaclite").SMACliteEnv
    info = _find_map(member)
    name = os.path.basename(member)[: -len(".json")] if member.endswith(".json") else member
    limit = episode_limit if episode_limit is not None else features.LIMITS.get(name, 120)

    def make_copy() -> SmacliteEnvironment:
        with user_code(f"smaclite:{member} cannot be made"):
            env = make_env(map_info=info, use_cpp_rvo2=use_cpp_rvo2, seed=0)
        return SmacliteEnvironment(env, f"smaclite/{name}", limit)

    return make_copy


def _find_map(member: str) -> Any:
    maps = require("smaclite.env.maps.map", "smaclite")
    if member.endswith(".json"):
        if not os.path.isfile(member):
            raise HostError("unknown-name", f'there is no scenario file "{member}"', f"looked in {os.getcwd()}")
        with user_code(f'the scenario file "{member}" cannot be read'):
            return maps.MapInfo.from_file(member)
    shipped = {preset.value.name: preset.value for preset in maps.MapPreset}
    if member in shipped:
        return shipped[member]
    if member not in _MORE_MAPS:
        raise unknown_name(f'SMAClite has no map "{member}"', member, [*shipped, *_MORE_MAPS])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"{member}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(scenario(member), file)
        return maps.MapInfo.from_file(path)


def scenario(name: str) -> dict[str, Any]:
    """One of our maps in SMAClite's format: the teams face each other 14 apart on its simple ground, as on those that it ships."""
    allies, enemies, types = _MORE_MAPS[name]
    groups = [(9, "ALLY", allies), (23, "ENEMY", enemies)]
    return {
        "name": name,
        "num_allied_units": sum(allies.values()),
        "num_enemy_units": sum(enemies.values()),
        "groups": [{"x": x, "y": 16, "faction": faction, "units": dict(units)} for x, faction, units in groups],
        "attack_point": [9, 16],
        "terrain_preset": "SIMPLE",
        "num_unit_types": len(types),
        "ally_has_shields": not _PROTOSS.isdisjoint(allies),
        "enemy_has_shields": not _PROTOSS.isdisjoint(enemies),
        "unit_type_ids": {unit: k for k, unit in enumerate(types)},
    }


class SmacliteEnvironment:
    def __init__(self, env: Any, env_id: str, limit: int) -> None:
        self._env = env
        self._id = env_id
        n, m, A = env.n_agents, env.n_enemies, env.n_actions
        N = n + m
        info = env.map_info
        self._types = sorted({_name(unit) for group in info.groups for unit, _ in group.units})
        # Its ground is indexed by row (y) first.
        open_ground = [[cell.name == "NORMAL" for cell in row] for row in info.terrain]
        pathable = np.asarray(open_ground, "float32").T
        self._ground = Ground(pathable, np.zeros_like(pathable))
        self._size = (info.width, info.height)
        self._last_actions = [1] * n
        self._battle = Battle.empty(n, N)
        self._slots = A - len(features.MOVES)
        self.spec = Spec(
            id=env_id,
            agents=n,
            actions=A,
            episode_limit=limit,
            untargeted_actions=len(features.MOVES),
            shapes={
                "entities": (N, features.PLAIN_FEATURES + len(self._types)),
                "relations": (N, N, features.RELATION_FEATURES),
                "alive": (N,),
                "actionMask": (n, A),
                "actionTargets": (n, self._slots),
                "observations": (n, env.obs_size),
                "state": (env.state_size,),
                "units": (N, len(UNIT)),
                "world": (2,),
            },
            action_names=features.action_names(features.MOVES, self._slots),
            predicted_features=features.dynamic_columns(len(self._types)),
            entity_types=(features.FIRST_TYPE, tuple(self._types)),
            unit_types=tuple(self._types),
        )

    def reset(self, seed: int) -> Arrays:
        with user_code(f"{self._id} failed in reset"):
            obs, _ = self._env.reset(seed=seed)
            # It forgets to forget the actions of the episode before, which its state shows.
            self._env.last_actions = np.zeros(self.spec.agents * self.spec.actions)
            self._last_actions = [1] * self.spec.agents
            self._battle = Battle.empty(self.spec.agents, len(self._battle.alive))
            return self._arrays(obs)

    def step(self, actions: list[int]) -> Step:
        with user_code(f"{self._id} failed in step"):
            obs, reward, terminated, truncated, info = self._env.step([int(action) for action in actions])
            self._last_actions = actions
            arrays = self._arrays(obs)
        n = self.spec.agents
        alive = self._battle.alive
        facts = {"dead_allies": int(n - alive[:n].sum()), "dead_enemies": int(len(alive) - n - alive[n:].sum())}
        return Step(arrays, float(reward), bool(terminated), bool(truncated), {"won": bool(info.get("battle_won", False)), **facts})

    def close(self) -> None:
        self._env.close()

    def _arrays(self, obs: Any) -> Arrays:
        env = self._env
        battle = self._read_units()
        around = self._ground.around(battle.position)
        return {
            "entities": features.entity_features(battle, len(self._types), self._size, self._last_actions, around),
            "relations": features.relation_features(battle),
            "alive": battle.alive,
            "actionMask": np.asarray(env.get_avail_actions()),
            "actionTargets": features.action_targets(battle, self._slots),
            "observations": np.stack(obs),
            "state": np.asarray(env.get_state()),
            "units": battle.units(),
            "world": np.array(self._size),
        }

    def _read_units(self) -> Battle:
        """The dead are gone from SMAClite's tables: they keep the type and place that they had."""
        battle = self._battle
        battle.alive[:] = 0
        for first, units in ((0, self._env.agents), (self.spec.agents, self._env.enemies)):
            for k, unit in units.items():
                u = first + k
                heals = unit.combat_type.name == "HEALING"
                battle.alive[u] = unit.hp > 0
                battle.kind[u] = self._types.index(_name(unit.type))
                battle.heals[u] = heals
                battle.position[u] = unit.pos
                battle.health[u], battle.shield[u] = unit.hp, unit.shield
                battle.health_max[u], battle.shield_max[u], battle.radius[u] = unit.max_hp, unit.max_shield, unit.radius
                battle.readiness[u] = unit.energy if heals else unit.cooldown * _TICKS
        return battle


def _name(unit_type: Any) -> str:
    return str(unit_type.stats.name).replace("_", " ")
