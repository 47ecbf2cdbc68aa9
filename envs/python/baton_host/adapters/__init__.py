"""One small file for each kind of simulator, and the way from a SPEC such as ``smaclite:3m`` to environments.

========================= ============================================================================================
SPEC                      serves
========================= ============================================================================================
``smac:MAP``              StarCraft II through SMAC, or SMACv2 for its ``10gen_*`` maps
``smaclite:MAP``          SMAClite; MAP may be the path of a scenario file (``.json``)
``football:SCENARIO``     Google Research Football
``pettingzoo:MODULE``     a Parallel environment of PettingZoo, e.g. ``mpe2.simple_spread_v3``
``gymnasium:ID``          a Gymnasium environment with one agent or a tuple of them, e.g. ``lbforaging:Foraging-8x8-2p-2f-v3``
``module:Class``          a class of the user's own; also ``path/to/file.py:Class``
========================= ============================================================================================

Each adapter module has ``opener(member, options)``, which looks for the simulator and gives a function that makes one copy.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any, Callable, Mapping

from ..environment import Environment
from ..errors import HostError, unknown_name

#: Adapters that a SPEC names; every other SPEC is a class of the user's own.
NAMED = ("smac", "smaclite", "football", "pettingzoo", "gymnasium")


def open_spec(spec: str, options: Mapping[str, Any]) -> Callable[[], Environment]:
    """The function that makes one copy of what ``spec`` names.

    Raises HostError ``missing-dependency`` (with the command that installs the simulator), ``unknown-name``, ``invalid-value``.
    """
    name, colon, member = spec.partition(":")
    if colon and name in NAMED:
        if not member:
            raise HostError("invalid-value", f'"{spec}" names no environment', f"write {name}:NAME")
        opener = importlib.import_module(f".{name}", __package__).opener
        _check_options(name, opener, options)
        return opener(member, **options)  # type: ignore[no-any-return]
    from .custom import opener as open_custom

    return open_custom(spec, options)


def _check_options(name: str, opener: Callable[..., Any], options: Mapping[str, Any]) -> None:
    parameters = list(inspect.signature(opener).parameters.values())[1:]
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [parameter.name for parameter in parameters]
    for option in options:
        if option not in known:
            raise unknown_name(f'the adapter "{name}" has no option "{option}"', option, known)
