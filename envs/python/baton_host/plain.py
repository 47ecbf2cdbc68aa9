"""Infos as msgpack can carry them."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

#: Larger arrays in an info are left out: a header is small.
_MOST_ELEMENTS = 4096
_MOST_DEPTH = 8


def plain_info(info: Any) -> Mapping[str, Any]:
    """Numbers, texts, lists and dicts of them; arrays become lists. What is none of these is left out."""
    return _plain_dict(info, 0) if isinstance(info, Mapping) else {}


def _plain_dict(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    made = {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    return {key: inner for key, inner in made.items() if inner is not _NOTHING}


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist() if value.size <= _MOST_ELEMENTS and value.dtype.kind in "biufU" else _NOTHING
    if depth > _MOST_DEPTH:
        return _NOTHING
    if isinstance(value, Mapping):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple)) and len(value) <= _MOST_ELEMENTS:
        return [None if inner is _NOTHING else inner for inner in (_plain(part, depth + 1) for part in value)]
    return _NOTHING


_NOTHING = object()
