"""Results that were opened: what they know of corrections, and made correctable again; no Qt."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

import zincflux
from napari_zincflux.choices import STEPS
from napari_zincflux.corrections import Corrections
from napari_zincflux.opened import log_of_results, open_place
from napari_zincflux.outcomes import difference
from napari_zincflux.session import Session
from runs import make_dish, run_quietly
from zincflux.edits import Delete, anchor_of
from zincflux.steps import complete

pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")

TABLES = ("traces", "cells", "responses", "frames", "suspects")


@pytest.fixture(scope="module")
def dish(tmp_path_factory):
    """Experiment file with results beside it."""
    file = make_dish(tmp_path_factory.mktemp("dish"))
    run_quietly(file, file.parent / "out")
    return file


@pytest.fixture
def copied(dish, tmp_path, monkeypatch):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    shutil.copytree(dish.parent, tmp_path / "dish")
    return tmp_path / "dish"


@pytest.fixture
def session(copied):
    made = Session()
    made.take_opened(open_place(copied / "out"))
    return made


def deleting(session, cell):
    labels = session.finished.label_images[0]
    return session.log.with_edit(Delete(point=anchor_of(labels, cell), cell_ids=(cell,)))


def states(session):
    return [session.state(step) for step in STEPS]


def with_a_log(copied):
    """Save the experiment with one correction, and run it; give file, log and results."""
    first = Session()
    first.take_opened(open_place(copied / "out"))
    first.log = deleting(first, 2)
    file = first.save(copied / "corrected.toml")
    return file, first.log, run_quietly(file, copied / "corrected").out


def test_results_are_measured_again_and_corrected_like_a_run(session):
    stored = session.results
    assert states(session) == ["fresh"] * 5
    assert session.obstacle == ""
    measured = complete(session.remake())
    assert measured.note == ""
    session.take_measured(measured)
    assert states(session) == ["fresh"] * 5
    for name in TABLES:
        pd.testing.assert_frame_equal(
            session.table(name).reset_index(drop=True), getattr(stored, name), check_dtype=False
        )
    corrections = Corrections(measured.analysis, session.log)
    corrections.delete([2])
    session.log = corrections.log
    assert states(session) == ["fresh", "fresh", "stale", "stale", "stale"]
    corrected = complete(corrections.update())
    assert list(corrected.cells["cell_id"]) == [1, 3, 4]


def test_to_stop_loses_nothing(session):
    before, log = session.results, session.log
    steps = session.remake()
    assert next(steps).total > 0
    steps.close()
    assert session.results is before
    assert session.log is log
    assert session.measured is None
    assert states(session) == ["fresh"] * 5


def test_other_choices_make_stale_what_is_made_correctable(session):
    session.choices.set("segment.diameter_um", 11.0)
    session.take_measured(complete(session.remake()))
    assert session.measured.analysis.experiment.segment.diameter_um == 12.0
    assert states(session)[2:] == ["stale"] * 3
    session.choices.set("segment.diameter_um", 12.0)
    assert states(session) == ["fresh"] * 5


@pytest.mark.slow
def test_corrections_of_the_results_are_kept(copied, session):
    _, log, out = with_a_log(copied)
    session.take_opened(open_place(out))
    assert session.log == log
    assert log_of_results(session.results) == log
    assert states(session) == ["fresh"] * 5
    measured = complete(session.remake())
    assert measured.note == ""
    session.take_measured(measured)
    assert states(session) == ["fresh"] * 5
    assert list(session.table("cells")["cell_id"]) == [1, 3, 4]
    assert session.autosave == copied / "corrected.edits.toml"


@pytest.mark.slow
def test_corrections_made_since_make_the_results_stale(copied, session):
    _, log, out = with_a_log(copied)
    later = log.with_edit(Delete(point=anchor_of(session.results.labels[0], 3), cell_ids=(3,)))
    later.write(copied / "corrected.edits.toml")
    session.take_opened(open_place(out))
    assert session.log == later
    assert log_of_results(session.results) is None
    assert states(session)[2:] == ["stale"] * 3
    measured = complete(session.remake())
    assert measured.note == ""
    session.take_measured(measured)
    assert states(session) == ["fresh"] * 5
    assert list(session.table("cells")["cell_id"]) == [1, 4]


def test_corrections_that_were_never_run_come_back_and_wait(copied, session):
    later = deleting(session, 3)
    session.autosave.parent.mkdir(parents=True)
    later.write(session.autosave)
    session.take_opened(open_place(copied / "out"))
    assert session.log == later
    assert states(session)[2:] == ["stale"] * 3
    session.take_measured(complete(session.remake()))
    assert list(session.table("cells")["cell_id"]) == [1, 2, 4]
    assert states(session) == ["fresh"] * 5


@pytest.mark.slow
def test_results_whose_log_is_gone_are_stale(copied, session):
    _, _, out = with_a_log(copied)
    (copied / "corrected.edits.toml").unlink()
    session.take_opened(open_place(out))
    assert session.note.endswith("corrected.edits.toml: the corrections are not there any more.")
    assert states(session)[2:] == ["stale"] * 3


def test_without_their_movie_results_cannot_be_corrected(copied, session):
    (copied / "movie.ome.tif").unlink()
    session.take_opened(open_place(copied / "out"))
    place = copied / "movie.ome.tif"
    assert f"cannot be corrected, as their movie is not at {place}" in session.obstacle
    with pytest.raises(ValueError, match=r"expected opened results with their movie, found none"):
        session.remake()


def test_results_of_a_table_have_no_outlines_to_correct(tmp_path, session):
    table = pd.DataFrame({"time_s": range(30), "a": range(100, 130), "b": range(200, 230)})
    table.to_csv(tmp_path / "traces.csv", index=False)
    out = zincflux.convert(tmp_path / "traces.csv", tmp_path / "converted").out
    session.take_opened(open_place(out))
    assert session.obstacle.startswith("These results were made from a table of traces")


def test_after_a_run_nothing_stands_against_corrections(session):
    session.take_measured(complete(session.run()))
    assert session.obstacle == ""
    with pytest.raises(ValueError, match="expected opened results"):
        session.remake()


def test_other_numbers_than_the_stored_ones_are_told(copied, session):
    traces = pd.read_parquet(copied / "out/traces.parquet")
    traces.loc[traces["cell_id"] == 2, "signal"] += 1.0
    traces.to_parquet(copied / "out/traces.parquet")
    run = json.loads((copied / "out/run.json").read_text(encoding="utf-8"))
    run["versions"]["zincflux"] = "0.0.7"
    (copied / "out/run.json").write_text(json.dumps(run), encoding="utf-8")
    session.take_opened(open_place(copied / "out"))
    stored = session.results
    measured = complete(session.remake())
    assert measured.note.startswith(
        "1 cell differs from the stored results, which zincflux 0.0.7 made"
    )
    session.log = deleting(session, 3)
    # With other corrections they are not to be the same.
    assert complete(session.remake()).note == ""
    analysis = measured.analysis
    without = stored.traces[stored.traces["cell_id"] > 3]
    from dataclasses import replace

    assert difference(replace(stored, traces=without), analysis).startswith("3 cells differ")
    regions = stored.traces.assign(region="cell")
    assert difference(replace(stored, traces=regions), analysis).startswith("4 cells differ")


@pytest.mark.slow
def test_moving_cells_are_measured_again_and_mapped_alike(tmp_path, monkeypatch):
    from zincflux.results import write_simulation

    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    settings = zincflux.Simulation(
        kind="fret", moving=True, n_cells=6, n_frames=24, shape_px=(96, 96), seed=3
    )
    complete(write_simulation(zincflux.simulate(settings), tmp_path / "made"))
    out = run_quietly(tmp_path / "made/experiment.toml", tmp_path / "made/out").out
    session = Session()
    session.take_opened(open_place(out))
    stored = session.results
    measured = complete(session.remake())
    assert measured.note == ""
    assert len(measured.analysis.label_images) == len(stored.label_images) == 24
    one, other = zincflux.zinc_images(stored), zincflux.zinc_images(measured.analysis)
    assert one.dye is None
    for t in (3, 12):
        np.testing.assert_allclose(one[t].zinc_nM, other[t].zinc_nM, rtol=1e-9)
        np.testing.assert_array_equal(one[t].reason, other[t].reason)
