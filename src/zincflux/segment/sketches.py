"""Frames of a film as the watershed sees them: the candidates, and a network that judges them.

The outlines of the next frames are candidates themselves, fitted to the edges of the image, so that
a cell that blurs into its neighbour in one frame is cut off where it was cut off a frame earlier or
later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from zincflux.movie import Labels
from zincflux.segment.among_frames import Network, choose_among
from zincflux.segment.candidates import Candidates, Scene, look_at
from zincflux.segment.choice import found_again, renumbered, shared_px
from zincflux.segment.company import COMPANY
from zincflux.segment.contrast import Contrast
from zincflux.segment.field_motion import FARTHEST, Spectrum
from zincflux.segment.fragments import raise_cells
from zincflux.segment.likeness import Likeness
from zincflux.segment.looks import LOOKS
from zincflux.segment.sums import IntArray


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
    network
        Says how likely a candidate is a cell.
    place
        Rows and columns of the film that the frame shows.
    """

    scene: Scene
    own: Candidates
    spectrum: Spectrum
    reach_px: int
    network: Network
    place: object = None

    def alone(self) -> Labels:
        """Choose the cells by what the frame itself shows: label image (y, x), ids 1…n."""
        cells = np.zeros(self.own.pieces.shape, dtype=np.int32)
        cells.flat[self.own.inside] = choose_among(self.own, self.scene, {}, self.network)
        return cells

    def again(
        self, cells: Labels, around: Mapping[int, Labels], news: Sequence[IntArray] | None
    ) -> tuple[Labels, IntArray]:
        """Choose the cells knowing those of the frames around, as `Frame.again` does."""
        # Most clumps are settled after the first time: by the same cells, the choice is the same.
        doubtful = _unsettled(self.own, cells, news)
        if not doubtful.any():
            return cells, np.zeros(0, dtype=np.intp)
        part = self.own.part(doubtful)
        chosen = choose_among(part, self.scene, around, self.network)
        before, largest = cells.take(part.inside), int(cells.max(initial=0))
        result = cells.copy()
        result.flat[part.inside] = np.where(chosen > 0, chosen + largest, 0)
        changed = ~found_again(before, chosen)[before] | ~found_again(chosen, before)[chosen]
        return renumbered(result)[0], part.inside[changed]


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


def sketch(
    contrast: Contrast,
    minimum_contrast: float,
    place: object = None,
    network: Network | None = None,
) -> Sketch | None:
    """Find the candidates of a frame.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.
    place
        Rows and columns of the film that the frame shows.
    network
        Says how likely a candidate is a cell; `learnt_over_time` if not given.

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
    return Sketch(scene.condensed(), own, spectrum, reach, network or learnt_over_time(), place)


def _unsettled(
    own: Candidates, cells: Labels, news: Sequence[IntArray] | None
) -> NDArray[np.bool_]:
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
