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
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from zincflux.batch import BatchProgress
    from zincflux.pipeline import Progress

P = TypeVar("P")
T = TypeVar("T")

_NAME_WIDTH = 32


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
    """Drive long work to its end, with a bar per stage where a person watches."""
    return _finish(steps, _stages, quiet=quiet)


def finish_batch(steps: Generator[BatchProgress, None, T], *, quiet: bool) -> T:
    """Drive a batch to its end, with a bar for all movies and one for each that is under way."""
    return _finish(steps, _movies, quiet=quiet)


def _finish(
    steps: Generator[P, None, T], bars: Callable[[Bars], Callable[[P], None]], *, quiet: bool
) -> T:
    with contextlib.closing(steps):
        if quiet or not sys.stderr.isatty():
            return _drive(steps, lambda progress: None)
        with _bars() as shown:
            return _drive(steps, bars(shown))


def _drive(steps: Generator[P, None, T], show: Callable[[P], None]) -> T:
    while True:
        if interruption.is_asked():
            raise KeyboardInterrupt
        try:
            show(next(steps))
        except StopIteration as stop:
            result: T = stop.value
            return result


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _stages(bars: Bars) -> Callable[[Progress], None]:
    """Show a bar for each stage that was begun."""
    tasks: dict[str, TaskID] = {}

    def show(progress: Progress) -> None:
        stage, done, total = progress
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total, rate="")
        speed = bars.tasks[tasks[stage]].speed
        rate = f"{speed:.0f}/s" if speed else ""
        bars.update(tasks[stage], completed=done, rate=rate)

    return show


def _movies(bars: Bars) -> Callable[[BatchProgress], None]:
    """Show a bar for all movies, and one with the present stage for each that is under way."""
    whole = bars.add_task("movies", total=None, rate="")
    tasks: dict[str, TaskID] = {}

    def show(progress: BatchProgress) -> None:
        bars.update(whole, completed=progress.finished, total=progress.n_samples)
        sample = progress.sample
        if progress.has_ended:
            if sample in tasks:
                bars.remove_task(tasks.pop(sample))
            return
        if sample not in tasks:
            tasks[sample] = bars.add_task("", rate="")
        name = _shortened(f"{sample} {progress.stage}".strip())
        bars.update(tasks[sample], description=name, completed=progress.done, total=progress.total)

    return show


def _shortened(name: str) -> str:
    """Keep a name from the sheet on its line: it may be long, or hold control characters."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name)
    return plain if len(plain) <= _NAME_WIDTH else f"{plain[: _NAME_WIDTH - 1]}…"
