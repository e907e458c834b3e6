"""The blank dish: level, unevenness and change, without the photon noise of its tiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.correct.blank import BlankLevel, BlankTiles
from zincflux.errors import ExperimentError

TILE = 8


def measure(frames) -> BlankLevel:
    tiles = BlankTiles(TILE)
    for frame in frames:
        tiles.update(np.asarray(frame))
    return tiles.result()


def field(seed, n_frames=12, *, uneven=3.0, change=2.0, noise=10.0, size=192, level=100.0):
    """Frames (T, 1, Y, X) with one unevenness per tile and one change per frame."""
    rng = np.random.default_rng(seed)
    across = size // TILE
    place = np.kron(rng.normal(0, uneven, (across, across)), np.ones((TILE, TILE)))
    moment = rng.normal(0, change, (n_frames, 1, 1, 1))
    return level + place + moment + rng.normal(0, noise, (n_frames, 1, size, size))


def test_level_unevenness_and_change_are_told_apart():
    found = measure(field(1))
    assert found.level[0] == pytest.approx(100, abs=3 * 2 / 12**0.5)
    assert found.uneven_sd[0] == pytest.approx(3, rel=0.1)
    assert found.change_sd[0] == pytest.approx(2, rel=0.5)
    assert found.level_se[0] == pytest.approx(found.change_sd[0] / 12**0.5, rel=0.05)
    assert (found.n_frames, found.n_tiles) == (12, 24 * 24)


@pytest.mark.parametrize("n_frames", [1, 2, 12])
def test_photon_noise_is_no_unevenness(n_frames):
    found = [measure(field(seed, n_frames, uneven=0, change=0)).uneven_sd[0] for seed in range(10)]
    # Of one frame, the noise of a tile's mean alone is 10 / 8.
    assert np.median(found) < 0.35


def test_unevenness_of_one_frame():
    found = measure(field(2, 1))
    assert found.uneven_sd[0] == pytest.approx(3, rel=0.12)
    assert np.isnan(found.change_sd[0])
    assert found.level_se[0] == pytest.approx(10 / 192, rel=0.2)


def test_variances_are_unbiased():
    found = [measure(field(seed, 4, noise=20.0, size=64)) for seed in range(100, 200)]
    for part, true in (("uneven_sd", 9.0), ("change_sd", 4.0)):
        squares = np.array([getattr(one, part)[0] ** 2 for one in found])
        assert squares.mean() == pytest.approx(true, abs=3 * squares.std() / 10)


def test_dirt_is_left_out():
    frames = field(3)
    frames[:, :, 40:60, 40:60] += 500
    clean, dirty = measure(field(3)), measure(frames)
    assert dirty.level[0] == pytest.approx(clean.level[0], abs=0.05)
    assert dirty.uneven_sd[0] == pytest.approx(clean.uneven_sd[0], rel=0.05)
    assert dirty.n_tiles < clean.n_tiles


def test_pixels_that_are_no_numbers_cost_their_tile():
    frames = field(3)
    frames[2, 0, 5, 5] = np.nan
    found = measure(frames)
    assert found.n_tiles == 24 * 24 - 1
    assert np.isfinite(found.level).all()


def test_each_channel_has_its_own_numbers():
    frames = np.concatenate([field(1), field(2, uneven=0, change=0, level=200)], axis=1)
    found = measure(frames)
    assert found.level == pytest.approx([100, 200], abs=2)
    assert found.uneven_sd[0] > 5 * found.uneven_sd[1]


@given(st.floats(-50, 1000), st.floats(0.1, 20))
def test_offset_and_gain_pass_through(offset, gain):
    frames = field(5, 3, size=48)
    one, other = measure(frames), measure(offset + gain * frames)
    assert other.level == pytest.approx(offset + gain * one.level)
    for part in ("level_se", "uneven_sd", "change_sd"):
        assert getattr(other, part) == pytest.approx(gain * getattr(one, part), rel=1e-6, abs=1e-9)


def test_an_even_field_of_whole_counts():
    found = measure(np.full((3, 1, 24, 24), 100, dtype=np.uint16))
    assert (found.level[0], found.uneven_sd[0], found.change_sd[0]) == (100, 0, 0)


def test_a_small_field_is_cut_finer():
    tiles = BlankTiles(100)
    tiles.update(np.random.default_rng(0).normal(100, 1, (1, 20, 30)))
    assert tiles.result().n_tiles == 3 * 5


def test_a_field_too_small_is_refused():
    with pytest.raises(ExperimentError, match=r"background\.blank: expected a field of at least"):
        BlankTiles(4).update(np.ones((1, 5, 50)))


@pytest.mark.parametrize("n_frames", [1, 3])
@pytest.mark.parametrize("finite", [0, 1, 2])
def test_a_field_with_too_few_numbers_is_refused(n_frames, finite):
    frames = np.full((n_frames, 1, 48, 48), np.nan)
    frames[..., :TILE, : finite * TILE] = 100.0
    message = rf"background\.blank: expected counts in at least 3 parts.* found {finite} of 36"
    with pytest.raises(ExperimentError, match=message):
        measure(frames)
