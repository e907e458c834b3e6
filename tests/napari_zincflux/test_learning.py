"""From corrected cells to a network that has learnt from them; no Qt, no torch."""

import re
import sys

import numpy as np
import pytest

from napari_zincflux import learning
from napari_zincflux.learning import (
    iter_session_learn,
    learned_words,
    missing_packages,
    obstacle_to_learning,
    proposed_file,
    start_of,
    use_network,
)
from napari_zincflux.opened import open_place
from napari_zincflux.session import Session
from runs import make_dish, names_in, pixels, run_quietly
from training_stand_in import QUICK, StandIn, stand_in
from zincflux.edits import Delete, EditLog, anchor_of
from zincflux.errors import ExperimentError, ResultsError, SegmentationError
from zincflux.steps import complete
from zincflux.training import checkpoint, train
from zincflux.training.pictures import read_pictures

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")


@pytest.fixture(scope="module")
def dish(tmp_path_factory):
    """Five times four cells in a row: enough to set one band aside."""
    data = np.tile(pixels(), (1, 1, 1, 5))
    return make_dish(tmp_path_factory.mktemp("dish"), data)


@pytest.fixture(scope="module")
def measured(dish):
    session = Session()
    session.take_opened(open_place(dish))
    return complete(session.run())


@pytest.fixture(autouse=True)
def trainings(monkeypatch, tmp_path):
    monkeypatch.setenv("ZINCFLUX_CACHE", str(tmp_path / "cache"))
    return stand_in(monkeypatch)


def opened(place):
    session = Session()
    session.take_opened(open_place(place))
    return session


@pytest.fixture
def session(dish, measured):
    made = opened(dish)
    made.take_measured(measured)
    return made


def learn(session, file):
    return complete(iter_session_learn(session, file, QUICK))


def delete_one(session, x=16):
    cell = int(session.measured.analysis.label_images[0][16, x])
    session.log = session.log.with_edit(Delete(point=(16, x), cell_ids=(cell,)))


def test_there_is_something_to_learn_from_after_a_run(dish, session):
    assert obstacle_to_learning(session) == ""
    assert "Run the analysis first" in obstacle_to_learning(Session())
    assert "Run the analysis first" in obstacle_to_learning(opened(dish))


@pytest.mark.slow
def test_opened_results_are_made_correctable_first(dish, tmp_path):
    session = opened(run_quietly(dish, tmp_path / "stored").out)
    assert "Make these results correctable first" in obstacle_to_learning(session)
    session.take_measured(complete(session.remake()))
    assert obstacle_to_learning(session) == ""


def test_corrections_are_measured_first(session):
    delete_one(session)
    assert "not measured yet" in obstacle_to_learning(session)
    session.take_measured(complete(session.run()))
    assert obstacle_to_learning(session) == ""


def test_without_cells_there_is_nothing_to_learn(session, tmp_path):
    log = EditLog()
    labels = session.measured.analysis.label_images[0]
    for cell in np.unique(labels)[1:]:
        log = log.with_edit(Delete(point=anchor_of(labels, int(cell)), cell_ids=(int(cell),)))
    session.log = log
    session.take_measured(complete(session.run()))
    assert "no cells to learn from" in obstacle_to_learning(session)
    with pytest.raises(ExperimentError, match="no cells to learn from"):
        iter_session_learn(session, tmp_path / "a.onnx")


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "the package torch, not installed here" in missing_packages()
    assert 'pip install "zincflux[train]"' in missing_packages()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "the packages torch and onnxruntime" in missing_packages()
    monkeypatch.setattr(learning.importlib.util, "find_spec", lambda name: name)
    assert missing_packages() == ""


def test_corrected_cells_are_learnt_and_judged(session, tmp_path):
    delete_one(session)
    session.take_measured(complete(session.run()))
    stages = []
    steps = iter_session_learn(session, tmp_path / "mine", QUICK)

    def told():
        return (yield from steps)

    gone = told()
    try:
        while True:
            stages.append(next(gone).stage)
    except StopIteration as end:
        learned = end.value
    told = list(dict.fromkeys(stages))
    assert told[:4] == ["pictures", "examples", "simulated cells", "training"]
    assert told[4:] == ["judging before", "judging after"]
    assert learned.trained.out == tmp_path / "mine.onnx"
    assert names_in(tmp_path) == {"mine.onnx", "mine.curve.csv", "mine_pictures"}
    pictures = read_pictures([learned.folder])
    assert len(pictures) == 5
    assert sum(len(np.unique(p.labels)) - 1 for p in pictures) == 19
    assert learned.trained.before["pictures"] == learned.trained.card.scores["pictures"] == 1
    words = learned_words(learned)
    assert words.startswith(f"Learnt from 4 pictures in {tmp_path / 'mine_pictures'}.<br>On ")
    assert " cells of 1 picture more, not learnt from:<table>" in words
    told = [re.sub("<.*?>|&nbsp;", "|", row) for row in words.split("<tr>")[1:]]
    told = [[one for one in row.split("|") if one][:3] for row in told]
    assert told[0] == ["built-in", "mine"]
    before, after = learned.trained.before, learned.trained.card.scores
    assert told[1] == ["F1", f"{before['F1']:.3f}", f"{after['F1']:.3f}"]
    assert told[2][0] == "F1, close outlines"


def test_the_same_from_the_command_line(session, tmp_path):
    learned = learn(session, tmp_path / "mine.onnx")
    train([learned.folder], tmp_path / "again.onnx", QUICK, learning.Options(name="mine"))
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "mine.onnx").read_bytes()


def test_few_cells_cannot_be_judged(static, session, tmp_path):
    session.measured = type(session.measured)({}, static)
    words = learned_words(learn(session, tmp_path / "mine.onnx"))
    assert words.startswith("Learnt from 1 picture in ")
    assert "is not known: nothing was set aside" in words


def test_frames_of_moving_cells_are_learnt_and_judged(moving, session, tmp_path):
    session.measured = type(session.measured)({}, moving)
    learned = learn(session, tmp_path / "mine.onnx")
    names = sorted(picture.name for picture in read_pictures([learned.folder]))
    assert len(names) == 10
    assert names[0].endswith("_t0000")
    assert names[-1].endswith("_t0015")
    assert learned.trained.card.scores["pictures"] == 2


def stop_after(session, file, n):
    steps = iter_session_learn(session, file, QUICK)
    while next(steps) != ("training", n, QUICK.steps):
        pass
    steps.close()


def test_what_was_stopped_goes_on(session, tmp_path, trainings):
    learn(session, tmp_path / "whole.onnx")
    file = tmp_path / "mine.onnx"
    stop_after(session, file, 2)
    assert not file.exists()
    assert checkpoint.path_beside(file).is_file()
    learned = learn(session, file)
    assert [one.begun_at for one in trainings] == [0, 0, 2]
    whole = learning.model_file.network(str(tmp_path / "whole.onnx"))
    x = np.ones((2, 32, 32), np.float32)
    np.testing.assert_array_equal(learning.model_file.network(str(file))(x), whole(x))
    assert learned.trained.card.name == "mine"
    assert not checkpoint.path_beside(file).exists()


def test_corrected_further_it_begins_again(session, tmp_path, trainings):
    file = tmp_path / "mine.onnx"
    stop_after(session, file, 2)
    for band in range(2):  # not both of them are set aside
        delete_one(session, 16 + 64 * band)
    session.take_measured(complete(session.run()))
    learn(session, file)
    assert [one.begun_at for one in trainings] == [0, 0, 0]  # the second was tried and given up


def test_from_another_network_it_begins_again(session, tmp_path, trainings):
    learn(session, tmp_path / "first.onnx")
    (tmp_path / "first_pictures").rename(tmp_path / "aside")
    file = tmp_path / "mine.onnx"
    stop_after(session, file, 2)
    use_network(session, tmp_path / "first.onnx")
    learn(session, file)
    assert [one.begun_at for one in trainings] == [0, 0, 0, 0]


def test_what_fails_in_a_training_that_goes_on_is_told(session, tmp_path, monkeypatch):
    file = tmp_path / "mine.onnx"
    stop_after(session, file, 1)

    def weights(self):
        raise ResultsError("no room")

    monkeypatch.setattr(StandIn, "weights", weights)
    with pytest.raises(ResultsError, match="no room"):
        learn(session, file)


def test_what_was_learnt_is_used(session, dish, tmp_path):
    assert start_of(session) == "builtin"
    assert session.state("cells") == "fresh"
    file = tmp_path / "mine.onnx"
    learn(session, file)
    use_network(session, file)
    assert session.state("cells") == session.state("results") == "stale"
    assert session.choices.problem() is None
    segment = session.choices.experiment().segment
    assert (segment.method, segment.model, segment.diameter_um) == ("learned", str(file), 12.0)
    assert start_of(session) == str(file)
    session.take_measured(complete(session.run()))
    assert session.state("cells") == "fresh"


def test_keys_of_the_method_before_go(session, tmp_path):
    session.choices.set("segment.method", "cellpose")
    session.choices.set("segment.model", "cyto3")
    assert start_of(session) == "builtin"
    use_network(session, tmp_path / "mine.onnx")
    assert session.choices.problem() is None


def test_learning_goes_on_from_the_network_in_use(session, tmp_path):
    first, second = tmp_path / "first.onnx", tmp_path / "second.onnx"
    learn(session, first)
    other = tmp_path / "first_pictures"
    for path in list(other.iterdir()):
        path.rename(other / f"other{path.name}")
    use_network(session, first)
    learned = learn(session, second)
    assert learned.trained.card.parent == "first 1"
    assert len(read_pictures([learned.folder])) == 10
    words = learned_words(learned)
    assert "<td>first&nbsp;&nbsp;</td><td>second&nbsp;" in words
    assert words.endswith("The one before may have learnt from these cells.")
    first.unlink()
    assert not learned_words(learned).endswith("these cells.")


def test_the_network_in_use_is_not_replaced(session, tmp_path):
    file = tmp_path / "mine.onnx"
    use_network(session, file)
    with pytest.raises(ExperimentError, match=r"expected a new file, found .*mine\.onnx"):
        iter_session_learn(session, file)
    with pytest.raises(SegmentationError, match=r"segment\.model: .* found none at"):
        learn(session, tmp_path / "other.onnx")
    assert names_in(tmp_path) == set()


def test_a_new_name_is_proposed(session, dish):
    first = proposed_file(session)
    assert first == dish.parent / "experiment_cells.onnx"
    use_network(session, first)
    assert proposed_file(session).name == "experiment_cells_2.onnx"
    assert proposed_file(Session()).name == "experiment_cells.onnx"


def test_a_network_that_is_no_better_is_not_praised(session, tmp_path):
    learned = learn(session, tmp_path / "mine.onnx")
    same = dict.fromkeys(("F1", "F1_75"), 0.9) | {"cells": 4, "pictures": 1}
    card = learned.trained.card.model_copy(update={"scores": same})

    def words(before):
        trained = type(learned.trained)(learned.trained.out, card, same | before)
        return learned_words(type(learned)(trained, "builtin", learned.folder))

    assert "rather keep the one before" in words({})
    assert "rather keep the one before" in words({"F1": 0.95})
    assert words({"F1": 0.8}).endswith("</table>")
    assert words({"F1_75": 0.8}).endswith("</table>")
    assert words({"F1_75": 0.8, "F1": 0.95}).endswith("look at a preview first.")
