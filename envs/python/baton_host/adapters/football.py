"""Google Research Football: masks, entities, relations and reward as ACE uses them (Li et al., AAAI 2023).

Needs the package ``gfootball`` (old gym's API). Quirks that end here: with fewer agents than controllable players the engine moves
its controllers from player to player, even to the keeper; here the agents are pinned to players for good. There is no seed in
``reset``: the engine's random seed is set before each.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Callable, Optional, Sequence

import numpy as np

from ..environment import Arrays, Spec, Step
from ..errors import HostError, unknown_name, user_code
from ..packages import require
from .football_features import (
    ACTION_NAMES,
    OWNS_BALL,
    PREDICTED_COLUMNS,
    action_mask,
    entity_features,
    relation_features,
)

#: The attackers of the scenarios that papers play; elsewhere the agents are all field players.
_ATTACKERS = {
    "academy_3_vs_1_with_keeper": (1, 2, 3),
    "academy_pass_and_shoot_with_keeper": (1, 2),
    "academy_run_pass_and_shoot_with_keeper": (1, 2),
    "academy_counterattack_easy": (7, 8, 9, 10),
    "academy_counterattack_hard": (7, 8, 9, 10),
}
_GOAL_REWARD, _RETREAT_REWARD = 100.0, -1.0
_KEEPER = 0
_MAX_SEED = 2_000_000_000


def opener(
    member: str,
    players: Optional[Sequence[int]] = None,
    episode_limit: int = 150,
    reward: str = "ace",
    own_half_ends: Optional[bool] = None,
    dumps: str = "",
    dump_every: int = 1,
) -> Callable[[], "FootballEnvironment"]:
    """Makes copies of the scenario ``member``.

    ``players`` (numbers in the left team, 0 is the keeper) are the agents; ``episode_limit`` in steps; ``reward`` is "ace" (+100 for a
    goal, -1 for falling back), "scoring" (+1, -1 for goals) or "checkpoints" (and 0.1 for each tenth of the way to the goal);
    ``own_half_ends``: whether an episode ends when the ball or an agent crosses into the own half (so in academy scenarios unless
    given); ``dumps`` is a folder for traces of every ``dump_every``-th episode (none where empty).
    """
    if reward not in ("ace", "scoring", "checkpoints"):
        raise HostError("invalid-value", f'reward is "{reward}", but must be "ace", "scoring" or "checkpoints"')
    if players is not None and len(set(players)) < len(players):
        raise HostError("invalid-value", f"players is {list(players)}, but a player can be one agent only, so no number may come twice")
    gfootball = require("gfootball.env", "football")
    builder = require("gfootball.env.scenario_builder", "football")
    if member not in builder.all_scenarios():
        raise unknown_name(f'Google Research Football has no scenario "{member}"', member, builder.all_scenarios())
    wanted = tuple(sorted(players)) if players is not None else _ATTACKERS.get(member)
    level, pinned = _pin(member, wanted)
    retreat = own_half_ends if own_half_ends is not None else member.startswith("academy_")

    def make_copy() -> FootballEnvironment:
        with user_code(f"football:{member} cannot be made"):
            env = gfootball.create_environment(
                env_name=level,
                representation="raw",
                rewards="scoring,checkpoints" if reward == "checkpoints" else "scoring",
                render=False,
                number_of_left_players_agent_controls=len(pinned),
                write_full_episode_dumps=bool(dumps),
                dump_frequency=dump_every if dumps else 1,
                logdir=dumps,
            )
        return FootballEnvironment(env, f"football/{member}", pinned, episode_limit, reward, retreat)

    return make_copy


class FootballEnvironment:
    """Entities: the agents, their team's other field players, the right team, the ball. The own keeper is the engine's alone."""

    def __init__(self, env: Any, env_id: str, players: Sequence[int], limit: int, reward: str, retreat_ends: bool) -> None:
        self._env = env
        self._id = env_id
        self._players = list(players)
        self._reward = reward
        self._retreat_ends = retreat_ends
        #: Which of the engine's controllers has each agent's player.
        self._slots: list[int] = []
        # Sizes are read off a first time step. A reset forgets what came before, so no episode notices this one.
        shapes = {wire: array.shape for wire, array in self.reset(0).items()}
        A = len(ACTION_NAMES)
        ball = shapes["entities"][0] - 1
        self.spec = Spec(
            id=env_id,
            agents=len(players),
            actions=A,
            episode_limit=limit,
            untargeted_actions=A,
            shapes=shapes,
            action_names=ACTION_NAMES,
            predicted_features=PREDICTED_COLUMNS,
            held_entity=(ball, OWNS_BALL),
        )

    def reset(self, seed: int) -> Arrays:
        with user_code(f"{self._id} failed in reset"):
            config = self._env.unwrapped._config  # there is no public way to seed an episode
            number = seed % _MAX_SEED
            config["game_engine_random_seed"] = number
            config["reverse_team_processing"] = bool(number % 2)
            config["episode_number"] = number  # it decides who kicks off
            return self._arrays(self._as_list(self._env.reset()))

    def step(self, actions: list[int]) -> Step:
        ordered = [0] * len(actions)
        for slot, action in zip(self._slots, actions):
            ordered[slot] = int(action)
        with user_code(f"{self._id} failed in step"):
            raw, given, done, info = self._env.step(ordered)
            observed = self._as_list(raw)
            arrays = self._arrays(observed)
        scored = int(info["score_reward"])
        time_is_up = done and scored == 0 and observed[0]["steps_left"] <= 0
        retreated = self._retreat_ends and not done and self._has_retreated(observed[0])
        if self._reward == "ace":
            reward = _GOAL_REWARD * (scored > 0) + _RETREAT_REWARD * retreated
        else:
            reward = float(np.mean(given))
        terminated = (bool(done) and not time_is_up) or retreated
        score = observed[0]["score"]
        # A whole match is won by its score, an attack by its goal.
        won = scored > 0 and terminated if done and not time_is_up else time_is_up and score[0] > score[1]
        facts = {"won": bool(won), "goals": int(score[0]), "goals_against": int(score[1])}
        return Step(arrays, reward, terminated, bool(time_is_up), facts)

    def close(self) -> None:
        self._env.close()

    def _as_list(self, raw: Any) -> list[Any]:
        observed = list(raw)
        active = [int(one["active"]) for one in observed]
        if sorted(active) != self._players:
            raise HostError("environment", f"{self._id}: the engine controls players {active}, not {self._players}")
        self._slots = [active.index(player) for player in self._players]
        return observed

    def _arrays(self, observed: Sequence[Any]) -> Arrays:
        world = observed[0]
        sticky = np.array([observed[slot]["sticky_actions"] for slot in self._slots])
        owner = world["ball_owned_player"] if world["ball_owned_team"] == 0 else -1
        entities, positions = entity_features(world, self._players, sticky, _KEEPER)
        simple = importlib.import_module("gfootball.env.wrappers").Simple115StateWrapper.convert_observation
        return {
            "entities": entities,
            "relations": relation_features(positions),
            "actionMask": action_mask(sticky, np.array([player == owner for player in self._players])),
            "observations": simple([observed[slot] for slot in self._slots], True),
        }

    def _has_retreated(self, world: Any) -> bool:
        return bool(world["ball"][0] < 0 or (world["left_team"][self._players, 0] < 0).any())


def _pin(scenario: str, wanted: Optional[Sequence[int]]) -> tuple[str, tuple[int, ...]]:
    """Registers a scenario in which only the wanted players of the left team can be controlled; returns its name and these players.

    Where as many players can be controlled as there are agents, the engine leaves its controllers where they are.
    """
    engine = require("gfootball_engine", "football")
    original = importlib.import_module(f"gfootball.scenarios.{scenario}")
    players = tuple(wanted) if wanted is not None else _field_players(original, engine)
    name = f"baton_{scenario}_{'_'.join(map(str, players))}"
    module = ModuleType(f"gfootball.scenarios.{name}")
    module.build_scenario = lambda builder: original.build_scenario(_Pinning(builder, engine, players))  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return name, players


class _Pinning:
    """A scenario builder that decides itself who can be controlled."""

    def __init__(self, builder: Any, engine: Any, players: Sequence[int]) -> None:
        self._builder = builder
        self._left = engine.e_Team.e_Left
        self._players = players
        self._team: Any = None
        self._count = 0

    def SetTeam(self, team: Any) -> None:  # noqa: N802
        self._team = team
        self._builder.SetTeam(team)

    def AddPlayer(self, x: float, y: float, role: Any, lazy: bool = False, controllable: bool = True) -> None:  # noqa: N802
        if self._team == self._left:
            controllable = self._count in self._players
            self._count += 1
        self._builder.AddPlayer(x, y, role, lazy=lazy, controllable=controllable)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)


def _field_players(scenario: ModuleType, engine: Any) -> tuple[int, ...]:
    """Everybody in the left team but keepers."""
    roles: list[Any] = []

    class Roles(_Pinning):
        def AddPlayer(self, x: float, y: float, role: Any, lazy: bool = False, controllable: bool = True) -> None:  # noqa: N802
            if self._team == self._left:
                roles.append(role)

    scenario.build_scenario(Roles(_Nothing(), engine, ()))
    return tuple(k for k, role in enumerate(roles) if role != engine.e_PlayerRole.e_PlayerRole_GK)


class _Nothing:
    """Takes every setting and call."""

    def __getattr__(self, name: str) -> Any:
        return _Nothing()

    def __call__(self, *_arguments: Any) -> Any:
        return _Nothing()

    def __mod__(self, _other: int) -> int:
        return 0
