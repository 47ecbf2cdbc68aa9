"""What every peer shares: it reads a job from a file, then runs it as often as the lines on standard input say.

Protocol, one JSON object a line. Out, once: {"ready": torch's version, "check": {name: number}}. In: {"runs": n}.
Out: {"wall": [milliseconds of each run], "cpu": [processor milliseconds of each run]}.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable

import numpy as np
import torch


def read_job(path: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The settings and the named arrays of a job: a line of JSON, then the arrays' bytes one after another."""
    with open(path, "rb") as file:
        job = json.loads(file.readline())
        arrays = {}
        for entry in job["arrays"]:
            kind = {"float32": np.float32, "int32": np.int32, "bool": np.bool_}[entry["dtype"]]
            count = int(np.prod(entry["shape"], dtype=np.int64))
            data = np.frombuffer(file.read(count * np.dtype(kind).itemsize), dtype=kind).reshape(entry["shape"])
            tensor = torch.from_numpy(data.copy())
            arrays[entry["name"]] = tensor.long() if entry["dtype"] == "int32" else tensor
    return job["settings"], arrays


def tree(arrays: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The arrays under a prefix by the rest of their names."""
    return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}


def serve(run: Callable[[], Any], check: dict[str, float]) -> None:
    """Answers until standard input ends."""
    print(json.dumps({"ready": torch.__version__, "check": check}), flush=True)
    for line in sys.stdin:
        wall, cpu = [], []
        for _ in range(json.loads(line)["runs"]):
            started, burnt = time.perf_counter(), time.process_time()
            run()
            wall.append((time.perf_counter() - started) * 1e3)
            cpu.append((time.process_time() - burnt) * 1e3)
        print(json.dumps({"wall": wall, "cpu": cpu}), flush=True)
