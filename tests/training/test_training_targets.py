"""What the network is to say, the crops it is shown, and cells made of its words again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from zincflux.segment.learned.basins import basins, doubtful
from zincflux.segment.learned.scaling import Scaled, levelled, places_in, resized
from zincflux.training.crops import Batches, Kind, degraded, sampled
from zincflux.training.pictures import Picture
from zincflux.training.scores import overlap
from zincflux.training.targets import depth_in_cells, example, sizes, weights
from zincflux.training.whole_cells import field_of_whole_cells


def f1(one, other):
    iou = overlap(one, other)
    return 2 * (iou > 0.5).sum() / sum(iou.shape)


@pytest.fixture(scope="module")
def cells():
    return [example(Picture(str(seed), *field_of_whole_cells(seed, 160))) for seed in (1, 2)]


def test_depth_of_a_disc():
    """u = (R² − r²)/4 in a disc, so the depth is √(1 − r²/R²)."""
    y, x = np.mgrid[:81, :81] - 40.0
    r = np.hypot(y, x)
    depth = depth_in_cells((r < 30.5).astype(np.int32))
    inside = r < 27
    assert np.allclose(depth[inside], np.sqrt(1 - (r[inside] / 30.5) ** 2), atol=0.03)
    assert not depth[r > 31].any()


def test_depth_of_a_strip_that_the_frame_cuts_is_level_along_it():
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[10:20] = 3
    depth = depth_in_cells(labels)
    assert np.allclose(depth, depth[:, :1], atol=0.01)
    assert depth.max() == pytest.approx(1)


def test_depth_of_nothing_and_of_everything():
    assert not depth_in_cells(np.zeros((9, 8), np.int32)).any()
    assert depth_in_cells(np.ones((9, 8), np.int32)).min() > 0.99


def test_sizes_and_weights():
    labels = np.zeros((50, 50), dtype=np.int32)
    labels[:20, :20], labels[30:34, 30:34] = 1, 2
    assert sizes(labels)[0, 0] == pytest.approx(np.log2(20 * np.sqrt(4 / np.pi) / 20), abs=1e-3)
    assert sizes(labels)[40, 40] == 0
    assert weights(labels)[31, 31] > weights(labels)[5, 5]
    assert (weights(0 * labels) == 1).all()


@given(st.integers(0, 4))
@settings(max_examples=5, deadline=None)
def test_cells_made_of_their_depth_are_the_cells_again(seed):
    _, labels = field_of_whole_cells(seed, side=96)
    depth = depth_in_cells(labels)
    assert f1(labels, basins(depth, labels > 0, 0.85)) > 0.9


def test_a_low_pass_parts_and_a_high_one_does_not():
    depth = np.array([[0.5, 1.0, 0.7, 0.9, 0.5]], dtype=np.float32)
    assert basins(depth, depth > 0, 0.85).tolist() == [[1, 1, 1, 2, 2]]
    assert basins(depth, depth > 0, 0.75).tolist() == [[1, 1, 1, 1, 1]]


def test_ids_are_in_the_order_of_first_pixels():
    rng = np.random.default_rng(0)
    depth = ndimage.gaussian_filter(rng.random((60, 70)), 2).astype(np.float32)
    found = basins(depth, depth > 0.45, 0.95)
    _, first = np.unique(found[found > 0], return_index=True)
    assert found.max() > 5
    assert (np.diff(first) > 0).all()


def test_doubtful_objects():
    labels = np.array([[1, 1, 0, 2, 2, 0, 3, 3]] * 3, dtype=np.int32)
    inside = np.where(labels == 2, 0.6, 0.9).astype(np.float32)
    depth = np.where(labels == 3, 0.2, 0.9).astype(np.float32)
    assert doubtful(labels, inside, depth, 0.7, 0.3)[1:].tolist() == [False, True, True]


side = st.integers(5, 60)


@given(side, side, side, side)
@settings(max_examples=30, deadline=None)
def test_resizing_keeps_a_level_and_the_mean_of_whole_boxes(a, b, c, d):
    assert np.allclose(resized(np.full((a, b), 3.0), (c, d)), 3, atol=1e-4)
    image = np.random.default_rng(0).random((2 * a, 3 * b))
    boxes = image.reshape(a, 2, b, 3).mean(axis=(1, 3))
    assert np.allclose(resized(image, (a, b)), boxes, atol=1e-4)


@given(side, side)
def test_pixels_share_their_line_evenly(n_new, n_old):
    places = places_in(n_new, n_old)
    assert places[0] + places[-1] == pytest.approx(n_old - 1)
    assert np.allclose(np.diff(places), n_old / n_new)


@pytest.mark.parametrize("diameter_px", [9.0, 20.0, 33.0])
def test_a_window_is_a_part_of_the_whole(diameter_px):
    image = np.random.default_rng(0).random((70, 90)).astype(np.float32)
    scaled = Scaled.of(image, diameter_px)
    whole = scaled.level((slice(None), slice(None)))
    assert whole.shape == scaled.shape
    window = slice(3, 21), slice(11, 30)
    np.testing.assert_array_equal(scaled.level(window), whole[window])


def test_nothing_to_scale():
    assert Scaled.of(np.zeros((0, 5), np.float32), 20) is None
    assert Scaled.of(np.full((9, 5), 3.0, np.float32), 20) is None


def test_a_level_of_few_bright_pixels():
    image = np.zeros((100, 100), np.float32)
    image[0, 0] = 5
    assert levelled(image).max() == 1


def test_an_example_is_made_of_the_picture_at_the_common_size(cells):
    image, labels = field_of_whole_cells(1, 160)
    one = cells[0]
    assert one.shape[0] == 5
    assert one.dtype == np.float16
    assert np.isin(one[1], [0, 1]).all()
    assert one[1].mean() == pytest.approx((labels > 0).mean(), abs=0.03)
    zoom = one.shape[1] / 160
    assert zoom == pytest.approx(20 / Picture("x", image, labels).diameter_px, rel=0.02)


def test_a_crop_without_turning_is_a_cut():
    rng = np.random.default_rng(0)
    whole = rng.random((5, 60, 70)).astype(np.float16)
    crop = sampled(whole, 16, np.array([30.0, 40.0]), np.eye(2))
    np.testing.assert_allclose(crop, whole[:, 22:38, 32:48], atol=1e-3)


def test_beyond_the_edge_the_picture_is_mirrored():
    whole = np.arange(5 * 20 * 20, dtype=np.float16).reshape(5, 20, 20) / 100
    crop = sampled(whole, 16, np.array([4.0, 10.0]), np.eye(2))
    np.testing.assert_allclose(crop[:, :4], crop[:, 7:3:-1], atol=1e-3)


def test_a_crop_that_is_turned_shows_the_same_cells(cells):
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    middle = np.array(cells[0].shape[1:]) / 2
    plain = sampled(cells[0], 32, middle, np.eye(2))
    turned = sampled(cells[0], 32, middle, turn)
    np.testing.assert_allclose(np.rot90(turned, -1, axes=(1, 2)), plain, atol=2e-2)


def test_a_batch_depends_on_seed_and_step_alone(cells):
    batches = Batches([Kind(3, cells[:1]), Kind(1, cells[1:])], seed=7, side=32)
    inputs, targets = batches.make(5, 4)
    batches.make(6, 2)
    again = Batches([Kind(3, cells[:1]), Kind(1, cells[1:])], seed=7, side=32).make(5, 4)
    np.testing.assert_array_equal(inputs, again[0])
    np.testing.assert_array_equal(targets, again[1])
    assert not np.array_equal(inputs, batches.make(6, 4)[0])
    assert inputs.shape == (4, 2, 32, 32)
    assert targets.shape == (4, 4, 32, 32)
    assert inputs.dtype == targets.dtype == np.float32
    assert ((targets[:, 0] >= 0) & (targets[:, 0] <= 1)).all()


def test_some_crops_show_nothing(cells, monkeypatch):
    monkeypatch.setattr("zincflux.training.crops.BLANK_SHARE", 1.0)
    inputs, targets = Batches([Kind(1, cells)], seed=7, side=32).make(0, 3)
    assert not targets[:, :3].any()
    assert (targets[:, 3] == 1).all()
    assert inputs.std() > 0


def test_larger_pictures_are_drawn_more_often(cells):
    large = np.zeros((5, 300, 300), np.float16)
    odds = Kind(1, [*cells, large]).odds()
    assert odds.sum() == pytest.approx(1)
    assert odds[2] > odds[0]


@pytest.mark.slow
@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_worse_pictures_stay_pictures(seed):
    level = field_of_whole_cells(3, 64)[0]
    level = levelled(level)
    worse = degraded(level, np.random.default_rng(seed))
    assert worse.shape == level.shape
    assert worse.dtype == np.float32
    assert np.isfinite(worse).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_simulated_cells_are_whole_and_brighter_than_what_is_around(seed):
    image, labels = field_of_whole_cells(seed, 200)
    again = field_of_whole_cells(seed, 200)
    np.testing.assert_array_equal(image, again[0])
    np.testing.assert_array_equal(labels, again[1])
    ids = np.unique(labels[labels > 0])
    assert ids.size > 3
    assert all(ndimage.label(labels == cell)[1] == 1 for cell in ids)
    if (labels == 0).mean() > 0.05:
        assert image[labels > 0].mean() > image[labels == 0].mean()
