"""Tables of spreadsheet programs as cells: every kind of file, and every kind of number."""

import datetime as dt
import math
import random
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zincflux.calibrate.titration_table import read_titration
from zincflux.errors import ExperimentError, ReaderError
from zincflux.grid import read_grid

quick = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def table(tmp_path):
    def write(data, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


@pytest.fixture
def workbook(tmp_path):
    def write(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "t.xlsx"
        book.save(path)
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_way_to_write_text(table, encoding, end, separator):
    text = end.join(["Länge µm|b", "1.5|2", "", "3|", ""]).replace("|", separator)
    grid = read_grid(table(text.encode(encoding)))
    assert grid.header == ("Länge µm", "b")
    assert grid.lines == (2, 4)
    np.testing.assert_array_equal(grid.numbers(0), [1.5, 3])
    np.testing.assert_array_equal(grid.numbers(1), [2, np.nan])


def test_remarks_above_the_header_are_skipped(table):
    text = 'Experiment,1\nDate,2024-03-01,\n"A note, with, many, commas"\n\nTime,a,b\n0,1,\n1,,4\n'
    grid = read_grid(table(text))
    assert grid.header == ("Time", "a", "b")
    assert grid.lines == (6, 7)
    padded = read_grid(table("Exposure,100,,\nBinning,2,,\nTime,a,b,c\n0,1,2,3\n1,2,3,4\n"))
    assert padded.header == ("Time", "a", "b", "c")
    two = read_grid(table("Object,Cells,Cells\nFrame,Mean,Area\n1,2,3\n2,3,4\n"))
    assert two.header == ("Frame", "Mean", "Area")


def test_a_quoted_line_break_counts_as_a_line(table):
    grid = read_grid(table('a,"b\nc"\n1,2\n3,x\n'))
    assert grid.header == ("a", "b\nc")
    with pytest.raises(ReaderError, match="line 4, column"):
        grid.numbers(1)


@quick
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20), st.sampled_from([";", "\t"]))
def test_decimal_comma_is_decimal_point(table, values, separator):
    rows = "".join(f"{value!r}{separator}{value!r}\n" for value in values)
    point = read_grid(table(f"a{separator}b\n{rows}"))
    comma = read_grid(table(f"a{separator}b\n{rows}".replace(".", ",")))
    np.testing.assert_array_equal(comma.numbers(0), point.numbers(0))
    np.testing.assert_array_equal(point.numbers(0), values)


@pytest.mark.parametrize(
    "word", ["", "NA", "n/a", "NaN", "nan", "-", "#N/A", "#DIV/0!", "OVRFLW", "Infinity", "-inf"]
)
def test_words_for_none(table, word):
    grid = read_grid(table(f"a,b\n1,{word}\n2,−3e2\n"))
    np.testing.assert_array_equal(grid.numbers(1), [np.nan, -300])
    assert grid.texts(1) == ["", "−3e2"]
    assert grid.share_of_numbers(1) == 1


@pytest.mark.parametrize("word", ["1 000", "1_0", "12%", "x", "1.2.3", "0x1", "1,2,3"])
def test_a_cell_that_is_no_number(table, word):
    grid = read_grid(table(f"a;b\n1;{word}\n"))
    assert grid.share_of_numbers(1) == 0
    with pytest.raises(ReaderError, match=r"line 2, column 'b': expected a number, found '.+'\. C"):
        grid.numbers(1)


@pytest.mark.parametrize("cells", [("1,234", "987"), ("1,234", "0.5"), ("2,500", "12.25", "300")])
def test_a_comma_that_may_group_thousands(table, cells):
    grid = read_grid(table("a;b\n" + "".join(f"1;{cell}\n" for cell in cells)))
    with pytest.raises(ReaderError, match="may mark decimals or group thousands"):
        grid.numbers(1)


@pytest.mark.parametrize("cells", [("1,234", "0,987"), ("1,234", "2"), ("1,25", "100")])
def test_a_comma_that_marks_decimals(table, cells):
    grid = read_grid(table("a;b\n" + "".join(f"1;{cell}\n" for cell in cells)))
    expected = [float(cell.replace(",", ".")) for cell in cells]
    np.testing.assert_array_equal(grid.numbers(1), expected)


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (("0:00:05.2", "00:01:05", ""), (5.2, 65, np.nan)),
        (("0:05.5", "75:10.0"), (5.5, 4510)),
        (("26:00:00", "26:00:01"), (93600, 93601)),
        (("2024-05-01 10:00:00", "2024-05-01T10:00:02.5"), (0, 2.5)),
    ],
)
def test_times_of_day(table, cells, seconds):
    grid = read_grid(table("t,b\n" + "".join(f"{cell},1\n" for cell in cells)))
    found = grid.clock_s(0)
    assert grid.clock_s(1) is None
    offset = found[0] - seconds[0]
    assert offset == 0 or cells[0].startswith("2024")
    np.testing.assert_allclose(found - offset, seconds, atol=1e-6)


@pytest.mark.parametrize("cells", [("1:05", "1:10"), ("0:00:05", "7"), ("2024-99-01 10:00:00",)])
def test_times_that_cannot_be_told(table, cells):
    grid = read_grid(table("t,b\n" + "".join(f"{cell},1\n" for cell in cells)))
    with pytest.raises(ReaderError, match=r"column 't': expected a time as h:mm:ss, found .*\. W"):
        grid.clock_s(0)


def test_workbook_with_times_and_numbers(workbook):
    rows = [
        ["Recorded", None, dt.datetime(2024, 5, 1)],
        [],
        ["clock", "span", "date", "name", 3],
        [dt.time(0, 0, 5), dt.timedelta(seconds=5.25), dt.datetime(2024, 5, 1, 10), "a", 1],
        [dt.time(0, 1, 5), dt.timedelta(hours=30), dt.datetime(2024, 5, 1, 10, 0, 1), "b", 2.5],
        [None, None, None, True, None],
    ]
    grid = read_grid(workbook(data=rows, empty=[]))
    assert grid.header == ("clock", "span", "date", "name", "3")
    assert grid.lines == (4, 5, 6)
    np.testing.assert_allclose(grid.clock_s(0), [5, 65, np.nan])
    np.testing.assert_allclose(grid.clock_s(1), [5.25, 108000, np.nan])
    np.testing.assert_allclose(np.diff(grid.clock_s(2)), [1, np.nan])
    assert grid.texts(3) == ["a", "b", "True"]
    assert grid.texts(4) == ["1", "2.5", ""]
    np.testing.assert_array_equal(grid.numbers(4), [1, 2.5, np.nan])


def test_a_workbooks_time_of_a_day_and_more(workbook):
    path = workbook(data=[["t", "v"], [dt.time(23, 59, 58), 1], [1.0 + 2 / 86400, 2]])
    book = openpyxl.load_workbook(path)
    book["data"]["A3"].number_format = "h:mm:ss"
    book.save(path)
    np.testing.assert_allclose(np.diff(read_grid(path).clock_s(0)), [4], atol=1e-3)


def test_a_sheet_is_chosen_by_name_or_number(workbook):
    path = workbook(one=[["a", "b"], [1, 2]], notes=[], two=[["c", "d"], [3, 4]])
    assert read_grid(path, sheet="two").header == ("c", "d")
    assert read_grid(path, sheet=1).header == ("a", "b")
    assert read_grid(path, sheet="3").header == ("c", "d")
    with pytest.raises(ExperimentError, match=r"one sheet with a table, found 2: 1 'one', 3 'two'"):
        read_grid(path)
    for sheet in ("three", 4, "4", "0"):
        with pytest.raises(
            ExperimentError, match=r"expected a sheet .*, found 1 'one', 3 'two'\. C"
        ):
            read_grid(path, sheet=sheet)


def test_a_sheets_name_that_is_a_number_wins(workbook):
    path = workbook(**{"2": [["a", "b"], [1, 2]], "x": [["c", "d"], [3, 4]]})
    assert read_grid(path, sheet="2").header == ("a", "b")
    assert read_grid(path, sheet=2).header == ("c", "d")


DAMAGED = "found another packed file or a damaged one. Save it as XLSX or CSV"


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"]
)
def test_a_workbook_with_a_part_cut_off(workbook, part):
    path = workbook(data=[["a", "b"], *([row, 1] for row in range(50))])
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts[part] = parts[part][: len(parts[part]) // 2]
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    with pytest.raises(ReaderError, match=DAMAGED):
        read_grid(path)


def test_a_workbook_with_bytes_overwritten(workbook):
    path = workbook(data=[["a", "b"], *([row, row / 7] for row in range(200))])
    data = path.read_bytes()
    draw = random.Random(3)
    refused = 0
    for _ in range(60):
        wrong = bytearray(data)
        for _ in range(draw.choice([1, 3, 30])):
            wrong[draw.randrange(4, len(wrong))] = draw.randrange(256)
        path.write_bytes(wrong)
        try:
            read_grid(path)
        except ReaderError as error:
            refused += DAMAGED in str(error)
    assert refused > 30


def test_a_workbook_whose_sheets_are_gone(workbook):
    path = workbook(data=[["a", "b"], [1, 2]])
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    book = parts["xl/workbook.xml"]
    parts["xl/workbook.xml"] = re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", book)
    assert parts["xl/workbook.xml"] != book
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(ReaderError, match="expected an XLSX workbook, found another packed file"):
        read_grid(path)


def test_a_titration_in_a_workbook(workbook):
    rows = [["Plate 7"], ["zinc (nM)", "a", "b"], [0, 1, 2.5], [10, 3, None]]
    found = read_titration(workbook(data=rows))
    assert found.concentration_nM.tolist() == [0, 10, 0]
    assert found.signal.tolist() == [1, 3, 2.5]


def test_an_empty_workbook(workbook):
    with pytest.raises(ReaderError, match="expected a header and rows"):
        read_grid(workbook(one=[], two=[]))


def test_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame(
        {
            "cell": ["a", None],
            "n": pd.array([1, None], dtype="Int64"),
            "v": [1.5, math.nan],
            "at": pd.to_datetime(["2024-05-01 10:00:00", "2024-05-01 10:00:03"]),
            "since": pd.to_timedelta([0, 3], unit="s"),
        }
    )
    frame.to_parquet(path)
    grid = read_grid(path)
    assert grid.header == ("cell", "n", "v", "at", "since")
    assert grid.texts(0) == ["a", ""]
    np.testing.assert_array_equal(grid.numbers(1), [1, np.nan])
    np.testing.assert_array_equal(grid.numbers(2), [1.5, np.nan])
    np.testing.assert_allclose(np.diff(grid.clock_s(3)), [3])
    np.testing.assert_allclose(grid.clock_s(4), [0, 3])
    frame.set_index("cell").to_parquet(path)
    assert read_grid(path).header[0] == "cell"


def test_columns_by_name(table):
    grid = read_grid(table("Mean,b,b\n1,2,3\n"))
    assert grid.column("Mean", "x") == 0
    with pytest.raises(ExperimentError, match=r"expected one column 'b', found 2\. Rename"):
        grid.column("b", "x")
    with pytest.raises(
        ExperimentError, match=r"'Maen', found Mean, b, b\. Did you mean 'Mean'\? C"
    ):
        grid.column("Maen", "--map signal=Maen")
    with pytest.raises(ExperimentError, match=r"found Mean, b, b\. Correct x"):
        grid.column("zzz", "x")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("", "expected a header and rows of at least two columns"),
        ("a,b\n", "expected a header and rows of at least two columns"),
        ("a\n1\n", "expected a header and rows of at least two columns"),
        ("1,2\n3,4\n", "expected a header in the first line, found numbers"),
        ("a,b\n1,2,3\n", r"line 2: expected 2 fields, as in the header in line 1, found 3"),
        ("a, b,c\n1,2\n3,4\n", r"line 2: expected 3 fields, as in the header in line 1, found 2"),
        ("a,b\n1,\0\n", "found binary data"),
        (b"\xd0\xcf\x11\xe0rest", "found an old Excel workbook"),
        (b"PK\x03\x04rest", "found another packed file or a damaged one"),
        (b"PAR1rest", "expected a Parquet file, found a damaged one"),
        ('a,b\n1,"' + "x" * 140_000, "line 2: expected fields of a table, found: field larger"),
    ],
)
def test_files_that_are_no_table(table, data, match):
    with pytest.raises(ReaderError, match=match):
        read_grid(table(data))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ReaderError, match=r"cannot be read: No such file.*Check its name"):
        read_grid(tmp_path / "none.csv")


def test_a_sheet_of_a_text_file(table):
    with pytest.raises(ExperimentError, match=r"expected an XLSX workbook.*Remove the sheet"):
        read_grid(table("a,b\n1,2\n"), sheet=1)
