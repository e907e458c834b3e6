"""Cells of a film: what is doubtful in one frame is settled by the frames around it.

Every frame is first looked at by itself. Then the choice among its candidates is made again, three
times, each time knowing the cells that were chosen in the two frames before and after. The outlines
of the next frames are candidates themselves, fitted to the edges of the image, so that a cell that
blurs into its neighbour in one frame is cut off where it was cut off a frame earlier or later.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Labels
from zincflux.segment.among_frames import Network, choose_among
from zincflux.segment.candidates import Candidates, Scene, look_at
from zincflux.segment.choice import found_again, renumbered, shared_px
from zincflux.segment.company import COMPANY, REACH
from zincflux.segment.contrast import Contrast
from zincflux.segment.field_motion import FARTHEST, Spectrum, common_step, moved_labels
from zincflux.segment.fragments import raise_cells
from zincflux.segment.likeness import Likeness
from zincflux.segment.looks import LOOKS
from zincflux.segment.sums import IntArray

SWEEPS = 3
"""How often the choice is made again; each time the word of a frame gets two frames further."""

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Sketch:
    """A frame before its cells are settled.

    Attributes
    ----------
    scene
        What is needed to say how a part of the frame looks.
    own
        Candidates of the frame itself.
    spectrum
        For the motion between frames.
    reach_px
        Farthest motion that is looked for.
    place
        Rows and columns of the film that the frame shows; only frames of one place are compared.
    """

    scene: Scene
    own: Candidates
    spectrum: Spectrum
    reach_px: int
    place: object = None


@dataclass(frozen=True, eq=False)
class Settled:
    """A frame whose cells are chosen, perhaps not for the last time.

    Attributes
    ----------
    sketch
        The frame; None where nothing stands out in it.
    step
        Its motion (y, x) since the frame before, pixels.
    cells
        Label image (y, x) of its cells so far; None without a sketch.
    changed
        Places in the flat image where its cells are others than the time before; None if that may
        be anywhere.
    """

    sketch: Sketch | None
    step: tuple[int, int]
    cells: Labels | None
    changed: IntArray | None = None


@cache
def learnt_over_time() -> Likeness:
    """Return the network that looks at candidates and at what lies there in the frames around.

    It comes with zincflux as ``likeness_over_time.json``, and was fitted by
    ``tests/benchmarks/fit_over_time.py`` to simulated movies and to hand-drawn nuclei of the Data
    Science Bowl 2018 [1]_, which were made to move. To show a classifier its own first opinion of
    the surroundings is known as auto-context [2]_.

    References
    ----------
    .. [1] J. C. Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data
       Science Bowl", Nat. Methods 16 (2019) 1247–1253.
    .. [2] Z. Tu, X. Bai, "Auto-context and its application to high-level vision tasks and 3D brain
       image segmentation", IEEE Trans. Pattern Anal. Mach. Intell. 32 (2010) 1744–1757.
    """
    path = files("zincflux.segment").joinpath("likeness_over_time.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    if data.pop("looks") != [*LOOKS, *COMPANY]:
        raise RuntimeError("likeness_over_time.json: expected other looks. Fit it again.")
    return Likeness(**{name: np.array(value) for name, value in data.items()})


def sketch(contrast: Contrast, minimum_contrast: float, place: object = None) -> Sketch | None:
    """Find the candidates of a frame.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.
    place
        Rows and columns of the film that the frame shows.

    Returns
    -------
    Sketch or None
        None where nothing stands out.
    """
    seen = look_at(contrast, minimum_contrast)
    if seen is None:
        return None
    scene, pieces = seen
    reach = int(np.ceil(FARTHEST * contrast.diameter_px))
    spectrum = Spectrum.of(raise_cells(scene.brightness, pieces > 0), reach)
    own = scene.candidates(pieces)
    return Sketch(scene.condensed(), own, spectrum, reach, place)


def settled(
    sketches: Iterable[Sketch | None], network: Network | None = None
) -> Iterator[Labels | None]:
    """Choose the cells of each frame of a film; a few frames are held at once.

    Parameters
    ----------
    sketches
        The frames, in order; None where nothing stands out.
    network
        Says how likely a candidate is a cell; `learnt_over_time` if not given.

    Yields
    ------
    numpy.ndarray or None
        Label image (y, x) of each frame, int32, ids 1…n; None where nothing stands out.
    """
    network = network or learnt_over_time()
    stream = alone(sketches, network)
    for _ in range(SWEEPS):
        stream = sweep(stream, network)
    for frame in stream:
        yield None if frame.sketch is None else frame.cells


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


def alone(sketches: Iterable[Sketch | None], network: Network) -> Iterator[Settled]:
    """Choose the cells of each frame by itself, and find how far it moved."""
    last: Sketch | None = None
    for now in sketches:
        step = (0, 0)
        if now is not None:
            if last is not None:
                step = common_step(last.spectrum, now.spectrum, now.reach_px)
            last = now
        yield Settled(now, step, None if now is None else _alone(now, network))


def _alone(frame: Sketch, network: Network) -> Labels:
    cells = np.zeros(frame.own.pieces.shape, dtype=np.int32)
    cells.flat[frame.own.inside] = choose_among(frame.own, frame.scene, {}, network)
    return cells


def sweep(stream: Iterable[Settled], network: Network) -> Iterator[Settled]:
    """Choose the cells of each frame again, knowing those of the frames around."""
    for window in windows(stream, REACH):
        frame = window[REACH]
        assert frame is not None  # noqa: S101 (the middle of a window is an item)
        yield _again(frame, window, network)


def _again(frame: Settled, window: Sequence[Settled | None], network: Network) -> Settled:
    around = around_of(window, frame)
    if frame.sketch is None or frame.cells is None or not around:
        return frame
    own = frame.sketch.own
    # Most clumps are settled after the first time: by the same cells, the choice is the same.
    doubtful = _unsettled(own, frame.cells, _news(window, around))
    if not doubtful.any():
        return replace(frame, changed=np.zeros(0, dtype=np.intp))
    part = own.part(doubtful)
    chosen = choose_among(part, frame.sketch.scene, around, network)
    before, largest = frame.cells.take(part.inside), int(frame.cells.max(initial=0))
    cells = frame.cells.copy()
    cells.flat[part.inside] = np.where(chosen > 0, chosen + largest, 0)
    cells, ids = renumbered(cells)
    changed = ~found_again(before, chosen)[before] | ~found_again(chosen, before)[chosen]
    # Frames without any cells do not count as known.
    news = None if (largest == 0) != (ids.size == 0) else part.inside[changed]
    return replace(frame, cells=cells, changed=news)


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


def _unsettled(own: Candidates, cells: Labels, news: list[IntArray] | None) -> NDArray[np.bool_]:
    """Find the clumps around which something changed: booleans of the pieces, (n,)."""
    n = own.tree.n_leaves
    if news is None:
        return np.ones(n, dtype=bool)
    touched = np.zeros(n + 1, dtype=bool)
    for places in news:
        touched[own.pieces.take(places)] = True
    touched = own.whole_clumps(touched[1:])
    # A cell of pieces of several clumps is chosen anew as a whole.
    piece, cell, _ = shared_px(own.of_inside, cells.take(own.inside))
    again = np.zeros(int(cells.max(initial=0)) + 1, dtype=bool)
    again[cell[touched[piece - 1]]] = True
    touched[piece[again[cell]] - 1] = True
    return own.whole_clumps(touched)


def _travelled(window: Sequence[Settled | None]) -> NDArray[np.intp]:
    """How far the field of each frame of a window has moved (y, x), pixels."""
    steps = np.array([(0, 0) if other is None else other.step for other in window])
    return np.cumsum(steps, axis=0)


def around_of(window: Sequence[Settled | None], frame: Settled) -> dict[int, Labels]:
    """Give the cells of the frames around, moved to where they would be in this one.

    Parameters
    ----------
    window
        The frames from `REACH` before to `REACH` after.
    frame
        The one in the middle.

    Returns
    -------
    dict
        Label images (y, x) by how many frames they are off.
    """
    travelled = _travelled(window)
    result = {}
    for index, other in enumerate(window):
        if index == REACH or other is None or other.sketch is None or frame.sketch is None:
            continue
        # A frame without cells was dark or out of focus more often than really empty.
        if other.cells is None or not other.cells.any() or other.sketch.place != frame.sketch.place:
            continue
        dy, dx = travelled[REACH] - travelled[index]
        result[index - REACH] = moved_labels(other.cells, int(dy), int(dx))
    return result
