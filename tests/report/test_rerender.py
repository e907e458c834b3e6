"""The report once more from stored results: the same bytes, also from older or moved folders."""

import json
import re
import shutil

import numpy as np
import pytest

from runs import copy_dish, finished, run_quietly
from study_example import example_study
from zincflux.errors import ResultsError
from zincflux.report import render_study
from zincflux.rerender import rerender
from zincflux.results import read_results, staging, write_study
from zincflux.workflow import convert


@pytest.fixture
def folder(tmp_path_factory, tmp_path):
    """Results that a test may change."""
    _, outcome = finished(tmp_path_factory)
    return shutil.copytree(outcome.out, tmp_path / outcome.out.name)


def test_a_run_gives_the_same_bytes(tmp_path_factory):
    _, outcome = finished(tmp_path_factory)
    page = outcome.out / "report.html"
    before = page.read_bytes()
    assert rerender(outcome.out) == page
    assert page.read_bytes() == before


@pytest.mark.slow
def test_all_that_a_page_may_hold_is_stored(tmp_path_factory, tmp_path):
    """A gate, edits that no longer apply, and doubts."""
    dish, _ = finished(tmp_path_factory)
    file = copy_dish(dish, tmp_path)
    text = file.read_text(encoding="utf-8")
    text += '[gate]\nchannel = "dye"\nminimum = 10.0\n[edits]\npath = "edits.toml"\n'
    file.write_text(text, encoding="utf-8")
    (tmp_path / "edits.toml").write_text(
        'schema_version = 1\n[[edits]]\nkind = "delete"\npoint = [1, 1]\ncell_ids = [9]\n',
        encoding="utf-8",
    )
    out = run_quietly(file, tmp_path / "out").out
    before = (out / "report.html").read_bytes()
    assert b"no longer apply" in before
    assert b"carry the reporter" in before
    rerender(out)
    assert (out / "report.html").read_bytes() == before


def test_results_of_a_table_have_no_picture(tmp_path):
    traces = tmp_path / "traces.csv"
    lines = ["time_s,cell_1,cell_2", *(f"{5 * t},{100 + t},{120 + 2 * t}" for t in range(12))]
    traces.write_text("\n".join(lines), encoding="utf-8")
    out = convert(traces, tmp_path / "out").out
    before = (out / "report.html").read_bytes()
    assert not (out / "overview.tif").exists()
    rerender(out)
    assert (out / "report.html").read_bytes() == before


def test_results_of_an_earlier_version_lack_the_picture_alone(folder):
    (folder / "overview.tif").unlink()
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    for key in ("channels", "pixel_size_um"):
        del record[key]
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    page = rerender(folder).read_text(encoding="utf-8")
    assert "The image that was segmented" not in page
    assert "Background" in page
    assert "Free zinc" in page


@pytest.mark.slow
def test_a_study_gives_the_same_bytes(tmp_path):
    study = example_study(n_cells=5, n_dishes=1)
    out = tmp_path / "study"
    with staging(out) as aside:
        write_study(study, aside, out, report=render_study(study))
    before = (out / "report.html").read_bytes()
    assert rerender(out) == out / "report.html"
    assert (out / "report.html").read_bytes() == before


def test_a_folder_without_results_is_refused(tmp_path):
    message = (
        r"expected the results of a run \(run\.json\) or of a study \(study\.json\), found "
        r"neither\. Give the folder that zincflux run, convert or batch wrote\."
    )
    with pytest.raises(ResultsError, match=message):
        rerender(tmp_path)


@pytest.mark.slow
def test_a_page_that_cannot_be_replaced_is_told(folder):
    (folder / "report.html").unlink()
    (folder / "report.html").mkdir()
    (folder / "report.html" / "kept").write_text("", encoding="utf-8")
    with pytest.raises(ResultsError, match=re.escape("this cannot be written")):
        rerender(folder)


def test_the_overview_is_stored_beside_the_labels(folder):
    results = read_results(folder)
    assert results.overview.dtype == np.float32
    assert results.overview.shape == results.labels.shape[1:]
    inside = results.labels[0] > 0
    assert results.overview[inside].mean() > 2 * results.overview[~inside].mean()
