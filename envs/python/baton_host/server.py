"""Answers requests for one batch of environments on a ROUTER socket."""

from __future__ import annotations

import threading
from typing import Any, Mapping

import numpy as np
import zmq

from . import protocol
from .batch import Batch
from .environment import Arrays
from .errors import HostError, user_fault
from .keys import Guard, HostKeys
from .reader import Layout, MessageReader, Place

#: Milliseconds after which an idle server looks whether it should stop.
_PATIENCE = 100
#: Messages that may wait on each side, for each peer; a client has only a few requests under way.
_HIGH_WATER_MARK = 64
#: Milliseconds that an answer may wait for room. ZeroMQ learns late that a peer has read: there may seem to be none for a moment.
_ROOM_PATIENCE = 200
#: Groups of copies whose encoders are kept.
_MOST_STEPS = 64
#: Larger messages are dropped before they are read: requests are small.
_MAX_REQUEST_BYTES = 16 << 20


class Server:
    """Binds at once and serves until told to stop; no other thread may touch its socket."""

    def __init__(self, batch: Batch, endpoint: str, keys: HostKeys | None = None) -> None:
        self._batch = batch
        self._reader = MessageReader()
        #: The first copy of steps whose layout has been checked, and where their actions are.
        self._plain: dict[Layout, tuple[int, Place]] = {}
        #: What a batch gave for a step of the copies from first on, k of them, and what writes it.
        self._steps: dict[tuple[int, int], tuple[Arrays, protocol.Encoder]] = {}
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._guard = Guard(self._context, self._socket, keys) if keys else None
        self._socket.setsockopt(zmq.IPV6, int("[" in endpoint))
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVTIMEO, _PATIENCE)
        self._socket.setsockopt(zmq.SNDHWM, _HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.SNDTIMEO, _ROOM_PATIENCE)
        # Without this, an answer that finds no room at once would vanish without a word, and its request wait for ever.
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.RCVHWM, _HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.MAXMSGSIZE, _MAX_REQUEST_BYTES)
        self._socket.bind(endpoint)

    def serve(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                peer, frames = self._socket.recv(), [self._socket.recv()]
                while self._socket.getsockopt(zmq.RCVMORE):
                    frames.append(self._socket.recv())
            except zmq.Again:
                self.idle()
                continue
            answer = self.answer_peer(peer, frames)
            try:
                self._socket.send(peer, zmq.SNDMORE)
                self._socket.send(answer)
            except zmq.ZMQError:
                pass  # a peer that takes no answers, or is gone, gets none; it must not hold up the others

    def idle(self) -> None:
        """Called when there was nothing to do for a moment."""

    def answer_peer(self, peer: bytes, frames: list[bytes]) -> bytes:
        """The answer to one request of one peer: here, all play with the same batch."""
        return self.answer(frames)

    def answer(self, frames: list[bytes]) -> bytes:
        """The answer to one request, which for any mistake is a fault."""
        request_id: Any = None
        try:
            if len(frames) != 1:
                raise HostError("incompatible", f"a request has one frame, not {len(frames)}")
            frame = frames[0]
            layout = self._reader.recognise(frame)
            if layout in self._plain:
                request_id = layout.read_id(frame)
                first, (_, dtype, shape, at) = self._plain[layout]
                return self._step(request_id, first, np.ndarray(shape, dtype, frame, at))
            message = self._reader.read(frame)
            request_id = message.fields.get("id")
            answer = self._dispatch(message, request_id)
            if layout and message.kind == "step":
                self._remember_plain(layout, message)
            return answer
        except HostError as error:
            return fault(request_id, error)
        except Exception as error:
            return fault(request_id, user_fault(f"{self._batch.spec.id}: the host failed", error))

    def close(self) -> None:
        self._socket.close()
        if self._guard:
            self._guard.stop()
        self._context.term()
        self.close_batches()

    def close_batches(self) -> None:
        self._batch.close()

    def _dispatch(self, message: protocol.Message, request_id: Any) -> bytes:
        if message.kind == "hello":
            fields: dict[str, Any] = {"id": request_id, "copies": self._batch.copies, "fields": list(self._batch.fields)}
            drawing = self._batch.spec.drawing()
            if drawing is not None:
                fields["drawing"] = drawing
            return protocol.encode("welcome", {**fields, "spec": self._batch.spec.to_wire()})
        if message.kind == "reset":
            copies, seeds = _array(message, "copies", "int32", 1), _array(message, "seeds", "int64", 1)
            arrays, infos = self._batch.reset(copies.tolist(), seeds.tolist())
        elif message.kind == "step":
            actions, first = _array(message, "actions", "int32", 2), _first(message)
            return self._step(request_id, first, actions)
        else:
            raise HostError("incompatible", f'this host does not know the request "{message.kind:.40}"')
        return protocol.encode("timestep", {"id": request_id, "infos": infos}, arrays)

    def _step(self, request_id: Any, first: int, actions: np.ndarray[Any, Any]) -> bytes:
        arrays, infos = self._batch.step(actions, first)
        return self._step_encoder(first, len(actions), arrays).encode_step(request_id, infos)

    def _remember_plain(self, layout: Layout, step: protocol.Message) -> None:
        """What was checked of a step holds for every one of the same layout."""
        if len(self._plain) >= _MOST_STEPS:
            self._plain.clear()
        self._plain[layout] = _first(step), next(place for place in layout.arrays if place.name == "actions")

    def _step_encoder(self, first: int, count: int, arrays: Arrays) -> protocol.Encoder:
        # Batches give the same arrays for the same copies; a peer may have another batch than the last one.
        kept = self._steps.get((first, count))
        if kept is None or kept[0] is not arrays:
            if len(self._steps) >= _MOST_STEPS:
                self._steps.clear()
            kept = self._steps[first, count] = arrays, protocol.Encoder("timestep", arrays)
        return kept[1]


def _first(message: protocol.Message) -> int:
    first = message.fields.get("first", 0)
    if isinstance(first, int) and not isinstance(first, bool):
        return first
    raise HostError("incompatible", f"the first copy of a step is {first!r:.40}, but must be a whole number")


def _array(message: protocol.Message, name: str, dtype: str, dimensions: int) -> np.ndarray[Any, Any]:
    array = message.arrays.get(name)
    if array is None or array.dtype != protocol.DTYPES[dtype] or array.ndim != dimensions:
        found = "is missing" if array is None else f"is {array.dtype.name} {list(array.shape)}"
        raise HostError("incompatible", f'array "{name}" of a {message.kind} {found}, but must be {dtype} with {dimensions} axes')
    return array


#: Bytes of each text of a fault, about: a header has a bounded size.
_MOST_SAID = 16_000


def fault(request_id: Any, error: HostError) -> bytes:
    """The answer that tells of a mistake."""
    plain_id = request_id if isinstance(request_id, int) else None
    fields: Mapping[str, Any] = {"id": plain_id, "code": error.code, "message": _said(error.message[:_MOST_SAID]), "hint": _said(error.hint)}
    # Of an endless traceback the end says most.
    return protocol.encode("fault", {**fields, "trace": _said(error.trace[-_MOST_SAID:])})


def _said(text: str) -> str:
    """The text as it can be sent: names of files may hold bytes that are no text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
