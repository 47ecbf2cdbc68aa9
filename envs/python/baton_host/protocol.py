"""The wire format. ``src/bridge/protocol.ts`` is the same file in TypeScript; ``test/bridge/vectors`` proves that they agree.

A message is one ZeroMQ frame::

    [u32 little-endian length of the header][msgpack header][zeros up to a multiple of 8][raw little-endian arrays]

The header is a map: ``kind``, ``version``, ``arrays`` = [[name, dtype, shape, offset], ...] and the fields of that kind.
Offsets count from the first byte after the padding, are multiples of 8, and follow each other without gaps but padding.

========== =============== ==========================================================================
kind       direction       fields, [arrays]
========== =============== ==========================================================================
hello      client to host  id
welcome    host to client  id, spec, copies, fields: the time-step arrays that this environment sends; drawing, if "units" is one
reset      client to host  id, [copies int32 [k], seeds int64 [k]]
step       client to host  id, first (0 if left out), [actions int32 [k, n]]: for copies first ... first+k-1
timestep   host to client  id, infos, [the fields and reward, terminated, truncated; leading axis k]
fault      host to client  id (or nil), code, message, hint, trace
========== =============== ==========================================================================

Every request has an ``id`` (u32) that its answer repeats, so that several may be under way. It comes last in the header and always
takes the same bytes, so that the headers of one step and the next differ in nothing else; ``reader.py`` and ``Encoder`` live on that.
"""

from __future__ import annotations

import struct
from typing import Any, Mapping, NamedTuple

import msgpack
import numpy as np

from .errors import HostError

PROTOCOL_VERSION = 1

MAX_HEADER_BYTES = 1 << 20
MAX_ARRAYS = 64
MAX_DIMENSIONS = 8

DTYPES: Mapping[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "float64": np.dtype("<f8"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "uint8": np.dtype("u1"),
}

_NAMES: Mapping[np.dtype[Any], str] = {dtype: name for name, dtype in DTYPES.items()}
_PADDING = [bytes(size) for size in range(8)]


#: What stands for an id while a header is packed: a tag and four bytes, into which the id is written.
_ANY_ID = 0xFFFFFFFF
ID_BYTES = 4

LENGTH = struct.Struct("<I")
ID = struct.Struct(">I")


class Message(NamedTuple):
    kind: str
    #: The header without kind, version and arrays.
    fields: Mapping[str, Any]
    #: Read-only views into the frame.
    arrays: Mapping[str, np.ndarray[Any, Any]]


def encode(kind: str, fields: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]] | None = None) -> bytes:
    """One frame; each array is copied once, into it."""
    contiguous = {name: array if array.flags.c_contiguous else array.copy() for name, array in (arrays or {}).items()}
    return Encoder(kind, contiguous).encode(fields)


class Encoder:
    """Writes frames of one kind with what the same arrays, which must be contiguous, hold at that time."""

    def __init__(self, kind: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        described: list[list[Any]] = []
        self._buffers: list[Any] = []
        offset = 0
        for name, array in arrays.items():
            described.append([name, _NAMES[array.dtype], array.shape, offset])
            size = _padded(array.nbytes)
            self._buffers.append(memoryview(array))  # is joined faster than the array itself
            if size > array.nbytes:
                self._buffers.append(_PADDING[size - array.nbytes])
            offset += size
        # The first three entries of the header.
        self._opening = _pack({"kind": kind, "version": PROTOCOL_VERSION, "arrays": described})[1:]
        #: How many infos, all empty, were packed last, and the header around the number of an id.
        self._packed, self._beginning, self._ending = -1, b"", b""

    def encode(self, fields: Mapping[str, Any]) -> bytes:
        beginning, ending = self._header(fields)
        number = ID.pack(fields["id"]) if _is_count(fields.get("id")) else b""
        return b"".join([beginning, number, ending, *self._buffers])

    def encode_step(self, request_id: Any, infos: list[dict[str, Any]]) -> bytes:
        """``encode`` of these two fields; most steps have no infos, which are not packed again and again."""
        if not _is_count(request_id) or any(infos):
            return self.encode({"id": request_id, "infos": infos})
        if len(infos) != self._packed:
            self._beginning, self._ending = self._header({"id": request_id, "infos": infos})
            self._packed = len(infos)
        return b"".join([self._beginning, ID.pack(request_id), self._ending, *self._buffers])

    def _header(self, fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """What comes before the number of an id, if there is one, and after it."""
        count = 3 + len(fields)
        if count > _MOST_ENTRIES:
            raise ValueError(f"a message has {len(fields)} fields, more than {_MOST_ENTRIES - 3}")
        others, id_bytes, tag = fields, 0, b""
        if _is_count(fields.get("id")):
            others, id_bytes, tag = {name: value for name, value in fields.items() if name != "id"}, ID_BYTES, _ID_ENTRY
        entries = _pack(others)[1:]
        length = 1 + len(self._opening) + len(entries) + len(tag) + id_bytes
        return b"".join([LENGTH.pack(length), _SMALL_MAPS[count], self._opening, entries, tag]), _PADDING[-(4 + length) & 7]


_pack = msgpack.Packer(use_bin_type=True).pack
#: A msgpack map of few entries is a byte that says how many, and its entries.
_MOST_ENTRIES = 15
_SMALL_MAPS = [bytes([0x80 + count]) for count in range(_MOST_ENTRIES + 1)]
_ID_ENTRY = _pack({"id": _ANY_ID})[1:-ID_BYTES]


def decode(frame: bytes) -> Message:
    """Reads one frame. Every length and shape is checked before anything is made of it.

    Raises HostError ``incompatible`` for another version and for bytes that are no message.
    """
    if len(frame) < 4:
        raise _garbage(f"{len(frame)} bytes are too few for a message")
    (length,) = LENGTH.unpack_from(frame)
    if length > MAX_HEADER_BYTES or length > len(frame) - 4:
        raise _garbage(f"its header claims {length} of {len(frame)} bytes")
    header = unpack_header(frame[4 : 4 + length])
    if not isinstance(header, dict) or not isinstance(header.get("kind"), str) or not _is_count(header.get("version")):
        raise _garbage("its header has no kind and version")
    if header["version"] != PROTOCOL_VERSION:
        raise _other_version(header["version"])
    described = header.pop("arrays", None)
    if not isinstance(described, list) or len(described) > MAX_ARRAYS:
        raise _garbage("its header has no list of arrays")
    start = _padded(4 + length)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for entry in described:
        name, array = _read_array(frame, start, entry)
        if name in arrays:
            raise _garbage(f'it has two arrays "{name}"')
        arrays[name] = array
    del header["version"]
    return Message(header.pop("kind"), header, arrays)


def _read_array(frame: bytes, start: int, entry: Any) -> tuple[str, np.ndarray[Any, Any]]:
    if not isinstance(entry, list) or len(entry) != 4 or not isinstance(entry[0], str):
        raise _garbage("an array is not described by name, dtype, shape and offset")
    name, dtype_name, shape, offset = entry
    dtype = DTYPES.get(dtype_name) if isinstance(dtype_name, str) else None
    if dtype is None:
        raise _garbage(f'array "{name}" has the unknown dtype {dtype_name!r:.40}')
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(_is_count(size) for size in shape):
        raise _garbage(f'array "{name}" has the impossible shape {shape!r:.80}')
    count = 1
    for size in shape:
        count *= size
    if not _is_count(offset) or offset % 8 != 0 or start + offset + count * dtype.itemsize > len(frame):
        raise _garbage(f'array "{name}" {shape} at {offset!r:.40} does not fit into {max(0, len(frame) - start)} bytes')
    return name, np.frombuffer(frame, dtype, count, start + offset).reshape(shape)


#: Stands for what no message has: extension types, and maps with other keys than texts or with one twice.
_STRANGE = object()


def unpack_header(packed: bytes) -> Any:
    """Plain values from msgpack; maps keep the order of their bytes.

    Where unpacking fails in the middle, msgpack never frees what it had made inside of something else; whoever sends garbage would
    fill the memory. So the bytes are looked over first, by a pass that makes nothing, and what is only strange fails afterwards.
    """
    try:
        walker = msgpack.Unpacker(max_buffer_size=MAX_HEADER_BYTES)
        walker.feed(packed)
        walker.skip()
        if walker.tell() != len(packed):
            raise ValueError(f"{len(packed) - walker.tell()} bytes follow its end")
        header = msgpack.unpackb(
            packed,
            raw=False,
            unicode_errors="surrogateescape",
            strict_map_key=False,
            object_pairs_hook=_make_map,
            ext_hook=lambda code, data: _STRANGE,
        )
        _check_plain(header)
        return header
    except Exception as error:  # msgpack raises many kinds; all mean the same here
        raise _garbage(f"its header is not msgpack ({error!r:.200})") from error


def _make_map(pairs: list[tuple[Any, Any]]) -> Any:
    made = dict(pairs) if all(isinstance(key, str) for key, _ in pairs) else {}
    return made if len(made) == len(pairs) else _STRANGE


def _check_plain(value: Any) -> None:
    if isinstance(value, str):
        if not value.isascii():
            value.encode()  # raises where it was no UTF-8
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(key)
            _check_plain(inner)
    elif value is not None and not isinstance(value, (int, float, bytes)):
        raise ValueError("it has a type that no message uses")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFFFFFF


def _padded(size: int) -> int:
    return (size + 7) & ~7


def _garbage(why: str) -> HostError:
    return HostError("incompatible", f"a peer sent something that is no bridge message: {why}", "is it a Baton of this version?")


def _other_version(theirs: int) -> HostError:
    behind = "Baton (the npm package baton-rl)" if theirs < PROTOCOL_VERSION else "this host (the Python package baton_host)"
    return HostError(
        "incompatible",
        f"Baton speaks version {theirs} of the bridge protocol, this host version {PROTOCOL_VERSION}",
        f"upgrade {behind}",
    )
