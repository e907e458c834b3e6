"""What an indicator can say at all, and what other constants would say."""

import numpy as np
import pytest
from test_free_zinc import uniform

from zincflux.calibrate import Binding, alternatives, free_zinc, shared_factor, zinc_ranges
from zincflux.indicators import load_indicator

FLUOZIN = Binding(k_nM=15, beta=1.0)


def ranges(sd, binding=FLUOZIN, ends_sd=(0.0, 0.0, 0.0)):
    calibration = uniform(5, sds=ends_sd, binding=binding)
    signal = np.tile(np.linspace(100, 1100, 200), (5, 1))
    found = free_zinc(signal, calibration, sd)
    return zinc_ranges(found, np.full(signal.shape, sd), calibration)


def test_ends_of_the_range_have_intervals_of_just_that_width():
    for found in ranges(10.0):
        at_ends = np.array([[found.low_nM, found.high_nM]])
        signal = 100 + 1000 * at_ends / (15 + at_ends)
        told = free_zinc(signal, uniform(1), 10.0)
        widest = np.maximum(told.high_nM / told.zinc_nM, told.zinc_nM / told.low_nM)
        np.testing.assert_allclose(widest, found.factor, rtol=0.05)


def test_a_larger_factor_and_less_noise_widen_the_range():
    (two, three), (quiet, _) = ranges(20.0), ranges(5.0)
    assert three.low_nM < two.low_nM < 15 < two.high_nM < three.high_nM
    assert quiet.low_nM < two.low_nM
    assert quiet.high_nM > two.high_nM


def test_a_sensor_lost_in_noise_says_nothing():
    assert all(np.isnan(found.low_nM) for found in ranges(800.0))


def test_without_any_signal_nothing_is_said():
    calibration = uniform(1)
    found = free_zinc(np.full((1, 4), np.nan), calibration, 1.0)
    assert np.isnan(zinc_ranges(found, np.ones((1, 4)), calibration)[0].high_nM)


def test_shared_factor_of_k_is_the_same_everywhere():
    binding = Binding(k_nM=15, beta=1.0, k_sd_nM=2.0)
    for zinc in (0.5, 15.0, 200.0):
        assert shared_factor(zinc, binding) == pytest.approx(np.exp(1.959964 * 2 / 15))


def test_other_constants_give_the_published_conflict():
    """The same ratio means 80 pM with (5300 pM, 0.29) and 231.9 pM with (2300 pM, 0.53)."""
    sensor = load_indicator("ZapCV2")
    used = Binding(k_nM=5.3, hill=0.29, k_includes_beta=True)
    found = {a.record: a for a in alternatives(sensor, used, [0.08])}
    assert found["Lo 2020"].zinc_nM[0] * 1000 == pytest.approx(80.0)
    assert found["Fiedler 2017"].zinc_nM[0] * 1000 == pytest.approx(231.9, rel=0.002)


def test_a_k_without_beta_needs_one():
    dye = load_indicator("mag-fura-2")
    unknown = Binding(k_nM=20, k_includes_beta=True)
    known = Binding(k_nM=20, beta=2.0)
    assert all(np.isnan(a.zinc_nM[0]) for a in alternatives(dye, unknown, [20.0]))
    assert alternatives(dye, known, [40.0])[0].zinc_nM[0] == pytest.approx(40.0)


def test_an_absurd_error_of_k_is_no_crash():
    assert shared_factor(1.0, Binding(k_nM=0.005, beta=1.0, k_sd_nM=5.0)) == np.inf
