"""Reads a peer's messages faster than ``protocol.decode``; ``src/bridge/reader.ts`` is the same file in TypeScript."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .protocol import ID, ID_BYTES, LENGTH, Message, decode, unpack_header

#: Headers that are remembered, and the longest of them.
_MOST_KNOWN, _LONGEST_KNOWN = 64, 4096
#: The key "id" and the tag of a number of four bytes.
_ID_END = b"\xa2id\xce"


class Layout:
    """What all messages share whose headers differ in nothing but the id."""

    __slots__ = ("arrays", "end", "fields", "id_at", "kind")

    def __init__(self, message: Message, frame: bytes, id_at: int) -> None:
        self.kind = message.kind
        self.fields = message.fields
        self.id_at = id_at
        self.arrays: list[Place] = []
        #: Where the last array ends.
        self.end = id_at + ID_BYTES
        base = np.frombuffer(frame, "u1").__array_interface__["data"][0]
        for name, array in message.arrays.items():
            at = array.__array_interface__["data"][0] - base if array.size else 0
            self.arrays.append(Place(name, array.dtype, array.shape, at))
            self.end = max(self.end, at + array.nbytes)

    def read_id(self, frame: bytes) -> int:
        return ID.unpack_from(frame, self.id_at)[0]  # type: ignore[no-any-return]

    def read(self, frame: bytes) -> Message:
        arrays = {name: np.ndarray(shape, dtype, frame, at) for name, dtype, shape, at in self.arrays}
        return Message(self.kind, {**self.fields, "id": self.read_id(frame)}, arrays)


class Place(NamedTuple):
    """An array of a message, and where in its frame it begins."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    at: int


class MessageReader:
    """Reads messages whose headers are mostly the one before with another id: such a one is recognised by its bytes.

    A frame that is too short for its arrays, and whatever else is new, goes the long way, so that nothing is believed that has
    not been checked.
    """

    def __init__(self) -> None:
        #: By the frame's bytes up to those of the id.
        self._known: dict[bytes, Layout] = {}

    def recognise(self, frame: bytes) -> Layout | None:
        """The layout of a frame that is whole and has been read before with another id."""
        if len(frame) < 4:
            return None
        # The length of the header leaves itself out, and what is known leaves out the id: both have four bytes.
        id_at = LENGTH.unpack_from(frame)[0]
        layout = self._known.get(frame[:id_at]) if id_at <= _LONGEST_KNOWN else None
        return None if layout is None or layout.end > len(frame) else layout

    def read(self, frame: bytes) -> Message:
        """Raises HostError as ``decode`` does."""
        layout = self.recognise(frame)
        if layout is not None:
            return layout.read(frame)
        message = decode(frame)
        self._remember(frame, LENGTH.unpack_from(frame)[0], message)
        return message

    def _remember(self, frame: bytes, id_at: int, message: Message) -> None:
        if id_at > _LONGEST_KNOWN or not frame.startswith(_ID_END, id_at - len(_ID_END)):
            return
        # The same bytes may be a part of something longer, but not where the last value is a number of that size.
        header = unpack_header(frame[4 : id_at + ID_BYTES])
        last, number = next(reversed(header.items()))
        if last != "id" or type(number) is not int or number != ID.unpack_from(frame, id_at)[0]:
            return
        # Lists and maps are not shared: whoever reads a message may change its own.
        if any(isinstance(value, (list, dict)) for value in message.fields.values()):
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[frame[:id_at]] = Layout(message, frame, id_at)
