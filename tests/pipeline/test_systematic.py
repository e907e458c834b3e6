"""Lasting errors of the traces in the interval: what cancels, what does not, what cells share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dishes import PHASES, dish, experiment_of, levels
from hypothesis import given, settings
from hypothesis import strategies as st

from zincflux.experiment import Experiment
from zincflux.indicators import Indicator, Record
from zincflux.phases import frames_of, with_role
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.frames import measure_frames
from zincflux.pipeline.identities import identify
from zincflux.pipeline.plan import make_plan
from zincflux.pipeline.sources import Source
from zincflux.pipeline.survey import survey
from zincflux.pipeline.traces import Traces, assemble
from zincflux.pipeline.zinc import Converted, convert
from zincflux.response import saturation

pytestmark = pytest.mark.filterwarnings("ignore:calibration. made up is an intensity indicator")

TIME = np.arange(50) * 5.0
OFFSET = 12.0
BORROWED = {"source": "constants", "minimum": 100.0, "maximum": 1100.0, "k_nM": 15.0}
GIVEN_RATIO = {"source": "constants", "minimum": 0.5, "maximum": 4.0, "k_nM": 15.0}


def assay_of(keys: dict[str, Any], *, ratio: bool = False, **changes: Any) -> Assay:
    exact = {"k_sd_nM": 0.0, "hill": 1.0}
    if ratio:
        exact |= {"beta": 1.0, "k_includes_beta": False}
    experiment = Experiment.parse(
        {
            "movie": {"path": "traces"},
            "phases": list(PHASES),
            "calibration": {**exact, **keys},
            "uncertainty": {"signal_error": 0.0},
            **changes,
        },
        where="test",
    )
    kind: Any = "ratio" if ratio else "intensity"
    record = Record(name="-", k_nM=15, k_includes_beta=False, source="-", confidence="unverified")
    return Assay(
        experiment=experiment,
        indicator=Indicator(name="made up", kind=kind, default="-", records=(record,)),
        channels=("a", "b")[: 1 + ratio],
        signal=(0, 1) if ratio else (0,),
        is_ratio=ratio,
        time_s=TIME,
    )


def sources_of(shape: tuple[int, int, int], **keys: Any) -> tuple[Source, ...]:
    """An offset of one standard deviation in each channel."""
    n_channels, _, n_frames = shape
    found = []
    for channel in range(n_channels):
        shift = np.zeros((n_channels, n_frames))
        shift[channel] = OFFSET
        found.append(Source("offset", shift, 0 * shift, **{"is_shared": False, **keys}))
    return tuple(found)


def traces_of(corrected: np.ndarray, sources: tuple[Source, ...] | None = None) -> Traces:
    """Noise-free traces (C, n, T) with a little predicted noise."""
    n, n_frames = corrected.shape[1:]
    plane = np.ones((n, n_frames))
    return Traces(
        cell_id=np.arange(1, n + 1),
        parent_id=np.zeros(n, dtype=np.int64),
        region=np.full(n, "cell", dtype=object),
        y_um=plane,
        x_um=plane,
        area_um2=plane,
        inside_fraction=plane,
        clipped_fraction=0 * plane,
        raw=corrected,
        background=0 * corrected,
        corrected=corrected,
        corrected_sd=np.full(corrected.shape, 0.5),
        bleaching=None,
        sources=sources_of(corrected.shape) if sources is None else sources,
    )


def intensities(loads=(0.5, 1.0, 1.5, 2.0)) -> np.ndarray:
    rng = np.random.default_rng(0)
    clean = np.outer(loads, levels())
    return clean[None] + 0.3 * rng.standard_normal((1, *clean.shape))


def ratios() -> np.ndarray:
    """A ratio from 0.5 to 4 whose denominator stays, with cells of unequal brightness."""
    bound = (levels() - 100) / 1000
    upper = np.outer((0.5, 1.0, 2.0), 100 + 700 * bound)
    lower = np.outer((0.5, 1.0, 2.0), np.full(50, 200.0))
    rng = np.random.default_rng(0)
    return np.stack([upper, lower]) + 0.1 * rng.standard_normal((2, 3, 50))


def converted(assay: Assay, traces: Traces) -> Converted:
    return convert(assay, traces, np.zeros(len(TIME), dtype=bool))


EARLY = slice(0, 24)  # baseline and response


def test_an_offset_of_an_intensity_cancels_where_cells_have_their_own_ends():
    found = converted(assay_of({"k_nM": 15.0}), traces_of(intensities()))
    assert np.abs(found.systematic_sd[:, EARLY]).max() < 0.01 * OFFSET


def test_an_offset_does_not_cancel_with_given_ends():
    found = converted(assay_of(BORROWED), traces_of(intensities()))
    assert found.systematic_sd == pytest.approx(OFFSET)
    assert (found.shared_sd == 0).all()


def test_what_changes_from_frame_to_frame_never_cancels():
    shape = (1, 4, 50)
    sources = sources_of(shape, is_fixed=False, is_shared=True)
    found = converted(assay_of({"k_nM": 15.0}), traces_of(intensities(), sources))
    assert found.systematic_sd == pytest.approx(OFFSET)
    assert found.shared_sd == pytest.approx(OFFSET)


def test_offsets_of_a_ratio_add_in_quadrature():
    corrected = ratios()
    found = converted(assay_of(GIVEN_RATIO, ratio=True), traces_of(corrected))
    upper, lower = corrected
    moved = (OFFSET / lower, upper / (lower + OFFSET) - upper / lower)
    assert found.systematic_sd == pytest.approx(np.hypot(*moved))
    dim, bright = found.systematic_sd[[0, 2]].mean(axis=1)
    assert dim > 3 * bright


def test_own_ends_take_most_of_an_offset_out_of_a_ratio():
    assay = {"k_nM": 15.0}
    own = converted(assay_of(assay, ratio=True), traces_of(ratios()))
    given = converted(assay_of(GIVEN_RATIO, ratio=True), traces_of(ratios()))
    # With a denominator that does not change, any offset of either channel scales or shifts R.
    assert own.systematic_sd[:, EARLY].max() < 0.1 * given.systematic_sd[:, EARLY].min()


def test_sources_of_size_zero_and_a_share_of_the_signal():
    assay = assay_of(BORROWED, uncertainty={"signal_error": 0.05})
    found = converted(assay, traces_of(intensities(), ()))
    assert found.systematic_sd == pytest.approx(0.05 * np.abs(found.signal))
    assert (found.shared_sd == 0).all()
    both = converted(assay, traces_of(intensities()))
    assert both.systematic_sd == pytest.approx(np.hypot(found.systematic_sd, OFFSET))


def test_without_a_calibration_nothing_is_asked():
    found = converted(assay_of({}, calibration={"source": "none"}), traces_of(intensities()))
    assert found.calibration is None
    assert (found.systematic_sd == 0).all()


@pytest.mark.parametrize("is_shared", [True, False])
def test_what_cells_share_stays_in_the_error_of_a_mean(is_shared):
    sources = sources_of((1, 4, 50), is_shared=is_shared)
    assay = assay_of(BORROWED)
    zinc = converted(assay, traces_of(np.repeat(intensities((1.0,)), 4, axis=1), sources)).zinc
    signal = levels()[15]
    expected = OFFSET * (1 / (signal - 100) + 1 / (1100 - signal))
    found = zinc.shared_ln_sd[:, 15]
    assert found == pytest.approx(expected if is_shared else 0.0, rel=0.01)


def test_a_dim_cell_suffers_more_from_its_own_offset_with_a_pooled_range():
    corrected = intensities((0.2, 1.0, 1.0, 1.1, 0.9))
    assay = assay_of({"k_nM": 15.0, "scope": "pooled"})
    found = converted(assay, traces_of(corrected))
    rest = found.systematic_sd[:, 15]
    # At saturation θ = 0.5, with F_min / F_max = 1/11 from the pool: (1 − θ)·(1 − 1/11) of it,
    # over the maximum that it changes; a fifth of that is what a typical cell suffers.
    own = OFFSET * 0.5 * 10 / 11 * 220 / (220 + OFFSET)
    assert rest[0] == pytest.approx(own * np.sqrt(1 - 0.2**2), rel=0.02)
    # What the offset does to a typical cell is in the spread of the pool.
    assert rest[1:3].max() < 0.1 * OFFSET
    shared = converted(assay, traces_of(corrected, sources_of(corrected.shape, is_shared=True)))
    assert shared.systematic_sd[0, 15] < 0.01 * OFFSET


def test_a_dim_ratio_suffers_more_with_pooled_ends():
    assay = assay_of({"k_nM": 15.0, "scope": "pooled"}, ratio=True)
    dim, middle, bright = converted(assay, traces_of(ratios())).systematic_sd[:, 15]
    given = converted(assay_of(GIVEN_RATIO, ratio=True), traces_of(ratios())).systematic_sd[0, 15]
    assert 0.5 * given < dim < given
    assert max(middle, bright) < 0.2 * given


def test_shrunk_ends_keep_what_is_their_own_of_the_cancelling():
    corrected = intensities((0.2, 1.0, 1.0, 1.1, 0.9))
    # Cells differ in their range far more than the ends of any are uncertain.
    corrected[0, :, 40:] *= np.array([0.7, 0.9, 1.0, 1.1, 1.3])[:, None]
    found = {
        scope: converted(assay_of({"k_nM": 15.0, "scope": scope}), traces_of(corrected))
        for scope in ("pooled", "shrunk")
    }
    dim = {scope: one.systematic_sd[0, 15] for scope, one in found.items()}
    assert dim["pooled"] > 0.15 * OFFSET
    assert dim["shrunk"] < 0.05 * OFFSET


def test_a_cell_that_borrows_its_range_from_the_dish_keeps_its_offset():
    corrected = intensities((1.0, 1.0, 1.1, 0.9, 0.2))
    corrected[0, 4, 40:] = np.nan  # lost before the maximum
    found = converted(assay_of({"k_nM": 15.0}), traces_of(corrected))
    assert "pooled dynamic range" in str(found.calibration.reason[4])
    assert found.systematic_sd[4, 15] > 0.3 * OFFSET
    assert found.systematic_sd[:4, EARLY].max() < 0.01 * OFFSET


def test_where_the_ends_are_found_in_another_way_nothing_is_cancelled():
    corrected = intensities((1.0, 1.0, 1.0, 1.0))
    sources = sources_of(corrected.shape)
    # The error makes the minimum of all cells negative and larger than their maximum.
    shift = sources[0].shift.copy()
    shift[0, 25:40] += 5000
    found = converted(
        assay_of({"k_nM": 15.0}), traces_of(corrected, (replace(sources[0], shift=shift),))
    )
    assert found.systematic_sd[:, :20] == pytest.approx(OFFSET)


@settings(max_examples=20)
@given(st.floats(-30, 30), st.floats(0.2, 3))
def test_a_scale_in_all_frames_cancels_with_own_ends(level, load):
    corrected = intensities((load, 1.0, 2.0))
    log_scale = np.full((1, 50), level / 100)
    source = Source("gain", 0 * log_scale, log_scale, is_shared=True)
    found = converted(assay_of({"k_nM": 15.0}), traces_of(corrected, (source,)))
    assert found.systematic_sd == pytest.approx(0, abs=1e-6)


def bleached(noise: float, scope: str) -> tuple[Converted, np.ndarray]:
    """Convert a movie that bleached; also give the error by the formula that holds to first order.

    An error δk of the rate changes S, S_min and S_max together; what remains of it in the
    saturation θ is that of S by δk·[(1 − θ)·S_min·(t − t_min) + θ·S_max·(t − t_max)].
    """
    bleaching = {"method": "exponential", "phases": ["rest", "TPEN", "Zn"]}
    experiment = experiment_of(
        {
            "bleaching": bleaching,
            "uncertainty": {"signal_error": 0.0},
            "calibration": {"k_nM": 15.0, "scope": scope},
        }
    )
    fade = np.exp(-1e-3 * TIME)
    steps = survey(make_plan(experiment, dish(levels() * fade, noise=noise)))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found = stop.value
            break
    frames = list(measure_frames(found, jobs=1))
    traces = assemble(found, frames, identify(found, frames))
    made = converted(found.plan, traces)
    ends = made.calibration
    assert ends is not None
    assert traces.bleaching is not None
    low, high = ends.minimum[:, None], ends.maximum[:, None]
    theta = saturation(made.signal, low, high)
    since = [
        TIME - TIME[frames_of(with_role(experiment.phases, role)[0], TIME)].mean()
        for role in ("minimum", "maximum")
    ]
    error = traces.bleaching[0].rate_se
    return made, error * np.abs((1 - theta) * low * since[0] + theta * high * since[1])


@pytest.mark.parametrize("scope", ["per-cell", "pooled"])
@pytest.mark.parametrize("noise", [1.0, 20.0])
def test_bleaching_agrees_with_first_order(noise, scope):
    made, expected = bleached(noise, scope)
    assert made.systematic_sd[:, EARLY] == pytest.approx(expected[:, EARLY], rel=0.03)
    assert made.shared_sd == pytest.approx(made.systematic_sd)


@pytest.mark.parametrize(
    ("calibration", "ratio"), [({"k_nM": 15.0}, False), (GIVEN_RATIO, True), (BORROWED, False)]
)
def test_intervals_hold_the_truth_where_offsets_are_drawn(calibration, ratio):
    """The benchmark offsets_coverage.py counts this for more cases, levels and cells."""
    rng = np.random.default_rng(7)
    n = 400
    clean = ratios()[:, 1:2] if ratio else intensities((1.0,))
    drawn = OFFSET * rng.standard_normal((len(clean), n, 1))
    noise = 0.5 * rng.standard_normal((len(clean), n, 50))
    corrected = np.repeat(clean, n, axis=1) + drawn + noise
    zinc = converted(assay_of(calibration, ratio=ratio), traces_of(corrected)).zinc
    inside = (zinc.low_nM[:, 15] <= 15.0) & (zinc.high_nM[:, 15] >= 15.0)
    assert 0.915 < inside.mean() < 0.985  # three Monte Carlo errors
