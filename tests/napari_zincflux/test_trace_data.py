import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_zincflux.trace_data import (
    QUANTITIES,
    TraceData,
    limits_of,
    spans_of,
)
from napari_zincflux.trace_picking import inside_polygon, nearest_trace
from zincflux.phases import Phase

ZINC, FF0 = QUANTITIES[:2]
TIME = np.array([0.0, 5.0, 10.0, 15.0])
PHASES = (
    Phase(name="rest", role="baseline", start_s=0, end_s=10),
    Phase(name="Zn", role="response", start_s=10),
)


def tables(values, ids=(2, 5, 9), flags=None, column="zinc_nM", excluded=None):
    n, n_frames = np.shape(values)
    cell, frame = np.repeat(ids[:n], n_frames), np.tile(np.arange(n_frames), n)
    traces = pd.DataFrame(
        {
            "cell_id": cell,
            "frame": frame,
            "y_um": cell * 1.0,
            "x_um": frame * 2.0,
            column: np.ravel(values),
            "flag": [""] * len(cell) if flags is None else np.ravel(flags),
        }
    )
    cells = pd.DataFrame({"cell_id": ids[:n], "excluded": excluded or [False] * n})
    frames = pd.DataFrame({"frame": np.arange(n_frames), "time_s": np.arange(n_frames) * 5.0})
    return traces, cells, frames


def data_of(values, **kwargs):
    return TraceData.of(*tables(values, **kwargs))


def test_values_do_not_depend_on_the_order_of_rows():
    values = np.arange(12.0).reshape(3, 4)
    traces, cells, frames = tables(values)
    shuffled = traces.sample(frac=1, random_state=1)
    data = TraceData.of(shuffled, cells.iloc[::-1], frames)
    np.testing.assert_array_equal(data.values("zinc_nM"), values)
    assert data.cell_ids.tolist() == [2, 5, 9]
    assert (data.n_cells, data.n_frames) == (3, 4)


def test_a_missing_row_is_no_number():
    traces, cells, frames = tables(np.ones((2, 3)))
    data = TraceData.of(traces.drop(index=[1]), cells, frames)
    np.testing.assert_array_equal(data.values("zinc_nM"), [[1, np.nan, 1], [1, 1, 1]])
    assert np.isnan(data.values("no such column")).all()


def test_only_the_region_that_is_asked_for():
    traces, cells, frames = tables(np.ones((2, 3)))
    both = [
        pd.concat([t.assign(region="cell"), t.assign(region="ring", zinc_nM=7.0)])
        for t in (traces, cells)
    ]
    assert (TraceData.of(*both, frames).values("zinc_nM") == 1).all()
    assert (TraceData.of(*both, frames, region="ring").values("zinc_nM") == 7).all()


def test_quantities_without_a_number_are_not_offered():
    traces, cells, frames = tables(np.full((1, 3), np.nan))
    traces["f_f0"] = 1.0
    assert [q.name for q in TraceData.of(traces, cells, frames).quantities] == ["f_f0"]


def test_rows_of_cells_that_exist():
    data = data_of(np.ones((3, 2)))
    assert data.rows_of([9, 3, 2, 100]).tolist() == [2, 0]
    assert data.rows_of([]).tolist() == []


def test_median_ranks_what_is_beyond_the_range():
    values = [[1.0, 1.0], [3.0, np.nan], [np.nan, np.nan]]
    flags = [["", ""], ["", "above_max"], ["above_max", "above_max"]]
    data = data_of(values, flags=flags)
    # Of 1, 3 and "more" the median is 3; of 1, "more", "more" it is beyond the range.
    np.testing.assert_array_equal(data.median(ZINC), [3.0, np.nan])


def test_median_leaves_out_excluded_cells():
    data = data_of([[1.0], [3.0], [100.0]], excluded=[False, False, True])
    assert data.median(ZINC).tolist() == [2.0]
    assert np.isnan(data_of([[1.0]], excluded=[True]).median(ZINC)).all()


@given(
    arrays.arrays(
        float,
        st.tuples(st.integers(1, 6), st.integers(1, 5)),
        elements=st.one_of(st.just(np.nan), st.floats(-10, 10)),
    )
)
def test_median_is_that_of_numpy(values):
    data = data_of(values, ids=tuple(range(1, 7)), column="f_f0")
    known = np.isfinite(values).any(axis=0)
    expected = np.full(values.shape[1], np.nan)
    expected[known] = np.nanmedian(values[:, known], axis=0)
    np.testing.assert_allclose(data.median(FF0), expected)


def test_cells_are_ordered_by_what_the_response_adds():
    values = [[5.0, 5.0, 6.0, 6.0], [1.0, 1.0, 4.0, 4.0], [np.nan] * 4]
    data = data_of(values, column="f_f0")
    np.testing.assert_array_equal(data.response(FF0, PHASES), [1, 3, np.nan])
    assert data.cell_ids[data.ordered(FF0, PHASES)].tolist() == [5, 2, 9]
    assert data.cell_ids[data.ordered(FF0)].tolist() == [2, 5, 9]


def test_cells_beyond_the_range_come_first_or_last():
    values = [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, np.nan, np.nan], [1.0, 1.0, np.nan, np.nan]]
    flags = [[""] * 4, ["", "", "below_min", "below_min"], ["", "", "above_max", "above_max"]]
    data = data_of(values, flags=flags)
    assert data.cell_ids[data.ordered(ZINC, PHASES)].tolist() == [9, 2, 5]
    assert data.response(ZINC, PHASES)[0] == pytest.approx(np.log10(2))


def test_place_of_a_cell():
    traces, cells, frames = tables(np.ones((2, 4)))
    traces.loc[(traces["cell_id"] == 2) & (traces["frame"] > 1), ["y_um", "x_um"]] = np.nan
    data = TraceData.of(traces, cells, frames)
    assert data.place_of(2, 0) == (2.0, 0.0)
    assert data.place_of(2, 3) == (2.0, 2.0)
    assert data.place_of(77, 3) is None


def test_place_of_a_cell_that_was_never_measured():
    traces, cells, frames = tables(np.ones((1, 2)))
    data = TraceData.of(traces.assign(y_um=np.nan), cells, frames)
    assert data.place_of(2, 0) is None


def test_nearest_frame():
    assert data_of(np.ones((1, 4))).frame_at(12.4) == 2


def test_flags_by_name():
    data = data_of([[1.0, np.nan]], flags=[["", "lost"]])
    assert data.flag_names == ("", "lost")
    assert data.flagged("lost").tolist() == [[False, True]]
    assert not data.flagged("off_edge").any()


def test_nearest_trace_is_found_between_frames():
    y = np.array([[0.0, 10.0, 10.0, 10.0], [4.0, 4.0, 4.0, 4.0], [np.nan] * 4])
    assert nearest_trace(TIME, y, (12.0, 9.5), (1, 1)) == (0, 0.5)
    assert nearest_trace(TIME, y, (2.0, 4.2), (1, 1))[0] == 0  # the flank passes through (2, 4)
    assert nearest_trace(TIME, y, (0.2, 3.6), (1, 1))[0] == 1
    assert nearest_trace(TIME, y[2:], (1.0, 1.0), (1, 1)) is None
    assert nearest_trace(TIME, y[:0], (1.0, 1.0), (1, 1)) is None


def test_nearest_trace_of_a_single_frame():
    assert nearest_trace(TIME[:1], np.array([[1.0], [5.0]]), (3.0, 4.0), (1, 1)) == (1, 1.0)


def test_lasso_takes_what_crosses_it_between_frames():
    y = np.array([[0.0, 10.0, 10.0, 10.0], [4.0, 4.0, 4.0, 4.0], [np.nan] * 4])
    small = [(1.9, 3.5), (2.1, 3.5), (2.1, 4.5), (1.9, 4.5)]
    assert inside_polygon(TIME, y, small).tolist() == [0, 1]
    above = [(6.0, 9.0), (14.0, 9.0), (14.0, 11.0), (6.0, 11.0)]
    assert inside_polygon(TIME, y, above).tolist() == [0]
    assert inside_polygon(TIME, y, [(0, 0), (1, 1)]).tolist() == []
    assert inside_polygon(TIME, y[:0], above).tolist() == []


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.floats(0, 15), st.floats(0, 15)), min_size=3, max_size=3),
    arrays.arrays(float, (5, 4), elements=st.floats(0, 15)),
)
def test_every_value_in_a_triangle_is_found(corners, y):
    found = set(inside_polygon(TIME, y, corners).tolist())
    for row, t in np.ndindex(y.shape):
        sides = [
            (b[0] - a[0]) * (y[row, t] - a[1]) - (b[1] - a[1]) * (TIME[t] - a[0])
            for a, b in zip(corners, [*corners[1:], corners[0]], strict=True)
        ]
        if min(sides) > 1e-6 or max(sides) < -1e-6:
            assert row in found


def test_open_phases_end_with_the_next_or_the_movie():
    phases = (
        Phase(name="b", role="response", start_s=10),
        Phase(name="a", role="baseline", start_s=0),
    )
    assert spans_of(phases, TIME) == [("a", "baseline", 0, 10), ("b", "response", 10, 15)]


def test_the_last_frame_belongs_to_an_open_phase():
    data = data_of([[1.0, 1.0, 10.0, 1000.0]])
    assert data.response(ZINC, PHASES) == pytest.approx([2.0])


def test_the_end_of_a_phase_is_not_part_of_it():
    data = data_of([[1.0, 1.0, 50.0, 50.0]])
    ends = (Phase(name="TPEN", role="minimum", start_s=0, end_s=10),)
    assert limits_of(data, ZINC, ends) == (25.0, 100.0)
    both = data_of([[1.0, 1.0, 4.0, 50.0]])
    low, high = limits_of(both, ZINC, ends)
    assert 4.0 <= low < high <= 50.0
    ends = (Phase(name="Zn", role="maximum", start_s=10),)
    assert limits_of(data, ZINC, ends) == (0.5, 2.0)
