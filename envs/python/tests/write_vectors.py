"""Writes test/bridge/vectors anew: ``PYTHONPATH=envs/python python3 -m tests.write_vectors``. Only for a new protocol version."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from baton_host import protocol

FOLDER = Path(__file__).parents[3] / "test" / "bridge" / "vectors"

SPEC = {"id": "python:lights:Lights", "agents": 2, "actions": 2, "episodeLimit": 3, "observationSize": 1}

#: kind, fields, [name, dtype, shape, values]
GOOD: dict[str, tuple[str, dict[str, Any], list[tuple[str, str, list[int], list[Any]]]]] = {
    "hello": ("hello", {"id": 1}, []),
    "welcome": ("welcome", {"id": 1, "copies": 2, "fields": ["observations"], "spec": SPEC}, []),
    "reset": ("reset", {"id": 65536}, [("copies", "int32", [2], [0, 1]), ("seeds", "int64", [2], [0, 2**53 - 1])]),
    "step": ("step", {"id": 2}, [("actions", "int32", [2, 2], [0, 1, 1, -1])]),
    "timestep": (
        "timestep",
        {"id": 2, "infos": [{}, {"won": True, "hits": -3, "share": 0.25, "who": "Zoë", "none": None}]},
        [
            ("observations", "float32", [2, 2, 1], [0.0, -1.5, 3.4028234663852886e38, 1.1754943508222875e-38]),
            ("terminated", "uint8", [2], [0, 1]),
            ("value", "float64", [1], [0.1]),
            ("relations", "float32", [2, 0, 3], []),
            ("scalar", "int32", [], [-2147483648]),
        ],
    ),
    "fault": ("fault", {"id": None, "code": "environment", "message": "x" * 300, "hint": "", "trace": "line\n  line"}, []),
}


def frame(header: Any, payload: bytes = b"") -> bytes:
    packed = header if isinstance(header, bytes) else msgpack.packb(header, use_bin_type=True)
    return struct.pack("<I", len(packed)) + packed + bytes(-(4 + len(packed)) % 8) + payload


def with_arrays(*arrays: Any) -> bytes:
    return frame({"kind": "step", "version": 1, "arrays": list(arrays), "id": 1}, bytes(16))


#: bytes, a part of the message on both sides
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 bytes are too few"),
    "torn": (frame({"kind": "hello", "version": 1, "arrays": []})[:20], "its header claims"),
    "huge-header": (struct.pack("<I", 2**32 - 1) + bytes(64), "its header claims 4294967295 of 68 bytes"),
    "text": (b"GET / HTTP/1.1\r\n\r\n", "its header claims"),
    "not-msgpack": (frame(b"\xc1\xc1\xc1"), "its header is not msgpack"),
    "cut-msgpack": (frame(b"\x81\xa4kind\xdd\xff\xff\xff\xff"), "its header is not msgpack"),
    "trailing": (frame(msgpack.packb({"kind": "hello", "version": 1, "arrays": []}) + b"\x00"), "its header is not msgpack"),
    "extension": (frame(msgpack.packb({"kind": msgpack.ExtType(5, b"abc")})), "its header is not msgpack"),
    "no-kind": (frame({"version": 1, "arrays": []}), "no kind and version"),
    "version-2": (frame({"kind": "hello", "version": 2}), "version 2 of the bridge protocol"),
    "no-arrays": (frame({"kind": "hello", "version": 1}), "no list of arrays"),
    "dtype": (with_arrays(["a", "complex64", [1], 0]), 'array "a" has the unknown dtype'),
    "negative": (with_arrays(["a", "int32", [-1], 0]), 'array "a" has the impossible shape'),
    "vast": (with_arrays(["a", "uint8", [2**32 - 1] * 8, 0]), 'array "a"'),
    "outside": (with_arrays(["a", "int32", [4], 8]), 'array "a"'),
    "misaligned": (with_arrays(["a", "int32", [1], 4]), 'array "a"'),
    "twice": (with_arrays(["a", "int32", [1], 0], ["a", "int32", [1], 8]), 'two arrays "a"'),
    "entry": (with_arrays(["a", "int32", [1]]), "not described by name, dtype, shape and offset"),
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected: dict[str, list[Any]] = {"good": [], "bad": []}
    for name, (kind, fields, arrays) in GOOD.items():
        made = {array: np.array(values, dtype).reshape(shape) for array, dtype, shape, values in arrays}
        (FOLDER / f"{name}.bin").write_bytes(protocol.encode(kind, fields, made))
        listed = [{"name": a, "dtype": d, "shape": s, "values": v} for a, d, s, v in arrays]
        expected["good"].append({"file": f"{name}.bin", "kind": kind, "fields": fields, "arrays": listed})
    for name, (data, says) in BAD.items():
        (FOLDER / f"bad-{name}.bin").write_bytes(data)
        expected["bad"].append({"file": f"bad-{name}.bin", "says": says})
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=2, ensure_ascii=False) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
