"""What intervals are worth: how often they hold the truth, and how wide they are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

END = "<!-- end -->"


def holds(
    truth: ArrayLike, low: ArrayLike, high: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which values have an interval, and which of these hold the truth.

    An end that does not exist (NaN) excludes nothing: a one-sided bound is right when the truth
    lies on its side.

    Parameters
    ----------
    truth, low, high
        True value and both ends, of one shape.

    Returns
    -------
    stated, right
        Where there is at least one end; where, besides, the truth is not beyond it.
    """
    truth, low, high = (np.asarray(values, dtype=np.float64) for values in (truth, low, high))
    stated = ~(np.isnan(low) & np.isnan(high))
    return stated, stated & ~(truth < low) & ~(truth > high)


def error_of_share(right: ArrayLike, group: ArrayLike) -> float:
    """Monte Carlo error of a share whose cases come in groups that may share errors.

    The groups (movies) are independent, the cases (cells) in them need not be: their frame has one
    background, and pooled ends are the same for all. Where they are independent, this is the
    binomial error √(p·(1 − p)/N), but for the chance of few groups.

    Parameters
    ----------
    right
        Whether each case is right, shape (n,).
    group
        Group of each case, shape (n,).
    """
    right = np.asarray(right, dtype=np.float64)
    _, place = np.unique(np.asarray(group), return_inverse=True)
    n_groups = int(place.max(initial=-1)) + 1
    if n_groups < 2:
        return float("nan")
    excess = np.bincount(place, right - right.mean())
    return float(np.sqrt((excess**2).sum() * n_groups / (n_groups - 1)) / len(right))


class Score(NamedTuple):
    """How good zinc and its intervals are.

    Attributes
    ----------
    cells, movies
        Values (one for each cell), and the movies that they come from.
    covered, error
        Share of the intervals that hold the truth, and its Monte Carlo error.
    width
        Median of √(high/low) over two-sided intervals.
    one_sided, number
        Share of the values with a bound on one side only, and with zinc.
    bias, spread
        Median of ln(zinc/true zinc), and robust standard deviation about it.
    rms, rms_error
        Root mean square of ln(zinc/true zinc), and its Monte Carlo error.
    """

    cells: int
    movies: int
    covered: float
    error: float
    width: float
    one_sided: float
    number: float
    bias: float
    spread: float
    rms: float
    rms_error: float


def score(rows: pd.DataFrame) -> Score:
    """Score values of zinc.

    Parameters
    ----------
    rows
        One row for each cell: zinc_nM, zinc_low_nM, zinc_high_nM, zinc_nM_true and movie.
    """
    low, high, truth = (rows[f"zinc_{name}"] for name in ("low_nM", "high_nM", "nM_true"))
    stated, right = holds(truth, low, high)
    both = (low.notna() & high.notna()).to_numpy()
    error = np.log(rows["zinc_nM"] / truth).to_numpy()
    known = np.isfinite(error)
    square = error[known] ** 2
    rms = float(np.sqrt(square.mean()))
    bias = float(np.median(error[known]))
    return Score(
        cells=len(rows),
        movies=rows["movie"].nunique(),
        covered=float(right[stated].mean()),
        error=error_of_share(right[stated], rows["movie"][stated]),
        width=float(np.median(np.sqrt(high[both] / low[both]))) if both.any() else float("nan"),
        one_sided=float((stated & ~both).mean()),
        number=float(known.mean()),
        bias=bias,
        spread=float(1.4826 * np.median(np.abs(error[known] - bias))),
        rms=rms,
        rms_error=error_of_share(square, rows["movie"][known]) / (2 * rms),
    )


def insert(page: Path, mark: str, text: str) -> None:
    """Replace what stands in a page between a mark and the end mark after it."""
    head, found, rest = page.read_text(encoding="utf-8").partition(mark)
    _, end, tail = rest.partition(END)
    if not found or not end:
        raise SystemExit(f"{page}: expected the line {mark!r}, and {END!r} after it")
    page.write_text(f"{head}{mark}\n\n{text}\n\n{end}{tail}", encoding="utf-8")
