"""Work beside the window: what replaces other work, is stopped, or waits for its turn."""

import threading
import time
import warnings
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import pytest
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

import zincflux
from napari_zincflux import workers
from napari_zincflux.asking import ask
from napari_zincflux.correcting import Correcting
from napari_zincflux.workers import Turns, Work, driven
from zincflux import ZincfluxWarning
from zincflux.pipeline import Progress

pytestmark = [
    pytest.mark.gui,
    pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

LONG_MS = 20_000


def slow(outcome, step_s=0.12, n=4):
    for done in range(n):
        time.sleep(step_s)
        yield Progress("measure", done, n)
    return outcome


@pytest.fixture
def heard():
    return []


@pytest.fixture
def work(qtbot):
    made = Work()
    yield made
    made.stop()
    qtbot.wait(150)


def start(work, heard, name, **options):
    work.start(name, slow(name, **options), heard.append, heard.append)


def test_work_that_replaces_other_work_comes_to_its_end(work, heard, qtbot):
    start(work, heard, "first")
    qtbot.wait(50)
    start(work, heard, "second")
    qtbot.waitUntil(lambda: not work.is_busy, timeout=LONG_MS)
    assert heard == ["second"]


def test_cancelling_the_bar_of_old_work_leaves_the_new_alone(work, heard, qtbot):
    start(work, heard, "first", step_s=0.06)
    bar = work._bar
    qtbot.wait(100)
    start(work, heard, "second", step_s=0.06)
    bar.is_canceled = True
    qtbot.waitUntil(lambda: not work.is_busy, timeout=LONG_MS)
    assert heard == ["second"]


def test_cancelling_in_the_activity_dock_stops_and_tells(work, heard, qtbot):
    work.cancelled.connect(lambda: heard.append("cancelled"))
    start(work, heard, "first", n=100)
    work._bar.is_canceled = True
    qtbot.waitUntil(lambda: not work.is_busy, timeout=LONG_MS)
    qtbot.wait(300)
    assert heard == ["cancelled"]


def test_only_the_user_cancels(work, heard, qtbot):
    work.cancelled.connect(lambda: heard.append("cancelled"))
    start(work, heard, "first")
    start(work, heard, "second")
    assert heard == []
    work.stop()
    work.stop()
    assert heard == ["cancelled"]


def test_an_error_is_told_once(work, heard, qtbot):
    def broken():
        yield Progress("measure", 0, 1)
        raise ValueError("broken")

    work.start("broken", broken(), heard.append, heard.append)
    qtbot.waitUntil(lambda: not work.is_busy, timeout=LONG_MS)
    assert [str(error) for error in heard] == ["broken"]


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_two_pieces_of_work_take_turns():
    order = []

    def steps(name):
        for _ in range(10):
            time.sleep(0.01)
            order.append(name)
            yield Progress("measure", 0, 1)

    threads = [
        threading.Thread(target=finish, args=(driven(steps(name), threading.Event()),))
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = order[: min(len(order) - order[::-1].index(name) for name in "ab")]
    assert len(together) >= 15
    assert max(len(list(run)) for _, run in groupby(together[2:])) <= 2


def test_two_pieces_of_work_keep_their_own_warnings():
    heard = {}

    def steps(name):
        heard[name] = []
        for _ in range(20):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                warnings.warn(name, ZincfluxWarning, stacklevel=1)
                time.sleep(0.002)
            heard[name] += [str(one.message) for one in caught]
            yield Progress("measure", 0, 1)

    before = warnings.showwarning, list(warnings.filters)
    threads = [
        threading.Thread(target=finish, args=(driven(steps(name), threading.Event()),))
        for name in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"a": ["a"] * 20, "b": ["b"] * 20}
    assert (warnings.showwarning, list(warnings.filters)) == before


def test_a_turn_is_given_back_after_an_error():
    turns = Turns()
    with pytest.raises(ValueError, match="broken"), turns:
        raise ValueError("broken")
    with turns:
        pass
    assert isinstance(workers._FILTERS, Turns)


@pytest.mark.parametrize(("name", "suffix"), [("dish.toml", "toml"), ("dish_0.5uM_results", "")])
def test_a_name_without_ending_gets_one_where_it_needs_one(qtbot, tmp_path, name, suffix):
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = ask(parent, "Save", Path(tmp_path) / name, lambda _: None, kind="new")
    assert dialog.defaultSuffix() == suffix
    dialog.close()


class Panel(QObject):
    keysAsked = Signal()

    def set_suspects(self, _suspects):
        pass

    def refresh(self):
        pass

    def set_tools(self, _tools):
        pass


class Number(int):
    """Stands for an analysis."""

    suspects = ()


class Log:
    """Corrections whose log is a number, and whose analysis is the number that was measured."""

    def __init__(self):
        self.log = self.measured = 0
        self.breaks = False

    @property
    def stale(self):
        return self.log != self.measured

    def update(self):
        log = self.log
        if self.breaks:
            yield from slow(None, step_s=0.01, n=2)
            raise ValueError("cells cannot be measured")
        return (yield from slow(Number(log), step_s=0.03, n=6))

    def accept(self, analysis):
        self.measured = analysis


@dataclass
class Measured:
    analysis: object = None


@pytest.fixture
def corrected(work):
    session = SimpleNamespace(measured=Measured(), log=0, log_file=None)
    made = Correcting(session, work, Panel(), work)
    made.corrections = Log()
    yield made
    made.corrections = None


def edit(corrected):
    corrected.corrections.log += 1
    corrected._measure_again()


def up_to_date(corrected):
    return not corrected.corrections.stale and not corrected.work.is_busy


def test_a_correction_waits_for_other_work(corrected, heard, qtbot):
    waits = []
    corrected.waits.connect(lambda: waits.append(corrected.session.log))
    start(corrected.work, heard, "export")
    edit(corrected)
    edit(corrected)
    assert waits == [1, 2]
    qtbot.waitUntil(lambda: up_to_date(corrected), timeout=LONG_MS)
    assert heard == ["export"]
    assert corrected.corrections.measured == 2


def test_a_correction_is_measured_after_the_work_that_replaced_measuring(corrected, heard, qtbot):
    edit(corrected)
    qtbot.wait(50)
    start(corrected.work, heard, "find cells")
    qtbot.waitUntil(lambda: up_to_date(corrected), timeout=LONG_MS)
    assert heard == ["find cells"]


def test_a_correction_during_measuring_is_measured_at_once(corrected, qtbot):
    edit(corrected)
    qtbot.wait(50)
    edit(corrected)
    qtbot.waitUntil(lambda: up_to_date(corrected), timeout=LONG_MS)
    assert corrected.corrections.measured == 2


def test_measuring_that_was_cancelled_waits_for_the_next_correction(corrected, heard, qtbot):
    corrected.waits.connect(lambda: heard.append("waits"))
    edit(corrected)
    qtbot.wait(50)
    corrected.work.stop()
    qtbot.wait(100)
    assert heard == ["waits"]
    assert not corrected.work.is_busy
    start(corrected.work, heard, "export", step_s=0.02)
    qtbot.waitUntil(lambda: not corrected.work.is_busy, timeout=LONG_MS)
    qtbot.wait(100)
    assert corrected.corrections.stale
    edit(corrected)
    qtbot.waitUntil(lambda: up_to_date(corrected), timeout=LONG_MS)


def test_measuring_that_failed_is_not_tried_for_ever(corrected, heard, qtbot):
    corrected.waits.connect(lambda: heard.append("waits"))
    corrected.failed.connect(lambda error: heard.append(str(error)))
    corrected.corrections.breaks = True
    edit(corrected)
    qtbot.waitUntil(lambda: len(heard) > 1, timeout=LONG_MS)
    qtbot.wait(200)
    assert heard == ["waits", "cells cannot be measured"]
    corrected.corrections.breaks = False
    edit(corrected)
    qtbot.waitUntil(lambda: up_to_date(corrected), timeout=LONG_MS)


def test_cancelling_other_work_lets_corrections_be_measured(corrected, heard, qtbot):
    start(corrected.work, heard, "run", n=100)
    edit(corrected)
    corrected.work.stop()
    qtbot.waitUntil(lambda: up_to_date(corrected), timeout=LONG_MS)
    assert heard == []


def test_nothing_is_measured_once_the_dock_has_let_go(corrected, heard, qtbot):
    start(corrected.work, heard, "open", step_s=0.02)
    edit(corrected)
    corrected.close()
    qtbot.waitUntil(lambda: bool(heard), timeout=LONG_MS)
    qtbot.wait(100)
    assert not corrected.work.is_busy
    corrected._measure_again()
    corrected.follow_file()
    assert not corrected.work.is_busy


def test_corrections_follow_the_file_that_was_saved(
    make_napari_viewer, monkeypatch, tmp_path, qtbot
):
    from zincflux.results import write_simulation

    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    settings = zincflux.Simulation(n_cells=6, n_frames=40, shape_px=(96, 96), seed=3)
    finish(write_simulation(zincflux.simulate(settings), tmp_path / "movie"))
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget("zincflux", "Cells and zinc")

    def idle():
        qtbot.waitUntil(lambda: not panel.work.is_busy, timeout=LONG_MS)

    panel.open(tmp_path / "movie" / "experiment.toml")
    idle()
    panel.run()
    idle()
    assert panel.message.text() == ""
    first, second = panel.session.table("cells")["cell_id"].iloc[:2]
    panel.save(tmp_path / "dish_0.5uM")
    made = panel.correcting.corrections
    for cell in (first, second):
        panel.plots.views.select([int(cell)])
        panel.correcting.tools.press("exclude")
    assert made.log == zincflux.EditLog.read(tmp_path / "dish_0.5uM.edits.toml")
    assert len(made.log) == 2
    assert not (tmp_path / "movie" / "experiment.edits.toml").exists()
    panel.correcting.tools.press("undo")
    idle()
    assert panel.session.state("results") == "fresh"
    panel.open(tmp_path / "dish_0.5uM.toml")
    idle()
    assert len(panel.session.log) == 1
    assert panel.message.text().startswith("1 correction came back from ")
