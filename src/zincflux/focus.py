"""How sharp each frame is: an addition often throws the field out of focus for some frames."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from zincflux.movie import FloatArray, Image

COARSE_PX = 8
"""Pixels across the squares whose edges defocus leaves as they are."""

SMALLEST_SIDE_PX = 24
"""Side of an image below which there are too few squares to compare with."""

BAND_PX = 32
"""Height of the bands that a large image is cut into."""

MOST_PIXELS = 2**17
"""Pixels that the score is made of, at most about."""

SIGNIFICANT = 3.0
"""Standard errors that the edges between squares must reach for a score."""

LARGEST_ERROR = 0.3
"""Standard error of a score, relative to the score, above which there is none."""


def focus_score(image: Image) -> float:
    r"""Score the sharpness of an image.

    The score is the energy of the edges between pixels over that between squares of 8 × 8 pixels,
    :math:`64\,G_1/G_8`. The energy is
    :math:`G = \langle \Delta_x I(y, x)\,\Delta_x I(y+1, x)\rangle` and the same along y: the
    product of *neighbouring* differences, in which the noise of pixels, being independent, cancels.
    Blur removes the fine edges and leaves the coarse ones; gain, offset, smooth background and the
    brightness of the cells change both alike.

    Parameters
    ----------
    image
        Pixels (Y, X) of any real dtype; NaN pixels are left out.

    Returns
    -------
    float
        Dimensionless, higher is sharper; compared only between frames of a movie. NaN where the
        image shows nothing, is too noisy, or is smaller than 24 pixels.

    Examples
    --------
    >>> y, x = np.mgrid[:128, :128]
    >>> disc = 100.0 * (np.hypot(y - 60, x - 66) < 20)
    >>> round(focus_score(disc), 6) == round(focus_score(1000 + 10 * disc), 6)
    True
    """
    if min(image.shape) < SMALLEST_SIDE_PX:
        return float("nan")
    pixels = _bands(np.asarray(image))
    # Differences of 16-bit counts are exact in single precision.
    is_short = pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2
    pixels = pixels.astype(np.float32 if is_short else np.float64)
    finite = np.isfinite(pixels)
    if not finite.all():
        pixels = np.where(finite, pixels, np.nan)
    fine, fine_error = _edge_energy(pixels)
    coarse, coarse_error = _edge_energy(_squares(pixels))
    if not coarse > SIGNIFICANT * coarse_error or fine_error > LARGEST_ERROR * fine:
        return float("nan")
    return COARSE_PX**2 * fine / coarse


def _bands(image: Image) -> Image:
    """Cut a large image into bands (B, Y, X) and leave some out, evenly: enough tell the focus."""
    height, width = image.shape
    n_bands = height // BAND_PX
    every = int(np.ceil(height * width / MOST_PIXELS))
    if every == 1 or n_bands < every:
        return image[None]
    bands = image[: n_bands * BAND_PX].reshape(n_bands, BAND_PX, width)
    return bands[every // 2 :: every]


def _squares(pixels: FloatArray) -> FloatArray:
    """Mean of each square of 8 × 8 pixels of bands (B, Y, X); the rest at the far edges is left."""
    n_bands, height, width = pixels.shape
    rows, columns = height // COARSE_PX, width // COARSE_PX
    cropped = pixels[:, : rows * COARSE_PX, : columns * COARSE_PX]
    # Down the columns first, where whole rows are added up at a time.
    strips = cropped.reshape(n_bands, rows, COARSE_PX, -1).sum(axis=2, dtype=np.float64)
    squares: FloatArray = strips.reshape(n_bands, rows, columns, COARSE_PX).sum(axis=3)
    return squares / COARSE_PX**2


def _edge_energy(pixels: FloatArray) -> tuple[float, float]:
    """Mean product of neighbouring differences along both axes, and its standard error."""
    along_x, along_y = np.diff(pixels, axis=2), np.diff(pixels, axis=1)
    n, total, squares = 0, 0.0, 0.0
    for products in (along_x[:, 1:] * along_x[:, :-1], along_y[:, :, 1:] * along_y[:, :, :-1]):
        known = products.ravel()
        if np.isnan(known.sum()):
            known = known[np.isfinite(known)]
        n += known.size
        total += float(known.sum(dtype=np.float64))
        squares += float(np.square(known).sum(dtype=np.float64))
    if not n:
        return float("nan"), float("nan")
    mean = total / n
    return mean, float(np.sqrt(max(squares / n - mean**2, 0.0) / n))


def defocused(
    scores: ArrayLike,
    *,
    window_frames: int = 31,
    drop: float = 0.15,
    n_sd: float = 5.0,
) -> NDArray[np.bool_]:
    """Tell which frames of a movie are out of focus.

    A frame is so when its score falls below the running median by more than `drop` and by more
    than `n_sd` robust standard deviations of the scores around it, or when it falls below the
    median of the whole movie by more than twice `drop` and as many deviations, so that focus lost
    for longer than half the window is seen as well.

    Parameters
    ----------
    scores
        `focus_score` of each frame, shape (T,); NaN where there is none.
    window_frames
        Frames that the running median is taken over.
    drop
        Least drop, as a fraction of the median.
    n_sd
        Least drop in robust standard deviations.

    Returns
    -------
    numpy.ndarray
        Booleans, shape (T,); False where there is no score.

    Examples
    --------
    >>> defocused([4.3, 4.2, 4.3, 4.2, 4.3, 2.1, 4.4]).tolist()
    [False, False, False, False, False, True, False]
    """
    values = np.asarray(scores, dtype=np.float64)
    known = np.isfinite(values)
    if known.sum() < 3:
        return np.zeros(values.shape, dtype=bool)
    log_score = np.full(values.shape, np.nan)
    # A score at or below 0 is noise about no fine edge at all: as blurred as can be.
    log_score[known] = np.log(np.maximum(values[known], 1e-3))
    near = _running_median(log_score, window_frames)
    # From frame to frame, since a dozen blurred frames in a row would widen any other measure;
    # also over a shorter stretch, since the scores of a dim phase scatter more.
    steps = np.abs(np.diff(log_score, prepend=np.nan)) / np.sqrt(2)
    scatter = 1.4826 * np.fmax(
        _running_median(steps, window_frames), _running_median(steps, window_frames // 2)
    )
    below_near = near - log_score
    below_all = np.nanmedian(log_score) - log_score
    least = n_sd * scatter
    sudden = below_near > np.maximum(-np.log1p(-drop), least)
    lasting = below_all > np.maximum(-np.log1p(-2 * drop), least)
    return np.asarray(known & (sudden | lasting))


def _running_median(values: FloatArray, window: int) -> FloatArray:
    """Median of the known values around each; NaN where there are none."""
    half = max(1, window // 2)
    padded = np.pad(values, half, constant_values=np.nan)
    around = np.sort(sliding_window_view(padded, 2 * half + 1), axis=1)
    known = np.isfinite(around).sum(axis=1)
    rows = np.arange(values.size)
    # Sorting puts NaN last.
    low, high = around[rows, np.maximum(known - 1, 0) // 2], around[rows, known // 2]
    result: FloatArray = np.where(known % 2 == 1, low, (low + high) / 2)
    return result
