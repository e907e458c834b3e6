"""Long work beside the window: in a thread, shown in napari's activity dock, cancellable."""

from __future__ import annotations

import contextlib
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any

from napari.qt.threading import GeneratorWorker, create_worker
from napari.utils import cancelable_progress
from qtpy.QtCore import QObject, Signal

from zincflux import ZincfluxError, ZincfluxWarning
from zincflux.pipeline import Progress

REPORT_EVERY_S = 0.05
"""How often the window hears of progress: more often than it can be seen is only work."""

STAGES = {
    "survey": "looking at the movie",
    "flat field": "estimating the flat field",
    "measure": "measuring",
    "report": "writing the report",
    "hash": "reading the files",
    "tables": "writing the tables",
    "workbook": "writing the workbook",
    "figures": "drawing the figures",
    "film": "drawing the film",
    "masks": "writing the masks",
    "tracks": "writing the tracks",
    "images": "writing the images",
    "outlines": "writing the outlines",
    "pictures": "storing the corrected cells",
    "examples": "preparing the pictures",
    "simulated cells": "preparing simulated cells",
    "judging before": "judging the network before",
    "judging after": "judging the new network",
}
"""Stages in words; others stand for themselves."""


class Turns:
    """A lock that is given in the order in which it is asked for.

    A plain lock mostly goes back to the thread that has just let go of it, so that a second viewer
    would wait until the work of the first is done.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = self._serving = 0

    def __enter__(self) -> None:
        with self._changed:
            mine, self._next = self._next, self._next + 1
            self._changed.wait_for(lambda: self._serving == mine)

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._serving += 1
            self._changed.notify_all()


_FILTERS = Turns()


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keep doubts from popping up one by one: they are kept with the result, which shows them."""
    # How warnings are heard is one setting of the whole process, and an analysis changes it during
    # each step to record its own. Two steps at once would record each other's, and leave the
    # recorder of one in place for ever: hence one step at a time, in turns.
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        yield


def driven(
    steps: Generator[Progress, None, Any], stop: threading.Event
) -> Generator[Progress, None, Any]:
    """Drive work to its end, or until it is to stop; then it returns None.

    Parameters
    ----------
    steps
        The work.
    stop
        Set from any thread.

    Yields
    ------
    Progress
        Now and then.
    """
    reported = 0.0
    with contextlib.closing(steps):
        while not stop.is_set():
            try:
                with _unheard():
                    step = next(steps)
            except StopIteration as end:
                return end.value
            if time.monotonic() - reported >= REPORT_EVERY_S:
                reported = time.monotonic()
                yield step
    return None


class Work(QObject):
    """One piece of work at a time.

    Attributes
    ----------
    begun, ended
        Signals: work has begun (its title), and has ended, however it did.
    cancelled
        Signal: the user stops what is under way (still `worker`); `ended` follows.
    """

    begun = Signal(str)
    ended = Signal()
    cancelled = Signal()
    progressed = Signal(str, int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.worker: GeneratorWorker | None = None
        self._is_starting = False
        self._gives_way = True
        self._stop = threading.Event()
        self._bar: Any = None

    @property
    def is_busy(self) -> bool:
        """Whether work is under way, or about to begin."""
        return self._is_starting or self.worker is not None

    @property
    def must_end(self) -> bool:
        """Whether work is under way that is not to be replaced before it has ended."""
        return self.worker is not None and not self._gives_way

    def start(
        self,
        title: str,
        steps: Generator[Progress, None, Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        *,
        gives_way: bool = False,
    ) -> None:
        """Begin work; what is under way is stopped and forgotten.

        Parameters
        ----------
        title
            What stands in the activity dock.
        steps
            The work.
        done, failed
            Called in the window's thread with the outcome or the error; neither if it is stopped.
        gives_way
            Whether the user may begin other work in its place: it is quickly done again.
        """
        self._is_starting = True
        try:
            # This lets events through, by which the work before may end, or more begin.
            bar = cancelable_progress(total=1, desc=title)
            self._halt()
        finally:
            self._is_starting = False
        stop = self._stop = threading.Event()
        worker = create_worker(driven, steps, stop, _start_thread=False, _ignore_errors=True)
        self.worker, self._bar, self._gives_way = worker, bar, gives_way
        self._listen(worker, title, done, failed)
        self.begun.emit(title)
        worker.start()

    def begin(
        self,
        title: str,
        make: Callable[[], Generator[Progress, None, Any]],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
        *,
        gives_way: bool = False,
    ) -> None:
        """Begin work, unless there is something wrong with it before the first step.

        Parameters
        ----------
        title, done, failed, gives_way
            As of `start`.
        make
            Gives the work; a `ZincfluxError` that it raises is told like one of the work itself.
        """
        try:
            steps = make()
        except ZincfluxError as error:
            failed(error)
            return
        self.start(title, steps, done, failed, gives_way=gives_way)

    def _listen(
        self,
        worker: GeneratorWorker,
        title: str,
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        stop, bar = self._stop, self._bar

        def hears() -> bool:
            return not stop.is_set() and self.worker is worker

        def on_yield(step: Progress) -> None:
            if not hears():
                return
            if bar.is_canceled:
                self.stop()
            else:
                self._show(bar, title, step)

        def ending(tell: Callable[[Any], None]) -> Callable[[Any], None]:
            def end(outcome: Any) -> None:
                if hears():
                    self._finish()
                    tell(outcome)

            return end

        worker.yielded.connect(on_yield)
        worker.returned.connect(ending(done))
        worker.errored.connect(ending(failed))
        worker.aborted.connect(lambda: self._stop_only(worker, stop))

    def stop(self) -> None:
        """Stop what is under way, as the user wants; its outcome is not heard of any more."""
        if self.worker is not None:
            self.cancelled.emit()
        self._halt()

    def _stop_only(self, worker: GeneratorWorker, stop: threading.Event) -> None:
        # Workers tell late that they were stopped: other work may be under way, or the dock gone.
        if self.worker is worker and not stop.is_set():
            self.stop()

    def _halt(self) -> None:
        # Not `quit`, which would leave the work where it is, with what it was about to write.
        self._stop.set()
        if self.worker is not None:
            self._finish()

    def stop_quietly(self) -> None:
        """Stop without telling anyone: the dock is gone."""
        self._stop.set()

    def _finish(self) -> None:
        self.worker = None
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self.ended.emit()

    def _show(self, bar: Any, title: str, step: Progress) -> None:
        stage, done, total = step
        bar.total = max(total, 1)
        bar.set_description(f"{title}: {STAGES.get(stage, stage)}")
        bar.n = done
        bar.refresh()
        events = getattr(bar, "events", None)
        if events is not None:
            events.value(value=done)
        self.progressed.emit(STAGES.get(stage, stage), done, total)
