"""A dish without cells: how high the background is, how uneven, and how it changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image

FEWEST_ACROSS = 3
"""Fewest tiles along each edge that tell how uneven a field is."""

_FAR = 5 * 1.4826
"""Median absolute deviations (5 standard deviations) beyond which a tile holds something."""


@dataclass(frozen=True, eq=False)
class BlankLevel:
    """Background of a dish without cells, per channel, shape (C,), counts.

    Attributes
    ----------
    level
        Mean over tiles and frames.
    level_se
        Its standard error, from frame to frame.
    uneven_sd
        Standard deviation from place to place of the background under one cell.
    change_sd
        Standard deviation of the whole field from frame to frame; NaN of a single frame.
    n_frames, n_tiles
        What it was measured on; tiles of the channel with the fewest.
    """

    level: FloatArray
    level_se: FloatArray
    uneven_sd: FloatArray
    change_sd: FloatArray
    n_frames: int
    n_tiles: int


class BlankTiles:
    r"""Measure a blank dish, frame by frame, on tiles as large as a cell.

    The mean of tile k in frame t is :math:`m_{tk} = \mu + a_t + b_k + e_{tk}`. The unevenness is
    the variance of b, the change that of a, and e is the photon noise of a tile, which is no error
    of a background. The three are told apart as in a two-way table without replicates [1]_:

    .. math::

        \sigma_b^2 = s^2(\bar m_{\cdot k}) - \sigma_e^2 / T, \qquad
        \sigma_a^2 = s^2(\bar m_{t \cdot}) - \sigma_e^2 / K

    with :math:`\sigma_e^2` the residual mean square. Of a single frame it comes from the pixels: a
    tile's mean over the white squares of a chessboard less that over the black ones holds nothing
    but noise, and has four times its variance. Tiles that lie more than five robust standard
    deviations off hold dirt and are left out.

    Parameters
    ----------
    tile_px
        Edge of a tile in px.

    References
    ----------
    .. [1] Searle SR, Casella G, McCulloch CE. Variance Components. Wiley; 1992, chapter 4.
    """

    def __init__(self, tile_px: float) -> None:
        # An even edge has as many white squares as black ones.
        self._edge = max(2, 2 * round(tile_px / 2))
        self._means: list[FloatArray] = []
        self._noise: FloatArray = np.zeros(0)

    def update(self, frame: Image) -> None:
        """Take in a frame (C, Y, X), counts."""
        tiles = self._cut(frame)
        self._means.append(tiles.mean(axis=-1))
        if len(self._means) == 1:
            self._noise = _pixel_noise(tiles)

    def _cut(self, frame: Image) -> FloatArray:
        """Cut a frame into tiles, (C, K, pixels)."""
        n_channels, height, width = frame.shape
        edge = min(self._edge, *(2 * (n // (2 * FEWEST_ACROSS)) for n in (height, width)))
        if edge < 2:
            raise ExperimentError(
                f"background.blank: expected a field of at least {2 * FEWEST_ACROSS} × "
                f"{2 * FEWEST_ACROSS} pixels, found {height} × {width}. Record a larger field."
            )
        rows, columns = height // edge, width // edge
        part = np.asarray(frame[:, : rows * edge, : columns * edge], dtype=np.float64)
        tiles = part.reshape(n_channels, rows, edge, columns, edge).swapaxes(2, 3)
        return tiles.reshape(n_channels, rows * columns, edge * edge)

    def result(self) -> BlankLevel:
        """Return what the frames say together.

        Raises
        ------
        ExperimentError
            If a channel has fewer than three tiles of finite pixels without dirt.
        """
        means = np.stack(self._means, axis=1)
        parts = [_separate(m, noise) for m, noise in zip(means, self._noise, strict=True)]
        level, level_se, uneven, change, n_tiles = (np.array(x) for x in zip(*parts, strict=True))
        return BlankLevel(level, level_se, uneven, change, len(self._means), int(n_tiles.min()))


def _pixel_noise(tiles: FloatArray) -> FloatArray:
    """Photon noise of each tile's mean as a variance, (C, K), from its chessboard."""
    edge = round(tiles.shape[-1] ** 0.5)
    white = (np.indices((edge, edge)).sum(axis=0) % 2 == 0).ravel()
    difference = tiles[..., white].mean(axis=-1) - tiles[..., ~white].mean(axis=-1)
    return np.asarray(difference**2 / 4)


def _separate(means: FloatArray, pixel_noise: FloatArray) -> tuple[float, float, float, float, int]:
    """Give level, its error, unevenness, change, and number of tiles of one channel (T, K)."""
    kept = _clean(means.mean(axis=0))
    if kept.sum() < FEWEST_ACROSS:
        raise ExperimentError(
            f"background.blank: expected counts in at least {FEWEST_ACROSS} parts of the field, "
            f"found {kept.sum()} of {kept.size} whose pixels are all finite numbers and hold no "
            "dirt. Check the blank."
        )
    means = means[:, kept]
    n_frames, n_tiles = means.shape
    of_frames, of_tiles, level = means.mean(axis=1), means.mean(axis=0), means.mean()
    if n_frames == 1:
        noise = float(pixel_noise[kept].mean())
        uneven = np.sqrt(max(of_tiles.var(ddof=1) - noise, 0.0))
        return float(level), float(np.sqrt(noise / n_tiles)), float(uneven), np.nan, n_tiles
    rest = means - of_frames[:, None] - of_tiles + level
    noise = float(np.sum(rest**2)) / ((n_frames - 1) * (n_tiles - 1))
    uneven = np.sqrt(max(of_tiles.var(ddof=1) - noise / n_frames, 0.0))
    change = np.sqrt(max(of_frames.var(ddof=1) - noise / n_tiles, 0.0))
    error = np.sqrt(of_frames.var(ddof=1) / n_frames)
    return float(level), float(error), float(uneven), float(change), n_tiles


def _clean(of_tiles: FloatArray) -> Image:
    """Tell which tiles (K,) hold nothing but background."""
    finite = np.isfinite(of_tiles)
    if not finite.any():
        return finite
    off = np.abs(of_tiles - np.median(of_tiles[finite]))
    rounding = 1e-9 * float(off[finite].max())
    return finite & (off <= max(_FAR * float(np.median(off[finite])), rounding))
