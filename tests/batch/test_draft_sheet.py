"""Drafts of sheets: movies of folders, positions and plates; conditions are never guessed."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from runs import pixels, save_movie
from zincflux.batch import draft_sheet, read_sheet
from zincflux.batch.layout import well_name
from zincflux.errors import ExperimentError, ReaderError

DATA = pixels(3, 24)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small movie, to be copied."""
    return save_movie(tmp_path_factory.mktemp("one") / "one.ome.tif", DATA)


def put(movie: Path, folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(movie, folder / name)


def test_a_folder_of_movies_in_natural_order(movie: Path, tmp_path: Path) -> None:
    put(movie, tmp_path / "day", "dish10.ome.tif", "dish2.ome.tif", "b/dish2.ome.tif")
    (tmp_path / "day" / "notes.txt").write_text("no movie", encoding="utf-8")
    (tmp_path / "day" / ".hidden").mkdir()
    put(movie, tmp_path / "day" / "done", "labels.ome.tif")
    (tmp_path / "day" / "done" / "run.json").write_text("{}", encoding="utf-8")
    text = draft_sheet(tmp_path / "day", tmp_path / "sheet.csv")
    rows = rows_of(text)
    assert [row["path"] for row in rows] == [
        "day/b/dish2.ome.tif",
        "day/dish2.ome.tif",
        "day/dish10.ome.tif",
    ]
    assert [row["sample"] for row in rows] == ["day b dish2", "day dish2", "dish10"]
    assert {row[key] for row in rows for key in ("condition", "dose", "experiment", "well")} == {""}
    (tmp_path / "sheet.csv").write_text(text, encoding="utf-8")
    assert len(read_sheet(tmp_path / "sheet.csv").rows) == 3
    assert text == draft_sheet(tmp_path / "day", tmp_path / "sheet.csv")


def test_wells_in_names_make_dishes(movie: Path, tmp_path: Path) -> None:
    put(movie, tmp_path, "plate1_b3_s1.ome.tif", "plate1_B03_s2.ome.tif", "plate1_C12_s1.ome.tif")
    rows = rows_of(draft_sheet(tmp_path, tmp_path / "sheet.csv"))
    assert sorted((row["well"], row["replicate"]) for row in rows) == [
        ("B03", "B03"),
        ("B03", "B03"),
        ("C12", "C12"),
    ]
    put(movie, tmp_path, "control.ome.tif")
    rows = rows_of(draft_sheet(tmp_path, tmp_path / "sheet.csv"))
    assert {row["well"] for row in rows} == {""}


def test_a_name_that_a_spreadsheet_would_run(movie: Path, tmp_path: Path) -> None:
    put(movie, tmp_path, "=1+1.ome.tif")
    text = draft_sheet(tmp_path, tmp_path / "sheet.csv")
    (row,) = rows_of(text)
    assert (row["path"], row["sample"]) == ("./=1+1.ome.tif", "_=1+1")
    (tmp_path / "sheet.csv").write_text(text, encoding="utf-8")
    assert read_sheet(tmp_path / "sheet.csv").rows[0].settings.movie.path.endswith("=1+1.ome.tif")


def test_damaged_movies_are_listed_all_the_same(movie: Path, tmp_path: Path) -> None:
    put(movie, tmp_path, "good.ome.tif")
    (tmp_path / "bad.tif").write_bytes((tmp_path / "good.ome.tif").read_bytes()[:100])
    rows = rows_of(draft_sheet(tmp_path, tmp_path / "sheet.csv"))
    assert [row["path"] for row in rows] == ["bad.tif", "good.ome.tif"]


def test_nothing_to_list(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"expected a folder with movies, found none that"):
        draft_sheet(tmp_path, tmp_path / "sheet.csv")
    with pytest.raises(ReaderError, match="no such file"):
        draft_sheet(tmp_path / "none.tif", tmp_path / "sheet.csv")


def plate(folder: Path) -> Path:
    """Write an OME-Zarr plate of two wells with two fields each."""
    zarr = pytest.importorskip("zarr")
    root = folder / "plate.ome.zarr"
    group = zarr.open_group(root, mode="w", zarr_format=2)
    wells = [{"path": "B/3", "rowIndex": 1, "columnIndex": 2}]
    wells += [{"path": "C/12", "rowIndex": 2, "columnIndex": 11}]
    group.attrs["plate"] = {"version": "0.4", "wells": wells}
    for well in wells:
        part = group.create_group(well["path"])
        part.attrs["well"] = {"images": [{"path": "0"}, {"path": "1"}], "version": "0.4"}
        for name in ("0", "1"):
            field = part.create_group(name)
            stored = field.create_array(
                "0", shape=DATA.shape, chunks=(1, 1, 24, 24), dtype=DATA.dtype
            )
            stored[:] = DATA
            scale = {"type": "scale", "scale": [5.0, 1.0, 1.0, 1.0]}
            axes = [
                {"name": "t", "type": "time", "unit": "second"},
                {"name": "c", "type": "channel"},
                {"name": "y", "type": "space", "unit": "micrometer"},
                {"name": "x", "type": "space", "unit": "micrometer"},
            ]
            sets = [{"path": "0", "coordinateTransformations": [scale]}]
            field.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": sets}]
    return root


def test_wells_of_a_plate(tmp_path: Path) -> None:
    root = plate(tmp_path)
    for source in (root, tmp_path):
        text = draft_sheet(source, tmp_path / "sheet.csv")
        rows = rows_of(text)
        assert [row["movie.scene"] for row in rows] == ["0", "1", "2", "3"]
        assert [row["well"] for row in rows] == ["B03", "B03", "C12", "C12"]
        assert [row["replicate"] for row in rows] == ["B03", "B03", "C12", "C12"]
        assert rows[0]["sample"] == "plate B/3/0"
    (tmp_path / "sheet.csv").write_text(text, encoding="utf-8")
    sheet = read_sheet(tmp_path / "sheet.csv")
    assert [row.folder for row in sheet.rows][:2] == ["plate B_3_0", "plate B_3_1"]


LAYOUT = ",3,12\nB,vehicle,\nC,,ZnCl2\n\ndose,3,12\nB,0,\nC,,30\n"


def test_a_layout_names_conditions(tmp_path: Path) -> None:
    plate(tmp_path)
    layout = tmp_path / "layout.csv"
    layout.write_text(LAYOUT, encoding="utf-8")
    rows = rows_of(draft_sheet(layout, tmp_path / "sheet.csv"))
    assert [(row["condition"], row["dose"]) for row in rows] == [
        ("vehicle", "0"),
        ("vehicle", "0"),
        ("ZnCl2", "30"),
        ("ZnCl2", "30"),
    ]


def test_layouts_that_do_not_fit(movie: Path, tmp_path: Path) -> None:
    put(movie, tmp_path, "p_B03.ome.tif")
    layout = tmp_path / "layout.csv"
    layout.write_text(LAYOUT, encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"well C12: no movie has this well in its name"):
        draft_sheet(layout, tmp_path / "sheet.csv")
    layout.write_text("nonsense,3\nB,x\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"line 1: expected in the corner of a grid one of"):
        draft_sheet(layout, tmp_path / "sheet.csv")
    layout.write_text("a,b\nc,d\n", encoding="utf-8")
    with pytest.raises(ReaderError, match="expected the layout of a plate"):
        draft_sheet(layout, tmp_path / "sheet.csv")
    put(movie, tmp_path, "dish.ome.tif")
    layout.write_text(",3\nB,x\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match="expected a well, such as B03, in the name of every"):
        draft_sheet(layout, tmp_path / "sheet.csv")


def test_layouts_in_workbooks(movie: Path, tmp_path: Path) -> None:
    import openpyxl

    put(movie, tmp_path, "p_B03.ome.tif")
    book = openpyxl.Workbook()
    book.active.append([None, 3])
    book.active.append(["B", "salt"])
    book.save(tmp_path / "layout.xlsx")
    (row,) = rows_of(draft_sheet(tmp_path / "layout.xlsx", tmp_path / "sheet.csv"))
    assert (row["condition"], row["well"]) == ("salt", "B03")


@pytest.mark.parametrize(
    ("name", "well"),
    [
        ("A1.tif", "A01"),
        ("x_P24_t.tif", "P24"),
        ("B03_C04.tif", ""),
        ("sampleB03.tif", ""),
        ("Q1.tif", ""),
        ("B003.tif", ""),
        ("B/3/0", "B03"),
        ("C07 site 1", "C07"),
    ],
)
def test_wells_in_names(name: str, well: str) -> None:
    assert well_name(name) == well


def test_copies_of_one_movie_are_all_listed(movie: Path, tmp_path: Path) -> None:
    for name in ("a.ome.tif", "b.ome.tif"):
        shutil.copy(movie, tmp_path / name)
    rows = rows_of(draft_sheet(tmp_path, tmp_path / "sheet.csv"))
    assert [row["sample"] for row in rows] == ["a", "b"]
