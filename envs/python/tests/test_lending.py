import contextlib
import io
import tempfile
import threading
import time
import unittest
from typing import Any, Iterator

import numpy as np
import zmq

from baton_host import lending, protocol
from baton_host.adapters import open_spec
from baton_host.lending import LendingServer

MODULE = __package__ + ".games"


class Peer:
    def __init__(self, context: Any, endpoint: str) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RCVTIMEO, 10_000)
        self.socket.connect(endpoint)
        self.asked = 0

    def ask(self, kind: str, fields: dict[str, Any] | None = None, **arrays: Any) -> protocol.Message:
        self.asked += 1
        self.socket.send(protocol.encode(kind, {"id": self.asked, **(fields or {})}, arrays))
        while True:
            answer = protocol.decode(self.socket.recv())
            if answer.fields["id"] == self.asked:
                return answer

    def reset(self, seed: int) -> Any:
        return self.ask("reset", copies=np.zeros(1, "int32"), seeds=np.array([seed], "int64")).arrays["observations"].tolist()


@contextlib.contextmanager
def lender(most: int) -> Iterator[tuple[Any, LendingServer]]:
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context, contextlib.redirect_stdout(io.StringIO()) as said:
        endpoint = f"ipc://{folder}/host"
        server = LendingServer(open_spec(f"{MODULE}:Lights", {}), most, endpoint)
        assert said.getvalue().startswith(f"baton_host: ready at {endpoint}: {most} copies of"), said.getvalue()
        stop = threading.Event()
        thread = threading.Thread(target=server.serve, args=[stop])
        thread.start()
        peers: list[Peer] = []

        def peer() -> Peer:
            peers.append(Peer(context, endpoint))
            return peers[-1]

        try:
            yield peer, server
        finally:
            for made in peers:
                made.socket.close(0)
            stop.set()
            thread.join()
            server.close()


class Lending(unittest.TestCase):
    def test_each_peer_has_copies_of_its_own(self) -> None:
        with lender(3) as (peer, _):
            one, other = peer(), peer()
            self.assertEqual(one.ask("hello", {"copies": 2}).fields["copies"], 2)
            self.assertEqual(other.ask("hello", {"copies": 1}).fields["copies"], 1)
            self.assertEqual(one.ask("hello").fields["copies"], 2)
            self.assertNotEqual(one.reset(3), other.reset(4))
            # Nobody else's episode is disturbed by another's reset.
            other.reset(5)
            answer = other.ask("step", actions=np.zeros((1, 2), "int32"))
            self.assertEqual(answer.kind, "timestep", answer.fields)

    def test_no_more_is_lent_than_there_is_and_what_is_given_back_is_lent_anew(self) -> None:
        with lender(3) as (peer, server):
            first = peer()
            first.ask("hello", {"copies": 2})
            second = peer()
            refused = second.ask("hello", {"copies": 2})
            self.assertIn("2 copies are asked of a host that lends 3, 2 of which are lent already", refused.fields["message"])
            self.assertEqual(second.ask("hello", {"copies": 0}).kind, "fault")
            first.socket.close(0)
            deadline = time.monotonic() + 10
            while second.ask("hello", {"copies": 3}).kind == "fault":
                self.assertLess(time.monotonic(), deadline, "the copies never came back")
                time.sleep(0.02)

    def test_copies_come_back_without_anybody_asking(self) -> None:
        period, lending._PERIOD = lending._PERIOD, 0.1
        try:
            with lender(1) as (peer, server):
                gone = peer()
                gone.ask("hello")
                gone.socket.close(0)
                deadline = time.monotonic() + 10
                while server._lent:
                    self.assertLess(time.monotonic(), deadline, "the copies never came back")
                    time.sleep(0.02)
        finally:
            lending._PERIOD = period

    def test_who_has_not_said_hello_has_nothing(self) -> None:
        with lender(1) as (peer, _):
            stranger = peer()
            answer = stranger.ask("step", actions=np.zeros((1, 2), "int32"))
            self.assertEqual((answer.kind, answer.fields["code"]), ("fault", "io"))
            stranger.socket.send(b"nonsense")
            answer = protocol.decode(stranger.socket.recv())
            self.assertEqual((answer.kind, answer.fields["id"], answer.fields["code"]), ("fault", None, "incompatible"))


if __name__ == "__main__":
    unittest.main()
