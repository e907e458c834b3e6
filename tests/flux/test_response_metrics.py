"""The metrics of a phase: worked numbers, ranges, units and invariants."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zincflux.columns import RESPONSES
from zincflux.errors import ExperimentError, ZincfluxWarning
from zincflux.flux import CellTraces, Flux, IndicatorLoad, ZincBuffer, response_metrics
from zincflux.phases import Phase

START_S = 60.0
UPTAKE = Phase(name="Zn", role="response", start_s=START_S, end_s=900)


def uptake_traces(*, scale=1.0, shift_s=0.0, dt_s=2.0, cells=2):
    """Rest at 1 nM, then 1 + 2(1 − e^(−0.01 t)) from 60 s on."""
    time = np.arange(0, 900, dt_s)
    since = np.maximum(time - START_S, 0)
    zinc = scale * np.tile(1 - 2 * np.expm1(-0.01 * since), (cells, 1))
    return CellTraces(time + shift_s, 1 + 0.2 * zinc / scale, zinc)


def metrics(traces, *, phase=UPTAKE, flux=None, buffer=None):
    return response_metrics(
        traces, phase, traces.time_s < phase.start_s, flux or Flux(smoothing_s=0), buffer
    )


def test_keys_are_the_columns_of_responses():
    expected = {column.name for column in RESPONSES} - {"cell_id", "region", "phase"}
    assert set(metrics(uptake_traces())) == expected


def test_worked_uptake():
    result = {name: values[0] for name, values in metrics(uptake_traces()).items()}
    assert result["rate_nM_per_s"] == pytest.approx(0.01726, abs=5e-6)
    assert result["exponential_rate_nM_per_s"] == pytest.approx(0.02, rel=1e-4)
    assert result["rate_f_f0_per_s"] == pytest.approx(0.2 * 0.01726, abs=1e-6)
    assert result["rate_low_nM_per_s"] < result["rate_nM_per_s"] < result["rate_high_nM_per_s"]
    assert result["rate_window_s"] == 30
    assert result["plateau_zinc_nM"] == pytest.approx(3, abs=0.002)
    assert result["half_time_s"] == pytest.approx(69.31, abs=0.05)
    assert result["peak_zinc_nM"] == pytest.approx(3, abs=0.002)
    assert result["time_to_peak_s"] == 898 - START_S
    assert result["residual_fraction"] == pytest.approx(3, abs=0.002)
    assert result["peak_normalised_rate_per_s"] == pytest.approx(0.01726 / 3, abs=1e-5)
    assert np.isnan(result["decay_rate_per_s"])
    assert np.isnan(result["total_rate_uM_per_s"])
    assert result["responder"]


def test_worked_area():
    result = metrics(uptake_traces(), phase=UPTAKE.model_copy(update={"end_s": START_S + 301}))
    assert result["auc_nM_s"][0] == pytest.approx(409.951, abs=5e-4)


def test_worked_efflux():
    time = np.arange(0, 903, 3.0)
    zinc = (0.2 + 0.8 * np.exp(-0.005 * np.maximum(time - START_S, 0)))[None]
    result = metrics(CellTraces(time, zinc.copy(), zinc), flux=Flux(smoothing_s=0))
    assert result["rate_nM_per_s"][0] == pytest.approx(-0.003713, abs=5e-7)
    assert result["decay_rate_per_s"][0] == pytest.approx(0.005, rel=1e-4)
    assert result["exponential_rate_nM_per_s"][0] == pytest.approx(-0.004, rel=1e-4)
    assert result["peak_zinc_nM"][0] == pytest.approx(1)
    assert result["peak_normalised_rate_per_s"][0] == pytest.approx(-0.003713, abs=5e-7)
    assert result["time_to_peak_s"][0] == 0
    assert result["residual_fraction"][0] == pytest.approx(
        0.2 + 0.8 * np.exp(-0.005 * 756), rel=0.01
    )
    assert result["auc_nM_s"][0] < 0


def test_decay_of_a_transient_is_that_after_its_peak():
    time = np.arange(0, 600, 2.0)
    since = np.maximum(time - START_S, 0)
    zinc = (1 + 8 * (np.exp(-0.01 * since) - np.exp(-0.2 * since)))[None]
    rng = np.random.default_rng(0)
    zinc = zinc + rng.normal(0, 0.02, zinc.shape)
    result = metrics(CellTraces(time, zinc, zinc), phase=UPTAKE.model_copy(update={"end_s": 600}))
    assert result["decay_rate_per_s"][0] == pytest.approx(0.01, rel=0.1)
    assert 5 < result["time_to_peak_s"][0] < 30


def test_total_rate_near_a_fixed_level_is_the_formula_in_its_units():
    load = IndicatorLoad(concentration_uM=100, kappa_endogenous=50)
    time = np.arange(0, 200, 2.0)
    zinc = (15 + 1e-4 * np.maximum(time - START_S, 0))[None]
    phase = UPTAKE.model_copy(update={"end_s": 200})
    with pytest.warns(ZincfluxWarning, match="binds 1.67e\\+03 zinc ions.*the cell itself 50"):
        result = metrics(CellTraces(time, zinc, zinc), phase=phase, buffer=load.buffer(k_nM=15))
    kappa = 100_000 * 15 / (15 + 15) ** 2
    assert kappa == pytest.approx(1667, abs=0.5)
    assert result["rate_nM_per_s"][0] == pytest.approx(1e-4)
    assert result["kappa_indicator"][0] == pytest.approx(kappa, rel=1e-3)
    assert result["total_rate_uM_per_s"][0] == pytest.approx(
        1e-4 * (1 + 50 + kappa) / 1000, rel=1e-3
    )


def test_a_dye_that_binds_less_than_the_cell_raises_no_doubt(recwarn):
    time = np.arange(0, 200, 2.0)
    zinc = np.full((1, 100), 15.0)
    phase = UPTAKE.model_copy(update={"end_s": 200})
    load = IndicatorLoad(concentration_uM=0.1, kappa_endogenous=50)
    result = metrics(CellTraces(time, zinc, zinc), phase=phase, buffer=load.buffer(k_nM=15))
    assert result["kappa_indicator"][0] == pytest.approx(1.667, rel=1e-3)
    assert not [item for item in recwarn if "indicator_load" in str(item.message)]


@pytest.mark.parametrize("hill", [0.5, 1.0, 2.0])
def test_kappa_is_the_slope_of_the_bound_zinc(hill):
    buffer = ZincBuffer(concentration_nM=5000, kappa_endogenous=0, k_nM=15, hill=hill)
    zinc = np.array([0.3, 4.0, 15.0, 90.0])
    step = 1e-5 * zinc
    slope = (buffer.total_nM(zinc + step) - buffer.total_nM(zinc - step)) / (2 * step) - 1
    np.testing.assert_allclose(buffer.kappa_indicator(zinc), slope, rtol=1e-6)


@pytest.mark.parametrize(("zinc_nM", "kappa"), [(0.1, 6579), (1, 5859), (15, 1667), (100, 113)])
def test_binding_ratio_of_100_uM_fluozin(zinc_nM, kappa):
    buffer = ZincBuffer(concentration_nM=100_000, kappa_endogenous=0, k_nM=15)
    step = 1e-4 * zinc_nM
    total = buffer.total_nM(np.array([zinc_nM - step, zinc_nM + step]))
    assert np.diff(total)[0] / (2 * step) - 1 == pytest.approx(kappa, abs=0.6)


def test_load_needs_both_numbers():
    with pytest.raises(ExperimentError, match="give both or neither"):
        IndicatorLoad.parse({"concentration_uM": 5}, where="indicator_load")
    assert IndicatorLoad().buffer(k_nM=15) is None
    with pytest.raises(ExperimentError, match="K and Hill above 0"):
        ZincBuffer(concentration_nM=1, kappa_endogenous=0, k_nM=0)


def test_out_of_range_levels_are_nan_and_never_the_few_numbers_inside():
    traces = uptake_traces(cells=2)
    high = traces.zinc_nM[0] > 2.5
    low = traces.time_s < START_S
    zinc, codes = traces.zinc_nM.copy(), np.zeros(traces.zinc_nM.shape, dtype=np.int8)
    zinc[0, high], codes[0, high] = np.nan, 1
    zinc[1, low], codes[1, low] = np.nan, -1
    result = metrics(CellTraces(traces.time_s, traces.f_f0, zinc, codes))
    assert np.isnan(result["peak_zinc_nM"][0])
    assert np.isnan(result["plateau_zinc_nM"][0])
    assert np.isnan(result["half_time_s"]).all()
    assert np.isnan(result["auc_nM_s"]).all()
    assert np.isnan(result["residual_fraction"]).all()
    assert result["peak_zinc_nM"][1] == pytest.approx(3, abs=0.01)
    # F/F0 is measured beyond the range too, and so is the time of its peak.
    assert result["time_to_peak_s"][0] == result["time_to_peak_s"][1]
    assert result["responder"].all()


def test_without_zinc_the_course_is_that_of_f_f0():
    traces = uptake_traces()
    result = metrics(CellTraces(traces.time_s, traces.f_f0))
    for name in ("peak_zinc_nM", "plateau_zinc_nM", "rate_nM_per_s", "auc_nM_s"):
        assert np.isnan(result[name]).all()
    assert result["half_time_s"][0] == pytest.approx(69.31, abs=0.05)
    assert result["residual_fraction"][0] == pytest.approx(1.6 / 1.2, rel=0.001)
    assert result["peak_normalised_rate_per_s"][0] == pytest.approx(0.003452 / 1.6, rel=0.001)


def test_a_cell_without_numbers_stays_without():
    traces = uptake_traces(cells=3)
    zinc, f_f0 = traces.zinc_nM.copy(), traces.f_f0.copy()
    zinc[1] = f_f0[1] = np.nan
    whole, holed = metrics(traces), metrics(CellTraces(traces.time_s, f_f0, zinc))
    for name, values in holed.items():
        np.testing.assert_equal(values[[0, 2]], whole[name][[0, 2]])
        if name == "responder":
            assert not values[1]
        elif name != "rate_window_s":
            assert np.isnan(values[1]), name


@settings(max_examples=20, deadline=None)
@given(shift_s=st.floats(0, 1e4), scale=st.floats(0.01, 1e4))
@example(shift_s=452.6202404752941, scale=1.0)  # rounding puts a frame on the edge of a window
def test_time_shift_changes_nothing_and_scale_scales(shift_s, scale):
    rng = np.random.default_rng(8)
    plain = uptake_traces(dt_s=10.0)
    noise = rng.normal(1, 0.01, plain.zinc_nM.shape)
    moved = uptake_traces(scale=scale, shift_s=shift_s, dt_s=10.0)
    phase = UPTAKE.model_copy(update={"start_s": START_S + shift_s, "end_s": 900 + shift_s})
    expected = metrics(CellTraces(plain.time_s, plain.f_f0, plain.zinc_nM * noise))
    found = metrics(CellTraces(moved.time_s, moved.f_f0, moved.zinc_nM * noise), phase=phase)
    for name, values in expected.items():
        factor = scale if "nM" in name else 1.0
        np.testing.assert_allclose(found[name], values * factor, rtol=1e-4, err_msg=name)


def test_half_time_is_that_of_a_change():
    rng = np.random.default_rng(4)
    time = np.arange(0, 900, 2.0)
    zinc = rng.normal(5, 0.3, (200, len(time)))
    result = metrics(CellTraces(time, zinc / 5, zinc))
    assert np.isfinite(result["half_time_s"]).mean() < 0.02
    assert np.isfinite(result["peak_zinc_nM"]).all()


def test_no_cells():
    traces = CellTraces(np.arange(0, 200, 2.0), np.empty((0, 100)), np.empty((0, 100)))
    result = metrics(traces)
    assert all(values.shape == (0,) for values in result.values())


def test_short_phase_shortens_the_window():
    phase = UPTAKE.model_copy(update={"end_s": START_S + 20})
    assert metrics(uptake_traces(), phase=phase)["rate_window_s"][0] == 20
    late = UPTAKE.model_copy(update={"end_s": None, "start_s": 880.0})
    assert metrics(uptake_traces(), phase=late)["rate_window_s"][0] == 18


def test_onset_delay_moves_the_window():
    time = np.arange(0, 300, 2.0)
    zinc = (1 - 2 * np.expm1(-0.01 * np.maximum(time - START_S - 10, 0)))[None]
    phase = UPTAKE.model_copy(update={"end_s": 300})
    result = metrics(
        CellTraces(time, zinc, zinc), phase=phase, flux=Flux(smoothing_s=0, onset_delay_s=10)
    )
    assert result["rate_nM_per_s"][0] == pytest.approx(0.01726, abs=5e-6)
    assert result["exponential_rate_nM_per_s"][0] == pytest.approx(0.02, rel=1e-4)


def test_window_ends_count_whatever_the_rounding():
    time = np.cumsum(np.full(1001, 0.1)) - 0.1
    zinc = (1 + np.maximum(time - 60, 0))[None]
    phase = Phase(name="Zn", role="response", start_s=60.0, end_s=100.0)
    result = metrics(CellTraces(time, zinc, zinc), phase=phase, flux=Flux(rate_window_s=0.2))
    assert np.isfinite(result["rate_nM_per_s"][0])


def test_window_with_too_few_frames_warns_and_gives_no_rate():
    with pytest.warns(ZincfluxWarning, match=r"flux.rate_window_s: .* holds 2 frame"):
        result = metrics(uptake_traces(), flux=Flux(rate_window_s=3.0))
    assert np.isnan(result["rate_nM_per_s"]).all()
    assert np.isfinite(result["peak_zinc_nM"]).all()


def test_phase_from_the_first_frame_compares_with_its_own_start():
    traces = uptake_traces()
    phase = UPTAKE.model_copy(update={"start_s": 0.0})
    result = metrics(traces, phase=phase)
    assert result["residual_fraction"][0] == pytest.approx(3, abs=0.002)
    assert np.isnan(result["auc_nM_s"][0])
    assert not result["responder"].any()


def test_phase_without_frames_is_refused():
    late = UPTAKE.model_copy(update={"start_s": 2000.0, "end_s": 2100.0})
    with pytest.raises(ExperimentError, match="no frame lies"):
        metrics(uptake_traces(), phase=late)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"zinc_nM: expected shape \(n, T\) = \(2, 3\)"):
        CellTraces(np.arange(3.0), np.ones((2, 3)), np.ones((1, 3)))
