import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.filters import threshold_otsu

from zincflux.errors import ExperimentError
from zincflux.gate import Gate, gate

REPORTER = Gate(channel="mCherry")


def field(seed, *, n=60, share=0.3, low=0.0, noise=5.0, high=300.0):
    """Brightness of cells of which a known share carries the reporter."""
    rng = np.random.default_rng(seed)
    carries = np.arange(n) < round(share * n)
    bright = high * rng.lognormal(0, 0.4, n)
    return low + noise * rng.standard_normal(n) + np.where(carries, bright, 0), carries


@pytest.mark.parametrize("share", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("seed", range(5))
def test_two_groups_are_found(seed, share):
    signal, carries = field(seed, share=share)
    found = gate(signal, REPORTER)
    np.testing.assert_array_equal(found.positive, carries)
    assert found.is_estimated


def test_groups_agree_with_otsu_of_scikit_image():
    signal, _ = field(7, low=40, noise=12)
    found = gate(signal, REPORTER)
    dim = signal[~found.positive]
    scatter = 1.4826 * np.median(np.abs(dim - np.median(dim)))
    scale = np.arcsinh((signal - np.median(dim)) / (3 * scatter))
    edge = threshold_otsu(scale, nbins=4096) + np.ptp(scale) / 4096  # from centre to end of a bin
    np.testing.assert_array_equal(found.positive, scale > edge)


@given(st.integers(0, 1000), st.floats(0.01, 1e4), st.floats(-1e3, 1e3))
def test_gain_and_offset_change_no_group(seed, gain, offset):
    signal, _ = field(seed)
    first, second = gate(signal, REPORTER), gate(gain * (signal + offset), REPORTER)
    np.testing.assert_array_equal(first.positive, second.positive)
    assert second.minimum == pytest.approx(gain * (first.minimum + offset), abs=1e-6 * gain)


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.floats(-1e6, 1e6))
def test_given_minimum_is_kept(signal, minimum):
    found = gate(signal, Gate(channel=1, minimum=minimum))
    np.testing.assert_array_equal(found.positive, np.array(signal) >= minimum)
    assert found.minimum == minimum
    assert not found.is_estimated
    assert found.summary()["n_positive"] + found.summary()["n_negative"] == len(signal)


def test_cell_that_was_not_measured_is_not_positive():
    signal, _ = field(1)
    signal[0] = np.nan
    found = gate(signal, REPORTER)
    assert not found.positive[0]
    assert found.names[0] == ""
    assert found.names[1] == "positive"
    assert found.summary()["n_unmeasured"] == 1


def test_too_few_cells():
    with pytest.raises(ExperimentError, match=r"gate\.minimum: .*at least 20 cells.*found 2"):
        gate([1.0, 200.0, np.nan], REPORTER)


ONE_GROUP = {
    "normal": lambda rng, n: 100 + 5 * rng.standard_normal(n),
    "skewed": lambda rng, n: rng.lognormal(0, 1, n),
    "tail": lambda rng, n: rng.standard_normal(n) + rng.exponential(3, n),
}


@pytest.mark.parametrize("shape", ONE_GROUP)
@pytest.mark.parametrize("n", [20, 50, 200])
def test_one_group_is_refused(n, shape):
    rng = np.random.default_rng(n)
    refused = 0
    for _ in range(300):
        with contextlib.suppress(ExperimentError):
            gate(ONE_GROUP[shape](rng, n), REPORTER)
            continue
        refused += 1
    assert refused >= 291


def test_equal_cells_are_one_group():
    with pytest.raises(ExperimentError, match="found one"):
        gate(np.zeros(20), REPORTER)


def test_minimum_without_a_channel():
    with pytest.raises(ExperimentError, match=r"gate: minimum has no effect without"):
        Gate.parse({"minimum": 5.0}, where="gate")
