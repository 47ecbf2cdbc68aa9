"""Plays an environment without the bridge: the reference of bridge.test.ts. Knows nothing of baton_host.

Standard input: {"file", "class", "episodes": [{"seed", "actions": [[...], ...]}]}; standard output: the time steps of each episode.
"""

import importlib.util
import json
import sys
from typing import Any

import numpy as np

NAMES = {"action_mask": "actionMask", "action_targets": "actionTargets"}
METHODS = {"available_actions": "actionMask", "state": "state"}
INTEGERS = {"actionMask", "actionTargets", "alive"}


def time_step(env: Any, obs: Any, reward: float, terminated: bool, truncated: bool, info: dict[str, Any]) -> dict[str, Any]:
    arrays = {NAMES.get(name, name): value for name, value in obs.items()} if isinstance(obs, dict) else {"observations": obs}
    arrays.update({wire: getattr(env, method)() for method, wire in METHODS.items() if hasattr(env, method)})
    flat = {wire: np.asarray(value, int if wire in INTEGERS else np.float32).ravel().tolist() for wire, value in arrays.items()}
    plain = {key: value for key, value in info.items() if isinstance(value, (bool, int, float, str))}
    return {**flat, "reward": float(np.float32(reward)), "terminated": terminated, "truncated": truncated, "info": plain}


def main() -> None:
    task = json.load(sys.stdin)
    spec = importlib.util.spec_from_file_location("game", task["file"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    env = getattr(module, task["class"])()
    episodes = []
    for episode in task["episodes"]:
        steps = [time_step(env, env.reset(episode["seed"]), 0, False, False, {})]
        for actions in episode["actions"]:
            steps.append(time_step(env, *env.step(actions)))
        episodes.append(steps)
    json.dump(episodes, sys.stdout)


main()
