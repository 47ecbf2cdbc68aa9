"""K copies of one environment behind one call, their time steps in arrays with a leading axis E.

Here the promises of a time step are kept: shapes never change, numbers are finite, every agent has an action, episodes end by
their limit, only legal actions are played. What breaks them is a HostError that names the copy.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Sequence

import numpy as np

from .environment import FIELDS, Arrays, Environment, Info
from .errors import HostError, user_fault

_FLOATS = [wire for wire, (_, dtype, _) in FIELDS.items() if dtype == "float32"]

#: Groups of copies whose views are kept.
_MOST_GROUPS = 64


class Batch:
    """Steps copies in turn. After an error in a step, every copy that it was to step must be reset before it can go on."""

    def __init__(self, environments: Sequence[Environment]) -> None:
        self._environments = environments
        self.spec = environments[0].spec
        self.copies = len(environments)
        for copy, environment in enumerate(environments):
            if environment.spec != self.spec:
                raise HostError("environment", f"{self.spec.id}: copy {copy} has other sizes or names than copy 0")
        #: Wire names of the time-step arrays that these environments give.
        self.fields = tuple(wire for wire in FIELDS if wire in self.spec.shapes)
        K = self.copies
        self._arrays = {wire: np.full((K, *self.spec.shapes[wire]), FIELDS[wire][2], FIELDS[wire][1]) for wire in self.fields}
        self._arrays["reward"] = np.zeros(K, "float32")
        self._arrays["terminated"] = np.zeros(K, "uint8")
        self._arrays["truncated"] = np.zeros(K, "uint8")
        #: Views of the arrays' rows from first to end; clients split the copies into a few groups.
        self._rows: dict[tuple[int, int], Arrays] = {}
        self._played = np.zeros(K, "int64")
        self._running = np.zeros(K, "bool")

    @classmethod
    def of(cls, make: Callable[[], Environment], copies: int) -> Batch:
        """A batch of so many copies. Where one cannot be made, none is left."""
        with contextlib.ExitStack() as stack:
            made: list[Environment] = []
            for _ in range(copies):
                made.append(make())
                stack.callback(made[-1].close)
            batch = cls(made)
            stack.pop_all()
        return batch

    def reset(self, copies: Sequence[int], seeds: Sequence[int]) -> tuple[Arrays, list[Info]]:
        """Starts episodes, ``seeds[k]`` in ``copies[k]``; returns their rows, leading axis k."""
        if len(copies) != len(seeds):
            raise HostError("invalid-value", f"{len(copies)} copies are reset with {len(seeds)} seeds")
        for copy, seed in zip(copies, seeds):
            if not 0 <= copy < self.copies:
                raise HostError("invalid-value", f"there is no copy {copy} of {self.spec.id}, only 0 ... {self.copies - 1}")
            self._running[copy] = False
            self._write(copy, self._environments[copy].reset(seed))
            for name in ("reward", "terminated", "truncated"):
                self._arrays[name][copy] = 0
            self._played[copy] = 0
        rows = {name: array[list(copies)] for name, array in self._arrays.items()}
        self._check_rows(rows, copies)
        self._running[list(copies)] = True
        return rows, [{} for _ in copies]

    def step(self, actions: np.ndarray[Any, Any], first: int = 0) -> tuple[Arrays, list[Info]]:
        """Plays one step in the copies from ``first`` on, ``actions`` [k, n] in k of them.

        The returned arrays [k, ...] are the same ones for the same copies, and overwritten by the next call.
        """
        end = first + len(actions)
        self._check_actions(actions, first)
        stepped = slice(first, end)
        self._running[stepped] = False
        ended = np.zeros(self.copies, "bool")
        infos: list[Info] = []
        for copy, chosen in enumerate(actions.tolist(), first):
            arrays, reward, terminated, truncated, info = self._environments[copy].step(chosen)
            self._write(copy, arrays)
            self._played[copy] += 1
            # An environment need not count its own steps; and an episode ends in one way only.
            truncated = not terminated and (truncated or self._played[copy] >= self.spec.episode_limit)
            self._arrays["reward"][copy] = reward
            self._arrays["terminated"][copy] = terminated
            self._arrays["truncated"][copy] = truncated
            ended[copy] = terminated or truncated
            infos.append(info)
        rows = self._rows.get((first, end))
        if rows is None:
            if len(self._rows) >= _MOST_GROUPS:
                self._rows.clear()
            rows = self._rows[first, end] = {name: array[stepped] for name, array in self._arrays.items()}
        self._check_rows(rows, range(first, end))
        self._running[stepped] = ~ended[stepped]
        return rows, infos

    def close(self) -> None:
        """Closes every copy, though some may fail to: then the error of one of them is raised at last."""
        with contextlib.ExitStack() as stack:
            for environment in self._environments:
                stack.callback(environment.close)

    def _write(self, copy: int, arrays: Arrays) -> None:
        for wire in self.fields:
            array = arrays.get(wire)
            shape = self.spec.shapes[wire]
            if array is None or array.shape != shape:
                found = "is missing" if array is None else f"has shape {list(array.shape)}"
                raise self._broken(copy, f"{FIELDS[wire][0]} {found}, but at first it had shape {list(shape)}")
            try:
                self._arrays[wire][copy] = array != 0 if self._arrays[wire].dtype == np.uint8 else array
            except (TypeError, ValueError) as error:
                raise user_fault(f"copy {copy} of {self.spec.id}: {FIELDS[wire][0]} holds no numbers", error) from error
        for wire in arrays:
            if wire not in self.spec.shapes:
                raise self._broken(copy, f"{FIELDS[wire][0]} is given now, but was not at first")

    def _check_rows(self, rows: Arrays, copies: Sequence[int]) -> None:
        for name in (*_FLOATS, "reward"):
            if name in rows and not np.isfinite(rows[name]).all():
                k, *place = np.argwhere(~np.isfinite(rows[name]))[0].tolist()
                value = rows[name][(k, *place)]
                raise self._broken(copies[k], f"{FIELDS[name][0] if name in FIELDS else name}{place or ''} is {value}")
        if "actionMask" in rows and not rows["actionMask"].any(axis=-1).all():
            k, agent = np.argwhere(~rows["actionMask"].any(axis=-1))[0].tolist()
            raise self._broken(copies[k], f"agent {agent} has no action to choose from", "a dead agent keeps its no-op")
        if "actionTargets" in rows:
            N = self.spec.shapes.get("entities", (self.spec.agents,))[0]
            wrong = (rows["actionTargets"] < -1) | (rows["actionTargets"] >= N)
            if wrong.any():
                k, *place = np.argwhere(wrong)[0].tolist()
                target = rows["actionTargets"][(k, *place)]
                raise self._broken(copies[k], f"action_targets{place} is {target}, but must be an entity (0 ... {N - 1}) or -1")

    def _check_actions(self, actions: np.ndarray[Any, Any], first: int) -> None:
        n, A = self.spec.agents, self.spec.actions
        end = first + len(actions)
        if actions.shape[1:] != (n,) or len(actions) == 0 or not 0 <= first < end <= self.copies:
            given = f"actions {list(actions.shape)} are given to copies from {first} on"
            raise HostError("invalid-value", f"{given}, but {self.spec.id} has {self.copies} copies of {n} agents")
        stepped = slice(first, end)
        if not self._running[stepped].all():
            copy = first + int(np.argmin(self._running[stepped]))
            raise HostError(
                "invalid-value", f"copy {copy} of {self.spec.id} cannot be stepped: no episode is running in it", "reset it first"
            )
        legal = (actions >= 0) & (actions < A)
        if "actionMask" in self._arrays:
            chosen = np.take_along_axis(self._arrays["actionMask"][stepped], actions.clip(0, A - 1)[..., None].astype("int64"), axis=-1)
            legal &= chosen[..., 0] != 0
        if not legal.all():
            k, agent = np.argwhere(~legal)[0].tolist()
            raise self._illegal(first + k, agent, int(actions[k, agent]))

    def _illegal(self, copy: int, agent: int, action: int) -> HostError:
        names = self.spec.action_names or [f"action {a}" for a in range(self.spec.actions)]
        name = f" ({names[action]})" if 0 <= action < len(names) else ""
        mask = self._arrays["actionMask"][copy, agent] if "actionMask" in self._arrays else np.ones(self.spec.actions)
        allowed = ", ".join(f"{a} {names[a]}" for a in np.flatnonzero(mask).tolist())
        message = f"copy {copy} of {self.spec.id}: agent {agent} may not choose action {action}{name}"
        return HostError("invalid-value", message, f"allowed now: {allowed}")

    def _broken(self, copy: int, what: str, hint: str = "") -> HostError:
        return HostError("environment", f"copy {copy} of {self.spec.id}: {what}", hint)
