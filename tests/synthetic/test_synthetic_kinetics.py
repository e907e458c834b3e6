from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.phases import check_inside
from zincflux.synthetic import Simulation
from zincflux.synthetic.kinetics import Kinetics, emission, protocol, signal, zinc


def draw(settings, n=200, seed=0):
    return Kinetics.draw(settings, n, np.random.default_rng(seed))


def course(settings, kinetics, time_s):
    return zinc(kinetics, protocol(settings), np.asarray(time_s, dtype=float), settings)


def test_intensity_follows_the_hill_equation():
    # F at Z = K/2, K and 9 K for Fmin 1, Fmax 11 and n = 1, by hand.
    settings = Simulation(k_nM=15, dynamic_range=11)
    light = emission(np.array([0.0, 7.5, 15.0, 135.0]), settings)
    np.testing.assert_allclose(light, [[1, 1 + 10 / 3, 6, 10]])


@given(
    st.floats(0.2, 4), st.floats(0.3, 5), st.floats(1.1, 8), st.floats(0.2, 4), st.floats(1e-3, 1e3)
)
def test_fret_ratio_has_the_apparent_k_whatever_beta_is(hill, k_nM, span, beta, zinc_nM):
    settings = Simulation(kind="fret", hill=hill, k_nM=k_nM, dynamic_range=span, beta=beta)
    ratio = signal(np.array([zinc_nM]), settings)[0]
    fraction = 1 / (1 + (k_nM / zinc_nM) ** hill)
    low = settings.ratio_minimum
    assert ratio == pytest.approx(low * (1 + (span - 1) * fraction), rel=1e-9)


def test_beta_is_the_brightness_of_free_over_bound_donor():
    settings = Simulation(kind="fret", beta=1.6)
    cfp, _ = emission(np.array([0.0, 1e9]), settings)
    assert cfp[0] / cfp[1] == pytest.approx(1.6)


def test_phases_tile_the_movie():
    settings = Simulation(n_frames=40, frame_interval_s=5)
    phases = protocol(settings)
    assert [phase.role for phase in phases] == ["baseline", "response", "minimum", "maximum"]
    assert [phase.end_s for phase in phases] == [30, 110, 150, 200]
    assert [phase.start_s for phase in phases] == [0, 30, 110, 150]


@given(st.integers(1, 12), st.integers(0, 3))
def test_every_phase_of_a_short_movie_holds_a_frame(n_frames, left_out):
    shares = [0.2, 0.3, 0.2, 0.3]
    shares[left_out] = 0
    settings = Simulation(n_frames=n_frames, phase_shares=shares)
    time_s = np.arange(n_frames) * settings.frame_interval_s
    phases = protocol(settings)
    check_inside(phases, time_s)
    assert phases[-1].end_s == n_frames * settings.frame_interval_s


def test_zinc_goes_through_its_levels():
    settings = Simulation()
    cells = draw(settings)
    ends = [phase.end_s for phase in protocol(settings)]
    rest, uptake, chelated, saturated = course(settings, cells, np.asarray(ends) - 1e-6)
    np.testing.assert_allclose(rest, cells.rest_nM)
    assert np.median(uptake / cells.plateau_nM) > 0.95
    assert chelated.max() < 0.02 * settings.k_nM
    assert saturated.min() > 100 * settings.k_nM


def test_nothing_is_instant():
    settings = Simulation()
    time_s = np.arange(0, 600, 0.5)
    light = signal(course(settings, draw(settings), time_s), settings)
    assert np.abs(np.diff(light, axis=0)).max() < 0.1 * settings.dynamic_range


def test_initial_rate_is_the_derivative_at_the_onset():
    settings = Simulation()
    cells = draw(settings)
    onset = protocol(settings)[1].start_s + cells.delay_s
    step = 1e-4
    after = course(settings, cells, onset + step).diagonal()
    np.testing.assert_allclose(
        (after - cells.rest_nM) / step, cells.initial_rate_nM_per_s, rtol=1e-4
    )


def test_zinc_is_continuous_where_phases_meet():
    settings = Simulation(mixing_delay_s=0)
    cells = draw(settings)
    for phase in protocol(settings)[1:]:
        before, after = course(settings, cells, [phase.start_s - 1e-7, phase.start_s])
        np.testing.assert_allclose(before, after, rtol=1e-5)


def test_silent_cells_stay_at_rest():
    cells = draw(Simulation(responding_fraction=0.25), n=2000)
    silent = cells.initial_rate_nM_per_s == 0
    assert silent.mean() == pytest.approx(0.75, abs=0.04)
    np.testing.assert_array_equal(cells.plateau_nM[silent], cells.rest_nM[silent])
