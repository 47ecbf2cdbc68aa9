import json
import unittest

import numpy as np

from baton_host import protocol
from baton_host.errors import HostError

from .write_vectors import FOLDER, frame

EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf8"))


class Vectors(unittest.TestCase):
    def test_good_ones_read_as_expected_and_are_written_alike(self) -> None:
        self.assertEqual(len(EXPECTED["good"]), 6)
        for vector in EXPECTED["good"]:
            with self.subTest(vector["file"]):
                data = (FOLDER / vector["file"]).read_bytes()
                message = protocol.decode(data)
                self.assertEqual((message.kind, message.fields), (vector["kind"], vector["fields"]))
                self.assertEqual(list(message.arrays), [array["name"] for array in vector["arrays"]])
                for array in vector["arrays"]:
                    found = message.arrays[array["name"]]
                    self.assertEqual((found.dtype.name, list(found.shape)), (array["dtype"], array["shape"]))
                    self.assertEqual(found.ravel().tolist(), np.array(array["values"], array["dtype"]).tolist())
                self.assertEqual(protocol.encode(message.kind, message.fields, message.arrays), data)

    def test_bad_ones_are_refused_in_a_sentence(self) -> None:
        for vector in EXPECTED["bad"]:
            with self.subTest(vector["file"]), self.assertRaises(HostError) as caught:
                protocol.decode((FOLDER / vector["file"]).read_bytes())
            self.assertEqual(caught.exception.code, "incompatible")
            self.assertIn(vector["says"], caught.exception.message)


class Steps(unittest.TestCase):
    def test_are_written_like_any_message(self) -> None:
        reward = np.zeros(2, "float32")
        encoder = protocol.Encoder("timestep", {"reward": reward})
        for request_id in (1, 70_000, None):
            for infos in ([{}, {}], [{"won": True}, {}], [{}], [], [{}, {}]):
                reward += 1
                fields = {"id": request_id, "infos": infos}
                message = protocol.decode(encoder.encode_step(request_id, infos))
                self.assertEqual((message.kind, message.fields), ("timestep", fields))
                self.assertEqual(message.arrays["reward"].tolist(), reward.tolist())
                self.assertEqual(encoder.encode_step(request_id, infos), encoder.encode(fields))


class Decoding(unittest.TestCase):
    def test_arrays_are_views(self) -> None:
        array = protocol.decode(protocol.encode("step", {"id": 1}, {"actions": np.zeros((2, 2), "int32")})).arrays["actions"]
        self.assertFalse(array.flags.owndata)
        self.assertFalse(array.flags.writeable)

    def test_a_version_mismatch_says_who_must_upgrade(self) -> None:
        with self.assertRaisesRegex(HostError, "Baton speaks version 0 .* this host version 1") as caught:
            protocol.decode(frame({"kind": "hello", "version": 0}))
        self.assertIn("upgrade Baton", caught.exception.hint)
        with self.assertRaises(HostError) as caught:
            protocol.decode(frame({"kind": "hello", "version": 7}))
        self.assertIn("upgrade this host", caught.exception.hint)


if __name__ == "__main__":
    unittest.main()
