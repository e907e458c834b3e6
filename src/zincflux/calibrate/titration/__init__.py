"""Titration: K, Hill coefficient and both ends from signals at known concentrations."""

from zincflux.calibrate.titration.carried import calibration_of_titration
from zincflux.calibrate.titration.fit import fit_titration
from zincflux.calibrate.titration.result import Band, TitrationFit
from zincflux.calibrate.titration.settings import TitrationFitting

__all__ = [
    "Band",
    "TitrationFit",
    "TitrationFitting",
    "calibration_of_titration",
    "fit_titration",
]
