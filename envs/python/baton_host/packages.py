"""Python packages that may be missing, and the commands that install them."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from .errors import HostError, user_fault

#: Import name -> what pip installs, where that is not the same.
_PIP = {
    "zmq": "pyzmq",
    "absl": "absl-py",
    "cv2": "opencv-python-headless",
    "sklearn": "scikit-learn",
    "google": "protobuf",
    "gfootball_engine": "gfootball",
    "s2clientprotocol": "s2clientprotocol",
    "lbforaging": "lbforaging",
    "smac": "git+https://github.com/oxwhirl/smac.git",
    "smacv2": "git+https://github.com/oxwhirl/smacv2.git",
    "smaclite": "git+https://github.com/uoe-agents/smaclite.git",
}

#: Import name -> package of Debian, where there is one.
_DEBIAN = {
    "zmq": "python3-zmq",
    "msgpack": "python3-msgpack",
    "numpy": "python3-numpy",
    "rtree": "python3-rtree",
    "sklearn": "python3-sklearn",
    "pygame": "python3-pygame",
    "cv2": "python3-opencv",
    "absl": "python3-absl",
    "six": "python3-six",
    "cloudpickle": "python3-cloudpickle",
    "networkx": "python3-networkx",
}

#: What pip alone does not bring.
_MORE = {
    "smac": "StarCraft II 4.10 and SMAC's maps are needed besides: see envs/smac/README.md",
    "smacv2": "StarCraft II 4.10 and SMACv2's maps are needed besides: see envs/smac/README.md",
    "gfootball": "it is compiled on installation and needs SDL2 and boost-python: see envs/football/README.md",
}


def require(module: str, needed_by: str) -> ModuleType:
    """Imports a simulator's module. Raises HostError ``missing-dependency``, or ``environment`` where the import itself fails."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_package(error.name or module, needed_by) from error
    except Exception as error:
        raise user_fault(f'the Python package "{module}" cannot be imported', error) from error


def missing_package(module: str, needed_by: str) -> HostError:
    """Says which package is missing and the commands that install it."""
    root = module.partition(".")[0]
    command = f"{sys.executable} -m pip install {_PIP.get(root, root)}"
    if root in _DEBIAN:
        command += f" (Debian: apt-get install {_DEBIAN[root]})"
    if root in _MORE:
        command += f"; {_MORE[root]}"
    return HostError("missing-dependency", f'the Python package "{root}" is not installed, but {needed_by} needs it', command)
