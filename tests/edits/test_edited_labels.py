"""Edits of outlines: what they change, and that they change nothing else."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.ndimage import find_objects
from skimage.draw import disk

from any_edits import SIZE, label_edits, label_images, points, two_pixels_of_a_cell
from zincflux.edits import (
    Delete,
    Exclude,
    Merge,
    Numbered,
    Paint,
    Split,
    anchor_of,
    cell_at,
    pixels_of,
    replay_labels,
    runs_of,
)
from zincflux.edits.pixels import boxes_of

PAIR = np.zeros((9, 20), dtype=np.int32)
PAIR[2:7, 2:8] = 3
PAIR[2:7, 12:18] = 5


def replayed(labels, *edits):
    return replay_labels(labels, [Numbered(n, edit) for n, edit in enumerate(edits, start=1)])


def only(labels, edit):
    done = replayed(labels, edit)
    assert not done.skipped
    return done.labels


def reason(labels, edit):
    done = replayed(labels, edit)
    np.testing.assert_array_equal(done.labels, labels)
    assert done.applied == ()
    return done.skipped[0].reason


def same_partition(one, other):
    """Whether two label images show the same cells, whatever their numbers."""
    pairs = {(a, b) for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_merge_keeps_the_number_of_the_first():
    assert np.unique(only(PAIR, Merge(points=((4, 15), (4, 4))))).tolist() == [0, 5]


def test_split_cuts_at_the_neck():
    image = np.zeros((40, 60), dtype=np.int32)
    truth = image.copy()
    for number, (centre, radius) in enumerate((((20, 20), 13), ((20, 40), 9)), start=1):
        truth[disk(centre, radius, shape=image.shape)] = number
    image[truth > 0] = 7
    cut = only(image, Split(point=(20, 18), other=(22, 43)))
    assert np.unique(cut).tolist() == [0, 7, 8]
    assert cut[20, 20] == 7
    wrong = (cut == 7) != (truth == 1)
    assert np.count_nonzero(wrong & (image > 0)) < 0.02 * np.count_nonzero(image)


def test_split_along_a_line_leaves_the_line_with_the_point():
    block = np.full((5, 5), 2, dtype=np.int32)
    cut = only(block, Split(point=(0, 0), line=((2, 0), (2, 4))))
    np.testing.assert_array_equal(cut, np.repeat([2, 2, 2, 3, 3], 5).reshape(5, 5))
    other = only(block, Split(point=(4, 0), line=((2, 0), (2, 4))))
    np.testing.assert_array_equal(other, np.repeat([3, 3, 2, 2, 2], 5).reshape(5, 5))


def test_a_piece_that_no_flood_reaches_stays_with_the_point():
    image = np.array([[4, 4, 4, 4, 0, 4]], dtype=np.int32)
    cut = only(image, Split(point=(0, 0), other=(0, 3)))
    assert cut[0, [0, 3, 5]].tolist() == [4, 5, 4]


def test_delete_and_paint():
    assert np.unique(only(PAIR, Delete(point=(4, 4)))).tolist() == [0, 5]
    grown = only(PAIR, Paint(onto="cell", point=(4, 4), runs=((0, 0, 3), (0, 2, 20))))
    assert (grown[0] == 3).all()
    rubbed = only(PAIR, Paint(onto="background", runs=((2, 0, 20),)))
    assert not rubbed[2].any()


def test_no_number_is_used_again():
    done = replayed(
        PAIR,
        Delete(point=(4, 15)),
        Paint(onto="new", runs=((0, 0, 2),)),
        Delete(point=(0, 0)),
        Split(point=(2, 2), line=((4, 0), (4, 9))),
    )
    assert np.unique(done.labels).tolist() == [0, 3, 7]
    assert done.applied == (1, 2, 3, 4)


def test_the_given_labels_stay_as_they_are():
    labels = PAIR.copy()
    replayed(labels, Delete(point=(4, 4)))
    np.testing.assert_array_equal(labels, PAIR)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Delete(point=(0, 0)), "no cell lies under [0, 0]"),
        (Delete(point=(9, 0)), "[9, 0] lies outside the image of 9 × 20 pixels"),
        (Delete(point=(0, 20)), "[0, 20] lies outside the image of 9 × 20 pixels"),
        (Merge(points=((4, 4), (5, 5))), "its points lie in one cell already, 3"),
        (Merge(points=((4, 4), (0, 0), (4, 15))), "no cell lies under [0, 0]"),
        (
            Split(point=(4, 4), other=(4, 15)),
            "its points lie in two cells already, 3 and 5",
        ),
        (Split(point=(4, 4), line=((0, 0), (0, 9))), "the line does not cut cell 3"),
        (
            Split(point=(4, 4), line=((0, 0), (8, 8))),
            "[4, 4] lies on the line, so on neither side",
        ),
        (
            Paint(onto="new", runs=((8, 18, 21),)),
            "it reaches outside the image of 9 × 20 pixels",
        ),
        (
            Paint(onto="new", runs=((9, 1, 2),)),
            "it reaches outside the image of 9 × 20 pixels",
        ),
        (
            Paint(onto="cell", point=(0, 0), runs=((1, 1, 2),)),
            "no cell lies under [0, 0]",
        ),
    ],
)
def test_what_does_not_apply_says_why(edit, expected):
    assert reason(PAIR, edit) == expected


def test_numbers_end_somewhere():
    last = np.where(PAIR == 5, 2**31 - 1, PAIR).astype(np.int32)
    paint = Paint(onto="new", runs=((0, 0, 1),))
    assert reason(last, paint) == "the new cell would need a number above 2147483647"


def test_other_edits_do_not_belong_here():
    with pytest.raises(TypeError, match="expected an edit of outlines, found exclude"):
        replayed(PAIR, Exclude(point=(4, 4), reason="dead"))


@given(label_images(), st.lists(label_edits(), max_size=6))
def test_edits_change_what_they_name_and_nothing_else(labels, edits):
    done = replayed(labels, *edits)
    assert done.labels.dtype == np.int32
    assert len(done.applied) + len(done.skipped) == len(edits)
    last = int(labels.max())
    named = np.zeros(labels.shape, dtype=bool)
    image = labels
    for number, edit in enumerate(edits, start=1):
        after = only(image, edit) if number in done.applied else image
        cells = [cell_at(image, p) for p in _points(edit) if image[p]]
        named |= np.isin(image, cells)
        if isinstance(edit, Paint):
            named.ravel()[pixels_of(edit.runs, labels.shape[1])] = True
        image = after
    # A number may be taken in between, and its cell be painted over.
    numbers = np.unique(done.labels[done.labels > last])
    assert len(numbers) <= len(done.applied)
    np.testing.assert_array_equal(done.labels[~named], labels[~named])


def _points(edit):
    if isinstance(edit, Merge):
        return edit.points
    return [] if edit.point is None else [edit.point]


@given(two_pixels_of_a_cell())
def test_merging_what_was_split_gives_the_cell_back(drawn):
    labels, point, other = drawn
    cut = only(labels, Split(point=point, other=other))
    assert cut[point] == labels[point]
    assert cut[other] == labels.max() + 1
    healed = only(cut, Merge(points=(point, other)))
    np.testing.assert_array_equal(healed, labels)


@given(two_pixels_of_a_cell(), points())
def test_merging_what_a_line_cut_gives_the_cell_back(drawn, end):
    labels, point, start = drawn
    assume(start != end)
    cut = replayed(labels, Split(point=point, line=(start, end)))
    assume(cut.applied)
    new = anchor_of(cut.labels, int(cut.labels.max()))
    healed = only(cut.labels, Merge(points=(point, new)))
    np.testing.assert_array_equal(healed, labels)


@given(two_pixels_of_a_cell())
def test_painting_what_was_deleted_gives_the_cells_back(drawn):
    labels, point, _ = drawn
    runs = runs_of(labels == labels[point])
    restored = replayed(labels, Delete(point=point), Paint(onto="new", runs=runs)).labels
    assert same_partition(restored, labels)
    np.testing.assert_array_equal(restored == labels.max() + 1, labels == labels[point])


@given(label_images())
def test_runs_are_the_pixels_of_a_mask(labels):
    mask = labels > 0
    drawn = np.zeros(mask.size, dtype=bool)
    drawn[pixels_of(runs_of(mask), SIZE)] = True
    np.testing.assert_array_equal(drawn.reshape(mask.shape), mask)


@given(label_images())
def test_an_anchor_lies_in_its_cell(labels):
    for cell in np.unique(labels[labels > 0]).tolist():
        assert labels[anchor_of(labels, cell)] == cell


def test_an_anchor_lies_deep_inside():
    assert anchor_of(PAIR, 3) in {(4, 4), (4, 5)}
    with pytest.raises(ValueError, match="expected a number in the label image, found 4"):
        anchor_of(PAIR, 4)


@given(label_images())
def test_boxes_are_those_of_scipy(labels):
    expected = {
        number: (rows, columns)
        for number, found in enumerate(find_objects(labels), start=1)
        if found is not None
        for rows, columns in [found]
    }
    assert {cell: box.slices for cell, box in boxes_of(labels).items()} == expected
