"""The first process of a container: it cannot be killed from inside and inherits every process that loses its parent.

Neither suits a host, so it is the child of one that does nothing else.
"""

from __future__ import annotations

import os
import signal
import sys


def give_way_to_child() -> None:
    """In the first process of a container: forks, and never returns but in the child. Elsewhere does nothing."""
    if os.getpid() != 1:
        return
    child = os.fork()
    if child == 0:
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: os.kill(child, received))
    while True:
        pid, status = os.wait()  # also takes the orphans that simulators leave
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            sys.stderr.flush()
            os._exit(code if code >= 0 else 128 - code)
