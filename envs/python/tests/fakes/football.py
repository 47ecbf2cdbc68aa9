"""A stand-in for Google Research Football: its environment's API and its way of reading scenarios and giving out controllers.

Whoever has the most forward place gets the first controller, so the order of controllers is not that of players, and changes.
"""

from __future__ import annotations

import enum
import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np


class e_Team(enum.Enum):  # noqa: N801
    e_Left = 0
    e_Right = 1


class e_PlayerRole(enum.Enum):  # noqa: N801
    e_PlayerRole_GK = 0
    e_PlayerRole_CB = 1
    e_PlayerRole_CM = 5


class Scenario:
    """Builds a scenario as the genuine one does: by importing the module that the level names."""

    def __init__(self, level: str, episode: int) -> None:
        self.teams: dict[Any, list[Any]] = {team: [] for team in e_Team}
        self._episode = episode
        self.order: list[Any] = []
        self._config = SimpleNamespace(game_duration=400)
        importlib.import_module(f"gfootball.scenarios.{level}").build_scenario(self)

    def config(self) -> Any:
        return self._config

    def EpisodeNumber(self) -> int:  # noqa: N802
        return self._episode

    def SetBallPosition(self, x: float, y: float) -> None:  # noqa: N802
        self.ball = np.array([x, y, 0.1])

    def SetTeam(self, team: Any) -> None:  # noqa: N802
        self.order.append(team)
        self._team = team

    def AddPlayer(self, x: float, y: float, role: Any, lazy: bool = False, controllable: bool = True) -> None:  # noqa: N802
        self.teams[self._team].append(SimpleNamespace(place=[x, y], role=role, controllable=controllable))


def build_attack(builder: Any) -> None:
    builder.config().game_duration = 20
    builder.SetBallPosition(0.62, 0.0)
    # Sides are set up in either order, as in 5_vs_5, where the first kicks off.
    for team in (e_Team.e_Left, e_Team.e_Right)[:: 1 if builder.EpisodeNumber() % 2 == 0 else -1]:
        builder.SetTeam(team)
        builder.AddPlayer(-1.0, 0.0, e_PlayerRole.e_PlayerRole_GK)
        if team == e_Team.e_Left:
            for x, y in ((0.6, 0.0), (0.7, 0.2), (0.7, -0.2)):
                builder.AddPlayer(x, y, e_PlayerRole.e_PlayerRole_CM)
        else:
            builder.AddPlayer(-0.75, 0.0, e_PlayerRole.e_PlayerRole_CB)


class Environment:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self._config: dict[str, Any] = {}
        self.unwrapped = self
        self.received: list[list[int]] = []
        self.sticky: dict[int, Any] = {}
        self.next: dict[str, Any] = {}

    def reset(self) -> list[Any]:
        self._config["episode_number"] = self._config.get("episode_number", 0) + 1
        self.scenario = Scenario(self.settings["env_name"], self._config["episode_number"])
        left, right = (self.scenario.teams[team] for team in e_Team)
        self.left = np.array([player.place for player in left])
        self.right = -np.array([player.place for player in right])
        self.can = [k for k, player in enumerate(left) if player.controllable]
        self.roles = [[player.role.value for player in team] for team in (left, right)]
        self.sticky = {k: np.zeros(10, np.uint8) for k in range(len(left))}
        self.ball = self.scenario.ball.copy()
        # The seed decides who has the ball.
        self.owner = (0, 1 + self._config["game_engine_random_seed"] % 3)
        self.score, self.t = [0, 0], 0
        # Who is set up first kicks off.
        self.kick_off = next(iter(self.scenario.order))
        return self._observe()

    def step(self, actions: list[int]) -> tuple[list[Any], Any, bool, dict[str, Any]]:
        assert all(type(action) is int for action in actions)
        self.received.append(actions)
        self.t += 1
        for slot, action in zip(self._controlled(), actions):
            if action == 13:
                self.sticky[slot][8] = 1
        reward = int(self.next.get("goal", 0))
        self.score[0 if reward > 0 else 1] += abs(reward)
        for name, value in self.next.items():
            if hasattr(self, name):
                setattr(self, name, value)
        done = bool(reward) or self.t >= 20
        k = self.settings["number_of_left_players_agent_controls"]
        return self._observe(), np.full(k, reward, np.float32), done, {"score_reward": reward}

    def close(self) -> None:
        pass

    def _controlled(self) -> list[int]:
        k = self.settings["number_of_left_players_agent_controls"]
        forward = sorted(self.can, key=lambda player: -self.left[player, 0])
        return forward[:k]

    def _observe(self) -> list[Any]:
        world = {
            "left_team": self.left, "left_team_direction": 0.01 * self.left, "left_team_roles": np.array(self.roles[0]),
            "right_team": self.right, "right_team_direction": 0 * self.right, "right_team_roles": np.array(self.roles[1]),
            "ball": self.ball, "ball_direction": np.array([0.02, -0.01, 0.04]), "ball_owned_team": self.owner[0],
            "ball_owned_player": self.owner[1], "score": list(self.score), "steps_left": 20 - self.t, "game_mode": 0,
        }  # fmt: skip
        return [{**world, "active": player, "sticky_actions": self.sticky[player]} for player in self._controlled()]


class Simple115StateWrapper:
    @staticmethod
    def convert_observation(observation: list[Any], fixed_positions: bool) -> Any:
        assert fixed_positions
        return np.array([[one["active"], *one["ball"]] for one in observation], np.float32)


made: list[Environment] = []


def create_environment(**settings: Any) -> Environment:
    made.append(Environment(settings))
    return made[-1]


MODULES = {
    "gfootball.env": {"create_environment": create_environment},
    "gfootball.env.scenario_builder": {"all_scenarios": lambda: ["academy_3_vs_1_with_keeper", "match"]},
    "gfootball.env.wrappers": {"Simple115StateWrapper": Simple115StateWrapper},
    "gfootball.scenarios.academy_3_vs_1_with_keeper": {"build_scenario": build_attack},
    "gfootball.scenarios.match": {"build_scenario": build_attack},
    "gfootball_engine": {"e_Team": e_Team, "e_PlayerRole": e_PlayerRole},
}
