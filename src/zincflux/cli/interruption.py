"""Ctrl-C that is not lost.

Python turns Ctrl-C into an exception in whatever code runs at that moment. Compiled code may drop
that exception, and the body of a class wraps it into another; so the wish to stop is noted as well.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_asked = threading.Event()


def is_asked() -> bool:
    """Tell whether Ctrl-C was pressed since the command began."""
    return _asked.is_set()


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Note Ctrl-C in the block, beside raising `KeyboardInterrupt` as ever.

    Where Ctrl-C is ignored or belongs to someone else, and outside the main thread, nothing is
    changed.
    """
    _asked.clear()
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if is_ours:
        signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _note(number: int, frame: FrameType | None) -> None:
    _asked.set()
    signal.default_int_handler(number, frame)
