"""Tables that are refused, and what the messages say to do."""

import pytest

from zincflux.errors import ExperimentError, ReaderError
from zincflux.trace_tables import TableInput

T = "Time (s)"
AMBIGUOUS = [
    (f"{T},FITC 1,TRITC 1\n0,1,2\n", "intensity", {}, r"found 'FITC 1' and 'TRITC 1'\. Name it w"),
    (f"{T},FITC 1,FITC 2,RFP 1,RFP 2\n0,1,2,3,4\n", "intensity", {}, r"found 'FITC' and 'RFP'\."),
    (f"{T},Ratio 1\n0,1\n", "intensity", {}, r"found none among 'Ratio 1'\. Name it.*table.signal"),
    (f"{T},note\n0,x\n", "intensity", {}, r"found none among no column of numbers"),
    (f"{T},Mean1,Mean2\n0,1,2\n", "ratio", {}, r"ready ratio, for a ratio indicator, found 'Mean'"),
    (f"{T},FITC 1,RFP 1\n0,1,2\n", "fret", {}, r"--map numerator=COLUMN --map denominator=COL"),
    (f"{T},GFP,mock\n0,1,2\n", "intensity", {}, r"found 'GFP' beside 'mock'.*signal=\*"),
    (f"{T},GFP-ZIP1,mock\n0,1,2\n", "intensity", {}, r"found 'GFP-ZIP1' beside 'mock'"),
    (f"{T},Cell 1,Cell 2,GFP\n0,1,2,3\n", "intensity", {}, r"found 'GFP' beside 'Cell 1', 'Ce"),
    (f"{T},Mean1,Mean1\n0,1,2\n", "intensity", {}, r"found 'Mean1' \(column 2\) and 'Mean1' \(col"),
    ("Time,a\n0,1\n", "intensity", {}, r"unit of the time.*found 'Time'\..*--map time_unit=s"),
    ("b,a\n0,1\n", "intensity", {}, r"column of time, found none among b, a.*frame_interval_s"),
    ("ROI,a\n0,1\n0,2\n", "intensity", {"frame_interval_s": 1}, r"of frames or times.*frame=COL"),
    (f"{T},Time (min),a\n0,0,1\n9,9,2\n", "intensity", {}, r"'Time \(min\)', which differ\. Name"),
    (
        "Frame,ImageNumber,a\n1,1,1\n2,4,2\n",
        "intensity",
        {"frame_interval_s": 1},
        r"found 'Frame' and 'ImageNumber', which disagree\..*frame=COLUMN",
    ),
    (
        f"{T},cell,cell name,F\n0,1,a,1\n1,1,b,2\n1,2,a,2\n",
        "intensity",
        {},
        r"found 'cell' and 'cell name', which disagree\..*cell=COLUMN",
    ),
    (f"{T},a,b\n0,1,2\n", "intensity", {"layout": "long"}, r"names the cells, found none among"),
    (f"{T},a,b\n0,1,2\n", "intensity", {"time": "tme"}, r"a column 'tme'.*--map time=tme"),
    (f"{T},a,b\n0,1,2\n", "intensity", {"frame": "frm"}, r"Correct --map frame=frm \(table\.fr"),
    (f"{T},a,b\n0,1,2\n", "intensity", {"cell": "cll"}, r"Correct --map cell=cll \(table\.cell"),
    (f"{T},a 1,b 1\n0,1,2\n", "intensity", {"signal": "c"}, r"the word 'c' for every cell, fo"),
    (f"{T},a,b\n0,1,2\n", "intensity", {"background": "c"}, r"region 'c' as background of the s"),
    (
        f"{T},FRET 1,CFP 1\n0,1,2\n",
        "intensity",
        {"numerator": "FRET", "denominator": "CFP"},
        r"has one channel, found numerator 'FRET' and denominator 'CFP'",
    ),
    (f"{T},a,b\n0,1,2\n", "intensity", {"inverted": True}, r"Remove table\.inverted"),
    (f"{T},FRET 1,CFP 1,FRET 2\n0,1,2,3\n", "fret", {}, r"found no denominator of '2'"),
    (f"{T},FRET 1,CFP 1,CFP 2\n0,1,2,3\n", "fret", {}, r"found no numerator of '2'"),
    (f"{T},Mean1,X1\n0,1,2\n", "intensity", {"x": "X"}, r"table\.length_unit for the x in 'X1'"),
    (
        f"{T},Mean1,X1 (px)\n0,1,2\n",
        "intensity",
        {"x": "X"},
        r"table\.pixel_size_um for the x in 'X1 \(px\)'",
    ),
    (f"{T},cell,F\n0,a,1\n1,a,2\n", "intensity", {"signal": "*"}, r"found signal = '\*'"),
    (
        f"{T},Cell V,Cell W,Cell X,Cell Y,Cell Z\n0,1,2,3,4,5\n",
        "intensity",
        {},
        r"found 'Cell X', 'Cell Y' beside 'Cell V', 'Cell W', 'Cell Z': .*'signal=\*'.* "
        r"--map x=COLUMN --map y=COLUMN \(table\.x, table\.y\)",
    ),
    (f"{T},Cell V,Cell X\n0,1,2\n", "intensity", {"signal": "Cell"}, r"found 'Cell X' beside 'C"),
    (f"{T},V,X\n0,1,2\n", "intensity", {}, r"found 'X' beside 'V'"),
    (f"{T},mock,HeLa,Area\n0,1,2,3\n", "intensity", {}, r"found 'Area' beside.*\(table\.area\)"),
    (f"{T},V GFP,W GFP,X GFP\n0,1,2,3\n", "intensity", {}, r"found 'X GFP' beside 'V GFP', "),
    (f"{T},V FRET,V CFP,X FRET,X CFP\n0,1,2,3,4\n", "fret", {}, r"found 'X FRET', 'X CFP' be"),
    (
        f"{T},X,{','.join(f'k{n}a' for n in range(13))}\n0{',1' * 14}\n",
        "intensity",
        {},
        r"'k11a', …: as places",
    ),
    (
        f"{T},340/380 1\n0,1\n",
        "ratio",
        {"numerator": "405", "denominator": "485"},
        r"with the word '405' for every cell, found '340/380 1'",
    ),
]


@pytest.mark.parametrize(("text", "kind", "keys", "match"), AMBIGUOUS)
def test_what_is_left_open(read, text, kind, keys, match):
    with pytest.raises(ExperimentError, match=match) as caught:
        read(text, kind, **keys)
    assert caught.value.exit_status == 2


WRONG = [
    (
        f"{T},a\n0,1\n0,2\n",
        {},
        r"line 3: expected a time or frame after 0, found 0\. Sort the rows",
    ),
    (f"{T},a\n0,1\n,2\n", {}, r"line 3, column 'Time \(s\)': expected a time, found ''\. Fill"),
    (f"{T},a\n0,1\n1,2\n2,x\n", {}, r"line 4, column 'a': expected a number, found 'x'"),
    (
        "Frame,a\n1,1\n1.5,2\n",
        {"frame_interval_s": 1},
        r"expected the number of a frame, found '1.5",
    ),
    (f"{T},Frame,a\n0,1,1\n0,2,2\n", {}, r"line 3: expected a time or frame after 0 s, found 0 s"),
    (
        f"{T},cell,F\n0,a,1\n0,a,2\n",
        {},
        r"line 3: expected each cell once.*'a' in frame 0 .* line 2",
    ),
    (
        f"{T},cell,F\n0,,1\n0,a,2\n",
        {},
        r"line 2, column 'cell': expected the name of a cell, found",
    ),
    (
        f"{T},Frame,cell,F\n0,1,a,1\n5,1,b,1\n",
        {},
        r"line 3: expected 0 s as in the other rows of frame 1, found 5 s",
    ),
    (
        f"{T},Frame,cell,F\n5,1,a,1\n3,2,a,1\n",
        {},
        r"line 3: expected a time after 5 s, since frame 2 comes later, found 3 s",
    ),
]


@pytest.mark.parametrize(("text", "keys", "match"), WRONG)
def test_cells_that_are_wrong(read, text, keys, match):
    with pytest.raises(ReaderError, match=match):
        read(text, **keys)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"numerator": "a"}, "expected both or none"),
        ({"background": "a", "numerator_background": "b"}, "expected without background"),
        ({"numerator_background": "b"}, "expected beside numerator, which is not given"),
        ({"time": "a", "frame_interval_s": 1}, "expected without time"),
        ({"time_unit": "s", "frame_interval_s": 1}, "expected without frame_interval_s"),
        ({"layout": "wide", "cell": "a"}, 'cell: expected with layout = "long"'),
        ({"sheet": 0}, "sheet"),
        ({"sgnal": "a"}, "Did you mean 'signal'"),
    ],
)
def test_settings_that_contradict(keys, match):
    with pytest.raises(ExperimentError, match=match):
        TableInput.parse({"path": "t.csv", **keys}, where="table")
