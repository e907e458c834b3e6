"""The background of a frame from the pixels that no cell covers."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.ndimage
import scipy.special
from numpy.typing import NDArray

from zincflux.correct.level import BackgroundLevel, robust_sd
from zincflux.errors import CorrectionWarning
from zincflux.movie import Image, Labels

MAX_PIXELS = 32768
_MIN_PIXELS = 200
_MIN_SHARE = 0.01
_DARKEST_PERCENTILE = 1.0
_RUN = 16  # neighbouring pixels that are averaged in two halves
_GOLDEN = (5**0.5 - 1) / 2  # its multiples modulo 1 fill an interval evenly

Indices = NDArray[np.intp]
"""Positions in the flattened frame (Y * X), increasing."""


def cell_free(labels: Labels, margin_px: float) -> NDArray[np.bool_]:
    """Tell which pixels lie farther from every cell than its halo reaches.

    Parameters
    ----------
    labels
        Label image (Y, X).
    margin_px
        Width of the halo in px.

    Returns
    -------
    numpy.ndarray
        Booleans (Y, X).

    Raises
    ------
    ValueError
        If the margin is negative.

    Examples
    --------
    >>> cell_free(np.array([[0, 0, 0, 5]]), margin_px=1)
    array([[ True,  True, False, False]])
    """
    if margin_px < 0:
        raise ValueError(f"margin_px: expected 0 or more, found {margin_px}.")
    reach = 2 * int(np.ceil(margin_px)) + 1
    # A square is a little wider than a disc at its corners, and its filter runs along the axes.
    covered = scipy.ndimage.maximum_filter(
        (labels != 0).astype(np.uint8), size=reach, mode="constant"
    )
    return np.asarray(covered == 0)


def sample_pixels(mask: NDArray[np.bool_], max_pixels: int = MAX_PIXELS) -> Indices:
    """Choose pixels of a mask, spread evenly and always the same.

    Runs of neighbouring pixels are chosen where there are enough, since the noise is measured on
    neighbours and reading runs is fast.

    Parameters
    ----------
    mask
        Booleans (Y, X).
    max_pixels
        Largest number of pixels.

    Returns
    -------
    numpy.ndarray
        Positions in the flattened frame, increasing, shape (n,).
    """
    height, width = mask.shape
    n_across = width // _RUN
    whole = mask[:, : n_across * _RUN].reshape(height, n_across, _RUN).all(axis=2)
    rows, across = np.nonzero(whole)
    n_free = int(np.count_nonzero(mask))
    if rows.size * _RUN < min(max_pixels // 4, n_free / 2):
        free = np.flatnonzero(mask)
        chosen = _spread(free.size // _RUN, max_pixels // _RUN)
        return free[: free.size // _RUN * _RUN].reshape(-1, _RUN)[chosen].ravel()
    chosen = _spread(rows.size, max_pixels // _RUN)
    starts = rows[chosen] * width + across[chosen] * _RUN
    return np.asarray((starts[:, None] + np.arange(_RUN)).ravel(), dtype=np.intp)


def _spread(n: int, at_most: int) -> Indices:
    """Choose numbers below n without the stripes that a fixed stride would make."""
    if n <= at_most:
        return np.arange(n)
    return np.unique((np.arange(1, at_most + 1) * _GOLDEN % 1 * n).astype(np.intp))


def percentile_background(
    frame: Image, flat_indices: Indices, percentile: float = 25.0
) -> BackgroundLevel:
    r"""Take a percentile of the cell-free area, corrected for what noise does to it.

    Over noise of standard deviation σ around one level B the percentile p lies at
    B + σ Φ⁻¹(p), so

    .. math:: B = Q_p - \sigma \Phi^{-1}(p).

    Means of eight neighbouring pixels stand for single ones: their noise is smaller and nearer
    to Gaussian. σ is taken from the differences of adjacent means, so that an uneven background
    does not count as noise.

    Parameters
    ----------
    frame
        Pixels (C, Y, X); those that are not finite are left out.
    flat_indices
        Cell-free pixels as positions in the flattened frame, increasing, from `sample_pixels`.
    percentile
        Percentile of the area, above 0 and below 100.

    Returns
    -------
    BackgroundLevel
        Level and noise per channel; NaN in a channel without a finite pixel.

    Warns
    -----
    CorrectionWarning
        If less than 1 % of the frame, or fewer than 200 pixels, are free of cells: then the
        darkest percentile of the whole frame serves.
    """
    n_frame = frame.shape[-2] * frame.shape[-1]
    indices = np.asarray(flat_indices)
    if indices.size < max(_MIN_PIXELS, min(_MIN_SHARE * n_frame, MAX_PIXELS / 2)):
        warnings.warn(
            f"background: less than {_MIN_SHARE:.0%} of the frame, or fewer than {_MIN_PIXELS} "
            f"pixels, are free of cells. The darkest percentile ({_DARKEST_PERCENTILE:g} %) of the "
            "whole frame is used, corrected for noise; it may lie above the true background. "
            'Set background.method to "ring", "roi" or "constant".',
            CorrectionWarning,
            stacklevel=2,
        )
        indices = sample_pixels(np.ones(frame.shape[-2:], dtype=bool))
        percentile = _DARKEST_PERCENTILE
    flat = frame.reshape(len(frame), -1)
    measured = [_level(channel[indices], percentile) for channel in flat]
    return BackgroundLevel(
        np.array([level for level, _ in measured]),
        np.array([noise for _, noise in measured]),
        int(indices.size),
    )


def _level(pixels: Image, percentile: float) -> tuple[float, float]:
    """Level and noise of one channel from its cell-free pixels (n,)."""
    is_whole = pixels.dtype.kind in "iu"
    values = pixels.astype(np.int64 if is_whole else np.float64)
    if not is_whole:
        values = values[np.isfinite(values)]
    if values.size == 0:
        return np.nan, np.nan
    noise = robust_sd(np.diff(values)) / np.sqrt(2)
    runs = values[: values.size // _RUN * _RUN].reshape(-1, 2, _RUN // 2)
    # A sum along so short an axis would take longer than all the rest.
    halves = np.zeros(runs.shape[:2])
    for k in range(_RUN // 2):
        halves += runs[:, :, k] / (_RUN // 2)
    if halves.size < 2:
        return float(np.median(values)), noise
    if is_whole:
        # Means of whole counts come in steps, and so would their percentile.
        fill = np.arange(halves.size) * _GOLDEN % 1 - 0.5
        halves = halves + fill.reshape(halves.shape) / (_RUN // 2)
    spread = robust_sd(halves[:, 0] - halves[:, 1]) / np.sqrt(2)
    quantile = float(np.percentile(halves, percentile))
    return quantile - spread * float(scipy.special.ndtri(percentile / 100)), noise
