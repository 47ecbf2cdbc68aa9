"""Finds the environment that an id of Baton's gym names."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Callable, Mapping

from .errors import HostError, user_fault
from .loading import load_class
from .packages import missing_package

#: Modules in which PettingZoo's own environments may lie, from `butterfly/pistonball_v6` on.
_PETTINGZOO = ("", "pettingzoo.")


def gym_maker(env_id: str, keywords: Mapping[str, Any]) -> Callable[[], Any]:
    """What makes one copy of the environment.

    ``env_id`` is a class of the user's own (``module:Class``, ``file.py:Class``), the id of a Gymnasium environment
    (``CartPole-v1``, or ``module:Id-v0``, which imports the module first), or the module of a PettingZoo Parallel environment
    (``pettingzoo.butterfly.pistonball_v6``, ``butterfly/pistonball_v6``, ``mpe2.simple_spread_v3``).
    """
    module, colon, name = env_id.rpartition(":")
    if colon and (module.endswith(".py") or name.isidentifier()):
        made = load_class(env_id)
        return lambda: made(**keywords)
    if not colon:
        parallel = parallel_maker(env_id)
        if parallel is not None:
            return lambda: parallel(**keywords)
    return gymnasium_maker(env_id, keywords)


def parallel_maker(env_id: str) -> Callable[..., Any] | None:
    """The maker of a module that has PettingZoo's `parallel_env`; None when there is no such module."""
    path = env_id.replace("/", ".")
    if not all(part.isidentifier() for part in path.split(".")):
        return None
    for prefix in _PETTINGZOO:
        name = prefix + path
        try:
            if importlib.util.find_spec(name) is None:
                continue
        except ModuleNotFoundError:
            continue
        except Exception as error:
            raise user_fault(f'the Python module "{name}" cannot be imported', error) from error
        try:
            made = getattr(importlib.import_module(name), "parallel_env", None)
        except ModuleNotFoundError as error:
            raise missing_package(error.name or name, f'the module "{name}"') from error
        except Exception as error:
            raise user_fault(f'the Python module "{name}" cannot be imported', error) from error
        if callable(made):
            return made  # type: ignore[no-any-return]
        if "." in path:
            raise HostError("environment", f'the Python module "{name}" has no parallel_env: it is no PettingZoo Parallel environment')
    return None


def gymnasium_maker(env_id: str, keywords: Mapping[str, Any]) -> Callable[[], Any]:
    """What makes one copy of a registered environment; importing Gymnasium, or the module before the colon, may fail."""
    try:
        gymnasium = importlib.import_module("gymnasium")
    except ModuleNotFoundError as error:
        raise missing_package(error.name or "gymnasium", f'"{env_id}"') from error

    def make() -> Any:
        try:
            return gymnasium.make(env_id, **keywords)
        except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
            raise HostError("unknown-name", str(error), "python3 -c 'import gymnasium; gymnasium.pprint_registry()' lists them") from None
        except gymnasium.error.DependencyNotInstalled as error:
            raise HostError("missing-dependency", f"{env_id}: {error}") from None
        except ModuleNotFoundError as error:
            raise missing_package(error.name or "", f'"{env_id}"') from error

    return make
