"""What reaches the terminal: JSON, warnings and progress."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from zincflux.cli import interruption
from zincflux.errors import ZincfluxWarning

if TYPE_CHECKING:
    from zincflux.pipeline import Progress

T = TypeVar("T")


def print_json(data: Any) -> None:
    """Print what ``--json`` asks for."""
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def print_warnings(messages: list[str]) -> None:
    """Print doubts about a result, a line each."""
    for message in messages:
        print(f"warning: {message}", file=sys.stderr)


@contextlib.contextmanager
def doubts(*, quiet: bool) -> Iterator[None]:
    """Print each doubt that arises in the block once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ZincfluxWarning)
        yield
    if not quiet:
        own = [str(item.message) for item in caught if issubclass(item.category, ZincfluxWarning)]
        print_warnings(list(dict.fromkeys(own)))


def finish(steps: Generator[Progress, None, T], *, quiet: bool) -> T:
    """Drive long work to its end, with a progress bar where a person watches."""
    with contextlib.closing(steps):
        if quiet or not sys.stderr.isatty():
            return _drive(steps, lambda progress: None)
        return _with_bar(steps)


def _drive(steps: Generator[Progress, None, T], show: Callable[[Progress], None]) -> T:
    while True:
        if interruption.is_asked():
            raise KeyboardInterrupt
        try:
            show(next(steps))
        except StopIteration as stop:
            result: T = stop.value
            return result


def _with_bar(steps: Generator[Progress, None, T]) -> T:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            stage, done, total = progress
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="")
            speed = bar.tasks[tasks[stage]].speed
            rate = f"{speed:.0f}/s" if speed else ""
            bar.update(tasks[stage], completed=done, rate=rate)

        return _drive(steps, show)
