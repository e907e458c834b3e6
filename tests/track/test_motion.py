"""Motion: what all cells share, and how far each may go; the movie itself tells both."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import links, wander
from zincflux.track import Track, common_step_um, link
from zincflux.track.cells import Cells
from zincflux.track.motion import REACH, diameter_um, step_um


def drifting(step_um=(0.0, 0.0), *, n_cells=100, n_frames=6, own_um=1.0, seed=0):
    """Cells of many sizes at random places, that drift alike and wander a little."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 18 * np.sqrt(n_cells), (n_cells, 2))
    area = np.exp(rng.normal(5.3, 0.4, n_cells))
    tables = []
    for frame in range(n_frames):
        here = place + frame * np.asarray(step_um) + rng.normal(0, own_um, place.shape)
        columns = {"frame": frame, "label": rng.permutation(n_cells) + 1, "y_um": here[:, 0]}
        columns |= {"x_um": here[:, 1], "area_um2": area * np.exp(rng.normal(0, 0.05, n_cells))}
        tables.append(pd.DataFrame(columns | {"cell": np.arange(n_cells)}))
    return pd.concat(tables, ignore_index=True)


def edge_f1(rows, tracks):
    true, found = links(rows, "cell"), links(tracks, "cell_id")
    return 2 * len(true & found) / (len(true) + len(found))


def cells(rows, reach=REACH):
    rows = rows.sort_values(["frame", "y_um", "x_um"])
    area = rows["area_um2"].to_numpy()
    nothing = np.full(len(rows), np.nan)
    place = rows[["y_um", "x_um"]].to_numpy()
    return Cells(rows["frame"].to_numpy(), place, area, nothing, reach * diameter_um(area))


@pytest.mark.parametrize("step", [(-15.0, 2.0), (8.0, 8.0), (0.0, 18.0)])
def test_motion_that_all_cells_share_is_found_and_followed(step):
    rows = drifting(step)
    found = common_step_um(rows)[:5]
    assert np.abs(found - step).max() < 1.0
    assert edge_f1(rows, link(rows)) > 0.98


def test_cells_that_only_wander_share_no_motion():
    assert not common_step_um(wander(100, 6, step_um=2.0)).any()


def test_motion_beside_the_last_frame_and_without_cells():
    rows = drifting((9.0, 0.0), n_frames=3)
    assert not common_step_um(rows)[2].any()
    assert common_step_um(rows.iloc[:0]).shape == (0, 2)


def test_gap_is_closed_along_the_common_motion():
    rows = drifting((-14.0, 0.0), n_frames=7)
    rows = rows[~((rows["frame"] == 3) & (rows["cell"] < 10))]
    tracks = link(rows).merge(rows, on=["frame", "label"])
    assert (tracks[tracks["cell"] < 10].groupby("cell")["cell_id"].nunique() == 1).mean() >= 0.9


def test_step_has_a_least_where_cells_hardly_move():
    rows = wander(49, 5, step_um=0.5)
    least = 0.75 * diameter_um(rows["area_um2"].to_numpy())
    assert step_um(cells(rows)) == pytest.approx(least)


def test_step_grows_with_the_steps_of_the_movie_up_to_its_bound():
    quiet, lively = (step_um(cells(wander(225, 10, step_um=s))) for s in (2.5, 6.0))
    diameter = diameter_um(wander(225, 10, step_um=6.0)["area_um2"].to_numpy())
    assert 0.75 * diameter <= quiet < lively <= REACH * diameter


def test_step_without_two_cells_to_compare():
    rows = wander(1, 1, step_um=1.0)
    least = 0.75 * diameter_um(rows["area_um2"].to_numpy())
    assert step_um(cells(rows)) == pytest.approx(least)


def test_a_given_step_bounds_the_whole_way_also_along_the_common_motion():
    rows = drifting((10.0, 0.0), n_frames=4)
    bound = Track(mode="follow", max_step_um=12.0, max_gap_frames=0, divisions=False)
    tracks = link(rows, bound).merge(rows).sort_values(["cell_id", "frame"]).groupby("cell_id")
    assert np.hypot(tracks["y_um"].diff(), tracks["x_um"].diff()).max() <= 12.0


@settings(max_examples=6)
@given(st.integers(0, 1000), st.sampled_from([(-1, 1), (1, -1), (-1, -1)]))
def test_mirrored_cells_have_the_same_tracks(seed, sign):
    rows = drifting((6.0, 3.0), n_cells=36, seed=seed)
    mirrored = rows.assign(y_um=sign[0] * rows["y_um"], x_um=sign[1] * rows["x_um"])
    pd.testing.assert_frame_equal(link(rows), link(mirrored))


@settings(max_examples=6)
@given(st.integers(0, 1000))
def test_time_reversed_gives_the_same_links(seed):
    rows = wander(49, 8, step_um=3.0, missed=0.05, seed=seed)
    last = rows["frame"].max()
    whole = Track(mode="follow", divisions=False)
    forth = links(link(rows, whole), "cell_id")
    back = links(link(rows.assign(frame=last - rows["frame"]), whole), "cell_id")
    assert {(last - 1 - f, b, a) for f, a, b in back} == forth


@settings(max_examples=6)
@given(st.integers(0, 1000))
def test_frames_without_cells_at_the_end_change_nothing(seed):
    rows = wander(25, 6, step_um=3.0, missed=0.05, seed=seed)
    pd.testing.assert_frame_equal(
        link(rows),
        link(rows.assign(frame=rows["frame"] + 7)).assign(frame=lambda t: t["frame"] - 7),
    )


@settings(max_examples=6)
@given(st.integers(0, 1000))
def test_an_empty_frame_within_is_bridged_like_any_gap(seed):
    rows = wander(25, 8, step_um=1.0, seed=seed)
    later = rows.assign(frame=rows["frame"] + (rows["frame"] > 3))
    tracks = link(later)
    assert tracks["cell_id"].nunique() == 25
    assert link(later, Track(mode="follow", max_gap_frames=0))["cell_id"].nunique() == 50
