import contextlib
import io
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import zmq

from baton_host import protocol
from baton_host.__main__ import main
from baton_host.batch import Batch
from baton_host.adapters.custom import CustomEnvironment
from baton_host.errors import HostError
from baton_host.server import Server, fault

from .games import Troubled
from .write_vectors import frame

GAMES = str(Path(__file__).parent / "games.py")


@contextlib.contextmanager
def served(batch: Batch | None = None) -> Iterator[Any]:
    """A function that asks a running server and returns its decoded answer."""
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        endpoint = f"ipc://{folder}/host"
        server = Server(batch or Batch([CustomEnvironment(Troubled, "lights")]), endpoint)
        stop = threading.Event()
        thread = threading.Thread(target=server.serve, args=[stop])
        thread.start()
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.connect(endpoint)

        def ask(*frames: bytes) -> protocol.Message:
            socket.send_multipart(frames)
            return protocol.decode(socket.recv())

        try:
            yield ask
        finally:
            socket.close(0)
            stop.set()
            thread.join()
            server.close()


class Faults(unittest.TestCase):
    def test_whatever_a_simulator_says_can_be_sent(self) -> None:
        said = "no map \udcff " + "x" * (protocol.MAX_HEADER_BYTES + 1)
        sent = protocol.decode(fault(1, HostError("environment", said, said[:8], said)))
        self.assertEqual((sent.kind, sent.fields["id"], sent.fields["hint"]), ("fault", 1, "no map \\udcff"))
        self.assertTrue(sent.fields["message"].startswith("no map \\udcff xx"))


class Serving(unittest.TestCase):
    def test_a_conversation(self) -> None:
        one = np.zeros(1, "int32")
        with served() as ask:
            welcome = ask(protocol.encode("hello", {"id": 1}))
            self.assertEqual((welcome.kind, welcome.fields["id"], welcome.fields["fields"]), ("welcome", 1, ["observations"]))
            first = ask(protocol.encode("reset", {"id": 2}, {"copies": one, "seeds": np.array([3], "int64")}))
            self.assertEqual(first.arrays["observations"].tolist(), [[[0.5], [3.0]]])
            second = ask(protocol.encode("step", {"id": 3}, {"actions": np.array([[0, 1]], "int32")}))
            self.assertEqual((second.kind, second.fields, second.arrays["reward"].tolist()), ("timestep", {"id": 3, "infos": [{}]}, [1.0]))

    def test_mistakes_are_answered_with_faults_and_serving_goes_on(self) -> None:
        with served() as ask:
            cases = {
                "no bridge message": [b"garbage!"],
                "one frame, not 2": [b"", b""],
                'does not know the request "dance"': [protocol.encode("dance", {"id": 4})],
                'array "actions" of a step is missing': [protocol.encode("step", {"id": 4})],
                'array "actions" of a step is float32 [1]': [protocol.encode("step", {"id": 4}, {"actions": np.zeros(1, "float32")})],
                "version 9": [frame({"kind": "hello", "version": 9, "id": 4})],
            }
            for says, frames in cases.items():
                with self.subTest(says):
                    answer = ask(*frames)
                    self.assertEqual((answer.kind, answer.fields["code"]), ("fault", "incompatible"))
                    self.assertIn(says, answer.fields["message"])
            ask(protocol.encode("reset", {"id": 5}, {"copies": np.zeros(1, "int32"), "seeds": np.zeros(1, "int64")}))
            fault = ask(protocol.encode("step", {"id": 6}, {"actions": np.array([[1, 0]], "int32")}))
            self.assertEqual((fault.fields["id"], fault.fields["code"]), (6, "environment"))
            self.assertIn('raise ValueError("the lights went out")', fault.fields["trace"])
            self.assertEqual(ask(protocol.encode("hello", {"id": 7})).kind, "welcome")

    def test_steps_that_look_like_the_one_before_are_played_and_judged_anew(self) -> None:
        class Sums:
            """The reward is the sum of what both agents chose; after a 3 of agent 1 nobody may choose 3."""

            n_agents, n_actions, episode_limit = 2, 4, 100

            def reset(self, seed: int) -> list[list[float]]:
                self.last = [0, 0]
                return self.observations()

            def observations(self) -> list[list[float]]:
                return [[float(action)] for action in self.last]

            def available_actions(self) -> list[list[int]]:
                return [[1, 1, 1, int(self.last[1] != 3)]] * 2

            def step(self, actions: list[int]) -> tuple[list[list[float]], float, bool, bool, dict[str, Any]]:
                self.last = actions
                return self.observations(), float(sum(actions)), False, False, {}

        with served(Batch([CustomEnvironment(Sums, "sums") for _ in range(3)])) as ask:
            ask(protocol.encode("reset", {"id": 1}, {"copies": np.arange(3, dtype="int32"), "seeds": np.arange(3, dtype="int64")}))

            def step(request_id: int, first: int, actions: list[list[int]]) -> protocol.Message:
                return ask(protocol.encode("step", {"first": first, "id": request_id}, {"actions": np.array(actions, "int32")}))

            plays = [(0, [[0, 1], [2, 3]]), (2, [[1, 1]]), (0, [[2, 2], [1, 2]]), (2, [[3, 0]]), (1, [[0, 1], [2, 3]]), (2, [[1, 2]])]
            for request_id, (first, actions) in enumerate(plays, 2):
                answer = step(request_id, first, actions)
                self.assertEqual((answer.kind, answer.fields["id"]), ("timestep", request_id))
                self.assertEqual(answer.arrays["reward"].tolist(), [sum(both) for both in actions])
                self.assertEqual(answer.arrays["observations"].tolist(), [[[float(one)] for one in both] for both in actions])
            step(8, 2, [[0, 3]])
            for request_id in (9, 10):
                fault = step(request_id, 2, [[3, 0]])
                self.assertEqual((fault.kind, fault.fields["id"], fault.fields["code"]), ("fault", request_id, "invalid-value"))
                self.assertIn("copy 2 of sums: agent 0 may not choose action 3", fault.fields["message"])
            cut = protocol.encode("step", {"first": 0, "id": 11}, {"actions": np.zeros((2, 2), "int32")})[:-8]
            self.assertIn("does not fit", ask(cut).fields["message"])
            self.assertEqual(step(12, 0, [[1, 1], [1, 1]]).kind, "timestep")


class Starting(unittest.TestCase):
    def test_mistakes_are_sentences_on_standard_error(self) -> None:
        good = {"--env": f"{GAMES}:Lights", "--bind": "ipc:///nowhere/at/all"}
        cases: dict[str, dict[str, str]] = {
            'unknown-name: there is no Python module "nosuchmodule"': {"--env": "nosuchmodule:Class"},
            'hint: did you mean "Lights"?': {"--env": f"{GAMES}:Ligts"},
            'there is no Python file "nothing.py"': {"--env": "nothing.py:Class"},
            '"module" names no Python class': {"--env": "module"},
            "invalid-value: --copies is 0": {"--copies": "0"},
            "--options is [1], but must be a JSON object": {"--options": "[1]"},
            "cannot be made: TypeError": {"--options": '{"colour": "red"}'},
            "--bind is tcp://0.0.0.0:5555, which others can reach": {"--bind": "tcp://0.0.0.0:5555"},
            "io: cannot bind ipc:///nowhere/at/all": {},
        }
        for says, change in cases.items():
            with self.subTest(says), contextlib.redirect_stderr(io.StringIO()) as said:
                arguments = [part for pair in {**good, **change}.items() for part in pair]
                self.assertEqual(main(arguments), 1)
                self.assertIn(says, said.getvalue())
                self.assertTrue(said.getvalue().startswith("baton_host: "))

    def test_a_module_that_needs_another_says_which(self) -> None:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()) as said:
            Path(folder, "needy.py").write_text("import nosuchsimulator.core\n", encoding="utf8")
            self.assertEqual(main(["--env", f"{folder}/needy.py:Game", "--bind", f"ipc://{folder}/host"]), 1)
        self.assertIn('missing-dependency: the Python package "nosuchsimulator" is not installed', said.getvalue())
        self.assertIn("-m pip install nosuchsimulator", said.getvalue())


if __name__ == "__main__":
    unittest.main()
