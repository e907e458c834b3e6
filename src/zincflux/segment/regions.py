"""Regions of cells: the whole cell, its nucleus, the cytosol or a ring of it, without puncta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import disk, white_tophat
from skimage.segmentation import expand_labels

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image, Labels
from zincflux.segment.pieces import fill_holes, largest_piece

Region = Literal["cell", "nucleus", "ring", "cytosol"]
REGIONS: tuple[str, ...] = get_args(Region)
OF_CYTOSOL = ("ring", "cytosol")
"""Regions that hold cytosol only."""

STANDS_OUT = 5.0
"""Robust standard deviations by which a punctum stands out of its cell's fine structure."""


NUCLEUS_FRACTION = 0.08
"""Smallest nucleus that is believed, as a fraction of its cell's area."""


class Cytosol(NamedTuple):
    """What of the cytosol is measured.

    Attributes
    ----------
    ring_width_um
        Width of the ring, µm; it ends at the cell's edge where that is nearer.
    gap_um
        Distance left free between nucleus and ring or cytosol, µm: light of the nucleus spreads
        that far.
    puncta_um
        Diameter, µm, of the largest bright spots that are left out; None leaves none out.
    """

    ring_width_um: float = 2.0
    gap_um: float = 0.5
    puncta_um: float | None = None


_USUAL = Cytosol()


def split_regions(
    cells: Labels,
    regions: Sequence[Region],
    *,
    pixel_size_um: float,
    nucleus_image: Image | None = None,
    image: Image | None = None,
    cytosol: Cytosol = _USUAL,
) -> dict[str, Labels]:
    """Split cells into the regions that are measured; a cell keeps its id in each of them.

    Parameters
    ----------
    cells
        Label image (Y, X).
    regions
        Which of ``"cell"``, ``"nucleus"``, ``"ring"`` and ``"cytosol"`` (the cell without its
        nucleus and the gap around it) to return.
    pixel_size_um
        Edge of a pixel, µm.
    nucleus_image
        Image (Y, X) of a nuclear stain; needed for all but the cell.
    image
        Image (Y, X) that puncta are looked for in; none are left out without it.
    cytosol
        What of the cytosol is measured.

    Returns
    -------
    dict
        Label image (Y, X) of each region, int32, in the order of `regions`. A cell whose nucleus
        is not seen has no pixel in the other regions.

    Raises
    ------
    ExperimentError
        If a region needs a nuclear stain and there is none, its shape differs, or a region is
        unknown.
    """
    unknown = [region for region in regions if region not in REGIONS]
    if unknown:
        raise ExperimentError(
            f"segment.regions: expected some of {', '.join(map(repr, REGIONS))}, found "
            f"{unknown[0]!r}."
        )
    parts: dict[str, Labels] = {"cell": cells.astype(np.int32)}
    if set(regions) != {"cell"}:
        stain = _stain(cells, nucleus_image, regions)
        inner = parts["nucleus"] = nuclei(cells, stain)
        gap, width = cytosol.gap_um / pixel_size_um, cytosol.ring_width_um / pixel_size_um
        body = cells
        if image is not None and cytosol.puncta_um is not None:
            body = np.where(puncta(cells, image, cytosol.puncta_um / pixel_size_um), 0, cells)
        parts["ring"] = ring(body, inner, gap, width)
        parts["cytosol"] = outside_nucleus(body, inner, gap)
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


def outside_nucleus(cells: Labels, nucleus: Labels, gap_px: float) -> Labels:
    """Take the nuclei, and a gap around them, out of the cells that have one.

    Parameters
    ----------
    cells, nucleus
        Label images (Y, X) with the same ids.
    gap_px
        Distance left free around each nucleus, pixels.

    Returns
    -------
    numpy.ndarray
        Label image (Y, X), int32; a cell without nucleus has no pixel in it.
    """
    inner = expand_labels(nucleus, distance=gap_px)
    has_nucleus = np.zeros(int(cells.max(initial=0)) + 1, dtype=bool)
    has_nucleus[np.unique(nucleus)] = True
    has_nucleus[0] = False
    return np.where(has_nucleus[cells] & (inner == 0), cells, 0).astype(np.int32)


def puncta(cells: Labels, image: Image, diameter_px: float) -> NDArray[np.bool_]:
    """Find bright spots in cells, such as vesicles that take the dye up.

    A spot is what a white top-hat with a disc of its diameter leaves of the smoothed image, where
    it stands out of the same measure over the whole cell.

    Parameters
    ----------
    cells
        Label image (Y, X).
    image
        Image of the indicator (Y, X); NaN counts as dark.
    diameter_px
        Largest diameter of a spot, pixels.

    Returns
    -------
    numpy.ndarray
        Mask (Y, X), bool; nothing outside the cells.
    """
    ids = np.unique(cells[cells > 0])
    if not ids.size:
        return np.zeros(cells.shape, dtype=bool)
    filled = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=_lowest(np.asarray(image)))
    smooth = ndimage.gaussian_filter(filled, 0.7, mode="nearest")
    fine = white_tophat(smooth, disk(int(np.ceil(diameter_px / 2)) + 1))
    middle, spread = np.zeros(int(ids[-1]) + 1), np.zeros(int(ids[-1]) + 1)
    middle[ids] = ndimage.median(fine, cells, ids)
    spread[ids] = 1.4826 * ndimage.median(np.abs(fine - middle[cells]), cells, ids)
    return np.asarray((cells > 0) & (fine > middle[cells] + STANDS_OUT * spread[cells]))
