"""The zinc image and opened results in a real window."""

import shutil

import numpy as np
import pytest

import zincflux
from napari_zincflux.zinc_box import ColourBar, nice_ticks
from napari_zincflux.zinc_layers import REASON, ZINC
from runs import make_dish, run_quietly
from zincflux.pipeline import zinc_images

pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 120_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = make_dish(tmp_path_factory.mktemp("dish"))
    run_quietly(file, file.parent / "out")
    return file.parent


@pytest.fixture
def copied(made, tmp_path, monkeypatch):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(made, tmp_path / "dish")


@pytest.fixture
def dock(make_napari_viewer, copied):
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    return viewer, panel


def settle(qtbot, panel):
    """Wait until nothing is under way and nothing more begins."""
    for _ in range(3):
        qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)
        qtbot.wait(30)


def open_and(qtbot, panel, place):
    panel.open(place)
    settle(qtbot, panel)


def names(viewer):
    return [layer.name for layer in viewer.layers]


@pytest.fixture
def shown(dock, copied, qtbot):
    """Window with results of a run, and their zinc image."""
    viewer, panel = dock
    assert not panel.zinc.switch.isEnabled()
    open_and(qtbot, panel, copied / "experiment.toml")
    assert "run first" in panel.zinc.switch.toolTip()
    panel.run_button.click()
    settle(qtbot, panel)
    panel.zinc.switch.click()
    settle(qtbot, panel)
    assert names(viewer) == ["dye", REASON, ZINC, "cells"]
    return viewer, panel


def zinc_shown(viewer, t=12):
    return np.asarray(viewer.layers[ZINC].data[t])


def test_the_zinc_image_is_switched_on_and_off(shown, qtbot):
    viewer, panel = shown
    analysis = panel.session.measured.analysis
    np.testing.assert_allclose(zinc_shown(viewer), zinc_images(analysis)[12].zinc_nM, rtol=1e-6)
    assert not viewer.layers["cells"].visible
    assert not panel.zinc.legend.isHidden()
    panel.zinc.switch.click()
    assert names(viewer) == ["dye", "cells"]
    assert viewer.layers["cells"].visible
    assert panel.zinc.legend.isHidden()


def test_the_zinc_image_follows_its_setting_and_its_contrast(shown, qtbot):
    viewer, panel = shown
    layer, analysis = viewer.layers[ZINC], panel.session.measured.analysis
    panel.zinc.disc.setValue(0.0)
    qtbot.wait(500)
    settle(qtbot, panel)
    assert viewer.layers[ZINC] is layer
    single = zinc_images(analysis, average_um=0)[12].zinc_nM
    np.testing.assert_allclose(zinc_shown(viewer), single, rtol=1e-6)
    layer.contrast_limits = (1.0, 50.0)
    assert panel.zinc.legend.ticks_nM()[0] == 1.0


def test_the_zinc_image_follows_corrections_and_runs(shown, qtbot):
    viewer, panel = shown
    layer = viewer.layers[ZINC]
    layer.contrast_limits = (1.0, 50.0)
    inside = panel.session.measured.analysis.label_images[0] == 2
    assert np.isfinite(zinc_shown(viewer)[inside]).any()
    panel.plots.views.select([2])
    panel.correcting.tools.press("delete")
    settle(qtbot, panel)
    assert viewer.layers[ZINC] is layer
    assert tuple(layer.contrast_limits) == (1.0, 50.0)
    assert np.isnan(zinc_shown(viewer)[inside]).all()
    panel.correcting.tools.press("undo")
    panel._choose("calibration.k_nM", 30.0)
    panel.run_button.click()
    settle(qtbot, panel)
    expected = zinc_images(panel.session.measured.analysis)[12].zinc_nM
    np.testing.assert_allclose(zinc_shown(viewer), expected, rtol=1e-6)
    assert np.isfinite(expected[inside]).any()


def test_the_zinc_image_outlives_the_dock(shown):
    viewer, panel = shown
    viewer.window.remove_dock_widget(panel)
    layer = viewer.layers[ZINC]
    layer.contrast_limits = (2.0, 40.0)
    assert np.isfinite(zinc_shown(viewer)).any()
    viewer.layers.remove(layer)
    assert ZINC not in names(viewer)


def test_a_zinc_image_that_is_removed_by_hand_is_switched_off(dock, copied, qtbot):
    viewer, panel = dock
    open_and(qtbot, panel, copied / "out")
    panel.zinc.switch.click()
    settle(qtbot, panel)
    viewer.layers[ZINC].name = "mine"
    panel.zinc.disc.setValue(3.0)
    qtbot.wait(500)
    settle(qtbot, panel)
    assert "mine" in names(viewer)
    viewer.layers.remove("mine")
    assert not panel.zinc.is_wanted
    assert names(viewer) == ["dye", "cells"]
    panel.zinc.switch.click()
    settle(qtbot, panel)
    open_and(qtbot, panel, copied / "experiment.toml")
    assert REASON not in names(viewer)
    assert not panel.zinc.is_wanted


def test_cancelling_the_zinc_image_switches_it_off(dock, copied, qtbot):
    viewer, panel = dock
    open_and(qtbot, panel, copied / "out")
    panel.zinc.switch.click()
    panel.cancel.click()
    settle(qtbot, panel)
    assert not panel.zinc.is_wanted
    assert names(viewer) == ["dye", "cells"]


def test_an_error_of_the_zinc_image_is_told(dock, copied, qtbot):
    _, panel = dock
    open_and(qtbot, panel, copied / "out")
    panel.session.results.frames.drop(index=39, inplace=True)
    panel.zinc.switch.click()
    settle(qtbot, panel)
    assert "expected the movie that was measured" in panel.message.text()
    assert not panel.zinc.is_wanted


def test_results_without_zinc_or_movie_offer_no_zinc_image(dock, copied, qtbot):
    viewer, panel = dock
    text = (copied / "experiment.toml").read_text(encoding="utf-8")
    plain = text.replace("k_nM = 15.0", 'source = "none"')
    (copied / "plain.toml").write_text(plain, encoding="utf-8")
    run_quietly(copied / "plain.toml", copied / "plain")
    open_and(qtbot, panel, copied / "plain")
    assert "no calibration" in panel.zinc.switch.toolTip()
    assert not panel.zinc.switch.isEnabled()
    (copied / "movie.ome.tif").unlink()
    viewer.layers.clear()
    open_and(qtbot, panel, copied / "out")
    assert "is not where it was" in panel.zinc.switch.toolTip()


def test_opened_results_are_made_correctable(dock, copied, qtbot):
    viewer, panel = dock
    open_and(qtbot, panel, copied / "out")
    assert not panel.correctable.isHidden()
    panel.correctable.make.click()
    panel.cancel.click()
    settle(qtbot, panel)
    assert panel.session.results is not None
    assert panel.correcting.tools is None
    panel.correctable.make.click()
    settle(qtbot, panel)
    assert panel.correctable.isHidden()
    assert [panel.session.state(step) for step in panel.steps] == ["fresh"] * 5
    panel.plots.views.select([2])
    panel.correcting.tools.press("delete")
    settle(qtbot, panel)
    assert list(panel.session.table("cells")["cell_id"]) == [1, 3, 4]
    assert [panel.session.state(step) for step in panel.steps] == ["fresh"] * 5
    assert zincflux.EditLog.read(panel.session.autosave) == panel.session.log
    assert names(viewer) == ["dye", "cells", "selected cells"]


def test_results_without_their_movie_say_why_they_cannot_be_corrected(dock, copied, qtbot):
    _, panel = dock
    (copied / "movie.ome.tif").unlink()
    open_and(qtbot, panel, copied / "out")
    assert panel.correctable.make.isHidden()
    assert "movie is not at" in panel.correctable.words.text()


def test_the_folder_is_handed_to_a_batch(dock, copied, qtbot):
    from qtpy.QtGui import QGuiApplication

    viewer, panel = dock
    assert not panel.batch.write.isEnabled()
    open_and(qtbot, panel, copied / "experiment.toml")
    assert panel.batch.command.isHidden()
    panel.batch.write.click()
    settle(qtbot, panel)
    command = panel.batch.command.text()
    assert command.startswith("zincflux batch ")
    assert (copied / "sheet.csv").is_file()
    assert (copied / "common.toml").is_file()
    assert "lists 1 movie" in panel.batch.words.text()
    panel.batch.copy.click()
    assert QGuiApplication.clipboard().text() == command
    assert names(viewer) == ["dye"]
    panel._choose("segment.labels", "cells.tif")
    panel._choose("segment.method", "labels")
    panel.batch.write.click()
    settle(qtbot, panel)
    assert "segment.labels: expected settings that suit all movies" in panel.message.text()
    open_and(qtbot, panel, copied / "out")
    assert panel.batch.command.isHidden()


def test_the_colour_bar_is_painted(qtbot):
    bar = ColourBar()
    qtbot.addWidget(bar)
    assert bar.ticks_nM() == []
    bar.show_range((0.2, 180.0))
    bar.resize(260, bar.height())
    bar.show()
    picture = bar.grab().toImage()
    colours = {picture.pixelColor(x, 3).getRgb()[:3] for x in range(0, 200, 20)}
    assert len(colours) == 10
    assert bar.ticks_nM() == [1.0, 10.0, 100.0]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1.0, 50.0, [1, 2, 5, 10, 20, 50]),
        (0.2, 3.0, [0.2, 0.5, 1, 2]),
        (1e-3, 5.0, [1e-3, 0.01, 0.1, 1]),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert nice_ticks(low, high) == ticks
