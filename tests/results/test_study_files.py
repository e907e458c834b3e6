"""The files of a study: exact where they can be, harmless where they must be, the same always."""

import csv
import errno
import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study_example import HOSTILE, example_study, hostile_study
from zincflux.columns import STUDY_TABLES
from zincflux.errors import ResultsError
from zincflux.results import read_study, staging, study_files, write_study
from zincflux.results.study_tables import COMMANDS, plain_text, write_csv
from zincflux.results.study_wide import file_part, wide_tables
from zincflux.results.study_workbook import write_workbook


def write(study, folder: Path, report: str = "<html></html>") -> Path:
    with staging(folder / "study") as aside:
        write_study(study, aside, folder, report=report)
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def few():
    """A small study: two conditions, three doses, three days."""
    return example_study(doses=(0.0, 30.0, 90.0), n_experiments=3, n_dishes=1, n_cells=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, few):
    return write(few, tmp_path_factory.mktemp("study") / "out")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    study = replace(hostile_study(), metrics=("rate_nM_per_s",))
    for name in ("dishes", "conditions", "tests"):
        table = getattr(study, name)
        study = replace(study, **{name: table[table.metric == "rate_nM_per_s"]})
    return study, write(study, tmp_path_factory.mktemp("hostile") / "out")


def test_a_study_is_read_back_as_it_was_written(few, folder):
    back = read_study(folder)
    for name in STUDY_TABLES:
        pd.testing.assert_frame_equal(getattr(back, name), getattr(few, name), check_dtype=False)
    for name in ("name", "settings", "warnings", "constants", "phases", "align_s", "metrics"):
        assert getattr(back, name) == getattr(few, name)
    assert back.headline == "rate_nM_per_s"
    assert back.headline_phase == few.headline_phase
    assert dict(back.thumbnails) == dict(few.thumbnails)
    assert dict(back.versions) == dict(few.versions)


def test_what_is_promised_is_there(folder):
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "cells.parquet",
        "responses.parquet",
        "courses.parquet",
        "conditions.csv",
        "tests.csv",
        "dose_response.csv",
        "experiments.csv",
        "study.xlsx",
        "study.json",
        "report.html",
        "wide",
        "figures",
    }
    assert names == set(study_files.STUDY_FILES)
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".pdf"}


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(few, folder, tmp_path):
    again = example_study(doses=(0.0, 30.0, 90.0), n_experiments=3, n_dishes=1, n_cells=4)
    assert hashes(write(again, tmp_path / "out")) == hashes(folder)


def test_figures_tell_no_date(folder):
    for path in (folder / "figures").glob("*"):
        content = path.read_bytes()
        assert b"CreationDate" not in content
        assert b"<dc:date>" not in content


@pytest.mark.slow
def test_earlier_files_stay_when_the_disk_is_full(few, tmp_path, monkeypatch):
    out = write(few, tmp_path / "out")
    before = hashes(out)

    def full(*_args):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(study_files, "write_figures", full)
    with pytest.raises(ResultsError, match=r"cannot be written: No space left on device"):
        write(replace(few, name="other"), out)
    assert hashes(out) == before


def test_a_folder_without_a_study_is_refused(tmp_path):
    with pytest.raises(ResultsError, match=r"expected the folder of a study, found no study\.json"):
        read_study(tmp_path)


def test_a_damaged_study_is_refused(few, tmp_path, monkeypatch):
    monkeypatch.setattr(study_files, "write_figures", lambda *_: None)
    out = write(few, tmp_path / "out")
    (out / "tests.parquet").write_bytes(b"nothing")
    with pytest.raises(ResultsError, match=r"the study is damaged: .* Run the batch again"):
        read_study(out)


@pytest.mark.parametrize("name", ["conditions", "experiments", "tests", "dishes", "quality"])
def test_no_cell_of_a_csv_acts_as_a_formula(hostile, name):
    _, out = hostile
    check_harmless((out / f"{name}.csv").read_text(encoding="utf-8"))


def test_no_cell_of_a_wide_table_acts_as_a_formula(hostile):
    _, out = hostile
    tables = list((out / "wide").glob("*.csv"))
    assert tables
    for path in tables:
        check_harmless(path.read_text(encoding="utf-8-sig"))


def check_harmless(text: str) -> None:
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            if cell.startswith(COMMANDS[:-1]):
                float(cell)  # a negative number is no formula


def test_parquet_and_json_keep_hostile_texts_exactly(hostile):
    study, out = hostile
    assert set(HOSTILE) == set(pd.read_parquet(out / "cells.parquet")["condition"])
    assert read_study(out).warnings == study.warnings


def test_a_workbook_holds_texts_and_no_formula(hostile):
    _, out = hostile
    book = openpyxl.load_workbook(out / "study.xlsx")
    found = set()
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate)
                found.add(cell.value)
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[2]} <= found
    with zipfile.ZipFile(out / "study.xlsx") as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())


def test_figures_of_hostile_names_hold_no_script(hostile):
    _, out = hostile
    for path in (out / "figures").glob("*.svg"):
        assert "<script" not in path.read_text(encoding="utf-8").lower()


def test_hostile_names_make_no_files_elsewhere(hostile):
    _, out = hostile
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
    for path in out.rglob("*"):
        assert set(path.name) <= allowed
        assert len(path.name) < 100


@given(st.text(max_size=30))
def test_the_mark_against_formulas_can_be_taken_away(text):
    marked = plain_text(text)
    assert not marked.startswith(COMMANDS) or marked.startswith("'")
    assert "\r" not in marked
    ends = text.replace("\r\n", "\n").replace("\r", "\n")
    assert (marked[1:] if marked.startswith("'") else marked) == ends


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_any_text_survives_a_csv(texts):
    table = pd.DataFrame({"text": pd.Series(texts, dtype=object)})
    file = io.StringIO(newline="")
    write_csv(table, file)
    rows = list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1:]
    # An empty row of a single column is written as two quotes.
    assert [row[0] for row in rows] == [plain_text(text) for text in texts]


NUMBERS = st.floats(-1e300, 1e300) | st.sampled_from([np.nan, np.inf, -np.inf])


@pytest.mark.slow
@given(st.one_of(st.text(max_size=50), NUMBERS, st.integers(-(10**9), 10**9), st.booleans()))
def test_any_value_makes_a_workbook_that_opens(value):
    class Memory:
        data = b""

        def write_bytes(self, data):
            self.data = data

    memory = Memory()
    write_workbook({"sheet": pd.DataFrame({"column": pd.Series([value], dtype=object)})}, memory)
    cell = openpyxl.load_workbook(io.BytesIO(memory.data))["sheet"]["A2"]
    assert cell.data_type != "f"
    if isinstance(value, bool | int) or (isinstance(value, float) and np.isfinite(value)):
        assert cell.value == pytest.approx(value)


def test_long_tables_are_named_in_the_workbook(tmp_path, monkeypatch):
    monkeypatch.setattr("zincflux.results.study_workbook.MAX_ROWS", 2)
    write_workbook({"cells": pd.DataFrame({"a": [1, 2, 3]})}, tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    assert book["cells"]["A1"].value == "3 rows: see cells.parquet"


def test_long_texts_are_cut_where_a_workbook_must(tmp_path):
    write_workbook({"a": pd.DataFrame({"b": ["x" * 40_000]})}, tmp_path / "book.xlsx")
    text = openpyxl.load_workbook(tmp_path / "book.xlsx")["a"]["A2"].value
    assert len(text) == 32_001


def test_wide_tables_by_dish(few):
    tables = dict(wide_tables(few))
    wide = tables["rate_nM_per_s_dishes"]
    assert list(wide.columns[:3]) == ["experiment", "replicate", "ZnCl2, 0 µM"]
    own = few.dishes[(few.dishes.metric == "rate_nM_per_s") & (few.dishes.condition == "ZnCl2")]
    own = own[own.dose == 30.0].sort_values("experiment")
    np.testing.assert_array_equal(wide["ZnCl2, 30 µM"], own["level"])


def test_wide_tables_by_dose(few):
    wide = dict(wide_tables(few))["peak_zinc_nM_doses"].set_index("dose (µM)")
    assert list(wide.index) == [0.0, 30.0, 90.0]
    days = [f"ZnCl2, day {day}" for day in (1, 2, 3)]
    np.testing.assert_allclose(wide["ZnCl2: mean"], wide[days].mean(axis=1))
    np.testing.assert_allclose(wide["ZnCl2: SEM"], wide[days].std(axis=1) / np.sqrt(3))
    assert wide["ZnCl2: n"].tolist() == [3, 3, 3]


def test_wide_tables_of_courses(few):
    wide = dict(wide_tables(few))["course_zinc_nM"]
    own = few.courses[(few.courses.quantity == "zinc_nM") & (few.courses.condition == "ZnCl2")]
    own = own[own.dose == 0.0]
    np.testing.assert_array_equal(wide["ZnCl2, 0 µM: mean"], own.mean_of_dishes)
    assert len(wide.columns) == 1 + 3 * 6


def test_folds_stand_dose_by_dose(few):
    wide = dict(wide_tables(few))["rate_nM_per_s_folds"]
    assert wide["dose"].tolist() == [0.0, 30.0, 90.0]


def arms_that_look_alike(few):
    """The study with every dish in four arms, whose values tell them apart."""
    near = 90.0 * (1 + 1e-9)
    arms = [("Zn, 90 µM", np.nan, ""), ("Zn", 90.0, "µM"), ("Zn", near, "µM"), ("Zn", 90.0, "nM")]
    tables = {}
    for name, value in (("dishes", "level"), ("courses", "mean_of_dishes")):
        table = getattr(few, name)
        own = table[(table.condition == "ZnCl2") & (table.dose == 90.0)]
        parts = [
            own.assign(condition=c, dose=d, dose_unit=u, **{value: float(n)})
            for n, (c, d, u) in enumerate(arms)
        ]
        tables[name] = pd.concat(parts, ignore_index=True)
    return dict(wide_tables(replace(few, **tables)))


def test_arms_whose_names_are_the_same_keep_columns_of_their_own(few):
    tables = arms_that_look_alike(few)
    names = ["Zn, 90 µM", "Zn, 90 µM (2)", "Zn, 90 µM (3)", "Zn, 90 nM"]
    for name, first in (("dishes", ["experiment", "replicate"]), ("experiments", ["experiment"])):
        wide = tables[f"rate_nM_per_s_{name}"]
        assert list(wide.columns) == [*first, *names]
        assert [set(wide[arm]) for arm in names] == [{0.0}, {1.0}, {2.0}, {3.0}]
    course = tables["course_zinc_nM"]
    assert [set(course[f"{arm}: mean"]) for arm in names] == [{0.0}, {1.0}, {2.0}, {3.0}]


def test_doses_in_several_units_have_rows_of_their_own(few):
    wide = arms_that_look_alike(few)["rate_nM_per_s_doses"]
    assert wide["dose_unit"].tolist() == ["µM", "µM", "nM"]
    assert wide["dose"].tolist() == [90.0, 90.0 * (1 + 1e-9), 90.0]
    assert wide["Zn: mean"].tolist() == [1.0, 2.0, 3.0]


def test_names_of_columns_are_never_shared(few):
    dishes = few.dishes.assign(condition="experiment", dose=np.nan, dose_unit="")
    wide = dict(wide_tables(replace(few, dishes=dishes)))["rate_nM_per_s_dishes"]
    assert list(wide.columns) == ["experiment", "replicate", "experiment (2)"]
    # A day may be called as a column of another condition is.
    first = few.dishes[few.dishes.experiment == "day 1"].assign(experiment="x: mean")
    both = [first.assign(condition=name) for name in ("Zn", "Zn, x")]
    wide = dict(wide_tables(replace(few, dishes=pd.concat(both))))["rate_nM_per_s_doses"]
    assert {"Zn, x: mean", "Zn, x: mean (2)"} <= set(wide.columns)


def test_groups_and_phases_are_told_apart(few):
    study = example_study(
        doses=(), n_experiments=2, n_dishes=1, n_cells=4, groups=("positive", "negative")
    )
    assert "ZnCl2 (positive)" in dict(wide_tables(study))["rate_nM_per_s_dishes"]
    second = study.dishes.assign(phase="<wash>")
    both = replace(study, dishes=pd.concat([study.dishes, second], ignore_index=True))
    names = [name for name, _ in wide_tables(both)]
    assert "rate_nM_per_s_1-Zn-uptake_dishes" in names
    assert "rate_nM_per_s_2-wash_dishes" in names


@given(st.text(), st.integers(0, 20))
def test_parts_of_file_names_are_plain(name, number):
    part = file_part(name, number)
    assert part.split("-")[0] == str(number + 1)
    assert part.isascii()
    assert len(part) <= 40
