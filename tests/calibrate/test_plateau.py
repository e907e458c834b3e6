"""Plateaus of simulated phases: bias, standard error, and phases without one."""

import numpy as np
import pytest

from zincflux.calibrate.plateau import Stretch, highest, settled

N = 600


def stretch(level, noise, *, interval_s=5.0, seed=1, correlation=0.0):
    """N noisy copies of a course of levels."""
    rng = np.random.default_rng(seed)
    level = np.asarray(level, dtype=float)
    steps = rng.normal(0, 1, (N, len(level) + 30))
    errors = np.zeros_like(steps)
    for t in range(1, steps.shape[1]):
        errors[:, t] = correlation * errors[:, t - 1] + np.sqrt(1 - correlation**2) * steps[:, t]
    signal = level + noise * errors[:, 30:]
    return Stretch(
        time_s=np.arange(len(level)) * interval_s,
        signal=signal,
        signal_sd=np.full(signal.shape, np.nan),
        usable=np.ones(signal.shape, dtype=bool),
    )


def approach(frames=24, tau_frames=4.0):
    return np.exp(-np.arange(frames) / tau_frames)


def coverage(plateau, truth):
    found = plateau.problem == ""
    return np.mean(np.abs(plateau.level[found] - truth) < 1.96 * plateau.sd[found])


HARMLESS = np.full(N, 0.01)


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.03, 0.1])
class TestFlatPhase:
    def test_minimum_is_the_mean(self, noise):
        found = settled(stretch(np.zeros(24), noise), 5, HARMLESS)
        assert np.mean(found.problem == "") > 0.98
        assert abs(found.level.mean()) < 3 * noise / np.sqrt(24 * N)
        assert 0.93 < coverage(found, 0) < 0.98

    @pytest.mark.parametrize("falls", [False, True])
    def test_maximum_is_not_the_noisiest_frame(self, noise, falls):
        phase = stretch(np.ones(24), noise)
        found = highest(phase, 5, HARMLESS, falls=falls)
        ok = found.problem == ""
        assert ok.mean() > 0.97
        naive = phase.signal.min(axis=1) if falls else phase.signal.max(axis=1)
        bias = abs(found.level[ok].mean() - 1)
        assert bias < 0.06 * noise
        assert bias < abs(naive.mean() - 1) / 20
        assert 0.92 < coverage(found, 1) < 0.98


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.03])
@pytest.mark.parametrize("tau_frames", [2.0, 4.0])
class TestApproach:
    def test_minimum_under_a_slow_chelator(self, noise, tau_frames):
        phase = stretch(approach(tau_frames=tau_frames), noise)
        found = settled(phase, 5, HARMLESS)
        ok = found.problem == ""
        assert ok.mean() > 0.95
        assert abs(found.level[ok].mean()) < 0.2 * noise + 0.001
        assert coverage(found, 0) > 0.91
        assert found.frames[ok].sum(axis=1).mean() < 20

    def test_maximum_of_a_slow_rise(self, noise, tau_frames):
        phase = stretch(1 - approach(tau_frames=tau_frames), noise)
        found = highest(phase, 5, HARMLESS, falls=False)
        ok = found.problem == ""
        assert ok.mean() > 0.95
        assert abs(found.level[ok].mean() - 1) < 0.2 * noise + 0.001
        assert coverage(found, 1) > 0.91


def test_decline_after_the_maximum_is_cut():
    """Dye leaks out of dying cells."""
    level = np.concatenate([1 - approach(15, 2.0), np.linspace(1, 0.5, 10)])
    found = highest(stretch(level, 0.01), 5, HARMLESS, falls=False)
    ok = found.problem == ""
    assert ok.mean() > 0.9
    assert found.level[ok].mean() == pytest.approx(1, abs=0.04)
    assert found.frames[ok][:, 22:].sum() == 0


def test_rise_without_end_is_no_plateau():
    found = settled(stretch(np.linspace(0, 1, 24), 0.01), 5, HARMLESS)
    assert np.all(found.problem == "no plateau")
    assert np.isnan(found.level).all()
    assert not found.frames.any()


def test_approach_that_has_not_ended_is_no_plateau():
    found = settled(stretch(approach(24, 30.0), 0.005), 5, HARMLESS)
    assert np.mean(found.problem == "no plateau") > 0.99


def test_harmless_drift_is_a_plateau():
    phase = stretch(np.linspace(0, 0.008, 24), 0.0002)
    found = settled(phase, 5, HARMLESS)
    assert np.all(found.problem == "")
    assert coverage(found, 0.004) > 0.95
    assert found.sd.mean() > 0.002, "the drift is part of the error"


def test_autocorrelation_widens_the_error():
    found = settled(stretch(np.zeros(60), 0.03, correlation=0.5), 5, HARMLESS)
    assert 0.9 < coverage(found, 0) < 0.98
    assert found.sd.mean() > 1.5 * 0.03 / np.sqrt(60)


def test_photon_noise_bounds_the_error_from_below():
    phase = stretch(np.zeros(24), 0.0001)
    phase.signal_sd[:] = 0.1
    found = settled(phase, 5, HARMLESS)
    np.testing.assert_allclose(found.sd, 0.1 / np.sqrt(24))


def test_signal_without_any_noise():
    phase = stretch(np.full(12, 7.0), 0.0)
    for found in (settled(phase, 5, HARMLESS), highest(phase, 5, HARMLESS, falls=False)):
        np.testing.assert_array_equal(found.level, 7)
        np.testing.assert_allclose(found.sd, 0, atol=1e-12)


def test_frames_that_are_not_usable_do_not_count():
    phase = stretch(np.zeros(12), 0.01)
    phase.signal[:, 3:6] = 50
    phase.signal[:, 8] = np.nan
    found = settled(phase.only(np.abs(phase.signal) < 1), 5, HARMLESS)
    assert abs(found.level[found.problem == ""].mean()) < 0.001
    assert not found.frames[:, [3, 4, 5, 8]].any()


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_too_few_frames(frames):
    phase = stretch(np.zeros(frames), 0.01)
    for found in (settled(phase, 5, HARMLESS), highest(phase, 5, HARMLESS, falls=False)):
        assert np.all(found.problem == "too few usable frames")


def test_no_usable_frame_and_no_cell():
    phase = stretch(np.zeros(12), 0.01).only(np.zeros((N, 12), dtype=bool))
    for found in (settled(phase, 5, HARMLESS), highest(phase, 5, HARMLESS, falls=False)):
        assert np.all(found.problem == "too few usable frames")
    nobody = Stretch(np.arange(9.0), np.zeros((0, 9)), np.zeros((0, 9)), np.zeros((0, 9), bool))
    assert len(highest(nobody, 5, np.zeros(0), falls=False).level) == 0
