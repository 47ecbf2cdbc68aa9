"""Mistakes that are reported in a sentence, with the codes that Baton's BatonError uses."""

from __future__ import annotations

import difflib
import traceback
from contextlib import contextmanager
from typing import Iterable, Iterator


class HostError(Exception):
    """A mistake that somebody can mend.

    ``code`` is one of Baton's error codes (src/errors.ts): ``unknown-name``, ``invalid-value``, ``incompatible``,
    ``missing-dependency``, ``environment``, ``io``. ``hint`` says what to do about it; ``trace`` is the user's traceback.
    """

    def __init__(self, code: str, message: str, hint: str = "", trace: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.trace = trace


def user_fault(what: str, error: BaseException) -> HostError:
    """An exception out of the user's code as a sentence, with the traceback from where that code begins."""
    # The frames of this package come first and help nobody.
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None and _is_ours(tb.tb_frame.f_globals.get("__package__")):
        tb = tb.tb_next
    trace = "".join(traceback.format_exception(type(error), error, tb)).rstrip()
    last = traceback.format_exception_only(type(error), error)[-1].strip()
    return HostError("environment", f"{what}: {last}", trace=trace)


@contextmanager
def user_code(what: str) -> Iterator[None]:
    """Around calls of a simulator or of the user's code: its exceptions become :func:`user_fault`; ``what`` says what failed."""
    try:
        yield
    except HostError:
        raise
    except Exception as error:
        raise user_fault(what, error) from error


def _is_ours(package: object) -> bool:
    return isinstance(package, str) and (package == __package__ or package.startswith(f"{__package__}."))


def unknown_name(message: str, name: str, candidates: Iterable[str]) -> HostError:
    """The error for a name that is not among ``candidates``; its hint has the nearest one and the whole list."""
    names = list(candidates)
    near = difflib.get_close_matches(name, names, 1)
    listed = f"there are: {', '.join(names)}" if names else "there are none"
    hint = f'did you mean "{near[0]}"? ({listed})' if near else listed
    return HostError("unknown-name", message, hint)
