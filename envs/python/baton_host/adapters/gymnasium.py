"""Gymnasium environments with one agent, or with a tuple of agents: lb-foraging, RWARE and others that return lists.

Needs the package ``gymnasium`` and the environment's own; ``module:Id-v0`` imports the module first, as Gymnasium does. Rewards may be
lists with ints among them. These suites call their time limit ``terminated``: the last step of the limit becomes truncated, unless
lb-foraging's food is all eaten then.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

import numpy as np

from ..environment import Arrays, Spec, Step
from ..errors import HostError, user_code
from ..gym_loading import gymnasium_maker
from ..packages import require
from . import flat
from .custom import plain_info

#: Modules that register ids which begin like this.
_MODULES = {"Foraging": "lbforaging", "rware-": "rware"}


def opener(
    member: str, reward: str = "sum", episode_limit: Optional[int] = None, won: Optional[str] = None, **options: Any
) -> Callable[[], "GymnasiumEnvironment"]:
    """Makes copies of the environment ``member`` (``CartPole-v1``, ``lbforaging:Foraging-8x8-2p-2f-coop-v3``).

    ``reward``, ``episode_limit`` and ``won`` as for PettingZoo; other options go to ``gymnasium.make``.
    """
    flat.check_how(reward)
    module, _, name = member.rpartition(":")
    module = module or next((module for prefix, module in _MODULES.items() if name.startswith(prefix)), "")
    if module:
        require(module, f'"gymnasium:{member}"')  # registers its environments
    make = gymnasium_maker(name, {"disable_env_checker": True, **options})

    def make_copy() -> GymnasiumEnvironment:
        with user_code(f"gymnasium:{member} cannot be made"):
            env = make()
        return GymnasiumEnvironment(env, f"gymnasium/{member.rpartition(':')[2]}", reward, episode_limit, won)

    return make_copy


class GymnasiumEnvironment:
    def __init__(self, env: Any, env_id: str, reward: str, limit: Optional[int], won: Optional[str]) -> None:
        self._env = env
        self._id = env_id
        self._reward = reward
        self._won = won
        # An action space that is a tuple has one part for each agent; so has then the observation space.
        self._is_team = flat.kind(env.action_space) == "Tuple"
        actions = list(env.action_space.spaces) if self._is_team else [env.action_space]
        self._spaces = list(env.observation_space.spaces) if self._is_team else [env.observation_space]
        n = len(actions)
        if len(self._spaces) != n:
            raise HostError("environment", f"{env_id} has {n} action spaces but {len(self._spaces)} observation spaces")
        self._choices = [flat.choices(space, f"{env_id}: agent {i}") for i, space in enumerate(actions)]
        self._starts = [int(getattr(space, "start", 0)) for space in actions]
        self._size = max(flat.flat_size(flat.inner_space(space)) for space in self._spaces)
        self._played = 0
        A = max(self._choices)
        shapes = {"observations": (n, self._size), "actionMask": (n, A)}
        self.spec = Spec(env_id, n, A, flat.find_limit(env, limit, env_id), A, shapes)

    def reset(self, seed: int) -> Arrays:
        self._played = 0
        with user_code(f"{self._id} failed in reset"):
            # NumPy's generators take no more than 32 bits from some of these.
            observation, info = self._env.reset(seed=seed % 2**32)
            return self._arrays(observation, info)

    def step(self, actions: list[int]) -> Step:
        chosen = [action + start for action, start in zip(actions, self._starts)]
        with user_code(f"{self._id} failed in step"):
            observation, reward, terminated, truncated, info = self._env.step(tuple(chosen) if self._is_team else chosen[0])
            arrays = self._arrays(observation, info)
        self._played += 1
        ended, cut_off = bool(np.all(terminated)), bool(np.any(truncated))
        if ended and self._played >= self.spec.episode_limit and not self._is_solved():
            ended, cut_off = False, True
        total = flat.team_reward(np.ravel(reward).tolist(), self._reward)
        plain = plain_info(info)
        won = flat.won(self._won, plain, ended)
        return Step(arrays, total, ended, cut_off, plain if won is None else {**plain, "won": won and (ended or cut_off)})

    def close(self) -> None:
        self._env.close()

    def _is_solved(self) -> bool:
        field = getattr(getattr(self._env, "unwrapped", self._env), "field", None)
        return isinstance(field, np.ndarray) and not field.any()

    def _arrays(self, observation: Any, info: Mapping[str, Any]) -> Arrays:
        n, A = len(self._choices), max(self._choices)
        observations, mask = np.zeros((n, self._size), "float32"), np.zeros((n, A), "uint8")
        given = info.get(flat.MASK)
        masks = None if given is None else np.atleast_2d(np.asarray(given, dtype="uint8"))
        for i, space in enumerate(self._spaces):
            observed, own_mask = flat.split_mask(space, observation[i] if self._is_team else observation)
            vector = flat.flatten(flat.inner_space(space), observed)
            observations[i, : len(vector)] = vector
            if own_mask is None and masks is not None:
                own_mask = masks[i, : self._choices[i]]
            mask[i, : self._choices[i]] = 1 if own_mask is None else np.asarray(own_mask) != 0
        return {"observations": observations, "actionMask": mask}
