"""Cells of a film: what is doubtful in one frame is settled by the frames around it.

Every frame is first looked at by itself. Then the choice among its candidates is made again, three
times, each time knowing the cells that were chosen in the two frames before and after. The outlines
of the next frames are candidates themselves, fitted to the edges of the image, so that a cell that
blurs into its neighbour in one frame is cut off where it was cut off a frame earlier or later.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_array

from zincflux.movie import FloatArray, Labels
from zincflux.segment.candidates import Candidates, Scene, look_at
from zincflux.segment.choice import better_of, choose, drawn, gains, same_cells
from zincflux.segment.company import COMPANY, COVERED, OVERLAP, REACH, SIGNS, company, members
from zincflux.segment.contrast import Contrast
from zincflux.segment.field_motion import FARTHEST, Spectrum, common_step, moved_labels
from zincflux.segment.fragments import raise_cells
from zincflux.segment.likeness import Likeness
from zincflux.segment.looks import LOOKS
from zincflux.segment.recut import recut

SWEEPS = 3
"""How often the choice is made again; each time the word of a frame gets two frames further."""

COUPLING = 4.0
"""Gain, in log-odds, of a candidate that is there in all frames around, over one that is nowhere.
This and the next three were chosen on simulated movies (seeds 0 and 1), in coarse steps."""

EVEN_OVERLAP = 0.4
"""Overlap (IoU) with a cell of another frame that speaks neither for nor against a candidate."""

FADING = 0.7
"""Weight of the frames two off, relative to that of the next ones."""

LENIENCE = 0.5
"""Log-odds by which a candidate may be less likely than in a single image: to miss a cell breaks
its trace, and what is no cell hardly lasts."""

Item = TypeVar("Item")

Network = Callable[[FloatArray], FloatArray]
"""Gives the probability of each candidate (N,) from its looks and its company, (N, columns)."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """A frame before its cells are settled.

    Attributes
    ----------
    scene
        What is needed to say how a part of the frame looks.
    own
        Candidates of the frame itself.
    of_leaves
        Their `members`.
    spectrum
        For the motion between frames.
    reach_px
        Farthest motion that is looked for.
    place
        Rows and columns of the film that the frame shows; only frames of one place are compared.
    """

    scene: Scene
    own: Candidates
    of_leaves: csr_array
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
    basis
        The cells of the frames around that they were chosen by.
    """

    sketch: Sketch | None
    step: tuple[int, int]
    cells: Labels | None
    basis: tuple[Labels | None, ...] = ()


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
    of_leaves = members(own.tree, scene.area_px)
    return Sketch(scene.condensed(), own, of_leaves, spectrum, reach, place)


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
        yield Settled(now, step, None if now is None else _choose(now, {}, network))


def sweep(stream: Iterable[Settled], network: Network) -> Iterator[Settled]:
    """Choose the cells of each frame again, knowing those of the frames around."""
    for window in windows(stream, REACH):
        frame = window[REACH]
        assert frame is not None  # noqa: S101 (the middle of a window is an item)
        yield _again(frame, window, network)


def _again(frame: Settled, window: Sequence[Settled | None], network: Network) -> Settled:
    around = around_of(window, frame)
    if frame.sketch is None or not around:
        return frame
    basis = tuple(
        None if other is None or index - REACH not in around else other.cells
        for index, other in enumerate(window)
    )
    # Most frames are settled after the first time: by the same cells, the choice is the same.
    if frame.basis and all(a is b for a, b in zip(basis, frame.basis, strict=True)):
        return frame
    cells = _choose(frame.sketch, around, network)
    if frame.cells is not None and same_cells(frame.cells, cells):
        cells = frame.cells
    return replace(frame, cells=cells, basis=basis)


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
    steps = np.array([(0, 0) if other is None else other.step for other in window])
    travelled = np.cumsum(steps, axis=0)
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


def _choose(frame: Sketch, around: Mapping[int, Labels], network: Network) -> Labels:
    """Choose among the frame's own candidates, and those cut along the next frames' outlines."""
    area = frame.scene.area_px
    cells, gain = _best(frame.own, frame.of_leaves, around, network)
    for distance in (-1, 1):
        if distance not in around:
            continue
        pieces = recut(frame.own.pieces, around[distance], area)
        found = frame.scene.candidates(pieces)
        other = _best(found, members(found.tree, area), around, network)
        cells, gain = better_of(cells, gain, *other)
    return cells


def _best(
    found: Candidates, of_leaves: csr_array, around: Mapping[int, Labels], network: Network
) -> tuple[Labels, FloatArray]:
    """Label image of the best choice among candidates, and what each cell is worth."""
    seen = company(of_leaves, found.pieces, around)
    gain = gains(network(np.hstack([found.looks, seen]))) + LENIENCE * bool(around)
    gain = gain + COUPLING * agreement(seen)
    cells, nodes = drawn(found, choose(found.tree, gain))
    return cells, gain[nodes]


def agreement(seen: FloatArray) -> FloatArray:
    """How far the frames around agree with each candidate: below 0 where other cells lie there.

    Parameters
    ----------
    seen
        The `company` of the candidates, (N, columns).
    """
    next_to, two_off = (
        seen[:, first + COVERED] * (seen[:, first + OVERLAP] - EVEN_OVERLAP)
        for first in (0, len(SIGNS))
    )
    result: FloatArray = (next_to + FADING * two_off) / (1 + FADING)
    return result
