"""Finds the class that ``module:Class`` or ``file.py:Class`` names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from types import ModuleType
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
    path = os.path.abspath(module_name) if module_name.endswith(".py") else None
    if path is not None:
        if not os.path.isfile(path):
            raise HostError("unknown-name", f'there is no Python file "{module_name}"', f"looked in {os.getcwd()}")
        module_name = os.path.basename(path)[: -len(".py")]
    try:
        module = importlib.import_module(module_name) if path is None else _import_file(path, module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if path is None and missing and (module_name == missing or module_name.startswith(f"{missing}.")):
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


def _import_file(path: str, stem: str) -> ModuleType:
    """Runs the file itself: by its name alone, "my.env" would be looked for in a package "my", and "random" found elsewhere."""
    # What lies beside it can be imported from it.
    sys.path.insert(0, os.path.dirname(path))
    known = sys.modules.get(stem)
    if known is not None and getattr(known, "__file__", None) == path:
        return known
    name = stem if known is None and "." not in stem else f"baton_file_{stem.replace('.', '_')}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # so it is for every ".py"
    module = importlib.util.module_from_spec(spec)
    # Before it runs: dataclasses and pickle look up classes by the name of their module.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
