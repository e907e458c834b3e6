"""From rows per frame to traces per cell: linking, background, bleaching, bleed-through, signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from zincflux.correct.bleaching import BleachFit, fit_bleaching, reference_bleaching
from zincflux.correct.bleaching_phases import bleaching_groups, check_bleaching_phases
from zincflux.movie import FloatArray
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.identities import Identities
from zincflux.pipeline.judged import Judged
from zincflux.pipeline.plan import Plan
from zincflux.pipeline.sources import Source, find_sources, light_of
from zincflux.pipeline.survey import Survey

MEDIAN_EFFICIENCY = 1.25
"""Standard error of a median over that of a mean, for normal noise (√(π/2))."""


CLEAR = 10.0
"""A cell brighter than this many times its noise may tell how the dye bleaches."""


@dataclass(frozen=True, eq=False)
class Traces:
    """Traces of n cells (and regions) over T frames and C channels; NaN where not measured.

    Attributes
    ----------
    cell_id, parent_id, region
        Identity of each row, (n,).
    y_um, x_um, area_um2, inside_fraction, clipped_fraction
        Shape (n, T).
    raw, background, corrected, corrected_sd
        Counts, shape (C, n, T).
    bleaching
        Fit per channel, or None.
    sources
        What may be wrong with the corrected traces and does not average out.
    judged
        What is judged of cells by hand.
    """

    cell_id: NDArray[np.int64]
    parent_id: NDArray[np.int64]
    region: NDArray[np.object_]
    y_um: FloatArray
    x_um: FloatArray
    area_um2: FloatArray
    inside_fraction: FloatArray
    clipped_fraction: FloatArray
    raw: FloatArray
    background: FloatArray
    corrected: FloatArray
    corrected_sd: FloatArray
    bleaching: tuple[BleachFit, ...] | None
    sources: tuple[Source, ...] = ()
    judged: Judged = field(default_factory=Judged)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Where a cell was measured, (n, T)."""
        return np.asarray(np.isfinite(self.raw).any(axis=0) | np.isfinite(self.area_um2))


def assemble(found: Survey, frames: Sequence[FrameRows], who: Identities) -> Traces:
    """Turn the rows of all frames into corrected traces.

    Parameters
    ----------
    found
        The survey of the movie.
    frames
        The rows of every frame, in order.
    who
        Cell of every label.
    """
    plan = found.plan
    regions = plan.experiment.segment.regions
    n, n_frames = len(who.cell_id) * len(regions), len(frames)
    n_channels = len(plan.channels)
    planes = {name: np.full((n, n_frames), np.nan) for name in _PLANES}
    cubes = {name: np.full((n_channels, n, n_frames), np.nan) for name in _CUBES}
    for rows in frames:
        for number, region in enumerate(regions):
            _fill(found, rows, region, _rows_of(rows, region, who, number), planes, cubes)
    keep = ~np.isnan(planes["area_um2"]).all(axis=1)
    planes = {name: values[keep] for name, values in planes.items()}
    cubes = {name: values[:, keep] for name, values in cubes.items()}
    corrected, corrected_sd, bleaching = _correct(plan, frames, cubes)
    return Traces(
        cell_id=np.tile(who.cell_id, len(regions))[keep],
        parent_id=np.tile(who.parent_id, len(regions))[keep],
        region=np.repeat(np.array(regions, dtype=object), len(who.cell_id))[keep],
        raw=cubes["raw"],
        background=cubes["background"],
        corrected=corrected,
        corrected_sd=corrected_sd,
        bleaching=bleaching,
        sources=find_sources(found, bleaching, n_frames),
        judged=who.judged,
        **planes,
    )


_PLANES = ("y_um", "x_um", "area_um2", "inside_fraction", "clipped_fraction")
_CUBES = ("raw", "flat", "background", "variance")


def _rows_of(rows: FrameRows, region: str, who: Identities, number: int) -> NDArray[np.intp]:
    """Row of each label of a region of one frame."""
    cells = rows.runs["cell"].ids
    place = np.searchsorted(cells, rows.runs[region].ids)
    found = np.searchsorted(who.cell_id, who.of_frame[rows.t][place])
    return found + number * len(who.cell_id)


def _fill(
    found: Survey,
    rows: FrameRows,
    region: str,
    place: NDArray[np.intp],
    planes: dict[str, FloatArray],
    cubes: dict[str, FloatArray],
) -> None:
    plan, t = found.plan, rows.t
    raw, flat = rows.raw[region], rows.flat[region]
    size = plan.pixel_size_um
    seen = raw.area_px > 0
    place = place[seen]
    planes["y_um"][place, t] = raw.y_px[seen] * size
    planes["x_um"][place, t] = raw.x_px[seen] * size
    planes["area_um2"][place, t] = raw.area_px[seen] * size**2
    planes["inside_fraction"][place, t] = rows.runs[region].inside_fraction[seen]
    clipped = raw.clipped_fraction[list(plan.signal)].max(axis=0)
    planes["clipped_fraction"][place, t] = clipped[seen]
    level = rows.background
    background = np.broadcast_to(level.level[:, None], raw.mean.shape)
    variance = found.noise.variance_of_mean(raw.mean, raw.n_valid)
    # A background that is given, or none, has no noise of its own.
    spread = MEDIAN_EFFICIENCY * np.nan_to_num(level.noise_sd)[:, None]
    n_pixels = np.full(raw.ids.shape, max(level.n_pixels, 1))
    if rows.ring is not None:
        cells = rows.runs["cell"].ids
        own = rows.ring[:, np.searchsorted(cells, raw.ids)]
        background = np.where(np.isnan(own), background, own)
        n_pixels = np.maximum(raw.area_px, 1)
    cubes["raw"][:, place, t] = raw.mean[:, seen]
    cubes["flat"][:, place, t] = flat.mean[:, seen]
    cubes["background"][:, place, t] = background[:, seen]
    cubes["variance"][:, place, t] = (variance + spread**2 / n_pixels)[:, seen]


def _correct(
    plan: Plan, frames: Sequence[FrameRows], cubes: dict[str, FloatArray]
) -> tuple[FloatArray, FloatArray, tuple[BleachFit, ...] | None]:
    """Subtract background and autofluorescence, undo bleed-through and bleaching."""
    corrected = light_of(plan, cubes["flat"], cubes["background"])
    sd = np.sqrt(cubes["variance"])
    if plan.is_ratio:
        _add_noise_of_unmixing(plan, sd)
    fits = _bleaching(plan, frames, corrected, sd)
    if fits is not None:
        factor = np.stack([fit.factor for fit in fits])[:, None, :]
        corrected, sd = corrected / factor, sd / factor
    return corrected, sd, fits


def _add_noise_of_unmixing(plan: Plan, sd: FloatArray) -> None:
    """Add the noise of what bled through to that of the numerator of an array (C, n, T)."""
    bleed, (upper, lower) = plan.experiment.bleed_through, plan.signal
    acceptor = plan.roles.acceptor
    noise = 0.0 if acceptor is None else sd[acceptor]
    sd[upper] = np.sqrt(
        sd[upper] ** 2 + (bleed.donor * sd[lower]) ** 2 + (bleed.acceptor * noise) ** 2
    )


def _bleaching(
    plan: Plan, frames: Sequence[FrameRows], corrected: FloatArray, sd: FloatArray
) -> tuple[BleachFit, ...] | None:
    """Find the loss of brightness of each channel."""
    settings = plan.experiment.bleaching
    if settings.method == "none" or corrected.shape[1] == 0:
        return None
    if settings.method == "reference":
        level = np.stack([rows.background.level for rows in frames], axis=1)
        seen = np.stack([rows.reference for rows in frames if rows.reference is not None], axis=1)
        return tuple(reference_bleaching(trace) for trace in seen - level)
    if plan.control is not None:
        return tuple(plan.control.fit(channel, plan.time_s) for channel in plan.channels)
    phases = check_bleaching_phases(settings, plan.experiment.phases)
    groups = bleaching_groups(phases, plan.time_s)
    return tuple(
        fit_bleaching(plan.time_s, _pooled(channel, noise, groups >= 0), groups)
        for channel, noise in zip(corrected, sd, strict=True)
    )


def _pooled(traces: FloatArray, sd: FloatArray, used: NDArray[np.bool_]) -> FloatArray:
    """Pool traces (n, T) to one (T,): the median of cells, each over its own mean.

    Only cells that are seen in all used frames and stand well out of the background tell: the mean
    of a dim one is too uncertain to divide by, and a cell that comes or goes has another mean.
    """
    part = traces[:, used]
    complete = np.isfinite(part).all(axis=1)
    if not complete.any():
        complete = np.isfinite(part).any(axis=1)
    filled = np.ma.masked_invalid(traces)
    scale = filled[:, used].mean(axis=1).filled(0.0)
    noise = np.ma.masked_invalid(sd)[:, used].mean(axis=1).filled(np.inf)
    told = complete & (scale > CLEAR * noise)
    if not told.any():
        told = scale == scale.max()
    relative = np.ma.filled(filled[told] / scale[told, None], np.nan)
    seen = np.isfinite(relative).any(axis=0)
    pooled = np.full(traces.shape[1], np.nan)
    pooled[seen] = np.nanmedian(relative[:, seen], axis=0)
    return pooled
