"""Normalisation: how the replicates of a titration are brought to one scale."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zincflux.calibrate.titration.least_squares import minimise
from zincflux.calibrate.titration.model import Problem, bare_problem, gains_of
from zincflux.calibrate.titration.settings import TitrationFitting
from zincflux.calibrate.titration_table import Titration
from zincflux.errors import CalibrationError, ExperimentError
from zincflux.indicators import Indicator

Normalisation = Literal["gain", "maximum", "none"]


class Scaled(NamedTuple):
    """A problem with signals of the order of 1, and what its 1 stands for.

    Attributes
    ----------
    problem
        All points.
    unit
        Signal, in the table's units, of which a value of 1 speaks; 1 where each replicate was
        divided by its maximum.
    """

    problem: Problem
    unit: float


def normalisation_of(
    titration: Titration, indicator: Indicator, settings: TitrationFitting
) -> Normalisation:
    """Decide how replicates are brought to one scale.

    Raises
    ------
    ExperimentError
        If a setting does not fit the indicator, or contradicts another.
    """
    ratio = indicator.kind != "intensity"
    if ratio and settings.normalise in ("gain", "maximum"):
        raise ExperimentError(
            f"normalise: {indicator.name} is a ratio, which has no gain of its own. Leave out "
            "--normalise."
        )
    if ratio and settings.total and settings.beta is None:
        raise ExperimentError(
            "total: how much metal the dye holds follows from a ratio only with beta. Give --beta."
        )
    if not ratio and settings.beta is not None:
        raise ExperimentError(
            f"beta: belongs to ratios, and {indicator.name} is an intensity indicator. Leave out "
            "--beta."
        )
    if settings.normalise == "gain" and settings.maximum is not None:
        raise ExperimentError(
            "maximum: cannot be held where each replicate has its own gain. Use --normalise "
            "maximum or none."
        )
    if settings.normalise in ("maximum", "none"):
        return settings.normalise
    several = len(titration.names) > 1 and not ratio and settings.maximum is None
    return "gain" if several else "none"


def scale(
    titration: Titration,
    settings: TitrationFitting,
    normalise: Normalisation,
    used: NDArray[np.bool_],
) -> Scaled:
    """Scale the signals of a titration to the order of 1.

    Parameters
    ----------
    titration, settings, normalise
        What is fitted and how.
    used
        Points that say how large the signals are, shape (m,).

    Raises
    ------
    CalibrationError
        If there are no signals or concentrations above 0.
    """
    signal, replicate = titration.signal, titration.replicate
    scales = np.zeros(len(titration.names))
    np.maximum.at(scales, replicate[used], np.abs(signal[used]))
    if normalise == "none":
        scales[:] = scales.max()
    if not (titration.concentration_nM > 0).any() or not (scales > 0).all():
        raise CalibrationError(
            "titration: expected concentrations above 0 and signals other than 0, found none "
            "in at least one replicate. Check the columns, the buffer and the unit."
        )
    scaled = signal / scales[replicate]
    if settings.error == "relative" and (scaled <= 0).any():
        raise CalibrationError(
            f"titration: relative errors need signals above 0, found {np.sum(scaled <= 0)} that "
            "are not. Use --error constant, or check the buffer that is subtracted."
        )
    bare = bare_problem(titration.concentration_nM, settings, settings.beta)
    held = settings.maximum
    if held is not None and normalise == "none":
        held = held / float(scales[0])
    problem = replace(
        bare,
        signal=scaled,
        replicate=replicate,
        n_replicates=len(titration.names),
        dye_nM=None if bare.dye_nM is None else bare.dye_nM / titration.dilution,
        gains=normalise == "gain",
        maximum=held,
    )
    unit = 1.0 if normalise == "maximum" else float(np.exp(np.mean(np.log(scales))))
    return Scaled(problem, unit)


def even(scaled: Scaled, kept: NDArray[np.bool_]) -> Scaled:
    """Divide each replicate by its fitted gain, so that the errors of all become alike.

    The largest signal stands for the gain only roughly, least of all where it is an outlier.

    Parameters
    ----------
    scaled
        All points.
    kept
        Points that the gains are fitted to, shape (m,).

    Raises
    ------
    CalibrationError
        If the points do not determine the curve.
    """
    problem = scaled.problem
    if not problem.gains:
        return scaled
    _, result = minimise(problem.subset(kept))
    gain = gains_of(problem, result.params.valuesdict())
    return scaled._replace(
        problem=replace(problem, signal=problem.signal / gain[problem.replicate])
    )
