"""Links that are told in two steps; no Qt."""

import numpy as np
import pytest

from napari_zincflux.corrections import Corrections
from napari_zincflux.errors import CorrectionError
from napari_zincflux.link_telling import LinkTelling
from zincflux import reanalyze

pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")


@pytest.fixture
def made(moving):
    return Corrections(moving)


@pytest.fixture
def telling(made):
    return LinkTelling(made)


def cells_in(made, *frames):
    """Cells that are outlined in all of some frames."""
    ids = [set(np.unique(made.labels(t)).tolist()) - {0} for t in frames]
    return sorted(set.intersection(*ids))


def test_a_link_is_told_from_one_cell_to_another(made, telling):
    one, two = cells_in(made, 2, 5)[:2]
    first = telling.relink([one], 2)
    assert first.select is None
    assert f"Cell {one} goes on as" in first.text
    assert len(made.log) == 0
    done = telling.relink([two], 5)
    assert done.select == (one,)
    assert (made.log.edits[0].before.frame, made.log.edits[0].after.frame) == (2, 5)
    assert telling.relink([one], 2).select is None


def test_another_kind_of_link_forgets_what_was_begun(made, telling):
    one, two, three = cells_in(made, 2, 3)[:3]
    telling.relink([one], 2)
    assert telling.divide([one], 2).select is None
    telling.end([two], 2)
    assert made.log.edits[0].after is None
    assert telling.divide([three], 2).select is None
    with pytest.raises(CorrectionError, match=r"expected two selected daughters of cell"):
        telling.divide([one], 3)
    assert telling.divide([one, two], 3).select == (three,)


def test_a_daughter_begins_where_the_mother_ended(made, telling):
    """The mother's own track is one of the daughters: she begins in the very next frame."""
    mother, other = cells_in(made, 4, 5, 6, 9)[:2]
    telling.divide([mother], 4)
    telling.divide([mother, other], 9)
    (edit,) = made.log.edits
    assert [place.frame for place in edit.daughters] == [5, 9]


def test_a_daughter_that_is_new_begins_with_her_first_frame(made, telling):
    mother, late = cells_in(made, *range(10))[:2]
    for t in range(4):
        made.delete([late], t)
    made.accept(reanalyze(made.analysis, made.log))
    assert made.analysis.cells.set_index("cell_id").loc[late, "first_frame"] == 4
    telling.divide([mother], 2)
    telling.divide([mother, late], 9)
    assert [place.frame for place in made.log.edits[-1].daughters] == [3, 4]
    made.accept(reanalyze(made.analysis, made.log))
    assert (made.analysis.cells["parent_id"] == mother).sum() == 2


@pytest.mark.parametrize("command", ["relink", "divide", "end"])
def test_one_cell_is_needed(telling, command):
    for cells in ([], [1, 2]):
        with pytest.raises(CorrectionError, match=rf"{command}: expected one selected cell, found"):
            getattr(telling, command)(cells, 2)


def test_static_cells_have_no_links(static):
    telling = LinkTelling(Corrections(static))
    for command in ("relink", "divide", "end"):
        with pytest.raises(CorrectionError, match=r"expected cells that are followed"):
            getattr(telling, command)([1], 2)
