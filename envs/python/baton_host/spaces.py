"""Gymnasium's fundamental spaces: classes for environments that run without Gymnasium, and their description on the wire.

``describe`` knows a space by its class's name and attributes, so Gymnasium's own spaces, old Gym's and these all serve.
``src/bridge/gym/spaces.ts`` reads the description.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import numpy as np

from .errors import HostError

#: numpy dtype of a Box -> dtype on the wire, where it does not go as it is.
_WIRE_DTYPES = {
    "float16": "float32",
    "bool": "uint8",
    "int8": "int32",
    "int16": "int32",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "int64",
}
_INT32_MAX = 2**31 - 1


class Box:
    """Numbers between ``low`` and ``high`` (inclusive), each a number or an array of ``shape``."""

    def __init__(self, low: Any, high: Any, shape: Sequence[int] | None = None, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self.shape = tuple(shape) if shape is not None else np.broadcast(np.asarray(low), np.asarray(high)).shape
        self.low = np.broadcast_to(np.asarray(low, self.dtype), self.shape)
        self.high = np.broadcast_to(np.asarray(high, self.dtype), self.shape)


@dataclass(frozen=True)
class Discrete:
    """One whole number in start ... start+n-1."""

    n: int
    start: int = 0


class MultiDiscrete:
    """Whole numbers; the one at ``i`` lies in start[i] ... start[i]+nvec[i]-1."""

    def __init__(self, nvec: Any, start: Any = 0) -> None:
        self.nvec = np.asarray(nvec, "int64")
        self.start = np.broadcast_to(np.asarray(start, "int64"), self.nvec.shape)


@dataclass(frozen=True)
class MultiBinary:
    """An array of zeros and ones: a length, or a shape."""

    n: int | Sequence[int]


@dataclass(frozen=True)
class Dict:
    """Named values."""

    spaces: Mapping[str, Any]


@dataclass(frozen=True)
class Tuple:
    """Values in an order."""

    spaces: Sequence[Any]


@dataclass
class Bounds:
    """Bounds that differ from element to element, one after another; they travel as an array and not in the header."""

    parts: list[np.ndarray[Any, Any]] = field(default_factory=list)
    size: int = 0

    def add(self, values: Any) -> Any:
        """One number when all are the same, else where they begin."""
        flat = np.asarray(values, "float64").ravel()
        if flat.size > 0 and (flat == flat[0]).all():
            return float(flat[0])
        self.parts.append(flat)
        self.size += flat.size
        return {"offset": self.size - flat.size}

    def array(self) -> np.ndarray[Any, Any]:
        return np.concatenate([np.zeros(0), *self.parts])


def describe(space: Any, bounds: Bounds, where: str = "") -> dict[str, Any]:
    """The space as msgpack can carry it. Raises HostError ``environment`` for spaces that the bridge does not carry."""
    # An environment may derive its own class from one of these.
    kinds = [base.__name__ for base in type(space).__mro__]
    if "Dict" in kinds:
        inner = {str(key): describe(value, bounds, f"{where}[{key!r}]") for key, value in space.spaces.items()}
        return {"type": "Dict", "spaces": list(inner.items())}
    if "Tuple" in kinds:
        return {"type": "Tuple", "spaces": [describe(value, bounds, f"{where}[{k}]") for k, value in enumerate(space.spaces)]}
    if "MultiDiscrete" in kinds:
        nvec, start = np.asarray(space.nvec), np.asarray(getattr(space, "start", 0))
        _check_range(np.min(start, initial=0), np.max(start + nvec, initial=0), where)
        return {
            "type": "MultiDiscrete",
            "shape": list(nvec.shape),
            "nvec": bounds.add(nvec),
            "start": bounds.add(np.broadcast_to(start, nvec.shape)),
            "dtype": _dtype_of(space, "int64"),
        }
    if "MultiBinary" in kinds:
        shape = [space.n] if isinstance(space.n, (int, np.integer)) else list(space.n)
        return {"type": "MultiBinary", "shape": [int(size) for size in shape], "dtype": "int8"}
    if "Discrete" in kinds:
        start = int(getattr(space, "start", 0))
        _check_range(start, start + int(space.n), where)
        return {"type": "Discrete", "n": int(space.n), "start": start, "dtype": _dtype_of(space, "int64")}
    if "Box" in kinds:
        dtype = np.dtype(space.dtype).name
        return {
            "type": "Box",
            "shape": [int(size) for size in space.shape],
            "low": bounds.add(space.low),
            "high": bounds.add(space.high),
            "dtype": dtype,
            "wire": _WIRE_DTYPES.get(dtype, dtype),
        }
    named = f"the space{f' at {where}' if where else ''} is a {type(space).__name__}"
    raise HostError("environment", f"{named}, but the bridge carries Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple")


class Layout:
    """Values of one space for K copies in flat buffers, one for each wire dtype; a leaf of the space is a view [K, *shape].

    Leaves lie in the order in which the description names them, so that the description alone tells the other side where.
    """

    def __init__(self, described: Mapping[str, Any], copies: int) -> None:
        self._root = described
        leaves = list(_leaves(described))
        sizes: dict[str, int] = {}
        places: list[tuple[str, int]] = []
        for leaf in leaves:
            wire = _wire(leaf)
            places.append((wire, sizes.get(wire, 0)))
            sizes[wire] = sizes.get(wire, 0) + copies * math.prod(_shape(leaf))
        #: Wire dtype -> flat buffer: what is sent, or was received.
        self.buffers = {wire: np.zeros(size, wire) for wire, size in sizes.items()}
        self._views = [
            self.buffers[wire][at : at + copies * math.prod(_shape(leaf))].reshape(copies, *_shape(leaf))
            for leaf, (wire, at) in zip(leaves, places)
        ]
        self._count = {id(node): sum(1 for _ in _leaves(node)) for node in _nodes(described)}

    def write(self, copy: int, value: Any, missing: bool = False) -> None:
        """Puts a copy's value into the buffers; with ``missing``, zeros stand for keys that a Dict's value lacks."""
        self._write(self._root, 0, copy, value, missing)

    def read(self, copy: int) -> Any:
        """A copy's value as Gymnasium has it: numpy arrays and scalars, dicts, tuples."""
        return self._read(self._root, 0, copy)

    def load(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Takes over the buffers of a message. Raises HostError ``incompatible`` where they do not fit."""
        for wire, buffer in self.buffers.items():
            given = arrays.get(wire)
            if given is None or given.dtype != buffer.dtype or given.size != buffer.size:
                raise HostError("incompatible", f'the array "{wire}" of the actions is not {buffer.size} numbers of that type')
            buffer[:] = given.ravel()

    def _write(self, node: Mapping[str, Any], at: int, copy: int, value: Any, missing: bool) -> None:
        if node["type"] == "Dict":
            for key, inner in node["spaces"]:
                if key in value:
                    self._write(inner, at, copy, value[key], False)
                elif missing:
                    for view in self._views[at : at + self._count[id(inner)]]:
                        view[copy] = 0
                else:
                    raise ValueError(f'"{key}" is missing in it')
                at += self._count[id(inner)]
        elif node["type"] == "Tuple":
            for inner, part in zip(node["spaces"], value):
                self._write(inner, at, copy, part, False)
                at += self._count[id(inner)]
        else:
            array = np.asarray(value)
            if array.shape != self._views[at].shape[1:]:
                raise ValueError(f"its shape is {list(array.shape)}, but the space's {list(self._views[at].shape[1:])}")
            self._views[at][copy] = array

    def _read(self, node: Mapping[str, Any], at: int, copy: int) -> Any:
        if node["type"] in ("Dict", "Tuple"):
            values = []
            for entry in node["spaces"]:
                inner = entry[1] if node["type"] == "Dict" else entry
                values.append(self._read(inner, at, copy))
                at += self._count[id(inner)]
            return tuple(values) if node["type"] == "Tuple" else {key: value for (key, _), value in zip(node["spaces"], values)}
        value = self._views[at][copy].astype(node["dtype"])
        return value if node["type"] == "Discrete" else np.asarray(value)


def _nodes(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inner = node.get("spaces", [])
    children = [entry[1] if node["type"] == "Dict" else entry for entry in inner]
    return [node, *(below for child in children for below in _nodes(child))]


def _leaves(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [below for below in _nodes(node) if "spaces" not in below]


def _wire(leaf: Mapping[str, Any]) -> str:
    return {"Box": leaf.get("wire", ""), "MultiBinary": "uint8"}.get(leaf["type"], "int32")


def _shape(leaf: Mapping[str, Any]) -> Sequence[int]:
    return leaf.get("shape", ())  # type: ignore[no-any-return]


def _dtype_of(space: Any, default: str) -> str:
    dtype = getattr(space, "dtype", None)
    return default if dtype is None else np.dtype(dtype).name


def _check_range(low: int, high: int, where: str) -> None:
    if low < -_INT32_MAX or high > _INT32_MAX:
        raise HostError("environment", f"the space{f' at {where}' if where else ''} has numbers beyond 32 bits")
