"""Known traces, written as other programs write them, read back as they were."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import FRAMES, TIMES, Spelling, Truth, long, spellings, truths, wide

from zincflux.trace_tables import TableInput

quick = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
times = st.sampled_from([(unit, word) for unit, (_, words) in TIMES.items() for word in words])


@pytest.fixture
def table(tmp_path):
    def write(data, **keys):
        path = tmp_path / "traces.txt"
        path.write_bytes(data)
        return TableInput(path=str(path), **keys)

    return write


def agrees(found, truth, values=None):
    """Whether what was read is the truth, whatever the order of the cells."""
    order = np.argsort(found.cell_id)
    assert found.cell_id[order].tolist() == list(range(1, truth.n_cells + 1))
    np.testing.assert_allclose(found.time_s, truth.time_s, rtol=1e-9, atol=1e-9)
    expected = truth.values if values is None else values
    np.testing.assert_allclose(found.values[:, order], expected, rtol=1e-9)
    return order


SIGNALS = ("Cell {}", "cell_{}", "ROI {}", "Mean{}", "Mean(cell{})", "#{} (FITC)", "R{} W1 Avg")
SIGNALS += (
    "{}",
    "Region {} Intensity",
    "Cell{} Mean",
    "FluoZin cell {}",
    "Average #{}",
    "Object {}",
)


@pytest.mark.slow
@pytest.mark.parametrize("n_cells", [300, 303])
@pytest.mark.parametrize(
    "word", ["Cell {}", "Mean{}", "#{} (FITC)", "{}", "Trace {}", "Mean_{}", "HeLa.{}", "F{}"]
)
def test_numbers_of_many_cells_are_no_wavelengths(table, word, n_cells):
    truth = Truth(np.array([0.0, 1.0]), np.random.default_rng(1).random((1, n_cells, 2)), None)
    headers = [(word.format(n + 1), truth.values[0, n]) for n in range(n_cells)]
    data = wide(truth, ("s", "Time (s)"), headers, Spelling(), range(n_cells))
    agrees(table(data).read(kind="intensity"), truth)


@quick
@given(truths(), spellings(), times, st.sampled_from(SIGNALS), st.randoms(use_true_random=False))
def test_one_column_per_cell(table, truth, spelling, time, word, random):
    headers = [(word.format(n + 1), truth.values[0, n]) for n in range(truth.n_cells)]
    order = random.sample(range(len(headers)), len(headers))
    found = table(wide(truth, time, headers, spelling, order)).read(kind="intensity")
    agrees(found, truth)
    assert found.is_ratio is False
    assert not found.background.any()


PAIRS = (
    ("cell{}_340", "cell{}_380"),
    ("340 cell {}", "380 cell {}"),
    ("Cell {} FRET", "Cell {} CFP"),
    ("YFP{}", "CFP{}"),
    ("R{} W1 Avg", "R{} W2 Avg"),
    ("#{} (340)", "#{} (380)"),
    ("Mean(acceptor {})", "Mean(donor {})"),
)


@quick
@given(truths(2), spellings(), times, st.sampled_from(PAIRS), st.randoms(use_true_random=False))
def test_two_columns_per_cell(table, truth, spelling, time, words, random):
    headers = [
        (words[c].format(n + 1), truth.values[c, n]) for c in (0, 1) for n in range(truth.n_cells)
    ]
    order = random.sample(range(len(headers)), len(headers))
    found = table(wide(truth, time, headers, spelling, order)).read(kind="ratio")
    agrees(found, truth)
    assert len(found.channels) == 2


RATIOS = (
    ("#{} Ratio(340/380)", False),
    ("R{} R1", False),
    ("340/380 cell {}", False),
    ("Ratio {}", False),
    ("#{} Ratio(380/340)", True),
    ("380/340 ({})", True),
)


@quick
@given(truths(), spellings(), times, st.sampled_from(RATIOS), st.randoms(use_true_random=False))
def test_ready_ratios_either_way_up(table, truth, spelling, time, ratio, random):
    word, is_inverted = ratio
    written = 1 / truth.values[0] if is_inverted else truth.values[0]
    headers = [(word.format(n + 1), written[n]) for n in range(truth.n_cells)]
    order = random.sample(range(len(headers)), len(headers))
    data = wide(truth, time, headers, spelling, order)
    names = {"numerator": "340", "denominator": "380"} if "380" in word else {}
    found = table(data, **names).read(kind="ratio")
    agrees(found, truth)
    assert found.channels == ("ratio",)
    forced = table(data, inverted=is_inverted).read(kind="fret")
    np.testing.assert_array_equal(forced.values, found.values)


@quick
@given(truths(), spellings(), st.randoms(use_true_random=False))
def test_imagej_multi_measure(table, truth, spelling, random):
    headers = []
    for n in range(truth.n_cells):
        kinds = zip(("Area", "X", "Y"), truth.place, strict=True)
        headers += [(f"{kind}{n + 1}", place[n]) for kind, place in kinds]
        headers += [(f"Mean{n + 1}", truth.values[0, n]), (f"StdDev{n + 1}", truth.values[0, n])]
    order = random.sample(range(len(headers)), len(headers))
    data = wide(truth, ("s", "Time (s)"), headers, spelling, order)
    keys = {"length_unit": "px", "pixel_size_um": 0.5}
    found = table(data, **keys).read(kind="intensity")
    cells = agrees(found, truth)
    np.testing.assert_allclose(found.area_um2[cells], truth.place[0] / 4, rtol=1e-9)
    np.testing.assert_allclose(found.x_um[cells], truth.place[1] / 2, rtol=1e-9)
    np.testing.assert_allclose(found.y_um[cells], truth.place[2] / 2, rtol=1e-9)


def with_frames(truth, spelling, word, interval):
    """Frame column whose missing numbers make the times; first frame 1."""
    numbers = np.round(truth.time_s / interval).astype(int) + 1
    return {word: lambda c, t: str(numbers[t])}


CELLS = ("Cell", "cell_id", "ROI", "TrackObjects_Label_50", "Track ID", "object", "Region")


@quick
@given(
    truths(),
    spellings(),
    st.sampled_from(FRAMES),
    st.sampled_from(CELLS),
    st.sampled_from(("Mean", "Intensity_MeanIntensity_FRET", "F", "Fluorescence (a.u.)", "CFP")),
    st.randoms(use_true_random=False),
)
def test_rows_of_cell_and_frame_in_any_order(table, truth, spelling, frame, cell, signal, random):
    columns = {
        **with_frames(truth, spelling, frame, 3.6),
        cell: lambda c, t: str(c + 1),
        signal: lambda c, t: spelling.number(truth.values[0, c, t]),
        "Area": lambda c, t: spelling.number(truth.place[0, c, t]),
        "Location_Center_X": lambda c, t: spelling.number(truth.place[1, c, t]),
        "Comment": lambda c, t: "fine",
    }
    if np.isfinite(truth.values).sum() > 2:
        columns["Plate"] = lambda c, t: "7"
    names = random.sample(list(columns), len(columns))
    shuffled = {name: columns[name] for name in names}
    data = long(truth, shuffled, spelling, order=lambda rows: random.sample(rows, len(rows)))
    keys = {"frame_interval_s": 3.6, "length_unit": "um"}
    found = table(data, **keys).read(kind="intensity")
    cells = agrees(found, truth)
    np.testing.assert_allclose(found.area_um2[cells], truth.place[0], rtol=1e-9)
    np.testing.assert_allclose(found.x_um[cells], truth.place[1], rtol=1e-9)
    assert np.isnan(found.y_um).all()


@quick
@given(truths(), spellings(), times, st.sampled_from(["cell", "frame"]))
def test_what_stands_only_in_the_first_row_of_a_block(table, truth, spelling, time, block):
    unit, word = time
    last = []

    def once(text):
        shown = "" if text in last else text
        last[:] = [text]
        return shown

    def when(c, t):
        return spelling.number(truth.time_s[t] / TIMES[unit][0])

    columns = {
        "Cell": lambda c, t: once(f"c{c + 1}") if block == "cell" else f"c{c + 1}",
        word: lambda c, t: once(when(c, t)) if block == "frame" else when(c, t),
        "Mean": lambda c, t: spelling.number(truth.values[0, c, t]),
    }
    order = sorted if block == "cell" else list
    data = long(truth, columns, spelling, order=order)
    found = table(data).read(kind="intensity")
    agrees(found, truth)
    role = "cell" if block == "cell" else "time"
    filled = [one for one in found.mapping if one.role == role]

    assert filled[0].role == role


@quick
@given(truths(), spellings(), st.randoms(use_true_random=False))
def test_imagej_labels(table, truth, spelling, random):
    numbers = np.round(truth.time_s / 3.6).astype(int) + 1
    columns = {
        " ": lambda c, t: str(c * truth.n_frames + t + 1),
        "Label": lambda c, t: f"movie: a.tif:cell {c + 1}:{numbers[t]:04d}",
        "Area": lambda c, t: "12",
        "Mean": lambda c, t: spelling.number(truth.values[0, c, t]),
    }
    if random.random() < 0.5:
        columns["Slice"] = lambda c, t: str(numbers[t])
    data = long(truth, columns, spelling, order=lambda rows: random.sample(rows, len(rows)))
    agrees(table(data, frame_interval_s=3.6).read(kind="intensity"), truth)


@quick
@given(truths(2), times, st.sampled_from(["wide", "long"]))
def test_decimal_comma_is_decimal_point(table, truth, time, layout):
    read = []
    for spelling in (Spelling(";"), Spelling(";", comma=True), Spelling("\t", comma=True)):
        if layout == "wide":
            headers = [
                (f"{name} {n + 1}", truth.values[c, n])
                for c, name in enumerate(("FRET", "CFP"))
                for n in range(truth.n_cells)
            ]
            data = wide(truth, time, headers, spelling, range(len(headers)))
        else:
            unit, word = time
            columns = {
                word: lambda c, t, s=spelling, u=unit: s.number(truth.time_s[t] / TIMES[u][0]),
                "cell": lambda c, t: str(c + 1),
                "FRET": lambda c, t, s=spelling: s.number(truth.values[0, c, t]),
                "CFP": lambda c, t, s=spelling: s.number(truth.values[1, c, t]),
            }
            data = long(truth, columns, spelling)
        read.append(table(data).read(kind="fret"))
    for other in read[1:]:
        np.testing.assert_array_equal(other.values, read[0].values)
        np.testing.assert_array_equal(other.time_s, read[0].time_s)
