import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.pipeline.zinc import noise_inflation


def traces(scatter: float, n: int = 200, frames: int = 100) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.linspace(100, 300, frames) + scatter * rng.standard_normal((n, frames))


@pytest.mark.parametrize("factor", [1.0, 2.0, 5.0])
def test_inflation_is_the_ratio_of_scatter_to_prediction(factor: float) -> None:
    signal = traces(factor)
    found = noise_inflation(signal, np.ones_like(signal))
    assert np.median(found) == pytest.approx(factor, rel=0.06)


def test_predicted_noise_is_never_made_smaller() -> None:
    signal = traces(0.1)
    assert (noise_inflation(signal, np.ones_like(signal)) == 1.0).all()


def test_a_step_is_no_noise() -> None:
    signal = traces(1.0)
    signal[:, 50:] += 1000
    assert np.median(noise_inflation(signal, np.ones_like(signal))) == pytest.approx(1.0, abs=0.1)


@given(st.integers(1, 9))
def test_too_few_frames_tell_nothing(frames: int) -> None:
    signal = traces(5.0, n=3, frames=frames)
    assert (noise_inflation(signal, np.ones_like(signal)) == 1.0).all()


def test_a_cell_that_was_hardly_seen_keeps_the_prediction() -> None:
    signal = traces(5.0, n=2)
    signal[0, 3:] = np.nan
    found = noise_inflation(signal, np.ones_like(signal))
    assert found[0] == 1.0
    assert found[1] > 3.0


def test_jumps_between_phases_are_no_noise():
    rng = np.random.default_rng(6)
    level = np.repeat([100.0, 400.0, 50.0, 900.0], 7)
    signal = level + rng.standard_normal((400, level.size))
    found = noise_inflation(signal, np.ones_like(signal))
    assert np.median(found) < 1.12
