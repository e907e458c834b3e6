"""The filters against the plain ones of SciPy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from zincflux.segment import filters, levels
from zincflux.segment.basins import fill_basins, flood
from zincflux.segment.contrast import measure_contrast
from zincflux.segment.fragments import cut

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 140))
SEEDS = st.integers(0, 2**32 - 1)
quick = settings(max_examples=30, deadline=None)


def picture(shape, seed, digits=9):
    """Noise; of few digits there are many equal pixels."""
    return np.random.default_rng(seed).normal(size=shape).round(digits)


@given(shape=SHAPES, seed=SEEDS, sd=st.floats(0.5, 8), order=st.sampled_from([(0, 0), (2, 0)]))
@quick
def test_gaussian(shape, seed, sd, order):
    image = picture(shape, seed)
    expected = ndimage.gaussian_filter(image, sd, order, mode="nearest", truncate=3)
    np.testing.assert_array_equal(filters.gaussian(image, sd, 3, order), expected)


@pytest.mark.parametrize("n_columns", [512, 1024])
def test_gaussian_of_columns_a_power_of_two_apart(n_columns):
    image = picture((30, n_columns), 1)
    expected = ndimage.gaussian_filter(image, 2.0, mode="nearest")
    np.testing.assert_array_equal(filters.gaussian(image, 2.0), expected)


@given(shape=SHAPES, seed=SEEDS, sd=st.floats(0.5, 8))
@quick
def test_laplacian(shape, seed, sd):
    image = picture(shape, seed)
    expected = ndimage.gaussian_laplace(image, sd, mode="reflect", truncate=3)
    np.testing.assert_array_equal(filters.laplacian(image, sd, "reflect"), expected)


@given(shape=SHAPES, seed=SEEDS, sds=st.lists(st.floats(0.5, 14), min_size=1, max_size=3))
@quick
def test_laplacians_of_several_sizes(shape, seed, sds):
    image = 1000 * picture(shape, seed)
    for sd, found in zip(sds, filters.laplacians(image, sds), strict=True):
        expected = ndimage.gaussian_laplace(image, sd, mode="nearest", truncate=3)
        np.testing.assert_allclose(found, expected, atol=1e-10)


@given(shape=SHAPES, seed=SEEDS, sd=st.floats(0.5, 8))
@example(shape=(200, 30), seed=3, sd=2.0)
@quick
def test_gaussian_of_single_precision(shape, seed, sd):
    image = picture(shape, seed)
    expected = ndimage.gaussian_filter(image, sd, mode="nearest", truncate=3)
    found = filters.gaussian_float32(image, sd, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    mirrored = filters.gaussian_float32(image[::-1, ::-1], sd, 3)
    np.testing.assert_array_equal(mirrored, found[::-1, ::-1])


def test_bright_pixels_do_not_spoil_single_precision_elsewhere():
    image = picture((60, 60), 4)
    image[0, 0] = 1e9
    expected = ndimage.gaussian_filter(image, 1.5, mode="nearest", truncate=3)
    found = filters.gaussian_float32(image, 1.5, 3)
    np.testing.assert_allclose(found[10:, 10:], expected[10:, 10:], atol=2e-6)


@given(shape=SHAPES, seed=SEEDS, percent=st.integers(0, 99), half=st.integers(0, 7))
@quick
def test_low_rank(shape, seed, percent, half):
    image = picture(shape, seed, digits=1)
    window = 2 * half + 1
    expected = ndimage.percentile_filter(image, percent, size=window, mode="reflect")
    np.testing.assert_array_equal(filters.low_rank(image, percent, window), expected)


@given(shape=SHAPES, seed=SEEDS, n_pixels=st.integers(1, 6))
@quick
def test_grown_and_opened(shape, seed, n_pixels):
    mask = picture(shape, seed) > 0
    expected = ndimage.binary_dilation(mask, iterations=n_pixels)
    np.testing.assert_array_equal(filters.grown(mask, n_pixels), expected)
    np.testing.assert_array_equal(filters.opened(~expected), ndimage.binary_opening(~expected))
    np.testing.assert_array_equal(filters.opened(expected), ndimage.binary_opening(expected))


def test_enlarged_planes_stay_planes():
    y, x = np.mgrid[:4, :6]
    large = filters.enlarge(3.0 * y + x, (20, 30))
    np.testing.assert_allclose(large[5:15:5, 3], large[5, 3] + [0, 3])
    np.testing.assert_allclose(np.diff(large[9, 3:27]), 0.2)
    assert large[0, 0] == 0
    assert large[-1, -1] == 14
    np.testing.assert_array_equal(filters.enlarge(np.full((1, 1), 7.0), (3, 2)), 7)
    np.testing.assert_array_equal(filters.enlarge(large, (20, 30)), large)


@given(n=st.integers(1, 20000), seed=SEEDS, digits=st.integers(0, 9))
@quick
def test_median(n, seed, digits):
    values = picture((n,), seed, digits)
    assert levels.median(values) == np.median(values)


def test_median_of_what_a_sample_misses():
    """Every fourth value is high: a sample of these says nothing of the others."""
    values = np.where(np.arange(8192) % 4 == 0, 1000.0, np.arange(8192.0))
    assert levels.median(values) == np.median(values)


def test_robust_sd_of_normal_numbers():
    values = np.random.default_rng(0).normal(3, 2, 200_000)
    values[:1000] = 1e6
    assert levels.robust_sd(values) == pytest.approx(2, rel=0.02)


@given(n=st.integers(2, 5000), seed=SEEDS, scale=st.sampled_from([1e-6, 1.0, 1e9]))
@quick
def test_otsu(n, seed, scale):
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(0, 1, n), rng.normal(7, 2, n // 2)]) * scale
    span = np.ptp(values)
    assert abs(levels.otsu(values) - threshold_otsu(values)) <= span / 200


def test_otsu_of_tiny_and_huge_values():
    values = picture((999,), 5)
    for scale in (1e-290, 1e290):
        assert levels.otsu(scale * values) / scale == pytest.approx(levels.otsu(values))


def test_otsu_of_equal_values():
    assert levels.otsu(np.full(5, 3.0)) == 3


def rebuilt(height):
    flood = np.full(height.shape, height.max())
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        flood[edge] = height[edge]
    return reconstruction(flood, height, method="erosion")


@given(shape=SHAPES, seed=SEEDS, digits=st.sampled_from([0, 1, 9]), sd=st.sampled_from([0, 2]))
@settings(max_examples=60, deadline=None)
def test_filled_basins(shape, seed, digits, sd):
    height = ndimage.gaussian_filter(picture(shape, seed), sd)
    height = (height / max(np.abs(height).max(), 1e-9) * 5).round(digits)
    np.testing.assert_array_equal(fill_basins(height), rebuilt(height))


def test_nested_basins_fill_to_the_lowest_way_out():
    height = np.full((9, 9), 1.0)
    height[1:8, 1:8] = 9.0
    height[1, 4] = 6.0
    height[2:7, 2:7] = 3.0
    height[3:6, 3:6] = 7.0
    height[4, 4] = 0.0
    filled = fill_basins(height)
    assert filled[4, 4] == 7
    assert filled[2, 2] == 6
    assert filled[0, 0] == 1


def seeded(shape, seed, sd, cover):
    """Heights, seeds at every minimum over eight neighbours, and where the flood may go."""
    rng = np.random.default_rng(seed)
    height = ndimage.gaussian_filter(rng.normal(size=shape), sd)
    mask = ndimage.gaussian_filter(rng.normal(size=shape), 2) < cover
    inner = np.where(mask, height, height.max() + 1)
    seeds = ndimage.label(local_maxima(-inner, connectivity=2) & mask, np.ones((3, 3)))[0]
    return inner, seeds, mask


@given(
    shape=st.tuples(st.integers(2, 60), st.integers(2, 60)),
    seed=SEEDS,
    sd=st.sampled_from([0, 0.5, 1, 2]),
    cover=st.sampled_from([-0.05, 0.0, 0.1, 1.0]),
)
@settings(max_examples=100, deadline=None)
def test_flood(shape, seed, sd, cover):
    height, seeds, mask = seeded(shape, seed, sd, cover)
    found = flood(height, seeds, mask)
    if found is not None:
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, watershed(height, seeds, mask=mask))
    else:
        assert mask.all()
        assert not seeds.any()


def test_a_flood_over_plateaus_is_left_to_others():
    height, seeds, mask = seeded((30, 30), 1, 2, 1.0)
    assert flood(height, seeds, mask) is not None
    assert flood(height.round(1), seeds, mask) is None
    assert flood(height, np.zeros_like(seeds), mask) is None


def test_bumps_on_plateaus_are_cut_all_the_same():
    bumps = np.zeros((20, 30))
    bumps[4:16, 4:26] = 1.0
    bumps[8:12, 6:10] = bumps[8:12, 20:24] = 2.0
    mask = bumps > 0
    labels = cut(bumps, mask)
    np.testing.assert_array_equal(labels > 0, mask)
    assert labels[10, 7] != labels[10, 22]


@pytest.mark.parametrize("full", [np.full((9, 9), np.nan), np.zeros((9, 9)), np.zeros((0, 4))])
def test_no_contrast_in_nothing(full):
    assert measure_contrast(full, 12) is None


def test_an_image_whose_pixels_are_left_as_they_were():
    image = picture((40, 40), 6) + 100
    copy = image.copy()
    found = measure_contrast(image, 12)
    np.testing.assert_array_equal(image, copy)
    assert found.full_value().shape == image.shape
    assert found.full_value().dtype == np.float32
