"""Pixels inside polygons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from zincflux.readers.polygons import fill

SHAPE = (24, 31)


def mask(polygons, shape=SHAPE):
    image = np.zeros(shape, dtype=bool)
    image.ravel()[fill([polygons], shape).pixels(shape[1])[0]] = True
    return image


def box(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)


@given(st.lists(st.floats(0.5, 20), min_size=3, max_size=12), st.floats(-5, 35), st.floats(-5, 30))
def test_matplotlib_agrees(radii, x, y):
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False) + 0.1234567
    corners = np.array([x, y]) + np.array(radii)[:, None] * np.c_[np.cos(angle), np.sin(angle)]
    centres = np.stack(np.meshgrid(np.arange(31) + 0.5, np.arange(24) + 0.5), axis=-1)
    path = Path(np.r_[corners, corners[:1]])
    inside = path.contains_points(centres.reshape(-1, 2)).reshape(SHAPE)
    assert np.array_equal(mask([corners]), inside)
    assert np.array_equal(mask([corners[::-1]]), inside), "the sense does not matter"


@pytest.mark.parametrize(
    ("polygon", "rows", "columns"),
    [
        (box(2, 3, 5, 7), slice(3, 7), slice(2, 5)),
        (box(2.4, 3.4, 5.4, 7.4), slice(3, 7), slice(2, 5)),
        (box(2.6, 3.6, 5.6, 7.6), slice(4, 8), slice(3, 6)),
        # A centre on the left edge is outside and on the right inside, as ImageJ decides.
        (box(2.5, 3.5, 5.5, 7.5), slice(3, 7), slice(3, 6)),
        (box(-9, -9, 2, 2), slice(0, 2), slice(0, 2)),
        (box(29, 22, 1e30, 1e30), slice(22, 24), slice(29, 31)),
        (box(2.6, 3, 3.4, 5), slice(0, 0), slice(0, 0)),
        (box(50, 3, 60, 5), slice(0, 0), slice(0, 0)),
    ],
)
def test_a_pixel_counts_if_its_centre_is_inside(polygon, rows, columns):
    expected = np.zeros(SHAPE, dtype=bool)
    expected[rows, columns] = True
    assert np.array_equal(mask([polygon]), expected)


def test_a_polygon_within_another_is_a_hole():
    expected = np.zeros(SHAPE, dtype=bool)
    expected[2:10, 2:10] = True
    expected[4:8, 4:8] = False
    assert np.array_equal(mask([box(2, 2, 10, 10), box(4, 4, 8, 8)]), expected)


def test_outlines_keep_their_numbers():
    runs = fill([[box(0, 0, 2, 2)], [], [box(1, 1, 3, 2), box(5, 0, 6, 1)]], SHAPE)
    pixel, outline = runs.pixels(SHAPE[1])
    assert pixel.tolist() == [0, 1, 31, 32, 5, 32, 33]
    assert outline.tolist() == [0, 0, 0, 0, 2, 2, 2]


def test_nothing_is_nothing():
    assert fill([], SHAPE).rows.size == 0
    assert fill([[]], SHAPE).pixels(31)[0].size == 0
