"""Equations against published and worked numbers, and their invariances."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux import response
from zincflux.response import (
    Constants,
    SignalSd,
    apparent_k,
    bound_fraction,
    buffering_capacity,
    free_from_total,
    half_saturation,
    k_without_beta,
    log_zinc_sd,
    occupancy,
    saturation,
    saturation_from_zinc,
    signal_from_zinc,
    zinc_from_saturation,
    zinc_from_signal,
    zinc_range,
)

ZAPCV2 = {"k_nM": 5.3, "hill": 0.29}
"""K and n of Lo et al., eLife 2020;9:e51107."""

hills = st.floats(0.2, 3.0)
betas = st.floats(0.05, 20.0)
fractions = st.floats(0.01, 0.99)


def test_examples_in_docstrings():
    assert doctest.testmod(response).failed == 0


class TestPublishedAnchors:
    def test_levels_of_three_media(self):
        zinc = zinc_from_saturation([0.076783, 0.228624, 0.281664], **ZAPCV2) * 1000
        np.testing.assert_allclose(zinc, [1.00, 80.0, 210.0], rtol=1e-3)

    @pytest.mark.parametrize(
        ("band", "expected_pM"),
        [
            (1.55, [0.909, 18.75, 122.0, 1023.8, 22440]),
            (1.45, [1.933, 43.61, 318.3, 3412, 185612]),
            (1.65, [0.489, 9.52, 57.7, 420, 6112]),
        ],
    )
    def test_ratios_of_the_sensor_script(self, band, expected_pM):
        zinc = zinc_from_signal([4.3, 4.5, 4.7, 5.0, 5.5], 4.13, 4.13 * band, **ZAPCV2) * 1000
        np.testing.assert_allclose(zinc, expected_pM, rtol=1.2e-3)

    def test_saturation_is_not_taken_for_the_odds(self):
        ratio = np.array([4.3, 4.5, 4.7, 5.0, 5.5])
        wrong = np.array([0.695, 10.15, 45.1, 193.7, 927.0])
        fraction = saturation(ratio, 4.13, 6.4015)
        np.testing.assert_allclose(5300 * fraction ** (1 / 0.29), wrong, rtol=2e-3)
        zinc = zinc_from_signal(ratio, 4.13, 6.4015, **ZAPCV2) * 1000
        assert np.all(zinc / wrong > 1.3)
        assert zinc[-1] / wrong[-1] > 24


class TestWorkedNumbers:
    @pytest.mark.parametrize(
        ("k_nM", "expected"),
        [
            (15, [0.7895, 1.6667, 15.0, 135]),
            (8.9, [0.4684, 0.9889, 8.9, 80.1]),
            (9.1, [0.4789, 1.0111, 9.1, 81.9]),
        ],
    )
    def test_single_wavelength(self, k_nM, expected):
        zinc = zinc_from_signal([150, 200, 600, 1000], 100, 1100, k_nM)
        np.testing.assert_allclose(zinc, expected, atol=5e-5)

    def test_near_the_maximum(self):
        assert zinc_from_signal(1090, 100, 1100, 15) == pytest.approx(1485)

    @pytest.mark.parametrize("signal", [50, 100, 1100, 2000, np.nan, np.inf, -np.inf])
    def test_outside_the_range_is_nan(self, signal):
        assert np.isnan(zinc_from_signal(signal, 100, 1100, 15))

    @pytest.mark.parametrize("signal", [1100, 2000, 100, 50])
    def test_outside_the_range_of_a_turn_off_sensor_is_nan(self, signal):
        assert np.isnan(zinc_from_signal(signal, 1100, 100, 15))

    def test_equal_ends_give_nan(self):
        assert np.isnan(zinc_from_signal([99, 100, 101], 100, 100, 15)).all()
        assert np.isnan(saturation([99, 100, 101], 100, 100)).all()

    def test_ratio_with_beta(self):
        assert zinc_from_signal(1.2, 0.4, 6, 3, beta=5) == pytest.approx(2.5)

    def test_choice_of_constants(self):
        fraction = 0.296385 / 1.296385
        assert zinc_from_saturation(fraction, **ZAPCV2) * 1000 == pytest.approx(80, rel=1e-3)
        other = zinc_from_saturation(fraction, 2.3, hill=0.53) * 1000
        assert other == pytest.approx(231.9, rel=1e-3)

    def test_usable_range(self):
        for hill, low, high in [(1, 0.111, 9), (0.53, 0.0158, 63), (0.29, 0.00051, 1952)]:
            ends = zinc_range(1.0, hill)
            np.testing.assert_allclose(ends, [low, high], rtol=1e-2)

    def test_uncertainty_of_a_ratio(self):
        sd = SignalSd(signal=0.02, minimum=0.02, maximum=0.05)
        values = (4.6492, 4.13, 6.4015)
        assert zinc_from_signal(*values, **ZAPCV2) * 1000 == pytest.approx(79.9, abs=0.1)
        measured = log_zinc_sd(*values, sd, Constants(hill=0.29))
        assert measured == pytest.approx(0.239, abs=5e-4)
        whole = log_zinc_sd(*values, sd, Constants(hill=0.29, k_relative_sd=0.1, hill_sd=0.02))
        assert whole == pytest.approx(0.388, abs=5e-4)

    def test_uncertainty_of_an_intensity(self):
        sd = SignalSd(signal=10, minimum=5, maximum=20)
        found = log_zinc_sd(600, 100, 1100, sd, Constants(k_relative_sd=2 / 15))
        assert found == pytest.approx(0.145, abs=5e-4)
        assert np.isnan(log_zinc_sd([100, 1100, 1200], 100, 1100, sd)).all()

    def test_steepness_at_low_hill(self):
        for zinc_pM, expected in [(80, 19.6), (1, 48.6)]:
            fraction = saturation_from_zinc(zinc_pM / 1000, **ZAPCV2)
            found = log_zinc_sd(fraction, 0, 1, SignalSd(signal=1.0), Constants(hill=0.29))
            assert found == pytest.approx(expected, abs=0.05)

    def test_tight_binding(self):
        total = np.array([5, 10, 15, 20, 30, 50, 100])
        expected = [0.15287, 0.27924, 0.38197, 0.46482, 0.58579, 0.72302, 0.85323]
        np.testing.assert_allclose(bound_fraction(total, 15, 15), expected, atol=5e-6)
        naive = saturation_from_zinc(total, 15)
        np.testing.assert_allclose(naive, [0.25, 0.4, 0.5, 0.571, 0.667, 0.769, 0.870], atol=5e-4)

    def test_buffering_capacity(self):
        found = buffering_capacity([0.1, 1, 15, 100], 100_000, 15)
        np.testing.assert_allclose(found, [6579, 5859, 1667, 113], atol=0.5)

    @pytest.mark.parametrize(
        ("dye_uM", "expected_nM"), [(0, 1000.1), (1, 118.8), (10, 1.79), (100, 0.254)]
    )
    def test_dye_that_is_the_only_buffer(self, dye_uM, expected_nM):
        dye = dye_uM * 1000.0
        total = 0.1 + dye * saturation_from_zinc(0.1, 15) + 1000
        assert free_from_total(total, dye, 15) == pytest.approx(expected_nM, rel=3e-3)

    def test_mean_of_converted_is_not_converted_mean(self):
        fraction = np.array([0.15, 0.20, 0.2286, 0.26, 0.30])
        zinc = zinc_from_saturation(fraction, **ZAPCV2) * 1000
        np.testing.assert_allclose(zinc, [13.4, 44.5, 80.0, 143.8, 285.4], rtol=5e-3)
        assert zinc.mean() == pytest.approx(113.4, rel=2e-3)
        assert np.exp(np.log(zinc).mean()) == pytest.approx(72.1, rel=2e-3)
        assert zinc_from_saturation(fraction.mean(), **ZAPCV2) * 1000 == pytest.approx(
            78.6, rel=2e-3
        )


class TestConversions:
    def test_half_saturation_of_the_other_hill_convention(self):
        hill, k = 0.53, 2.3
        zinc = np.array([0.1, 2.3, 40])
        other = zinc**hill / (k**hill + zinc**hill)
        np.testing.assert_allclose(
            saturation_from_zinc(zinc, half_saturation(k**hill, hill), hill), other
        )

    @given(k=st.floats(0.001, 1e4), beta=betas, hill=hills)
    def test_apparent_k_and_back(self, k, beta, hill):
        assert k_without_beta(apparent_k(k, beta, hill), beta, hill) == pytest.approx(k)

    def test_occupancy_is_saturation_only_without_beta(self):
        assert occupancy(0.3, 1) == pytest.approx(0.3)
        assert occupancy(0.5, 5) == pytest.approx(5 / 6)
        np.testing.assert_array_equal(occupancy([-0.1, 0, 1, 1.1], 5), [np.nan, 0, 1, np.nan])

    @given(fraction=fractions, beta=betas, hill=hills)
    def test_occupancy_follows_the_hill_equation(self, fraction, beta, hill):
        zinc = zinc_from_saturation(fraction, 7.0, hill, beta)
        assert occupancy(fraction, beta) == pytest.approx(saturation_from_zinc(zinc, 7.0, hill))


class TestForward:
    def test_ends_are_reached_without_warnings(self):
        found = signal_from_zinc([0, np.inf, -1, np.nan], 100, 1100, 15, 0.3)
        np.testing.assert_array_equal(found, [100, 1100, np.nan, np.nan])
        assert signal_from_zinc(1e-300, 100, 1100, 1e300, 3) == pytest.approx(100)

    @given(
        fraction=fractions,
        hill=hills,
        beta=betas,
        k=st.floats(1e-4, 1e5),
        minimum=st.floats(0.1, 1e4),
        factor=st.floats(1.05, 1e3),
        turn_off=st.booleans(),
    )
    def test_inverse_undoes_forward(self, fraction, hill, beta, k, minimum, factor, turn_off):
        ends = (minimum * factor, minimum) if turn_off else (minimum, minimum * factor)
        zinc = zinc_from_saturation(fraction, k, hill, beta)
        signal = signal_from_zinc(zinc, *ends, k, hill, beta)
        assert zinc_from_signal(signal, *ends, k, hill, beta) == pytest.approx(zinc, rel=1e-6)


class TestInvariances:
    ends = (4.13, 6.4015)

    @given(gain=st.floats(1e-3, 1e3), fraction=fractions)
    def test_gain(self, gain, fraction):
        minimum, maximum = self.ends
        signal = minimum + fraction * (maximum - minimum)
        scaled = zinc_from_signal(gain * signal, gain * minimum, gain * maximum, **ZAPCV2)
        assert scaled == pytest.approx(zinc_from_signal(signal, *self.ends, **ZAPCV2), rel=1e-9)

    @given(offset=st.floats(-100, 100), fraction=fractions)
    def test_constant_offset(self, offset, fraction):
        minimum, maximum = self.ends
        signal = minimum + fraction * (maximum - minimum)
        moved = zinc_from_signal(signal + offset, minimum + offset, maximum + offset, **ZAPCV2)
        assert moved == pytest.approx(zinc_from_signal(signal, *self.ends, **ZAPCV2), rel=1e-7)

    def test_donor_bleed_adds_the_same_to_all_ratios(self):
        bleed = 0.35
        with_bleed = zinc_from_signal(4.5, *self.ends, **ZAPCV2)
        without = zinc_from_signal(4.5 - bleed, 4.13 - bleed, 6.4015 - bleed, **ZAPCV2)
        assert with_bleed * 1000 == pytest.approx(18.746, abs=5e-4)
        assert without == pytest.approx(with_bleed)
        assert (6.4015 - bleed) / (4.13 - bleed) == pytest.approx(1.60, abs=5e-3)

    @given(beta=betas, hill=hills, fraction=fractions)
    def test_beta_is_absorbed_in_the_apparent_k(self, beta, hill, fraction):
        with_beta = zinc_from_saturation(fraction, 3.0, hill, beta)
        absorbed = zinc_from_saturation(fraction, apparent_k(3.0, beta, hill), hill)
        assert absorbed == pytest.approx(with_beta)

    def test_bleaching_between_maximum_and_signal_is_not_invariant(self):
        for bleach, expected in [(0.01, 14.64), (0.05, 13.30), (0.10, 11.79)]:
            found = zinc_from_signal(600 * (1 - bleach), 100, 1100, 15)
            assert found == pytest.approx(expected, abs=5e-3)


@given(
    hill=st.floats(0.2, 3),
    beta=betas,
    fraction=st.floats(0.05, 0.95),
    covariance=st.floats(-0.4, 0.4),
)
def test_error_propagation_agrees_with_derivatives(hill, beta, fraction, covariance):
    """Each term against a central difference of ln Z, covariances included."""
    k, minimum, maximum = 3.0, 2.0, 7.0
    signal = minimum + fraction * (maximum - minimum)
    steps = np.array([1e-5] * 6)
    sds = np.array([0.02, 0.03, 0.05, 0.1, 0.02, 0.15])
    start = np.array([signal, minimum, maximum, np.log(k), hill, np.log(beta)])

    def log_zinc(x):
        return np.log(zinc_from_signal(x[0], x[1], x[2], np.exp(x[3]), x[4], np.exp(x[5])))

    slopes = np.array(
        [
            (log_zinc(start + s * e) - log_zinc(start - s * e)) / (2 * s)
            for s, e in zip(steps, np.eye(6), strict=True)
        ]
    )
    matrix = np.diag(sds**2)
    matrix[3, 4] = matrix[4, 3] = covariance * sds[3] * sds[4]
    matrix[5, 4] = matrix[4, 5] = covariance * sds[5] * sds[4]
    constants = Constants(
        hill=hill,
        beta=beta,
        k_relative_sd=sds[3],
        hill_sd=sds[4],
        beta_relative_sd=sds[5],
        covariance_ln_k_hill=matrix[3, 4],
        covariance_ln_beta_hill=matrix[5, 4],
    )
    found = log_zinc_sd(signal, minimum, maximum, SignalSd(*sds[:3]), constants)
    assert found == pytest.approx(np.sqrt(slopes @ matrix @ slopes), rel=1e-4)
