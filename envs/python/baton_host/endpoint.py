"""Where a host may be reached, and what it leaves on the disk."""

from __future__ import annotations

import contextlib
import os
import re

from .errors import HostError

#: The command that makes keys; see keys.py.
KEYS_COMMAND = "baton simulators keys"


def check_endpoint(endpoint: str, guarded: bool) -> None:
    """Whoever reaches the socket plays the simulator: beyond this machine only those with keys. Raises HostError ``invalid-value``."""
    if re.fullmatch(r"ipc://.+|tcp://(127(\.\d{1,3}){3}|localhost|\[::1\]):(\d+|\*)", endpoint):
        return
    if not re.fullmatch(r"tcp://(\[[0-9a-fA-F:]+\]|[\w.*-]+):(\d+|\*)", endpoint):
        raise HostError("invalid-value", f"--bind is {endpoint}, but must be ipc:///path or tcp://ADDRESS:PORT")
    if not guarded:
        raise HostError(
            "invalid-value",
            f"--bind is {endpoint}, which others can reach, and there are no keys",
            f'make keys with "{KEYS_COMMAND}" and give host.json with --keys, or bind tcp://127.0.0.1:PORT',
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
