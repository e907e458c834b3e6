"""A label image as run lengths: the stretches of each cell along each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image, Labels

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LabelRuns:
    """A label image as run lengths, row by row.

    Attributes
    ----------
    rows
        Row of each run, int32 (r,).
    starts, stops
        First column of each run, and the column after its last one, int32 (r,).
    cells
        Index of the run's cell in `ids`, int32 (r,).
    ids
        Label of each cell, int32 (n,), increasing.
    shape
        Height and width of the frame in pixels.
    inside_fraction
        Share of the cell's pixels still inside the frame after `shifted`, float64 (n,).

    Raises
    ------
    ValueError
        If the arrays do not fit one another.

    Examples
    --------
    >>> runs = LabelRuns.of(np.array([[0, 7, 7], [3, 0, 7]]))
    >>> runs.ids
    array([3, 7], dtype=int32)
    >>> runs.area_px
    array([1, 3])
    >>> runs.shifted(0, 1).inside_fraction
    array([1.        , 0.33333333])
    """

    rows: Int32Array
    starts: Int32Array
    stops: Int32Array
    cells: Int32Array
    ids: Int32Array
    shape: tuple[int, int]
    inside_fraction: FloatArray

    def __post_init__(self) -> None:
        runs, cells = {self.rows.shape, self.starts.shape, self.stops.shape, self.cells.shape}, 0
        if self.cells.size:
            cells = int(self.cells.max()) + 1
        if len(runs) != 1 or self.ids.shape != self.inside_fraction.shape or cells > self.ids.size:
            raise ValueError(
                f"expected rows, starts, stops and cells of one length and {cells} ids, found "
                f"lengths {runs} and {self.ids.size} ids. Use LabelRuns.of."
            )

    @classmethod
    def of(cls, labels: Image, *, ids: Sequence[int] | Int32Array | None = None) -> Self:
        """Find the runs of a label image.

        Parameters
        ----------
        labels
            Label image (Y, X) of integers, 0 is background.
        ids
            The labels that get a row, in increasing order; all that occur by default. One that
            does not occur has an area of 0; one that occurs but is not named is left out.

        Raises
        ------
        ExperimentError
            If it is no label image: not two axes of integers from 0 to 2**31 - 1.
        """
        image = _check_labels(labels)
        new_run = np.ones(image.shape, dtype=bool)
        np.not_equal(image[:, 1:], image[:, :-1], out=new_run[:, 1:])
        start = np.flatnonzero(new_run)
        value = image.ravel()[start]
        stop = np.append(start[1:], image.size)
        cell = value != 0
        start, stop, value = start[cell], stop[cell], value[cell]
        _check_values(value)
        known = np.unique(value) if ids is None else np.unique(np.asarray(ids, dtype=np.int64))
        index = np.searchsorted(known, value)
        if ids is not None:
            named = np.isin(value, known)
            start, stop, index = start[named], stop[named], index[named]
        width = max(image.shape[1], 1)
        row = start // width
        return cls(
            rows=row.astype(np.int32),
            starts=(start - row * width).astype(np.int32),
            stops=(stop - row * width).astype(np.int32),
            cells=index.astype(np.int32),
            ids=known.astype(np.int32),
            shape=(image.shape[0], image.shape[1]),
            inside_fraction=np.ones(known.size),
        )

    def to_labels(self) -> Labels:
        """Draw the label image, int32 (Y, X)."""
        image = np.zeros(self.shape, dtype=np.int32)
        length = self.stops.astype(np.int64) - self.starts
        start = self.rows.astype(np.int64) * self.shape[1] + self.starts
        before = np.cumsum(length) - length
        pixel = np.arange(length.sum()) + np.repeat(start - before, length)
        image.ravel()[pixel] = np.repeat(self.ids[self.cells], length)
        return image

    def shifted(self, dy: int, dx: int) -> LabelRuns:
        """Move the cells by whole pixels, and cut them at the edge of the frame.

        Parameters
        ----------
        dy, dx
            Pixels downwards and to the right.

        Returns
        -------
        LabelRuns
            The same ids; a cell wholly outside keeps its row, with an area of 0.
        """
        rows = self.rows.astype(np.int64) + dy
        starts = np.maximum(self.starts.astype(np.int64) + dx, 0)
        stops = np.minimum(self.stops.astype(np.int64) + dx, self.shape[1])
        kept = (rows >= 0) & (rows < self.shape[0]) & (starts < stops)
        cells = self.cells[kept]
        length = (stops - starts)[kept]
        area = np.bincount(cells, weights=length, minlength=self.ids.size)
        share = np.divide(area, self.area_px, out=np.ones(area.size), where=self.area_px > 0)
        return LabelRuns(
            rows=rows[kept].astype(np.int32),
            starts=starts[kept].astype(np.int32),
            stops=stops[kept].astype(np.int32),
            cells=cells,
            ids=self.ids,
            shape=self.shape,
            inside_fraction=self.inside_fraction * share,
        )

    def of_ids(self, ids: Int32Array) -> LabelRuns:
        """Give the runs of some of the cells; an id that is not there is left out."""
        kept = np.isin(self.ids, ids)
        own = kept[self.cells]
        number = np.cumsum(kept) - 1
        return LabelRuns(
            rows=self.rows[own],
            starts=self.starts[own],
            stops=self.stops[own],
            cells=number[self.cells[own]].astype(np.int32),
            ids=self.ids[kept],
            shape=self.shape,
            inside_fraction=self.inside_fraction[kept],
        )

    @cached_property
    def area_px(self) -> IntArray:
        """Pixels of each cell, int64 (n,)."""
        return self._per_cell(self.stops - self.starts).astype(np.int64)

    @cached_property
    def y_px(self) -> FloatArray:
        """Row of each centroid (n,): 0 is the centre of the first row; NaN without pixels."""
        weight = self.rows.astype(np.float64) * (self.stops - self.starts)
        return ratio(self._per_cell(weight), self.area_px)

    @cached_property
    def x_px(self) -> FloatArray:
        """Column of each centroid (n,): 0 is the centre of the first column; NaN without pixels."""
        twice_middle = self.starts.astype(np.float64) + self.stops - 1
        weight = twice_middle * (self.stops - self.starts)
        return ratio(self._per_cell(weight), 2 * self.area_px)

    @cached_property
    def touches_border(self) -> BoolArray:
        """Whether each cell lies at the edge of the frame, or was cut by it, bool (n,)."""
        at_edge = (self.rows == 0) | (self.rows == self.shape[0] - 1)
        at_edge |= (self.starts == 0) | (self.stops == self.shape[1])
        return (self._per_cell(at_edge) > 0) | (self.inside_fraction < 1)

    def _per_cell(self, weights: NDArray[Any]) -> FloatArray:
        totals = np.bincount(self.cells, weights=weights, minlength=self.ids.size)
        return totals.astype(np.float64, copy=False)


def _check_labels(labels: Image) -> Image:
    image = np.asarray(labels)
    if image.ndim != 2 or image.dtype.kind not in "biu":
        raise ExperimentError(
            f"expected a label image of whole numbers with the axes (Y, X), found {image.dtype} "
            f"{image.shape}. Check segment.labels."
        )
    return np.ascontiguousarray(image)


def _check_values(values: Image) -> None:
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low < 0 or high > np.iinfo(np.int32).max:
        raise ExperimentError(
            f"expected labels from 0 to {np.iinfo(np.int32).max}, found {low} to {high}. "
            "Check segment.labels."
        )


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> FloatArray:
    """Divide; NaN where the denominator is 0."""
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
