"""The sums over the pixels of each cell, compiled; nothing else here uses Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def read_only(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """View an array in the one form the kernels are compiled for.

    Numba compiles anew for each order in memory, for writeable and for read-only arrays.
    """
    view = np.require(array, dtype, requirements=["C", "A", "E"]).view()
    view.flags.writeable = False
    return view


@njit(cache=True, nogil=True)
def add_integers(pixels, runs, at_least, sums):  # type: ignore[no-untyped-def]
    """Add up 8 or 16 bit pixels: their sum, that of their squares, and how many are clipped.

    Parameters
    ----------
    pixels
        Frame (C, Y, X).
    runs
        Rows, starts, stops and cells of the runs, int32 (r,).
    at_least
        Counts from which a pixel is clipped.
    sums
        Sum, sum of squares and count of clipped pixels, int64 (C, n); added to.
    """
    rows, starts, stops, cells = runs
    total, squares, clipped = sums
    # Unsigned positions in a flat array let LLVM leave out the check for negative indices and
    # read whole vectors: 4 times as fast as indexing row and column.
    width = np.uint64(pixels.shape[2])
    for channel in range(pixels.shape[0]):
        flat = pixels[channel].ravel()
        for run in range(rows.size):
            row = np.uint64(rows[run]) * width
            added = np.int64(0)
            added_squares = np.int64(0)
            high = np.int64(0)
            for i in range(row + np.uint64(starts[run]), row + np.uint64(stops[run])):
                value = np.int64(flat[i])
                added += value
                added_squares += value * value
                high += value >= at_least
            total[channel, cells[run]] += added
            squares[channel, cells[run]] += added_squares
            clipped[channel, cells[run]] += high


# Sums may be regrouped into vectors; NaN and infinity keep their meaning.
@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def add_floats(pixels, runs, at_least, sums):  # type: ignore[no-untyped-def]
    """Add up the finite pixels about one of them, so that a small spread keeps its digits.

    Parameters
    ----------
    pixels
        Frame (C, Y, X).
    runs
        Rows, starts, stops and cells of the runs, int32 (r,).
    at_least
        Counts from which a pixel is clipped.
    sums
        Origin (NaN to begin with), sum and sum of squares of what lies above it, float64 (C, n);
        clipped and finite pixels, int64 (C, n). All are added to.
    """
    rows, starts, stops, cells = runs
    origin, total, squares, clipped, n_valid = sums
    width = np.uint64(pixels.shape[2])
    for channel in range(pixels.shape[0]):
        flat = pixels[channel].ravel()
        for run in range(rows.size):
            cell = cells[run]
            start = np.uint64(rows[run]) * width + np.uint64(starts[run])
            stop = np.uint64(rows[run]) * width + np.uint64(stops[run])
            if np.isnan(origin[channel, cell]):
                origin[channel, cell] = _first_finite(flat, start, stop)
            about = origin[channel, cell]
            added = 0.0
            added_squares = 0.0
            high = np.int64(0)
            valid = np.int64(0)
            for i in range(start, stop):
                value = np.float64(flat[i])
                finite = abs(value) < np.inf
                difference = value - about if finite else 0.0
                added += difference
                added_squares += difference * difference
                high += finite & (value >= at_least)
                valid += finite
            total[channel, cell] += added
            squares[channel, cell] += added_squares
            clipped[channel, cell] += high
            n_valid[channel, cell] += valid


@njit(cache=True, nogil=True)
def _first_finite(flat, start, stop):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        value = np.float64(flat[i])
        if abs(value) < np.inf:
            return value
    return np.nan
