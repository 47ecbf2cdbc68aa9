"""What every adapter makes of its simulator: time steps as arrays under the names of ``src/environment.ts``.

Axes: ``n`` agents, ``N`` entities, ``A`` actions, ``U`` actions without a target, ``S``/``R`` entity/relation features,
``O`` observation, ``G`` state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, NamedTuple, Optional, Protocol, Union

import numpy as np

#: Wire name of every time-step array: the name that Python code uses for it, its dtype and its value where nothing is said.
FIELDS: Mapping[str, tuple[str, str, int]] = {
    "entities": ("entities", "float32", 0),  # [N, S]
    "relations": ("relations", "float32", 0),  # [N, N, R]
    "alive": ("alive", "uint8", 1),  # [N]
    "actionMask": ("action_mask", "uint8", 1),  # [n, A]
    "actionTargets": ("action_targets", "int32", -1),  # [n, A-U]
    "observations": ("observations", "float32", 0),  # [n, O]
    "state": ("state", "float32", 0),  # [G]
    "units": ("units", "float32", 0),  # [M, 10], see UNIT; only for pictures, like the next
    "world": ("world_size", "float32", 0),  # [2]: width and height
}

#: What is drawn of a unit. Places and radius in world units, y grows upwards; team 0 = the agents', 1 = the enemy, 2 = neutral; type
#: counts the spec's ``unit_types``. The agents come first.
UNIT = ("x", "y", "radius", "team", "type", "alive", "health", "health_max", "shield", "shield_max")

Arrays = Mapping[str, "np.ndarray[Any, Any]"]
Info = Mapping[str, Union[int, float, bool, str]]


@dataclass(frozen=True)
class Spec:
    """Sizes and names; as ``EnvironmentSpecInput``, but for the sizes that follow from the arrays."""

    id: str
    agents: int
    actions: int
    episode_limit: int
    #: U; A when no action has a target.
    untargeted_actions: int
    #: Shape of each array that the environment gives, by wire name; the others are Baton's to derive.
    shapes: Mapping[str, tuple[int, ...]]
    action_names: tuple[str, ...] = ()
    predicted_features: tuple[int, ...] = ()
    #: The first of the columns of entities that tell types apart, one hot, and the names of those types.
    entity_types: Optional[tuple[int, tuple[str, ...]]] = None
    #: The entity that one agent at a time may hold, and the column of entities that is above 0 for its holder.
    held_entity: Optional[tuple[int, int]] = None
    #: The types of units that are drawn.
    unit_types: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """The spec as the fields of EnvironmentSpecInput."""
        wire: dict[str, Any] = {
            "id": self.id,
            "agents": self.agents,
            "actions": self.actions,
            "untargetedActions": self.untargeted_actions,
            "episodeLimit": self.episode_limit,
            "predictedFeatures": list(self.predicted_features),
        }
        if self.action_names:
            wire["actionNames"] = list(self.action_names)
        if self.entity_types is not None:
            wire["entityTypes"] = {"first": self.entity_types[0], "names": list(self.entity_types[1])}
        if self.held_entity is not None:
            wire["heldEntity"] = {"entity": self.held_entity[0], "holderFeature": self.held_entity[1]}
        if "entities" in self.shapes:
            wire["entities"], wire["entityFeatures"] = self.shapes["entities"]
        if "relations" in self.shapes:
            wire["relationFeatures"] = self.shapes["relations"][2]
        if "observations" in self.shapes:
            wire["observationSize"] = self.shapes["observations"][1]
        if "state" in self.shapes:
            wire["stateSize"] = self.shapes["state"][0]
        return wire

    def drawing(self) -> Optional[dict[str, Any]]:
        """What the viewer has to know besides the units of each step."""
        if "units" not in self.shapes:
            return None
        return {"types": list(self.unit_types), "units": self.shapes["units"][0]}


class Step(NamedTuple):
    arrays: Arrays
    #: The team's reward.
    reward: float
    #: The episode ended by its own rules.
    terminated: bool
    #: The episode was cut off.
    truncated: bool
    info: Info


class Environment(Protocol):
    """One copy of a simulator. Arrays come under their wire names, in the shapes of the spec."""

    @property
    def spec(self) -> Spec: ...

    def reset(self, seed: int) -> Arrays: ...

    def step(self, actions: list[int]) -> Step: ...

    def close(self) -> None: ...
