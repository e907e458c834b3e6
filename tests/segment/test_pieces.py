from __future__ import annotations

import numpy as np

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
        select(labels, 3, 5, exclude_border=False),
        draw("........ ......11 ......11 ........ .22222.. ........"),
    )
    assert select(labels, 3, 9, exclude_border=True).max() == 2


def test_half_of_a_cell_is_enough_at_the_edge():
    labels = draw("11..... ..22..3 ......3 4......")
    np.testing.assert_array_equal(
        select(labels, 4, 9, exclude_border=False), draw("11..... ......2 ......2 .......")
    )


def test_border_and_empty():
    assert at_border(draw("...1 .2.. .... 33..")).tolist() == [False, True, False, True]
    empty = np.zeros((3, 3), dtype=np.int32)
    assert largest_piece(empty).max() == fill_holes(empty).max() == 0
    assert drop(empty, np.zeros(1, dtype=bool)).max() == 0
