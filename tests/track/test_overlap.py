"""Overlap: pixels that outlines share, against counting them, and what it does for links."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cases import MOVING, draw
from zincflux.measure import LabelRuns
from zincflux.track import link, overlaps

PICTURES = arrays(np.int32, (6, 9), elements=st.integers(0, 3))


def moved(image, dy, dx):
    """The image moved by whole pixels; what leaves the frame is kept by a wide border."""
    return np.roll(np.pad(image, 9), (dy, dx), (0, 1))


def counted(here, there, dy=0, dx=0):
    here, there = moved(here, dy, dx), np.pad(there, 9)
    both = (here > 0) & (there > 0)
    pairs, n = np.unique(np.stack([here[both], there[both]]), axis=1, return_counts=True)
    return {(int(a), int(b)): int(k) for (a, b), k in zip(pairs.T, n, strict=True)}


def found(table):
    columns = (table["label"], table["next_label"], table["overlap_px"])
    return {(int(a), int(b)): int(k) for a, b, k in zip(*columns, strict=True)}


@given(PICTURES, PICTURES, st.integers(-4, 4), st.integers(-4, 4))
def test_shared_pixels_are_those_counted_one_by_one(here, there, dy, dx):
    outlines = [LabelRuns.of(image) for image in (here, there)]
    assert found(overlaps(outlines)) == counted(here, there)
    assert found(overlaps(outlines, np.array([[dy, dx]]))) == counted(here, there, dy, dx)


def test_table_of_a_drawn_movie():
    table = overlaps([LabelRuns.of(draw(picture)) for picture in MOVING])
    assert table["frame"].tolist() == [0, 0, 1, 1]
    assert table["overlap_px"].tolist() == [2, 2, 2, 2]
    assert table["overlap"].tolist() == [0.5, 0.5, 0.5, 0.5]
    assert [str(kind) for kind in table.dtypes] == ["int64"] * 4 + ["float64"]


def test_no_frames_and_no_cells():
    assert overlaps([]).empty
    blank = LabelRuns.of(np.zeros((3, 3), dtype=np.int32))
    assert overlaps([blank, blank]).empty


def test_long_cells_that_slide_are_told_apart_by_overlap():
    # Two rods side by side, each of which slides along itself by more than they lie apart.
    first = pd.DataFrame({"frame": 0, "label": [1, 2], "y_um": [0.0, 7.0], "x_um": [0.0, 10.0]})
    later = pd.DataFrame({"frame": 1, "label": [1, 2], "y_um": [0.0, 7.0], "x_um": [10.0, 0.0]})
    rows = pd.concat([first, later], ignore_index=True).assign(area_um2=150.0)
    shared = pd.DataFrame({"frame": 0, "label": [1, 2], "next_label": [1, 2], "overlap": 0.8})
    alone = link(rows).set_index(["frame", "label"])["cell_id"]
    helped = link(rows, overlap=shared).set_index(["frame", "label"])["cell_id"]
    assert alone[1, 1] == alone[0, 2]
    assert helped[1, 1] == helped[0, 1] != helped[1, 2]


def test_overlap_of_cells_that_are_not_listed_is_left_out():
    rows = pd.DataFrame({"frame": [0, 1], "label": [1, 1], "y_um": 0.0, "x_um": 0.0})
    rows["area_um2"] = 100.0
    strange = pd.DataFrame({"frame": [0, 5], "label": [9, 1], "next_label": [1, 1], "overlap": 1.0})
    pd.testing.assert_frame_equal(link(rows), link(rows, overlap=strange))
