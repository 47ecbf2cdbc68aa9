"""Spaces of Gymnasium and PettingZoo as flat vectors of numbers and as numbered actions. Known by their names, not their classes."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

import numpy as np

from ..errors import HostError

#: What an observation space may be called that holds an action mask, or an observation beside it.
MASK, OBSERVATION = "action_mask", "observation"
#: What environments call their episode limit.
_LIMITS = ("_max_episode_steps", "max_episode_steps", "max_steps", "max_cycles", "max_iter")


def kind(space: Any) -> str:
    return type(space).__name__


def inner_space(space: Any) -> Any:
    """What of an observation space is observed: of a Dict with an action mask, only the observation."""
    if kind(space) == "Dict" and {MASK, OBSERVATION} <= set(space.spaces):
        return space.spaces[OBSERVATION]
    return space


def split_mask(space: Any, value: Any) -> tuple[Any, Optional[Any]]:
    """The observation without its action mask, and the mask."""
    if inner_space(space) is space:
        return value, None
    return value[OBSERVATION], value[MASK]


def flat_size(space: Any) -> int:
    """Length of :func:`flatten`'s vector."""
    name = kind(space)
    if name == "Discrete":
        return int(space.n)
    if name == "MultiDiscrete":
        return int(np.sum(space.nvec))
    if name in ("Box", "MultiBinary"):
        return int(np.prod(space.shape, dtype="int64"))
    if name in ("Dict", "Tuple"):
        return sum(flat_size(inner) for _, inner in _parts(space))
    raise HostError("environment", f"observations of the kind {name} cannot be made a vector", "wrap the environment")


def flatten(space: Any, value: Any) -> "np.ndarray[Any, Any]":
    """Numbers as they are, choices as one-hot, parts one after another."""
    name = kind(space)
    if name == "Discrete":
        return np.eye(int(space.n), dtype="float32")[int(value) - int(getattr(space, "start", 0))]
    if name == "MultiDiscrete":
        places = np.ravel(np.asarray(value) - getattr(space, "start", 0))
        hot = [np.eye(int(n), dtype="float32")[int(place)] for n, place in zip(np.ravel(space.nvec), places)]
        return np.concatenate(hot)
    if name in ("Box", "MultiBinary"):
        return np.asarray(value, "float32").ravel()
    return np.concatenate([flatten(inner, value[key]) for key, inner in _parts(space)])


def choices(space: Any, of: str) -> int:
    """Number of actions of a Discrete action space."""
    if kind(space) == "Discrete":
        return int(space.n)
    raise HostError("environment", f"{of} acts in a {kind(space)} space, but Baton's agents choose among numbered actions (Discrete)")


def team_reward(rewards: Sequence[Any], how: str) -> float:
    """The team's reward out of its members': ``sum`` or ``mean``."""
    values = [float(reward) for reward in rewards]
    return sum(values) if how == "sum" or not values else sum(values) / len(values)


def check_how(how: str) -> str:
    if how not in ("sum", "mean"):
        raise HostError("invalid-value", f'reward is "{how}", but must be "sum" or "mean"')
    return how


def find_limit(env: Any, given: Optional[int], env_id: str) -> int:
    """The episode limit: as given, as registered, or as the environments at hand call it."""
    if given is not None:
        return given
    inner = getattr(env, "unwrapped", env)
    limits: list[Any] = [getattr(getattr(env, "spec", None), "max_episode_steps", None)]
    for holder in (inner, getattr(inner, "env", None)):
        limits += [getattr(holder, name, None) for name in _LIMITS]
    for limit in limits:
        if isinstance(limit, (int, np.integer)) and limit > 0:
            return int(limit)
    raise HostError("invalid-value", f"{env_id} does not say how long its episodes are", "give the option episode_limit, in steps")


def won(rule: Optional[str], info: Mapping[str, Any], terminated: bool) -> Optional[bool]:
    """What ``info.won`` is: by ``rule``, "terminated" or the name of an entry of info; else by the entries that say so themselves."""
    if rule == "terminated":
        return terminated
    for key in [rule] if rule else ("won", "battle_won", "is_success", "success"):
        if key in info:
            return bool(info[key])
    return None


def _parts(space: Any) -> list[tuple[Any, Any]]:
    if kind(space) == "Dict":
        return list(space.spaces.items())
    return list(enumerate(space.spaces))
