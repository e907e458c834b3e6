import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from zincflux.correct.bleaching import (
    Bleaching,
    correct_bleaching,
    fit_bleaching,
    reference_bleaching,
)
from zincflux.correct.bleaching_phases import bleaching_groups, check_bleaching_phases
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.phases import Phase

TIME = np.arange(0.0, 200.0, 2.0)
REST = Phase(name="rest", role="baseline", start_s=0, end_s=60)
ZINC = Phase(name="zinc", role="response", start_s=60, end_s=140)
TPEN = Phase(name="TPEN", role="minimum", start_s=140)
PHASES = (REST, ZINC, TPEN)
EXPONENTIAL = Bleaching(method="exponential", phases=("rest", "TPEN"))


def groups():
    return bleaching_groups(check_bleaching_phases(EXPONENTIAL, PHASES), TIME)


def trace(rate=0.002, noise=0.0, seed=0):
    level = np.select([TIME < 60, TIME < 140], [500, 2500], 90)
    signal = level * np.exp(-rate * TIME)
    return signal + np.random.default_rng(seed).normal(0, 1, TIME.size) * noise * np.sqrt(signal)


def test_one_rate_is_found_across_phases_of_different_level():
    fit = fit_bleaching(TIME, trace(), groups())
    assert fit.rate_per_s == pytest.approx(0.002, rel=1e-6)
    assert fit.factor[0] == 1
    np.testing.assert_allclose(fit.factor, np.exp(-0.002 * TIME), rtol=1e-6)
    assert fit.applied
    assert fit.residual < 1e-6


def test_a_response_has_no_say():
    other = trace()
    other[groups() == -1] = 1e6
    assert fit_bleaching(TIME, other, groups()).rate_per_s == pytest.approx(0.002, rel=1e-6)


def test_agrees_with_curve_fit():
    signal = trace(noise=0.3)
    used = groups() >= 0
    member = groups()[used]

    def model(t, first, second, rate):
        return np.where(member == 0, first, second) * np.exp(-rate * t)

    theirs, covariance = curve_fit(
        model, TIME[used], signal[used], p0=(500, 90, 0.001), sigma=np.sqrt(signal[used])
    )
    fit = fit_bleaching(TIME, signal, groups())
    assert fit.rate_per_s == pytest.approx(theirs[2], abs=0.5 * np.sqrt(covariance[2, 2]))
    assert fit.rate_se == pytest.approx(np.sqrt(covariance[2, 2]), rel=0.4)


def test_the_standard_error_covers_the_truth():
    fits = [fit_bleaching(TIME, trace(0.004, 0.3, seed), groups()) for seed in range(150)]
    within = [abs(f.rate_per_s - 0.004) < 2 * f.rate_se for f in fits]
    assert 0.88 <= np.mean(within) <= 1.0
    assert np.mean([f.rate_per_s for f in fits]) == pytest.approx(0.004, rel=0.02)


def test_a_defocused_frame_counts_little_and_nan_not_at_all():
    signal = trace(noise=0.1)
    signal[25] *= 0.3
    signal[3] = np.nan
    assert fit_bleaching(TIME, signal, groups()).rate_per_s == pytest.approx(0.002, rel=0.1)


@settings(deadline=None, max_examples=25)
@given(st.floats(-1000, 1000), st.floats(0.01, 1000))
def test_time_may_start_anywhere_and_gain_does_not_matter(start_s, gain):
    signal = trace(noise=0.2)
    fit = fit_bleaching(TIME, signal, groups())
    other = fit_bleaching(TIME + start_s, gain * signal, groups())
    np.testing.assert_allclose(other.factor, fit.factor, rtol=1e-6)
    assert other.rate_se == pytest.approx(fit.rate_se, rel=1e-4)


def test_a_rise_is_refused_with_a_warning():
    with pytest.warns(CorrectionWarning, match="the signal does not fall"):
        fit = fit_bleaching(TIME, trace(-0.001), groups())
    assert not fit.applied
    assert fit.rate_per_s == pytest.approx(-0.001, rel=1e-3)
    np.testing.assert_array_equal(fit.factor, 1)


def test_an_uncertain_rate_is_used_with_a_warning():
    for seed in range(20):
        signal = trace(1e-5, 2.0, seed)
        with pytest.warns(CorrectionWarning) as caught:
            fit = fit_bleaching(TIME, signal, groups())
        if "two standard errors" in str(caught[0].message):
            assert fit.applied
            assert fit.factor[-1] < 1
            return
    pytest.fail("no seed gave a small positive rate")


def test_no_signal_is_refused_with_a_warning():
    with pytest.warns(CorrectionWarning, match="not above background"):
        fit = fit_bleaching(TIME, np.full(TIME.size, -1.0), groups())
    assert not fit.applied
    assert np.isnan(fit.rate_per_s)


@pytest.mark.parametrize("n", [0, 3])
def test_too_few_frames_are_an_error(n):
    few = np.full(TIME.size, -1)
    few[:n] = 0
    with pytest.raises(
        ExperimentError, match=rf"bleaching\.phases: expected at least 4.*found {n}"
    ):
        fit_bleaching(TIME, trace(), few)


def test_a_phase_without_signal_is_an_error():
    signal = trace()
    signal[TIME >= 140] = np.nan
    with pytest.raises(ExperimentError, match=r"bleaching\.phases: .*found 0"):
        fit_bleaching(TIME, signal, groups())


def test_phases_are_chosen_by_name_or_role():
    assert check_bleaching_phases(Bleaching(), PHASES) == ()
    assert check_bleaching_phases(EXPONENTIAL, PHASES) == (REST, TPEN)
    assert check_bleaching_phases(Bleaching(method="exponential"), PHASES) == (REST,)
    np.testing.assert_array_equal(np.unique(groups()), [-1, 0, 1])


@pytest.mark.parametrize(
    ("names", "phases", "message"),
    [
        (("zinc",), PHASES, "'zinc' has the role response"),
        (("Rest",), PHASES, "found 'Rest'. Did you mean 'rest'"),
        (("xyz",), PHASES, r"found 'xyz'\.$"),
        ((), (ZINC,), "found none with the role baseline"),
    ],
)
def test_phases_that_do_not_fit_are_refused(names, phases, message):
    settings = Bleaching(method="exponential", phases=names)
    with pytest.raises(ExperimentError, match=f"bleaching.phases: .*{message}"):
        check_bleaching_phases(settings, phases)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"phases": ["rest"]}, 'bleaching.phases is used only with method = "exponential"'),
        ({"method": "exponential", "roi": [0, 0, 1, 1]}, "bleaching.roi is used only"),
        ({"method": "reference"}, "needs bleaching.roi"),
        ({"method": "reference", "roi": [3, 0, 1, 1]}, "bleaching.roi: expected"),
    ],
)
def test_keys_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ExperimentError, match=message):
        Bleaching.parse(keys, where="test")


def test_a_reference_is_smoothed_and_starts_at_one():
    truth = 0.6 * np.exp(-0.01 * TIME) + 0.4
    rng = np.random.default_rng(0)
    signal = 300 * truth * (1 + rng.normal(0, 0.02, TIME.size))
    signal[40], signal[50] = np.nan, 5000
    fit = reference_bleaching(signal)
    assert fit.factor[0] == 1
    np.testing.assert_allclose(fit.factor, truth, rtol=0.04)
    assert fit.applied
    short = reference_bleaching([10.0, 9.0, 8.0])
    np.testing.assert_allclose(short.factor, [1, 0.9, 0.8])


def test_a_useless_reference_is_refused_with_a_warning():
    with pytest.warns(CorrectionWarning, match="not above background throughout"):
        assert not reference_bleaching(np.linspace(5, -5, 50)).applied
    with pytest.warns(CorrectionWarning, match="never in view"):
        fit = reference_bleaching(np.full(9, np.nan))
    np.testing.assert_array_equal(fit.factor, np.ones(9))


def test_correcting_undoes_bleaching_and_broadcasts():
    cells = np.array([[100.0], [30.0]]) * np.ones(TIME.size)
    factor = np.exp(-0.002 * TIME)[None]
    np.testing.assert_allclose(correct_bleaching(cells * factor, factor), cells)
    np.testing.assert_allclose(correct_bleaching(cells, 0.5), 2 * cells)
    with pytest.raises(ValueError, match="factor: expected one number or as many axes"):
        correct_bleaching(cells, factor[0])
