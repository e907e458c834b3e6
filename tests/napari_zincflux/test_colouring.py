import numpy as np
import pandas as pd
import pytest
from skimage.segmentation import find_boundaries

from napari_zincflux.colouring import BEYOND, Colouring, features_of, outlines_of
from napari_zincflux.density import density_of
from napari_zincflux.trace_data import TraceData

CELLS = pd.DataFrame(
    {
        "cell_id": [2, 5, 9],
        "baseline_zinc_nM": [1.0, 10.0, np.nan],
        "area_um2": [7.0, 7.0, 7.0],
        "excluded": [False, True, False],
    }
)
RESPONSES = pd.DataFrame(
    {
        "cell_id": [2, 2, 5],
        "phase": ["a", "b", "a"],
        "peak_zinc_nM": [100.0, 1.0, 1000.0],
        "half_time_s": np.nan,
        "responder": [True, False, False],
    }
)
LABELS = np.array([[0, 2, 2], [5, 9, 12]], dtype=np.int32)


@pytest.fixture
def colouring():
    zinc = np.array([[1.0, 10.0], [np.nan, 100.0], [np.nan, np.nan]])
    traces = pd.DataFrame(
        {
            "cell_id": np.repeat([2, 5, 9], 2),
            "frame": np.tile([0, 1], 3),
            "zinc_nM": zinc.ravel(),
            "flag": ["", "", "above_max", "", "below_min", "lost"],
        }
    )
    frames = pd.DataFrame({"time_s": [0.0, 5.0]})
    return Colouring(TraceData.of(traces, CELLS, frames), CELLS, RESPONSES)


def test_choices_are_what_was_measured(colouring):
    keys = [choice.key for choice in colouring.choices]
    assert keys == [
        "zinc_nM", "flag", "peak_zinc_nM", "responder", "baseline_zinc_nM", "area_um2", "excluded",
    ]  # fmt: skip
    with pytest.raises(KeyError, match=r"expected one of zinc_nM, flag.*found 'mass'"):
        colouring.values("mass", 0)


def test_zinc_of_a_frame_is_painted_as_its_logarithm(colouring):
    nan = np.nan
    low, high = colouring.limits("zinc_nM")
    assert 0 <= low < 0.1
    assert 1.9 < high <= 2
    np.testing.assert_array_equal(
        colouring.paint(LABELS, "zinc_nM", 0), np.float32([[nan, low, low], [BEYOND, -BEYOND, nan]])
    )
    np.testing.assert_array_equal(
        colouring.paint(LABELS, "zinc_nM", 1), np.float32([[nan, 1, 1], [high, nan, nan]])
    )


def test_names_are_numbered(colouring):
    assert colouring.choice("flag").names == ("no flag", "above_max", "below_min", "lost")
    assert colouring.values("flag", 0).tolist() == [0, 1, 2]
    assert colouring.limits("flag") == (0, 3)
    np.testing.assert_array_equal(colouring.values("responder", 0), [1, 0, np.nan])
    assert colouring.limits("responder") == (0, 1)


def test_values_of_a_cell_are_those_of_the_first_response(colouring):
    np.testing.assert_array_equal(colouring.values("peak_zinc_nM", 1), [2, 3, np.nan])
    assert colouring.limits("area_um2") == (6.5, 7.5)


def test_features_have_one_row_per_cell():
    features = features_of(CELLS.assign(region="cell"), RESPONSES.assign(region="cell"))
    assert features["index"].tolist() == [2, 5, 9]
    both = pd.concat([CELLS.assign(region="cell"), CELLS.assign(region="ring")])
    assert len(features_of(both, RESPONSES)) == 3


def some_cells():
    labels = np.zeros((40, 40), dtype=np.int32)
    labels[3:15, 3:15] = 4
    labels[3:15, 15:30] = 8
    labels[20:36, 10:22] = 3
    labels[0:2, 0:2] = 6
    return labels


@pytest.mark.parametrize("most", [12, 1])
def test_outlines_are_inside_their_cells(most):
    labels = some_cells()
    drawn = outlines_of(labels, [8, 4], most=most)
    edges = find_boundaries(labels, connectivity=1, mode="inner")
    assert set(np.unique(labels[drawn > 0])) == {4, 8}
    for cell, number in ((8, 1), (4, 2 if most > 1 else 1)):
        own = labels == cell
        assert (drawn[own & edges] == number).all()
        assert drawn[own].min() == 0


def test_outlines_of_cells_that_are_not_there():
    assert not outlines_of(some_cells(), [77]).any()
    assert not outlines_of(some_cells(), []).any()


def test_density_counts_every_trace_in_every_column():
    x = np.arange(50) * 5.0
    y = np.cumsum(np.random.default_rng(0).normal(size=(30, 50)), axis=1)
    density = density_of(x, y)
    assert (density.counts.sum(axis=1) >= 30).all()
    assert density.counts.max() <= 30
    assert density.bottom < y.min()
    assert density.bottom + density.height > y.max()
    # A level trace covers one row, at its level.
    level = density_of(x, np.full((1, 50), 3.0))
    row = int((3.0 - level.bottom) / level.height * level.counts.shape[1])
    assert level.counts[:, row].all()
    assert level.counts.sum() == len(level.counts)


def test_density_leaves_gaps():
    y = np.ones((1, 10))
    y[0, 4:6] = np.nan
    counts = density_of(np.arange(10.0), y).counts
    empty = np.flatnonzero(counts.sum(axis=1) == 0) / len(counts) * 9
    assert empty.min() == pytest.approx(3, abs=0.2)
    assert empty.max() == pytest.approx(6, abs=0.2)


@pytest.mark.parametrize("y", [np.full((2, 5), np.nan), np.ones((0, 5))])
def test_density_of_nothing(y):
    assert density_of(np.arange(5.0), y) is None
    assert density_of(np.arange(1.0), np.ones((2, 1))) is None


def test_density_within_limits_leaves_out_what_runs_beyond():
    x = np.arange(5.0)
    y = np.array([np.full(5, 9.0), np.full(5, -9.0), np.full(5, 0.5)])
    density = density_of(x, y, (0.0, 1.0))
    assert (density.bottom, density.height) == (0.0, 1.0)
    assert (density.counts.sum(axis=1) == 1).all()
