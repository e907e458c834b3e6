"""Cells of a film: what is doubtful in one frame is settled by the frames around it.

Every frame is first looked at by itself. Then the choice among its candidates is made again, three
times, each time knowing the cells that were chosen in the two frames before and after. What the
candidates of a frame are, and how they are judged, is the matter of each segmenter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Image, Labels
from zincflux.segment.company import REACH
from zincflux.segment.field_motion import Spectrum, common_step, moved_labels
from zincflux.segment.sums import IntArray

SWEEPS = 3
"""How often the choice is made again; each time the word of a frame gets two frames further."""

Item = TypeVar("Item")
Result = TypeVar("Result")
View = TypeVar("View")


class Spread(Protocol):
    """Applies a function to items one by one, and gives the results in order, such as `map`."""

    def __call__(
        self, function: Callable[[Item], Result], items: Iterable[Item], /
    ) -> Iterator[Result]:
        """Give the result of each item."""
        ...


class Frame(Protocol):
    """A frame with all the cells there might be in it."""

    @property
    def spectrum(self) -> Spectrum:
        """What tells the motion between frames."""
        ...

    @property
    def reach_px(self) -> int:
        """Farthest motion that is looked for."""
        ...

    @property
    def place(self) -> object:
        """Part of the film that the frame shows; only frames of one place are compared."""
        ...

    def alone(self) -> Labels:
        """Choose the cells by what the frame itself shows: label image (y, x), ids 1…n."""
        ...

    def again(
        self, cells: Labels, around: Mapping[int, Labels], news: Sequence[IntArray] | None
    ) -> tuple[Labels, IntArray]:
        """Choose the cells knowing those of the frames around.

        Parameters
        ----------
        cells
            Label image (y, x) of those chosen before.
        around
            Label images (y, x) of the frames around, moved to where their cells would be in this
            one, by how many frames they are off.
        news
            Places in the flat image where these are others than the time before; None if that may
            be anywhere.

        Returns
        -------
        tuple
            Label image (y, x), ids 1…n; and the places in the flat image where it is another.
        """
        ...


@dataclass(frozen=True, eq=False)
class Settled:
    """A frame whose cells are chosen, perhaps not for the last time.

    Attributes
    ----------
    frame
        The frame; None where nothing stands out in it.
    step
        Its motion (y, x) since the frame before, pixels.
    cells
        Label image (y, x) of its cells so far; None without a frame.
    changed
        Places in the flat image where its cells are others than the time before; None if that may
        be anywhere.
    """

    frame: Frame | None
    step: tuple[int, int]
    cells: Labels | None
    changed: IntArray | None = None


def filmed(
    images: Iterable[Image],
    look: Callable[[Image], tuple[View, Frame | None]],
    draw: Callable[[View, Labels | None], Labels],
    spread: Spread,
) -> Iterator[Labels]:
    """Find the cells of every frame of a film, so that frames settle each other's doubts.

    Parameters
    ----------
    images
        Frames (Y, X), in order.
    look
        Gives of each what is needed to draw its cells, and the frame to be settled.
    draw
        Draws the cells of a settled frame as a label image (Y, X).
    spread
        Applies these to many frames, perhaps in several threads.
    """
    views: deque[View] = deque()

    def frames() -> Iterator[Frame | None]:
        for view, frame in spread(look, images):
            views.append(view)
            yield frame

    found = ((views.popleft(), cells) for cells in settled(frames()))
    return spread(lambda pair: draw(*pair), found)


def settled(frames: Iterable[Frame | None]) -> Iterator[Labels | None]:
    """Choose the cells of each frame of a film; a few frames are held at once.

    Parameters
    ----------
    frames
        The frames, in order; None where nothing stands out.

    Yields
    ------
    numpy.ndarray or None
        Label image (y, x) of each frame, int32, ids 1…n; None where nothing stands out.
    """
    stream = alone(frames)
    for _ in range(SWEEPS):
        stream = sweep(stream)
    for chosen in stream:
        yield chosen.cells


def windows(items: Iterable[Item], reach: int) -> Iterator[tuple[Item | None, ...]]:
    """Give each item in the middle of those around it, None beyond both ends.

    Examples
    --------
    >>> list(windows("ab", 1))
    [(None, 'a', 'b'), ('a', 'b', None)]
    """
    held: deque[Item | None] = deque([None] * (2 * reach + 1), maxlen=2 * reach + 1)
    for n_read, item in enumerate(items, start=1):
        held.append(item)
        if n_read > reach:
            yield tuple(held)
    for _ in range(reach):
        held.append(None)
        if held[reach] is not None:
            yield tuple(held)


def alone(frames: Iterable[Frame | None]) -> Iterator[Settled]:
    """Choose the cells of each frame by itself, and find how far it moved."""
    last: Frame | None = None
    for now in frames:
        step = (0, 0)
        if now is not None:
            if last is not None:
                step = common_step(last.spectrum, now.spectrum, now.reach_px)
            last = now
        yield Settled(now, step, None if now is None else now.alone())


def sweep(stream: Iterable[Settled]) -> Iterator[Settled]:
    """Choose the cells of each frame again, knowing those of the frames around."""
    for window in windows(stream, REACH):
        middle = window[REACH]
        assert middle is not None  # noqa: S101 (the middle of a window is an item)
        yield _again(middle, window)


def _again(settled: Settled, window: Sequence[Settled | None]) -> Settled:
    around = around_of(window, settled)
    if settled.frame is None or settled.cells is None or not around:
        return settled
    cells, changed = settled.frame.again(settled.cells, around, _news(window, around))
    # Frames without any cells do not count as known.
    anywhere = settled.cells.any() != cells.any()
    return replace(settled, cells=cells, changed=None if anywhere else changed)


def _news(window: Sequence[Settled | None], around: Mapping[int, Labels]) -> list[IntArray] | None:
    """Places where cells of the frames around changed, as seen from this one; None if anywhere."""
    travelled = _travelled(window)
    news = []
    for distance, cells in around.items():
        other = window[REACH + distance]
        if other is None or other.changed is None:
            return None
        places = np.stack(np.divmod(other.changed, cells.shape[1]), axis=1)
        places += travelled[REACH] - travelled[REACH + distance]
        y, x = places[((places >= 0) & (places < cells.shape)).all(axis=1)].T
        news.append(y * cells.shape[1] + x)
    return news


def _travelled(window: Sequence[Settled | None]) -> NDArray[np.intp]:
    """How far the field of each frame of a window has moved (y, x), pixels."""
    steps = np.array([(0, 0) if other is None else other.step for other in window])
    return np.cumsum(steps, axis=0)


def around_of(window: Sequence[Settled | None], middle: Settled) -> dict[int, Labels]:
    """Give the cells of the frames around, moved to where they would be in this one.

    Parameters
    ----------
    window
        The frames from `REACH` before to `REACH` after.
    middle
        The one in the middle.

    Returns
    -------
    dict
        Label images (y, x) by how many frames they are off.
    """
    travelled = _travelled(window)
    result = {}
    for index, other in enumerate(window):
        if index == REACH or other is None or other.frame is None or middle.frame is None:
            continue
        # A frame without cells was dark or out of focus more often than really empty.
        if other.cells is None or not other.cells.any() or other.frame.place != middle.frame.place:
            continue
        dy, dx = travelled[REACH] - travelled[index]
        result[index - REACH] = moved_labels(other.cells, int(dy), int(dx))
    return result
