from __future__ import annotations

import numpy as np
import pytest

from zincflux.segment.merging import JoinWeights, Pieces, join, roundness
from zincflux.segment.outline import upper_quartile
from zincflux.segment.pieces import at_border, drop, fill_holes, largest_piece, select


def draw(text):
    """Label image from a drawing: a digit is an id, a dot is background."""
    rows = text.split()
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], dtype=np.int32)


def test_largest_piece():
    np.testing.assert_array_equal(
        largest_piece(draw("11.2. 1..22 ..1.. 33.33")), draw("11.2. 1..22 ..... 33...")
    )


def test_holes_belong_to_the_cell_around_them():
    before = draw("1111.222 1..1.2.2 1111.222 ...3333. ...3.44. ...3444. ........")
    after = draw("1111.222 1111.222 1111.222 ...3333. ...3.44. ...3444. ........")
    np.testing.assert_array_equal(fill_holes(before), after)


def test_large_holes_stay():
    ring = draw("1111 1..1 1..1 1111")
    np.testing.assert_array_equal(fill_holes(ring, largest_px=3), ring)
    assert fill_holes(ring, largest_px=4).min() == 1


def test_select_numbers_what_is_left():
    labels = draw("5....... ..222.77 ..222.77 ........ .99999.. ........")
    np.testing.assert_array_equal(
        select(labels, 2, 5, exclude_border=False),
        draw("........ ......11 ......11 ........ .22222.. ........"),
    )
    assert select(labels, 2, 9, exclude_border=True).max() == 2


def test_border_and_empty():
    assert at_border(draw("...1 .2.. .... 33..")).tolist() == [False, True, False, True]
    empty = np.zeros((3, 3), dtype=np.int32)
    assert largest_piece(empty).max() == fill_holes(empty).max() == 0
    assert drop(empty, np.zeros(1, dtype=bool)).max() == 0


def test_roundness_of_a_disc_and_of_two():
    y, x = np.mgrid[:60, :100]
    one = np.hypot(y - 30, x - 30) < 15
    two = one | (np.hypot(y - 30, x - 60) < 15)
    for mask, expected in ((one, 1.0), (two, 2 / np.sqrt(5))):
        sums = Pieces.of(mask.astype(np.int32), np.zeros(mask.shape)).sums
        assert roundness(sums)[0] == pytest.approx(expected, abs=0.01)


def test_sums_and_borders():
    pieces = Pieces.of(draw("112 112 33."), np.arange(9.0).reshape(3, 3))
    assert pieces.sums[:, 0].tolist() == [4, 2, 2]
    assert pieces.pairs.tolist() == [[0, 1], [0, 2]]
    assert pieces.borders.tolist() == [[2, 1.5 + 4.5], [2, 4.5 + 5.5]]


def test_pieces_of_one_cell_are_joined_and_two_cells_are_not():
    y, x = np.mgrid[:40, :70]
    disc = np.hypot(y - 20, x - 20) < 12
    other = (np.hypot(y - 20, x - 44) < 12) & ~disc
    thirds = np.where(disc, 1 + (x > 16) + (x > 24), 0) + np.where(other, 4, 0)
    flat = np.zeros(disc.shape)
    joined = join(thirds.astype(np.int32), flat, np.pi * 144)
    assert np.unique(joined).tolist() == [0, 1, 4]
    np.testing.assert_array_equal(joined == 1, disc)
    never = join(thirds.astype(np.int32), flat, np.pi * 144, JoinWeights(constant=-100.0))
    np.testing.assert_array_equal(never, thirds)


def test_nothing_to_join():
    empty = np.zeros((5, 5), dtype=np.int32)
    assert join(empty, np.zeros((5, 5)), 10.0).max() == 0


def test_upper_quartile():
    labels = draw("11111 33...")
    values = np.array([[4.0, 1, 3, 2, 5], [7, 9, 99, 99, 99]])
    assert upper_quartile(labels, values).tolist() == [np.inf, 4, np.inf, 7]
