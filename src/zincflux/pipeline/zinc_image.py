"""Free zinc of every pixel, one frame at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zincflux import response
from zincflux.calibrate import Calibration
from zincflux.calibrate.binding import Binding
from zincflux.errors import ExperimentError, ResultsError
from zincflux.experiment import Experiment
from zincflux.movie import FloatArray, Labels, Movie
from zincflux.pipeline.cell_pixels import CellPixels, PixelSource
from zincflux.pipeline.dye import find_dye
from zincflux.pipeline.kept import Kept
from zincflux.pipeline.pixel_rows import REASONS, PixelRows, code_of
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.replan import check_movie, iter_plan
from zincflux.pipeline.survey import Progress
from zincflux.pipeline.zinc import DIM
from zincflux.steps import complete

AVERAGE_UM = 2.0
"""Diameter of the disc over which the light is averaged, unless it is said."""

WIDEST_UM = 100.0
"""Largest diameter: wider than cells are, so that it would do nothing more."""


class Finished(Protocol):
    """What an analysis and stored results have in common, as far as it is needed here."""

    @property
    def traces(self) -> pd.DataFrame:
        """One row per cell and frame."""

    @property
    def cells(self) -> pd.DataFrame:
        """One row per cell."""

    @property
    def frames(self) -> pd.DataFrame:
        """One row per frame."""

    @property
    def experiment(self) -> Experiment:
        """The settings."""

    @property
    def calibration(self) -> Calibration | None:
        """What the signal was converted with."""

    @property
    def label_images(self) -> Sequence[Labels]:
        """Label images (Y, X): one of the first frame for static cells, else one per frame."""


@dataclass(frozen=True, eq=False)
class ZincImage:
    """Free zinc of the pixels of one frame.

    Attributes
    ----------
    zinc_nM
        Free zinc in nM, float64 (Y, X); NaN outside cells and where ``reason`` is not 1.
    reason
        Why there is no number, uint8 (Y, X): 0 outside cells, otherwise 1 + the place in
        `REASONS`, so that 1 stands for a pixel with a number.
    """

    zinc_nM: FloatArray
    reason: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class ZincImages(Sequence[ZincImage]):
    """Images of free zinc, each made when it is asked for; see `zinc_images`.

    Attributes
    ----------
    source
        Gives the corrected pixels.
    binding
        Constants of the indicator.
    dye
        How much of the dye is in each pixel relative to the mean of its cell, (Y, X) in the
        coordinates of the first frame; NaN where it is not known. None where it is not needed (a
        ratio) or cannot be told.
    """

    source: PixelSource
    binding: Binding
    dye: FloatArray | None = None

    def __len__(self) -> int:
        return self.source.plan.movie.n_frames

    def __getitem__(self, t: int) -> ZincImage:  # type: ignore[override] # no slices
        t = range(len(self))[t]
        pixels, rows = self.source.pixels(t), self.source.rows
        minimum, maximum = rows.minimum[pixels.row], rows.maximum[pixels.row]
        signal, dim = self._signal(pixels, t, np.fmax(minimum, maximum))
        fraction = response.saturation(signal, minimum, maximum)
        own = np.select(
            [pixels.clipped, dim, np.isnan(signal), fraction <= 0, fraction >= 1],
            [code_of(name) for name in _OF_PIXELS],
            code_of(""),
        )
        of_cell = rows.code[pixels.row]
        reason = np.where(of_cell == code_of(""), own, of_cell).astype(np.uint8)
        binding = self.binding
        zinc_nM = response.zinc_from_saturation(
            fraction, binding.k_nM, binding.hill, binding.applied_beta
        )
        shape = self.source.plan.movie.frame_shape
        image = ZincImage(np.full(shape, np.nan), np.zeros(shape, dtype=np.uint8))
        image.zinc_nM.ravel()[pixels.place] = np.where(reason == code_of(""), zinc_nM, np.nan)
        image.reason.ravel()[pixels.place] = reason
        return image

    def labels_at(self, t: int) -> Labels:
        """Give the cells of a frame in its own coordinates, (Y, X)."""
        return self.source.labels_at(t)

    def _signal(
        self, pixels: CellPixels, t: int, brightest: FloatArray
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Give the signal of each pixel, and where it is too dim to be told, (N,) each."""
        plan = self.source.plan
        noise = self.source.rows.noise_sd[list(plan.signal), t]
        if plan.is_ratio:
            upper, lower = pixels.light
            dim = ~(lower > DIM * noise[1] / np.sqrt(np.maximum(pixels.n[1], 1)))
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(dim, np.nan, upper / lower), dim & np.isfinite(lower)
        light = pixels.light[0]
        if self.dye is None:
            return light, np.zeros(light.shape, dtype=bool)
        dye = self.dye.ravel()[self.source.first_place(pixels, t)]
        full = dye * brightest
        dim = ~(full > DIM * noise[0] / np.sqrt(np.maximum(pixels.n[0], 1))) & np.isfinite(dye)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(dim, np.nan, light / dye), dim


_OF_PIXELS = ("saturated_pixels", "dim_denominator", "lost", "below_min", "above_max")
"""What a pixel by itself may be without a number for; the first that is true counts."""


def zinc_images(
    finished: Finished,
    *,
    movie: Movie | None = None,
    average_um: float = AVERAGE_UM,
    divide_dye: bool = True,
) -> ZincImages:
    r"""Map free zinc pixel by pixel, frame by frame, each cell with its own calibration.

    Pixels are corrected by the code that corrects cells (flat field, background,
    autofluorescence, bleed-through, bleaching), the cells follow the drift, and the light is
    averaged over a disc around each pixel, as far as it lies in the same cell. Then it is
    converted [1]_ with minimum and maximum of the cell. Of two channels the averages are divided.

    .. math:: Z = K \left(β \frac{S / w - S_{min}}{S_{max} - S / w}\right)^{1/n}

    The light of a single wavelength also says how much dye there is and how thick the cell is
    [2]_. Therefore w is the light of the pixel relative to that of its cell, averaged the same
    way, over up to 12 frames of the second half of the phase *maximum* (*minimum* for an indicator
    that turns off): in it zinc binds alike everywhere. This rests on cells that stay as they are.
    For ratios w is 1. It also is where cells are followed or neither phase was recorded; then the
    images of an intensity show the dye as well as zinc (``dye`` is None).

    Parameters
    ----------
    finished
        An analysis or stored results of a movie, with a calibration.
    movie
        The movie; opened as the experiment says if not given. An analysis that was kept to be
        repeated takes the one that it holds.
    average_um
        Diameter of the disc, µm; 0 averages nothing.
    divide_dye
        Whether to divide by w.

    Returns
    -------
    ZincImages
        One image per frame, made when it is asked for.

    Raises
    ------
    ExperimentError
        If there is no calibration, or the diameter is not one.
    ResultsError
        If the results are not those of this movie.
    ZincfluxError
        If the movie cannot be read.

    Notes
    -----
    The number of a cell stays that of the tables: the equation is no straight line, so the mean
    zinc of its pixels is not the zinc of its mean signal (for n = 1 the mean of pixels is never
    lower but for those that lie beyond the range, which have no number).

    References
    ----------
    .. [1] Grynkiewicz G, Poenie M, Tsien RY. J Biol Chem 1985;260:3440.
    .. [2] Takahashi A, Camacho P, Lechleiter JD, Herman B. Measurement of intracellular calcium.
       Physiol Rev 1999;79:1089.
    """
    return complete(
        iter_zinc_images(finished, movie=movie, average_um=average_um, divide_dye=divide_dye)
    )


def iter_zinc_images(
    finished: Finished,
    *,
    movie: Movie | None = None,
    average_um: float = AVERAGE_UM,
    divide_dye: bool = True,
) -> Generator[Progress, None, ZincImages]:
    """Do what `zinc_images` does, step by step, so that the caller can show progress or stop.

    Yields
    ------
    Progress
        After each frame that is read.

    Returns
    -------
    ZincImages
        As the generator's return value.
    """
    if not 0 <= average_um <= WIDEST_UM:
        raise ExperimentError(
            f"average_um: expected a diameter from 0 to {WIDEST_UM:g} µm, found {average_um}. "
            f"About {AVERAGE_UM:g} µm keeps noise down and leaves the cell its shape."
        )
    labels, calibration = finished.label_images, finished.calibration
    if not len(labels):
        raise ResultsError(
            "zinc images: expected results of a movie, found those of a table of traces, which "
            "has no pixels."
        )
    if calibration is None:
        raise ExperimentError(
            "zinc images: expected results with a calibration, found none, so that there is no "
            "zinc to map. Set indicator and calibration, and run again."
        )
    yield Progress("zinc images", 0, 1)
    plan = yield from _plan_of(finished, movie)
    check_movie(plan.movie, (len(finished.frames), *np.shape(labels[0])), "zinc images")
    drift_um = finished.frames[["drift_y_um", "drift_x_um"]].to_numpy(np.float64)
    source = PixelSource(
        plan=plan,
        rows=PixelRows.of(finished.traces, finished.cells, finished.frames, plan.channels),
        labels=labels,
        shifts_px=np.rint(np.nan_to_num(drift_um) / plan.pixel_size_um).astype(np.int64),
        average_um=float(average_um),
    )
    dye = None
    if divide_dye and not (plan.is_ratio or plan.follows):
        dye = yield from find_dye(source)
    return ZincImages(source, calibration.binding, dye)


def _plan_of(finished: Finished, movie: Movie | None) -> Generator[Progress, None, Plan]:
    kept = getattr(finished, "kept", None)
    if isinstance(kept, Kept):
        return kept.found.plan
    experiment = finished.experiment
    return (yield from iter_plan(experiment, movie or experiment.open_movie()))


__all__ = ["AVERAGE_UM", "REASONS", "ZincImage", "ZincImages", "iter_zinc_images", "zinc_images"]
