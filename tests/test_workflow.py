"""From an experiment to a finished folder: the same again, nothing replaced unasked."""

import dataclasses
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

import zincflux
from runs import (
    DIAMETER_UM,
    EXPERIMENT,
    copy_dish,
    finished,
    names_in,
    pixels,
    run_quietly,
    save_bare,
    save_movie,
)
from zincflux.errors import ExperimentError, ReaderError, ZincfluxWarning
from zincflux.movie import clean_name
from zincflux.results import RESULT_FILES, read_results
from zincflux.workflow import default_out, iter_run, run

TABLES = [name for name in RESULT_FILES if name.endswith((".csv", ".parquet"))]


@pytest.fixture
def done(tmp_path_factory):
    """Experiment file and outcome, to be read only."""
    return finished(tmp_path_factory)


@pytest.fixture
def dish(done, tmp_path):
    """An experiment file of one's own."""
    return copy_dish(done[0], tmp_path / "own")


@pytest.fixture
def quick(monkeypatch):
    """Leave out the figures where they do not matter."""
    monkeypatch.setattr("zincflux.workflow.render_report", lambda *_: "<p>report</p>")


def contents(folder, names=TABLES):
    return {name: (folder / name).read_bytes() for name in names}


def test_summary_has_the_keys_that_scripts_rely_on(done):
    file, outcome = done
    assert outcome.summary() == {
        "out": str(file.parent / "experiment"),
        "n_frames": 40,
        "n_cells": 4,
        "n_excluded": 0,
        "n_with_zinc": 4,
        "n_suspects": 0,
        "n_suspects_accepted": 0,
        "warnings": [],
    }
    assert not outcome.up_to_date


def test_zinc_is_that_of_the_counts(done):
    """Counts above background are 150, 600, 100 and 1100 per dye load, and K is 15 nM."""
    results = read_results(done[1].out)
    at_rest = 15 * (150 - 100) / (1100 - 150)
    in_zinc = 15 * (600 - 100) / (1100 - 600)
    np.testing.assert_allclose(results.cells["baseline_zinc_nM"], at_rest, rtol=0.02)
    np.testing.assert_allclose(results.responses["plateau_zinc_nM"], in_zinc, rtol=0.02)


def test_report_names_the_experiment(done):
    assert "<title>experiment" in (done[1].out / "report.html").read_text(encoding="utf-8")


def test_again_is_up_to_date(done):
    file, first = done
    before = {path: path.stat().st_mtime_ns for path in first.out.iterdir()}
    again = run(file)
    assert again.up_to_date
    assert again.summary() == first.summary()
    assert before == {path: path.stat().st_mtime_ns for path in first.out.iterdir()}


def test_the_written_settings_give_the_same_bytes(done, tmp_path):
    _, first = done
    again = run_quietly(first.out / "experiment.toml", tmp_path / "again")
    assert contents(again.out) == contents(first.out)
    for name in ("labels.ome.tif", "calibration.toml"):
        assert (again.out / name).read_bytes() == (first.out / name).read_bytes()


def test_the_written_settings_are_up_to_date_in_place(done):
    assert run(done[1].out / "experiment.toml", done[1].out).up_to_date


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_number_of_jobs_changes_nothing(done, tmp_path, quick, jobs):
    again = run_quietly(done[0], tmp_path / "again", jobs=jobs)
    assert contents(again.out) == contents(done[1].out)


def test_moved_together_stays_up_to_date(dish, quick, tmp_path):
    run_quietly(dish)
    shutil.move(dish.parent, tmp_path / "moved")
    assert run(tmp_path / "moved" / "experiment.toml").up_to_date


def test_swapped_inputs_are_other_inputs(tmp_path, quick):
    for name, frames in (("a", pixels(3)), ("b", 2 * pixels(3))):
        save_bare(tmp_path / f"{name}.tif", frames)
    pattern = str(tmp_path / "{c}.tif")
    keys = ["movie.frame_interval_s=5", "movie.pixel_size_um=1", "movie.axes=TYX"]
    keys.append("channels.signal=a")
    run_quietly(pattern, tmp_path / "out", assignments=keys)
    (tmp_path / "a.tif").rename(tmp_path / "c")
    (tmp_path / "b.tif").rename(tmp_path / "a.tif")
    (tmp_path / "c").rename(tmp_path / "b.tif")
    with pytest.raises(ExperimentError, match="results made with other inputs"):
        run(pattern, tmp_path / "out", assignments=keys)


def test_other_settings_need_leave(dish, quick):
    out = run_quietly(dish).out
    before = contents(out)
    with pytest.raises(ExperimentError, match=r"made with other settings\. Add --overwrite"):
        run(dish, assignments=["calibration.k_nM=30"])
    assert contents(out) == before
    assert not run_quietly(dish, assignments=["calibration.k_nM=30"], overwrite=True).up_to_date
    assert contents(out) != before
    with pytest.raises(ExperimentError, match="other settings"):
        run(dish)


def test_other_inputs_need_leave(dish, quick):
    run_quietly(dish)
    shutil.copy(dish.parent / "movie.ome.tif", dish.parent / "old.tif")
    zincflux.results.write_movie(
        dataclasses.replace(zincflux.open_movie(dish.parent / "old.tif"), data=pixels() + 1),
        dish.parent / "movie.ome.tif",
    )
    with pytest.raises(ExperimentError, match="results made with other inputs"):
        run(dish)


def test_another_version_needs_leave(dish, quick, monkeypatch):
    run_quietly(dish)
    monkeypatch.setattr(zincflux, "__version__", "99")
    with pytest.raises(ExperimentError, match="other version of zincflux"):
        run(dish)


def test_a_lost_table_is_made_again(dish, quick):
    out = run_quietly(dish).out
    (out / "cells.csv").unlink()
    with pytest.raises(ExperimentError, match=r"incomplete results\. Add --overwrite"):
        run(dish)
    assert not run_quietly(dish, overwrite=True).up_to_date
    assert (out / "cells.csv").exists()


def test_a_folder_of_other_files_needs_leave(dish, tmp_path, quick):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ExperimentError, match="already holds other files"):
        run(dish, tmp_path / "out")
    run_quietly(dish, tmp_path / "out", overwrite=True)
    assert "notes.txt" in names_in(tmp_path / "out")


def test_a_file_in_place_of_the_folder(dish, tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(ExperimentError, match="expected a folder, found a file"):
        run(dish, tmp_path / "out", overwrite=True)


def test_the_experiment_file_is_never_replaced(dish):
    before = dish.read_bytes()
    with pytest.raises(ExperimentError, match=r"would replace experiment\.toml"):
        run(dish, dish.parent, overwrite=True)
    assert dish.read_bytes() == before


def test_an_input_is_never_replaced(dish, quick):
    out = run_quietly(dish).out
    changes = [
        "segment.method=labels",
        f"segment.labels={out.as_posix()}/labels.ome.tif",
    ]
    with pytest.raises(ExperimentError, match=r"would replace labels\.ome\.tif"):
        run(dish, assignments=changes, overwrite=True)


def test_every_file_named_is_an_input(dish, quick, tmp_path):
    dark = tmp_path / "dark.tif"
    tifffile.imwrite(dark, np.full((64, 64), 90, np.uint16))
    outcome = run_quietly(dish, assignments=[f"camera.dark={dark.as_posix()}"])
    assert {Path(name).name for name in outcome.record["inputs"]} == {"movie.ome.tif", "dark.tif"}


def test_a_movie_runs_without_a_file(dish, quick):
    outcome = run_quietly(
        dish.parent / "movie.ome.tif",
        indicator="FluoZin-3",
        assignments=[f"segment.diameter_um={DIAMETER_UM}"],
    )
    assert outcome.out == dish.parent / "movie"
    cells = read_results(outcome.out).traces
    assert np.isfinite(cells["dff"]).all()
    assert cells["zinc_nM"].isna().all()
    assert outcome.summary()["n_cells"] == 4


def test_an_experiment_object_runs(dish, quick, tmp_path):
    experiment = zincflux.load_experiment(dish)
    assert run_quietly(experiment, tmp_path / "out").summary()["n_cells"] == 4
    with pytest.raises(ExperimentError, match="out: expected a folder for the results"):
        run(experiment)
    with pytest.raises(ExperimentError, match="an experiment is complete"):
        run(experiment, tmp_path / "out", assignments=["name=a"])
    with pytest.raises(ExperimentError, match="an experiment is complete"):
        run(experiment, tmp_path / "out", indicator="FluoZin-3")


def test_an_experiment_file_names_its_own_indicator(dish):
    with pytest.raises(ExperimentError, match="Use --set indicator=Zinpyr-1"):
        run(dish, indicator="Zinpyr-1")


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("a/dish.v2.toml", "a/dish.v2"),
        ("a/cells.ome.tif", "a/cells"),
        ("a/2024.05.01.tif", "a/2024.05.01"),
        ("cells.tif", "cells"),
        ("a/scan_t{t}.tif", "a/scan"),
        ("a/T{t}/{c}/x.tif", "a/x"),
        ("a/cells", "a/cells_results"),
    ],
)
def test_default_folder(source, out):
    assert default_out(source) == Path(out)


def test_doubts_are_warned_of_and_kept(dish, quick):
    changes = ["movie.pixel_size_um=1.1", "movie.frame_interval_s=5.1"]
    with pytest.warns(ZincfluxWarning) as caught:
        outcome = run(dish, assignments=changes)
    warned = [str(item.message) for item in caught if issubclass(item.category, ZincfluxWarning)]
    assert outcome.summary()["warnings"] == list(dict.fromkeys(warned))
    assert sum("replaces the file's" in text for text in warned) == 2
    assert read_results(outcome.out).run["warnings"] == outcome.summary()["warnings"]


def test_a_warning_made_an_error_leaves_nothing(dish, recwarn):
    warnings.simplefilter("error", ZincfluxWarning)
    with pytest.raises(ZincfluxWarning):
        run(dish, assignments=["movie.pixel_size_um=1.1"])
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml"}


def test_everything_missing_is_named_at_once(tmp_path):
    bare = save_bare(tmp_path / "a.tif", pixels(4))
    with pytest.raises(ExperimentError, match=r"Set movie\.axes.*Set as well: .*--set") as caught:
        run(bare)
    assert "movie.pixel_size_um (pixel size), movie.frame_interval_s (frame" in str(caught.value)
    with pytest.raises(ExperimentError, match=r"all that is needed\. Set movie\.pixel_size_um "):
        run(bare, assignments=["movie.axes=TYX"])
    with pytest.raises(ExperimentError, match=r"if it is time .*else C.*\)\. On the command line"):
        run(bare, assignments=["movie.pixel_size_um=1", "movie.frame_interval_s=1"])


def test_progress_covers_every_stage(dish, quick):
    steps = list(iter_run(dish))
    assert {step.stage for step in steps} >= {"survey", "measure", "report"}
    for stage in {step.stage for step in steps}:
        last = [step for step in steps if step.stage == stage][-1]
        assert last.done == last.total, stage


@pytest.mark.parametrize("stage", ["survey", "measure", "report"])
def test_stopping_leaves_nothing(dish, quick, stage):
    steps = iter_run(dish)
    for step in steps:
        if step.stage == stage:
            break
    steps.close()
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml"}


def test_stopping_leaves_the_earlier_results(dish, quick):
    out = run_quietly(dish).out
    before = contents(out, names_in(out))
    steps = iter_run(dish, assignments=["calibration.k_nM=30"], overwrite=True)
    for step in steps:
        if step.stage == "report":
            break
    steps.close()
    assert contents(out, names_in(out)) == before
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml", "experiment"}


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text on this system")
def test_a_path_that_is_no_text(dish, tmp_path):
    folder = tmp_path / "caf\udce9"
    shutil.copytree(dish.parent, folder)
    with pytest.raises(ReaderError, match=r"bytes that are no text.*Rename"):
        run(folder / "experiment.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


ODD = ('=HYPERLINK("x")', "a\tb\nc", "<b>&amp;", "Zn²⁺ 50 µM, 1:2", "../../up", "a\u202eb\u200b")


@pytest.mark.slow
def test_odd_names_break_nothing(dish):
    phases = "".join(
        f'[[phases]]\nname = {json.dumps(name)}\nrole = "response"\nstart_s = {40 + 10 * n}\n'
        for n, name in enumerate(ODD)
    )
    zinc = '[[phases]]\nname = "zinc"\nrole = "response"\nstart_s = 40.0\n'
    assert zinc in EXPERIMENT
    dish.write_text(EXPERIMENT.replace(zinc, phases), encoding="utf-8")
    save_movie(dish.parent / "movie.ome.tif", pixels(), ['+dye, "=1<wink>&quot;\u202e/..\\'])
    results = read_results(run_quietly(dish).out)
    clean = sorted(clean_name(name) for name in ODD)
    assert sorted(results.responses["phase"].unique()) == clean
    traces = pd.read_csv(results.folder / "traces.csv")
    assert list(traces) == list(results.traces)
    assert len(traces) == 160
    assert set(clean) <= {*traces["phase"]}
    page = (results.folder / "report.html").read_text(encoding="utf-8")
    assert "<b>&amp;" not in page
    assert "<wink>" not in page
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml", "experiment"}
