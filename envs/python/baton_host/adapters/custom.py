"""Adapter for a class of the user's own, known by what it has and not by what it inherits.

Attributes: ``n_agents``, ``n_actions``, ``episode_limit``; where wanted ``name``, ``action_names``, ``predicted_features``,
``n_untargeted_actions`` (U: action U+k acts on the entity in ``action_targets[i, k]``; only for environments with targets),
``entity_types`` (the first of the columns of entities that tell types apart, one hot, and the names of those types: weights find a
type by its name on other maps) and ``held_entity`` (the entity that one agent at a time may hold, like a ball, and the column of entities that is above 0 for its holder);
for replays ``world_size`` (width, height) and ``unit_types``, and the method ``units()`` [M, 10], the columns being those of
``environment.UNIT``.

Methods: ``reset(seed) -> obs`` and ``step(actions) -> (obs, reward, terminated, truncated, info)``, where ``obs`` is [n, O] or a
dict with any of observations [n, O], entities [N, S], relations [N, N, R], alive [N], action_mask [n, A],
action_targets [n, A-U], state [G]. What the dict leaves out is asked of the methods ``available_actions()``, ``entities()``,
``relations()``, ``alive()``, ``action_targets()``, ``state()``, where there are such. ``close()`` if it needs one.
"""

from __future__ import annotations

import difflib
from typing import Any, Callable, Mapping, Optional

import numpy as np

from ..environment import FIELDS, UNIT, Arrays, Info, Spec, Step
from ..errors import HostError, user_code
from ..loading import load_class

_METHODS = {wire: "available_actions" if wire == "actionMask" else name for wire, (name, _, _) in FIELDS.items() if wire != "world"}
_WIRE_NAMES = {name: wire for wire, (name, _, _) in FIELDS.items()}


def opener(location: str, options: Mapping[str, Any]) -> Callable[[], CustomEnvironment]:
    """Makes objects of the class at ``location``, ``options`` being its keyword arguments."""
    made = load_class(location)
    return lambda: CustomEnvironment(lambda: made(**options), f"python:{location}")


class CustomEnvironment:
    """One object of the user's class. Raises HostError ``environment`` where it breaks the rules above."""

    def __init__(self, make: Callable[[], Any], env_id: str) -> None:
        with user_code(f"{env_id} cannot be made"):
            self._env = make()
        self._id = str(getattr(self._env, "name", env_id))
        for method in ("reset", "step"):
            if not callable(getattr(self._env, method, None)):
                raise self._broken(f"has no method {method}")
        self._getters = {
            wire: getattr(self._env, method) for wire, method in _METHODS.items() if callable(getattr(self._env, method, None))
        }
        self.spec = self._read_spec()

    def reset(self, seed: int) -> Arrays:
        with user_code(f"{self._id} failed in reset"):
            given = self._env.reset(seed)
            # Gymnasium's (obs, info) is as good as obs.
            obs = given[0] if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping) else given
            return self._collect(obs)

    def step(self, actions: list[int]) -> Step:
        with user_code(f"{self._id} failed in step"):
            given = self._env.step(actions)
            if not isinstance(given, tuple) or len(given) != 5:
                raise self._broken(
                    f"returned {_say(given)} from step", "return (obs, reward, terminated, truncated, info), as Gymnasium does"
                )
            obs, reward, terminated, truncated, info = given
            return Step(self._collect(obs), self._reward(reward), bool(terminated), bool(truncated), plain_info(info))

    def close(self) -> None:
        close = getattr(self._env, "close", None)
        if callable(close):
            close()

    def _collect(self, obs: Any) -> Arrays:
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        named = obs if isinstance(obs, Mapping) else {"observations": obs}
        for name, value in named.items():
            wire = _WIRE_NAMES.get(str(name))
            if wire is None:
                near = difflib.get_close_matches(str(name), _WIRE_NAMES, 1)
                known = f"the names are {', '.join(_WIRE_NAMES)}"
                raise self._broken(f'gave an array "{name}"', f'did you mean "{near[0]}"? ({known})' if near else known)
            arrays[wire] = np.asarray(value)
        for wire, getter in self._getters.items():
            if wire not in arrays:
                arrays[wire] = np.asarray(getter())
        if "units" in arrays:
            arrays["world"] = np.asarray(getattr(self._env, "world_size", ()))
        # An array of nothing is an array that is not given.
        return {wire: array for wire, array in arrays.items() if array.size > 0}

    def _reward(self, reward: Any) -> float:
        value = np.asarray(reward)
        if value.size != 1:
            raise self._broken(f"gave the reward {_say(reward)}", "give one number: the team's reward")
        return float(value.reshape(()))

    def _read_spec(self) -> Spec:
        agents = self._count("n_agents", 1)
        actions = self._count("n_actions", 1)
        untargeted = self._count("n_untargeted_actions", 0) if hasattr(self._env, "n_untargeted_actions") else actions
        if untargeted > actions:
            raise self._broken(f"has n_untargeted_actions = {untargeted}, more than n_actions = {actions}")
        # Sizes are read off a first time step. A reset forgets what came before, so no episode notices this one.
        shapes = {wire: array.shape for wire, array in self.reset(0).items()}
        self._check_shapes(shapes, agents, actions, untargeted)
        names = tuple(str(name) for name in getattr(self._env, "action_names", ()))
        if names and len(names) != actions:
            raise self._broken(f"has {len(names)} action_names for n_actions = {actions}")
        return Spec(
            id=self._id,
            agents=agents,
            actions=actions,
            episode_limit=self._count("episode_limit", 1),
            untargeted_actions=untargeted,
            shapes=shapes,
            action_names=names,
            predicted_features=tuple(int(column) for column in getattr(self._env, "predicted_features", ())),
            entity_types=self._entity_types(shapes),
            held_entity=self._held_entity(shapes),
            unit_types=tuple(str(name) for name in getattr(self._env, "unit_types", ("unit",))),
        )

    def _entity_types(self, shapes: Mapping[str, tuple[int, ...]]) -> Optional[tuple[int, tuple[str, ...]]]:
        given = getattr(self._env, "entity_types", None)
        if given is None:
            return None
        columns = shapes.get("entities", (0, 0))[1]
        try:
            first, names = int(given[0]), tuple(str(name) for name in given[1])
        except (TypeError, ValueError, IndexError):
            first, names = -1, ()
        if 0 <= first <= columns - len(names) and 0 < len(names) == len(set(names)):
            return first, names
        expected = f"a column of entities [N, {columns}] and the different names of the types told apart from there on"
        raise self._broken(f"has entity_types = {given!r:.60}, but must have {expected}")

    def _held_entity(self, shapes: Mapping[str, tuple[int, ...]]) -> Optional[tuple[int, int]]:
        given = getattr(self._env, "held_entity", None)
        if given is None:
            return None
        sizes = shapes.get("entities", (0, 0))
        if len(given) == 2 and all(0 <= value < size for value, size in zip(given, sizes)):
            return int(given[0]), int(given[1])
        raise self._broken(f"has held_entity = {given!r:.60}, but must have an entity and a column of entities {list(sizes)}")

    def _check_shapes(self, shapes: dict[str, tuple[int, ...]], n: int, A: int, U: int) -> None:
        if "entities" not in shapes and "observations" not in shapes:
            raise self._broken("gives neither observations nor entities, so agents see nothing")
        entities = shapes.get("entities", (n, 0))
        N = entities[0] if entities else 0
        wanted: dict[str, tuple[int | str, ...]] = {
            "entities": ("N", "S"),
            "relations": (N, N, "R"),
            "alive": (N,),
            "actionMask": (n, A),
            "actionTargets": (n, A - U),
            "observations": (n, "O"),
            "state": ("G",),
            "units": ("M", len(UNIT)),
            "world": (2,),
        }
        for wire, shape in shapes.items():
            want = wanted[wire]
            if len(shape) != len(want) or any(isinstance(w, int) and w != s for w, s in zip(want, shape)):
                text = ", ".join(str(w) for w in want)
                hint = "n_untargeted_actions says how many of the actions have no target" if wire == "actionTargets" else ""
                raise self._broken(f"gives {FIELDS[wire][0]} of shape {list(shape)}, but it must be [{text}]", hint)
        if "units" in shapes and "world" not in shapes:
            raise self._broken("gives units but has no world_size", "it says how wide and how high the world is")
        if "units" in shapes and shapes["units"][0] < n:
            raise self._broken(f"gives {shapes['units'][0]} units for {n} agents", "the agents are drawn first")
        if N < n:
            raise self._broken(f"gives {N} entities for {n} agents", "every agent is an entity; the agents come first")
        if U < A and "actionTargets" not in shapes:
            raise self._broken(f"has {A - U} actions with a target but gives no action_targets [{n}, {A - U}]")

    def _count(self, attribute: str, least: int) -> int:
        value = getattr(self._env, attribute, None)
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
            return int(value)
        found = "is missing" if value is None else f"is {value!r:.60}"
        raise self._broken(f"cannot be used: its {attribute} {found}, but must be a whole number of at least {least}")

    def _broken(self, what: str, hint: str = "") -> HostError:
        return HostError("environment", f"{self._id} {what}", hint)


def plain_info(info: Any) -> Info:
    """What of an info is a number, a truth or a text; everything else stays here, since it is for people and metrics."""
    plain: dict[str, int | float | bool | str] = {}
    for key, value in (info or {}).items():
        scalar = value.item() if isinstance(value, np.generic) else value
        if isinstance(scalar, (bool, float, str)) or (isinstance(scalar, int) and abs(scalar) < 2**53):
            plain[str(key)] = scalar
    return plain


def _say(value: Any) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"{type(value).__name__} {value!r:.60}"
