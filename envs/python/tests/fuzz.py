"""Fuzzes ``protocol.decode`` and ``MessageReader``, which must agree: ``python3 -m tests.fuzz COUNT [SEED]`` in envs/python. Prints what happened as JSON.

Messages are mutations of the shared vectors: changed, cut, repeated and joined bytes, and lengths and numbers at their extremes.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from typing import Any, Callable

from baton_host import protocol
from baton_host.errors import HostError
from baton_host.reader import MessageReader

from .write_vectors import FOLDER

_EXTREMES = [b"\x00", b"\x7f", b"\x80", b"\x8f", b"\x9f", b"\xbf", b"\xc1", b"\xc6\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdf\x7f\xff\xff\xff"]
_EXTREMES += [b"\xcf" + b"\xff" * 8, b"\xcb\x7f\xf8" + bytes(6), b"\xd3\x80" + bytes(7), b"\xc7\xff\x05", b"\x91" * 40, b"\xff\xff\xff\xff"]


def mutate(rng: random.Random, originals: list[bytes]) -> bytes:
    data = bytearray(rng.choice(originals))
    if rng.random() < 0.1:  # a next message: another id, and perhaps fewer bytes
        end = 4 + int.from_bytes(data[:4], "little")
        data[max(0, end - 4) : end] = rng.randbytes(4)
        return bytes(data[: len(data) - rng.choice([0, 0, 1, 8, 40])])
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at : at + rng.randrange(1, 9)]
        elif kind == 3:
            extreme = rng.choice(_EXTREMES)
            data[at : at + rng.choice([0, len(extreme)])] = extreme
        elif kind == 4:
            other = rng.choice(originals)
            start = rng.randrange(len(other) + 1)
            data[at:at] = other[start : start + rng.randrange(64)]
        else:
            data[0:4] = rng.choice([len(data), max(0, len(data) - 4), rng.randrange(1 << 10), (1 << 32) - 1]).to_bytes(4, "little")
    return bytes(data)


def outcome(read: Callable[[bytes], protocol.Message], data: bytes) -> Any:
    """A refusal's sentence, or what was read; repr, since no number equals itself that is none."""
    try:
        message = read(data)
    except HostError as error:
        if error.code != "incompatible" or not error.message:
            raise
        return error.message
    return repr(message.fields), message.kind, [(name, a.dtype.name, a.shape, a.tobytes()) for name, a in message.arrays.items()]


def main() -> None:
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    rng = random.Random(seed)
    originals = [path.read_bytes() for path in sorted(FOLDER.glob("*.bin"))]
    reader = MessageReader()
    read = refused = 0
    slowest = 0.0
    memory = 0
    for k in range(count):
        data = mutate(rng, originals)
        start = time.perf_counter()
        made = outcome(reader.read, data)
        if made != outcome(protocol.decode, data):
            raise AssertionError(f"read in two ways: {data.hex()}")
        if isinstance(made, str):
            refused += 1
        else:
            read += 1
        slowest = max(slowest, time.perf_counter() - start)
        if k == count // 10:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    print(json.dumps({"read": read, "refused": refused, "slowestSeconds": slowest, "growthKiB": growth}))


if __name__ == "__main__":
    main()
