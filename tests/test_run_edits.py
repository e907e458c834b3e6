"""A log of corrections, from the experiment file to the results."""

import json

import numpy as np
import pandas as pd
import pytest
import tifffile

from runs import EXPERIMENT, make_dish, run_quietly
from zincflux.edits import Accept, Delete, EditLog, Exclude, Merge, Paint, Split, runs_of
from zincflux.errors import EditWarning, ExperimentError, ReaderError
from zincflux.results import read_results
from zincflux.wording.runs import outcome_text
from zincflux.workflow import run

EDITED = EXPERIMENT.replace(
    "diameter_um = 12.0", 'diameter_um = 12.0\nmethod = "labels"\nlabels = "labels.tif"'
)


@pytest.fixture
def quick(monkeypatch):
    """Leave out the figures where they do not matter."""
    monkeypatch.setattr("zincflux.workflow.render_report", lambda *_: "<p>report</p>")


def true_labels():
    """The four cells of the dish."""
    y, x = np.mgrid[:64, :64]
    image = np.zeros((64, 64), dtype=np.int32)
    for number, (cy, cx) in enumerate(((16, 16), (16, 46), (46, 18), (44, 46)), start=1):
        image[(y - cy) ** 2 + (x - cx) ** 2 <= 36] = number
    return image


def wrong_labels():
    """Cell 1 in two, 2 and 4 as one, 3 missed, and a cell where there is none."""
    image = true_labels()
    image[(image == 1) & (np.arange(64) > 16)] = 5
    image[image == 4] = 2
    image[image == 3] = 0
    image[28:32, 28:32] = 6
    return image


LOG = EditLog(
    edits=(
        Merge(points=((16, 14), (16, 18)), cell_ids=(1, 5)),
        Split(point=(16, 46), line=((30, 0), (30, 63)), cell_ids=(2,)),
        Delete(point=(30, 30), cell_ids=(6,)),
        Paint(onto="new", runs=runs_of(true_labels() == 3)),
        Exclude(point=(46, 18), reason="mitotic"),
    )
)


def dish_of(folder, labels, log=None, more=""):
    text = EDITED
    if log is not None:
        text += '[edits]\npath = "edits.toml"\n'
    file = make_dish(folder, text=text + more)
    tifffile.imwrite(folder / "labels.tif", labels)
    if log is not None:
        log.write(folder / "edits.toml")
    return file


@pytest.fixture(scope="module")
def corrected(tmp_path_factory):
    """Experiment file with wrong labels and a log, and its outcome."""
    file = dish_of(tmp_path_factory.mktemp("corrected"), wrong_labels(), LOG)
    return file, run_quietly(file)


def numbered_labels():
    """The true cells with the numbers that the log gives them."""
    return np.array([0, 1, 2, 8, 7])[true_labels()].astype(np.int32)


@pytest.mark.usefixtures("quick")
def test_wrong_outlines_are_corrected_by_the_log(corrected, tmp_path):
    """The area of the deleted cell does not count as background, which moves that a little."""
    correct = run_quietly(dish_of(tmp_path, numbered_labels()))
    found, expected = map(read_results, (corrected[1].out, correct.out))
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.traces["dye_raw"], expected.traces["dye_raw"])
    np.testing.assert_allclose(
        found.traces["dye_corrected"], expected.traces["dye_corrected"], atol=0.5
    )
    assert found.traces["cell_id"].tolist() == expected.traces["cell_id"].tolist()


@pytest.mark.usefixtures("quick")
def test_traces_are_those_of_correct_outlines_to_the_last_digit(tmp_path):
    """With a background that is given, which does not depend on what is covered by cells."""
    given = '[background]\nmethod = "constant"\nvalue = 100.0\n'
    log = EditLog(edits=LOG.edits[:4])
    right = dish_of(tmp_path / "right", numbered_labels(), more=given)
    wrong = dish_of(tmp_path / "wrong", wrong_labels(), log, more=given)
    one, other = (run_quietly(file).out for file in (right, wrong))
    for name in ("traces.parquet", "cells.parquet", "responses.parquet", "frames.parquet"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_what_became_of_the_edits_is_recorded(corrected):
    record = json.loads((corrected[1].out / "run.json").read_text(encoding="utf-8"))
    assert record["edits"] == {"applied": 5, "not_applied": []}
    assert "edits.toml" in {name.rsplit("/", 1)[-1] for name in record["inputs"]}
    report = (corrected[1].out / "report.html").read_text(encoding="utf-8")
    assert "5 corrections by hand are part of this result" in report
    cells = read_results(corrected[1].out).cells
    assert cells.set_index("cell_id").loc[8, "reason"] == "by hand: mitotic"


@pytest.mark.slow
def test_an_accepted_suspect_is_known_to_the_command_line(tmp_path):
    """A cell is painted where nothing glows; that it is left out is found to be right."""
    nothing = Paint(onto="new", runs=tuple((row, 28, 36) for row in range(26, 34)))
    log = EditLog(edits=(nothing,))
    file = dish_of(tmp_path, true_labels(), log)
    first = run_quietly(file)
    assert outcome_text(first).splitlines()[1] == "1 suspect to look at (suspects.csv)"
    before = {name: (first.out / name).read_bytes() for name in ("traces.csv", "cells.csv")}
    accept = Accept(suspect="left_out", point=(30, 30), cell_ids=(5,), note="no cell, as listed")
    log.with_edit(accept).write(tmp_path / "edits.toml")
    again = run_quietly(file, overwrite=True)
    assert (again.summary()["n_suspects"], again.summary()["n_suspects_accepted"]) == (0, 1)
    text = outcome_text(again).splitlines()[1]
    assert text == "0 suspects to look at, 1 accepted (suspects.csv)"
    stored = pd.read_csv(again.out / "suspects.csv")
    assert stored[["cell_id", "kind", "accepted"]].values.tolist() == [[5, "left_out", True]]
    report = (again.out / "report.html").read_text(encoding="utf-8")
    assert "0 suspects to look at, 1 accepted by hand" in report
    assert before == {name: (again.out / name).read_bytes() for name in before}


@pytest.mark.usefixtures("quick")
def test_a_log_that_changed_makes_results_out_of_date(tmp_path):
    file = dish_of(tmp_path, wrong_labels(), LOG)
    first = run_quietly(file)
    assert run_quietly(file).up_to_date
    LOG.without_last().write(tmp_path / "edits.toml")
    with pytest.raises(ExperimentError, match="results made with other inputs"):
        run(file)
    again = run_quietly(file, overwrite=True)
    assert not again.up_to_date
    assert again.record["counts"]["n_excluded"] == first.record["counts"]["n_excluded"] - 1


@pytest.mark.usefixtures("quick")
def test_the_stored_experiment_replays_the_log(corrected, tmp_path):
    again = run_quietly(corrected[1].out / "experiment.toml", tmp_path / "again")
    for name in ("traces.csv", "cells.csv", "labels.ome.tif"):
        assert (again.out / name).read_bytes() == (corrected[1].out / name).read_bytes()


def test_edits_that_do_not_apply_after_a_setting_changed(tmp_path):
    log = EditLog(edits=(Delete(point=(30, 30), cell_ids=(6,)), Delete(point=(16, 46))))
    file = dish_of(tmp_path, true_labels(), log)
    with pytest.warns(EditWarning, match=r"1 of 2 corrections .*edit 1 .*no cell lies under"):
        outcome = run(file)
    assert outcome.record["edits"]["not_applied"] == [
        {"edit": 1, "kind": "delete", "cell_ids": [6], "reason": "no cell lies under [30, 30]"}
    ]
    report = (outcome.out / "report.html").read_text(encoding="utf-8")
    assert "Corrections by hand that no longer apply" in report
    assert pd.read_csv(outcome.out / "cells.csv")["cell_id"].tolist() == [1, 3, 4]


def test_a_log_that_is_missing(tmp_path):
    file = dish_of(tmp_path, true_labels(), LOG)
    (tmp_path / "edits.toml").unlink()
    with pytest.raises(ReaderError, match=r"edits\.toml: expected a file that can be read"):
        run(file)


def test_a_log_that_is_none(tmp_path):
    file = dish_of(tmp_path, true_labels(), LOG)
    (tmp_path / "edits.toml").write_text("[[edits]]\nkind = 'erase'\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"edits\.toml: edit 1: kind: expected a kind of"):
        run(file)
    assert not (tmp_path / "experiment").exists()
