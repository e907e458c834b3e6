"""Track: drawn movies, wandering cells whose identity is known, and simulated ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from cases import BLANK, DIVIDING, FLICKER, GAP, MOVING, links, mother_of, objects, wander
from zincflux.errors import ExperimentError
from zincflux.synthetic import Simulation, simulate
from zincflux.track import COLUMNS, Track, link
from zincflux.track.assignment import NO_LINK_COST, assign

FOLLOW = Track(mode="follow")


def names(tracks):
    """Cells as the drawing labels them: (frame, label) to cell."""
    rows = zip(tracks["frame"], tracks["label"], tracks["cell_id"], strict=True)
    return {(int(f), int(lab)): int(cell) for f, lab, cell in rows}


def test_labels_are_the_cells_where_they_stay_in_place():
    tracks = link(objects(MOVING), Track())
    assert tracks["cell_id"].tolist() == tracks["label"].tolist()
    assert not tracks["parent_id"].any()


def test_following_cells_whose_labels_change():
    cells = names(link(objects(MOVING), FOLLOW))
    assert cells == {(0, 1): 1, (0, 2): 2, (1, 3): 2, (1, 5): 1, (2, 4): 2, (2, 6): 1}


def test_table_is_sorted_and_of_whole_numbers():
    tracks = link(objects(MOVING)[::-1])
    assert tuple(tracks.columns) == COLUMNS
    assert set(tracks.dtypes) == {np.dtype("int64")}
    assert tracks[["frame", "label"]].apply(tuple, axis=1).is_monotonic_increasing


@pytest.mark.parametrize(("max_gap_frames", "n_cells"), [(1, 2), (2, 2), (0, 4)])
def test_gap_is_closed_up_to_its_bound(max_gap_frames, n_cells):
    tracks = link(objects(GAP), Track(mode="follow", max_gap_frames=max_gap_frames))
    assert tracks["cell_id"].nunique() == n_cells
    assert tracks["cell_id"].tolist()[:2] == [1, 2]


def test_gap_longer_than_its_bound_stays_open():
    pictures = (MOVING[0], BLANK, BLANK, BLANK, MOVING[0])
    assert link(objects(pictures), FOLLOW)["cell_id"].tolist() == [1, 2, 3, 4]


def test_division_ends_the_mother_and_makes_two_cells():
    tracks = link(objects(DIVIDING), FOLLOW)
    cells = names(tracks)
    mother, bystander = cells[0, 1], cells[0, 2]
    assert mother_of(tracks) == {cells[2, 3]: mother, cells[2, 4]: mother}
    assert tracks.loc[tracks["cell_id"] == mother, "frame"].tolist() == [0, 1]
    assert {cells[t, 2] for t in range(5)} == {bystander}
    assert cells[2, 3] == cells[4, 3] != cells[2, 4] == cells[4, 4]


def test_no_division_where_none_is_allowed():
    tracks = link(objects(DIVIDING), Track(mode="follow", divisions=False))
    assert not tracks["parent_id"].any()
    assert tracks["cell_id"].nunique() == 3


def test_flicker_of_an_outline_is_no_division():
    # The middle of each half lies 2 from that of the whole, which is far for cells of this size.
    tracks = link(objects(FLICKER), Track(mode="follow", max_step_um=3.0))
    assert not tracks["parent_id"].any()
    whole = names(tracks)
    assert {whole[t, 1] for t in (0, 1, 3, 4, 5)} == {whole[0, 1]}


def test_cells_that_part_after_touching_are_no_daughters():
    apart = objects(DIVIDING[2:]).query("label != 2")
    apart.loc[apart["label"] == 4, "area_um2"] = 5.0
    blob = pd.DataFrame({"label": [1], "y_um": [1.5], "x_um": [4.7], "area_um2": [9.0]})
    parts = [apart[apart["frame"] == 0].assign(frame=t) for t in range(3)]
    parts += [blob.assign(frame=t) for t in (3, 4)]
    parts += [apart[apart["frame"] == 0].assign(frame=t) for t in (5, 6, 7)]
    tracks = link(pd.concat(parts), FOLLOW)
    assert not tracks["parent_id"].any()
    assert tracks["cell_id"].nunique() == 2


def test_no_cells():
    empty = pd.DataFrame({name: [] for name in ("frame", "label", "y_um", "x_um", "area_um2")})
    tracks = link(empty, FOLLOW)
    assert tuple(tracks.columns) == COLUMNS
    assert len(tracks) == 0


def test_frames_that_are_absent_altogether():
    rows = objects(MOVING).query("frame == 0")
    later = link(pd.concat([rows.assign(frame=3), rows.assign(frame=90)]), FOLLOW)
    assert later["cell_id"].tolist() == [1, 2, 3, 4]
    assert later["frame"].tolist() == [3, 3, 90, 90]


def test_no_step_is_longer_than_allowed():
    rows = wander(49, 12, step_um=4.0)
    tracks = link(rows, Track(mode="follow", max_step_um=5.0, max_gap_frames=0, divisions=False))
    moved = tracks.merge(rows).sort_values(["cell_id", "frame"]).groupby("cell_id")
    steps = np.hypot(moved["y_um"].diff(), moved["x_um"].diff())
    assert steps.max() <= 5.0
    assert moved["frame"].diff().max() == 1


def test_all_cells_moving_alike_are_followed_up_to_half_their_spacing():
    rows = wander(36, 8, step_um=0.5, seed=4)
    rows["y_um"] += 12.0 * rows["frame"]
    tracks = link(rows, Track(mode="follow", max_step_um=20.0))
    assert tracks.merge(rows).groupby("cell")["cell_id"].nunique().max() == 1


def test_brightening_of_all_cells_does_not_count():
    rows = wander(25, 6, step_um=2.0, seed=5)
    rows["intensity"] = 100.0 * (1 + rows["cell"] % 5) * np.where(rows["frame"] > 2, 8.0, 1.0)
    tracks = link(rows).merge(rows)
    assert tracks.groupby("cell")["cell_id"].nunique().max() == 1
    assert tracks["cell_id"].nunique() == 25


def test_brightness_tells_two_cells_apart():
    rows = pd.DataFrame({"frame": [0, 0, 1, 1], "label": [1, 2, 1, 2], "y_um": 0.0})
    rows["x_um"] = [0.0, 4.0, 2.1, 1.9]
    rows["area_um2"] = 100.0
    assert names(link(rows))[1, 1] == 2
    rows["intensity"] = [10.0, 1000.0, 10.0, 1000.0]
    assert names(link(rows))[1, 1] == 1


@pytest.mark.parametrize(("step", "missed", "least"), [(1.0, 0.0, 1.0), (2.0, 0.03, 0.99)])
def test_wandering_cells_keep_their_identity(step, missed, least):
    rows = wander(64, 40, step_um=step, missed=missed, seed=1)
    found = links(link(rows), "cell_id")
    true = links(rows, "cell")
    assert len(found & true) >= least * len(true)
    assert len(found - true) <= (1 - least) * len(true)


@settings(max_examples=8)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_order_and_labels_do_not_matter(seed, random):
    rows = wander(16, 6, step_um=6.0, missed=0.1, seed=seed)
    shuffled = rows.sample(frac=1, random_state=random.randrange(1000))
    pd.testing.assert_frame_equal(link(rows), link(shuffled))
    relabelled = rows.assign(label=1000 - rows["label"])
    keys = ["frame", "y_um", "x_um"]
    old, new = link(rows).merge(rows), link(relabelled).merge(relabelled)
    both = old.merge(new, on=keys, suffixes=("", "_new"))
    pairs = both[["cell_id", "cell_id_new"]].drop_duplicates()
    assert len(pairs) == both["cell_id"].nunique() == both["cell_id_new"].nunique()


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_cells_are_numbered_by_first_frame_then_label(seed):
    tracks = link(wander(9, 6, step_um=9.0, missed=0.2, seed=seed))
    first = tracks.drop_duplicates("cell_id")
    assert first["cell_id"].tolist() == list(range(1, len(first) + 1))
    assert (tracks["parent_id"] < tracks["cell_id"]).all()
    assert not tracks.duplicated(["frame", "cell_id"]).any()


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_assignment_costs_as_little_as_the_dense_solution(seed, n, m):
    rng = np.random.default_rng(seed)
    cost = rng.choice([0.0, 0.5, 1.0, 2.5], (n, m)) + rng.random((n, m)) / 2
    known = rng.random((n, m)) < 0.7
    i, j = np.nonzero(known)
    chosen = assign(i, j, cost[i, j])
    assert np.unique(i[chosen]).size == np.unique(j[chosen]).size == chosen.sum()
    gain = np.where(known, np.minimum(cost - NO_LINK_COST, 0), 0)
    least = gain[linear_sum_assignment(gain)].sum()
    assert (cost[i, j][chosen] - NO_LINK_COST).sum() == pytest.approx(least)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="area_um2"), r"none named \['area_um2'\]"),
        (lambda rows: rows.assign(label=1), "each label once in a frame, found one twice"),
        (lambda rows: rows.assign(y_um=np.nan), "found NaN or 0"),
        (lambda rows: rows.assign(area_um2=0.0), "area above 0"),
    ],
)
def test_refused_tables(change, message):
    with pytest.raises(ValueError, match=message):
        link(change(objects(MOVING)), FOLLOW)


def test_settings_out_of_bounds_name_the_key():
    with pytest.raises(ExperimentError, match="max_step_um"):
        Track.parse({"max_step_um": 0}, where="track")


def test_simulated_cells_that_wander_and_divide():
    wanted = Simulation(
        kind="fret", moving=True, n_cells=25, n_frames=60, shape_px=(220, 220), seed=2,
        division_rate_per_h=0.5,
    )  # fmt: skip
    made = simulate(wanted)
    rows = made.truth.assign(label=made.truth["cell_id"])
    tracks = link(rows)
    true = links(rows, "label")
    assert len(links(tracks, "cell_id") & true) >= 0.99 * len(true)
    label = tracks.drop_duplicates("cell_id", keep="last").set_index("cell_id")["label"]
    found = {int(label[c]): int(label[p]) for c, p in mother_of(tracks).items()}
    born = made.cells.query("parent_id > 0")
    real = dict(zip(born["cell_id"].tolist(), born["parent_id"].tolist(), strict=True))
    right = [cell for cell, mother in found.items() if real.get(cell) == mother]
    assert len(right) >= 0.6 * len(real)
    assert len(found) - len(right) <= 2


@pytest.mark.parametrize("key", [{"max_step_um": 5.0}, {"max_gap_frames": 1}, {"divisions": False}])
def test_keys_of_follow_are_refused_in_static(key):
    with pytest.raises(ValueError, match=f"{next(iter(key))} has no effect with mode"):
        Track(**key)
