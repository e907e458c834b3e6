from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from zincflux.segment import likeness
from zincflux.segment.candidates import find_candidates
from zincflux.segment.choice import LEAST_LIKENESS, choose, gains
from zincflux.segment.contrast import bin_down, bin_edges, bin_up, measure_contrast, picture_area
from zincflux.segment.hierarchy import DEEPEST_DIP, DIP, grow
from zincflux.segment.looks import LOOKS
from zincflux.segment.sums import Sums, roundness, shape_signs


def draw(text):
    """Label image from a drawing: a digit is an id, a dot is background."""
    rows = text.split()
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], dtype=np.int32)


def summed(labels, log=None):
    log = np.zeros(labels.shape) if log is None else log
    return Sums.of(labels.astype(np.int32), log, np.ones(labels.shape))


def disc(y, x, radius, shape=(60, 100)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - y, columns - x) < radius


def test_sums_and_borders():
    found = summed(draw("112 112 33."), np.arange(9.0).reshape(3, 3))
    assert found.inside[:, 0].tolist() == [4, 2, 2]
    assert found.pairs.tolist() == [[0, 1], [0, 2]]
    assert found.borders.tolist() == [[2, 1.5 + 4.5], [2, 4.5 + 5.5]]
    # Edges to background, to the frame, to others, and the log brightness along the last.
    assert found.outline.tolist() == [[0, 4, 4, 16], [1, 3, 2, 6], [1, 3, 2, 10]]
    assert found.box[1].tolist() == [0, 2, -1, -2]


def test_roundness_of_a_disc_and_of_two():
    one = disc(30, 30, 15)
    two = one | disc(30, 60, 15)
    for mask, expected in ((one, 1.0), (two, 2 / np.sqrt(5))):
        assert roundness(summed(mask).inside)[0] == pytest.approx(expected, abs=0.01)


def test_shape_signs_of_an_ellipse_a_dumbbell_and_a_drop():
    y, x = np.mgrid[:120, :160]
    ellipse = ((y - 60) / 20) ** 2 + ((x - 70) / 40) ** 2 < 1
    round_, elongation, tails, skewness = (v[0] for v in shape_signs(summed(ellipse).inside))
    assert round_ == pytest.approx(1, abs=0.01)
    assert elongation == pytest.approx(np.log(2), abs=0.02)
    assert tails == pytest.approx(0, abs=0.01)
    assert skewness == pytest.approx(0, abs=1e-6)
    drop = disc(60, 50, 25, y.shape) | ((np.abs(y - 60) < 4) & (x > 50) & (x < 140))
    assert shape_signs(summed(drop).inside)[2][0] > 0.1
    assert shape_signs(summed(drop).inside)[3][0] > 0.1


@given(turns=st.integers(0, 3), mirror=st.booleans(), y=st.integers(0, 40), x=st.integers(0, 40))
def test_shape_signs_do_not_depend_on_place_and_direction(turns, mirror, y, x):
    blob = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(60, 60)), 6) > 0.01
    labels = (ndimage.label(blob)[0] == 1).astype(np.int32)
    moved = np.zeros((100, 100), dtype=np.int32)
    turned = np.rot90(labels[:, ::-1] if mirror else labels, turns)
    moved[y : y + 60, x : x + 60] = turned
    np.testing.assert_allclose(
        np.stack(shape_signs(summed(moved).inside)),
        np.stack(shape_signs(summed(labels).inside)),
        rtol=1e-6,
        atol=1e-9,
    )


def test_every_join_is_a_node_and_sums_add_up():
    labels = draw("1122 1122 3344 3344 .... 5555 6666")
    log = np.random.default_rng(0).normal(size=labels.shape)
    tree = grow(summed(labels, log), 4.0)
    assert tree.n_leaves == 6
    # Two clumps: three joins and one.
    assert len(tree.parent) == 10
    assert np.sum(tree.parent < 0) == 2
    for node in range(6, 10):
        first, second = tree.children[node]
        np.testing.assert_allclose(
            tree.sums.inside[node], tree.sums.inside[first] + tree.sums.inside[second]
        )
        assert tree.parent[first] == tree.parent[second] == node < tree.parent.size
        assert tree.seam[node, DEEPEST_DIP] >= tree.seam[node, DIP]
    roots = tree.parent < 0
    # Nothing is left to touch.
    np.testing.assert_allclose(tree.sums.outline[roots, 2:], 0, atol=1e-9)


def test_pieces_of_one_cell_are_joined_before_two_cells_are():
    """The border between the cells is dark, the cuts through one of them are not."""
    one, other = disc(20, 20, 12, (40, 70)), disc(20, 42, 12, (40, 70))
    x = np.arange(70)
    labels = np.where(one, 1 + (x > 16) + (x > 24), 0) + np.where(other & ~one, 4, 0)
    log = np.where(np.abs(x - 32) < 2, 0.5, 1.0) * np.ones(labels.shape)
    tree = grow(summed(labels, log), np.pi * 144)
    assert tree.sums.inside[-2, 0] == one.sum()
    assert tree.children[-1].tolist() == [3, len(tree.parent) - 2]


def test_the_best_set_is_chosen():
    tree = grow(summed(draw("1122 1122 .... 3344 3344")), 8.0)
    joined = [int(tree.parent[0]), int(tree.parent[2])]
    likely = np.full(len(tree.parent), 0.6)
    likely[joined[0]] = 0.95
    likely[joined[1]] = LEAST_LIKENESS - 0.1
    assert choose(tree, gains(likely)).tolist() == [joined[0], joined[0], 2, 3]
    likely[:2] = 0.9
    assert choose(tree, gains(likely)).tolist() == [0, 1, 2, 3]
    assert choose(tree, gains(np.full(6, LEAST_LIKENESS))).tolist() == [-1] * 4


def test_looks_have_no_units():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(
        sum(disc(y, x, 9) for y, x in ((20, 20), (22, 38), (40, 70))) * 50.0, 1.5
    ) + rng.normal(0, 1, (60, 100))
    found, other = (
        find_candidates(measure_contrast(picture, 18), 0.2) for picture in (image, 40 * image + 7)
    )
    assert found.looks.shape == (len(found.tree.parent), len(LOOKS))
    np.testing.assert_allclose(found.looks, other.looks, rtol=1e-6, atol=1e-6)


def test_nothing_stands_out():
    contrast = measure_contrast(np.random.default_rng(0).normal(size=(80, 80)), 60)
    assert find_candidates(contrast, 1.0) is None


def test_network():
    network = likeness.Likeness(
        np.array([1.0]), np.array([2.0]), np.array([[3.0], [0.5]]), np.r_[2, -1]
    )
    expected = 1 / (1 + np.exp(-(2 * np.tanh(3 * 0.5 + 0.5) - 1)))
    assert network(np.array([[2.0]]))[0] == pytest.approx(expected)
    # Far outside of what was learnt from, nothing changes any more.
    assert network(np.array([[1e3]])) == network(np.array([[1e6]]))


def test_network_of_other_looks(monkeypatch):
    likeness.learnt.cache_clear()
    monkeypatch.setattr(likeness, "LOOKS", ("nothing",))
    with pytest.raises(RuntimeError, match=r"likeness\.json: expected the looks"):
        likeness.learnt()


@given(n=st.integers(1, 200), step=st.integers(1, 12))
def test_bins_are_the_same_from_either_end(n, step):
    edges = bin_edges(n, step)
    assert edges[0] == 0
    assert edges[-1] == n
    assert 0 < np.diff(edges).min() <= np.diff(edges).max() <= step
    np.testing.assert_array_equal(edges, n - edges[::-1])


def test_binning_keeps_the_mean_of_each_bin():
    image = np.random.default_rng(0).normal(size=(13, 22))
    small = bin_down(image, 3)
    np.testing.assert_allclose(bin_down(image[::-1, ::-1], 3), small[::-1, ::-1])
    large = bin_up(small, image.shape, 3)
    assert large.shape == image.shape
    np.testing.assert_allclose(bin_down(large, 3), small)
    assert large.mean() == pytest.approx(image.mean())


@pytest.mark.parametrize("blank", [0.0, np.nan, 7.0])
def test_picture_within_a_blank_border(blank):
    image = np.full((9, 8), blank)
    image[2:5, 1:6] = np.arange(15.0).reshape(3, 5) + 10
    assert picture_area(image) == (slice(2, 5), slice(1, 6))
    assert picture_area(np.full((4, 4), blank)) == (slice(None), slice(None))


def test_picture_without_pixels():
    assert picture_area(np.zeros((0, 4))) == (slice(None), slice(None))
