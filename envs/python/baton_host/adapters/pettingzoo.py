"""PettingZoo's Parallel environments: dicts by agent, agents that leave, spaces of different sizes.

Needs the environment's package, e.g. ``mpe2`` or ``pettingzoo``. Shorter observations are padded with zeros, missing actions masked;
agents that have left are dead: they see zeros and keep action 0 alone, which is not sent.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

import numpy as np

from ..environment import Arrays, Spec, Step
from ..errors import HostError, user_code
from ..gym_loading import parallel_maker
from ..packages import require
from . import flat
from .custom import plain_info


def opener(
    member: str, reward: str = "sum", episode_limit: Optional[int] = None, won: Optional[str] = None, **options: Any
) -> Callable[[], "ParallelEnvironment"]:
    """Makes copies of the module ``member`` (``mpe2.simple_spread_v3``, ``butterfly.pistonball_v6``).

    ``reward``: how the team's reward follows from its members', "sum" or "mean"; ``episode_limit`` in steps, where the environment
    does not say; ``won``: what counts as a win, "terminated" or a key of info; other options go to its ``parallel_env``.
    """
    flat.check_how(reward)
    make = parallel_maker(member)
    if make is None:
        package = member.partition(".")[0] if "." in member else "pettingzoo"
        require(package, f'"pettingzoo:{member}"')
        raise HostError("unknown-name", f'the Python package "{package}" has no Parallel environment "{member}"')

    def make_copy() -> ParallelEnvironment:
        with user_code(f"pettingzoo:{member} cannot be made"):
            env = make(**options)
        return ParallelEnvironment(env, f"pettingzoo/{member.rpartition('.')[2]}", reward, episode_limit, won)

    return make_copy


class ParallelEnvironment:
    def __init__(self, env: Any, env_id: str, reward: str, limit: Optional[int], won: Optional[str]) -> None:
        self._env = env
        self._id = env_id
        self._reward = reward
        self._won = won
        self._names = list(env.possible_agents)
        self._spaces = [env.observation_space(name) for name in self._names]
        self._choices = [flat.choices(env.action_space(name), f"{env_id}: {name}") for name in self._names]
        self._starts = [int(getattr(env.action_space(name), "start", 0)) for name in self._names]
        self._present: set[Any] = set()
        self._size = max(flat.flat_size(flat.inner_space(space)) for space in self._spaces)
        n, A = len(self._names), max(self._choices)
        shapes: dict[str, tuple[int, ...]] = {"observations": (n, self._size), "alive": (n,), "actionMask": (n, A)}
        self._has_state = False
        # Sizes are read off a first time step. A reset forgets what came before, so no episode notices this one.
        self.reset(0)
        try:
            state = np.asarray(env.state())
            self._has_state = state.size > 0 and state.dtype.kind in "biuf"
            if self._has_state:
                shapes["state"] = (int(state.size),)
        except (NotImplementedError, AttributeError):
            pass  # a state is derived from the observations
        self.spec = Spec(env_id, n, A, flat.find_limit(env, limit, env_id), A, shapes)

    def reset(self, seed: int) -> Arrays:
        with user_code(f"{self._id} failed in reset"):
            observations, infos = self._env.reset(seed=seed)
            return self._arrays(observations, infos)

    def step(self, actions: list[int]) -> Step:
        numbered = zip(self._names, self._starts, actions)
        chosen = {name: start + action for name, start, action in numbered if name in self._present}
        with user_code(f"{self._id} failed in step"):
            observations, rewards, terminations, truncations, infos = self._env.step(chosen)
            arrays = self._arrays(observations, infos)
        # The episode is over when nobody is left. Where somebody was cut off, the episode was.
        over = not self._env.agents or all(terminations.get(name) or truncations.get(name) for name in self._env.agents)
        cut_off = over and any(truncations.values())
        terminated = over and not cut_off
        info = plain_info(next(iter(infos.values()), {}))
        won = flat.won(self._won, info, terminated)
        if won is not None:
            info = {**info, "won": won and over}
        total = flat.team_reward(list(rewards.values()), self._reward)
        return Step(arrays, total, terminated, cut_off, info)

    def close(self) -> None:
        self._env.close()

    def _arrays(self, observations: Mapping[Any, Any], infos: Mapping[Any, Any]) -> Arrays:
        n, A = len(self._names), max(self._choices)
        # In its last step an agent is observed, but no longer listed.
        self._present = set(self._env.agents) or set(observations)
        arrays = {
            "observations": np.zeros((n, self._size), "float32"),
            "alive": np.zeros(n, "uint8"),
            "actionMask": np.zeros((n, A), "uint8"),
        }
        for i, (name, space) in enumerate(zip(self._names, self._spaces)):
            if name not in self._present or name not in observations:
                arrays["actionMask"][i, 0] = 1
                continue
            observed, mask = flat.split_mask(space, observations[name])
            if mask is None:
                mask = (infos.get(name) or {}).get(flat.MASK)
            vector = flat.flatten(flat.inner_space(space), observed)
            arrays["observations"][i, : len(vector)] = vector
            arrays["alive"][i] = 1
            arrays["actionMask"][i, : self._choices[i]] = 1 if mask is None else np.asarray(mask) != 0
            if not arrays["actionMask"][i].any():
                arrays["actionMask"][i, 0] = 1
        if self._has_state:
            arrays["state"] = np.asarray(self._env.state(), "float32").ravel()
        return arrays
