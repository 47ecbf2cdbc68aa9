import unittest

import msgpack
import numpy as np

from baton_host import protocol
from baton_host.errors import HostError
from baton_host.reader import MessageReader

from .write_vectors import FOLDER, frame


def step(request_id: int, first: int, actions: list[int]) -> bytes:
    return protocol.encode("step", {"id": request_id, "first": first}, {"actions": np.array([actions], "int32")})


class Reading(unittest.TestCase):
    def test_like_messages_are_told_apart(self) -> None:
        reader = MessageReader()
        for request_id, first, actions in [(1, 0, [5, 6]), (2, 0, [7, 8]), (70_000, 4, [9, 1]), (2**32 - 1, 0, [0, 3]), (3, 4, [1, 1])]:
            message = reader.read(step(request_id, first, actions))
            self.assertEqual((message.kind, message.fields), ("step", {"id": request_id, "first": first}))
            self.assertEqual(message.arrays["actions"].tolist(), [actions])
            self.assertFalse(message.arrays["actions"].flags.writeable)

    def test_a_known_header_without_its_array_is_refused_as_an_unknown_one_is(self) -> None:
        reader = MessageReader()
        reader.read(step(1, 0, [5, 6]))
        for data in (step(2, 0, [5, 6])[:-1], step(2, 0, [5, 6])[:-9], step(2, 0, [5, 6])[:30]):
            with self.assertRaises(HostError) as known:
                reader.read(data)
            with self.assertRaises(HostError) as unknown:
                protocol.decode(data)
            self.assertEqual(known.exception.message, unknown.exception.message)

    def test_bytes_that_only_look_like_an_id_are_no_id(self) -> None:
        def packed(number: int) -> bytes:
            return b"\xa2id\xce" + number.to_bytes(4, "big")

        makers = {
            "text": lambda number: {"id": number, "who": packed(number)},
            "other key": lambda number: {"id": number, "\u00a2id": number},
            "kind": lambda number: {"id": number, "kind": packed(number)},
        }
        for name, make in makers.items():
            reader = MessageReader()
            for number in (0x41424344, 0x45464748):
                header = {"version": 1, "arrays": [], "kind": "hello"}
                fields = make(number)
                if "kind" in fields:
                    del header["kind"]
                data = frame(msgpack.packb({**header, **fields}))
                with self.subTest(name):
                    self.assertEqual(read_or_refused(reader.read, data), read_or_refused(protocol.decode, data))

    def test_whoever_reads_may_change_what_was_read(self) -> None:
        reader = MessageReader()
        for request_id in (1, 2, 3):
            fields = reader.read(protocol.encode("gym-reset", {"seeds": [1, None], "id": request_id})).fields
            self.assertEqual(fields["seeds"], [1, None])
            fields["seeds"].append(2)

    def test_vectors_read_twice_are_the_same(self) -> None:
        reader = MessageReader()
        for path in [*sorted(FOLDER.glob("*.bin"))] * 2:
            data = path.read_bytes()
            with self.subTest(path.name):
                self.assertEqual(read_or_refused(reader.read, data), read_or_refused(protocol.decode, data))


def read_or_refused(read, data):  # type: ignore[no-untyped-def]
    """What a message says, in a form that can be compared."""
    try:
        message = read(data)
    except HostError as error:
        return error.code, error.message
    arrays = [(name, array.dtype.name, array.shape, array.tobytes()) for name, array in message.arrays.items()]
    return message.kind, message.fields, arrays


if __name__ == "__main__":
    unittest.main()
