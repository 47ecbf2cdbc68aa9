"""The two hosts that ``baton bench bridge`` measures; see ``bench.py``."""

from __future__ import annotations

import argparse
import json
import threading
import time
from typing import Any, Sequence

import numpy as np
import zmq

from . import protocol
from .endpoint import remove_endpoint
from .environment import Arrays, Info, Spec
from .parent import watch_parent
from .server import Server


class NullBatch:
    """Stands for a batch of environments; all time steps are the same."""

    fields = ("entities", "observations", "state")

    def __init__(self, copies: int, size: int, groups: int, seconds: float) -> None:
        self.copies = copies
        self._seconds = seconds
        features = max(1, size * groups // (4 * copies))
        shapes = {"entities": (1, features), "observations": (1, 1), "state": (1,)}
        self.spec = Spec("null", 1, 2, 2**31 - 1, 2, shapes)
        self._arrays = {name: np.zeros((copies, *shape), "float32") for name, shape in shapes.items()}
        self._arrays["reward"] = np.zeros(copies, "float32")
        self._arrays.update({name: np.zeros(copies, "uint8") for name in ("terminated", "truncated")})
        self._rows: dict[int, Arrays] = {}

    def reset(self, copies: Sequence[int], seeds: Sequence[int]) -> tuple[Arrays, list[Info]]:
        return self._answer(len(copies))

    def step(self, actions: np.ndarray[Any, Any], first: int = 0) -> tuple[Arrays, list[Info]]:
        if self._seconds > 0:
            time.sleep(self._seconds)
        return self._answer(len(actions))

    def close(self) -> None:
        pass

    def _answer(self, count: int) -> tuple[Arrays, list[Info]]:
        if count not in self._rows:
            self._rows[count] = {name: array[:count] for name, array in self._arrays.items()}
        return self._rows[count], [{}] * count


class EchoServer(Server):
    """Nothing but the sockets."""

    def __init__(self, batch: Any, endpoint: str, groups: int, seconds: float) -> None:
        super().__init__(batch, endpoint)
        self._seconds = seconds
        arrays, infos = batch.step(np.zeros((batch.copies // groups, 1), "int32"))
        self._answer = protocol.encode("timestep", {"id": 2**16, "infos": infos}, arrays)

    def answer(self, frames: list[bytes]) -> bytes:
        if self._seconds > 0:
            time.sleep(self._seconds)
        return self._answer


def serve(options: argparse.Namespace) -> int:
    """Serves until the end of the parent."""
    settings = json.loads(options.options)
    stop = threading.Event()
    if options.with_parent:
        watch_parent(stop, options.bind)
    groups = int(settings.get("groups", 1))
    seconds = float(settings.get("seconds", 0))
    batch: Any = NullBatch(options.copies, int(settings["size"]), groups, seconds)
    server = EchoServer(batch, options.bind, groups, seconds) if options.env == "echo" else Server(batch, options.bind)
    try:
        server.serve(stop)
    finally:
        server.close()
        remove_endpoint(options.bind, with_folder=options.with_parent)
    return 0
