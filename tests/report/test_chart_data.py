"""Numbers in the page: exact enough, missing where they are missing, harmless as text."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study_tables import PHASES, make_tables
from zincflux.plot import Told
from zincflux.report.chart_data import STEPS, limits, packed, rounded, to_json
from zincflux.report.page import clip
from zincflux.report.traces import MOST_NUMBERS, traces_chart

NUMBERS = st.floats(-1e9, 1e9) | st.just(float("nan"))


def unpack(pack):
    """Do what the page's script does."""
    steps = np.frombuffer(base64.b64decode(pack["data"]), dtype="<u2").astype(float)
    values = pack["lo"] + steps / STEPS * (pack["hi"] - pack["lo"])
    values = np.exp(values) if pack["log"] else values
    return np.where(steps > STEPS, np.nan, values)


@given(st.lists(NUMBERS, max_size=40))
def test_packed_numbers_come_back_within_a_step(values):
    array = np.array(values, dtype=float)
    back = unpack(packed(array))
    assert np.array_equal(np.isnan(back), np.isnan(array))
    known = array[np.isfinite(array)]
    span = np.ptp(known) if known.size else 0.0
    assert np.allclose(back, array, atol=span / STEPS + 1e-9, rtol=1e-12, equal_nan=True)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=40))
def test_logarithms_keep_small_numbers_as_exact_as_large_ones(values):
    back = unpack(packed(values, log=True))
    assert np.allclose(back, values, rtol=6e-4)


def test_what_has_no_logarithm_is_missing():
    assert np.isnan(unpack(packed([0.0, -1.0, 2.0], log=True))).tolist() == [True, True, False]


@given(st.lists(NUMBERS, max_size=20))
def test_rounded_numbers_keep_five_digits(values):
    back = [np.nan if one is None else one for one in rounded(values)]
    assert np.allclose(back, values, rtol=5.1e-5, equal_nan=True)


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_text_ends_the_element_or_changes(text):
    written = to_json({"name": text, "</script>": "<!--"})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written)["name"] == text
    written.encode("utf-8")


def test_limits_pass_over_what_is_missing():
    assert limits([[np.nan, 3.0], [-1.0]]) == (-1.0, 3.0)
    assert limits([[np.nan, 3.0], [-1.0, 0.5]], positive=True) == (0.5, 3.0)
    assert limits([]) == (0.0, 1.0)


def test_clipped_names_are_one_line():
    assert clip("a\nb\u2028c", 20) == "a b c"
    assert clip("x" * 50, 10) == "x" * 9 + "…"


@pytest.fixture
def no_drawing(monkeypatch):
    monkeypatch.setattr("zincflux.report.traces.to_png", lambda _figure, dpi: b"\x89PNG")


def chart_of(tables, columns=("zinc_nM", "f_f0"), **options):
    chart = traces_chart(tables["traces"], PHASES, columns, title="Free zinc", **options)
    return chart, json.loads(chart.json)


@pytest.mark.usefixtures("no_drawing")
def test_the_chart_holds_the_traces():
    tables = make_tables(6)
    chart, data = chart_of(tables, told=Told(2.0, 0.5, 150.0))
    wide = tables["traces"].pivot(index="cell_id", columns="time_s", values="zinc_nM")
    cells = data["measures"][0]["cells"]
    drawn = unpack(cells).reshape(len(cells["ids"]), -1)
    assert cells["ids"] == list(wide.index)
    assert np.allclose(drawn, wide.to_numpy(), rtol=1e-3, equal_nan=True)
    assert data["measures"][0]["untold"] == [0.5, 150]
    assert chart.note == ""
    assert chart.table["head"][0] == "Time (min)"
    flags = tables["traces"].groupby("time_s")["flag"]
    share = (100 * flags.apply(lambda flag: (flag == "below_min").mean())).to_numpy()
    assert np.allclose(data["measures"][0]["strip"]["below"], share, atol=0.06)


@pytest.mark.usefixtures("no_drawing")
def test_a_large_movie_is_thinned_and_it_is_said():
    chart, data = chart_of(make_tables(400))
    for measure in data["measures"]:
        n = len(unpack(measure["cells"]))
        assert n <= MOST_NUMBERS
        assert n == len(measure["cells"]["ids"]) * len(measure["t"])
    assert "160 of 400 cells and" not in chart.note or "one frame in" in chart.note
    assert "160 of 400 cells" in chart.note
    assert len(chart.json) < 400_000
