"""Outlines along the edges of pixels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import euler_number

from zincflux.results.outlines import trace_outlines

images = hnp.arrays(
    np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)
)


def area(corners):
    """Shoelace formula, above 0 for clockwise as seen (y downwards)."""
    x, y = corners.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@given(images)
def test_areas_are_those_of_the_labels(image):
    outlines = trace_outlines(image)
    assert list(outlines) == np.unique(image[image > 0]).tolist()
    for label, polygons in outlines.items():
        assert sum(map(area, polygons)) == np.count_nonzero(image == label)


@given(images)
def test_every_corner_is_one(image):
    for polygons in trace_outlines(image).values():
        for corners in polygons:
            steps = np.roll(corners, -1, axis=0) - corners
            assert np.all((steps == 0).sum(axis=1) == 1), "along the edges of pixels"
            assert np.all((steps * np.roll(steps, 1, axis=0)).sum(axis=1) == 0), "each a right turn"


@given(images)
def test_one_polygon_per_piece_and_per_hole(image):
    for label, polygons in trace_outlines(image).items():
        mask = image == label
        n_pieces = ndimage.label(mask, np.ones((3, 3)))[1]
        n_holes = n_pieces - euler_number(mask, connectivity=2)
        assert sum(area(corners) > 0 for corners in polygons) <= n_pieces
        # Where a hole touches the outside at a corner, one line runs around both.
        assert len(polygons) <= n_pieces + n_holes


def test_senses():
    ring = np.ones((3, 3), dtype=np.int32)
    ring[1, 1] = 0
    outer, hole = trace_outlines(ring)[1]
    assert outer.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert (area(outer), area(hole)) == (9, -1)


def test_touching_corners_are_one_polygon():
    (corners,) = trace_outlines(np.eye(2, dtype=np.int32))[1]
    assert len(corners) == 8


def test_large_labels_and_nothing():
    assert trace_outlines(np.zeros((2, 3), dtype=np.int32)) == {}
    assert list(trace_outlines(np.full((1, 1), 2**31 - 1, dtype=np.int32))) == [2**31 - 1]
