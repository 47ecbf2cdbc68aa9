"""The command: ``python3 -m baton_host --env SPEC --copies K --bind ENDPOINT``; ``adapters`` lists what SPEC may be."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Sequence

from .endpoint import check_endpoint, remove_endpoint
from .errors import HostError
from .init import give_way_to_child
from .packages import missing_package

if TYPE_CHECKING:
    from .keys import HostKeys
    from .server import Server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until a signal, or the end of the parent; returns the exit code. A mistake is one sentence on standard error."""
    options = parser().parse_args(arguments)
    return guarded(lambda: _serve(options))


def guarded(serve: Callable[[], int]) -> int:
    """What ``serve`` returns, once the packages that it needs are there. A mistake is one sentence on standard error, and 1."""
    try:
        _check_packages()
        return serve()
    except HostError as error:
        # The last lines, in this form, are what Baton shows when its host does not start.
        hint = f"\nhint: {error.hint}" if error.hint else ""
        trace = f"\n{error.trace}" if error.trace else ""
        print(f"baton_host: {error.code}: {error.message}{trace}{hint}", file=sys.stderr, flush=True)
        return 1


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="baton_host", description="Serves a Python simulator to Baton.")
    specs = "smac:MAP, smaclite:MAP, football:SCENARIO, pettingzoo:MODULE, gymnasium:ID, module:Class or path/to/file.py:Class"
    parser.add_argument("--env", required=True, help=specs)
    parser.add_argument("--copies", type=int, default=1, help="copies stepped together (default 1)")
    parser.add_argument("--bind", required=True, help="ipc:///path/to/socket, or tcp://ADDRESS:PORT")
    parser.add_argument(
        "--options", default="{}", help="options of the adapter, or keyword arguments for the class: a JSON object (default {})"
    )
    parser.add_argument("--lend", action="store_true", help="lend each peer copies of its own, at most --copies at once")
    parser.add_argument("--keys", help="host.json of `baton simulators keys`: only peers with these keys are answered")
    parser.add_argument("--gym", action="store_true", help="--env is an id of Baton's gym; serve it with its own spaces")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends, and remove the socket's folder")
    return parser


def _check_packages() -> None:
    for module in ("numpy", "zmq", "msgpack"):
        try:
            __import__(module)
        except ModuleNotFoundError as error:
            raise missing_package(error.name or module, "baton_host") from None


def _serve(options: argparse.Namespace) -> int:
    # Only now: these need the packages that were just looked for.
    import zmq

    from .keys import load_keys
    from .parent import watch_parent

    stop = threading.Event()
    if options.with_parent:
        watch_parent(stop, options.bind)
    _stop_on_signals(stop)
    keys = load_keys(options.keys)
    check_endpoint(options.bind, guarded=keys is not None)
    keywords = _keywords(options.options)
    if options.copies < 1:
        raise HostError("invalid-value", f"--copies is {options.copies}, but must be at least 1")
    try:
        server = _make_server(options, keywords, keys)
    except zmq.ZMQError as error:
        raise HostError("io", f"cannot bind {options.bind}: {error}") from error
    try:
        server.serve(stop)
    finally:
        server.close()
        remove_endpoint(options.bind, with_folder=options.with_parent)
    return 0


def _make_server(options: argparse.Namespace, keywords: dict[str, Any], keys: HostKeys | None) -> Server:
    if options.gym:
        from .gym import GymBatch, GymServer
        from .gym_loading import gym_maker

        return GymServer(GymBatch(gym_maker(options.env, keywords), options.env, options.copies), options.bind, keys)
    from .adapters import open_spec
    from .batch import Batch
    from .server import Server

    make = open_spec(options.env, keywords)
    if options.lend:
        from .lending import LendingServer

        return LendingServer(make, options.copies, options.bind, keys)
    return Server(Batch.of(make, options.copies), options.bind, keys)


def _stop_on_signals(stop: threading.Event) -> None:
    def handle(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # whoever asks twice does not want to wait for the simulator

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _keywords(text: str) -> dict[str, Any]:
    try:
        keywords = json.loads(text)
    except ValueError:
        keywords = None
    if isinstance(keywords, dict):
        return keywords
    raise HostError("invalid-value", f"--options is {text:.80}, but must be a JSON object")


if __name__ == "__main__":
    give_way_to_child()
    sys.exit(main())
