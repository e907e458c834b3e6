"""Titrate: one titration from its table to calibration.toml and its figure."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zincflux.calibrate.calibration import Calibration
from zincflux.calibrate.limits import finite_or_none
from zincflux.calibrate.titration import (
    TitrationFit,
    TitrationFitting,
    calibration_of_titration,
    fit_titration,
)
from zincflux.calibrate.titration_table import TitrationTable, read_titration
from zincflux.errors import CalibrationWarning, ExperimentError
from zincflux.indicators import load_indicator
from zincflux.plot.style import to_png, to_svg
from zincflux.plot.titration import (
    TitrationCurve,
    TitrationPoints,
    curve_grid,
    titration_figure,
)
from zincflux.results.staging import move_into, staging, writing


@dataclass(frozen=True, eq=False)
class Titrated:
    """A finished titration.

    Attributes
    ----------
    fit, calibration
        What was found.
    out
        The calibration's file.
    figures
        Files of the figure.
    """

    fit: TitrationFit
    calibration: Calibration
    out: Path
    figures: tuple[Path, ...]

    def summary(self) -> dict[str, Any]:
        """Give what ``zincflux calibrate --json`` prints; a limit that does not exist is None."""
        fit = self.fit
        return {
            "indicator": self.calibration.indicator,
            "k_nM": fit.k_nM,
            "k_low_nM": finite_or_none(fit.k_interval_nM[0]),
            "k_high_nM": finite_or_none(fit.k_interval_nM[1]),
            "hill": fit.hill,
            "hill_low": finite_or_none(fit.hill_interval[0]),
            "hill_high": finite_or_none(fit.hill_interval[1]),
            "minimum": fit.minimum,
            "maximum": fit.maximum,
            "beta": fit.beta,
            "n_points": len(fit.titration.signal),
            "n_replicates": len(fit.titration.names),
            "outliers": list(fit.outliers),
            "warnings": list(fit.warnings),
            "out": str(self.out),
            "figures": [str(path) for path in self.figures],
        }


def titrate(
    table: str | os.PathLike[str],
    indicator: str,
    out: str | os.PathLike[str] = "calibration.toml",
    *,
    reading: TitrationTable | None = None,
    fitting: TitrationFitting | None = None,
    overwrite: bool = False,
) -> Titrated:
    """Fit a titration, and write calibration and figure.

    Parameters
    ----------
    table
        CSV or TSV file; see `zincflux.calibrate.titration_table.read_titration`.
    indicator
        Name of the indicator, or path of its file.
    out
        File to write, ``.toml``; the figure gets the same name with ``.png`` and ``.svg``.
    reading, fitting
        How to read the table and how to fit.
    overwrite
        Whether files that are there may be replaced.

    Raises
    ------
    ExperimentError
        If a setting, a column or ``out`` is wrong.
    ReaderError
        If the table cannot be read.
    CalibrationError
        If the points determine no curve.
    ResultsError
        If the files cannot be written.
    """
    target = Path(out)
    if target.suffix.lower() != ".toml" or target.is_dir():
        raise ExperimentError(
            f"{target}: expected the name of a file that ends in .toml. Correct --out."
        )
    figures = tuple(target.with_suffix(ending) for ending in (".png", ".svg"))
    there = next((path for path in (target, *figures) if path.exists()), None)
    if there is not None and not overwrite:
        raise ExperimentError(
            f"{there}: this file exists. Add --overwrite or choose another --out."
        )
    known = load_indicator(indicator)
    titration = read_titration(table, reading)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)  # they stand in the fit
        fit = fit_titration(titration, known, fitting)
    calibration = calibration_of_titration(fit, known)
    drawn = _draw(fit, ratio=known.kind != "intensity")
    with staging(target) as aside, writing(target):
        (aside / target.name).write_text(calibration.to_toml(), encoding="utf-8", newline="\n")
        for path, content in zip(figures, drawn, strict=True):
            (aside / path.name).write_bytes(content)
        move_into(aside, target.parent, last=target.name)
    return Titrated(fit, calibration, target, figures)


def _draw(fit: TitrationFit, *, ratio: bool) -> tuple[bytes, bytes]:
    table = fit.titration
    points = TitrationPoints(
        concentration_nM=table.concentration_nM,
        signal=fit.scaled,
        residual=fit.residual,
        replicate=table.replicate,
        outlier=fit.outlier,
        names=table.names,
        limit=fit.outlier_limit,
    )
    grid = curve_grid(table.concentration_nM)
    curve = TitrationCurve(grid, *fit.curve(grid), k_nM=fit.k_nM)
    figure = titration_figure(
        points,
        curve,
        total=fit.settings.total,
        unit="Ratio" if ratio else "Signal (units of the table)",
    )
    return to_png(figure), to_svg(figure)
