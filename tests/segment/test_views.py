from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from zincflux.segment import Otsu, Segment
from zincflux.segment.views import KINDS, WINDOW, Views, best_view, cells_seen

CENTRES = ((16, 16), (16, 48), (48, 20), (46, 50))
DIAMETER = 12.0


def discs(levels, size=64, noise=1.0, seed=0):
    """One disc per level on a field of 100 counts, and where each is."""
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size), 100.0)
    labels = np.zeros((size, size), dtype=np.int32)
    for number, ((cy, cx), level) in enumerate(zip(CENTRES, levels, strict=False), start=1):
        inside = np.hypot(y - cy, x - cx) < DIAMETER / 2
        image[inside] += level
        labels[inside] = number
    return image + noise * np.random.default_rng(seed).standard_normal(image.shape), labels


def find(image):
    return Otsu(diameter_um=DIAMETER)(image, 1.0)


def test_each_view_is_that_of_its_frames():
    frames = np.random.default_rng(1).normal(100, 5, (6, 4, 5))
    views = Views((*KINDS, "phase:rest", "phase:zinc", "phase:none"))
    for frame, phase in zip(frames, ("rest", "rest", "", "zinc", "zinc", "zinc"), strict=True):
        views.update(frame, phase)
    seen = views.result()
    assert set(seen) == {*KINDS, "phase:rest", "phase:zinc"}
    np.testing.assert_allclose(seen["mean"], frames.mean(axis=0))
    np.testing.assert_allclose(seen["max"], frames.max(axis=0))
    np.testing.assert_allclose(seen["sd"], frames.std(axis=0))
    np.testing.assert_allclose(seen["phase:rest"], frames[:2].mean(axis=0))
    np.testing.assert_allclose(seen["phase:zinc"], frames[3:].mean(axis=0))


@given(st.permutations(range(5)))
def test_the_order_of_frames_does_not_matter(order):
    frames = np.random.default_rng(2).normal(100, 5, (5, 3, 4))
    one, other = Views(KINDS), Views(KINDS)
    for t in range(5):
        one.update(frames[t])
        other.update(frames[order[t]])
    for name, view in one.result().items():
        np.testing.assert_allclose(other.result()[name], view, rtol=1e-9)


@given(st.floats(0.01, 1e4), st.floats(-1e3, 1e4))
def test_cells_seen_do_not_depend_on_gain_and_offset(gain, offset):
    image, labels = discs((5, 10, 20, 40))
    scaled = cells_seen(gain * image + offset, labels, DIAMETER)
    assert scaled == pytest.approx(cells_seen(image, labels, DIAMETER), rel=1e-6)


def test_a_cell_counts_by_how_clear_it_is():
    """Difference d between disc and rim, both of pixel variance 1: d²/(d² + 2)."""
    sharp, labels = discs((10,) * 4)
    faint, _ = discs((1,) * 4)
    assert cells_seen(sharp, labels, DIAMETER) == pytest.approx(4 * 100 / 102, rel=0.01)
    assert cells_seen(faint, labels, DIAMETER) == pytest.approx(4 * 1 / 3, rel=0.35)


def test_nothing_is_seen_in_nothing():
    image, labels = discs((10,))
    assert cells_seen(image, np.zeros_like(labels), DIAMETER) == 0
    assert cells_seen(np.full_like(image, 7.0), labels, DIAMETER) == 0
    assert cells_seen(image, np.ones_like(labels), DIAMETER) == 0  # no rim
    assert cells_seen(np.full_like(image, np.nan), labels, DIAMETER) == 0


def test_pixels_that_are_no_numbers_are_left_out():
    image, labels = discs((10,) * 4)
    whole = cells_seen(image, labels, DIAMETER)
    image[14:17, 14:17] = np.nan
    assert cells_seen(image, labels, DIAMETER) == pytest.approx(whole, rel=0.02)


def test_the_view_with_most_cells_is_taken():
    """Two cells are dark in the mean, as those that do not answer are in the sd."""
    half, _ = discs((50, 50))
    every, labels = discs((50,) * 4)
    best = best_view({"mean": half, "max": every}, find, DIAMETER)
    assert best.name == "max"
    assert best.image is every
    assert best.labels.max() == labels.max()
    assert best.summary() == {"name": "max", "scores": best.scores}
    assert best.scores["max"] > 1.9 * best.scores["mean"]


def test_the_first_view_stays_where_others_are_hardly_better():
    first, _ = discs((50,) * 4)
    second, _ = discs((55,) * 4)
    best = best_view({"mean": first, "max": second}, find, DIAMETER)
    assert best.name == "mean"
    assert best.scores["max"] > best.scores["mean"]


def test_a_view_that_shows_parts_of_cells_is_not_taken():
    """Small bright discs, in a movie whose mean shows only half of the whole cells."""
    y, x = np.mgrid[:64, :64]
    parts = np.random.default_rng(5).normal(100, 1, y.shape)
    for cy, cx in CENTRES:
        parts[np.hypot(y - cy, x - cx) < 3] += 100
    best = best_view({"mean": discs((50, 50))[0], "sd": parts}, find, DIAMETER)
    assert best.scores["sd"] > best.scores["mean"] + 1
    assert best.name == "mean"


def test_one_cell_seen_more_clearly_is_no_reason_to_leave_the_mean():
    best = best_view({"mean": discs((6,))[0], "max": discs((50,))[0]}, find, DIAMETER)
    assert 1.02 * best.scores["mean"] < best.scores["max"] < best.scores["mean"] + 0.5
    assert best.name == "mean"


def test_one_view_needs_no_score():
    image, _ = discs((50,) * 4)
    best = best_view({"sd": image}, find, DIAMETER)
    assert (best.name, best.scores, best.labels.max()) == ("sd", {}, 4)


def test_empty_views_are_all_alike():
    flat = np.random.default_rng(3).normal(100, 1, (40, 40))
    best = best_view({"mean": flat, "max": flat + 1}, lambda image: np.zeros(image.shape, int), 8.0)
    assert (best.name, best.labels.max()) == ("mean", 0)


@pytest.mark.slow
@given(st.floats(0.1, 1e3))
def test_the_choice_does_not_depend_on_gain(gain):
    views = {"mean": discs((50, 50))[0], "max": discs((50,) * 4)[0]}
    plain = best_view(views, find, DIAMETER)
    scaled = best_view({name: gain * view for name, view in views.items()}, find, DIAMETER)
    assert scaled.name == plain.name
    np.testing.assert_array_equal(scaled.labels, plain.labels)


def test_a_large_image_is_judged_where_most_cells_are():
    """What lies outside of the square does not count, but is found all the same."""
    diameter = 6.0
    side = round(WINDOW * diameter)
    y, x = np.mgrid[: 3 * side, : 2 * side]
    image = np.zeros(y.shape)
    for cy in range(20, side, 20):
        for cx in range(20, side, 20):
            image[np.hypot(y - cy, x - cx) < 3] = 50.0
    n_there = len(range(20, side, 20)) ** 2
    image[np.hypot(y - 2.5 * side, x - 1.5 * side) < 3] = 50.0
    image += np.random.default_rng(4).normal(100, 1, image.shape)
    shapes = []

    def spy(part):
        shapes.append(part.shape)
        return Otsu(diameter_um=diameter)(part, 1.0)

    best = best_view({"mean": image, "max": image + 1}, spy, diameter)
    assert shapes == [image.shape, (side, side), (side, side)]
    assert best.labels.max() == n_there + 1
    assert n_there - 1 < best.scores["mean"] <= n_there


def test_a_large_image_without_cells_has_no_score():
    flat = np.zeros((200, 200))
    best = best_view({"mean": flat, "max": flat}, lambda image: np.zeros(image.shape, int), 4.0)
    assert best.scores == {"mean": 0.0, "max": 0.0}


@pytest.mark.parametrize("name", ["mean", "max", "sd", "auto", "phase:Zn + pyrithione"])
def test_names_of_views(name):
    assert Segment(projection=name).projection == name


@pytest.mark.parametrize("name", ["median", "phase:", "", "Mean"])
def test_other_names_are_refused(name):
    with pytest.raises(ValidationError, match=r'expected mean, max, sd, auto or "phase:NAME"'):
        Segment(projection=name)
