"""Measuring again only what corrections by hand have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from zincflux.correct.level import BackgroundLevel
from zincflux.correct.rings import ring_background
from zincflux.measure import LabelRuns, Measurement, measure_labels
from zincflux.movie import FloatArray, Image, Labels
from zincflux.pipeline.frames import FrameRows, Pixels, background_level, measure_place
from zincflux.pipeline.kept import Kept
from zincflux.pipeline.places import Place, moving_place, still_place
from zincflux.pipeline.survey import Survey

Ids = NDArray[np.int32]


def remeasure_places(kept: Kept, found: Survey) -> tuple[Place, Place] | None:
    """Find where static cells were and are; None of cells that move.

    Parameters
    ----------
    kept
        What was measured.
    found
        Its survey with other corrections.
    """
    if found.automatic is None:
        return None
    before = still_place(kept.found) if kept.place is None else kept.place
    return before, still_place(found, before)


def remeasure_frames(
    kept: Kept, found: Survey, places: tuple[Place, Place] | None
) -> Iterator[tuple[FrameRows, int]]:
    """Measure what differs between the corrections that were measured and others.

    Static cells are measured one by one in every frame, moving ones in the frames that an edit
    names. No cell is looked for again.

    Parameters
    ----------
    kept
        What was measured.
    found
        Its survey with other corrections.
    places
        As `remeasure_places` gives them.

    Yields
    ------
    FrameRows, int
        The rows of each frame, equal to those that measuring everything gives; and the number of
        cells that were measured for it.
    """
    if places is None:
        yield from (_moving(kept, found, rows) for rows in kept.frames)
        return
    yield from map(_Still(found, *places), kept.frames)


def _moving(kept: Kept, found: Survey, rows: FrameRows) -> tuple[FrameRows, int]:
    """Measure a frame again if its edits are not the same."""
    plan, earlier = found.plan, kept.found.plan
    if plan.edits.outlines_of(rows.t) == earlier.edits.outlines_of(rows.t):
        return rows, 0
    cells = rows.runs["cell"] if rows.automatic is None else rows.automatic.runs
    pixels = Pixels.read(plan, rows.t)
    place = moving_place(plan, cells.to_labels(), pixels.flat, rows.t)
    return measure_place(found, rows.t, pixels, place), place.cells.ids.size


@dataclass(frozen=True, eq=False)
class Changes:
    """What is not where it was.

    Attributes
    ----------
    cells
        For each region the cells whose pixels differ, which includes new ones.
    rings
        The cells whose rings have to be measured.
    background
        Whether the area that the background is taken from differs.
    """

    cells: Mapping[str, Ids]
    rings: Ids
    background: bool

    @classmethod
    def between(cls, before: Place, after: Place) -> Changes:
        """Compare where things were and are."""
        background = not np.array_equal(before.free, after.free)
        cells = {
            region: _differ(before.runs[region].to_labels(), runs.to_labels())
            for region, runs in after.runs.items()
        }
        rings = np.zeros(0, dtype=np.int32)
        if before.rings is not None and after.rings is not None:
            rings = np.union1d(_differ(before.rings, after.rings), cells["cell"])
            if background:  # a cell whose ring is too small takes the level of the frame
                rings = after.cells.ids
        return cls(cells, rings, background)

    @property
    def any(self) -> bool:
        """Whether pixels have to be read."""
        return self.background or self.rings.size > 0 or self.n_cells > 0

    @property
    def n_cells(self) -> int:
        """Number of cells that have to be measured, in whatever region."""
        return int(np.unique(np.concatenate(list(self.cells.values()))).size)


def _differ(before: Labels, after: Labels) -> Ids:
    """List the ids of `after` whose pixels are not the same in `before`."""
    where = before != after
    ids = np.union1d(before[where], after[where])
    return np.asarray(ids[np.isin(ids, after) & (ids != 0)], dtype=np.int32)


class _Still:
    """Measures of each frame the static cells that changed, and takes the others from its rows."""

    def __init__(self, found: Survey, before: Place, after: Place) -> None:
        self.found = found
        self.after = after
        self.changes = Changes.between(before, after)
        self.changed = {
            region: after.runs[region].of_ids(ids) for region, ids in self.changes.cells.items()
        }
        self.source = {
            region: _source(before.runs[region].ids, changed.ids, after.runs[region].ids)
            for region, changed in self.changed.items()
        }
        self.rings = None
        if after.rings is not None:
            self.rings = LabelRuns.of(after.rings, ids=self.changes.rings)

    def __call__(self, rows: FrameRows) -> tuple[FrameRows, int]:
        plan, shift = self.found.plan, self.found.rounded_shift(rows.t)
        frame = plan.read(rows.t) if self.changes.any else None
        flat = None if frame is None else plan.flat(frame)
        raw = self._patched(rows.raw, frame, shift, plan.saturation_level)
        level = rows.background
        if flat is not None and self.changes.background:
            level = background_level(self.found, rows.t, flat, self.after.moved(*shift))
        patched = replace(
            rows,
            runs={region: _moved(part, shift) for region, part in self.after.runs.items()},
            raw=raw,
            flat=raw if rows.flat is rows.raw else self._patched(rows.flat, flat, shift, None),
            background=level,
            ring=self._patched_ring(rows, flat, shift, level),
        )
        return patched, self.changes.n_cells

    def _patched(
        self,
        earlier: Mapping[str, Measurement],
        frame: Image | None,
        shift: tuple[int, int],
        saturation_level: float | None,
    ) -> dict[str, Measurement]:
        result = {}
        for region, changed in self.changed.items():
            new = None
            if frame is not None and changed.ids.size:
                runs = _moved(changed, shift)
                new = measure_labels(frame, runs, saturation_level=saturation_level)
            result[region] = _joined(earlier[region], new, self.source[region])
        return result

    def _patched_ring(
        self,
        rows: FrameRows,
        flat: Image | None,
        shift: tuple[int, int],
        level: BackgroundLevel,
    ) -> FloatArray | None:
        if rows.ring is None or self.rings is None:
            return None
        ids, changed = self.after.cells.ids, self.rings.ids
        new = np.zeros((len(rows.ring), 0))
        if flat is not None and changed.size:
            rings = _moved(self.rings, shift).to_labels()
            new = ring_background(flat, rings, changed, fallback=level.level)
        place = _source(rows.runs["cell"].ids, changed, ids)
        return np.concatenate([rows.ring, new], axis=1)[:, place]


def _moved(runs: LabelRuns, shift: tuple[int, int]) -> LabelRuns:
    return runs.shifted(*shift) if any(shift) else runs


def _joined(old: Measurement, new: Measurement | None, source: NDArray[np.intp]) -> Measurement:
    """Take each cell from its place in the old measurement, behind which the new one stands."""
    columns = {}
    for name in _COLUMNS:
        values = getattr(old, name)
        if new is not None:
            values = np.concatenate([values, getattr(new, name)], axis=-1)
        columns[name] = values[..., source]
    return Measurement(**columns)


_COLUMNS = tuple(field.name for field in fields(Measurement))


def _source(old: Ids, new: Ids, ids: Ids) -> NDArray[np.intp]:
    """Find each id in the new ids, which stand behind the old ones, or else in these."""
    place = np.searchsorted(old, ids)
    is_new = np.isin(ids, new)
    place[is_new] = old.size + np.searchsorted(new, ids[is_new])
    return place
