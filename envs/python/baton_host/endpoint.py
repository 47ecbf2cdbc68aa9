"""Where a host may be reached, and what it leaves on the disk."""

from __future__ import annotations

import contextlib
import os
import re

from .errors import HostError


def check_endpoint(endpoint: str) -> None:
    """Whoever reaches the socket plays the simulator, so nobody but this machine may. Raises HostError ``invalid-value``."""
    if re.fullmatch(r"ipc://.+|tcp://(127\.0\.0\.1|localhost|\[::1\]):(\d+|\*)", endpoint):
        return
    raise HostError(
        "invalid-value",
        f"--bind is {endpoint}, but must be ipc:///path or tcp://127.0.0.1:PORT",
        "to reach it from another machine, bind loopback and forward the port with ssh -L",
    )


def remove_endpoint(endpoint: str, with_folder: bool) -> None:
    """Removes the socket file of an ``ipc://`` endpoint, which ZeroMQ leaves behind, and its folder if that was made for it."""
    if not endpoint.startswith("ipc://"):
        return
    path = endpoint[len("ipc://") :]
    with contextlib.suppress(OSError):  # the other side may be faster, or nothing may be there yet
        os.unlink(path)
    if with_folder:
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
