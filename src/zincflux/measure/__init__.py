"""Measure cells: a frame and its label image give one row per cell, all channels in one pass.

The label image is kept as run lengths: the stretches of a cell along each row. Reading a frame run
by run touches only the pixels of cells, each once, which is about as fast as memory allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux.errors import ExperimentError
from zincflux.measure.label_runs import BoolArray, Int32Array, IntArray, LabelRuns, ratio
from zincflux.movie import FloatArray, Image, Labels

__all__ = ["LabelRuns", "Measurement", "measure_labels"]


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured of n cells in one frame of C channels.

    Attributes
    ----------
    ids
        Label of each cell, int32 (n,).
    area_px
        Pixels of each cell, int64 (n,).
    y_px, x_px
        Centroid in pixels (n,); 0 is the centre of the first pixel.
    mean, sd
        Mean and population standard deviation (the divisor is the number of pixels, as in
        `numpy.std`) of the valid pixels, float64 (C, n); NaN where there are none.
    clipped_fraction
        Share of the valid pixels at or above the saturation level, float64 (C, n); NaN where no
        level is known.
    touches_border
        Whether the cell lies at the edge of the frame or is cut by it, bool (n,).
    n_valid
        Finite pixels of each cell, int64 (C, n).
    inside_fraction
        Share of the cell's pixels inside the frame, float64 (n,).
    """

    ids: Int32Array
    area_px: IntArray
    y_px: FloatArray
    x_px: FloatArray
    mean: FloatArray
    sd: FloatArray
    clipped_fraction: FloatArray
    touches_border: BoolArray
    n_valid: IntArray
    inside_fraction: FloatArray

    def to_frame(self, channels: Sequence[str], pixel_size_um: float) -> pd.DataFrame:
        """Make a table with one row per cell.

        Parameters
        ----------
        channels
            Name of each channel (C).
        pixel_size_um
            Edge of a pixel in µm.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``y_um``, ``x_um``, ``area_um2``, ``touches_border``, ``inside_fraction``,
            for each channel ``<channel>_raw`` (mean), ``<channel>_sd`` and ``<channel>_n_valid``,
            then ``clipped_fraction``: that of the most clipped channel.
        """
        data: dict[str, NDArray[Any]] = {
            "label": self.ids.astype(np.int64),
            "y_um": self.y_px * pixel_size_um,
            "x_um": self.x_px * pixel_size_um,
            "area_um2": self.area_px * pixel_size_um**2,
            "touches_border": self.touches_border,
            "inside_fraction": self.inside_fraction,
        }
        for name, mean, sd, n_valid in zip(channels, self.mean, self.sd, self.n_valid, strict=True):
            data |= {f"{name}_raw": mean, f"{name}_sd": sd, f"{name}_n_valid": n_valid}
        data["clipped_fraction"] = np.fmax.reduce(self.clipped_fraction, axis=0, initial=np.nan)
        return pd.DataFrame(data)


def measure_labels(
    frame: Image, labels: LabelRuns | Labels, *, saturation_level: float | None = None
) -> Measurement:
    """Measure every cell of a frame in all channels.

    Pixels that are not finite (NaN, infinite) are left out. 8 and 16 bit frames are summed in
    integers, so the result is exact and does not depend on any order; other frames are summed in
    float64 about a pixel of the cell, so that a small spread on a large offset keeps its digits.

    Parameters
    ----------
    frame
        Pixels (C, Y, X) of any real dtype, in counts; need not be contiguous.
    labels
        Label image (Y, X), or its runs (saves finding them again for every frame).
    saturation_level
        Counts from which a pixel is at the camera's limit; None if not known.

    Raises
    ------
    ExperimentError
        If frame and labels differ in size, or either is not what it should be.

    Examples
    --------
    >>> frame = np.array([[[1, 2, 9], [4, 0, 255]]], dtype=np.uint8)
    >>> cells = measure_labels(frame, np.array([[0, 7, 7], [3, 0, 7]]), saturation_level=255)
    >>> cells.mean
    array([[ 4.        , 88.66666667]])
    >>> cells.clipped_fraction
    array([[0.        , 0.33333333]])
    """
    runs = labels if isinstance(labels, LabelRuns) else LabelRuns.of(labels)
    pixels = _pixels(frame, runs.shape)
    sums = _integer_sums if pixels.dtype.kind in "iu" else _float_sums
    mean, sd, clipped, n_valid = sums(pixels, runs, saturation_level)
    return Measurement(
        ids=runs.ids,
        area_px=runs.area_px,
        y_px=runs.y_px,
        x_px=runs.x_px,
        mean=mean,
        sd=sd,
        clipped_fraction=np.full(mean.shape, np.nan)
        if saturation_level is None
        else ratio(clipped, n_valid),
        touches_border=runs.touches_border,
        n_valid=n_valid,
        inside_fraction=runs.inside_fraction,
    )


def _kernels() -> ModuleType:
    """Import the compiled kernels when they are first used: much is done without Numba."""
    from zincflux.measure import kernels

    return kernels


_Sums = tuple[FloatArray, FloatArray, IntArray, IntArray]


def _integer_sums(pixels: Image, runs: LabelRuns, level: float | None) -> _Sums:
    total, squares, clipped = np.zeros((3, len(pixels), runs.ids.size), dtype=np.int64)
    limit = int(np.iinfo(pixels.dtype).max) + 1
    at_least = limit if level is None else int(np.ceil(min(max(level, -limit), limit)))
    _kernels().add_integers(pixels, _kernel_runs(runs), at_least, (total, squares, clipped))
    n = np.maximum(runs.area_px, 1)
    # About the whole number below the mean the sum of squares stays exact: n·65535² < 2**63.
    whole = total // n
    rest = total - whole * n
    variance = (squares - n * whole**2 - 2 * whole * rest - rest**2 / n) / n
    empty = runs.area_px == 0
    mean = np.where(empty, np.nan, total / n)
    sd = np.where(empty, np.nan, np.sqrt(np.maximum(variance, 0)))
    return mean, sd, clipped, np.broadcast_to(runs.area_px, clipped.shape)


def _float_sums(pixels: Image, runs: LabelRuns, level: float | None) -> _Sums:
    origin = np.full((len(pixels), runs.ids.size), np.nan)
    total, squares = np.zeros((2, *origin.shape))
    clipped, n_valid = np.zeros((2, *origin.shape), dtype=np.int64)
    at_least = np.inf if level is None else float(level)
    sums = (origin, total, squares, clipped, n_valid)
    _kernels().add_floats(pixels, _kernel_runs(runs), at_least, sums)
    n = np.maximum(n_valid, 1)
    variance = (squares - total**2 / n) / n
    # Where no pixel is valid the origin is still NaN, and so are mean and spread.
    mean = origin + total / n
    sd = np.where(n_valid > 0, np.sqrt(np.maximum(variance, 0)), np.nan)
    return mean, sd, clipped, n_valid


def _kernel_runs(runs: LabelRuns) -> tuple[Int32Array, ...]:
    return tuple(
        _kernels().read_only(array, np.dtype(np.int32))
        for array in (runs.rows, runs.starts, runs.stops, runs.cells)
    )


_KERNEL_DTYPES = {
    "bool": "uint8",
    "int8": "int16",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "uint16",
    "float16": "float32",
    "float32": "float32",
}
"""Pixel types that a kernel is compiled for; any other real type is measured as float64."""


def _pixels(frame: Image, shape: tuple[int, int]) -> Image:
    pixels = np.asarray(frame)
    if pixels.ndim != 3 or pixels.dtype.kind not in "biuf":
        raise ExperimentError(
            f"expected a frame of real numbers with the axes (C, Y, X), found {pixels.dtype} "
            f"{pixels.shape}. Name the axes with movie.axes."
        )
    if pixels.shape[1:] != shape:
        raise ExperimentError(
            f"expected labels of the same height and width as the frame, {pixels.shape[1:]}, "
            f"found {shape}. Check segment.labels."
        )
    dtype = np.dtype(_KERNEL_DTYPES.get(pixels.dtype.name, "float64"))
    view: Image = _kernels().read_only(pixels, dtype)
    return view
