"""Ends the host with the process that started it, whatever way that one ends.

The parent holds the other end of standard input: when it is gone, even by kill -9, reading meets the end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

#: Seconds that environments get to close before they are killed with the host.
_GRACE = 3.0


def watch_parent(stop: threading.Event, endpoint: str) -> None:
    """Sets ``stop`` when standard input ends; if the host is still there after a while, kills its whole process group.

    The host must lead a process group of its own, and the endpoint's socket file lie in a folder made for it alone.
    """

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        stop.set()
        # A daemon thread: it is gone with the main thread when that ends in time.
        threading.Event().wait(_GRACE)
        remove_endpoint(endpoint)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, name="watch-parent", daemon=True).start()


def remove_endpoint(endpoint: str) -> None:
    """Removes what is left of an ``ipc://`` socket file and of its folder, if that is empty."""
    if not endpoint.startswith("ipc://"):
        return
    path = endpoint[len("ipc://") :]
    for remove, what in ((os.unlink, path), (os.rmdir, os.path.dirname(path))):
        try:
            remove(what)
        except OSError:
            pass  # already gone, or somebody else's
