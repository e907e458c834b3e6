"""What lies in other frames where a candidate is; cutting along the cells of another frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.segment.among_frames import agreement
from zincflux.segment.choice import areas, better_of, found_again, renumbered, shared_px
from zincflux.segment.company import COMPANY, company, members
from zincflux.segment.field_motion import Spectrum, common_step, moved_labels
from zincflux.segment.hierarchy import grow
from zincflux.segment.recut import nearest_cell, recut
from zincflux.segment.sums import Sums


def draw(text):
    """Label image from a drawing: a digit is an id, a dot is background."""
    rows = text.split()
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], dtype=np.int32)


def tree_of(labels, area_px=4.0):
    tree = grow(Sums.of(labels, np.zeros(labels.shape), np.ones(labels.shape)), area_px)
    return tree, members(tree, area_px)


def cut_anew(pieces, cells, area_px):
    """Cut a whole label image along the cells of another one."""
    inside, result = np.flatnonzero(pieces), np.zeros_like(pieces)
    result.flat[inside] = recut(pieces.ravel()[inside], inside, cells, area_px)
    return result


def test_members_of_joined_pieces():
    tree, of_leaves = tree_of(draw("1122 1122 .... 3333"))
    assert tree.n_leaves == 3
    assert of_leaves.toarray().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]
    too_large = members(tree, 1.5).toarray()
    assert too_large[3].tolist() == [0, 0, 0]


def test_company_of_a_cell_its_half_and_of_both():
    pieces = draw("1122 1122")
    _, of_leaves = tree_of(pieces)
    seen = company(of_leaves, pieces, {-1: draw("1122 1122"), 1: draw(".111 .111")})
    assert seen.shape == (3, len(COMPANY))
    assert seen[:, -1].tolist() == [1, 1, 1]
    whole_before = [[1, 1, 1, 1, 0 + 1], [1, 1, 1, 1, 1], [0.5, 1, 1, 0.5, 2]]
    after = [[2 / 8, 0.5, 2 / 6, 0.5, 0], [4 / 6, 1, 4 / 6, 1, 1], [6 / 8, 6 / 8, 1, 6 / 8, 1]]
    expected = (np.array(whole_before) + np.array(after)) / 2
    np.testing.assert_allclose(seen[:, :5], expected)
    assert not seen[:, 5:10].any()


def test_company_of_nobody_and_of_one_side():
    pieces = draw("1122 1122")
    _, of_leaves = tree_of(pieces)
    assert not company(of_leaves, pieces, {}).any()
    seen = company(of_leaves, pieces, {1: pieces, -2: np.zeros_like(pieces)})
    assert seen[0, 0] == 1
    assert seen[0, -1] == 0.5
    assert not seen[:, 5:10].any()


def test_agreement_is_for_the_same_cell_and_against_its_half():
    pieces = draw("1122 1122")
    _, of_leaves = tree_of(pieces)
    apart = dict.fromkeys((-2, -1, 1, 2), pieces)
    joined = {d: (pieces > 0).astype(np.int32) for d in apart}
    split, union = (agreement(company(of_leaves, pieces, a)) for a in (apart, joined))
    assert split[0] == pytest.approx(0.6)
    assert split[0] + split[1] > split[2]
    assert union[0] + union[1] < union[2] == pytest.approx(0.6)


def test_pieces_go_to_the_cell_that_covers_most_of_them():
    pieces = draw("1122 1122 3344 3344")
    cells = draw("111. 111. .... ....")
    assert cut_anew(pieces, cells, 100.0).tolist() == draw("1111 1111 2233 2233").tolist()


def test_a_piece_that_two_cells_share_is_cut():
    pieces = draw("111111 111111 ......")
    cells = draw("11..22 11..22 ......")
    assert cut_anew(pieces, cells, 8.0).tolist() == draw("111222 111222 ......").tolist()
    # Not for a sliver: the piece goes to nobody, as neither covers half of it.
    assert cut_anew(pieces, cells, 100.0).tolist() == pieces.tolist()


def test_without_cells_pieces_stay():
    pieces = draw("1122 1122")
    assert cut_anew(pieces, np.zeros_like(pieces), 4.0).tolist() == pieces.tolist()


def test_the_better_of_two_choices_wins_block_by_block():
    first = draw("1122..33 1122..33")
    second = draw("1111..22 1111..22")
    labels, gain = better_of(first, np.array([2.0, 2.0, 1.0]), second, np.array([3.0, 5.0]))
    assert labels.tolist() == draw("1122..33 1122..33").tolist()
    assert gain.tolist() == [2, 2, 5]
    labels, gain = better_of(first, np.array([1.0, 1.0, 1.0]), second, np.array([3.0, 0.5]))
    assert labels.tolist() == draw("2222..11 2222..11").tolist()
    assert gain.tolist() == [1, 3]


def test_equal_choices_keep_the_first_and_nothing_is_no_rival():
    labels = draw("11.22")
    kept, gain = better_of(labels, np.array([1.0, 2.0]), labels, np.array([1.0, 2.0]))
    assert kept.tolist() == labels.tolist()
    assert gain.tolist() == [1, 2]
    none = np.zeros_like(labels)
    for one, other in ((labels, none), (none, labels)):
        gains = [np.array([1.0, 2.0]) if x is labels else np.zeros(0) for x in (one, other)]
        kept, _ = better_of(one, gains[0], other, gains[1])
        assert kept.tolist() == labels.tolist()
    kept, gain = better_of(none, np.zeros(0), none, np.zeros(0))
    assert kept.tolist() == none.tolist()
    assert gain.size == 0


def test_shared_pixels():
    i, j, n = shared_px(draw("112. 112."), draw("1333 .333"))
    assert list(zip(i.tolist(), j.tolist(), n.tolist(), strict=True)) == [
        (1, 1, 1), (1, 3, 2), (2, 3, 2),
    ]  # fmt: skip


def test_cells_are_found_again_under_other_numbers():
    cells = draw("11.22 11.33")
    assert found_again(cells, draw("33.11 33.22")).tolist() == [True] * 4
    assert found_again(cells, draw("11.22 11.22")).tolist() == [True, True, False, False]
    assert found_again(cells, draw("11.22 1..33")).tolist() == [True, False, True, True]
    assert found_again(cells, np.zeros_like(cells)).tolist() == [True, False, False, False]
    assert found_again(np.zeros_like(cells), cells).tolist() == [True]


label_images = st.integers(0, 10**6).map(
    lambda seed: np.kron(
        np.random.default_rng(seed).integers(0, 6, (6, 7)), np.ones((3, 2), dtype=np.int32)
    ).astype(np.int32)
)


@given(first=label_images, second=label_images)
def test_shared_pixels_are_those_of_a_plain_count(first, second):
    i, j, n = shared_px(first, second)
    plain = np.zeros((7, 7))
    np.add.at(plain, (first.ravel(), second.ravel()), 1)
    expected = [(a, b, plain[a, b]) for a, b in np.argwhere(plain > 0) if a and b]
    assert list(zip(i.tolist(), j.tolist(), n.tolist(), strict=True)) == expected
    assert areas(first, 9).tolist() == [0, *plain[1:].sum(axis=1), 0, 0, 0]


@given(pieces=label_images, one=label_images, other=label_images)
def test_company_of_some_pixels_is_that_of_all(pieces, one, other):
    pieces, _ = renumbered(pieces)
    if not pieces.any():
        return
    _, of_leaves = tree_of(pieces)
    around = {-2: one, 1: other}
    inside = pieces > 0
    some = {d: cells[inside] for d, cells in around.items()}
    sizes = {d: areas(cells, 6) for d, cells in around.items()}
    seen = company(of_leaves, pieces[inside], some, sizes)
    np.testing.assert_array_equal(seen, company(of_leaves, pieces, around))


@pytest.mark.parametrize("gap", [0.9, 0.999])
def test_the_nearest_cell_near_and_far(gap):
    """Few cells are farther away than is looked step by step; then a whole map is made."""
    rng = np.random.default_rng(3)
    cells = np.where(rng.random((40, 50)) < gap, 0, rng.integers(1, 9, (40, 50))).astype(np.int32)
    places = np.arange(cells.size)
    near = np.hypot(*(cells.shape[axis] * np.ones(cells.size) for axis in (0, 1)))
    found = nearest_cell(cells, places)
    y, x = np.divmod(places, 50)
    for cell in range(1, int(cells.max()) + 1):
        where = np.argwhere(cells == cell)
        if where.size:
            away = np.hypot(y[:, None] - where[:, 0], x[:, None] - where[:, 1]).min(axis=1)
            near = np.minimum(near, away)
    own = np.array(
        [
            np.hypot(*(np.argwhere(cells == c) - [a, b]).T).min()
            for c, a, b in zip(found, y, x, strict=True)
        ]
    )
    np.testing.assert_allclose(own, near)
    assert not nearest_cell(np.zeros_like(cells), places).any()


FIELD = np.random.default_rng(1).normal(size=(60, 75))


@given(dy=st.integers(-9, 9), dx=st.integers(-9, 9))
def test_the_step_of_a_field_is_found(dy, dx):
    there = np.roll(FIELD, (dy, dx), (0, 1))
    here, then = (Spectrum.of(image, 10) for image in (FIELD, there))
    assert common_step(here, then, 10) == (dy, dx)


def test_no_step_where_nothing_is_alike():
    other = np.random.default_rng(2).normal(size=FIELD.shape) * 0.01
    still = FIELD + np.random.default_rng(3).normal(size=FIELD.shape)
    first = Spectrum.of(FIELD, 10)
    assert common_step(first, Spectrum.of(still, 10), 10) == (0, 0)
    assert common_step(first, Spectrum.of(np.ones(FIELD.shape), 10), 10) == (0, 0)
    assert common_step(first, Spectrum.of(other[:50], 10), 10) == (0, 0)


@given(dy=st.integers(-6, 6), dx=st.integers(-7, 7))
def test_labels_move_by_whole_pixels(dy, dx):
    labels = np.arange(1, 21, dtype=np.int32).reshape(4, 5)
    moved = moved_labels(labels, dy, dx)
    for y in range(4):
        for x in range(5):
            inside = 0 <= y - dy < 4 and 0 <= x - dx < 5
            assert moved[y, x] == (labels[y - dy, x - dx] if inside else 0)
