from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zincflux.segment import Segment, by_time
from zincflux.segment.by_time import CoarseMovie, split_by_time
from zincflux.segment.courses import compare

DIAMETER = 24.0
SIZE = 96
Y, X = np.mgrid[:SIZE, :SIZE]
TIME = np.linspace(0, 1, 40)
RISING = 1 + 9 * np.clip((TIME - 0.3) / 0.2, 0, 1)
FLAT = np.where(TIME < 0.8, 1.0, 10.0)
LEFT = np.hypot(Y - 48, X - 38) < 12
RIGHT = (np.hypot(Y - 48, X - 58) < 12) & ~LEFT
BOTH = np.where(LEFT | RIGHT, 1, 0).astype(np.int32)


def movie(parts, *, noise=3.0, background=100.0, seed=0, drift=0.0):
    """Frames (T, Y, X): each part is a mask or texture, and its course."""
    rng = np.random.default_rng(seed)
    frames = np.full((len(TIME), SIZE, SIZE), float(background))
    frames *= (1 + drift * TIME)[:, None, None]
    for texture, course in parts:
        frames += course[:, None, None] * texture
    return frames + noise * rng.standard_normal(frames.shape)


def split(labels, frames, diameter=DIAMETER):
    coarse = CoarseMovie(diameter)
    for frame in frames:
        coarse.update(frame)
    return split_by_time(labels, coarse.result(), diameter)


def iou(one, two):
    return (one & two).sum() / (one | two).sum()


def test_two_cells_that_answer_differently_are_two():
    labels, n_split = split(BOTH, movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)]))
    assert n_split == 1
    assert sorted(np.unique(labels)) == [0, 1, 2]
    np.testing.assert_array_equal(labels > 0, BOTH > 0)
    assert max(iou(labels == 1, LEFT), iou(labels == 2, LEFT)) > 0.85
    assert max(iou(labels == 1, RIGHT), iou(labels == 2, RIGHT)) > 0.85


def test_the_larger_part_keeps_the_number():
    labels, _ = split(BOTH, movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)]))
    assert (labels == 1).sum() >= (labels == 2).sum()


def test_brightness_of_the_two_does_not_matter():
    labels, n_split = split(BOTH, movie([(10.0 * LEFT, RISING), (100.0 * RIGHT, FLAT)]))
    assert n_split == 1
    assert max(iou(labels == 1, LEFT), iou(labels == 2, LEFT)) > 0.8


def test_two_cells_that_answer_alike_stay_together():
    labels, n_split = split(BOTH, movie([(20.0 * LEFT, RISING), (60.0 * RIGHT, RISING)]))
    assert n_split == 0
    np.testing.assert_array_equal(labels, BOTH)


@pytest.mark.parametrize("seed", range(5))
def test_gradients_texture_and_noise_do_not_split(seed):
    rng = np.random.default_rng(seed)
    cell = np.hypot(Y - 48, X - 48) < 16
    texture = cell * (5 + 40 * (X - 30) / 36) * rng.uniform(0.5, 1.5, cell.shape)
    frames = movie([(np.maximum(texture, 0), RISING)], noise=10, drift=0.5, seed=seed)
    assert split(cell.astype(np.int32), frames)[1] == 0


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_does_not_split(seed):
    assert split(BOTH, movie([(1.0 * (BOTH > 0), FLAT)], noise=30, seed=seed))[1] == 0


def test_a_nucleus_that_answers_differently_is_no_cell():
    cell, nucleus = np.hypot(Y - 48, X - 48) < 16, np.hypot(Y - 48, X - 48) < 9
    frames = movie([(20.0 * (cell & ~nucleus), RISING), (20.0 * nucleus, FLAT)])
    assert split(cell.astype(np.int32), frames)[1] == 0


def test_a_small_part_is_no_cell():
    cell = np.hypot(Y - 48, X - 48) < 15
    corner = cell & (X > 58)
    assert corner.sum() < 0.3 * np.pi / 4 * DIAMETER**2
    frames = movie([(20.0 * (cell & ~corner), RISING), (20.0 * corner, FLAT)])
    assert split(cell.astype(np.int32), frames)[1] == 0


def test_typical_area_is_that_of_the_movie_where_there_are_enough_cells():
    """Among much larger cells the two parts are too small."""
    labels = BOTH.copy()
    large = [np.hypot(Y - cy, X - cx) < 14 for cy in (14, 82) for cx in (14, 48, 82)]
    for number, cell in enumerate((*large, (X < 4) & (Y > 20) & (Y < 70)), start=2):
        labels[cell & (labels == 0)] = number
    frames = movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)])
    assert split(labels, frames)[1] == 1
    bigger = np.kron(labels, np.ones((1, 1), int)).astype(np.int32)
    bigger[(labels == 1) & (np.abs(X - 48) > 8)] = 0
    assert split(bigger, frames)[1] == 0


@settings(max_examples=10)
@given(st.floats(0.01, 100))
def test_gain_does_not_matter(gain):
    frames = movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)])
    expected = split(BOTH, frames)
    found = split(BOTH, gain * frames)
    assert found[1] == expected[1] == 1
    assert (found[0] != expected[0]).mean() < 1e-3


def test_order_of_frames_does_not_matter():
    frames = movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)])
    one, other = split(BOTH, frames)[0], split(BOTH, frames[::-1])[0]
    assert iou(one == 1, other == 1) > 0.98 or iou(one == 1, other == 2) > 0.98


def test_without_any_noise():
    frames = movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)], noise=0)
    assert split(BOTH, frames)[1] == 1
    assert split(BOTH, movie([(20.0 * (BOTH > 0), RISING)], noise=0))[1] == 0


@pytest.mark.parametrize("labels", [np.zeros_like(BOTH), BOTH])
def test_no_cells_or_too_few_frames(labels):
    frames = movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)])[:7]
    found, n_split = split(labels, frames)
    np.testing.assert_array_equal(found, labels)
    assert n_split == 0


def test_dark_outlines_stay():
    assert split(BOTH, movie([(-20.0 * (BOTH > 0), RISING)], noise=1))[1] == 0


def test_where_cells_cover_everything_the_darkest_is_the_background():
    labels = np.where(X < 48, 1, 2).astype(np.int32)
    halves = movie([(20.0 * (Y < 48), RISING), (20.0 * (Y >= 48), FLAT)], background=0)
    assert split(labels, halves, 60.0)[1] == 2


def test_missing_pixels_are_no_difference():
    frames = movie([(20.0 * LEFT, RISING), (20.0 * RIGHT, FLAT)])
    frames[3, :5, :5] = np.nan
    frames[5] = np.nan
    assert split(BOTH, frames)[1] == 1


def test_memory_is_bounded():
    coarse = CoarseMovie(24.0)
    assert coarse.most_frames((512, 512)) == by_time.MOST_FRAMES
    assert CoarseMovie(3.0).most_frames((2048, 2048)) == by_time.FEWEST_FRAMES
    assert coarse.result().shape == (0, 0, 0)


def test_no_light_cannot_be_compared():
    assert compare(np.zeros((10, 20)), np.zeros((20, 2))) is None
    light = np.random.default_rng(0).normal(0, 1, (10, 20))
    light[:, :10] -= 2
    light[:, 10:] += 2.2
    assert compare(light, np.zeros((20, 2))) is None


def test_own_labels_are_never_split():
    assert Segment().splits_by_traces
    assert not Segment(split_by_traces=False).splits_by_traces
    assert not Segment(method="labels", labels="cells.tif").splits_by_traces
    with pytest.raises(ValueError, match='split_by_traces has no effect with method = "labels"'):
        Segment(method="labels", labels="cells.tif", split_by_traces=False)
