"""How long Monte Carlo intervals of 1000 cells × 500 frames take, and how much memory.

Run: ``python tests/benchmarks/monte_carlo.py``. The package `uncertainties` propagates the same
errors to first order, value by value; it stands for what one would write without zincflux.
"""

import os
import platform
import time
import tracemalloc
from importlib.metadata import version

import numpy as np
from uncertainties import correlated_values, ufloat

from zincflux.calibrate import Binding, Calibration, Uncertainty, free_zinc

CELLS, FRAMES, SUBSET, ROUNDS = 1000, 500, 2000, 3
BINDING = Binding(
    k_nM=15.0, hill=0.9, beta=1.0, k_sd_nM=2.0, hill_sd=0.02, covariance_ln_k_hill=0.0005
)
NAMES = ("minimum", "minimum_sd", "maximum", "maximum_sd", "covariance")


def numbers() -> tuple[np.ndarray, np.ndarray, Calibration]:
    """Draw signals over the whole range, their errors, and a calibration."""
    rng = np.random.default_rng(0)
    minimum = 100 * np.exp(rng.normal(0, 0.4, CELLS))
    maximum = 10 * minimum
    calibration = Calibration(
        indicator="simulated",
        kind="intensity",
        binding=BINDING,
        cell_ids=np.arange(CELLS),
        minimum=minimum,
        minimum_sd=0.02 * minimum,
        maximum=maximum,
        maximum_sd=0.01 * maximum,
        covariance=np.zeros(CELLS),
        reason=np.full(CELLS, ""),
    )
    share = rng.uniform(0.05, 0.95, (CELLS, FRAMES))
    signal = minimum[:, None] + share * (maximum - minimum)[:, None]
    return signal, 0.02 * signal, calibration


def by_uncertainties(signal: np.ndarray, sd: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Give σ(Z)/Z of the first values of the first frames, one after the other."""
    relative = BINDING.k_sd_nM / BINDING.k_nM
    covariance = BINDING.covariance_ln_k_hill * BINDING.k_nM
    k, hill = correlated_values(
        [BINDING.k_nM, BINDING.hill],
        [[(relative * BINDING.k_nM) ** 2, covariance], [covariance, BINDING.hill_sd**2]],
    )
    result = np.empty(SUBSET)
    for number in range(SUBSET):
        cell, frame = number % CELLS, number // CELLS
        low, low_sd, high, high_sd, _ = (getattr(calibration, name)[cell] for name in NAMES)
        s = ufloat(signal[cell, frame], sd[cell, frame])
        low, high = ufloat(low, low_sd), ufloat(high, high_sd)
        zinc = k * ((s - low) / (high - s)) ** (1 / hill)
        result[number] = zinc.std_dev / zinc.nominal_value
    return result


def best(work) -> float:
    """Best time of some rounds, s."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the machine, the times, the memory and the ratio."""
    signal, sd, calibration = numbers()
    values = signal.size
    carlo = Uncertainty(method="monte-carlo")

    def monte_carlo():
        return free_zinc(signal, calibration, sd, carlo)

    seconds = best(monte_carlo)
    analytic = best(lambda: free_zinc(signal, calibration, sd))
    other = best(lambda: by_uncertainties(signal, sd, calibration)) * values / SUBSET
    tracemalloc.start()
    estimate = monte_carlo()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = sum(getattr(estimate, name).nbytes for name in vars(estimate))
    everything = values * carlo.draws * 8

    # Both say the same where first order holds: in the middle, with small errors.
    first = by_uncertainties(signal, sd, calibration).reshape(-1, CELLS).T
    half = np.log(estimate.high_nM / estimate.low_nM)[:, : first.shape[1]] / 2 / 1.96
    middle = np.abs(estimate.saturation[:, : first.shape[1]] - 0.5) < 0.2
    agreement = np.median(half[middle] / first[middle])

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one thread used")
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, "
        f"uncertainties {version('uncertainties')}; load {os.getloadavg()[0]:.1f}"
    )
    print(f"{CELLS} cells × {FRAMES} frames, {carlo.draws} draws; best of {ROUNDS}\n")
    print(f"zincflux, Monte Carlo          {seconds:8.2f} s")
    print(f"zincflux, analytic             {analytic:8.2f} s")
    print(f"uncertainties, first order     {other:8.1f} s, from {SUBSET} values")
    print(f"uncertainties / Monte Carlo    {other / seconds:8.1f}")
    print(f"peak of extra memory           {peak / 1e6:8.0f} MB, of which {kept / 1e6:.0f} MB kept")
    print(f"all draws at once would need   {everything / 1e6:8.0f} MB")
    print(f"width over first order, middle {agreement:8.3f}")


if __name__ == "__main__":
    main()
