"""A host that runs before anybody needs it and lends copies to whoever asks (``baton simulators up``).

Each peer gets copies of its own with its ``hello``, which says how many, and gives them back by going away: a training and its
evaluations, or two trainings, share a host without knowing of each other.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Callable

import zmq

from . import protocol
from .batch import Batch
from .environment import Environment
from .errors import HostError, user_fault
from .keys import HostKeys
from .server import Server, fault

#: Seconds between looks whether the borrowers are still there.
_PERIOD = 5.0
#: Before a peer is refused: how often, and how many seconds apart, to look again.
_TRIES, _PAUSE = 10, 0.05
#: What tells: live peers ignore it, as no request has this id.
_KNOCK = protocol.encode("alive", {"id": 0})


class LendingServer(Server):
    """Makes one copy at once, to see that it can, and the others when they are asked for."""

    def __init__(self, make: Callable[[], Environment], most: int, endpoint: str, keys: HostKeys | None = None) -> None:
        self._make = make
        self._most = most
        self._lent: dict[bytes, Batch] = {}
        self._looked = time.monotonic()
        first = Batch.of(make, 1)
        first.close()
        super().__init__(first, endpoint, keys)
        # Sending to a peer that is gone is an error, then, by which it is found out.
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        where = self._socket.getsockopt(zmq.LAST_ENDPOINT).decode().rstrip("\0")
        print(f"baton_host: ready at {where}: {most} copies of {first.spec.id}", flush=True)

    def answer_peer(self, peer: bytes, frames: list[bytes]) -> bytes:
        if peer not in self._lent:
            request_id: Any = None
            try:
                message = protocol.decode(frames[0] if len(frames) == 1 else b"")
                request_id = message.fields.get("id")
                self._lent[peer] = self._lend(message)
            except HostError as error:
                return fault(request_id, error)
            except Exception as error:
                return fault(request_id, user_fault("a copy cannot be made", error))
        self._batch = self._lent[peer]
        return self.answer(frames)

    def idle(self) -> None:
        if time.monotonic() - self._looked > _PERIOD:
            self._take_back()

    def close_batches(self) -> None:
        for peer in list(self._lent):
            self._close(peer)

    def _lend(self, message: protocol.Message) -> Batch:
        if message.kind != "hello":
            raise HostError("io", "this host has lent you no copies: it, or the connection to it, has been started anew")
        copies = message.fields.get("copies", 1)
        if not isinstance(copies, int) or isinstance(copies, bool) or copies < 1:
            raise HostError("incompatible", f"a peer asks for {copies!r:.40} copies")
        lent = self._count_lent()
        for _ in range(_TRIES):
            if lent + copies <= self._most:
                break
            time.sleep(_PAUSE)  # whoever has just gone away may not have been missed yet
            lent = self._count_lent()
        if lent + copies > self._most:
            raise HostError(
                "io",
                f"{copies} copies are asked of a host that lends {self._most}, {lent} of which are lent already",
                "start more with `baton simulators up`, or ask for fewer with --copies and evaluation.episodes",
            )
        return Batch.of(self._make, copies)

    def _count_lent(self) -> int:
        self._take_back()
        return sum(batch.copies for batch in self._lent.values())

    def _take_back(self) -> None:
        self._looked = time.monotonic()
        for peer in list(self._lent):
            try:
                self._socket.send_multipart([peer, _KNOCK], flags=zmq.NOBLOCK)
            except zmq.Again:
                pass  # slow, but there
            except zmq.ZMQError:
                self._close(peer)

    def _close(self, peer: bytes) -> None:
        try:
            self._lent.pop(peer).close()
        except Exception as error:  # whoever borrowed it is gone; the others go on
            print(f"baton_host: a copy did not close: {error!r}", file=sys.stderr, flush=True)
