"""Gymnasium and PettingZoo Parallel environments with their own spaces, for the gym of Baton's JavaScript side.

Requests and answers, framed as in ``protocol.py``; K copies, P agents of a multi-agent environment:

============ ===============================================================================================
gym-hello    autoreset: "disabled", "next-step" or "same-step" (Gymnasium's AutoresetMode)
gym-welcome  name, copies, observationSpace, actionSpace, agents (or nil), renderModes, renderFps, [bounds]
gym-reset    seeds (a list of K whole numbers or nils), options (or nil)
gym-step     agents (who acts, for each copy; or nil), [the actions' buffers]
gym-state    infos, agents, present, finals, [the observations' buffers, reward, terminated, truncated [K] or [K, P];
             finals.* the last observations of copies that were reset in the same step]
gym-render   —
gym-frames   text (or nil), [frames uint8]
============ ===============================================================================================
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from . import protocol
from .errors import HostError, user_fault
from .plain import plain_info
from .server import Server
from .spaces import Bounds, Dict, Layout, describe

Answer = tuple[str, dict[str, Any], dict[str, np.ndarray[Any, Any]]]

_AUTORESETS = ("disabled", "next-step", "same-step")


class GymBatch:
    """K copies behind the requests above. A multi-agent environment's values are Dicts with a key for each agent."""

    def __init__(self, make: Callable[[], Any], name: str, copies: int) -> None:
        self.name = name
        self.copies = copies
        # What `Server` asks of a batch.
        self.spec = SimpleNamespace(id=name)
        self._envs: list[Any] = []
        try:
            for _ in range(copies):
                self._envs.append(make())
        except HostError:
            raise
        except Exception as error:
            raise user_fault(f"{name} cannot be made", error) from error
        env = self._envs[0]
        possible = getattr(env, "possible_agents", None)
        #: Every agent that may ever act; None in a single-agent environment.
        self.agents = [str(agent) for agent in possible] if possible is not None else None
        self._bounds = Bounds()
        self._described = [describe(space, self._bounds) for space in self._spaces(env)]
        self._observations = Layout(self._described[0], copies)
        self._finals = Layout(self._described[0], copies)
        self._actions = Layout(self._described[1], copies)
        shape = (copies,) if self.agents is None else (copies, len(self.agents))
        self._reward = np.zeros(shape, "float64")
        self._ends = {name: np.zeros(shape, "uint8") for name in ("terminated", "truncated")}
        self._present: list[list[str]] = [[] for _ in range(copies)]
        self._over = [False] * copies
        self._autoreset = "disabled"

    def answer(self, message: protocol.Message) -> Answer:
        fields = message.fields
        if message.kind == "gym-hello":
            return self._welcome(fields.get("autoreset"))
        if message.kind == "gym-reset":
            return self._reset(fields.get("seeds"), fields.get("options"))
        if message.kind == "gym-step":
            return self._step(fields.get("agents"), message.arrays)
        if message.kind == "gym-render":
            return self._render()
        raise HostError("incompatible", f'this host does not know the request "{message.kind:.40}"')

    def close(self) -> None:
        for env in self._envs:
            if callable(getattr(env, "close", None)):
                env.close()

    def _spaces(self, env: Any) -> tuple[Any, Any]:
        if self.agents is None:
            return env.observation_space, env.action_space
        return (
            Dict({agent: env.observation_space(agent) for agent in self.agents}),
            Dict({agent: env.action_space(agent) for agent in self.agents}),
        )

    def _welcome(self, autoreset: Any) -> Answer:
        if autoreset not in _AUTORESETS:
            raise HostError("incompatible", f"autoreset is {autoreset!r:.40}, but must be one of {', '.join(_AUTORESETS)}")
        self._autoreset = autoreset
        metadata = getattr(self._envs[0], "metadata", None) or {}
        fields = {
            "name": self.name,
            "copies": self.copies,
            "observationSpace": self._described[0],
            "actionSpace": self._described[1],
            "agents": self.agents,
            "renderModes": [str(mode) for mode in metadata.get("render_modes", [])],
            "renderFps": metadata.get("render_fps"),
        }
        return "gym-welcome", fields, {"bounds": self._bounds.array()}

    def _reset(self, seeds: Any, options: Any) -> Answer:
        if not isinstance(seeds, list) or len(seeds) != self.copies:
            raise HostError("incompatible", f"a reset of {self.copies} copies needs as many seeds")
        infos = [self._reset_copy(copy, seed, options) for copy, seed in enumerate(seeds)]
        return self._state(infos, [])

    def _reset_copy(self, copy: int, seed: Any, options: Any) -> Mapping[str, Any]:
        given = self._call(copy, "reset", lambda env: env.reset(seed=seed, options=options))
        if not isinstance(given, tuple) or len(given) != 2:
            raise self._broken(copy, f"reset returned {type(given).__name__}, not (observation, info)")
        self._put(self._observations, copy, given[0])
        self._over[copy] = False
        for array in (self._reward, *self._ends.values()):
            array[copy] = 0
        return plain_info(given[1])

    def _step(self, agents: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Answer:
        self._actions.load(arrays)
        infos: list[Mapping[str, Any]] = []
        finals: list[int] = []
        for copy in range(self.copies):
            if self._over[copy] and self._autoreset == "next-step":
                infos.append(self._reset_copy(copy, None, None))
                continue
            info = self._step_copy(copy, agents[copy] if self.agents is not None else None)
            if self._over[copy] and self._autoreset == "same-step":
                info = self._restart(copy, info)
                finals.append(copy)
            infos.append(info)
        return self._state(infos, finals)

    def _step_copy(self, copy: int, acting: Any) -> Mapping[str, Any]:
        action = self._actions.read(copy)
        if acting is not None:
            action = {agent: action[agent] for agent in acting}
        given = self._call(copy, "step", lambda env: env.step(action))
        if not isinstance(given, tuple) or len(given) != 5:
            raise self._broken(copy, "step did not return (observation, reward, terminated, truncated, info)")
        observation, reward, terminated, truncated, info = given
        self._put(self._observations, copy, observation)
        if self.agents is None:
            self._reward[copy], self._ends["terminated"][copy], self._ends["truncated"][copy] = reward, terminated, truncated
            self._over[copy] = bool(terminated or truncated)
        else:
            for place, agent in enumerate(self.agents):
                self._reward[copy, place] = reward.get(agent, 0)
                self._ends["terminated"][copy, place] = terminated.get(agent, False)
                self._ends["truncated"][copy, place] = truncated.get(agent, False)
            self._over[copy] = not self._envs[copy].agents
        return plain_info(info)

    def _restart(self, copy: int, info: Mapping[str, Any]) -> Mapping[str, Any]:
        """Starts the next episode but lets its caller see how the last one ended."""
        kept = {name: array[copy].copy() for name, array in (("reward", self._reward), *self._ends.items())}
        self._finals.write(copy, self._value(self._observations, copy), missing=True)
        first = self._reset_copy(copy, None, None)
        self._reward[copy] = kept["reward"]
        for name, array in self._ends.items():
            array[copy] = kept[name]
        return {**first, "final_info": dict(info)}

    def _value(self, layout: Layout, copy: int) -> Any:
        value = layout.read(copy)
        return value if self.agents is None else {agent: value[agent] for agent in self._present[copy]}

    def _state(self, infos: Sequence[Mapping[str, Any]], finals: Sequence[int]) -> Answer:
        arrays = {**self._observations.buffers, "reward": self._reward, **self._ends}
        if finals:
            arrays |= {f"finals.{wire}": buffer for wire, buffer in self._finals.buffers.items()}
        live = None if self.agents is None else [[str(agent) for agent in env.agents] for env in self._envs]
        present = None if self.agents is None else self._present
        return "gym-state", {"infos": list(infos), "agents": live, "present": present, "finals": list(finals)}, arrays

    def _render(self) -> Answer:
        frames = [self._call(copy, "render", lambda env: env.render()) for copy in range(self.copies)]
        if all(isinstance(frame, str) for frame in frames):
            return "gym-frames", {"text": frames}, {}
        if any(frame is None for frame in frames):
            return "gym-frames", {"text": None}, {}
        return "gym-frames", {"text": None}, {"frames": np.ascontiguousarray(np.stack([np.asarray(f, "uint8") for f in frames]))}

    def _put(self, layout: Layout, copy: int, observation: Any) -> None:
        if self.agents is not None:
            self._present[copy] = [agent for agent in self.agents if agent in observation]
        try:
            layout.write(copy, observation, missing=self.agents is not None)
        except (TypeError, ValueError, KeyError) as error:
            raise user_fault(f"copy {copy} of {self.name}: its observation does not fit its observation space", error) from error

    def _call(self, copy: int, method: str, call: Callable[[Any], Any]) -> Any:
        try:
            return call(self._envs[copy])
        except Exception as error:
            raise user_fault(f"copy {copy} of {self.name}: {method} failed", error) from error

    def _broken(self, copy: int, what: str) -> HostError:
        return HostError("environment", f"copy {copy} of {self.name}: {what}")


class GymServer(Server):
    """The server of ``protocol.py``'s frames, for the requests above."""

    def __init__(self, gym: GymBatch, *arguments: Any, **keywords: Any) -> None:
        super().__init__(gym, *arguments, **keywords)  # type: ignore[arg-type]
        self._gym = gym

    def _dispatch(self, message: protocol.Message, request_id: Any) -> bytes:
        kind, fields, arrays = self._gym.answer(message)
        return protocol.encode(kind, {"id": request_id, **fields}, arrays)
