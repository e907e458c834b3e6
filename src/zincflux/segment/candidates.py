"""All the cells there might be in an image, and how each of them looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from zincflux.movie import FloatArray, Labels
from zincflux.segment.contrast import Contrast
from zincflux.segment.fragments import bright_mask, cut, log_brightness, raise_cells, threshold_of
from zincflux.segment.hierarchy import Hierarchy, JoinWeights, grow
from zincflux.segment.looks import blob_images, looks
from zincflux.segment.sums import IntArray, Sums


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pieces of the bright area, and all that they are joined to.

    Attributes
    ----------
    pieces
        Label image (y, x) of the binned image, ids 1…n.
    tree
        Its first n nodes are the pieces.
    looks
        Shape (N, looks).
    """

    pieces: Labels
    tree: Hierarchy
    looks: FloatArray

    @cached_property
    def inside(self) -> IntArray:
        """Places of the pixels of the pieces in the flat image, (m,)."""
        return np.flatnonzero(self.pieces > 0)

    @cached_property
    def of_inside(self) -> Labels:
        """Pieces of these pixels, (m,)."""
        return self.pieces.take(self.inside)

    @cached_property
    def clumps(self) -> IntArray:
        """Clump of each piece, shape (n,); pieces of different clumps are never joined."""
        n, pairs = self.tree.n_leaves, self.tree.sums.pairs
        graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
        clumps: IntArray = connected_components(graph, directed=False)[1].astype(np.intp)
        return clumps

    def part(self, kept: NDArray[np.bool_]) -> Candidates:
        """Leave out clumps.

        Parameters
        ----------
        kept
            Whether each piece is kept, shape (n,); all pieces of a clump or none.
        """
        if kept.all():
            return self
        tree, nodes = _part_of_tree(self.tree, kept)
        pieces = np.zeros(self.pieces.shape, dtype=np.int32)
        pieces.flat[self.inside] = only(self.of_inside, kept)
        return Candidates(pieces, tree, self.looks[nodes])

    def whole_clumps(self, pieces: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """All pieces of the clumps that some pieces belong to; booleans (n,) of the pieces."""
        clump = np.zeros(pieces.size, dtype=bool)
        clump[self.clumps[pieces]] = True
        return clump[self.clumps]


def joint(parts: Sequence[Sums]) -> Sums:
    """Put the sums of pieces of several images together; the pieces are numbered on."""
    if len(parts) == 1:
        return parts[0]
    firsts = np.cumsum([0] + [len(part.inside) for part in parts[:-1]])
    return Sums(
        inside=np.concatenate([part.inside for part in parts]),
        outline=np.concatenate([part.outline for part in parts]),
        box=np.concatenate([part.box for part in parts]),
        pairs=np.concatenate([part.pairs + k for part, k in zip(parts, firsts, strict=True)]),
        borders=np.concatenate([part.borders for part in parts]),
    )


def only(labels: Labels, kept: NDArray[np.bool_]) -> Labels:
    """Leave out some ids, and number the others 1…k in their order.

    Parameters
    ----------
    labels
        Ids 0…n of pixels, any shape.
    kept
        Whether each id but 0 is kept, shape (n,).
    """
    number = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return np.append(np.int32(0), number)[labels]


def _part_of_tree(tree: Hierarchy, kept: NDArray[np.bool_]) -> tuple[Hierarchy, IntArray]:
    """Leave out the trees that stand on some leaves; and give the nodes that stay."""
    stays = np.append(kept, np.zeros(tree.parent.size - tree.n_leaves, dtype=bool))
    for start, stop in tree.rounds:
        stays[start:stop] = stays[tree.children[start:stop, 0]]
    nodes = np.flatnonzero(stays)
    # The last one stands for no node at all.
    number = np.append(np.cumsum(stays) - 1, -1)
    before = np.append(0, np.cumsum(stays))
    bounds = [(int(before[start]), int(before[stop])) for start, stop in tree.rounds]
    sums = tree.sums
    touching = kept[sums.pairs[:, 0]]
    return Hierarchy(
        sums=Sums(
            sums.inside[nodes],
            sums.outline[nodes],
            sums.box[nodes],
            number[sums.pairs[touching]],
            sums.borders[touching],
        ),
        seam=tree.seam[nodes],
        children=number[tree.children[nodes]],
        parent=number[tree.parent[nodes]],
        rounds=tuple((start, stop) for start, stop in bounds if stop > start),
        n_leaves=int(np.count_nonzero(kept)),
    ), nodes


@dataclass(frozen=True, eq=False)
class Scene:
    """What of an image is needed to say how any part of it looks.

    Attributes
    ----------
    brightness
        Logarithm of brightness over the threshold, (y, x) of the binned image. All images are
        float64, or float32 once condensed.
    light
        Brightness above background, (y, x).
    blobs
        The images of `blob_images`, each (y, x).
    area_px
        Area of a round cell, binned pixels.
    noise
        Logarithm of the threshold over the noise.
    bright
        Log brightness of the brighter cells of the image.
    """

    brightness: NDArray[Any]
    light: NDArray[Any]
    blobs: tuple[NDArray[Any], ...]
    area_px: float
    noise: float
    bright: float

    def candidates(self, pieces: Labels, weights: JoinWeights | None = None) -> Candidates:
        """Join pieces in all likely ways.

        Parameters
        ----------
        pieces
            Label image (y, x), ids 1…n.
        weights
            In which order pieces are joined.
        """
        return Candidates(pieces, *self.grown([pieces], weights))

    def grown(
        self, cuts: Sequence[Labels], weights: JoinWeights | None = None
    ) -> tuple[Hierarchy, FloatArray]:
        """Join pieces in all likely ways, for several cuts of the image at once.

        Parameters
        ----------
        cuts
            Label images (y, x), ids 1…n each. Their pieces are numbered on: those of the second
            come after those of the first.
        weights
            In which order pieces are joined.

        Returns
        -------
        tuple
            Trees that never join pieces of different cuts; and the looks of their nodes.
        """
        sums = joint([Sums.of(cut, self.brightness, self.light, self.blobs) for cut in cuts])
        tree = grow(sums, self.area_px, weights)
        return tree, looks(tree, self.area_px, self.noise, self.bright)

    def condensed(self) -> Scene:
        """Keep the images in single precision: of a film, several frames are held at once."""
        images = (self.brightness, self.light, *self.blobs)
        brightness, light, *blobs = (image.astype(np.float32) for image in images)
        return Scene(brightness, light, tuple(blobs), self.area_px, self.noise, self.bright)


def find_candidates(
    contrast: Contrast, minimum_contrast: float, weights: JoinWeights | None = None
) -> Candidates | None:
    """Cut what stands out of the background into bumps, and join them in all likely ways.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.
    weights
        In which order pieces are joined.

    Returns
    -------
    Candidates or None
        None where nothing stands out.
    """
    seen = look_at(contrast, minimum_contrast)
    return None if seen is None else seen[0].candidates(seen[1], weights)


def look_at(contrast: Contrast, minimum_contrast: float) -> tuple[Scene, Labels] | None:
    """Cut what stands out of the background into bumps, more of them than there are cells.

    Parameters
    ----------
    contrast
        Brightness above background.
    minimum_contrast
        See `bright_mask`.

    Returns
    -------
    tuple or None
        The scene, and the label image (y, x) of its bumps; None where nothing stands out.
    """
    mask = bright_mask(contrast, minimum_contrast)
    if not mask.any():
        return None
    threshold = threshold_of(contrast, minimum_contrast)
    brightness = log_brightness(contrast, threshold)
    blobs = blob_images(contrast, raise_cells(brightness, mask))
    scene = Scene(
        brightness=brightness,
        light=contrast.value,
        blobs=tuple(blobs),
        area_px=contrast.cell_area_px,
        noise=float(np.log(threshold / contrast.noise_sd)),
        bright=float(np.quantile(brightness[mask], 0.75)),
    )
    return scene, cut(blobs[-1], mask)
