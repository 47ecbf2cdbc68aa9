"""Finds the class that ``module:Class`` or ``file.py:Class`` names."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from typing import Any, Callable

from .errors import HostError, unknown_name, user_fault
from .packages import missing_package


def load_class(location: str) -> Callable[..., Any]:
    """The callable that makes one copy.

    Raises HostError ``unknown-name`` (no such module or class), ``missing-dependency`` (the module needs another that is not
    installed) or ``environment`` (importing it fails).
    """
    module_name, colon, class_name = location.rpartition(":")
    if not colon or not module_name or not class_name:
        raise HostError("invalid-value", f'"{location}" names no Python class', "write module:Class or path/to/file.py:Class")
    if module_name.endswith(".py"):
        if not os.path.isfile(module_name):
            raise HostError("unknown-name", f'there is no Python file "{module_name}"', f"looked in {os.getcwd()}")
        folder, file = os.path.split(os.path.abspath(module_name))
        sys.path.insert(0, folder)
        module_name = file[: -len(".py")]
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing and (module_name == missing or module_name.startswith(f"{missing}.")):
            hint = f"looked in {', '.join(sys.path)}; other folders come with PYTHONPATH"
            raise HostError("unknown-name", f'there is no Python module "{module_name}"', hint) from None
        raise missing_package(missing, f'the module "{module_name}"') from error
    except Exception as error:
        raise user_fault(f'the Python module "{module_name}" cannot be imported', error) from error
    made = getattr(module, class_name, None)
    if callable(made):
        return made  # type: ignore[no-any-return]
    classes = [name for name, value in vars(module).items() if inspect.isclass(value) and value.__module__ == module.__name__]
    raise unknown_name(f'the Python module "{module_name}" has no class "{class_name}"', class_name, classes)
