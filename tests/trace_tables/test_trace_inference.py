"""What headers are taken for, and what is refused because they leave it open."""

import numpy as np
import openpyxl
import pandas as pd
import pytest

from zincflux.errors import ExperimentError, MetadataWarning
from zincflux.trace_tables import TableInput
from zincflux.trace_tables.table import number_cells


def roles(found):
    return {one.role: one.columns for one in found.mapping}


METAFLUOR = (
    "MetaFluor\n\nTime (sec),R1 W1 Avg,R1 W2 Avg,R1 R1,R2 W1 Avg,R2 W2 Avg,R2 R1\n"
    "5,10,20,.5,90,30,3\n10,11,21,.5,80,31,3\n"
)


def test_metafluor_with_a_region_of_background(read):
    found = read(METAFLUOR, "ratio", background="R1")
    assert found.names == ("R2",)
    assert found.cell_id.tolist() == [2]
    assert (found.channels, found.start_s) == (("W1", "W2"), 5)
    assert found.values[:, 0].tolist() == [[90, 80], [30, 31]]
    assert found.background[:, 0].tolist() == [[10, 11], [20, 21]]
    assert roles(found)["ignored"] == ("R1 R1", "R2 R1")
    plain = read(METAFLUOR, "ratio")
    assert plain.names == ("R1", "R2")
    assert not plain.background.any()


def test_cellprofiler(read):
    text = (
        "ImageNumber,ObjectNumber,AreaShape_Area,AreaShape_Center_X,"
        "Intensity_IntegratedIntensity_FRET,Intensity_MassDisplacement_FRET,"
        "Intensity_MeanIntensityEdge_FRET,Intensity_MeanIntensity_CFP,"
        "Intensity_MeanIntensity_FRET,Location_Center_X,Location_Center_Y,TrackObjects_Label_50\n"
        "1,1,10,1,9,9,9,3,5,1,2,7\n1,2,20,1,9,9,8,4,6,1,2,8\n"
        "2,1,20,1,9,9,9,4,7,1,2,8\n2,2,10,1,9,9,8,4,8,1,2,7\n"
    )
    found = read(text, "fret", frame_interval_s=3, length_unit="px", pixel_size_um=0.5)
    assert found.cell_id.tolist() == [7, 8]
    assert found.channels == ("FRET", "CFP")
    assert found.values.tolist() == [[[5, 8], [6, 7]], [[3, 4], [4, 4]]]
    assert found.area_um2.tolist() == [[2.5, 2.5], [5, 5]]
    assert (found.y_um == 1).all()
    assert "ObjectNumber" in roles(found)["ignored"]


def test_workbook_and_parquet_hold_the_same_traces(tmp_path):
    frame = pd.DataFrame({"Time (min)": [0, 0.5], "HeLa A": [1.5, 2.5], "HeLa B": [3.0, np.nan]})
    frame.to_parquet(tmp_path / "t.parquet")
    book = openpyxl.Workbook()
    book.active.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        book.active.append([None if pd.isna(value) else value for value in row])
    book.create_sheet("notes").append(["x", "y"])
    book.save(tmp_path / "t.xlsx")
    for name, sheet in (("t.parquet", None), ("t.xlsx", 1)):
        found = TableInput(path=str(tmp_path / name), sheet=sheet).read(kind="intensity")
        assert found.names == ("HeLa A", "HeLa B")
        assert found.time_s.tolist() == [0, 30]
        np.testing.assert_array_equal(found.values, [[[1.5, 2.5], [3, np.nan]]])


@pytest.mark.parametrize(
    ("header", "keys", "expected"),
    [
        ("Cell 1,Cell 2,Background", {}, [[5, 6], [5, 6]]),
        ("Cell 1,Cell 2,noise", {"background": "noise"}, [[5, 6], [5, 6]]),
        ("Mean1,Mean2,Mean(bg)", {}, [[5, 6], [5, 6]]),
        ("Mean1,Mean2,Mean3", {"background": "3"}, [[5, 6], [5, 6]]),
        ("Mean1,bg2,bg1", {}, [[5, 6]]),
    ],
)
def test_background_of_a_wide_table(read, header, keys, expected):
    found = read(f"Time (s),{header}\n0,1,2,5\n1,3,4,6\n", **keys)
    names = header.split(",")
    if names[1] == "bg2":
        with pytest.raises(ExperimentError, match="none of '1'"):
            read(f"Time (s),{header.replace('bg1', 'bg3')}\n0,1,2,5\n1,3,4,6\n")
    assert found.background[0].tolist() == expected
    assert len(found.names) == len(expected)


def test_background_of_each_channel(read):
    text = "Time (s),FRET 1,CFP 1,Background FRET,Background CFP\n0,9,8,2,1\n1,9,8,3,1\n"
    assert read(text, "fret").background[:, 0].tolist() == [[2, 3], [1, 1]]
    plain = text.replace("Background FRET", "b1").replace("Background CFP", "b2")
    keys = {"numerator": "FRET", "denominator": "CFP", "denominator_background": "b2"}
    assert read(plain, "fret", **keys).background[:, 0].tolist() == [[0, 0], [1, 1]]


def test_background_of_a_long_table(read):
    rows = "0,a,5,1\n0,bg 1,2,1\n0,bg 2,4,1\n1,a,6,1\n1,bg 1,3,1\n"
    found = read("Time (s),cell,F,dummy\n" + rows)
    assert found.names == ("a",)
    assert found.background.tolist() == [[[3, 3]]]
    per_row = read("Time (s),cell,Mean,Background\n0,a,5,1\n1,a,6,2\n")
    assert per_row.background.tolist() == [[[1, 2]]]
    named = read("Time (s),cell,Mean\n0,a,5\n0,Q,1\n1,a,6\n1,Q,2\n", background="q")
    assert named.background.tolist() == [[[1, 2]]]


def test_any_header_is_a_cell(read):
    found = read("Time (s),GFP,mock 2,HeLa (b)\n0,1,2,3\n1,2,3,4\n", signal="*")
    assert found.names == ("GFP", "mock 2", "HeLa (b)")
    ratio = read("Time (s),Cell 1,Cell 2,bg\n0,1,2,3\n1,2,3,4\n", "ratio", signal="*")
    assert (ratio.is_ratio, ratio.names) == (True, ("Cell 1", "Cell 2"))
    assert not ratio.background.any()
    same = read("Time (s),Cell 1,Cell 2\n0,1,2\n1,2,3\n", "ratio", signal="Cell")
    assert (same.is_ratio, same.names) == (True, ("1", "2"))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("GFP-ZIP1,CFP-ZIP4", ("GFP-ZIP1", "CFP-ZIP4")),
        ("340,380", ("340", "380")),
        ("cell 340,cell 380", ("cell 340", "cell 380")),
        ("Cell 1,Cell 2,Mean", ("Cell 1", "Cell 2")),
        ("HeLa 1,HeLa 2,Mean", ("HeLa 1", "HeLa 2")),
        ("Mean1,Mean2,Temperature", ("1", "2")),
        ("FITC Mean 1,FITC StdDev 1", ("1",)),
        ("IntDen1,IntDen2", ("1", "2")),
        ("Mean", ("1",)),
    ],
)
def test_names_of_cells(read, header, names):
    values = ",".join(str(n) for n in range(len(header.split(","))))
    assert read(f"Time (s),{header}\n0,{values}\n1,{values}\n").names == names


def test_one_cell_of_two_wavelengths(read):
    found = read("Time (s),380 nm,340 nm\n0,1,2\n1,3,4\n", "ratio")
    assert found.values[:, 0].tolist() == [[2, 4], [1, 3]]
    both = read("Time (s),F380,F340,F340/F380\n0,1,2,2\n1,3,4,1\n", "ratio")
    assert both.values[:, 0].tolist() == [[2, 4], [1, 3]]


def test_named_columns_win(read):
    text = "when,who,FITC,TRITC,size\n0,x1,1,2,9\n60,x1,2,3,9\n"
    keys = {"cell": "who", "time": "when", "time_unit": "s", "signal": "TRITC", "area": "size"}
    found = read(text, **keys, length_unit="um")
    assert found.values.tolist() == [[[2, 3]]]
    assert found.area_um2.tolist() == [[9, 9]]
    assert {"named"} == {one.how for one in found.mapping if one.role in keys}
    del keys["signal"], keys["area"]
    pair = read(text, "ratio", **keys, numerator="TRITC", denominator="FITC")
    assert pair.channels == ("TRITC", "FITC")
    frames = read(text, signal="FITC", cell="who", frame="when", frame_interval_s=2)
    assert frames.time_s.tolist() == [0, 120]


def test_without_an_indicator(read):
    head = "Time (s),"
    assert not read(f"{head}a,b\n0,1,2\n1,2,3\n", None).is_ratio
    assert read(f"{head}Ratio 1,Ratio 2\n0,1,2\n1,2,3\n", None).is_ratio
    assert read(f"{head}Ratio 1,Ratio 2\n0,1,2\n1,2,3\n", None, signal="Ratio").is_ratio
    assert len(read(f"{head}FRET 1,CFP 1\n0,1,2\n1,2,3\n", None).channels) == 2
    with pytest.raises(ExperimentError, match=r"one signal, one ready ratio, or numerator and"):
        read(f"{head}FITC 1,TRITC 1\n0,1,2\n1,2,3\n", None)


def test_times_of_several_kinds(read):
    clock = read("Time,a,b\n0:00:01,1,2\n0:00:02.5,3,4\n")
    assert (clock.time_s.tolist(), clock.start_s) == ([0, 1.5], 1)
    twice = read("Time (s),Time (min),a,b\n0,0,1,2\n60,1,3,4\n")
    assert twice.time_s.tolist() == [0, 60]
    rows = read(" ,Mean1,Mean2\n1,1,2\n2,3,4\n4,3,4\n", frame_interval_s=2, frame=None)
    assert rows.time_s.tolist() == [0, 2, 4]
    order = read("a 1,a 2\n1,2\n3,4\n", frame_interval_s=2)
    assert order.time_s.tolist() == [0, 2]
    # The row number counts without a gap, so that it is told from a cell's trace.
    clocks = read("Time,Time (min),a\n1:00:00,0,1\n1:01:00,1,2\n")
    assert clocks.time_s.tolist() == [0, 60]
    words = read("Elapsed,Frame,Index,t (s),Mean1\nlate,x,y,1,2\nlater,x,z,2,3\n")
    assert words.time_s.tolist() == [0, 1]
    agree = read("Frame,Slice,a\n1,0,1\n2,1,2\n", frame_interval_s=2)
    assert roles(agree)["frame"] == ("Frame",)
    number = read(" ,Mean1,Mean2\n3,1,2\n4,3,4\n", frame_interval_s=2)
    assert roles(number)["frame"] == ("",)


def test_a_column_headed_cell_may_be_the_trace(read):
    found = read("Time (s),Cell\n0,5\n1,6\n", layout="wide")
    assert (found.names, found.values.tolist()) == (("Cell",), [[[5, 6]]])


def test_a_clock_whose_form_stands_in_the_header(read):
    assert read("Time [m:s.ms],a\n0:01.5,1\n0:02.0,2\n").time_s.tolist() == [0, 0.5]
    assert read("Time (hh:mm:ss),a\n0:00:01,1\n0:01:00,2\n").time_s.tolist() == [0, 59]


def test_columns_without_use_are_listed(read):
    text = "Time (s),Mean1,Plate,,dF/F0 1,empty,comment\n0,1,7,9,1,,x\n1,2,7,8,2,,y\n2,2,7,8,2,,y\n"
    found = {one.how: one.columns for one in read(text).mapping if one.role == "ignored"}
    assert found == {
        "constant": ("Plate",),
        "no header": ("(column 4)",),
        "not needed": ("dF/F0 1",),
        "empty": ("empty",),
        "text": ("comment",),
    }


def test_units_of_places_behind_their_names(read):
    text = "Time (s),cell,Mean,area_um2,x_um,Y (px)\n0,a,1,4,5,6\n1,a,2,4,5,6\n"
    found = read(text, pixel_size_um=0.5)
    assert [found.area_um2[0, 0], found.x_um[0, 0], found.y_um[0, 0]] == [4, 5, 3]


def test_cells_named_like_places_and_areas(read):
    text = "Time (s),Cell W,Cell X,Area\n0,1,2,3\n1,2,3,4\n"
    assert read(text, signal="*").names == ("Cell W", "Cell X", "Area")
    found = read(text, x="Cell X", area="Area", length_unit="um")
    assert (found.names, roles(found)["x"]) == (("Cell W",), ("Cell X",))


@pytest.mark.parametrize(
    ("header", "keys", "n_cells"),
    [
        ("Cell 1,Cell 2,X (um)", {}, 2),
        ("Mean1,Mean2,Area2", {}, 2),
        ("Mean,Cell Area,StdDev", {}, 1),
        ("Cell 1,X,Y", {"length_unit": "px", "pixel_size_um": 2}, 1),
        ("Mean1,X1,X2", {"signal": "Mean1"}, 1),
        ("Cell1,Cell2,Cell1 X", {"signal": "Cell"}, 2),
        ("R1 Avg,R2 Avg,R1 Area", {"background": "R1"}, 1),
        ("Mean1,Mean2,bg Area", {}, 2),
    ],
)
def test_places_that_are_no_cells(read, header, keys, n_cells):
    found = read(f"Time (s),{header}\n0,1,2,3\n1,3,4,5\n", **keys)
    assert len(found.names) == n_cells


@pytest.mark.parametrize(
    ("header", "unused"),
    [
        ("HeLa A,HeLa B,HeLa C", "'HeLa A'"),
        ("Cell 3,Cell 1 GFP,Cell 2 GFP", "'Cell 3'"),
        ("Cell X,Cell 1,Cell 2", "'Cell X'"),
        ("Mean1,Mean2,Area", "'Area'"),
    ],
)
def test_columns_that_may_be_cells_but_are_not_used(read, header, unused):
    text = f"Time (s),{header}\n0,1,5,2\n1,1,4,4\n2,1,3,3\n"
    with pytest.warns(MetadataWarning, match=rf"{unused} may be headed as a cell, but is not us"):
        assert len(read(text).names) == 2
    assert read(text, signal="*").names == tuple(header.split(","))


def test_a_ratio_of_zero_has_no_inverse(read):
    found = read("Time (s),Ratio 1\n0,0\n1,4\n", "ratio", inverted=True)
    np.testing.assert_array_equal(found.values, [[[np.nan, 0.25]]])


@pytest.mark.parametrize(
    ("text", "kind", "keys", "match"),
    [
        ("Time,a\n0:00:00,1\n0:00:01,2\n", "intensity", {"frame_interval_s": 2}, "replaced by fr"),
        ("Time (s),a\n0,1\n1,2\n", "intensity", {"time_unit": "min"}, "is replaced by min"),
        ("Time,a\n0,1\n1,2\n", "intensity", {"frame_interval_s": 2}, "frames every 2 s"),
        ("Time (s),CFP/YFP 1\n0,1\n1,2\n", "fret", {}, r"upside down: yfp/cfp is usual"),
        ("Time (s),380/340 1\n0,1\n1,2\n", "ratio", {}, r"table\.inverted = true"),
    ],
)
def test_warnings(read, text, kind, keys, match):
    with pytest.warns(MetadataWarning, match=match):
        found = read(text, kind, **keys)
    assert found.values.tolist() == [[[1, 2]]]


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["Mean3", "Cell 12", "7"], [3, 12, 7]),
        (["a", "b"], [1, 2]),
        (["a1", "b1"], [1, 2]),
        (["0", "1"], [1, 2]),
        (["007", "10"], [7, 10]),
        (["0012-0034", "0012-0035"], [1, 2]),
        (["9" * 30, "1"], [1, 2]),
    ],
)
def test_numbers_of_cells(names, numbers):
    assert number_cells(names).tolist() == numbers


def test_permuting_columns_or_rows_permutes_cells(read):
    wide = read("Time (s),Mean(a),Mean(b)\n0,1,2\n1,3,4\n")
    other = read("Mean(b),Mean(a),Time (s)\n2,1,0\n4,3,1\n")
    assert other.names == wide.names[::-1]
    np.testing.assert_array_equal(other.values, wide.values[:, ::-1])
    long = read("Time (s),cell,Mean\n0,a,1\n0,b,2\n1,a,3\n1,b,4\n")
    shuffled = read("Mean,cell,Time (s)\n4,b,1\n1,a,0\n2,b,0\n3,a,1\n")
    assert shuffled.names == ("b", "a")
    np.testing.assert_array_equal(shuffled.values, long.values[:, ::-1])


def test_metadata_frames_and_named_ratios(read):
    # Only the ready ratio whose header has both names is taken.
    text = "Time (s),Ratio 1,405/485 1\n0,9,2\n1,9,4\n"
    keys = {"numerator": "485", "denominator": "405"}
    with pytest.raises(ExperimentError, match=r"found 'Ratio 1' \(column 2\) and '405/485 1'"):
        read(text, "ratio", **keys)
    found = read(text.replace("Ratio 1", "Ratio 2"), "ratio", signal="405/485", inverted=True)
    assert found.values.tolist() == [[[0.5, 0.25]]]


def test_channels_named_alike_in_a_long_table(read):
    text = "Time (s),cell,GFP nucleus,GFP cytosol\n0,a,1,2\n1,a,3,4\n"
    with pytest.raises(ExperimentError, match=r"found 'GFP nucleus' and 'GFP cytosol'"):
        read(text)
    assert read(text, signal="GFP cytosol").values.tolist() == [[[2, 4]]]


def test_shared_cells_of_known_and_unknown_words(read):
    text = "Time (s),Mean a,b\n0,1,2\n1,3,4\n"
    assert read(text).names == ("a",)
    both = "Time (s),FRET,HeLa,CFP\n0,1,2,3\n1,3,4,5\n"
    assert read(both, "fret", numerator="FRET", denominator="CFP").channels == ("FRET", "CFP")
