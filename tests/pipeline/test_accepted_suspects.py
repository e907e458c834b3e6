"""Suspects that were judged to be right: listed as such, and no longer to be looked at."""

import warnings
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from dishes import BACKGROUND, RADIUS, SIZE, dish, experiment_of, movie_of

from zincflux.columns import TABLES
from zincflux.edits import Accept, Delete, EditLog, Exclude, Paint, Relink, anchor_of
from zincflux.edits.kinds import Place, Suspect
from zincflux.errors import EditWarning
from zincflux.pipeline import analyze, reanalyze
from zincflux.track.suspects import KINDS

N_FRAMES = 9
CENTRES = ((18, 18), (18, 50), (50, 18), (50, 50), (72, 74))


def discs(t):
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.zeros((SIZE, SIZE), dtype=np.int32)
    for number, (cy, cx) in enumerate(CENTRES, start=1):
        image[(y - cy) ** 2 + (x - cx - t) ** 2 <= RADIUS**2] = number
    return image


@pytest.fixture(scope="module")
def moving():
    """Five cells that are all found in every frame."""
    frames = np.stack([np.where(discs(t) > 0, 600.0, 0.0) for t in range(N_FRAMES)])[:, None]
    noise = np.random.default_rng(0).standard_normal(frames.shape)
    movie = movie_of(np.rint(frames + BACKGROUND + noise).astype(np.uint16))
    plain = {"phases": [], "indicator": "none", "calibration": {}, "track": {"mode": "follow"}}
    return quiet(lambda: analyze(experiment_of(plain), movie=movie, jobs=1, keep=True))


def quiet(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def at(analysis, cell, t):
    return anchor_of(analysis.label_images[t], cell)


def missed(analysis, *cells, t=4):
    """Log in which cells are not found in a frame, which makes suspects of them."""
    edits = tuple(Delete(frame=t, point=at(analysis, cell, t)) for cell in cells)
    return EditLog(edits=edits)


def open_ones(analysis):
    table = analysis.suspects
    rows = table[~table["accepted"]]
    return sorted(zip(rows["cell_id"], rows["frame"], rows["kind"], strict=True))


def test_the_log_knows_every_kind_of_suspect():
    assert set(get_args(Suspect)) == {*KINDS, "left_out", "doubtful"}


def test_an_accepted_suspect_stays_listed_and_is_no_longer_open(moving):
    log = missed(moving, 1, 3)
    before = reanalyze(moving, log)
    assert open_ones(before) == [(1, 5, "gap"), (3, 5, "gap")]
    assert before.counts["n_suspects"] == 2
    log = log.with_edit(Accept(suspect="gap", frame=5, point=at(before, 3, 5), cell_ids=(3,)))
    after = reanalyze(before, log)
    assert open_ones(after) == [(1, 5, "gap")]
    rest = [name for name in before.suspects if name != "accepted"]
    pd.testing.assert_frame_equal(after.suspects[rest], before.suspects[rest])
    assert (after.counts["n_suspects"], after.counts["n_suspects_accepted"]) == (1, 1)
    assert after.kept.n_measured == 0
    assert after.edits.not_applied == ()
    pd.testing.assert_frame_equal(after.traces, before.traces)


def test_to_accept_links_and_measures_nothing_and_gives_what_analysing_anew_gives(
    moving, monkeypatch
):
    before = reanalyze(moving, missed(moving, 1, 3))
    log = missed(moving, 1, 3)
    for cell in (3, 1):
        log = log.with_edit(Accept(suspect="gap", frame=5, point=at(before, cell, 5)))
    movie = moving.kept.found.plan.movie
    anew = quiet(lambda: analyze(moving.experiment, movie=movie, jobs=1, edits=log))
    monkeypatch.setattr("zincflux.pipeline.analysis.identify", lambda *_: pytest.fail("linked"))
    one = reanalyze(before, log.without_last())
    both = reanalyze(one, log)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(both, name), getattr(anew, name), check_exact=True)
    assert (both.counts, both.edits, both.warnings) == (anew.counts, anew.edits, anew.warnings)
    assert both.kept.found.plan.edits.log == log
    assert open_ones(reanalyze(both, missed(moving, 1, 3))) == open_ones(before)


@pytest.mark.parametrize(
    ("suspect", "frame"), [("swap", 5), ("gap", 6)], ids=["other kind", "other frame"]
)
def test_only_what_was_looked_at_is_accepted(moving, suspect, frame):
    log = missed(moving, 3)
    log = log.with_edit(Accept(suspect=suspect, frame=frame, point=at(moving, 3, frame)))
    after = reanalyze(moving, log)
    assert open_ones(after) == [(3, 5, "gap")]
    assert after.edits.not_applied == ()


def test_a_cell_is_known_by_its_place_not_by_its_number(moving):
    """The track is renamed by another correction: cell 1 goes on as cell 3 from frame 5 on."""
    log = missed(moving, 3).with_edit(Accept(suspect="gap", frame=5, point=at(moving, 3, 5)))
    places = [Place(frame=4, point=at(moving, 1, 4)), Place(frame=6, point=at(moving, 3, 6))]
    log = log.with_edit(Relink(before=places[0], after=places[1]))
    after = quiet(lambda: reanalyze(moving, log))
    assert after.suspects.loc[after.suspects["accepted"], "cell_id"].tolist() == [3]


def test_a_frame_without_cells_is_accepted_as_a_whole(moving):
    log = missed(moving, 1, 2, 3, 4, 5)
    before = quiet(lambda: reanalyze(moving, log))
    assert (0, 4, "gap") in open_ones(before)
    after = quiet(lambda: reanalyze(moving, log.with_edit(Accept(suspect="gap", frame=4))))
    assert (0, 4, "gap") not in open_ones(after)
    assert len(after.suspects) == len(before.suspects)


def test_what_no_longer_applies_is_said(moving):
    log = missed(moving, 3).with_edit(Accept(suspect="gap", frame=5, point=(1, 1), cell_ids=(3,)))
    with pytest.warns(EditWarning, match=r"edit 2 \(accept at \[1, 1\] in frame 5, then cell 3\)"):
        after = reanalyze(moving, log)
    assert open_ones(after) == [(3, 5, "gap")]
    with pytest.warns(EditWarning, match=r"the movie has no frame 70: its last is 8"):
        reanalyze(moving, EditLog(edits=(Accept(suspect="gap", frame=70),)))


def test_a_doubtful_static_cell_is_accepted_by_its_outline():
    """What is painted where nothing glows has no calibration, so that the cell is left out."""
    movie, experiment = dish(), experiment_of()
    runs = tuple((row, 40, 48) for row in range(40, 48))
    log = EditLog(edits=(Paint(onto="new", runs=runs),))
    before = quiet(lambda: analyze(experiment, movie=movie, jobs=1, edits=log))
    assert open_ones(before) == [(5, 0, "left_out")]
    reason = before.cells.set_index("cell_id").loc[5, "reason"]
    assert before.suspects["detail"].tolist() == [reason]
    accept = Accept(suspect="left_out", point=(44, 44), cell_ids=(5,))
    after = quiet(lambda: analyze(experiment, movie=movie, jobs=1, edits=log.with_edit(accept)))
    assert open_ones(after) == []
    assert after.suspects["accepted"].tolist() == [True]
    assert after.cells.set_index("cell_id").loc[5, "reason"] == reason
    out = log.with_edit(Exclude(point=(44, 44), reason="nothing there"))
    by_hand = quiet(lambda: analyze(experiment, movie=movie, jobs=1, edits=out))
    assert len(by_hand.suspects) == 0
