"""Titration: K, Hill coefficient and both ends from signals at known concentrations."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator

from zincflux.calibrate.binding import Binding
from zincflux.calibrate.calibration import Calibration, Pooled
from zincflux.calibrate.titration_fit import (
    HILL_LIMITS,
    OUTLIER,
    ErrorModel,
    Problem,
    intervals,
    minimise,
    predicted,
    saturations,
    studentised,
)
from zincflux.calibrate.titration_table import Titration
from zincflux.errors import CalibrationError, CalibrationWarning, ExperimentError
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray
from zincflux.settings import Settings

_NAMES = ("minimum", "maximum", "ln_k", "hill")


class TitrationFitting(Settings):
    """How a titration is fitted."""

    error: ErrorModel = Field(
        default="constant",
        description="constant: all points are equally exact; relative: the standard deviation is "
        "proportional to the signal",
    )
    normalise: Literal["auto", "gain", "maximum", "none"] = Field(
        default="auto",
        description="gain: each replicate has a gain of its own that is fitted; maximum: each is "
        "divided by its largest signal; auto: gain for replicates of an intensity, else none",
    )
    hill: float | None = Field(default=None, gt=0, le=10, description="Hold n at this value")
    maximum: float | None = Field(
        default=None, description="Hold the saturated signal at this value; not with gain"
    )
    total: bool = Field(
        default=False, description="Concentrations are total, not free, metal: 1:1 tight binding"
    )
    indicator_nM: float | None = Field(
        default=None, gt=0, description="Indicator in the wells at the start, nM; for total"
    )
    beta: float | None = Field(default=None, gt=0, description="Beta of a ratio, where known")
    drop_outliers: bool = Field(default=False, description="Leave out the points that are named")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.total and self.indicator_nM is None:
            raise ValueError(
                "indicator_nM: with total metal the indicator's concentration decides how much "
                "of it is free. Give it in nM"
            )
        if self.indicator_nM is not None and not self.total:
            raise ValueError(
                "indicator_nM: belongs to total metal; with free metal nothing is taken from it. "
                "Set total, or leave out indicator_nM"
            )
        if self.normalise == "maximum" and self.maximum not in (None, 1.0):
            raise ValueError(
                "maximum: replicates that are divided by their largest signal saturate near 1, so "
                f"expected 1, found {self.maximum:g}. Give 1, or another normalise"
            )
        if self.total and self.hill not in (None, 1.0):
            raise ValueError("hill: total metal is fitted with 1:1 binding. Leave out hill")
        return self


class Band(NamedTuple):
    """The fitted curve and its 95 % band."""

    signal: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class TitrationFit:
    """What a titration says of an indicator.

    Attributes
    ----------
    k_nM, hill
        Half saturation in nM, and Hill coefficient.
    k_interval_nM, hill_interval
        Their 95 % intervals by profile likelihood; infinite where the points set no
        limit, a point where held.
    minimum, maximum
        Metal-free and saturated signal, in units of the signal; where replicates have gains, of a
        replicate of middle gain; where each was divided by its maximum, as a fraction of that.
    beta, beta_sd
        β, where it is known.
    k_includes_beta
        Whether K is that of the ratio.
    covariance
        Of minimum, maximum, ln K and n, shape (4, 4); 0 where held.
    scaled
        Signal of each point without its replicate's gain, in units of minimum, shape (m,).
    residual
        Studentised residual of each point, shape (m,).
    outlier
        Which points are named, shape (m,).
    dropped
        Whether they were left out.
    warnings
        Doubts, in words.
    """

    titration: Titration
    settings: TitrationFitting
    k_nM: float
    hill: float
    k_interval_nM: tuple[float, float]
    hill_interval: tuple[float, float]
    minimum: float
    maximum: float
    beta: float | None
    beta_sd: float | None
    k_includes_beta: bool
    covariance: FloatArray
    scaled: FloatArray
    residual: FloatArray
    outlier: NDArray[np.bool_]
    dropped: bool
    t_quantile: float
    warnings: tuple[str, ...] = ()

    @property
    def k_sd_nM(self) -> float:
        """Standard deviation of K, nM."""
        return self.k_nM * float(np.sqrt(self.covariance[2, 2]))

    @property
    def hill_sd(self) -> float:
        """Standard deviation of n."""
        return float(np.sqrt(self.covariance[3, 3]))

    @property
    def outliers(self) -> tuple[str, ...]:
        """Each point that does not fit, by line, replicate, concentration and residual."""
        return tuple(
            f"{self.titration.describe(int(at))}: residual {self.residual[at]:+.1f} SD"
            for at in np.flatnonzero(self.outlier)
        )

    def curve(self, concentration_nM: ArrayLike) -> Band:
        """Fitted signal at concentrations of the table's kind, with its 95 % band."""
        x = np.asarray(concentration_nM, dtype=np.float64)
        centre = np.array([self.minimum, self.maximum, np.log(self.k_nM), self.hill])
        middle = self._signal(x, centre)
        slopes = []
        for at, value in enumerate(centre):
            step = 1e-5 * max(abs(value), 1e-3)
            moved = np.array([centre, centre])
            moved[:, at] += step, -step
            slopes.append((self._signal(x, moved[0]) - self._signal(x, moved[1])) / (2 * step))
        gradient = np.stack(slopes)
        variance = np.einsum("ix,ij,jx->x", gradient, self.covariance, gradient)
        reach = self.t_quantile * np.sqrt(np.maximum(variance, 0))
        return Band(middle, middle - reach, middle + reach)

    def _signal(self, x: FloatArray, values: FloatArray) -> FloatArray:
        low, high, ln_k, hill = values
        whole = np.zeros(len(x), dtype=np.int64)
        problem = _bare(x, whole, self.settings, self.beta)
        part = saturations(problem, float(np.exp(ln_k)), float(hill))
        return np.asarray(low + (high - low) * part)


def _bare(
    x: FloatArray, replicate: NDArray[np.int64], settings: TitrationFitting, beta: float | None
) -> Problem:
    dye = None if settings.indicator_nM is None else np.full(len(x), settings.indicator_nM)
    return Problem(
        zinc_nM=x,
        signal=np.ones(len(x)),
        replicate=replicate,
        dye_nM=dye if settings.total else None,
        beta=(beta or 1.0) if settings.total else 1.0,
        error=settings.error,
        gains=False,
        hill=1.0 if settings.total else settings.hill,
        maximum=None,
    )


def fit_titration(
    titration: Titration, indicator: Indicator, settings: TitrationFitting | None = None
) -> TitrationFit:
    """Fit S = S_min + (S_max − S_min)·Zⁿ / (Kⁿ + Zⁿ), or 1:1 tight binding, to a titration.

    Parameters
    ----------
    titration
        Points.
    indicator
        Says whether the signal is an intensity or a ratio, and its direction.
    settings
        How to fit.

    Raises
    ------
    CalibrationError
        If the points do not determine the curve.
    ExperimentError
        If the settings do not fit the indicator.

    Warns
    -----
    CalibrationWarning
        Once per doubt; they stand in ``warnings`` of the fit, too.

    References
    ----------
    .. [1] Hill AV. J Physiol 1910;40:iv.

    Examples
    --------
    >>> from zincflux.indicators import load_indicator
    >>> zinc = np.array([0, 1, 5, 10, 20, 50, 100, 500, 2000.0])
    >>> table = Titration.of(zinc, 100 + 1000 * zinc / (15 + zinc))
    >>> round(fit_titration(table, load_indicator("FluoZin-3")).k_nM, 3)
    15.0
    """
    chosen = TitrationFitting() if settings is None else settings
    normalise = _normalisation(titration, indicator, chosen)
    problem, scales = _problem(titration, indicator, chosen, normalise)
    residual = studentised(problem)
    outlier = np.abs(residual) > OUTLIER
    kept = problem.subset(~outlier) if chosen.drop_outliers else problem
    minimiser, result = minimise(kept)
    limits, failed = intervals(minimiser, result)
    fit = _assemble(titration, chosen, problem, (result, limits), scales)
    fit = replace(fit, residual=residual, outlier=outlier, dropped=chosen.drop_outliers)
    if indicator.kind == "intensity":
        fit = replace(fit, beta=1.0, k_includes_beta=False)
    else:
        fit = _with_beta(fit, problem)
    found = tuple(_doubts(fit, indicator, kept, result, failed))
    for message in found:
        warnings.warn(message, CalibrationWarning, stacklevel=2)
    return replace(fit, warnings=found)


def _normalisation(titration: Titration, indicator: Indicator, settings: TitrationFitting) -> str:
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
    several = len(titration.names) > 1 and not ratio and settings.maximum is None
    if settings.normalise == "auto":
        return "gain" if several else "none"
    if settings.normalise == "gain" and settings.maximum is not None:
        raise ExperimentError(
            "maximum: cannot be held where each replicate has its own gain. Use --normalise "
            "maximum or none."
        )
    return (
        "gain"
        if several and settings.normalise == "gain"
        else settings.normalise.replace("gain", "none")
    )


def _problem(
    titration: Titration, indicator: Indicator, settings: TitrationFitting, normalise: str
) -> tuple[Problem, FloatArray]:
    """Scale the signals to the order of 1; give the scale of each replicate too."""
    signal, replicate = titration.signal, titration.replicate
    scales = np.zeros(len(titration.names))
    np.maximum.at(scales, replicate, np.abs(signal))
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
    bare = _bare(titration.concentration_nM, replicate, settings, settings.beta)
    dye = None if bare.dye_nM is None else bare.dye_nM / titration.dilution
    held = settings.maximum
    if held is not None and normalise == "none":
        held = held / float(scales[0])
    problem = replace(bare, signal=scaled, dye_nM=dye, gains=normalise == "gain", maximum=held)
    return problem, np.ones_like(scales) if normalise == "maximum" else scales


def _assemble(
    titration: Titration,
    settings: TitrationFitting,
    problem: Problem,
    fitted: tuple[Any, dict[str, tuple[float, float]]],
    scales: FloatArray,
) -> TitrationFit:
    from scipy.stats import t

    result, limits = fitted
    values = result.params.valuesdict()
    unit = float(np.exp(np.mean(np.log(scales))))
    gain = np.exp([values.get(f"ln_gain_{r}", 0.0) for r in range(len(scales))])
    covariance = np.zeros((4, 4))
    for (i, one), (j, two) in _pairs(result.var_names):
        covariance[i, j] = result.covar[one, two]
    factor = np.array([unit, unit, 1.0, 1.0])
    ln_k = limits["ln_k"]
    return TitrationFit(
        titration=titration,
        settings=settings,
        k_nM=float(np.exp(values["ln_k"])),
        hill=float(values["hill"]),
        k_interval_nM=(float(np.exp(ln_k[0])), float(np.exp(ln_k[1]))),
        hill_interval=limits["hill"],
        minimum=float(values["minimum"]) * unit,
        maximum=float(values["maximum"]) * unit,
        beta=settings.beta,
        beta_sd=None,
        k_includes_beta=not settings.total,
        covariance=covariance * np.outer(factor, factor),
        scaled=problem.signal / gain[problem.replicate] * unit,
        residual=np.zeros(len(problem.signal)),
        outlier=np.zeros(len(problem.signal), dtype=bool),
        dropped=False,
        t_quantile=float(t.ppf(0.975, result.nfree)),
    )


def _pairs(names: list[str]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Places of the four parameters, here and in lmfit's covariance."""
    at = [(number, names.index(name)) for number, name in enumerate(_NAMES) if name in names]
    return [(one, two) for one in at for two in at]


def _with_beta(fit: TitrationFit, problem: Problem) -> TitrationFit:
    """Take β from the denominators: 1/D goes from 1/D_free to 1/D_bound in proportion to s."""
    below = fit.titration.denominator
    used = np.isfinite(below) & (below > 0)
    if fit.beta is not None or used.sum() < 4:
        return fit
    part = saturations(problem, fit.k_nM, fit.hill)[used]
    # Weighted by D, so that the relative errors of D are alike.
    design = np.stack([1 - part, part], axis=1) * below[used, None]
    free, bound = np.linalg.lstsq(design, np.ones(used.sum()), rcond=None)[0]
    left = 1 - design @ (free, bound)
    spread = np.linalg.inv(design.T @ design) * float(left @ left) / (used.sum() - 2)
    if not (free > 0 and bound > 0):
        return fit
    beta = float(bound / free)
    relative = np.array([-1 / free, 1 / bound])
    return replace(fit, beta=beta, beta_sd=beta * float(np.sqrt(relative @ spread @ relative)))


def _doubts(
    fit: TitrationFit, indicator: Indicator, problem: Problem, result: Any, failed: list[str]
) -> list[str]:
    messages = [*_plateaus(fit, problem, result)]
    low, high = fit.k_interval_nM
    if high > 3 * low:
        messages.append(
            f"titration: K is loose, {low:.3g} to {high:.3g} nM. Add concentrations around K and "
            "on both plateaus."
        )
    at_limit = np.isclose(fit.hill, HILL_LIMITS, rtol=1e-2).any()
    if result.params["hill"].vary and at_limit:
        messages.append(
            f"titration: the Hill coefficient went to the limit of its range, {fit.hill:.3g}. The "
            "curve is not one binding step; hold it with --hill 1, or check the concentrations."
        )
    if failed:
        messages.append(
            f"titration: the likelihood of {' and '.join(failed)} could not be followed to 95 %; "
            "that interval is symmetric, from the covariance."
        )
    if (fit.maximum < fit.minimum) != indicator.turn_off:
        verb, found = ("fall", "rises") if indicator.turn_off else ("rise", "falls")
        messages.append(
            f"titration: the signal of {indicator.name} should {verb} with zinc, but it {found}. "
            "Check the columns, and numerator and denominator of a ratio."
        )
    if fit.outliers:
        done = "left out" if fit.dropped else "kept; --drop-outliers leaves them out"
        messages.append(f"titration: points that do not fit ({done}): {'; '.join(fit.outliers)}.")
    return [*messages, *_other_error(fit, problem)]


def _plateaus(fit: TitrationFit, problem: Problem, result: Any) -> list[str]:
    part = saturations(problem, fit.k_nM, fit.hill)
    model = predicted(problem, result.params.valuesdict())
    span = abs(result.params["maximum"].value - result.params["minimum"].value)
    off = (problem.signal - model) / span
    messages = []
    ends = (
        ("zinc-free", part, problem.zinc_nM.min()),
        ("saturated", 1 - part, problem.zinc_nM.max()),
    )
    for name, distance, end_nM in ends:
        last = problem.zinc_nM == end_nM
        reached = float(distance[last].min())
        count = len(np.unique(problem.zinc_nM[distance < 0.1]))
        where = (
            f"{problem.zinc_nM[last][0]:g} nM ({100 * float(part[last].mean()):.0f} % saturated)"
        )
        if reached > 0.1:
            messages.append(
                f"titration: the {name} plateau was never reached: the last point lies at {where}. "
                "That end is extrapolated, and K with it."
            )
        elif count < 2:
            messages.append(
                f"titration: the {name} plateau rests on one concentration, {where}. Add another."
            )
        elif abs(float(off[last].mean())) > 0.05:
            messages.append(
                f"titration: the {name} plateau is poor: at {where} the signal lies "
                f"{100 * float(off[last].mean()):+.0f} % of the span beside the curve."
            )
    return messages


def _other_error(fit: TitrationFit, problem: Problem) -> list[str]:
    """Say where the other idea of the errors gives another K: then the curve is not the model."""
    other: ErrorModel = "relative" if problem.error == "constant" else "constant"
    if other == "relative" and (problem.signal <= 0).any():
        return []
    try:
        _, result = minimise(replace(problem, error=other))
    except CalibrationError:
        return []
    k_nM = float(np.exp(result.params["ln_k"].value))
    low, high = fit.k_interval_nM
    if low <= k_nM <= high or abs(np.log(k_nM / fit.k_nM)) < 0.02:
        return []
    return [
        f"titration: with {other} errors K is {k_nM:.3g} nM, outside of {low:.3g} to {high:.3g} "
        f"nM, and n is {result.params['hill'].value:.3g}. The points do not follow one curve at "
        "both ends; K depends on which of them are trusted (--error)."
    ]


def calibration_of_titration(fit: TitrationFit, indicator: Indicator) -> Calibration:
    """Make a calibration without cells: constants, and what of the ends carries over.

    The ends of a ratio hold for the same optics. Those of an intensity hold for the wells only:
    just their quotient is kept.
    """
    varied = fit.settings.hill is None and not fit.settings.total
    name = fit.titration.source
    binding = Binding(
        k_nM=fit.k_nM,
        hill=fit.hill,
        beta=fit.beta,
        k_includes_beta=fit.k_includes_beta,
        k_sd_nM=fit.k_sd_nM,
        hill_sd=fit.hill_sd if varied else None,
        beta_sd=fit.beta_sd,
        covariance_ln_k_hill=float(fit.covariance[2, 3]),
        confidence="own titration",
        source=f"titration {name}".strip(),
    )
    origin = f"titration {name}".strip()
    if indicator.kind == "intensity":
        pooled = _dynamic_range(fit)
        origin += "; minimum and maximum of an intensity hold for its wells only"
    else:
        low, high = np.sqrt(np.diag(fit.covariance)[:2])
        pooled = replace(
            _dynamic_range(fit),
            minimum=fit.minimum,
            minimum_sd=float(low),
            maximum=fit.maximum,
            maximum_sd=float(high),
            covariance=float(fit.covariance[0, 1]),
        )
    return replace(Calibration.uniform(indicator, binding, (), pooled, origin), pooled=pooled)


def _dynamic_range(fit: TitrationFit) -> Pooled:
    if fit.minimum <= 0 or fit.maximum <= 0:
        return Pooled()
    quotient = fit.maximum / fit.minimum
    slope = np.array([-1 / fit.minimum, 1 / fit.maximum])
    error = quotient * float(np.sqrt(slope @ fit.covariance[:2, :2] @ slope))
    return Pooled(dynamic_range=quotient, dynamic_range_se=error)
