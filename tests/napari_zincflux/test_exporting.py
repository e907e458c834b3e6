"""The menu of exports in a real window, and what it starts."""

import sys

import openpyxl
import pandas as pd
import pytest
from PIL import Image

from napari_zincflux import asking, exporting
from napari_zincflux.export_steps import filters, free_folder, iter_session_export, proposed_file
from napari_zincflux.opened import open_place
from napari_zincflux.session import Session
from runs import make_dish, names_in, run_quietly
from zincflux.errors import ExperimentError, ResultsError
from zincflux.export import EXPORTS
from zincflux.steps import complete

pytestmark = [
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 120_000


@pytest.fixture(scope="module")
def dish(tmp_path_factory):
    return make_dish(tmp_path_factory.mktemp("dish"))


@pytest.fixture(scope="module")
def stored(dish):
    return run_quietly(dish, dish.parent / "stored").out


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def session(dish):
    session = Session()
    session.take_opened(open_place(dish))
    return session


@pytest.fixture
def results(stored):
    session = Session()
    session.take_opened(open_place(stored))
    return session


def test_results_that_are_stored_are_not_made_again(results, stored, tmp_path):
    exported = complete(iter_session_export(results, "xlsx", tmp_path / "a.xlsx"))
    assert exported == (tmp_path / "a.xlsx", stored, False)
    assert names_in(tmp_path) == {"a.xlsx"}
    assert "traces" in openpyxl.load_workbook(exported.out).sheetnames


@pytest.mark.slow
def test_results_that_are_not_stored_are_made_first(session, dish, tmp_path):
    exported = complete(iter_session_export(session, "csv", tmp_path / "a"))
    assert exported.is_new
    assert exported.folder == tmp_path / "experiment_results"
    again = run_quietly(dish, tmp_path / "again").out
    for name in ("traces", "cells"):
        file = f"{name}.parquet"
        assert (exported.folder / file).read_bytes() == (again / file).read_bytes()
    assert len(pd.read_csv(tmp_path / "a" / "cells.csv")) == 4


@pytest.mark.slow
def test_results_of_other_settings_are_made_anew(results, stored, tmp_path):
    results.choices.set("flux.responder_k", 9.0)
    exported = complete(iter_session_export(results, "csv", tmp_path / "a"))
    assert exported.is_new
    assert exported.folder != stored


@pytest.mark.slow
def test_results_go_on_in_the_folder_that_was_made(session, tmp_path):
    home = tmp_path / "home"
    first = complete(iter_session_export(session, "csv", tmp_path / "a", home))
    made = (home / "run.json").read_bytes()
    second = complete(iter_session_export(session, "csv", tmp_path / "b", home))
    assert first.folder == second.folder == home
    assert (home / "run.json").read_bytes() == made


def test_nothing_is_run_where_nothing_may_be_written(session, tmp_path, monkeypatch):
    def export(out):
        raise AssertionError("nothing is to be run")

    monkeypatch.setattr(session, "export", export)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").touch()
    with pytest.raises(ExperimentError, match=r"also holds thesis\.docx"):
        iter_session_export(session, "csv", tmp_path / "mine")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ResultsError, match=r"zincflux\[film\]"):
        iter_session_export(session, "movie", tmp_path / "a.mp4")
    assert proposed_file(session, "movie") == "experiment.gif"


def test_a_folder_that_is_there_is_not_taken(session, tmp_path):
    for name in ("experiment_results", "experiment_results_2"):
        (tmp_path / name).mkdir()
    assert free_folder(session, tmp_path).name == "experiment_results_3"


def test_names_and_kinds_of_files(session):
    assert filters("csv") == ()
    assert filters("movie") == ("MP4 (*.mp4)", "GIF (*.gif)")
    assert proposed_file(session, "xlsx") == "experiment.xlsx"
    assert proposed_file(session, "prism") == "experiment_prism"
    names = [proposed_file(session, to) for to in EXPORTS]
    assert len(set(names)) == len(names)


@pytest.fixture
def dock(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    return panel


def idle(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)


def action(panel, to):
    return next(one for one in panel.exporting.menu.actions() if one.data() == to)


@pytest.mark.gui
def test_menu_is_the_list_of_the_core(dock):
    actions = [one for one in dock.exporting.menu.actions() if not one.isSeparator()]
    assert [one.data() for one in actions] == [None, *EXPORTS]
    assert actions[0].text() == exporting.FOLDER
    assert all(one.text().endswith("…") and one.toolTip() for one in actions)
    assert dock.export_button.menu() is dock.exporting.menu
    assert not dock.export_button.isEnabled()


@pytest.mark.gui
def test_a_film_and_a_workbook_of_what_is_not_stored(dock, dish, qtbot, tmp_path, monkeypatch):
    asked = []

    def ask(parent, title, place, chosen, *, kind, filters=()):
        asked.append((title, place.name, kind, filters))
        chosen(str(tmp_path / "film.gif"))

    monkeypatch.setattr(exporting, "ask", ask)
    dock.open(dish)
    idle(qtbot, dock)
    assert dock.export_button.isEnabled()
    assert not dock.report_button.isEnabled()
    action(dock, "movie").trigger()
    assert dock.work.is_busy
    idle(qtbot, dock)
    (title, name, kind, kinds) = asked[0]
    assert (title, kind) == (EXPORTS["movie"].title, "new")
    assert name.startswith("experiment.")
    assert kinds == filters("movie")
    assert Image.open(tmp_path / "film.gif").n_frames == 40
    told = dock.message.text()
    assert told.startswith(f"Exported to {tmp_path / 'film.gif'}")
    assert str(tmp_path / "experiment_results") in told
    assert dock.report_button.isEnabled()
    dock.exporting.export_as("xlsx", tmp_path / "a.xlsx")
    idle(qtbot, dock)
    assert names_in(tmp_path) - {"cache"} == {"film.gif", "a.xlsx", "experiment_results"}


@pytest.mark.gui
def test_results_whose_movie_is_gone_are_exported(dock, stored, dish, qtbot, tmp_path):
    movie = dish.parent / "movie.ome.tif"
    aside = movie.rename(tmp_path / "aside.tif")
    try:
        dock.open(stored)
        idle(qtbot, dock)
        assert dock.session.movie is None
        assert dock.export_button.isEnabled()
        folder = dock.exporting.menu.actions()[0]
        assert not folder.isEnabled()
        dock.exporting.export_as("csv", tmp_path / "a")
        idle(qtbot, dock)
        assert (tmp_path / "a" / "traces.csv").is_file()
        assert dock.exporting.report == stored / "report.html"
    finally:
        aside.rename(movie)


@pytest.mark.gui
def test_what_goes_wrong_is_told(dock, stored, qtbot, tmp_path):
    dock.open(stored)
    idle(qtbot, dock)
    dock.exporting.export_as("xlsx", tmp_path / "a.csv")
    assert "a name that ends in .xlsx" in dock.message.text()
    (tmp_path / "file").touch()
    dock.exporting.export_as("csv", tmp_path / "file" / "a")
    idle(qtbot, dock)
    assert "is a file" in dock.message.text()
    assert dock.exporting.report is None


@pytest.mark.gui
def test_stopping_an_export_leaves_nothing(dock, stored, qtbot, tmp_path):
    dock.open(stored)
    idle(qtbot, dock)
    dock.exporting.export_as("movie", tmp_path / "a.gif")
    qtbot.waitUntil(lambda: bool(names_in(tmp_path) - {"cache"}), timeout=LONG_MS)
    dock.cancel.click()
    qtbot.waitUntil(lambda: names_in(tmp_path) <= {"cache", "a.gif"}, timeout=LONG_MS)
    assert "Exported" not in dock.message.text()


@pytest.mark.gui
def test_the_window_offers_the_kinds_of_files(qtbot, tmp_path):
    from qtpy.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = asking.ask(
        parent, "Film", tmp_path / "a.gif", print, kind="new", filters=filters("movie")
    )
    assert dialog.nameFilters() == list(filters("movie"))
    assert dialog.selectedNameFilter() == "GIF (*.gif)"
    assert dialog.defaultSuffix() == "gif"
    dialog.selectNameFilter("MP4 (*.mp4)")
    dialog.filterSelected.emit("MP4 (*.mp4)")
    assert dialog.defaultSuffix() == "mp4"
    dialog.close()


@pytest.mark.gui
def test_report_of_the_last_export_is_opened(dock, stored, qtbot, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(exporting.QDesktopServices, "openUrl", opened.append)
    dock.exporting.open_report()
    dock.open(stored)
    idle(qtbot, dock)
    dock.exporting.export_as("report", tmp_path / "page.html")
    idle(qtbot, dock)
    dock.report_button.click()
    assert [url.toLocalFile() for url in opened] == [str(tmp_path / "page.html")]
