"""A stand-in for Gymnasium and what is registered with it: a team that returns lists, as lb-foraging does, and a single agent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Optional

import numpy as np


class Box:
    def __init__(self, *shape: int) -> None:
        self.shape = shape


class Discrete:
    def __init__(self, n: int, start: int = 0) -> None:
        self.n, self.start = n, start


class MultiDiscrete:
    def __init__(self, nvec: list[int]) -> None:
        self.nvec = np.array(nvec)


class Tuple:
    def __init__(self, spaces: list[Any]) -> None:
        self.spaces = tuple(spaces)


class Dict:
    def __init__(self, spaces: dict[str, Any]) -> None:
        self.spaces = spaces


class Foraging:
    """Food is eaten when both agents load (action 1) together; after 3 steps the episode "terminates"."""

    action_space = Tuple([Discrete(2), Discrete(2)])
    observation_space = Tuple([Box(2), Box(3)])
    spec: Any = SimpleNamespace(max_episode_steps=None)

    def __init__(self, food: int = 2) -> None:
        self.unwrapped = self
        self.food = food
        self._max_episode_steps = 3

    def reset(self, seed: Optional[int] = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.seed, self.t = seed, 0
        self.field = np.full((1, self.food), 1)
        return self._observe(), {}

    def step(self, actions: tuple[int, ...]) -> tuple[Any, list[Any], bool, bool, dict[str, Any]]:
        assert isinstance(actions, tuple)
        self.t += 1
        eaten = sum(actions) == 2
        if eaten:
            self.field[0, int(np.argmax(self.field))] = 0
        ended = self.field.sum() == 0 or self._max_episode_steps <= self.t
        return self._observe(), [0.25, 0.5] if eaten else [0, 0], bool(ended), False, {}

    def close(self) -> None:
        pass

    def _observe(self) -> Any:
        return (np.array([self.t, 1], np.float32), np.array([self.t, 2, self.field.sum()], np.float32))


class Taxi:
    """One agent, actions from 1 on, an observation of parts and a mask in its info."""

    action_space = Discrete(3, start=1)
    observation_space = Dict({"place": Discrete(3), "parts": Tuple([MultiDiscrete([2, 2]), Box(1, 2)])})
    spec = SimpleNamespace(max_episode_steps=10)

    def reset(self, seed: Optional[int] = None) -> tuple[Any, dict[str, Any]]:
        return self._observe(0), {"action_mask": np.array([1, 0, 1], np.int8)}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return self._observe(action - 1), -1.0, action == 3, action == 1, {"action_mask": np.array([1, 1, 1]), "success": action == 3}

    def close(self) -> None:
        pass

    def _observe(self, place: int) -> Any:
        return {"place": place, "parts": ([0, 1], np.array([[5.0, 6.0]]))}


def make(env_id: str, disable_env_checker: bool, **options: Any) -> Any:
    assert disable_env_checker
    return {"Foraging-1x2-2p-2f-v3": Foraging, "Taxi-v3": Taxi}[env_id](**options)


ERRORS = {name: type(name, (Exception,), {}) for name in ("UnregisteredEnv", "DeprecatedEnv", "DependencyNotInstalled")}
MODULES = {"gymnasium": {"make": make, "error": SimpleNamespace(**ERRORS)}, "lbforaging": {}}
