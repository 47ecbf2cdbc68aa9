"""A stand-in for PettingZoo's Parallel API: a speaker and a listener of different sizes, and a guest who leaves early."""

from __future__ import annotations

from typing import Any

import numpy as np

from .gymnasium import Box, Dict, Discrete


class ParallelEnv:
    possible_agents = ["speaker", "listener", "guest"]

    def __init__(self, max_cycles: int = 4, masked: bool = False, first_action: int = 0) -> None:
        self.max_cycles, self.masked, self.first_action = max_cycles, masked, first_action
        self.unwrapped = self
        self.agents: list[str] = []
        self.received: list[dict[str, int]] = []

    def observation_space(self, agent: str) -> Any:
        box = Box({"speaker": 3, "listener": 4, "guest": 1}[agent])
        return Dict({"observation": box, "action_mask": Box(2)}) if self.masked and agent == "guest" else box

    def action_space(self, agent: str) -> Any:
        return Discrete({"speaker": 3, "listener": 5, "guest": 2}[agent], self.first_action)

    def reset(self, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        self.agents, self.t, self.seed = list(self.possible_agents), 0, seed
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[Any, ...]:
        assert set(actions) == set(self.agents)
        self.received.append(actions)
        self.t += 1
        listed = list(self.agents)
        observations = self._observe()
        terminations = {agent: agent == "guest" and self.t == 2 for agent in listed}
        truncations = {agent: self.t >= self.max_cycles for agent in listed}
        if actions.get("listener") == 4:
            terminations = {agent: True for agent in listed}
        self.agents = [agent for agent in listed if not terminations[agent] and not truncations[agent]]
        rewards = {agent: float(1 + k) for k, agent in enumerate(listed)}
        return observations, rewards, terminations, truncations, {agent: {"score": np.float32(self.t)} for agent in listed}

    def state(self) -> Any:
        return np.full((2, 3), self.t, np.float32)

    def close(self) -> None:
        pass

    def _observe(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            agent: np.full(self.observation_space(agent).shape if agent != "guest" else (1,), self.t + k, np.float32)
            for k, agent in enumerate(self.possible_agents)
            if agent in self.agents
        }
        if self.masked and "guest" in made:
            made["guest"] = {"observation": made["guest"], "action_mask": np.array([0, 1], np.int8)}
        return made


class WithoutState(ParallelEnv):
    possible_agents = ["speaker", "listener"]

    def state(self) -> Any:
        raise NotImplementedError


class Continuous(ParallelEnv):
    def action_space(self, agent: str) -> Any:
        return Box(2)
