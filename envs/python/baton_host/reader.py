"""Reads a peer's messages faster than ``protocol.decode``; ``src/bridge/reader.ts`` is the same file in TypeScript."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

import numpy as np

from .protocol import ID, ID_BYTES, LENGTH, Message, decode, unpack_header

#: Headers that are remembered, and the longest of them.
_MOST_KNOWN, _LONGEST_KNOWN = 64, 4096
#: The key "id" and the tag of a number of four bytes.
_ID_END = b"\xa2id\xce"


class _Known(NamedTuple):
    kind: str
    fields: Mapping[str, Any]
    #: Name, dtype, shape and place in the frame.
    arrays: list[tuple[str, np.dtype[Any], tuple[int, ...], int]]
    #: Where the last array ends.
    end: int


class MessageReader:
    """Reads messages whose headers are mostly the one before with another id: such a one is recognised by its bytes.

    A frame that is too short for its arrays, and whatever else is new, goes the long way, so that nothing is believed that has
    not been checked.
    """

    def __init__(self) -> None:
        #: By the frame's bytes up to those of the id.
        self._known: dict[bytes, _Known] = {}

    def read(self, frame: bytes) -> Message:
        """Raises HostError as ``decode`` does."""
        end = 4 + LENGTH.unpack_from(frame)[0] if len(frame) >= 4 else 0
        if not 4 + ID_BYTES <= end <= 4 + _LONGEST_KNOWN:
            return decode(frame)
        known = self._known.get(frame[: end - ID_BYTES])
        if known is None or known.end > len(frame):
            message = decode(frame)
            self._remember(frame, end, message)
            return message
        fields = {**known.fields, "id": ID.unpack_from(frame, end - ID_BYTES)[0]}
        return Message(known.kind, fields, {name: np.ndarray(shape, dtype, frame, at) for name, dtype, shape, at in known.arrays})

    def _remember(self, frame: bytes, end: int, message: Message) -> None:
        if not frame.startswith(_ID_END, end - ID_BYTES - len(_ID_END)):
            return
        # The same bytes may be a part of something longer, but not where the last value is a number of that size.
        header = unpack_header(frame[4:end])
        last, number = next(reversed(header.items()))
        if last != "id" or type(number) is not int or number != ID.unpack_from(frame, end - ID_BYTES)[0]:
            return
        # Lists and maps are not shared: whoever reads a message may change its own.
        if any(isinstance(value, (list, dict)) for value in message.fields.values()):
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        arrays, stop = [], end
        base = np.frombuffer(frame, "u1").__array_interface__["data"][0]
        for name, array in message.arrays.items():
            at = array.__array_interface__["data"][0] - base if array.size else 0
            arrays.append((name, array.dtype, array.shape, at))
            stop = max(stop, at + array.nbytes)
        self._known[frame[: end - ID_BYTES]] = _Known(message.kind, message.fields, arrays, stop)
