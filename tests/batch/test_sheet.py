"""Sheets: every layout of a table, and every problem told at once with row and column."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_movies import COMMON, make_movies, write_sheet
from runs import pixels, save_bare
from zincflux.batch import iter_sheet, read_sheet
from zincflux.batch.names import LONGEST_BYTES, folder_name, same_folder
from zincflux.batch.problems import Problems
from zincflux.columns import KEYS
from zincflux.errors import ExperimentError, ReaderError


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of three movies, one that says nothing, and settings; to be read only."""
    folder = tmp_path_factory.mktemp("movies")
    make_movies(folder, 3)
    save_bare(folder / "bare.tif", pixels(4))
    (folder / "common.toml").write_text(COMMON, encoding="utf-8")
    (folder / "dark.tif").write_bytes(b"")
    return folder


def problems_of(folder: Path, rows: list[dict[str, object]], **options: object) -> str:
    sheet = write_sheet(folder / "sheet.csv", rows)
    with pytest.raises(ExperimentError) as caught:
        read_sheet(sheet, **options)
    return str(caught.value)


FULL = {
    "path": "dish1.ome.tif",
    "sample": "é ß 1",
    "condition": "Zn µM",
    "dose": "1.5",
    "dose_unit": "µM",
    "replicate": "a",
    "experiment": "day 1",
    "batch": "7",
    "plate": "P",
    "well": "B03",
    "segment.diameter_um": "13",
    "indicator": "FluoZin-3",
}


@pytest.mark.parametrize(
    ("mark", "coding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8"), (",", "utf-8-sig"), (";", "utf-16")],
)
def test_reads_text_of_every_kind(movies: Path, mark: str, coding: str) -> None:
    row = read_sheet(write_sheet(movies / "kinds.csv", [FULL], mark, coding)).rows[0]
    keys = {column.name: FULL[column.name] for column in KEYS} | {"dose": 1.5}
    assert row.keys() == keys
    assert list(row.keys()) == [column.name for column in KEYS]
    assert row.line == 2
    assert row.settings.segment.diameter_um == 13
    assert row.settings.indicator == "FluoZin-3"
    assert row.settings.name == row.folder == "é ß 1"
    assert row.settings.movie.path == str(movies / "dish1.ome.tif")


def test_reads_workbooks(movies: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Path", "Sample", "Dose", "Dose unit", "movie.scene", "segment.over_time"])
    book.active.append([])
    book.active.append(["dish1.ome.tif", 12, 30, "nM", None, None])
    book.active.append(["dish2.ome.tif", 13.5, 0.25, "nM", 0, None])
    book.save(movies / "book.xlsx")
    first, second = read_sheet(movies / "book.xlsx").rows
    assert (first.sample, first.dose, first.line, first.replicate) == ("12", 30.0, 3, "12")
    assert (second.sample, second.dose, second.settings.movie.scene) == ("13.5", 0.25, 0)
    assert first.settings.movie.scene is None


def test_dates_of_workbooks_have_no_time(movies: Path) -> None:
    import datetime

    book = openpyxl.Workbook()
    book.active.append(["path", "experiment"])
    book.active.append(["dish1.ome.tif", datetime.datetime(2026, 5, 1)])
    book.save(movies / "dates.xlsx")
    assert read_sheet(movies / "dates.xlsx").rows[0].experiment == "2026-05-01"


def test_defaults(movies: Path) -> None:
    sheet = read_sheet(write_sheet(movies / "plain.csv", [{"path": "dish1.ome.tif"}]))
    (row,) = sheet.rows
    assert row.sample == row.replicate == row.folder == "dish1"
    assert math.isnan(row.dose)
    assert {row.condition, row.experiment, row.batch, row.plate, row.well, row.dose_unit} == {""}
    assert sheet.name == "plain"
    assert sheet.study.control is None


def test_common_settings_rows_and_assignments(movies: Path) -> None:
    rows = [
        {"path": "dish1.ome.tif", "condition": "none", "calibration.k_nM": 9},
        {"path": "dish2.ome.tif", "condition": "zinc", "calibration.k_nM": ""},
    ]
    sheet = read_sheet(
        write_sheet(movies / "common.csv", rows),
        movies / "common.toml",
        ["flux.responder_k=4", "study.alpha=0.1", "name=My study"],
    )
    assert [row.settings.calibration.k_nM for row in sheet.rows] == [9.0, 15.0]
    assert {row.settings.flux.responder_k for row in sheet.rows} == {4.0}
    assert (sheet.study.control, sheet.study.alpha, sheet.name) == ("none", 0.1, "My study")
    assert [row.settings.name for row in sheet.rows] == ["dish1", "dish2"]
    assert len(sheet.rows[0].settings.phases) == 4


def test_paths_start_from_the_file_they_stand_in(movies: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "settings"
    elsewhere.mkdir()
    shutil.copy(movies / "dish3.ome.tif", elsewhere / "dark.ome.tif")
    file = elsewhere / "common.toml"
    file.write_text('[camera]\ndark = "dark.ome.tif"\n', encoding="utf-8")
    rows = [
        {"path": str(movies / "dish1.ome.tif"), "camera.dark": ""},
        {"path": str(movies / "dish2.ome.tif"), "camera.dark": str(movies / "dish3.ome.tif")},
    ]
    sheet = read_sheet(write_sheet(tmp_path / "sheet.csv", rows), file)
    darks = [row.settings.camera.dark for row in sheet.rows]
    assert darks == [str(elsewhere / "dark.ome.tif"), str(movies / "dish3.ome.tif")]


def test_row_may_name_an_experiment_file(movies: Path, tmp_path: Path) -> None:
    text = f'indicator = "none"\n[movie]\npath = "{movies.as_posix()}/dish1.ome.tif"\n'
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    rows = [{"path": "own.toml", "segment.diameter_um": "14", "condition": "none"}]
    sheet = read_sheet(
        write_sheet(tmp_path / "sheet.csv", rows), movies / "common.toml", ["flux.responder_k=4"]
    )
    settings = sheet.rows[0].settings
    assert (sheet.rows[0].sample, settings.indicator, settings.phases) == ("own", "none", ())
    assert (settings.segment.diameter_um, settings.flux.responder_k) == (14.0, 4.0)


def test_phases_and_joined_movies_stand_in_cells_as_toml(movies: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["path", "phases", "sample"])
    phases = '[{name = "rest", role = "baseline", start_s = 0}]'
    book.active.append(['["dish1.ome.tif", "dish2.ome.tif"]', phases, ""])
    book.save(movies / "phases.xlsx")
    (row,) = read_sheet(movies / "phases.xlsx").rows
    assert row.settings.phases[0].name == "rest"
    assert row.settings.movie.path == tuple(str(movies / f"dish{n}.ome.tif") for n in (1, 2))
    assert row.sample == "dish1"


def test_numbers_with_a_decimal_comma(movies: Path) -> None:
    row = {"path": "dish1.ome.tif", "dose": "0,5", "segment.diameter_um": "12,5"}
    found = read_sheet(write_sheet(movies / "comma.csv", [row], ";")).rows[0]
    assert (found.dose, found.settings.segment.diameter_um) == (0.5, 12.5)


def test_a_comma_that_may_group_thousands_is_refused(movies: Path) -> None:
    rows = [{"path": f"dish{n}.ome.tif", "dose": dose} for n, dose in ((1, "1,000"), (2, "2.5"))]
    sheet = write_sheet(movies / "grouped.csv", rows, ";")
    with pytest.raises(ExperimentError, match=r"row 2, column 'dose': the comma in '1,000' may"):
        read_sheet(sheet)


def test_every_problem_in_one_message(movies: Path) -> None:
    rows = [
        {"path": "dish1.ome.tif", "segment.diameter_um": "wide", "dose": "much"},
        {"path": "dish9.ome.tif", "segment.diameter_um": "-3", "dose": "-1"},
        {"path": "", "segment.diameter_um": "", "dose": "1", "sample": "x"},
        {"path": "bare.tif", "segment.diameter_um": "", "dose": "nan"},
        {"path": "none.toml", "segment.diameter_um": "12", "dose": ""},
    ]
    text = problems_of(movies, rows)
    lines = text.splitlines()
    assert lines[0].endswith("problems; nothing was run. Correct the sheet or the settings, and "
                             "start again:")  # fmt: skip
    assert sum("column 'segment.diameter_um'" in line for line in lines) == 2
    assert any(
        line.startswith("  row 2, column 'dose': expected a number of 0 or more, found 'much'")
        for line in lines
    )
    assert any(line.startswith("  row 3, column 'dose'") for line in lines)
    assert any(line.startswith("  row 5, column 'dose'") for line in lines)
    assert "  row 4, column 'path': expected a movie, found an empty cell" in lines
    assert any("row 5, column 'path'" in line and "movie.pixel_size_um" in line for line in lines)
    assert "Add a column of that name" in text
    assert "--set KEY=VALUE" not in text
    assert any("row 6, column 'path'" in line and "no such file" in line for line in lines)


def test_missing_movie(movies: Path) -> None:
    text = problems_of(movies, [{"path": "dish9.ome.tif"}])
    assert "1 problem;" in text
    assert "row 2, column 'path'" in text
    assert "no such file. Did you mean 'dish" in text


@pytest.mark.parametrize(
    ("title", "hint"),
    [
        ("segment.diamter_um", "Did you mean 'segment.diameter_um'?"),
        ("conditions", "Did you mean 'condition'?"),
        ("movie.path", "Did you mean 'movie.axes'?|Name it 'path'|Did you mean"),
        ("Zähler", "Known are path, sample, condition"),
    ],
)
def test_unknown_column(movies: Path, title: str, hint: str) -> None:
    text = problems_of(movies, [{"path": "dish1.ome.tif", title: "1"}])
    assert f"row 1, column {title!r}: unknown column." in text
    assert any(part in text for part in hint.split("|"))


def test_columns_that_are_there_twice_or_not_at_all(movies: Path) -> None:
    sheet = movies / "twice.csv"
    sheet.write_text("path,dose,Dose\ndish1.ome.tif,1,2\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"row 1, column 'dose': this column is there twice"):
        read_sheet(sheet)
    sheet.write_text("file,dose\ndish1.ome.tif,1\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"column 'path': expected this column, found"):
        read_sheet(sheet)


def test_cells_without_a_column(movies: Path) -> None:
    sheet = movies / "wide.csv"
    sheet.write_text("path,dose\ndish1.ome.tif,1,2\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"row 2: expected 2 cells, as in the header, found"):
        read_sheet(sheet)
    sheet.write_text("path,,dose\ndish1.ome.tif,a,2\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"row 1: expected a name above every column"):
        read_sheet(sheet)


def test_empty_sheets(movies: Path) -> None:
    sheet = movies / "empty.csv"
    for text, found in (("", "an empty table"), ("path,dose\n\n", "a header only")):
        sheet.write_text(text, encoding="utf-8")
        with pytest.raises(ReaderError, match=f"found {found}"):
            read_sheet(sheet)


def test_duplicate_samples_and_shared_folders(movies: Path) -> None:
    rows = [
        {"path": "dish1.ome.tif", "sample": "A/1"},
        {"path": "dish2.ome.tif", "sample": "A/1"},
        {"path": "dish3.ome.tif", "sample": "a_1"},
    ]
    text = problems_of(movies, rows)
    assert "row 3, column 'sample': 'A/1' is the name of row 2 already" in text
    assert "row 4, column 'sample': 'a_1' and 'A/1' in row 2 would share the folder 'a_1'" in text


def test_the_same_problem_of_many_rows_is_told_once(movies: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[segment]\ndiameter_um = -1\n", encoding="utf-8")
    rows = [{"path": f"dish{n}.ome.tif"} for n in (1, 2, 3)]
    text = problems_of(movies, rows, settings=tmp_path / "bad.toml")
    assert text.count("segment.diameter_um") in (1, 2)  # a number, or "auto"
    assert f"rows 2–4, {tmp_path / 'bad.toml'}: segment.diameter_um" in text


def test_settings_that_do_not_belong(movies: Path, tmp_path: Path) -> None:
    row = [{"path": "dish1.ome.tif", "segment.diameter_um": 12}]
    text = problems_of(movies, row, assignments=["segment.diameter_um=3"])
    assert "column 'segment.diameter_um': this setting is a column of the sheet and is set" in text
    (tmp_path / "common.toml").write_text('[movie]\npath = "x.tif"\n', encoding="utf-8")
    text = problems_of(movies, row, settings=tmp_path / "common.toml")
    assert "movie.path: the movies are named by the sheet's column 'path'. Remove it" in text
    with pytest.raises(ExperimentError, match=r"whose name ends in \.toml"):
        read_sheet(movies / "sheet.csv", movies / "dish1.ome.tif")
    (tmp_path / "common.toml").write_text("study = 3\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match="study: expected a section, found 3"):
        read_sheet(movies / "sheet.csv", tmp_path / "common.toml")


def test_unknown_common_key_names_the_settings(movies: Path) -> None:
    text = problems_of(movies, [{"path": "dish1.ome.tif"}], assignments=["segmnt.x=1"])
    assert "row 2, the common settings: segmnt: unknown key. Did you mean 'segment'?" in text


def test_files_that_settings_name(movies: Path) -> None:
    rows = [
        {"path": "dish1.ome.tif", "camera.dark": "no.tif"},
        {"path": "dish2.ome.tif", "camera.dark": ""},
    ]
    text = problems_of(movies, rows, assignments=["edits.path=nowhere.json"])
    assert f"row 2, column 'camera.dark': camera.dark: {movies / 'no.tif'}: no such file" in text
    assert "rows 2–3, the common settings: edits.path:" in text


def test_channels_and_phases_are_met_with_the_movie(movies: Path) -> None:
    rows = [
        {"path": "dish1.ome.tif", "channels.signal": "GFP"},
        {"path": "dish2.ome.tif", "channels.signal": ""},
    ]
    text = problems_of(movies, rows)
    assert "row 2, column 'channels.signal': channels.signal: " in text
    assert "row 3" not in text
    late = '[{name = "rest", role = "baseline", start_s = 1e6}]'
    text = problems_of(movies, rows[1:], assignments=[f"phases={late}"])
    assert "row 2" in text
    assert "phase" in text


def test_study_names_conditions_of_the_sheet(movies: Path) -> None:
    rows = [{"path": "dish1.ome.tif", "condition": "vehicle"}]
    text = problems_of(movies, rows, assignments=["study.control=vehicel"])
    assert "study.control: expected a condition of the sheet, found 'vehicel'. Did you mean" in text
    text = problems_of(movies, rows, assignments=["study.subtract_control=leak"])
    assert "study.subtract_control: expected a condition of the sheet, found 'leak'" in text


def test_study_is_checked_against_columns_and_phases(movies: Path) -> None:
    rows = [{"path": f"dish{n}.ome.tif", "condition": "a"} for n in (1, 2)]
    rows.append({"path": "dish9.ome.tif", "condition": "a"})  # the other problems are told, too
    options = {"settings": movies / "common.toml"}
    wanted = ["study.control=a", 'study.metrics=["rate_nM_per_S"]', "study.align_phase=zincs"]
    text = problems_of(movies, rows, assignments=wanted, **options)
    found = "study.metrics: expected numbers of cells or responses, found 'rate_nM_per_S'. Did you"
    assert found in text
    assert f"rows 2–4, {movies / 'common.toml'}" in text
    assert "study.align_phase: expected a phase of every movie, found 'zincs'. Did you mean" in text
    assert "row 4, column 'path'" in text
    text = problems_of(
        movies, rows[:1], assignments=["study.align_phase=x", 'study.metrics=["x_um"]']
    )
    assert "study.align_phase: expected a phase of every movie, found 'x'. Found none" in text
    assert "study.metrics: expected numbers of cells or responses, found 'x_um'. " in text


@pytest.mark.parametrize("name", ["condition", "experiment"])
def test_keys_that_are_filled_in_part(movies: Path, name: str) -> None:
    rows: list[dict[str, object]] = [
        {"path": f"dish{n}.ome.tif", name: "a" if n == 2 else ""} for n in (1, 2, 3)
    ]
    text = problems_of(movies, rows)
    assert (
        f"rows 2, 4, column {name!r}: expected a name in every row or in none, found an empty cell"
        in text
    )
    assert "1 problem;" in text


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("condition", "ZnCl2", "zncl2"),
        ("condition", "Zn 5 \u00b5M", "Zn 5 \u03bcM"),
        ("condition", "Zn 5uM", "Zn 5\u03bcM"),
        ("condition", "ZnCl\u2082", "ZnCl2"),
        ("dose_unit", "\u00b5M", "\u03bcM"),
        ("dose_unit", "ug/ml", "\u00b5g/ml"),
        ("dose_unit", "nM", "nm"),
        ("experiment", "Day 1", "day 1"),
    ],
)
def test_names_that_differ_only_to_a_computer(
    movies: Path, name: str, first: str, second: str
) -> None:
    rows: list[dict[str, object]] = [
        {"path": f"dish{n}.ome.tif", "dose": n, name: text}
        for n, text in ((1, first), (2, second), (3, first))
    ]
    text = problems_of(movies, rows)
    assert "1 problem;" in text
    assert f"row 3, column {name!r}: expected one spelling of a name, found {second!r} here" in text
    assert f"and {first!r} in row 2" in text


def test_units_of_one_condition(movies: Path) -> None:
    columns = ("path", "condition", "dose", "dose_unit")
    cells = [("a", "0", ""), ("a", "5", "nM"), ("b", "5", "nM"), ("b", "", "")]
    cells += [("b", "", ""), ("c", "1", "mg/l"), ("c", "", "")]
    rows: list[dict[str, object]] = [
        dict(zip(columns, (f"dish{1 + n % 3}.ome.tif", *own), strict=True)) | {"sample": n}
        for n, own in enumerate(cells)
    ]
    text = problems_of(movies, rows)
    assert "1 problem;" in text
    assert "row 3, column 'dose_unit': expected one unit for condition 'a', found 'nM' here" in text
    assert "and none in row 2. Write its doses in one unit" in text
    # Other conditions may have other units; rows without a dose have none.
    assert len(read_sheet(write_sheet(movies / "units.csv", rows[1:])).rows) == 6


def test_problems_have_one_order_whatever_the_hashes(movies: Path) -> None:
    keys = ["calibration.k_nM", "flux.responder_k", "indicator", "segment.diameter_um"]
    keys += ["channels.signal", "movie.scene", "camera.dark"]
    row: dict[str, object] = {"path": "dish1.ome.tif", **dict.fromkeys(keys, "")}
    text = problems_of(movies, [row], assignments=[f"{key}=5" for key in keys])
    lines = [line for line in text.splitlines() if "is set with --set as well" in line]
    assert len(lines) == 7
    assert lines == sorted(lines)


def test_a_section_that_is_a_plain_value(movies: Path) -> None:
    text = problems_of(movies, [{"path": "dish1.ome.tif"}], assignments=["segment=3"])
    assert "the common settings: segment" in text


def test_checking_tells_how_far_it_is(movies: Path) -> None:
    rows = [{"path": f"dish{n}.ome.tif"} for n in (1, 2)]
    steps = list(iter_sheet(write_sheet(movies / "steps.csv", rows)))
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("check", 1, 2),
        ("check", 2, 2),
    ]
    assert not steps[0].has_ended


def test_tables_of_traces_may_be_rows(tmp_path: Path) -> None:
    lines = ["Time (s),cell 1"] + [f"{5 * n},{100 + n}" for n in range(20)]
    (tmp_path / "traces.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "own.toml").write_text('[table]\npath = "traces.csv"\n', encoding="utf-8")
    sheet = read_sheet(write_sheet(tmp_path / "sheet.csv", [{"path": "own.toml"}]))
    assert sheet.rows[0].needed_mb == 0
    assert sheet.rows[0].settings.table.path == str(tmp_path / "traces.csv")


def test_rows_are_counted_as_a_spreadsheet_does(movies: Path) -> None:
    text = 'path,condition\ndish1.ome.tif,"two\nlines"\n\ndish9.ome.tif,x\n'
    (movies / "lines.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError, match="row 4, column 'path'"):
        read_sheet(movies / "lines.csv")


@given(st.text(max_size=300))
def test_folder_names_are_safe_everywhere(sample: str) -> None:
    name = folder_name(sample)
    assert name
    assert len(name.encode()) <= LONGEST_BYTES + 1
    assert not set(name) & set('<>:"/\\|?*')
    assert all(ord(letter) >= 32 for letter in name)
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert name.split(".")[0].rstrip().casefold() not in {
        "con",
        "nul",
        "aux",
        "prn",
        "com1",
        "lpt9",
    }
    assert Path("out", name).parent == Path("out")


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("COM¹", "_COM¹"),
        ("figures", "_figures"),
        ("Study.JSON", "_Study.JSON"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\x00\x1fb\u202eevil", "a__b_evil"),
        ("שלום", "שלום"),
        ("dish 1. ", "dish 1"),
    ],
)
def test_hostile_names(sample: str, name: str) -> None:
    assert folder_name(sample) == name


def test_names_that_leave_nothing_or_too_much() -> None:
    assert folder_name("...") != folder_name("..")
    assert folder_name("..").startswith("sample-")
    long = [folder_name("x" * 10_000 + end) for end in "ab"]
    assert long[0] != long[1]
    assert max(map(len, long)) <= LONGEST_BYTES
    assert same_folder("É") == same_folder("e\u0301")


def test_problems_are_cut_but_never_left_out() -> None:
    problems = Problems("sheet")
    problems.settle()
    for line in range(2, 400):
        problems.add(line, "column 'x'", f"{line} " + "y" * 1000)
    with pytest.raises(ExperimentError) as caught:
        problems.settle()
    lines = str(caught.value).splitlines()
    assert len(lines) == 399
    assert max(map(len, lines)) < 700


@given(st.lists(st.sampled_from(["1", "2.5", "1e3", "", "0"]), min_size=1, max_size=3))
def test_doses_of_any_spelling(doses: list[str]) -> None:
    from zincflux.batch.cells import number

    for dose in doses:
        expected = float(dose) if dose else None
        assert number(dose, decimal_comma=False) == expected
    assert number("1_000", decimal_comma=False) is None
    assert number("−1,5", decimal_comma=True) == -1.5
