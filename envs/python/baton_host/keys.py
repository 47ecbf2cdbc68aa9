"""CURVE keys: without them nobody but this machine may reach a host; ``baton simulators keys`` makes them (src/bridge/keys.ts)."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Mapping

import zmq

from .endpoint import KEYS_COMMAND
from .errors import HostError

#: Holds the content of host.json where a file would be in the way: in containers.
KEYS_VARIABLE = "BATON_HOST_KEYS"


@dataclass(frozen=True, repr=False)
class HostKeys:
    """A host's own pair, and the public keys of those that it answers."""

    public: bytes
    secret: bytes
    clients: frozenset[bytes]


def load_keys(path: str | None) -> HostKeys | None:
    """The keys in a file, or else in the environment; None where neither is given. Raises HostError ``io`` or ``invalid-file``."""
    if path is None:
        text = os.environ.pop(KEYS_VARIABLE, None)  # simulators that are started from here shall not see it
        return None if text is None else _parse(text, KEYS_VARIABLE)
    try:
        with open(path, encoding="utf8") as file:
            text = file.read()
    except OSError as error:
        raise HostError("io", f"the keys cannot be read: {error}", f'make them with "{KEYS_COMMAND}"') from None
    return _parse(text, path)


class Guard:
    """Encrypts a socket and answers only those whose key is known: others get nothing, not even a refusal in words."""

    def __init__(self, context: zmq.Context[Any], socket: zmq.Socket[Any], keys: HostKeys) -> None:
        from zmq.auth.thread import ThreadAuthenticator

        socket.curve_server = True
        socket.curve_publickey = keys.public
        socket.curve_secretkey = keys.secret
        self._keys = keys
        # Before the socket is bound: a peer that comes earlier would not be asked.
        self._authenticator = ThreadAuthenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(domain="*", credentials_provider=self)

    def callback(self, domain: str, key: bytes) -> bool:
        """Called by the authenticator for each peer."""
        return key in self._keys.clients

    def stop(self) -> None:
        self._authenticator.stop()


def _parse(text: str, where: str) -> HostKeys:
    try:
        fields: Mapping[str, Any] = json.loads(text)
        keys = HostKeys(
            _key(fields["publicKey"]), _key(fields["secretKey"]), frozenset(_key(client) for client in fields["clients"])
        )
        if fields["role"] == "host" and keys.clients:
            return keys
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # the content is secret: nothing of it is shown
    raise HostError("invalid-file", f'{where} is no host.json of "{KEYS_COMMAND}"', f'make keys with "{KEYS_COMMAND}"')


def _key(text: str) -> bytes:
    from zmq.utils import z85

    if len(text) != 40 or len(z85.decode(text.encode("ascii"))) != 32:
        raise ValueError
    return text.encode("ascii")
