"""Edits of links, and numbers that stay."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_edits import link_edits
from zincflux.edits import (
    Division,
    Merge,
    NotApplicable,
    Numbered,
    Place,
    Relink,
    keep_numbers,
    relinked,
)

COLUMNS = ["frame", "label", "cell_id", "parent_id"]


def tracks(*cells, parents=None):
    """One text per cell: its label in each frame, or a dot."""
    rows = [
        (t, int(label), number, (parents or {}).get(number, 0))
        for number, text in enumerate(cells, start=1)
        for t, label in enumerate(text)
        if label != "."
    ]
    return pd.DataFrame(sorted(rows), columns=COLUMNS)


def texts(table, n_frames):
    """The same texts back, by cell."""
    result = {}
    for cell, rows in table.groupby("cell_id"):
        labels = dict(zip(rows["frame"], rows["label"], strict=True))
        result[int(cell)] = "".join(str(labels.get(t, ".")) for t in range(n_frames))
    return result


def mothers(table):
    born = table[table["parent_id"] > 0]
    return dict(zip(born["cell_id"].tolist(), born["parent_id"].tolist(), strict=True))


def at(frame, label):
    return Place(frame=frame, point=(label, 0))


def label_at(place):
    if place.point[0] == 0:
        raise NotApplicable("no cell lies under [0, 0]")
    return place.point[0]


def replayed(table, *edits):
    numbered = [Numbered(n, edit) for n, edit in enumerate(edits, start=1)]
    return relinked(table, numbered, label_at)


def only(table, *edits):
    after, skipped = replayed(table, *edits)
    assert not skipped
    return after


def test_a_gap_is_closed():
    after = only(tracks("11...", "..22.", "...33"), Relink(before=at(1, 1), after=at(2, 2)))
    assert texts(after, 5) == {1: "1122.", 3: "...33"}


def test_two_cells_that_were_swapped():
    """The first edit leaves the rest of cell 1 as a new cell, which the second one gives to 2."""
    edits = Relink(before=at(1, 1), after=at(2, 2)), Relink(before=at(1, 2), after=at(2, 1))
    assert texts(only(tracks("1111", "2222"), edits[0]), 4) == {1: "1122", 2: "22..", 3: "..11"}
    assert texts(only(tracks("1111", "2222"), *edits), 4) == {1: "1122", 2: "2211"}


def test_a_cell_ends():
    after = only(tracks("1111", "2222"), Relink(before=at(1, 1)))
    assert texts(after, 4) == {1: "11..", 2: "2222", 3: "..11"}


def test_a_division():
    table = tracks("1111", "...2")
    after = only(table, Division(mother=at(2, 1), daughters=(at(3, 1), at(3, 2))))
    assert texts(after, 4) == {1: "111.", 2: "...2", 3: "...1"}
    assert mothers(after) == {2: 1, 3: 1}


def test_a_division_cuts_what_goes_on():
    after = only(
        tracks("11111", "22222"), Division(mother=at(1, 1), daughters=(at(3, 1), at(4, 2)))
    )
    assert texts(after, 5) == {
        1: "11...",
        2: "2222.",
        3: "...11",
        4: "....2",
        5: "..1..",
    }
    assert mothers(after) == {3: 1, 4: 1}


def test_a_division_that_was_none():
    """The cell goes on as one daughter, so that the other one is not born of it."""
    table = tracks("11..", "..22", "..33", parents={2: 1, 3: 1})
    after = only(table, Relink(before=at(1, 1), after=at(2, 2)))
    assert texts(after, 4) == {1: "1122", 3: "..33"}
    assert mothers(after) == {}


def test_daughters_follow_their_mother():
    table = tracks("1....", ".22..", "...33", "...44", parents={3: 2, 4: 2})
    after = only(table, Relink(before=at(0, 1), after=at(1, 2)))
    assert mothers(after) == {3: 1, 4: 1}
    cut = only(table, Relink(before=at(1, 2)))
    assert texts(cut, 5)[5] == "..2.."
    assert mothers(cut) == {3: 5, 4: 5}


def test_new_cells_are_numbered_in_the_order_of_the_log():
    table = tracks("1111", "2222")
    first = Relink(before=at(1, 1))
    after = only(table, first, Relink(before=at(1, 2)))
    assert texts(after, 4) == {1: "11..", 2: "22..", 3: "..11", 4: "..22"}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (Relink(before=at(0, 0)), "no cell lies under [0, 0]"),
        (Relink(before=at(3, 1)), "cell 1 ends there already"),
        (Relink(before=at(0, 1), after=at(3, 1)), "both are cell 1 already"),
        (
            Division(mother=at(0, 1), daughters=(at(2, 2), at(3, 2))),
            "both daughters are one cell, 2",
        ),
    ],
)
def test_what_does_not_apply_says_why(edit, reason):
    table = tracks("1111", "2222")
    after, skipped = replayed(table, edit)
    assert [item.reason for item in skipped] == [reason]
    pd.testing.assert_frame_equal(after, table)


def test_an_edit_that_fails_half_way_leaves_no_trace():
    table = tracks("1111", "2222")
    broken = Division(mother=at(0, 1), daughters=(at(2, 2), at(3, 0)))
    after, _ = replayed(table, broken, Relink(before=at(1, 1)))
    assert texts(after, 4) == {1: "11..", 2: "2222", 3: "..11"}


def test_other_edits_do_not_belong_here():
    with pytest.raises(TypeError, match="expected an edit of links, found Merge"):
        replayed(tracks("1"), Merge(points=((0, 0), (1, 1))))


@st.composite
def tables(draw):
    """Tracks over 4 frames of up to 5 labels each, without gaps; some were born of others."""
    n = draw(st.integers(1, 5))
    cells = []
    for label in range(1, n + 1):
        start = draw(st.integers(0, 3))
        stop = draw(st.integers(start + 1, 4))
        cells.append("." * start + str(label) * (stop - start) + "." * (4 - stop))
    parents = {}
    for number, text in enumerate(cells, start=1):
        start = len(text) - len(text.lstrip("."))
        before = [k for k, other in enumerate(cells, start=1) if len(other.rstrip(".")) <= start]
        if before and draw(st.booleans()):
            parents[number] = draw(st.sampled_from(before))
    return tracks(*cells, parents=parents)


@pytest.mark.slow
@given(tables(), st.lists(link_edits(size=6), max_size=5))
def test_links_stay_sound_under_any_edits(table, edits):
    known = set(zip(table["frame"], table["label"], strict=True))

    def lookup(place):
        if (place.frame, place.point[0]) not in known:
            raise NotApplicable("nothing there")
        return place.point[0]

    numbered = [Numbered(n, edit) for n, edit in enumerate(edits, start=1)]
    after, skipped = relinked(table, numbered, lookup)
    pd.testing.assert_frame_equal(after[["frame", "label"]], table[["frame", "label"]])
    assert not after.duplicated(["frame", "cell_id"]).any()
    assert (after.groupby("cell_id")["parent_id"].nunique() == 1).all()
    last = after.groupby("cell_id")["frame"].max()
    for cell, mother in mothers(after).items():
        assert last[mother] < after.loc[after["cell_id"] == cell, "frame"].min()
    new = after.loc[after["cell_id"] > table["cell_id"].max(), "cell_id"].nunique()
    assert new <= 3 * (len(edits) - len(skipped))
    if len(skipped) == len(edits):
        pd.testing.assert_frame_equal(after, table)


def test_tracks_keep_their_numbers():
    before = tracks("1111", "2222", "33..")
    after = before.assign(cell_id=before["cell_id"].map({1: 3, 2: 1, 3: 2}))
    pd.testing.assert_frame_equal(keep_numbers(before, after), before)


def test_a_track_that_is_cut_keeps_its_number_where_it_is_longer():
    before = tracks("11111", "2222.")
    after = tracks("11...", "..111", "2222.", parents={3: 1})
    kept = keep_numbers(before, after)
    assert texts(kept, 5) == {1: "..111", 2: "2222.", 3: "11..."}
    assert mothers(kept) == {2: 3}


def test_numbers_without_any_cell_before():
    nothing = pd.DataFrame(np.zeros((0, 4), dtype=np.int64), columns=COLUMNS)
    after = tracks("11", "22")
    pd.testing.assert_frame_equal(keep_numbers(nothing, after), after)
    assert len(keep_numbers(after, nothing)) == 0


@pytest.mark.slow
@given(tables(), st.randoms(use_true_random=False))
def test_numbers_are_given_once(table, random):
    cells = sorted(set(table["cell_id"].tolist()))
    shuffled = random.sample(cells, len(cells))
    after = table.assign(
        cell_id=table["cell_id"].map(dict(zip(cells, shuffled, strict=True))), parent_id=0
    )
    kept = keep_numbers(table, after)
    pd.testing.assert_series_equal(kept["cell_id"], table["cell_id"])
