"""Environments with Gymnasium's and PettingZoo's interface for tests: pure Python, no Gymnasium."""

from __future__ import annotations

from typing import Any

import numpy as np

from baton_host.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

EVERYTHING = Dict(
    {
        "bounded": Box(-1, [[1, 2, 3], [4, 5, 6]], (2, 3), np.float32),
        "unbounded": Box(-np.inf, [np.inf, 0], (2,), np.float64),
        "pixels": Box(0, 255, (2, 2, 3), np.uint8),
        "small": Box(-3, 3, (2,), np.int8),
        "large": Box(-(2**60), 2**60, (2,), np.int64),
        "choice": Discrete(3, start=-1),
        "choices": MultiDiscrete([2, 5], [0, 7]),
        "flags": MultiBinary([2, 2]),
        "pair": Tuple([Discrete(2), Dict({"inner": Box(0, 1, (), np.float32)})]),
    }
)


class Echo:
    """Shows the action as the observation, in a space of all kinds; the info tells what Python made of the action."""

    observation_space = EVERYTHING
    action_space = EVERYTHING
    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}

    def __init__(self, render_mode: str | None = None, limit: int = 3) -> None:
        self.render_mode = render_mode
        self.limit = limit

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.t = 0
        self.shown = {
            "bounded": np.full((2, 3), seed or 0, np.float32),
            "unbounded": np.array([0.5, -np.inf]),
            "pixels": np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
            "small": np.array([-3, 3], np.int8),
            "large": np.array([2**60, -(2**60)]),
            "choice": -1,
            "choices": np.array([1, 11]),
            "flags": np.array([[0, 1], [1, 0]], np.int8),
            "pair": (1, {"inner": np.float32(0.25)}),
        }
        return self.shown, {"seed": seed, "options": options, "array": np.arange(3), "odd": object()}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.t += 1
        self.shown = action
        kinds = {key: f"{type(value).__name__} {getattr(value, 'dtype', '')}".strip() for key, value in action.items()}
        kinds["inside"] = f"{type(action['pair'][0]).__name__} {action['pair'][1]['inner'].dtype}"
        return action, 0.1 * self.t, self.t == self.limit, self.t > self.limit, {"kinds": kinds, "shape": list(action["bounded"].shape)}

    def render(self) -> Any:
        if self.render_mode == "ansi":
            return f"step {self.t}"
        return None if self.render_mode is None else np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

    def close(self) -> None:
        print("echo closed", flush=True)


class Count:
    """Counts up from its seed and ends after ``limit`` steps; action 1 fails."""

    observation_space = Box(-np.inf, np.inf, (1,), np.float64)
    action_space = Discrete(3)

    def __init__(self, limit: int = 2) -> None:
        self.limit = limit
        self.episodes = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.at = seed if seed is not None else 1000 * (self.episodes + 1)
        self.episodes += 1
        self.t = 0
        return np.array([float(self.at)]), {"first": True}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if action == 1:
            raise RuntimeError("one is not to be counted")
        self.t += 1
        return np.array([float(self.at + self.t)]), float(action), False, self.t >= self.limit, {"t": self.t}


class Misfit:
    """Its observation is not what its space says."""

    observation_space = Box(0, 1, (2,), np.float32)
    action_space = Discrete(2)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(3, np.float32), {}

    def step(self, action: int) -> Any:
        raise NotImplementedError


class Text:
    """A space that the bridge does not carry."""


class Talking(Misfit):
    observation_space = Dict({"words": Text()})  # type: ignore[assignment]


class Hunt:
    """PettingZoo's Parallel interface: one agent leaves in each step, the last one wins."""

    possible_agents = ["red", "green", "blue"]

    def observation_space(self, agent: str) -> Any:
        return Box(-10, 10, (2 if agent == "blue" else 1,), np.float32)

    def action_space(self, agent: str) -> Any:
        return Discrete(4, start=1)

    def reset(self, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.agents = list(self.possible_agents)
        self.t = 0
        return self.observe(self.agents), {agent: {"seed": seed} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> Any:
        assert list(actions) == self.agents, f"actions of {list(actions)}, but {self.agents} act"
        self.t += 1
        acted, self.agents = self.agents, self.agents[1:]
        return (
            self.observe(acted),
            {agent: float(actions[agent]) for agent in acted},
            {agent: agent not in self.agents for agent in acted},
            {agent: False for agent in acted},
            {agent: {} for agent in acted},
        )

    def observe(self, agents: list[str]) -> dict[str, Any]:
        return {agent: np.full(2 if agent == "blue" else 1, self.t, np.float32) for agent in agents}


#: PettingZoo's name for what makes a Parallel environment: this module is the id of one.
parallel_env = Hunt
