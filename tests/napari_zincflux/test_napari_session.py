"""The session behind the dock: Qt-free, and the same numbers as the command line."""

import os
import warnings

import numpy as np
import pandas as pd
import pytest

import zincflux
from napari_zincflux.choices import SECTIONS, STEPS, Choices, default_of
from napari_zincflux.opened import open_place
from napari_zincflux.outcomes import Found
from napari_zincflux.places import autosave_file, cache_folder
from napari_zincflux.session import Session
from zincflux.experiment import Experiment
from zincflux.results import write_simulation

pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")

TABLES = ("traces", "cells", "responses", "frames", "suspects")


def drive(steps):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    settings = zincflux.Simulation(n_cells=6, n_frames=40, shape_px=(96, 96), seed=3)
    drive(write_simulation(zincflux.simulate(settings), folder))
    return folder


@pytest.fixture(scope="module")
def measured(simulated):
    """Outcome of a run, shared: what is measured does not change."""
    session = Session()
    session.take_opened(open_place(simulated / "experiment.toml"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return drive(session.run())


@pytest.fixture
def session(simulated, monkeypatch, tmp_path):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    made = Session()
    made.take_opened(open_place(simulated / "experiment.toml"))
    return made


def states(session):
    return [session.state(step) for step in STEPS]


def test_every_section_of_the_experiment_belongs_to_one_step():
    named = [name for step in STEPS for name in SECTIONS[step]]
    assert len(named) == len(set(named))
    assert set(Experiment.model_fields) - set(named) == {"schema_version", "table"}


def test_nothing_is_there_before_a_movie_is_opened():
    session = Session()
    assert states(session) == ["missing"] * 5
    assert (session.table("traces"), session.autosave, session.gaps) == (None, None, ())
    assert session.time_s is None
    assert session.phase_at(0) == ""


def test_states_follow_the_choices(session, measured):
    assert states(session) == ["fresh", "fresh", "missing", "missing", "missing"]
    session.take_found(drive(session.preview()))
    assert session.found.n_cells > 0
    assert states(session) == ["fresh", "fresh", "fresh", "missing", "missing"]
    session.take_measured(measured)
    assert states(session) == ["fresh"] * 5
    session.choices.set("background.percentile", 10.0)
    assert states(session) == ["fresh", "fresh", "fresh", "stale", "stale"]
    session.choices.set("segment.diameter_um", 12.0)
    assert session.state("cells") == "stale"
    session.choices.set("segment.diameter_um", 15.0)
    session.choices.set("background.percentile", None)
    assert states(session) == ["fresh"] * 5


def test_a_name_makes_nothing_stale(session, measured):
    session.take_measured(measured)
    session.choices.set("name", "another")
    assert states(session) == ["fresh"] * 5


def test_a_wrong_setting_is_found_at_its_step(session):
    session.choices.set("segment.diameter_um", -3.0)
    assert session.state("cells") == "wrong"
    assert "segment.diameter_um" in session.choices.problem()
    with pytest.raises(zincflux.ZincfluxError, match="diam"):
        session.preview()


def test_settings_may_be_changed_while_work_is_under_way(session):
    steps = session.preview()
    next(steps)
    session.choices.set("segment.diameter_um", 11.0)
    session.take_found(drive(steps))
    assert session.state("cells") == "stale"


def test_phases_tell_where_a_frame_lies(session):
    first, *_, last = session.choices.experiment().phases
    assert session.phase_at(0) == first.name
    assert session.phase_at(39) == last.name
    session.choices.set("movie.frame_interval_s", 1.0)
    np.testing.assert_array_equal(session.time_s, np.arange(40.0))


def test_a_bare_movie_says_what_it_lacks(tmp_path):
    import tifffile

    file = tmp_path / "bare.tif"
    tifffile.imwrite(file, np.zeros((3, 2, 8, 8), np.uint16), metadata={"axes": "TCYX"})
    session = Session()
    session.take_opened(open_place(file))
    assert session.gaps == ("movie.pixel_size_um", "movie.frame_interval_s", "channels.signal")
    assert session.state("movie") == "wrong"
    session.choices.set("movie.pixel_size_um", 0.5)
    session.choices.set("movie.frame_interval_s", 2.0)
    session.choices.set("channels.signal", 0)
    assert session.gaps == ()
    assert session.state("movie") == "fresh"


@pytest.mark.slow
def test_export_is_what_the_command_line_makes_of_the_saved_experiment(session, tmp_path, measured):
    session.choices.set("segment.diameter_um", 14.0)
    saved = session.save(tmp_path / "dish")
    outcome = drive(session.export(tmp_path / "exported"))
    again = zincflux.run(saved, tmp_path / "again")
    for name in TABLES:
        file = f"{name}.parquet"
        assert (outcome.out / file).read_bytes() == (again.out / file).read_bytes()
    for name in ("traces.csv", "cells.csv", "responses.csv"):
        assert (outcome.out / name).read_bytes() == (again.out / name).read_bytes()


@pytest.mark.slow
def test_the_dock_shows_the_numbers_that_are_exported(session, tmp_path, measured):
    session.take_measured(measured)
    outcome = drive(session.export(tmp_path / "out"))
    stored = zincflux.read_results(outcome.out)
    for name in TABLES:
        shown = session.table(name).reset_index(drop=True)
        pd.testing.assert_frame_equal(shown, getattr(stored, name), check_dtype=False)


def test_export_saves_the_experiment_beside_the_folder_where_there_is_no_file(
    simulated, tmp_path, monkeypatch
):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    session = Session()
    session.take_opened(open_place(simulated / "movie.ome.tif"))
    session.export(tmp_path / "out").close()
    stored = zincflux.load_experiment(tmp_path / "out_settings.toml")
    assert stored.movie.path == str(simulated / "movie.ome.tif")
    assert session.file is None


def test_export_leaves_the_file_that_was_opened_as_it_was(session, simulated, tmp_path):
    file = simulated / "experiment.toml"
    before = file.read_bytes()
    assert session.is_saved
    session.choices.set("segment.diameter_um", 13.0)
    assert not session.is_saved
    session.export(tmp_path / "out").close()
    assert file.read_bytes() == before
    assert zincflux.load_experiment(tmp_path / "out_settings.toml").segment.diameter_um == 13.0


def test_an_experiment_that_is_gone_or_damaged_is_not_saved(session, tmp_path):
    saved = session.save(tmp_path / "dish")
    assert session.is_saved
    saved.write_text("no experiment", encoding="utf-8")
    assert not session.is_saved
    saved.unlink()
    assert not session.is_saved


def test_corrections_go_with_the_experiment(session, tmp_path, measured):
    session.take_measured(measured)
    labels = measured.analysis.labels
    y, x = np.argwhere(labels == labels.max())[0]
    from zincflux.edits.kinds import KINDS

    edit = KINDS["delete"](point=(int(y), int(x)), cell_ids=(int(labels.max()),))
    session.log = session.log.with_edit(edit)
    saved = session.save(tmp_path / "dish.toml")
    assert zincflux.EditLog.read(tmp_path / "dish.edits.toml") == session.log
    reopened = Session()
    reopened.take_opened(open_place(saved))
    assert reopened.log == session.log
    n_cells = len(drive(reopened.run()).analysis.cells)
    assert n_cells == len(measured.analysis.cells) - 1


def test_autosaved_corrections_come_back_with_the_movie(simulated, tmp_path, monkeypatch):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    session = Session()
    session.take_opened(open_place(simulated / "movie.ome.tif"))
    from zincflux.edits.kinds import KINDS

    log = zincflux.EditLog().with_edit(KINDS["delete"](point=(1, 2), cell_ids=(1,)))
    session.autosave.parent.mkdir(parents=True)
    log.write(session.autosave)
    again = Session()
    again.take_opened(open_place(simulated / "movie.ome.tif"))
    assert again.log == log
    assert again.note == f"1 correction came back from {session.autosave}."


def delete_of(x):
    from zincflux.edits.kinds import KINDS

    return KINDS["delete"](point=(1, x), cell_ids=(1,))


def test_corrections_that_cannot_be_read_are_set_aside(simulated, tmp_path, monkeypatch):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    session = Session()
    session.take_opened(open_place(simulated / "movie.ome.tif"))
    file = session.autosave
    file.parent.mkdir(parents=True)
    for text, ending in (("not a log", ".unreadable"), ("neither", ".unreadable2")):
        file.write_text(text, encoding="utf-8")
        session.take_opened(open_place(simulated / "movie.ome.tif"))
        assert len(session.log) == 0
        assert session.note.startswith("The corrections cannot be read: ")
        assert session.note.endswith(f"The file is now {file.name}{ending}.")
        assert not file.exists()
        assert file.with_name(file.name + ending).read_text(encoding="utf-8") == text


def test_corrections_that_cannot_be_set_aside_are_told(session, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("read-only")

    session.log = session.log.with_edit(delete_of(2))
    saved = session.save(tmp_path / "dish")
    session.autosave.write_text("not a log", encoding="utf-8")
    monkeypatch.setattr("pathlib.Path.rename", refuse)
    session.take_opened(open_place(saved))
    assert "Copy the file before you correct anything" in session.note
    assert session.autosave.is_file()


def test_corrections_that_are_gone_are_told(session, tmp_path):
    session.log = session.log.with_edit(delete_of(2))
    saved = session.save(tmp_path / "dish")
    session.autosave.unlink()
    session.take_opened(open_place(saved))
    assert session.note.endswith("dish.edits.toml: the corrections are not there any more.")


def test_a_log_that_the_experiment_names_is_the_one_that_is_kept(session, tmp_path):
    session.log = session.log.with_edit(delete_of(2))
    saved = session.save(tmp_path / "dish")
    text = saved.read_text(encoding="utf-8")
    assert "dish.edits.toml" in text
    (tmp_path / "dish.edits.toml").rename(tmp_path / "by_hand.toml")
    saved.write_text(text.replace("dish.edits.toml", "by_hand.toml"), encoding="utf-8")
    session.take_opened(open_place(saved))
    assert session.autosave == tmp_path / "by_hand.toml"
    later = session.log.with_edit(delete_of(3))
    later.write(session.autosave)
    session.take_opened(open_place(saved))
    assert session.log == later


def test_corrections_go_to_the_user_where_the_folder_is_read_only(session, tmp_path, monkeypatch):
    session.log = session.log.with_edit(delete_of(2))
    saved = session.save(tmp_path / "dish")
    before = session.autosave
    access = os.access
    monkeypatch.setattr("os.access", lambda place, mode: place != tmp_path and access(place, mode))
    session.take_opened(open_place(saved))
    assert session.autosave.parent == tmp_path / "cache" / "corrections"
    later = session.log.with_edit(delete_of(3))
    session.autosave.parent.mkdir(parents=True)
    later.write(session.autosave)
    os.utime(before, (1, 1))
    session.take_opened(open_place(saved))
    assert session.log == later
    monkeypatch.setattr("os.access", access)
    session.take_opened(open_place(saved))
    assert (session.log, session.autosave) == (later, before)


@pytest.mark.parametrize(
    ("platform", "variable", "default"),
    [
        ("linux", "XDG_DATA_HOME", ".local/share"),
        ("darwin", "", "Library/Application Support"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_corrections_lie_where_nothing_is_emptied(
    tmp_path, monkeypatch, platform, variable, default
):
    monkeypatch.setattr("sys.platform", platform)
    for name in ("ZINCFLUX_CACHE", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert autosave_file("a.tif").parent == tmp_path / default / "zincflux" / "corrections"
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "mine"))
        assert autosave_file("a.tif").parent == tmp_path / "mine" / "zincflux" / "corrections"
    else:
        assert cache_folder() == tmp_path / "Library" / "Caches" / "zincflux"


def test_a_name_with_a_point_is_not_cut(session, tmp_path):
    other = tmp_path / "dish_0.toml"
    other.write_text("another", encoding="utf-8")
    session.log = session.log.with_edit(delete_of(2))
    assert session.save(tmp_path / "dish_0.5uM") == tmp_path / "dish_0.5uM.toml"
    assert session.autosave == tmp_path / "dish_0.5uM.edits.toml"
    assert session.save(tmp_path / "plate.TOML") == tmp_path / "plate.TOML"
    assert other.read_text(encoding="utf-8") == "another"


def test_a_correction_that_was_undone_does_not_come_back_with_the_saved_file(session, tmp_path):
    empty = session.log
    session.log = empty.with_edit(delete_of(2))
    session.save(tmp_path / "dish")
    session.log = empty
    saved = session.save(tmp_path / "dish")
    session.take_opened(open_place(saved))
    assert len(session.log) == 0


def test_export_does_not_move_the_corrections(session, simulated, tmp_path):
    before = session.autosave
    session.log = session.log.with_edit(delete_of(2))
    session.export(tmp_path / "out").close()
    assert (tmp_path / "out_settings.edits.toml").is_file()
    assert session.autosave == before


def test_a_correction_makes_the_outcome_stale(session, measured):
    session.take_measured(measured)
    session.take_found(Found(measured.made_with, None, None))
    session.log = session.log.with_edit(delete_of(2))
    assert states(session) == ["fresh", "fresh", "stale", "stale", "stale"]


@pytest.mark.slow
def test_results_are_opened_with_and_without_their_movie(session, tmp_path, simulated):
    out = drive(session.export(tmp_path / "out")).out
    opened = Session()
    opened.take_opened(open_place(out))
    assert states(opened) == ["fresh"] * 5
    assert len(opened.table("cells")) > 0
    opened.choices.set("background.percentile", 10.0)
    assert states(opened) == ["fresh", "fresh", "fresh", "stale", "stale"]
    opened.choices.set("segment.diameter_um", 12.0)
    assert opened.state("cells") == "stale"
    opened.choices.set("segment.diameter_um", 15.0)
    opened.choices.set("background.percentile", None)
    assert states(opened) == ["fresh"] * 5
    opened.log = opened.log.with_edit(delete_of(2))
    assert opened.state("results") == "stale"
    movie = simulated / "movie.ome.tif"
    aside = movie.rename(simulated / "moved.tif")
    try:
        opened.take_opened(open_place(out))
    finally:
        aside.rename(movie)
    assert opened.movie is None
    assert len(opened.table("traces")) > 0


@pytest.mark.parametrize(
    ("before", "method", "kept"),
    [
        ({"segment.minimum_contrast": 0.3, "segment.diameter_um": 9.0}, "otsu", {"diameter_um"}),
        ({"segment.diameter_um": 9.0}, "cellpose", {"diameter_um"}),
    ],
)
def test_another_method_drops_what_it_does_not_use(before, method, kept):
    choices = Choices({"movie": {"path": "a.tif"}})
    for key, value in before.items():
        choices.set(key, value)
    choices.set("segment.method", method)
    assert choices.problem() is None
    assert set(choices.data["segment"]) == kept | {"method"}


def test_a_default_is_no_choice():
    choices = Choices({"movie": {"path": "a.tif"}})
    choices.set("segment.method", "otsu")
    choices.set("segment.method", "watershed")
    choices.set("indicator", "none")
    assert choices.data == {"movie": {"path": "a.tif"}}


@pytest.mark.parametrize(
    ("key", "default"),
    [
        ("segment.regions", ["cell"]),
        ("movie.path", None),
        ("movie.pixel_size_um", None),
        ("flux.responder_k", 3.0),
        ("no.such", None),
        ("segment.no_such", None),
        ("indicator", "none"),
    ],
)
def test_defaults(key, default):
    assert default_of(key) == default


def test_what_names_a_phase_follows_its_new_name():
    rest = {"name": "rest", "role": "baseline", "start_s": 0.0}
    zinc = {"name": "zinc", "role": "response", "start_s": 9.0}
    choices = Choices({"movie": {"path": "a.tif"}, "phases": [rest, zinc]})
    choices.set("bleaching.method", "exponential")
    choices.set("bleaching.phases", ["rest"])
    choices.set("segment.projection", "phase:rest")
    assert choices.problem() is None
    choices.set("phases", [{**rest, "name": "before"}, zinc])
    assert choices.get("bleaching.phases") == ["before"]
    assert choices.get("segment.projection") == "phase:before"
    assert choices.problem() is None
    choices.set("phases", [zinc])
    assert choices.get("bleaching.phases") == []
    assert choices.get("segment.projection") == "auto"
