"""Ends the host with the process that started it, whatever way that one ends.

The parent holds the other end of standard input: when it is gone, even by kill -9, reading meets the end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from .endpoint import remove_endpoint

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
        remove_endpoint(endpoint, with_folder=True)
        os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)  # the first process of a container is safe from its own signals, and ends the others with itself

    threading.Thread(target=wait, name="watch-parent", daemon=True).start()
