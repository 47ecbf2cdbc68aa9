"""Masks, entity and relation features of Google Research Football, as ACE uses them, out of its ``raw`` observations.

Where the authors' code and their intent differ, the intent is followed: only the owner's team owns the ball, and directions between
entities are those of their places.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

ACTION_NAMES = (
    "idle", "left", "top left", "top", "top right", "right", "bottom right", "bottom", "bottom left", "long pass", "high pass",
    "short pass", "shot", "sprint", "release direction", "release sprint", "sliding", "dribble", "release dribble",
)  # fmt: skip

#: left player, right keeper, right player, ball; owns the ball; place from the goal xyz; direction xyz; 10 sticky actions.
ENTITY_FEATURES = 21
OWNS_BALL = 4
#: Owns the ball, place and direction.
PREDICTED_COLUMNS = tuple(range(4, 11))

_PASS, _SHOT, _SPRINT, _RELEASE_SPRINT, _SLIDING, _DRIBBLE, _RELEASE_DRIBBLE = 9, 12, 13, 15, 16, 17, 18
#: Places among the sticky actions.
_SPRINTING, _DRIBBLING = 8, 9
#: Distance a player runs in a step, about: directions are divided by it.
_DIRECTION_SCALE = 0.02


def action_mask(sticky: "np.ndarray[Any, Any]", owns: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """[n, 19] from the sticky actions [n, 10] and who owns the ball [n].

    Passes and shots need the ball; so does dribbling, which like sprinting is begun once and released once; nobody slides.
    """
    mask = np.ones((len(sticky), len(ACTION_NAMES)), "uint8")
    sprinting, dribbling = sticky[:, _SPRINTING] != 0, sticky[:, _DRIBBLING] != 0
    mask[:, _PASS : _SHOT + 1] = owns[:, None]
    mask[:, _SPRINT] = ~sprinting
    mask[:, _RELEASE_SPRINT] = sprinting
    mask[:, _SLIDING] = 0
    mask[:, _DRIBBLE] = owns & ~dribbling
    mask[:, _RELEASE_DRIBBLE] = dribbling
    return mask


def entity_features(
    world: Mapping[str, Any], players: Sequence[int], sticky: "np.ndarray[Any, Any]", keeper_role: int
) -> tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """[N, 21], and the places [N, 2] that relations are made of: agents, other left field players, right team, ball."""
    others = [k for k, role in enumerate(world["left_team_roles"]) if k not in players and role != keeper_role]
    left = [*players, *others]
    right = len(world["right_team"])
    N = len(left) + right + 1
    out = np.zeros((N, ENTITY_FEATURES), "float32")
    out[: len(left), 0] = 1
    keepers = np.asarray(world["right_team_roles"]) == keeper_role
    out[len(left) : N - 1, 1] = keepers
    out[len(left) : N - 1, 2] = ~keepers
    out[N - 1, 3] = 1
    owner = int(world["ball_owned_player"])
    if world["ball_owned_team"] == 0 and owner in left:
        out[left.index(owner), OWNS_BALL] = 1
    elif world["ball_owned_team"] == 1:
        out[len(left) + owner, OWNS_BALL] = 1
    ball, ball_direction = np.asarray(world["ball"]), np.asarray(world["ball_direction"])
    places = np.concatenate([world["left_team"][left], world["right_team"], ball[None, :2]])
    directions = np.concatenate([world["left_team_direction"][left], world["right_team_direction"], ball_direction[None, :2]])
    out[:, 5:7] = places - (1.0, 0.0)
    out[N - 1, 7] = ball[2]
    out[:, 8:10] = directions / _DIRECTION_SCALE
    out[N - 1, 10] = ball_direction[2] / _DIRECTION_SCALE
    out[: len(players), 11:] = sticky
    return out, places


def relation_features(places: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """[N, N, 4], row i, column j: x and y of i seen from j, and cosine and sine of that direction."""
    offset = places[:, None, :] - places[None, :, :]
    distance = np.sqrt((offset * offset).sum(axis=-1, keepdims=True))
    return np.concatenate([offset, offset / (distance + 1e-8)], axis=-1).astype("float32")
