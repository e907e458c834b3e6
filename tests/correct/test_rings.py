import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import expand_labels

from zincflux.correct.rings import ring_background, ring_labels


def cells():
    labels = np.zeros((80, 90), dtype=np.int32)
    labels[10:20, 10:20], labels[12:22, 26:36], labels[60:70, 70:85] = 5, 2, 9
    return labels


def test_rings_are_where_skimage_expands_and_exclude_all_cells():
    labels = cells()
    rings = ring_labels(labels, 2, 6)
    distance = distance_transform_edt(labels == 0)
    expected = np.where(distance > 2, expand_labels(labels, 6), 0)
    np.testing.assert_array_equal(rings > 0, expected > 0)
    assert (rings[distance <= 2] == 0).all()
    assert np.mean(rings != expected) < 0.002  # half way between two cells either may win
    assert rings.dtype == np.int32
    assert not ring_labels(np.zeros((5, 5), dtype=np.int32), 1, 2).any()


def test_ring_distances_are_checked():
    with pytest.raises(ValueError, match="0 <= inner_px < outer_px, found 3, 2"):
        ring_labels(cells(), 3, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64])
def test_medians_equal_those_of_each_ring(dtype):
    rings = ring_labels(cells(), 1, 5)
    frame = np.random.default_rng(0).normal(90, 9, (2, 80, 90)).astype(dtype)
    found = ring_background(frame, rings, np.array([2, 9, 5]))
    expected = [[np.median(channel[rings == i]) for i in (2, 9, 5)] for channel in frame]
    tolerance = 0.5 if np.issubdtype(dtype, np.integer) else 0
    np.testing.assert_allclose(found, expected, atol=tolerance, rtol=1e-6)


def test_whole_counts_do_not_round_the_median():
    rng = np.random.default_rng(1)
    rings = np.ones((200, 200), dtype=np.int32)
    for level in (100.0, 100.3, 100.5, 100.8):
        frame = np.rint(rng.normal(level, 2, (1, 200, 200))).astype(np.uint16)
        assert ring_background(frame, rings, np.array([1]))[0, 0] == pytest.approx(level, abs=0.05)


def test_small_missing_and_nan_rings_fall_back():
    rings = ring_labels(cells(), 1, 5)
    frame = np.full((2, 80, 90), 7.0)
    frame[1][rings == 2] = np.nan
    ids = np.array([2, 5, 77])
    found = ring_background(frame, rings, ids, fallback=[1.0, 2.0])
    np.testing.assert_array_equal(found, [[7, 7, 1], [2, 7, 2]])
    assert np.isnan(ring_background(frame, rings, ids, min_pixels=10**6)).all()
    assert ring_background(frame, np.zeros_like(rings), ids).shape == (2, 3)
    assert ring_background(np.ones((2, 80, 90), int), rings, np.array([], int)).shape == (2, 0)


def test_constant_whole_counts_give_that_count():
    frame = np.full((1, 80, 90), 12, dtype=np.uint16)
    assert ring_background(frame, ring_labels(cells(), 1, 5), np.array([5]))[0, 0] == 12
