"""SMAC and SMACv2: StarCraft II micromanagement with the game itself.

Needs the package ``smac`` (for ``10gen_*`` maps: ``smacv2``), StarCraft II and the maps; SC2PATH says where the game is.

Quirks that end here: ``terminated`` at the time limit becomes truncated; an empty info means that the game crashed, and the episode
is given up; SMACv2's ``reset`` may return nothing, so everything is asked of the getters. StarCraft II takes its seed when it
starts, once for each copy, so ``reset(seed)`` seeds only what SMACv2 draws (teams and places): episodes do not repeat by seed.
"""

from __future__ import annotations

import itertools
import random
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from ..environment import UNIT, Arrays, Spec, Step
from ..errors import HostError, unknown_name, user_code, user_fault
from ..packages import require
from . import battle as features
from .battle import Battle, Ground
from .custom import plain_info

#: Unit types of the game itself. The agents' own copies of them have numbers that the environment knows, as ``marine_id`` etc.
NATIVE = {
    4: "colossus", 9: "baneling", 48: "marine", 51: "marauder", 54: "medivac", 73: "zealot", 74: "stalker", 98: "spine crawler",
    105: "zergling", 107: "hydralisk",
}  # fmt: skip

#: Allied types for each of SMAC's kinds of map.
_ALLIES = {
    "marines": ("marine",),
    "stalkers": ("stalker",),
    "zealots": ("zealot",),
    "hydralisks": ("hydralisk",),
    "colossus": ("colossus",),
    "stalkers_and_zealots": ("stalker", "zealot"),
    "colossi_stalkers_zealots": ("colossus", "stalker", "zealot"),
    "MMM": ("marauder", "marine", "medivac"),
    "bane": ("baneling", "zergling"),
    "terran_gen": ("marauder", "marine", "medivac"),
    "protoss_gen": ("colossus", "stalker", "zealot"),
    "zerg_gen": ("baneling", "hydralisk", "zergling"),
}

#: Enemy types where they are not the allies'.
_ENEMIES = {
    "2m_vs_1z": ("zealot",),
    "3s_vs_3z": ("zealot",),
    "3s_vs_4z": ("zealot",),
    "3s_vs_5z": ("zealot",),
    "6h_vs_8z": ("zealot",),
    "corridor": ("zergling",),
    "2c_vs_64zg": ("zergling",),
    "so_many_baneling": ("baneling",),
    "2s_vs_1sc": ("spine crawler",),
}

#: SMACv2's draws of teams, as its authors' configurations have them: types, weights, and types that no team is made of alone.
_TEAMS: Mapping[str, tuple[tuple[str, ...], tuple[float, ...], tuple[str, ...]]] = {
    "10gen_terran": (("marine", "marauder", "medivac"), (0.45, 0.45, 0.1), ("medivac",)),
    "10gen_protoss": (("stalker", "zealot", "colossus"), (0.45, 0.45, 0.1), ()),
    "10gen_zerg": (("zergling", "baneling", "hydralisk"), (0.45, 0.1, 0.45), ("baneling",)),
}


def opener(
    member: str, units: int = 5, enemies: int = 5, seed: int = 0, save_replay_every: int = 0, **options: Any
) -> Callable[[], "SmacEnvironment"]:
    """Makes copies of the map ``member``.

    ``units`` and ``enemies`` are the sizes of SMACv2's teams; ``seed`` + the copy's number is the game's seed; every
    ``save_replay_every`` episodes a copy saves a replay (0: never) in ``replay_dir``; other options go to StarCraft2Env.
    """
    make = _smacv2(member, units, enemies, options) if member in _TEAMS else _smac(member, options)
    seeds = itertools.count(seed)

    def make_copy() -> SmacEnvironment:
        try:
            env = make(next(seeds))
        except TypeError as error:
            raise HostError("invalid-value", f"smac:{member} does not take these options: {error}") from error
        except Exception as error:
            raise user_fault(f"smac:{member} cannot be made", error) from error
        return SmacEnvironment(env, member, save_replay_every)

    return make_copy


def _smac(member: str, options: Mapping[str, Any]) -> Callable[[int], Any]:
    module = require("smac.env", "smac")
    maps = require("smac.env.starcraft2.maps.smac_maps", "smac").get_smac_map_registry()
    if member not in maps:
        raise unknown_name(f'SMAC has no map "{member}"', member, [*maps, *_TEAMS])
    # continuing_episode only makes SMAC say in its info that the time is up.
    return lambda seed: module.StarCraft2Env(map_name=member, seed=seed, continuing_episode=True, **options)


def _smacv2(member: str, units: int, enemies: int, options: Mapping[str, Any]) -> Callable[[int], Any]:
    wrapper = require("smacv2.env.starcraft2.wrapper", "smac with SMACv2's maps").StarCraftCapabilityEnvWrapper
    types, weights, exceptions = _TEAMS[member]
    team = {"dist_type": "weighted_teams", "unit_types": list(types), "weights": list(weights), "observe": True}
    if exceptions:
        team["exception_unit_types"] = list(exceptions)
    places = {"dist_type": "surrounded_and_reflect", "p": 0.5, "map_x": 32, "map_y": 32}
    # These are the settings of the authors' configurations; options override them.
    usual = {"conic_fov": False, "obs_own_pos": True, "use_unit_ranges": True, "min_attack_range": 2}

    def make(seed: int) -> Any:
        # A new one each time: the wrapper writes into it.
        config = {"n_units": units, "n_enemies": enemies, "team_gen": dict(team), "start_positions": dict(places)}
        settings = {**usual, **options}
        return wrapper(capability_config=config, map_name=member, seed=seed, continuing_episode=True, **settings)

    return make


def _seed_draws(env: Any, seed: int) -> None:
    """Seeds what SMACv2 draws teams and places with: ``random``, and a generator in each distribution and in those it is made of."""
    parts = list(getattr(env, "env_key_to_distribution_map", {}).values())
    if parts:
        random.seed(seed)
    for k, part in enumerate(parts):  # the list grows as parts of parts are found
        if hasattr(part, "rng"):
            part.rng = np.random.default_rng([seed, k])
        parts += [inner for inner in vars(part).values() if hasattr(inner, "generate")]


class SmacEnvironment:
    """One game. It is launched by the first reset; sizes are known before."""

    def __init__(self, env: Any, map_name: str, save_replay_every: int) -> None:
        self._env = env
        self._id = f"smac/{map_name}"
        self._save_replay_every = save_replay_every
        self._episodes = 0
        info = env.get_env_info()
        n, A = int(info["n_agents"]), int(info["n_actions"])
        self._first_target = int(env.n_actions_no_attack)
        self._slots = A - self._first_target
        N = n + int(env.n_enemies)
        allies = _ALLIES.get(env.map_type)
        if allies is None:
            raise HostError("environment", f'{self._id}: nothing is known of maps of the kind "{env.map_type}"')
        self._types = sorted({*allies, *_ENEMIES.get(map_name, allies)})
        S = features.PLAIN_FEATURES + len(self._types)
        looks = tuple(f"look {k}" for k in range(self._first_target - len(features.MOVES)))
        self._last_actions = [1] * n
        self.spec = Spec(
            id=self._id,
            agents=n,
            actions=A,
            episode_limit=int(info["episode_limit"]),
            untargeted_actions=self._first_target,
            shapes={
                "entities": (N, S),
                "relations": (N, N, features.RELATION_FEATURES),
                "alive": (N,),
                "actionMask": (n, A),
                "actionTargets": (n, self._slots),
                "observations": (n, int(info["obs_shape"])),
                "state": (int(info["state_shape"]),),
                "units": (N, len(UNIT)),
                "world": (2,),
            },
            action_names=features.action_names((*features.MOVES, *looks), self._slots),
            predicted_features=features.dynamic_columns(len(self._types)),
            entity_types=(features.FIRST_TYPE, tuple(self._types)),
            unit_types=tuple(self._types),
        )

    def reset(self, seed: int) -> Arrays:
        with user_code(f"{self._id} failed in reset"):
            _seed_draws(self._env, seed)
            self._env.reset()
            self._last_actions = [1] * self.spec.agents
            return self._arrays()

    def step(self, actions: list[int]) -> Step:
        with user_code(f"{self._id} failed in step"):
            reward, terminated, info = self._env.step(list(actions))
            if terminated and not info:
                raise HostError("environment", f"{self._id}: StarCraft II crashed; SMAC has started it anew")
            self._last_actions = [self._kind(action) for action in actions]
            arrays = self._arrays()
            if terminated:
                self._count_episode()
        time_is_up = bool(info.get("episode_limit", False))
        plain = {**plain_info(info), "won": bool(info.get("battle_won", False))}
        return Step(arrays, float(reward), bool(terminated) and not time_is_up, bool(terminated) and time_is_up, plain)

    def close(self) -> None:
        self._env.close()

    def _count_episode(self) -> None:
        self._episodes += 1
        if self._save_replay_every > 0 and self._episodes % self._save_replay_every == 0:
            self._env.save_replay()

    def _kind(self, action: int) -> int:
        """SMACv2's turns of the view count as stopping."""
        if action >= self._first_target:
            return len(features.MOVES)
        return action if action < len(features.MOVES) else 1

    def _arrays(self) -> Arrays:
        env = self._env
        battle = self._battle()
        ground = Ground(np.asarray(env.pathing_grid, "float32"), np.asarray(env.terrain_height, "float32"))
        around = ground.around(battle.position)
        T = len(self._types)
        return {
            "entities": features.entity_features(battle, T, (env.map_x, env.map_y), self._last_actions, around),
            "relations": features.relation_features(battle),
            "alive": battle.alive,
            "actionMask": np.asarray(env.get_avail_actions()),
            "actionTargets": features.action_targets(battle, self._slots),
            "observations": np.stack(env.get_obs()),
            "state": np.asarray(env.get_state()),
            "units": battle.units(),
            "world": np.array([env.map_x, env.map_y]),
        }

    def _battle(self) -> Battle:
        env = self._env
        n, N = self.spec.agents, self.spec.shapes["alive"][0]
        battle = Battle.empty(n, N)
        own = {getattr(env, f"{name}_id", 0): name for name in NATIVE.values() if getattr(env, f"{name}_id", 0)}
        units: Sequence[tuple[int, Any]] = [*env.agents.items(), *((n + k, unit) for k, unit in env.enemies.items())]
        for u, unit in units:
            name = own.get(unit.unit_type) if u < n else NATIVE.get(unit.unit_type)
            if name not in self._types:
                raise HostError("environment", f"{self._id}: unit type {unit.unit_type} of entity {u} is unknown")
            battle.kind[u] = self._types.index(name)
            battle.heals[u] = name == "medivac"
            battle.alive[u] = unit.health > 0
            battle.position[u] = unit.pos.x, unit.pos.y
            battle.health[u], battle.shield[u] = unit.health, unit.shield
            battle.health_max[u], battle.shield_max[u], battle.radius[u] = unit.health_max, unit.shield_max, unit.radius
            battle.readiness[u] = unit.energy if name == "medivac" else unit.weapon_cooldown
            if u < n and unit.health > 0:
                battle.reach[u] = env.unit_shoot_range(u)
        return battle
