"""Regions of cells: the whole cell, its nucleus, and a ring of cytosol around the nucleus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import ndimage
from skimage.segmentation import expand_labels

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image, Labels
from zincflux.segment.pieces import fill_holes, largest_piece

Region = Literal["cell", "nucleus", "ring"]

NUCLEUS_FRACTION = 0.08
"""Smallest nucleus that is believed, as a fraction of its cell's area."""


def split_regions(
    cells: Labels,
    regions: Sequence[Region],
    *,
    pixel_size_um: float,
    nucleus_image: Image | None = None,
    ring_width_um: float = 2.0,
    ring_gap_um: float = 0.5,
) -> dict[str, Labels]:
    """Split cells into the regions that are measured; a cell keeps its id in each of them.

    Parameters
    ----------
    cells
        Label image (Y, X).
    regions
        Which of ``"cell"``, ``"nucleus"`` and ``"ring"`` to return.
    pixel_size_um
        Edge of a pixel, µm.
    nucleus_image
        Image (Y, X) of a nuclear stain; needed for ``"nucleus"`` and ``"ring"``.
    ring_width_um
        Width of the ring of cytosol, µm; it ends at the cell's edge where that is nearer.
    ring_gap_um
        Distance left free between nucleus and ring, µm: light of the nucleus spreads that far.

    Returns
    -------
    dict
        Label image (Y, X) of each region, int32, in the order of `regions`. A cell whose nucleus
        is not seen has no pixel in ``"nucleus"`` and ``"ring"``.

    Raises
    ------
    ExperimentError
        If a region needs a nuclear stain and there is none, its shape differs, or a region is
        unknown.
    """
    unknown = [region for region in regions if region not in ("cell", "nucleus", "ring")]
    if unknown:
        raise ExperimentError(
            f"segment.regions: expected 'cell', 'nucleus' or 'ring', found {unknown[0]!r}."
        )
    parts: dict[str, Labels] = {"cell": cells.astype(np.int32)}
    if set(regions) != {"cell"}:
        stain = _stain(cells, nucleus_image, regions)
        parts["nucleus"] = nuclei(cells, stain)
        parts["ring"] = ring(
            cells, parts["nucleus"], ring_gap_um / pixel_size_um, ring_width_um / pixel_size_um
        )
    return {region: parts[region] for region in regions}


def _stain(cells: Labels, image: Image | None, regions: Sequence[str]) -> FloatArray:
    if image is None:
        wanted = ", ".join(region for region in regions if region != "cell")
        raise ExperimentError(
            f"segment.regions: {wanted} need an image of the nuclei, found none. "
            "Name the nuclear stain with channels.nucleus."
        )
    if image.shape != cells.shape:
        raise ExperimentError(
            f"channels.nucleus: expected {' × '.join(map(str, cells.shape))} pixels like the "
            f"labels, found {' × '.join(map(str, image.shape))}."
        )
    return np.asarray(image, dtype=np.float64)


def nuclei(cells: Labels, stain: FloatArray) -> Labels:
    """Find the nucleus of each cell: its brightest piece in a nuclear stain.

    Each cell has its own threshold, the one that divides its pixels into two classes with the
    largest variance between them (Otsu's criterion). A cell in which the two classes do not stand
    apart, or whose nucleus would be a speck, gets none.

    Parameters
    ----------
    cells
        Label image (Y, X).
    stain
        Image of the nuclear stain (Y, X); NaN counts as not stained.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32, with the cells' ids.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE Trans. Syst.
       Man Cybern. 9 (1979) 62–66.
    """
    smooth = ndimage.gaussian_filter(np.nan_to_num(stain, nan=_lowest(stain)), 1.0, mode="nearest")
    threshold = _otsu_of_each(cells, smooth)
    bright = smooth > threshold[cells]
    found = np.where(bright & (cells > 0), cells, 0).astype(np.int32)
    found = largest_piece(found)
    found = fill_holes(found)
    n = int(cells.max(initial=0)) + 1
    share = np.bincount(found.ravel(), minlength=n) / np.maximum(
        np.bincount(cells.ravel(), minlength=n), 1
    )
    return np.where(share[found] >= NUCLEUS_FRACTION, found, 0).astype(np.int32)


def _lowest(stain: FloatArray) -> float:
    return float(np.nanmin(stain)) if np.isfinite(stain).any() else 0.0


def _otsu_of_each(cells: Labels, values: FloatArray) -> FloatArray:
    """Otsu's threshold of each id, shape (largest id + 1,); inf where classes do not separate."""
    thresholds = np.full(int(cells.max(initial=0)) + 1, np.inf)
    inside = np.flatnonzero(cells)
    if not inside.size:
        return thresholds
    order = np.lexsort((values.flat[inside], cells.flat[inside]))
    ids, v = cells.flat[inside][order], values.flat[inside][order]
    start = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    size = np.diff(np.r_[start, ids.size])
    group = np.repeat(np.arange(start.size), size)
    v = v - (np.add.reduceat(v, start) / size)[group]
    below = np.cumsum(v)
    below -= (below[start] - v[start])[group]
    rank = np.arange(ids.size) - start[group] + 1
    rest = size[group] - rank
    # With the mean taken out, the variance between the classes needs the lower sum alone.
    between = np.where(rest > 0, below**2 / rank / np.maximum(rest, 1), 0.0)
    total = np.add.reduceat(v**2, start) / size
    best = np.maximum.reduceat(between, start)
    is_best = np.flatnonzero(between == best[group])
    first = is_best[np.unique(group[is_best], return_index=True)[1]]
    raw = values.flat[inside][order]
    upper = np.minimum(first + 1, ids.size - 1)
    # A single Gaussian already reaches 2/π = 0.64 of its variance between two classes.
    separate = best > 0.72 * np.maximum(total, np.finfo(float).tiny)
    thresholds[ids[start]] = np.where(separate, (raw[first] + raw[upper]) / 2, np.inf)
    return thresholds


def ring(cells: Labels, nucleus: Labels, gap_px: float, width_px: float) -> Labels:
    """Make the ring of cytosol around each nucleus.

    Parameters
    ----------
    cells, nucleus
        Label images (Y, X) with the same ids.
    gap_px
        Distance left free between nucleus and ring, pixels.
    width_px
        Width of the ring, pixels.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32: pixels of a cell at most ``gap_px + width_px`` and more than
        `gap_px` away from its own nucleus, and outside every nucleus.
    """
    outer = expand_labels(nucleus, distance=gap_px + width_px)
    inner = expand_labels(nucleus, distance=gap_px)
    return np.where((outer == cells) & (inner == 0), cells, 0).astype(np.int32)
