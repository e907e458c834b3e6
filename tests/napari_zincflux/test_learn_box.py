"""The button that trains the segmenter, in a real window; a stand-in does what needs torch."""

import time
from functools import partial

import numpy as np
import pytest

from napari_zincflux import learn_box
from napari_zincflux.learning import iter_session_learn
from runs import make_dish, pixels
from training_stand_in import QUICK, stand_in
from zincflux.training import checkpoint

pytest.importorskip("onnxruntime")

pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 120_000
STOPPED_WITHIN_S = 2.0


@pytest.fixture(scope="module")
def dish(tmp_path_factory):
    """Five times four cells in a row: enough to set one band aside."""
    data = np.tile(pixels(), (1, 1, 1, 5))
    return make_dish(tmp_path_factory.mktemp("dish"), data)


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(learn_box, "missing_packages", lambda: "")
    monkeypatch.setattr(learn_box, "iter_session_learn", partial(iter_session_learn, recipe=QUICK))
    return stand_in(monkeypatch)


@pytest.fixture
def dock(make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")
    return panel


def idle(qtbot, panel):
    qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)


@pytest.fixture
def measured(dock, dish, qtbot):
    dock.open(dish)
    idle(qtbot, dock)
    dock.run()
    idle(qtbot, dock)
    return dock


def state_of(panel, step):
    return panel.steps[step].state.text()


def test_the_button_waits_for_cells(dock, dish, qtbot, monkeypatch):
    box = dock.learn
    assert not box.learn.isEnabled()
    assert "Run the analysis first" in box.learn.toolTip()
    dock.open(dish)
    idle(qtbot, dock)
    assert not box.learn.isEnabled()
    dock.run()
    idle(qtbot, dock)
    assert box.learn.isEnabled()
    assert box.learn.toolTip() == learn_box.TIP
    assert not box.use.isVisibleTo(box)
    monkeypatch.setattr(learn_box, "missing_packages", lambda: "Install torch.")
    box.learn.click()
    assert box.words.text() == "Install torch."
    assert not dock.work.is_busy
    dock.open(dish)
    idle(qtbot, dock)
    assert box.words.text() == ""


def test_learn_and_use(measured, dish, qtbot, tmp_path, monkeypatch):
    asked = []

    def ask(parent, title, place, chosen, *, kind, filters):
        asked.append((place, kind, filters))
        chosen(str(tmp_path / "mine.onnx"))

    monkeypatch.setattr(learn_box, "ask", ask)
    box = measured.learn
    box.learn.click()
    assert measured.work.is_busy
    idle(qtbot, measured)
    assert asked == [(dish.parent / "experiment_cells.onnx", "new", learn_box.FILTERS)]
    assert (tmp_path / "mine.onnx").is_file()
    assert "not learnt from:<table>" in box.words.text()
    assert measured.message.text().startswith("mine.onnx is ready")
    assert box.use.text() == "Find cells with mine.onnx"
    assert box.use.isVisibleTo(box)
    assert "fresh" in state_of(measured, "cells")
    box.use.click()
    choices = measured.session.choices
    assert choices.get("segment.method") == "learned"
    assert choices.get("segment.model") == str(tmp_path / "mine.onnx")
    assert "needs re-run" in state_of(measured, "cells")
    assert not box.use.isVisibleTo(box)
    assert "From the next run on" in box.words.text()
    measured.learning.clear()
    measured.learning.use()
    measured.run()
    idle(qtbot, measured)
    assert "fresh" in state_of(measured, "cells")
    measured.learning.learn(tmp_path / "mine.onnx")
    assert "the network in use" in measured.message.text()


def test_cancel_stops_soon_and_goes_on_later(measured, qtbot, tmp_path, quick, monkeypatch):
    trainings = stand_in(monkeypatch, pause_s=0.3)
    file = tmp_path / "mine.onnx"
    measured.learning.learn(file)
    qtbot.waitUntil(lambda: bool(trainings) and trainings[0].step > 0, timeout=LONG_MS)
    begun = time.monotonic()
    measured.cancel.click()
    assert not measured.work.is_busy
    assert "it goes on from there" in measured.learn.words.text()
    qtbot.waitUntil(checkpoint.path_beside(file).is_file, timeout=LONG_MS)
    assert time.monotonic() - begun < STOPPED_WITHIN_S
    assert not file.exists()
    assert not measured.learn.use.isVisibleTo(measured.learn)
    measured.learning.learn(file)
    idle(qtbot, measured)
    assert trainings[-1].begun_at > 0
    assert file.is_file()


def test_other_work_that_is_stopped_says_nothing_here(measured, qtbot):
    measured.run()
    measured.cancel.click()
    assert measured.learn.words.text() == ""


def test_what_goes_wrong_is_told(measured, qtbot, tmp_path):
    measured.learning.learn(tmp_path / "none" / "mine.onnx")
    idle(qtbot, measured)
    assert "none" in measured.message.text()
    assert not measured.learn.use.isVisibleTo(measured.learn)


def test_a_correction_is_measured_before_it_is_learnt(measured, qtbot):
    measured.correcting.tools.views.select([1])
    measured.correcting.tools.press("delete")
    measured.refresh()
    assert not measured.learn.learn.isEnabled()
    assert "not measured yet" in measured.learn.learn.toolTip()
    idle(qtbot, measured)
    assert measured.learn.learn.isEnabled()
