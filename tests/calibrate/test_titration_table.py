"""Tables of titrations, as plate readers and spreadsheets give them."""

import numpy as np
import pytest

from zincflux.calibrate.titration_table import TitrationTable, read_titration
from zincflux.errors import ExperimentError, ReaderError


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_one_concentration_column_with_replicates_and_zero(table):
    got = read_titration(table("\ufeffzinc (nM),a,b\n0,1,2\n10,3,\n,,\n20,5,6\n"))
    assert got.names == ("a", "b")
    assert got.concentration_nM.tolist() == [0, 10, 20, 0, 20]
    assert got.signal.tolist() == [1, 3, 5, 2, 6]
    assert got.replicate.tolist() == [0, 0, 0, 1, 1]
    assert got.describe(4) == "line 5, b (20 nM)"


def test_ragged_pairs_of_columns(table):
    got = read_titration(table("Zn (nM),r1,Zn (nM),r2\n1,10,2,20\n3,30,4,40\n,,5,50\n"))
    assert got.concentration_nM.tolist() == [1, 3, 2, 4, 5]
    assert got.signal.tolist() == [10, 30, 20, 40, 50]


@pytest.mark.parametrize(
    ("unit", "factor"), [("pM", 1e-3), ("nM", 1), ("µM", 1e3), ("μM", 1e3), ("uM", 1e3), ("M", 1e9)]
)
def test_units(table, unit, factor):
    got = read_titration(table(f"Zn [{unit}],s\n1,10\n2,20\n"))
    np.testing.assert_allclose(got.concentration_nM, [factor, 2 * factor])


def test_decimal_comma_and_other_encoding(table):
    got = read_titration(table("Zink (µM);s\n0,5;1,25\n1;2.5\n", "cp1252"))
    assert got.concentration_nM.tolist() == [500, 1000]
    assert got.signal.tolist() == [1.25, 2.5]


def test_tabs_and_a_unit_given(table):
    got = read_titration(table("dose\ts\n1\t2\n3\t4\n"), TitrationTable(unit="mM"))
    assert got.concentration_nM.tolist() == [1e6, 3e6]


def test_long_table_with_replicates(table):
    got = read_titration(table("Zn (nM),replicate,s\n1,A,10\n2,A,20\n1,B,11\n2,B,21\n"))
    assert got.names == ("replicate A", "replicate B")
    assert got.replicate.tolist() == [0, 0, 1, 1]
    two = read_titration(table("Zn (nM),replicate,s,u\n1,A,10,1\n1,B,11,2\n"))
    assert len(two.names) == 4


def test_buffer_wells_are_subtracted_and_dilution_undone(table):
    path = table("Zn (nM),s,blank 1,blank 2,added\n0,110,8,12,100\n5,60,10,10,100\n")
    settings = TitrationTable(buffer=("blank 1", "blank 2"), volume="added")
    got = read_titration(path, settings)
    np.testing.assert_allclose(got.signal, [100, 100])
    np.testing.assert_allclose(got.dilution, [1, 2])
    late = read_titration(path, settings.model_copy(update={"volume_start": 100.0}))
    np.testing.assert_allclose(late.dilution, [2, 3])


def test_ratio_has_no_dilution_and_its_own_buffer_wells(table):
    path = table("Zn (nM),n,d,bn,bd,added\n0,30,11,10,1,100\n5,25,6,5,1,100\n")
    settings = TitrationTable(
        numerator=("n",), denominator=("d",), buffer=("bn", "bd"), volume="added"
    )
    got = read_titration(path, settings)
    np.testing.assert_allclose(got.signal, [2, 4])
    np.testing.assert_allclose(got.denominator, [10, 10])


@pytest.mark.parametrize(
    ("text", "settings", "error", "match"),
    [
        (
            "Zn (nM),n,d\n1,2,1\n9,9,0\n",
            {"numerator": ("n",), "denominator": ("d",)},
            ReaderError,
            "line 3: expected a buffer well, and of a ratio a denominator above",
        ),
        (
            "Zn (nM),s,blank\n1,2,1\n9,9,\n",
            {"buffer": ("blank",)},
            ReaderError,
            "line 3: expected a buffer well",
        ),
        ("Zn,s\n1,2\n", {}, ExperimentError, "Name it there or with --unit"),
        ("Zn (nM),s\n1,x\n", {}, ReaderError, "line 2, column 's': expected a number, found 'x'"),
        ("Zn (nM),s\n,2\n", {}, ReaderError, "a concentration of 0 or more"),
        ("Zn (nM),s\n-1,2\n", {}, ReaderError, "found -1"),
        ("Zn (nM),s\n1,\n", {}, ReaderError, "rows of numbers below the header"),
        ("Zn (nM),s\n", {}, ReaderError, "a header and rows"),
        ("1,2\n3,4\n", {}, ReaderError, "expected a header in the first line"),
        ("Zn (nM),Zn (nM)\n1,2\n", {}, ReaderError, "a column of signals"),
        ("Zn (nM),s\n1,\0\n", {}, ReaderError, "Save the sheet as CSV"),
        ("Zn (nM),s,blnk\n1,2,3\n", {"buffer": ("blank",)}, ExperimentError, "mean 'blnk'.*--buf"),
        ("Zn (nM),s,v\n1,2,0\n", {"volume": "v"}, ExperimentError, "--volume-start"),
    ],
)
def test_messages(table, text, settings, error, match):
    with pytest.raises(error, match=match):
        read_titration(table(text), TitrationTable(**settings))


def test_missing_file(tmp_path):
    with pytest.raises(ReaderError, match="cannot be read"):
        read_titration(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"numerator": ["a"]}, "as many columns"),
        ({"numerator": ["a"], "denominator": ["b"], "buffer": ["c"]}, "two columns"),
        ({"volume_start": 1.0}, "without the added volumes"),
    ],
)
def test_settings_that_do_not_fit(keys, match):
    with pytest.raises(ExperimentError, match=match):
        TitrationTable.parse(keys, where="calibrate")
