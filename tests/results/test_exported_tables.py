"""Tables for spreadsheets and for Prism, read back by openpyxl, csv and pandas."""

import csv
import io
import sys
import zipfile
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from runs import Shell, finished, names_in
from zincflux.cli.results import FORMATS
from zincflux.columns import TABLES
from zincflux.errors import ExperimentError, ResultsError
from zincflux.export import EXPORTS, export_results, figures, iter_export, tables, write
from zincflux.rerender import stored_analysis
from zincflux.results import read_results

HOSTILE = ('=HYPERLINK("http://x")', "+1", "-1", "@a", "'=1", "\t=1", "＝1")


@pytest.fixture
def done(tmp_path_factory):
    """Folder of results, to be read only."""
    return finished(tmp_path_factory)[0].parent / "experiment"


@pytest.fixture
def stored(monkeypatch, done):
    """Let what is exported differ from what is stored."""

    def change(**changes):
        results = replace(read_results(done), **changes)
        monkeypatch.setattr(write, "read_results", lambda folder, **_: results)
        return results

    return change


def hostile(results):
    """Give results with names that a spreadsheet or a file system would take amiss."""
    name = '=1+"/../x"'
    run = {**results.run, "channels": [name], "warnings": list(HOSTILE)}
    traces = results.traces.rename(columns=lambda c: c.replace("dye", name))
    traces["phase"] = "@evil"
    phases = tuple(
        phase.model_copy(update={"name": text})
        for phase, text in zip(results.experiment.phases, HOSTILE, strict=False)
    )
    responses = results.responses.assign(phase=HOSTILE[1])
    experiment = results.experiment.model_copy(update={"phases": phases, "name": "=evil()"})
    return {"run": run, "traces": traces, "responses": responses, "experiment": experiment}


def sheets(path):
    book = openpyxl.load_workbook(path)
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


def test_help_names_every_format():
    assert f"{', '.join(list(EXPORTS)[:-1])} or {list(EXPORTS)[-1]}." == FORMATS


def test_every_format_has_words_for_people():
    assert len({form.title for form in EXPORTS.values()}) == len(EXPORTS)
    for form in EXPORTS.values():
        assert form.meaning
        assert form.is_file == bool(form.endings)
        assert form.proposed_ending


def test_workbook_holds_the_tables(done, tmp_path):
    results = read_results(done)
    found = sheets(export_results(done, "xlsx", tmp_path / "a.xlsx"))
    assert list(found) == [*tables.SHEETS, "columns"]
    for name in TABLES:
        table = getattr(results, name)
        assert found[name][0] == list(table.columns)
        assert len(found[name]) == 1 + len(table)
    traces = pd.DataFrame(found["traces"][1:], columns=found["traces"][0])
    for column in ("zinc_nM", "f_f0", "dye_raw", "frame"):
        wanted = results.traces[column].to_numpy(float)
        np.testing.assert_allclose(traces[column].to_numpy(float), wanted, rtol=1e-15)
    assert traces["flag"].fillna("").tolist() == results.traces["flag"].tolist()
    assert [row[0] for row in found["phases"][1:]] == ["rest", "zinc", "TPEN", "Zn"]
    told = {row[0]: row[1:] for row in found["settings"][1:]}
    assert told["segment.diameter_um"][:2] == [12, "µm"]
    assert "diameter" in told["segment.diameter_um"][2].lower()
    assert not any(key.startswith("phases") for key in told)
    about = [row[0] for row in found["about"]]
    assert "version of zincflux" in about
    assert any(str(key).startswith("SHA-256 of") for key in about)


def test_workbook_explains_every_column(done, tmp_path):
    results = read_results(done)
    found = sheets(export_results(done, "xlsx", tmp_path / "a.xlsx"))
    told = {(row[0], row[1]): row[2:] for row in found["columns"][1:]}
    for name in TABLES:
        for column in getattr(results, name):
            assert told[name, column][1]
    assert told["traces", "zinc_nM"][0] == "nM"
    assert told["traces", "dye_background"][0] == "counts"


def test_workbook_is_the_same_again_and_replaces_itself(done, tmp_path):
    path = export_results(done, "xlsx", tmp_path / "a.xlsx")
    before = path.read_bytes()
    export_results(done, "xlsx", path, overwrite=True)
    assert path.read_bytes() == before


def test_nothing_in_a_workbook_is_a_formula(done, stored, tmp_path):
    stored(**hostile(read_results(done)))
    path = export_results(done, "xlsx", tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())
    found = sheets(path)
    assert {row[1] for row in found["about"][1:]} >= set(HOSTILE)
    assert '=1+"/../x"_raw' in found["traces"][0]


def test_table_that_is_too_long(done, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MOST_ROWS", 100)
    found = sheets(export_results(done, "xlsx", tmp_path / "a.xlsx"))
    assert found["traces"][0][0].startswith("160 rows: see traces.csv of zincflux export --to csv")
    assert len(found["cells"]) == 5


def test_workbook_shows_progress(done, tmp_path, monkeypatch):
    monkeypatch.setattr("zincflux.results.study_workbook._ROWS_AT_ONCE", 50)
    steps = list(iter_export(done, "xlsx", tmp_path / "a.xlsx"))
    assert len([step for step in steps if step.stage == "workbook"]) > 3
    assert all(step.done <= step.total for step in steps)


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04damaged"])
def test_file_that_is_no_workbook_stays(done, tmp_path, content):
    mine = tmp_path / "mine.xlsx"
    mine.write_bytes(content)
    with pytest.raises(ExperimentError, match=r"an earlier export to replace, found another file"):
        export_results(done, "xlsx", mine, overwrite=True)
    assert mine.read_bytes() == content


def test_workbook_of_the_user_stays(done, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "cells"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(ExperimentError, match=r"found a workbook that zincflux has not written\."):
        export_results(done, "xlsx", tmp_path / "a.xlsx", overwrite=True)


def test_workbook_with_a_sheet_of_the_user_stays(done, tmp_path):
    path = export_results(done, "xlsx", tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(path)
    book.create_sheet("my thoughts")
    book.save(path)
    with pytest.raises(ExperimentError, match=r"also holds the sheet 'my thoughts'\. Choose"):
        export_results(done, "xlsx", path, overwrite=True)


def test_csv(done, stored, tmp_path):
    results = stored(**hostile(read_results(done)))
    folder = export_results(done, "csv", tmp_path / "a")
    assert names_in(folder) == {f"{name}.csv" for name in (*TABLES, "phases", "columns")}
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [c for c in cells if c[:1] in "=+@＝\t" and c and not _is_number(c)]
    again = pd.read_csv(folder / "traces.csv", encoding="utf-8-sig", float_precision="round_trip")
    assert np.array_equal(again["zinc_nM"], results.traces["zinc_nM"], equal_nan=True)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_parquet_is_exact(done, tmp_path):
    folder = export_results(done, "parquet", tmp_path / "a")
    results = read_results(done)
    for name in TABLES:
        pd.testing.assert_frame_equal(
            pd.read_parquet(folder / f"{name}.parquet"), getattr(results, name)
        )
    told = pd.read_parquet(folder / "columns.parquet")
    assert set(told["table"]) == {name for name in TABLES if len(getattr(results, name).columns)}


def test_prism_has_a_column_per_cell(done, stored, tmp_path):
    results = read_results(done)
    stored(cells=results.cells.assign(excluded=results.cells["cell_id"] == 3))
    folder = export_results(done, "prism", tmp_path / "a")
    zinc = pd.read_csv(folder / "zinc_nM.csv", encoding="utf-8-sig", float_precision="round_trip")
    assert list(zinc.columns) == ["time_s", "cell 1", "cell 2", "cell 4"]
    assert zinc["time_s"].tolist() == results.frames["time_s"].tolist()
    own = results.traces[results.traces["cell_id"] == 2].sort_values("frame")["zinc_nM"]
    assert np.array_equal(zinc["cell 2"], own, equal_nan=True)
    left_out = pd.read_csv(folder / "f_f0_excluded.csv", encoding="utf-8-sig")
    assert list(left_out.columns) == ["time_s", "cell 3"]
    assert {"f_f0.csv", "dff.csv", "1-dye_raw.csv", "phases.csv"} <= names_in(folder)
    assert "ratio.csv" not in names_in(folder)  # no numbers: an intensity indicator
    peak = pd.read_csv(
        folder / "response_peak_zinc_nM.csv", encoding="utf-8-sig", float_precision="round_trip"
    )
    assert list(peak.columns) == ["cell_id", "zinc"]
    assert peak["cell_id"].tolist() == [1, 2, 4]


def test_prism_of_several_regions(done, stored, tmp_path):
    results = read_results(done)
    parts = {
        name: pd.concat(
            [getattr(results, name).assign(region=region) for region in ("cell", "nucleus")]
        )
        for name in ("traces", "responses")
    }
    stored(**parts)
    folder = export_results(done, "prism", tmp_path / "a")
    assert {"zinc_nM_cell.csv", "zinc_nM_nucleus.csv"} <= names_in(folder)
    assert "response_peak_zinc_nM_nucleus.csv" in names_in(folder)


def test_prism_with_hostile_names(done, stored, tmp_path):
    stored(**hostile(read_results(done)))
    folder = export_results(done, "prism", tmp_path / "a")
    assert "1-1-x_raw.csv" in names_in(folder)
    peak = (folder / "response_peak_zinc_nM.csv").read_text(encoding="utf-8-sig")
    assert peak.splitlines()[0] == "cell_id,'+1"


def test_prism_without_cells(done, stored, tmp_path):
    results = read_results(done)
    stored(traces=results.traces.iloc[:0], responses=results.responses.iloc[:0])
    with pytest.raises(ResultsError, match=r"expected cells with numbers, found none\. The report"):
        export_results(done, "prism", tmp_path / "a")
    assert not any(tmp_path.iterdir())


def test_prism_without_phases(done, stored, tmp_path):
    results = read_results(done)
    stored(
        experiment=results.experiment.model_copy(update={"phases": ()}),
        responses=results.responses[:0],
    )
    names = names_in(export_results(done, "prism", tmp_path / "a"))
    assert "phases.csv" not in names
    assert not any(name.startswith("response") for name in names)


@pytest.mark.slow
def test_report_stands_alone(done, tmp_path):
    page = export_results(done, "report", tmp_path / "new" / "dish.html")
    text = page.read_text(encoding="utf-8")
    assert "traces.csv" not in text
    assert 'href="experiment.toml"' not in text
    export_results(done, "report", page, overwrite=True)
    assert page.read_text(encoding="utf-8") == text
    mine = tmp_path / "mine.html"
    mine.write_text("<title>mine</title>", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"found another file, not a report of zincflux"):
        export_results(done, "report", mine, overwrite=True)


@pytest.mark.slow
def test_figures(done, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "PNG_DPI", 40)
    folder = export_results(done, "figures", tmp_path / "a")
    stems = {name.rpartition(".")[0] for name in names_in(folder)}
    assert stems == {
        "traces_zinc_nM",
        "traces_f_f0",
        "traces_signal",
        "interval_zinc_nM",
        "heat_map_zinc_nM",
        "phases_zinc_nM",
        "cells",
        "calibration",
        "corrections",
    }
    for stem in stems:
        svg = (folder / f"{stem}.svg").read_text(encoding="utf-8")
        assert "<text" in svg or stem == "cells"
        assert (folder / f"{stem}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{stem}.png").read_bytes().startswith(b"\x89PNG")


def test_figures_without_phases(done):
    analysis = stored_analysis(read_results(done))
    experiment = analysis.experiment.model_copy(update={"phases": ()})
    names = {name for name, _ in figures.movie_figures(replace(analysis, experiment=experiment))}
    assert "traces_zinc_nM" in names
    assert "phases_zinc_nM" not in names


@pytest.mark.slow
def test_figures_of_regions_and_groups(done, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "PNG_DPI", 40)
    results = read_results(done)
    group = np.where(results.cells["cell_id"] < 3, "positive", "negative")
    cells = results.cells.assign(group=group, reporter_signal=[1.0, 2.0, 30.0, 40.0])
    parts = {
        name: pd.concat([table.assign(region=region) for region in ("cell", "nucleus")])
        for name, table in (
            ("traces", results.traces),
            ("cells", cells),
            ("responses", results.responses),
        )
    }
    gate = {"minimum": 10.0, "is_estimated": True}
    stored(**parts, overview=None, run={**results.run, "gate": gate})
    drawn = []
    monkeypatch.setattr(figures, "to_svg", lambda figure: b"")
    monkeypatch.setattr(figures, "to_pdf", lambda figure: b"")
    monkeypatch.setattr(figures, "to_png", lambda figure, dpi: drawn.append(dpi) or b"")
    names = names_in(export_results(done, "figures", tmp_path / "a"))
    assert {"reporter.svg", "heat_map_zinc_nM_nucleus_negative.pdf"} <= names
    assert "heat_map_zinc_nM.svg" not in names
    assert set(drawn) == {40}


def test_name_that_is_proposed_needs_nothing_more(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert EXPORTS["movie"].proposed_ending == ".gif"
    assert EXPORTS["xlsx"].proposed_ending == ".xlsx"
    assert EXPORTS["ctc"].proposed_ending == "_ctc"


@pytest.mark.slow
def test_tables_and_figures_of_a_table(done, stored, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "PNG_DPI", 40)
    stored(labels=None, labels_file=None, overview=None, calibration=None)
    folder = export_results(done, "figures", tmp_path / "a")
    assert {"traces_f_f0.svg", "heat_map_f_f0.svg", "phases_f_f0.pdf"} <= names_in(folder)
    assert not {"cells.svg", "calibration.svg", "traces_zinc_nM.svg"} & names_in(folder)
    export_results(done, "xlsx", tmp_path / "a.xlsx")


@pytest.mark.parametrize("to", ["csv", "parquet", "prism", "figures"])
def test_folder_with_anything_else_stays(done, tmp_path, to):
    place = tmp_path / "mine"
    place.mkdir()
    (place / "thesis.docx").touch()
    with pytest.raises(ExperimentError, match=r"a folder that also holds thesis\.docx"):
        export_results(done, to, place, overwrite=True)


def test_place_that_cannot_be_written(done, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match=r"expected a folder above it, but .* is a file"):
        export_results(done, "csv", tmp_path / "file" / "a")


def test_command_shows_what_was_written(monkeypatch, capsys, done, tmp_path):
    zf = Shell(monkeypatch, capsys)
    out = tmp_path / "a.xlsx"
    assert zf("export", done, "--to", "xlsx", "--out", out) == (0, f"{out}\n", "")
    assert zf("export", done, "--to", "xlsx", "--out", out, "--overwrite", "--quiet") == (0, "", "")
