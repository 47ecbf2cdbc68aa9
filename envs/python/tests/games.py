"""Environments for tests: one that uses all of the interface, and some that break it."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import numpy as np


class Duel:
    """Two agents hit two targets that flee at random; agent 1 dies in the fourth step. Every array is given, actions have targets."""

    n_agents = 2
    n_actions = 4
    n_untargeted_actions = 2
    action_names = ("rest", "wait", "hit first", "hit second")
    predicted_features = (1,)
    episode_limit = 9

    def reset(self, seed: int) -> dict[str, Any]:
        self.random = random.Random(seed)
        self.t = 0
        self.health = [1 + self.random.random() for _ in range(2)]
        self.alive_agents = [1, 1]
        return self.arrays()

    def step(self, actions: list[int]) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.t += 1
        hits = [action - 2 for action in actions if action >= 2]
        for target in hits:
            self.health[target] = max(0.0, self.health[target] - self.random.random())
        if self.t == 4:
            self.alive_agents[1] = 0
        won = max(self.health) == 0.0
        return self.arrays(), len(hits) / 3 + 10 * won, won, self.t == 9 and not won, {"won": won, "hits": len(hits), "log": [1]}

    def available_actions(self) -> list[list[int]]:
        hit = [int(health > 0) for health in self.health]
        return [[0, 1, *hit] if alive else [1, 0, 0, 0] for alive in self.alive_agents]

    def state(self) -> Any:
        return np.array([self.t / 9, *self.health])

    def arrays(self) -> dict[str, Any]:
        N = 4
        health = np.array([1.0, 1.0, *self.health])
        targets = [[2 if self.health[0] > 0 else -1, 3 if self.health[1] > 0 else -1]] * 2
        return {
            "observations": np.outer([1.0, 2.0], [self.t, *self.health]) / 7,
            "entities": np.stack([np.arange(N), health], axis=1),
            "relations": (health[:, None] - health[None, :])[..., None],
            "alive": [*self.alive_agents, *(health > 0 for health in self.health)],
            "action_targets": targets,
        }


class Lights:
    """The smallest environment: observations only, no end of its own."""

    n_agents = 2
    n_actions = 2
    episode_limit = 3

    def __init__(self, brightness: float = 0.5) -> None:
        self.brightness = brightness

    def reset(self, seed: int) -> Any:
        return [[self.brightness], [seed % 8]]

    def step(self, actions: list[int]) -> Any:
        return [[self.brightness], [actions[0]]], actions[1], False, False, {}


class Troubled(Lights):
    """Does what ``trouble`` says when agent 0 plays action 1."""

    def __init__(self, trouble: str = "raise") -> None:
        super().__init__()
        self.trouble = trouble
        if trouble == "make":
            raise RuntimeError("no simulator here")

    def step(self, actions: list[int]) -> Any:
        obs, reward, *rest = super().step(actions)
        if actions[0] == 0:
            return (obs, reward, *rest)
        if self.trouble == "raise":
            raise ValueError("the lights went out")
        if self.trouble == "die":
            print("last words", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.trouble == "hang":
            time.sleep(3600)
        broken = {
            "shape": ([[1.0, 2.0]] * 2, 0.0, False, False, {}),
            "nan": ([[1.0], [float("nan")]], 0.0, False, False, {}),
            "masked": ({"observations": obs, "action_mask": [[0, 0], [1, 1]]}, 0.0, False, False, {}),
            "reward": (obs, [1.0, 2.0], False, False, {}),
            "four": (obs, 0.0, False, {}),
            "text": ([["dark"], ["dark"]], 0.0, False, False, {}),
        }
        return broken[self.trouble]


class TroubledMask(Troubled):
    def available_actions(self) -> list[list[int]]:
        return [[1, 1], [1, 1]]


class Slow(Lights):
    """Takes its time to load."""

    def __init__(self) -> None:
        super().__init__()
        time.sleep(30)
