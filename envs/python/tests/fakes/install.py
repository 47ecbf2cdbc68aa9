"""Puts stand-ins for packages where ``import`` finds them, for the length of a test."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Iterator, Mapping
from unittest import mock


@contextmanager
def installed(modules: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """``modules``: names of modules (their packages are made as well) and what is in them."""
    made: dict[str, ModuleType] = {}
    for name, contents in modules.items():
        parts = name.split(".")
        for k in range(1, len(parts) + 1):
            path = ".".join(parts[:k])
            module = made.setdefault(path, ModuleType(path))
            module.__path__ = []
            if k > 1:
                setattr(made[".".join(parts[: k - 1])], parts[k - 1], module)
        vars(made[name]).update(contents)
    with mock.patch.dict(sys.modules, made):
        yield
