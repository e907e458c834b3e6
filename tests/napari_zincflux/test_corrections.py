"""Commands of the corrections: what they do to outlines, the log and its file."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from napari_zincflux.corrections import Corrections
from napari_zincflux.errors import CorrectionError
from zincflux.edits import EditLog


def quiet(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def finish(steps):
    def run():
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                return stop.value

    return quiet(run)


def cells_in(labels):
    return set(np.unique(labels).tolist()) - {0}


def test_merge_shows_at_once_and_is_measured_later(static):
    made = Corrections(static)
    made.merge((1, 2))
    assert cells_in(made.labels()) == {1, 3, 4}
    assert made.stale
    made.accept(finish(made.update()))
    assert not made.stale
    assert cells_in(made.labels()) == {1, 3, 4} == set(made.analysis.cells["cell_id"])
    assert made.log.edits[0].cell_ids == (1, 2)


def test_split_without_a_line_halves_a_round_cell(static):
    made = Corrections(static)
    before = np.count_nonzero(made.labels() == 1)
    made.split(1)
    areas = np.bincount(made.labels().ravel())[[1, 5]]
    assert areas.sum() == before
    assert min(areas) > 0.3 * before


def test_split_at_the_neck_of_what_was_merged(static):
    made = Corrections(static)
    one = made.labels()
    made.merge((1, 3))
    made.split(1)
    after = made.labels()
    assert cells_in(after) == {1, 2, 4, 5}
    for cell in (1, 3):
        assert len(np.unique(after[one == cell])) == 1


def test_split_along_a_line_leaves_the_number_to_the_larger_part(static):
    made = Corrections(static)
    y, x = (int(v) for v in np.argwhere(made.labels() == 4).mean(axis=0) + 2)
    made.split(4, line=((y, 0), (y, x + 15)))
    after = np.bincount(made.labels().ravel())
    assert after[4] > after[5] > 0


def test_delete_several_is_one_command(static):
    made = Corrections(static)
    made.delete((2, 4))
    assert cells_in(made.labels()) == {1, 3}
    made.undo()
    assert cells_in(made.labels()) == {1, 2, 3, 4}
    assert not made.can_undo


def test_drawing_gives_takes_and_adds_in_one_command(static):
    made = Corrections(static)
    drawn = made.labels()
    drawn[0:5, 0:5] = 9  # new
    drawn[drawn == 2] = 0  # erased
    drawn[30:33, 30:33] = 1  # more of a cell
    drawn[drawn == 3] = 4  # a cell becomes another
    made.draw(drawn)
    after = made.labels()
    assert [edit.onto for edit in made.log.edits] == ["background", "cell", "cell", "new"]
    new = cells_in(after) - {1, 4}
    assert len(new) == 1
    np.testing.assert_array_equal(after == new.pop(), drawn == 9)
    np.testing.assert_array_equal(after == 1, drawn == 1)
    np.testing.assert_array_equal(after == 4, drawn == 4)
    made.undo()
    assert cells_in(made.labels()) == {1, 2, 3, 4}


def test_two_cells_may_swap_their_pixels(static):
    made = Corrections(static)
    before = made.labels()
    swapped = np.array([0, 2, 1, 3, 4], dtype=np.int32)[before]
    made.draw(swapped)
    # Each names the other's pixels; the first to move leaves the second no pixel to be named by.
    assert cells_in(made.labels()) <= {1, 2, 3, 4}


def test_drawing_nothing_is_no_command(static):
    made = Corrections(static)
    made.draw(made.labels())
    assert not made.can_undo


def test_exclusion_reaches_the_table(static):
    made = Corrections(static)
    made.exclude((2, 3), "mitotic")
    made.accept(finish(made.update()))
    cells = made.analysis.cells.set_index("cell_id")
    assert cells["excluded"].tolist() == [False, True, True, False]
    assert cells.loc[2, "reason"] == "by hand: mitotic"


def test_undo_and_redo_walk_the_same_way(static):
    made = Corrections(static)
    states = [made.log]
    for command in (
        lambda: made.delete((1,)),
        lambda: made.merge((2, 3)),
        lambda: made.exclude((4,), "dead"),
    ):
        command()
        states.append(made.log)
    for state in states[-2::-1]:
        made.undo()
        assert made.log == state
    for state in states[1:]:
        made.redo()
        assert made.log == state
    made.undo()
    made.delete((4,))
    assert not made.can_redo


def test_undo_shows_what_was_measured_before(static):
    made = Corrections(static)
    made.delete((1,))
    made.accept(finish(made.update()))
    made.undo()
    assert made.stale
    assert cells_in(made.labels()) == {1, 2, 3, 4}
    made.accept(finish(made.update()))
    assert set(made.analysis.cells["cell_id"]) == {1, 2, 3, 4}


def test_the_log_is_saved_after_each_command(static, tmp_path):
    file = tmp_path / "edits.toml"
    made = Corrections(static, autosave=file)
    for command in (lambda: made.delete((1,)), lambda: made.merge((2, 3)), made.undo, made.redo):
        command()
        assert EditLog.read(file) == made.log
    assert [path.name for path in tmp_path.iterdir()] == ["edits.toml"]


def test_a_saved_log_goes_on(static):
    log = EditLog()
    first = Corrections(static)
    first.delete((1,))
    log = first.log
    again = Corrections(static, log)
    assert again.stale
    assert cells_in(again.labels()) == {2, 3, 4}
    again.merge((2, 3))
    again.undo()
    again.undo()
    assert not again.stale
    assert cells_in(again.labels()) == {1, 2, 3, 4}


def test_a_command_that_cannot_be_saved_is_not_made(static, tmp_path):
    made = Corrections(static, autosave=tmp_path / "no folder" / "edits.toml")
    with pytest.raises(CorrectionError, match=r"cannot be saved.*Nothing was done"):
        made.delete((1,))
    assert not made.can_undo
    assert len(made.log) == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (lambda m: m.merge((1,)), r"expected two cells or more, found 1\. Click the first"),
        (lambda m: m.merge((1, 77)), r"cell 77: expected an outline, found none"),
        (lambda m: m.delete((0,)), r"expected a cell, found background"),
        (lambda m: m.delete(()), r"delete: expected a cell, found none"),
        (lambda m: m.split(1, line=((3, 3), (3, 3))), r"expected a line, found a single pixel"),
        (lambda m: m.split(1, line=((0, 0), (0, 9))), r"the line does not cross the cell"),
        (lambda m: m.exclude((1,), "  "), r"expected a reason, found none"),
        (lambda m: m.exclude((), "dead"), r"exclude: expected a cell, found none"),
        (lambda m: m.relink((1, 0), (2, 1)), r"expected cells that are followed, found static"),
        (lambda m: m.divide((1, 0), ((2, 1), (3, 1))), r"divide: expected cells that are followed"),
        (lambda m: m.draw(np.zeros((2, 2), np.int32)), r"draw: expected an image of \(64, 64\)"),
        (lambda m: m.undo(), r"nothing was corrected"),
        (lambda m: m.redo(), r"nothing was undone"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(static, command, message):
    made = Corrections(static)
    with pytest.raises(CorrectionError, match=message):
        command(made)
    assert len(made.log) == 0


def test_a_cell_of_one_pixel_is_not_split(static):
    made = Corrections(static)
    drawn = made.labels()
    drawn[0, 0] = 9
    made.draw(drawn)
    with pytest.raises(CorrectionError, match=r"expected a cell of two pixels or more"):
        made.split(5)


def test_an_analysis_that_kept_nothing_cannot_be_corrected(static):
    with pytest.raises(ValueError, match=r"expected one made with keep=True"):
        Corrections(replace(static, kept=None))


def test_static_outlines_move_with_the_field(static):
    frames = static.frames.assign(drift_y_um=2.4, drift_x_um=-1.6)
    assert Corrections(replace(static, frames=frames)).shift(3) == (2, -2)


def test_moving_cells_are_corrected_frame_by_frame(moving):
    made = Corrections(moving)
    assert made.follows
    assert made.shift(3) == (0, 0)
    cell = min(cells_in(made.labels(3)))
    made.delete((cell,), 3)
    assert cell not in cells_in(made.labels(3))
    assert cell in cells_in(made.labels(4))
    assert made.undo() == 3
    assert made.redo() == 3


def test_a_new_cell_gets_a_number_that_no_cell_has_in_any_frame(moving):
    made = Corrections(moving)
    cell = min(cells_in(made.labels(2)))
    made.split(cell, 2)
    new = cells_in(made.labels(2)) - set(moving.cells["cell_id"])
    assert len(new) == 1


def test_links_are_corrected(moving):
    made = Corrections(moving)
    one, two = sorted(cells_in(made.labels(2)) & cells_in(made.labels(3)))[:2]
    made.relink((one, 2), (two, 3))
    made.accept(finish(made.update()))
    at = np.argwhere(Corrections(moving).labels(3) == two)[0]
    assert made.labels(3)[tuple(at)] == one
    assert made.undo() == 2
    made.relink((one, 2))
    made.accept(finish(made.update()))
    cells = made.analysis.cells.set_index("cell_id")
    assert cells.loc[one, "last_frame"] == 2


def test_a_division_is_said(moving):
    made = Corrections(moving)
    one, two, three = sorted(cells_in(made.labels(2)) & cells_in(made.labels(3)))[:3]
    made.divide((one, 2), ((two, 3), (three, 3)))
    assert made.undo() == 2
    made.redo()
    made.accept(finish(made.update()))
    assert (made.analysis.cells["parent_id"] == one).sum() == 2
    assert made.analysis.edits.applied == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (lambda m, c: m.relink((c, 3), (c, 3)), r"expected a frame after 3, found 3"),
        (lambda m, c: m.divide((c, 3), ((c, 2), (c, 4))), r"expected a frame after 3, found 2"),
        (lambda m, c: m.divide((c, 3), ((c, 4), (c, 4))), r"expected two daughters, found one"),
        (lambda m, c: m.delete((999,), 2), r"cell 999: expected an outline in frame 2"),
    ],
)
def test_what_cannot_be_linked_is_said(moving, command, message):
    made = Corrections(moving)
    with pytest.raises(CorrectionError, match=message):
        command(made, min(cells_in(made.labels(3))))
