"""Calibration from given values: constants in the experiment file, or a calibration.toml."""

from __future__ import annotations

import warnings
from pathlib import Path

from numpy.typing import ArrayLike

from zincflux.calibrate.binding import Binding, resolve_binding
from zincflux.calibrate.calibration import Calibration, Pooled
from zincflux.calibrate.settings import CalibrationSettings
from zincflux.errors import CalibrationError, CalibrationWarning, ExperimentError
from zincflux.indicators import Indicator


def constant_calibration(
    cell_ids: ArrayLike, indicator: Indicator, binding: Binding, settings: CalibrationSettings
) -> Calibration:
    """Give every cell the minimum and maximum of the settings.

    Parameters
    ----------
    cell_ids
        Number of each cell, shape (n,).
    indicator, binding
        The indicator and its constants.
    settings
        Holds minimum and maximum; a standard deviation that is not given counts as 0.

    Raises
    ------
    CalibrationError
        If an end is not given, or the signal would change in the wrong direction.

    Warns
    -----
    CalibrationWarning
        If the indicator is an intensity: cells differ in dye, so that no two have the same ends.
    """
    if settings.minimum is None or settings.maximum is None:
        raise CalibrationError(
            "calibration: constants need minimum and maximum. Set calibration.minimum and "
            "calibration.maximum."
        )
    check_direction(indicator, settings.minimum, settings.maximum)
    if indicator.kind == "intensity":
        warnings.warn(
            f"calibration: {indicator.name} is an intensity indicator, and one minimum and maximum "
            "in counts for all cells is wrong where cells differ in dye. Use calibration in situ.",
            CalibrationWarning,
            stacklevel=2,
        )
    ends = Pooled(
        minimum=settings.minimum,
        minimum_sd=settings.minimum_sd or 0.0,
        maximum=settings.maximum,
        maximum_sd=settings.maximum_sd or 0.0,
        covariance=0.0,
        minimum_se=settings.minimum_sd or 0.0,
        maximum_se=settings.maximum_sd or 0.0,
    )
    return Calibration.uniform(
        indicator, binding, cell_ids, ends, "minimum and maximum given in the experiment file"
    )


def check_direction(indicator: Indicator, minimum: float, maximum: float) -> None:
    """Make sure that the signal moves with zinc as the indicator's does.

    Raises
    ------
    CalibrationError
        If it would move the other way.
    """
    if (maximum < minimum) != indicator.turn_off:
        verb, sign = ("falls", "below") if indicator.turn_off else ("rises", "above")
        raise CalibrationError(
            f"calibration: the signal of {indicator.name} {verb} with zinc, so maximum (saturated) "
            f"must lie {sign} minimum (zinc-free); found minimum {minimum:g} and maximum "
            f"{maximum:g}. Correct calibration.minimum and calibration.maximum."
        )


def file_calibration(
    cell_ids: ArrayLike, indicator: Indicator, settings: CalibrationSettings
) -> Calibration:
    """Take constants and both ends of the ratio from a calibration file.

    Raises
    ------
    CalibrationError
        If the file's ends do not hold for this movie, or it is for another indicator.
    ExperimentError
        If the file cannot be read.
    """
    stored = read_calibration(settings.file, indicator)
    if indicator.kind == "intensity":
        raise CalibrationError(
            f"calibration.file: minimum and maximum of {indicator.name}, in counts, hold for the "
            "dye, light path and exposure of the measurement in the file (a cuvette, another dish) "
            "and do not carry over to the cells of this movie. Set calibration.source = 'in-situ' "
            "and keep calibration.file: K and the Hill coefficient are then taken from it."
        )
    if not settings.same_optics:
        raise CalibrationError(
            "calibration.file: Rmin and Rmax depend on filters, light source and exposures. If the "
            "file was measured with the same ones, set calibration.same_optics = true; else set "
            "calibration.source = 'in-situ' and keep calibration.file for K and the Hill "
            "coefficient."
        )
    ends = stored.pooled
    if not ends.has_ends:
        raise CalibrationError(
            f"{settings.file}: expected minimum and maximum of the ratio, with their standard "
            "deviations, under [pooled]; found none. A calibration in situ has them where at least "
            "three cells were calibrated."
        )
    check_direction(indicator, ends.minimum, ends.maximum)
    return Calibration.uniform(
        indicator,
        binding_of(indicator, settings),
        cell_ids,
        ends,
        f"minimum and maximum of {Path(settings.file or '').name} ({stored.origin})",
    )


def read_calibration(path: str | None, indicator: Indicator) -> Calibration:
    """Read a calibration file and make sure that it is for the indicator.

    Raises
    ------
    CalibrationError
        If it is for another indicator.
    ExperimentError
        If the file is missing or is no calibration.
    """
    if path is None:
        raise CalibrationError("calibration: expected a calibration file. Set calibration.file.")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ExperimentError(f"{path}: no such file. Check calibration.file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ExperimentError(
            f"{path}: expected a calibration file, found: {error}. Check calibration.file."
        ) from None
    stored = Calibration.from_toml(text, where=path)
    if stored.indicator != indicator.name:
        raise CalibrationError(
            f"{path}: is a calibration of {stored.indicator}, but the experiment's indicator is "
            f"{indicator.name}. Correct calibration.file or indicator."
        )
    return stored


def binding_of(indicator: Indicator, settings: CalibrationSettings) -> Binding:
    """Give the constants to use: of the calibration file if one is named, else of the library.

    Raises
    ------
    CalibrationError
        If a ratio's K does not contain β and no β is given, or the file is of another indicator.
    ExperimentError
        If the file or the record does not exist.
    """
    if settings.file is None:
        return resolve_binding(indicator, settings)
    return read_calibration(settings.file, indicator).binding
