import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.morphology import dilation

from zincflux.correct.cell_free import cell_free, percentile_background, sample_pixels
from zincflux.correct.level import neighbour_noise, robust_sd
from zincflux.errors import CorrectionWarning

SHAPE = (256, 256)
EVERYWHERE = sample_pixels(np.ones(SHAPE, dtype=bool))


def standard_error(sd, percentile, n):
    """Of a corrected percentile: the quantile's own, and Φ⁻¹ times that of the noise."""
    p = percentile / 100
    from scipy.stats import norm

    z = norm.ppf(p)
    return sd * np.sqrt(p * (1 - p) / norm.pdf(z) ** 2 / n + z**2 / n)


@pytest.mark.parametrize("percentile", [5, 10, 25, 50])
@pytest.mark.parametrize("kind", ["gaussian", "poisson", "camera"])
def test_the_percentile_of_noise_is_corrected_to_its_mean(percentile, kind):
    errors = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        frame, sd = {
            "gaussian": lambda rng=rng: (rng.normal(100, 7, SHAPE), 7.0),
            "poisson": lambda rng=rng: (rng.poisson(100, SHAPE), 10.0),
            "camera": lambda rng=rng: (
                np.rint(rng.normal(100, 0.8, SHAPE)).astype(np.uint16),
                0.85,
            ),
        }[kind]()
        found = percentile_background(frame[None], EVERYWHERE, percentile)
        errors.append(float(found.level[0] - 100))
        assert found.noise_sd[0] == pytest.approx(sd, rel=0.03)
    expected = standard_error(sd, percentile, 256 * 256)
    assert abs(np.mean(errors)) < expected
    assert np.std(errors) < 2 * expected


@settings(deadline=None, max_examples=15)
@given(st.floats(0.1, 50), st.floats(-1000, 1000), st.integers(5, 50))
def test_gain_and_offset_pass_through(gain, offset, percentile):
    frame = np.random.default_rng(0).normal(50, 3, (1, *SHAPE))
    level = percentile_background(frame, EVERYWHERE, percentile).level
    other = percentile_background(gain * frame + offset, EVERYWHERE, percentile).level
    np.testing.assert_allclose(other, gain * level + offset, rtol=1e-9, atol=1e-6)


def test_cells_debris_and_gradients_do_not_count_as_noise():
    rng = np.random.default_rng(1)
    labels = np.zeros(SHAPE, dtype=np.int32)
    labels[60:200, 60:200] = 1
    frame = rng.normal(100, 4, SHAPE)
    frame[50:210, 50:210] += 500
    frame[::40, ::30] += 3000
    pixels = sample_pixels(cell_free(labels, 12))
    found = percentile_background(frame[None], pixels, 25)
    assert found.level[0] == pytest.approx(100, abs=0.3)
    assert found.noise_sd[0] == pytest.approx(4, rel=0.1)
    tilted = frame + np.linspace(0, 40, 256)
    assert percentile_background(tilted[None], pixels).noise_sd[0] == pytest.approx(4, rel=0.1)


def test_channels_do_not_mix_and_nan_is_left_out():
    frame = np.random.default_rng(2).normal([[[10]], [[20]], [[30]]], 1, (3, *SHAPE))
    frame[1, ::7] = np.nan
    frame[2] = np.nan
    found = percentile_background(frame, EVERYWHERE)
    np.testing.assert_allclose(found.level[:2], [10, 20], atol=0.05)
    assert np.isnan(found.level[2])
    assert np.isnan(found.noise_sd[2])


def test_a_handful_of_finite_pixels_still_gives_a_level():
    frame = np.full((1, *SHAPE), np.nan)
    frame[0, 0, :10] = 5.0
    pixels = np.arange(frame.size)
    assert percentile_background(frame, pixels).level[0] == 5
    frame[0, 0, 1:] = np.nan
    found = percentile_background(frame, pixels)
    assert found.level[0] == 5
    assert np.isnan(found.noise_sd[0])


@pytest.mark.parametrize("n_free", [0, 150, 400])
def test_no_cell_free_area_warns_and_takes_the_darkest_of_the_frame(n_free):
    rng = np.random.default_rng(3)
    frame = rng.normal(500, 5, (1, *SHAPE))
    frame[:, 128:140] = rng.normal(100, 5, (1, 12, 256))
    with pytest.warns(CorrectionWarning, match=r"darkest percentile \(1 %\) of the whole frame"):
        found = percentile_background(frame, np.arange(n_free))
    assert found.level[0] == pytest.approx(100, abs=3)


def test_blank_frame_has_its_own_level_and_no_noise():
    found = percentile_background(np.full((1, *SHAPE), 7, dtype=np.uint16), EVERYWHERE)
    assert found.level[0] == pytest.approx(7, abs=0.01)
    assert found.noise_sd[0] == 0


@pytest.mark.parametrize("margin", [0, 1, 2.5, 4])
def test_cell_free_leaves_a_margin(margin):
    labels = np.zeros((40, 50), dtype=np.int32)
    labels[10:15, 20:30], labels[0, 0] = 3, 4
    reach = 2 * int(np.ceil(margin)) + 1
    expected = dilation(labels, np.ones((reach, reach))) == 0
    np.testing.assert_array_equal(cell_free(labels, margin), expected)


def test_cell_free_refuses_a_negative_margin():
    with pytest.raises(ValueError, match="margin_px: expected 0 or more"):
        cell_free(np.zeros((4, 4), dtype=np.int32), -1)


def test_samples_are_few_spread_free_of_cells_and_always_the_same():
    mask = np.ones((1000, 1000), dtype=bool)
    mask[300:700, 300:700] = False
    pixels = sample_pixels(mask, 8192)
    assert 7000 < pixels.size <= 8192
    assert mask.ravel()[pixels].all()
    assert (np.diff(pixels) > 0).all()
    quarters = np.histogram2d(*np.divmod(pixels, 1000), bins=4)[0]
    assert quarters.ravel()[[0, 3, 12, 15]].min() > 400
    np.testing.assert_array_equal(pixels, sample_pixels(mask, 8192))


def test_narrow_gaps_are_sampled_pixel_by_pixel():
    mask = np.zeros((300, 300), dtype=bool)
    mask[:, ::10] = True
    pixels = sample_pixels(mask)
    assert pixels.size > 0.9 * mask.sum()
    assert mask.ravel()[pixels].all()


def test_robust_sd():
    values = np.random.default_rng(4).normal(0, 2, 20000)
    values[:1000] = 500
    assert robust_sd(values) == pytest.approx(2, rel=0.08)
    assert np.isnan(robust_sd(np.zeros(0)))
    assert np.isnan(neighbour_noise(np.zeros((3, 1))))
