"""Suspects: drawn errors one by one, and errors put into the true tracks of simulated movies."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from injected import found_errors, inject, true_tracks

from zincflux.track import suspects
from zincflux.track.suspects import COLUMNS, KINDS


def quiet(n_frames=20, seed=0):
    """Cells on a grid of 20 µm that hardly change: nothing to suspect."""
    rng = np.random.default_rng(seed)
    grid = 20.0 * np.column_stack(np.divmod(np.arange(49), 7))
    cell, frame = (axis.ravel() for axis in np.mgrid[:49, :n_frames])
    noise = rng.normal(0, 1, (4, cell.size))
    return pd.DataFrame(
        {
            "cell_id": cell + 1,
            "frame": frame,
            "time_s": 60.0 * frame,
            "area_um2": 150 * np.exp(0.03 * noise[0]),
            "intensity": 10.0 * (1 + cell % 5) * np.exp(0.03 * noise[1]),
            "y_um": grid[cell, 0] + 0.3 * noise[2],
            "x_um": grid[cell, 1] + 0.3 * noise[3],
            "parent_id": 0,
        }
    )


def at(rows, cell, frame=None):
    mine = rows["cell_id"] == cell
    return mine if frame is None else mine & (rows["frame"] == frame)


def first(rows):
    return suspects(rows)[["cell_id", "frame", "kind"]].to_numpy().tolist()[:1]


def test_quiet_cells_are_not_suspected():
    listed = suspects(quiet())
    assert listed.empty
    assert tuple(listed.columns) == COLUMNS


@pytest.mark.parametrize(("column", "kind"), [("area_um2", "area_jump"), ("intensity",) * 2])
def test_jumps(column, kind):
    rows = quiet()
    rows.loc[at(rows, 25) & (rows["frame"] >= 9), column] *= 1.6
    kind = {"intensity": "intensity_jump"}.get(kind, kind)
    assert first(rows) == [[25, 9, kind]]


def test_a_response_of_all_cells_is_no_jump():
    rows = quiet()
    rows.loc[rows["frame"] >= 9, "intensity"] *= 5
    assert suspects(rows).empty


def test_the_edge_may_change_the_area_of_a_cell():
    rows = quiet()
    rows.loc[at(rows, 4) & (rows["frame"] >= 9), "area_um2"] *= 0.5
    assert suspects(rows).empty


def merged(rows, frame, one=25, other=26):
    late = rows["frame"] >= frame
    rows.loc[at(rows, one) & late, "area_um2"] *= 2
    return rows[~(at(rows, other) & late)]


def test_merge_names_both_cells_and_lists_the_other_no_more():
    listed = suspects(merged(quiet(), 9))
    assert listed[["cell_id", "frame", "kind"]].to_numpy().tolist() == [[25, 9, "merge"]]
    assert listed["detail"][0].startswith("cell 26 ends beside it")
    assert listed["time_s"][0] == 540.0


def test_split_is_a_merge_in_reverse():
    rows = merged(quiet(), 9)
    listed = suspects(rows.assign(frame=19 - rows["frame"]))
    assert listed[["cell_id", "frame", "kind"]].to_numpy().tolist() == [[25, 11, "split"]]
    assert "cell 26 starts beside it" in listed["detail"][0]


def test_noted_division_is_no_error():
    rows = quiet()
    late = rows["frame"] >= 9
    daughters = rows[at(rows, 25) & late].assign(parent_id=25, cell_id=101, area_um2=75.0)
    others = daughters.assign(cell_id=102, x_um=daughters["x_um"] + 8)
    rows = pd.concat([rows[~(at(rows, 25) & late)], daughters, others])
    assert suspects(rows).empty


def test_swap_of_two_neighbours_for_good():
    rows = quiet()
    late = rows["frame"] >= 9
    swapped = rows["cell_id"].replace({25: 26, 26: 25})
    assert first(rows.assign(cell_id=rows["cell_id"].where(~late, swapped))) == [[25, 9, "swap"]]


def test_gap_of_a_cell_and_of_a_whole_frame():
    rows = quiet()
    rows = rows[~(at(rows, 25) & rows["frame"].isin([9, 10])) & (rows["frame"] != 4)]
    listed = suspects(rows)
    assert listed[["cell_id", "frame", "kind"]].to_numpy().tolist() == [
        [0, 4, "gap"],
        [25, 11, "gap"],
    ]
    assert listed["detail"].tolist() == ["no cell in this frame", "missed in 2 frames before"]
    assert np.isnan(listed["time_s"][0])


def test_tracks_that_start_or_end_in_mid_movie():
    rows = quiet()
    rows = rows[~(at(rows, 25) & (rows["frame"] > 9)) & ~(at(rows, 33) & (rows["frame"] < 12))]
    rows = rows[~at(rows, 17) | rows["frame"].between(5, 6)]
    kinds = {(c, f): k for c, f, k in suspects(rows)[["cell_id", "frame", "kind"]].to_numpy()}
    assert kinds == {
        (25, 9): "ends_inside",
        (33, 12): "appears_inside",
        (17, 5): "appears_inside",
        (17, 6): "short_track",
    }


def test_without_intensity_or_times():
    rows = merged(quiet(), 9).drop(columns=["intensity", "time_s"])
    assert first(rows) == [[25, 9, "merge"]]
    assert suspects(rows)["time_s"].isna().all()


def test_no_rows():
    assert suspects(quiet().iloc[:0]).empty


def test_rows_without_an_area_are_left_out():
    rows = quiet()
    rows.loc[at(rows, 25, 9), "area_um2"] = np.nan
    assert first(rows) == [[25, 10, "gap"]]


@settings(max_examples=5)
@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(0.1, 1000))
def test_units_of_length_and_brightness_and_order_do_not_matter(seed, length, light):
    rows, _ = inject(true_tracks(1, 25, 20), seed, n=2)
    # Outlines are drawn in steps of pixels: much larger or smaller units would meet the floor.
    length = float(np.clip(length, 0.5, 4))
    scaled = rows.assign(
        y_um=rows["y_um"] * length, x_um=rows["x_um"] * length,
        area_um2=rows["area_um2"] * length**2, intensity=rows["intensity"] * light,
    )  # fmt: skip
    keys = ["cell_id", "frame", "kind"]
    one, two = suspects(rows), suspects(scaled.sample(frac=1, random_state=seed))
    assert set(map(tuple, one[keys].to_numpy())) == set(map(tuple, two[keys].to_numpy()))
    assert one["doubt"].to_numpy() == pytest.approx(two["doubt"].to_numpy(), abs=1e-5)


@settings(max_examples=4)
@given(st.integers(0, 1000))
def test_list_is_sorted_by_doubt_and_names_each_place_once(seed):
    rows, _ = inject(true_tracks(1, 25, 20), seed, n=2)
    listed = suspects(rows)
    assert listed["doubt"].between(0, 1).all()
    assert listed["doubt"].round(6).is_monotonic_decreasing
    assert not listed.duplicated(["cell_id", "frame"]).any()
    assert set(listed["kind"]) <= set(KINDS)
    pd.testing.assert_frame_equal(listed, suspects(rows))


@pytest.mark.slow
def test_errors_that_were_put_in_come_first():
    hits = np.zeros(2, dtype=int)
    for seed in (200, 201, 202, 203):
        rows, errors = inject(true_tracks(seed, 25, 20), seed, n=2)
        hits += found_errors(suspects(rows), errors)
    assert hits[0] >= 0.8 * hits[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="parent_id"), r"found none named \['parent_id'\]"),
        (
            lambda rows: pd.concat([rows, rows.head(1)]),
            "each cell once in a frame, found one twice",
        ),
    ],
)
def test_refused_tracks(change, message):
    with pytest.raises(ValueError, match=message):
        suspects(change(quiet()))
