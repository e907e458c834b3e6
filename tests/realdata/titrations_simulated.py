"""What a titration's normalisation does to K and n: simulated titrations with known constants.

Each real titration is fitted once, and that curve, at its concentrations and with its noise, is the
truth of what is simulated. Prints the table of docs/how-to/fit-a-titration.md:

    python tests/realdata/titrations_simulated.py [NUMBER] [SEED]
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import f as f_distribution

from zincflux.calibrate.titration import TitrationFitting
from zincflux.calibrate.titration.least_squares import minimise
from zincflux.calibrate.titration.model import gains_of, predicted
from zincflux.calibrate.titration.scaling import even, scale
from zincflux.calibrate.titration_table import read_titration

SENSORS = ("CaMBI", "CaBLAM_332W", "CaBLAM", "GeNL(Ca2+)_480", "CaBLAM_294W")
WAYS = {
    "gain": TitrationFitting(normalise="gain"),
    "maximum 1": TitrationFitting(normalise="maximum", maximum=1.0),
}


def problem_of(table, settings):
    every = np.ones(len(table.signal), dtype=bool)
    return even(scale(table, settings, settings.normalise, every), every).problem


def covered(minimiser, result, name, truth):
    """Whether the truth lies in the 95 % profile interval, without searching for its ends."""
    held = result.params.copy()
    held[name].set(value=truth, vary=False)
    worse = minimiser.minimize(method="leastsq", params=held).chisqr - result.chisqr
    return worse / result.redchi <= f_distribution.ppf(0.95, 1, result.nfree)


def simulate(table, number, seed):
    """Errors of ln K and n and whether their intervals cover, shape (number, 4) by way."""
    truth = problem_of(table, WAYS["gain"])
    _, fitted = minimise(truth)
    values = fitted.params.valuesdict()
    clean = predicted(truth, values)
    spread = np.sqrt(fitted.redchi) * gains_of(truth, values)[truth.replicate]
    random = np.random.default_rng(seed)
    found = {way: [] for way in WAYS}
    for _ in range(number):
        noisy = replace(table, signal=clean + spread * random.normal(size=len(clean)))
        for way, settings in WAYS.items():
            minimiser, result = minimise(problem_of(noisy, settings))
            found[way].append(
                [result.params[name].value - values[name] for name in ("ln_k", "hill")]
                + [covered(minimiser, result, name, values[name]) for name in ("ln_k", "hill")]
            )
    return {way: np.array(rows, dtype=float) for way, rows in found.items()}


def main(number=500, seed=0):
    """Print one row per titration and way."""
    folder = Path(os.environ["ZINCFLUX_REALDATA"]) / "ca-sensor-titrations"
    print("| titration | way | K: bias | K: RMSE | K covered | n: bias | n: RMSE | n covered |")
    print("|---|---|---|---|---|---|---|---|")
    for place, sensor in enumerate(SENSORS):
        rows = simulate(read_titration(folder / f"{sensor}.csv"), number, (seed, place))
        for way, found in rows.items():
            bias, rmse = found.mean(axis=0), np.sqrt((found**2).mean(axis=0))
            print(
                f"| {sensor} | {way} | {100 * bias[0]:+.1f} % | {100 * rmse[0]:.1f} % | "
                f"{100 * bias[2]:.0f} % | {bias[1]:+.2f} | {rmse[1]:.2f} | {100 * bias[3]:.0f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
