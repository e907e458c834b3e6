"""Long work that is done step by step, so that the caller can show progress or stop."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")


def complete(steps: Generator[Any, None, T]) -> T:
    """Do all the steps of a piece of work.

    Parameters
    ----------
    steps
        The work; what it yields is not looked at.

    Returns
    -------
    T
        What the generator returns.

    Examples
    --------
    >>> def count():
    ...     yield 1
    ...     yield 2
    ...     return "done"
    >>> complete(count())
    'done'
    """
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
