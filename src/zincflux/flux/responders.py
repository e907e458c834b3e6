"""Responders: cells whose signal in a window differs from the baseline by more than its noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from zincflux.flux.moderate import moderate
from zincflux.movie import FloatArray

MIN_BASELINE_FRAMES = 3
"""Fewer frames give no scatter to compare with."""

_MAX_CORRELATION = 0.95


def false_positive_rate(responder_k: float) -> float:
    """Share of cells without any response that `responders` is expected to call responders.

    Examples
    --------
    >>> round(false_positive_rate(3.0), 4)
    0.0027
    """
    return float(2.0 * ndtr(-responder_k))


def responders(
    f_f0: FloatArray,
    baseline: NDArray[np.bool_],
    window: NDArray[np.bool_],
    responder_k: float,
) -> NDArray[np.bool_]:
    """Tell which cells changed: |mean in the window − mean in the baseline| > k·sd.

    sd is the standard deviation of that difference of two means if nothing happened, from the
    scatter s of the cell in its baseline: s·√(φ(m_b)/m_b + φ(m_w)/m_w) for m_b and m_w frames.
    φ(m) = 1 + 2·Σ(1 − j/m)·ρʲ counts that neighbouring frames resemble one another, with
    the correlation ρ between neighbours estimated in the baseline (median over the cells). s² is
    drawn towards what the cells have in common, as far as they are alike (`moderate`). k is that of
    a normal distribution; since s comes from few frames, Student's quantile of the same probability
    takes its place. Of cells that do nothing, `false_positive_rate` are expected
    to be called responders, whatever the number of frames. A steady trend of the signal
    (bleaching, focus drift) counts as a change, as no baseline before it can exclude it.

    Parameters
    ----------
    f_f0
        F/F0, shape (n, T); NaN frames are left out. F/F0 and not zinc, since it exists beyond the
        calibrated range.
    baseline, window
        Frames of the baseline and of the phase that are compared, shape (T,).
    responder_k
        k.

    Returns
    -------
    numpy.ndarray
        Booleans, shape (n,); False where the baseline has fewer than 3 frames with a number or the
        window has none.
    """
    base, later = f_f0[:, baseline], f_f0[:, window]
    in_base, in_later = np.isfinite(base).sum(axis=1), np.isfinite(later).sum(axis=1)
    testable = (in_base >= MIN_BASELINE_FRAMES) & (in_later > 0)
    result = np.zeros(len(f_f0), dtype=bool)
    if testable.any():
        counts = in_base[testable], in_later[testable]
        result[testable] = _differs(base[testable], later[testable], counts, responder_k)
    return result


def _differs(
    base: FloatArray,
    later: FloatArray,
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    responder_k: float,
) -> NDArray[np.bool_]:
    in_base, in_later = counts
    residual = base - np.nanmean(base, axis=1, keepdims=True)
    rho = _correlation(residual, in_base)
    grown_base, grown_later = _inflation(rho, in_base), _inflation(rho, in_later)
    # The sample variance of correlated frames is too small by this factor.
    variance = np.nansum(residual**2, axis=1) / np.maximum(in_base - grown_base, 0.5)
    # Of m correlated frames, fewer speak for the variance (Bartlett).
    freedom = np.maximum(in_base * (1 - rho**2) / (1 + rho**2) - 1, 1.0)
    variance, freedom = moderate(variance, freedom)
    sd = np.sqrt(variance * (grown_base / in_base + grown_later / in_later))
    k = stdtrit(freedom, ndtr(responder_k))
    change = np.abs(np.nanmean(later, axis=1) - np.nanmean(base, axis=1))
    result: NDArray[np.bool_] = change > k * sd
    return result


def _correlation(residual: FloatArray, count: NDArray[np.int64]) -> float:
    """Correlation of neighbouring frames: median over cells, freed of its bias in short stretches.

    The estimate in m frames about their own mean falls short by (1 + 4ρ)/m (Marriott, Pope,
    Biometrika 1954;41:390, doi 10.1093/biomet/41.3-4.390).
    """
    power = np.nansum(residual**2, axis=1)
    usable = (power > 0) & (count >= 6)
    if not usable.any():
        return 0.0
    product = np.nansum(residual[:, 1:] * residual[:, :-1], axis=1)[usable] / power[usable]
    m = count[usable]
    return float(np.clip(np.median((m * product + 1) / (m - 4)), 0.0, _MAX_CORRELATION))


def _inflation(rho: float, count: NDArray[np.int64]) -> FloatArray:
    """Variance of a mean of m frames with correlation ρʲ at distance j, relative to ρ = 0.

    The sum 1 + 2·Σ(1 − j/m)·ρʲ in closed form.
    """
    result: FloatArray = (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**count) / (
        count * (1 - rho) ** 2
    )
    return result
