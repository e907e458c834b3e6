"""Frames of a film as the network sees them: which summits are one cell is left open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from zincflux.movie import FloatArray, Labels
from zincflux.segment.among_frames import agreement
from zincflux.segment.choice import choose, found_again, painted
from zincflux.segment.company import company, members
from zincflux.segment.field_motion import FARTHEST, Spectrum
from zincflux.segment.learned.basins import doubtful
from zincflux.segment.learned.cells import RULES
from zincflux.segment.learned.joins import Joins
from zincflux.segment.learned.scaling import DIAMETER_PX, FloatImage
from zincflux.segment.pieces import drop
from zincflux.segment.sums import IntArray

EVIDENCE = 20.0
"""Gain of a join for each unit by which its pass, relative to the lower summit, lies above the one
from which two pieces are one cell in a single image. This, the next two, and the constants of
`joins` were chosen on simulated movies (seeds 0 and 1), in coarse steps."""

LEAST_SURE, MOST_SURE = -0.12, 0.08
"""Range of that distance: beyond it, the network is not surer."""

COUPLING = 16.0
"""Gain of a cell that is there in all frames around, over one that is nowhere."""

PRESENCE = 20.0
"""Gain of every piece, more than a low pass can take away: what is no cell at all is told by the
network's certainty."""

AREA_PX = np.pi / 4 * DIAMETER_PX**2


@dataclass(frozen=True, eq=False)
class Draft:
    """A frame before its cells are settled; all images are scaled, (y, x).

    Attributes
    ----------
    inside, depth
        Probability of a cell, and depth in it.
    own
        The frame's own candidates.
    spectrum
        For the motion between frames.
    place
        Rows and columns of the film that the frame shows.
    """

    inside: FloatImage
    depth: FloatImage
    own: Joins
    spectrum: Spectrum
    place: object

    @classmethod
    def of(cls, said: FloatImage, place: object) -> Draft:
        """Take what the network said (3, y, x) of a scaled frame."""
        inside, depth = said[0].copy(), ndimage.gaussian_filter(said[1], RULES.smoothing_px)
        own = Joins.seen(depth, inside > RULES.inside)
        spectrum = Spectrum.of(inside.astype(np.float64), int(FARTHEST * DIAMETER_PX))
        return cls(inside, depth, own, spectrum, place)

    @property
    def reach_px(self) -> int:
        """Farthest motion that is looked for."""
        return int(FARTHEST * DIAMETER_PX)

    def alone(self) -> Labels:
        """Choose the cells by what the frame itself shows: label image (y, x), ids 1…n."""
        return self._best(self.own, evidence(self.own))

    def again(
        self, cells: Labels, around: Mapping[int, Labels], news: Sequence[IntArray] | None
    ) -> tuple[Labels, IntArray]:
        """Choose the cells knowing those of the frames around, as `Frame.again` does.

        Their outlines are candidates, too: where the network sees one summit in this frame and
        two in the next, the summit is cut in two.
        """
        if news is not None and not any(places.size for places in news):
            return cells, np.zeros(0, dtype=np.intp)
        own = self.own
        for distance in (-1, 1):
            if distance in around:
                own = own.cut(around[distance], AREA_PX)
        seen = company(members(own, AREA_PX), own.pieces, around)
        # Where cells move far, all candidates contradict the frames around. If that counted, it
        # would count for each of two cells, and only once for both as one.
        agreed = np.maximum(agreement(seen), 0)
        chosen = self._best(own, evidence(own) + COUPLING * agreed)
        changed = ~found_again(cells, chosen)[cells] | ~found_again(chosen, cells)[chosen]
        return chosen, np.flatnonzero(changed)

    def _best(self, own: Joins, gain: FloatArray) -> Labels:
        cells, _ = painted(own.pieces, choose(own, gain))
        unsure = doubtful(cells, self.inside, self.depth, RULES.least_sure, RULES.least_top)
        return drop(cells, unsure)


def evidence(tree: Joins) -> FloatArray:
    """Tell what each node is worth by what the network sees, shape (N,).

    Of two pieces, both together are worth more than the two alone if the pass between them is high.
    """
    joined = EVIDENCE * np.clip(tree.share - RULES.saddle, LEAST_SURE, MOST_SURE)
    worth = np.full(joined.size, PRESENCE)
    for start, stop in tree.rounds:
        worth[start:stop] = joined[start:stop] + worth[tree.children[start:stop]].sum(axis=1)
    return worth
