"""Corrections by hand in an analysis, and an analysis that is corrected afterwards."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tifffile
from dishes import BACKGROUND, RADIUS, SIZE, dish, experiment_of, movie_of
from scipy import ndimage

from zincflux.columns import TABLES
from zincflux.edits import (
    Accept,
    Delete,
    Division,
    EditLog,
    Exclude,
    Merge,
    Paint,
    Place,
    Relink,
    Split,
    anchor_of,
    runs_of,
)
from zincflux.errors import EditWarning, ExperimentError
from zincflux.pipeline import Analysis, analyze, iter_reanalyze, iter_view, reanalyze

N_FRAMES = 8
DRIFT = [(t // 3, -(t // 2)) for t in range(N_FRAMES)]


def quiet(make):
    """Run without the warnings of ours that random edits and tiny movies give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def assert_same(one: Analysis, other: Analysis) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert len(one.label_images) == len(other.label_images)
    for a, b in zip(one.label_images, other.label_images, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.warnings == other.warnings
    assert one.counts == other.counts
    assert one.edits == other.edits


def plain(changes=None):
    """An experiment without phases, in which an analysis takes little time."""
    own = {"phases": [], "indicator": "none", "calibration": {}}
    return experiment_of({**own, **(changes or {})})


def still_movie(shifts=None, dtype=np.uint16):
    trace = 400.0 + 100.0 * np.arange(N_FRAMES)
    return dish(trace, shifts=shifts, dtype=dtype)


CENTRES = np.array([(20.0, 20.0), (20.0, 60.0), (60.0, 24.0), (64.0, 66.0)])


def drawn_cells(t):
    """True labels of a frame."""
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.zeros((SIZE, SIZE), dtype=np.int32)
    for k, (cy, cx) in enumerate(CENTRES):
        inside = (y - cy - t) ** 2 + (x - cx + (k % 2) * 2 * t - t) ** 2 <= RADIUS**2
        image[inside] = k + 1
    return image


def moving_movie():
    """Four discs that move, two of them towards the others."""
    light = np.array([0, 300, 400, 500, 600])
    frames = np.stack([light[drawn_cells(t)] for t in range(N_FRAMES)])[:, None] + BACKGROUND
    rng = np.random.default_rng(3)
    return movie_of(np.rint(frames + rng.standard_normal(frames.shape)).astype(np.uint16))


FOLLOW = {"track": {"mode": "follow"}}

REGIONS = {
    "channels": {"signal": "dye", "nucleus": "H2B"},
    "segment": {"diameter_um": 2 * RADIUS, "regions": ["nucleus", "ring", "cell"]},
    "background": {"method": "ring"},
}


def with_nuclei(movie):
    """Add a channel in which the middle of each cell is bright."""
    dye = np.asarray(movie.data)
    cells = ndimage.gaussian_filter((dye > BACKGROUND + 100).astype(float), (0, 0, 3, 3))
    return movie_of(np.concatenate([dye, (100 + 800 * cells**2).astype(np.uint16)], 1), CHANNELS)


CHANNELS = ("dye", "H2B")

KINDS = {
    "static": (plain(), still_movie()),
    "drift": (plain({"drift": {"method": "phase-correlation"}}), still_movie(DRIFT)),
    "ring": (
        plain({"background": {"method": "ring"}, "drift": {"method": "phase-correlation"}}),
        still_movie(DRIFT),
    ),
    "flat field of floats": (
        plain({"flat_field": {"method": "estimate"}}),
        still_movie(dtype=np.float32),
    ),
    "regions": (plain(REGIONS), with_nuclei(still_movie())),
    "follow": (plain(FOLLOW), moving_movie()),
    "regions that move": (plain({**REGIONS, **FOLLOW}), with_nuclei(moving_movie())),
}


@pytest.fixture(scope="module")
def kept():
    made: dict[str, Analysis] = {}

    def give(kind: str) -> Analysis:
        if kind not in made:
            experiment, movie = KINDS[kind]
            made[kind] = quiet(lambda: analyze(experiment, movie=movie, jobs=1, keep=True))
        return made[kind]

    return give


def anchors(analysis: Analysis, t: int = 0) -> dict[int, tuple[int, int]]:
    labels = analysis.label_images[t]
    return {int(cell): anchor_of(labels, int(cell)) for cell in np.unique(labels[labels > 0])}


def any_log(analysis: Analysis, seed: int, n: int = 6) -> EditLog:
    """Draw edits of all kinds, most of which name a cell that is there."""
    rng = np.random.default_rng(seed)
    follows = len(analysis.label_images) > 1

    def somewhere(t):
        cells = list(anchors(analysis, t).values())
        return cells[rng.integers(len(cells))] if rng.random() < 0.95 else (1, 1)

    def place(t):
        return Place(frame=t, point=somewhere(t))

    def outline(kind, t):
        frame = t if follows else None
        point, other = somewhere(t), somewhere(t)
        top, left = (int(start) for start in rng.integers(0, SIZE - 12, 2))
        runs = tuple((row, left, left + 10) for row in range(top, top + 10))
        across = int(rng.integers(-3, 4)) + point[0]
        line = ((max(across, 0), 0), (max(across, 0), SIZE - 1))
        return {
            "merge": lambda: Merge(frame=frame, points=(point, other)),
            "split": lambda: Split(frame=frame, point=(point[0] + 4, point[1]), line=line),
            "delete": lambda: Delete(frame=frame, point=point),
            "new": lambda: Paint(frame=frame, onto="new", runs=runs),
            "cell": lambda: Paint(frame=frame, onto="cell", point=point, runs=runs),
            "background": lambda: Paint(frame=frame, onto="background", runs=runs),
            "exclude": lambda: Exclude(frame=frame, point=point, reason="dead"),
            "accept": lambda: Accept(suspect="gap", frame=frame, point=point),
        }[kind]()

    kinds = ["merge", "split", "delete", "new", "cell", "background", "exclude", "accept"]
    log = EditLog()
    for kind in rng.choice(kinds + ["relink", "end", "division"] * follows, n):
        t = int(rng.integers(0, N_FRAMES - 1 if follows else 1))
        if kind == "relink":
            edit = Relink(before=place(t), after=place(t + 1))
        elif kind == "end":
            edit = Relink(before=place(t))
        elif kind == "division":
            cells = list(anchors(analysis, t + 1).values())[:2]
            two = tuple(Place(frame=t + 1, point=point) for point in cells)
            edit = Division(mother=place(t), daughters=two)
        else:
            edit = outline(kind, t)
        log = log.with_edit(edit)
    return log


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_correcting_an_analysis_gives_what_analysing_anew_gives(kept, kind, seed):
    experiment, movie = KINDS[kind]
    first, then = (any_log(kept(kind), 2 * seed + k) for k in range(2))
    corrected = quiet(lambda: reanalyze(kept(kind), first))
    again = quiet(lambda: reanalyze(corrected, then))
    anew = quiet(lambda: analyze(experiment, movie=movie, jobs=1, edits=then))
    assert_same(again, anew)
    assert again.edits.applied >= 2
    assert_same(quiet(lambda: reanalyze(again, EditLog())), kept(kind))


def columns(table, cells, *names):
    rows = table[table["cell_id"].isin(cells)].reset_index(drop=True)
    return rows[list(names)] if names else rows


@pytest.mark.parametrize("kind", ["static", "ring"])
def test_cells_that_no_edit_names_keep_their_numbers_and_values(kept, kind):
    before = kept(kind)
    at = anchors(before)
    beside = at[3][1] + 2
    cut = Split(point=at[3], line=((0, beside), (95, beside)))
    log = EditLog(edits=(Merge(points=(at[1], at[2])), cut))
    log = log.with_edit(Delete(point=at[4])) if kind == "static" else log
    after = reanalyze(before, log)
    rest = [4] if kind == "ring" else []
    pd.testing.assert_frame_equal(
        columns(after.traces, rest), columns(before.traces, rest), check_exact=True
    )
    assert after.cells["cell_id"].tolist() == ([1, 3, 4, 5] if kind == "ring" else [1, 3, 5])
    pd.testing.assert_frame_equal(
        after.frames.drop(columns="n_cells"), before.frames.drop(columns="n_cells")
    )


def test_only_what_changed_is_measured(kept):
    before = kept("static")
    at = anchors(before)
    assert before.kept.n_measured == 4 * N_FRAMES
    merged = reanalyze(before, EditLog(edits=(Merge(points=(at[1], at[2])),)))
    assert merged.kept.n_measured == N_FRAMES
    gone = reanalyze(before, EditLog(edits=(Delete(point=at[1]),)))
    assert gone.kept.n_measured == 0
    assert reanalyze(gone, EditLog()).kept.n_measured == N_FRAMES


def test_only_the_frame_that_changed_is_measured(kept):
    before = kept("follow")
    at = anchors(before, 3)
    log = EditLog(edits=(Delete(frame=3, point=next(iter(at.values()))),))
    after = quiet(lambda: reanalyze(before, log))
    assert after.kept.n_measured == len(at) - 1
    assert quiet(lambda: reanalyze(after, log)).kept.n_measured == 0


def test_nothing_is_kept_unless_asked(kept):
    bare = replace(kept("static"), kept=None)
    with pytest.raises(ValueError, match=r"Make it with analyze\(\.\.\., keep=True\)"):
        reanalyze(bare, EditLog())
    assert analyze(plain(), movie=still_movie(), jobs=1).kept is None


def test_progress_is_told_frame_by_frame(kept):
    steps = list(iter_reanalyze(kept("static"), EditLog()))
    assert [step.done for step in steps] == [*range(1, N_FRAMES + 1)]


def test_a_drawn_cell_does_not_count_as_background(kept):
    """Painting over a quarter of the field must not raise the background of the other cells."""
    experiment, movie = KINDS["static"]
    bright = np.asarray(movie.data).copy()
    bright[:, :, 30:, 40:58] += 5000
    bright[:, :, :, 80:] += 5000
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[30:, 40:58] = mask[:, 80:] = True
    ours = replace(movie, data=bright)
    log = EditLog(edits=(Paint(onto="new", runs=runs_of(mask)),))
    given_cells = quiet(lambda: analyze(experiment, movie=ours, jobs=1, edits=log))
    assert given_cells.frames["dye_background"].to_numpy() == pytest.approx(BACKGROUND, abs=1)


def test_a_deleted_cell_does_not_count_as_background(kept):
    before = kept("static")
    log = EditLog(edits=tuple(Delete(point=point) for point in anchors(before).values()))
    after = quiet(lambda: reanalyze(before, log))
    assert len(after.cells) == 0
    pd.testing.assert_series_equal(
        after.frames["dye_background"], before.frames["dye_background"], check_exact=True
    )


def test_an_excluded_cell_says_why():
    movie = dish()
    before = analyze(experiment_of(), movie=movie, jobs=1, keep=True)
    at = anchors(before)
    log = EditLog(
        edits=(
            Exclude(point=at[2], reason="dead"),
            Exclude(point=at[2], reason="dead"),
            Exclude(point=at[2], reason="out of focus"),
        )
    )
    after = reanalyze(before, log)
    assert after.cells["excluded"].tolist() == [False, True, False, False]
    assert after.cells["reason"].tolist() == ["", "by hand: dead; out of focus", "", ""]
    assert after.counts["n_excluded"] == 1
    pd.testing.assert_frame_equal(after.traces, before.traces)


def test_a_reason_by_hand_comes_after_the_automatic_one():
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[36:44, 36:44] = True
    log = EditLog(
        edits=(Paint(onto="new", runs=runs_of(mask)), Exclude(point=(40, 40), reason="empty"))
    )
    after = quiet(lambda: analyze(experiment_of(), movie=dish(), jobs=1, edits=log))
    assert after.cells["reason"].iloc[-1].startswith("no ")
    assert after.cells["reason"].iloc[-1].endswith("; by hand: empty")


def test_edits_that_do_not_apply_are_named(kept):
    before = kept("static")
    edits = (
        Delete(point=(0, 0), cell_ids=(7,)),
        Exclude(point=(1, 1), reason="dead"),
        Delete(point=anchors(before)[1]),
        Delete(point=(0, 0), frame=2),
    )
    with pytest.warns(EditWarning) as caught:
        after = reanalyze(before, EditLog(edits=edits))
    (message,) = (str(one.message) for one in caught)
    assert message == (
        "edits: 3 of 4 corrections by hand no longer apply and are left out: edit 1 (delete at "
        "[0, 0], then cell 7): no cell lies under [0, 0]; edit 2 (exclude at [1, 1]): no cell lies "
        "under [1, 1]; edit 4 (delete at [0, 0] in frame 2): it belongs to frame 2, but there is "
        'one outline for all frames with track.mode = "static". Make them again, or remove them '
        "from edits.path."
    )
    assert message in after.warnings
    assert after.edits.applied == 1
    assert [item.item.number for item in after.edits.not_applied] == [1, 2, 4]


def test_many_edits_that_do_not_apply_are_counted(kept):
    log = EditLog(edits=(Delete(point=(0, 0)),) * 8)
    with pytest.warns(EditWarning, match=r"edit 5 \(delete.*\[0, 0\]; and 3 more\. Make them"):
        after = reanalyze(kept("static"), log)
    assert len(after.edits.not_applied) == 8


def tracks_of(analysis):
    """Centroid (y, x) in µm of each cell by frame."""
    rows = analysis.traces.dropna(subset="area_um2")
    return {
        int(cell): dict(zip(part["frame"].tolist(), part["y_um"].tolist(), strict=True))
        for cell, part in rows.groupby("cell_id")
    }


def test_a_wrong_split_is_healed_where_cells_are_followed(kept):
    """A cell that falls in two in one frame: merging its halves gives its one trace back."""
    true = kept("follow")
    at = anchors(true, 4)
    (y, x) = at[1]
    cut = Split(frame=4, point=(y - 2, x), line=((y, 0), (y, 95)))
    broken = quiet(lambda: reanalyze(true, EditLog(edits=(cut,))))
    assert len(broken.cells) == len(true.cells) + 1
    other = next(p for cell, p in anchors(broken, 4).items() if cell > max(at))
    log = EditLog(edits=(cut, Merge(frame=4, points=((y - 2, x), other))))
    healed = reanalyze(broken, log)
    pd.testing.assert_frame_equal(healed.traces, true.traces, check_exact=True)
    pd.testing.assert_frame_equal(healed.cells, true.cells, check_exact=True)


def test_other_tracks_keep_their_numbers(kept):
    before = kept("follow")
    at = anchors(before, 5)
    after = quiet(lambda: reanalyze(before, EditLog(edits=(Delete(frame=5, point=at[2]),))))
    rest = [cell for cell in at if cell != 2]
    pd.testing.assert_frame_equal(
        columns(after.traces, rest), columns(before.traces, rest), check_exact=True
    )
    assert 5 not in columns(after.traces, [2], "frame", "area_um2").dropna()["frame"].tolist()


def test_links_are_corrected(kept):
    before = kept("follow")
    first, last = anchors(before, 2), anchors(before, 3)
    swap = (
        Relink(before=Place(frame=2, point=first[1]), after=Place(frame=3, point=last[2])),
        Relink(before=Place(frame=2, point=first[2]), after=Place(frame=3, point=last[1])),
    )
    old, new = tracks_of(before), tracks_of(reanalyze(before, EditLog(edits=swap)))
    assert new.keys() == old.keys()
    for mine, other in ((1, 2), (2, 1)):
        assert new[mine] == {t: old[mine if t < 3 else other][t] for t in range(N_FRAMES)}


def test_a_division_gives_daughters_their_mother(kept):
    before = kept("follow")
    places = [
        Place(frame=t, point=anchors(before, t)[cell]) for t, cell in ((4, 1), (5, 1), (5, 2))
    ]
    log = EditLog(edits=(Division(mother=places[0], daughters=tuple(places[1:])),))
    after = reanalyze(before, log)
    parents = dict(zip(after.cells["cell_id"], after.cells["parent_id"], strict=True))
    new = max(before.cells["cell_id"]) + 1
    assert parents[new] == parents[new + 1] == 1
    assert after.cells.set_index("cell_id")["last_frame"][1] == 4


def test_links_to_nothing_do_not_apply(kept):
    before = kept("follow")
    log = EditLog(edits=(Relink(before=Place(frame=2, point=(0, 0))),))
    with pytest.warns(EditWarning, match=r"relink at \[0, 0\] in frame 2\): no cell lies under"):
        after = reanalyze(before, log)
    assert_frames(after, before)


def assert_frames(one, other):
    pd.testing.assert_frame_equal(one.traces, other.traces, check_exact=True)


def test_an_excluded_track(kept):
    before = kept("follow")
    log = EditLog(edits=(Exclude(frame=7, point=anchors(before, 7)[3], reason="dead"),))
    after = reanalyze(before, log)
    assert after.cells.loc[after.cells["excluded"], "cell_id"].tolist() == [3]


def test_a_table_has_no_pixels_to_edit():
    table = {"movie": None, "table": {"path": "t.csv"}, "segment": {}}
    with pytest.raises(ExperimentError, match="edits: of no use for a table, whose traces"):
        experiment_of({**table, "edits": {"path": "edits.toml"}})
    with pytest.raises(ExperimentError, match="edits: of no use for a table, which has no"):
        analyze(experiment_of(table), edits=EditLog())


def test_cells_that_were_taken_for_one_are_told_apart(tmp_path):
    """In one frame two followed cells are outlined as one: the cut gives both traces back."""
    movie = moving_movie()
    right = np.stack([drawn_cells(t) for t in range(N_FRAMES)])
    wrong = right.copy()
    wrong[4][wrong[4] == 2] = 1
    made = {}
    for name, stack in (("right", right), ("wrong", wrong)):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack)
        segment = {"method": "labels", "labels": str(tmp_path / f"{name}.tif")}
        background = {"method": "constant", "value": BACKGROUND}
        experiment = plain({**FOLLOW, "segment": segment, "background": background})
        made[name] = quiet(lambda e=experiment: analyze(e, movie=movie, jobs=2, keep=True))
    lost = made["wrong"].traces["area_um2"].isna()
    assert lost.any()
    cut = Split(frame=4, point=(24, 24), line=((0, 40), (95, 40)))
    healed = quiet(lambda: reanalyze(made["wrong"], EditLog(edits=(cut,))))
    assert healed.edits.applied == 1
    assert len(healed.cells) == len(CENTRES)
    values = ["frame", "time_s", "y_um", "x_um", "area_um2", "dye_raw", "dye_corrected"]
    sorted_rows = (
        one.traces[values].sort_values(["frame", "x_um"], ignore_index=True)
        for one in (healed, made["right"])
    )
    pd.testing.assert_frame_equal(*sorted_rows, check_exact=True)


def test_the_view_shows_corrected_outlines():
    experiment, movie = KINDS["follow"]
    log = EditLog(edits=(Delete(frame=0, point=(20, 20)), Delete(frame=1, point=(21, 61))))

    def view(edits):
        steps = iter_view(experiment, movie)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("zincflux.edits.Edits.load", lambda _: edits)
            return quiet(lambda: last(steps))[1]

    plain_view, corrected = view(EditLog()), view(log)
    gone = plain_view == plain_view[20, 20]
    np.testing.assert_array_equal(corrected, np.where(gone, 0, plain_view))


def last(steps):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
