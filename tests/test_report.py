"""The report: complete, safe with untrusted names, and in need of nothing else."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from report_stand_ins import Analysis, Calibration, Experiment
from study_tables import CHANNELS, PHASES, Binding, make_field, make_tables
from zincflux.calibrate import Alternative, ZincRange
from zincflux.columns import CELLS, RESPONSES, TRACES, conform
from zincflux.edits import Delete, EditSummary, Numbered, Skipped
from zincflux.gate import Gate, Gated
from zincflux.pipeline import Reach
from zincflux.report import render_report
from zincflux.report.summary import _quartiles, levels, reasons, responses


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    image, labels = make_field(9, size=80)
    return Analysis(**make_tables(24), overview=image, labels=labels)


@pytest.fixture
def no_drawing(monkeypatch):
    """Replace the figures, which take a second to draw, where only the words are looked at."""
    monkeypatch.setattr("zincflux.report.analysis.to_png", lambda _figure: b"\x89PNG")
    monkeypatch.setattr("zincflux.report.traces.to_png", lambda _figure, dpi: b"\x89PNG")
    monkeypatch.setattr("zincflux.report.analysis.to_jpeg", lambda _figure: b"\xff\xd8JPEG")


@pytest.fixture(scope="module")
def drawn(analysis) -> str:
    return render_report(analysis)


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed in order."""

    void = ("meta", "img", "br", "link")

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(analysis):
    page = render_report(analysis)
    return page, Reader(page)


def test_complete(drawn):
    reader = Reader(drawn)
    assert (
        "24 cells found, 2 excluded, zinc in 22 of the 22 used; 140 frames over 11.6 min."
        in reader.text
    )
    for word in (
        "uptake, dish 3",
        "dynamic range below 2",
        "FluoZin-3 (intensity)",
        "15 nM",
        "10.1021/ja011774y",
        "plateau in the phase 'TPEN'",
        "percentile",
        "mean of the frames in rest",
        "includes the errors of K, n and β as far as they are given",
        "Alker and Haase",
        "Zn + pyrithione",
        "0.27 % are expected",
        "measurements flagged below_min",
        "rate_window_s = 30.0",
        "cells.ome.tif",
        "zincflux 0.1.0, numpy 2.0.0",
    ):
        assert word in reader.text, word
    assert reader.tags.count("img") == 4
    assert len(drawn) < 1_000_000


def test_loads_nothing(drawn):
    page, reader = drawn, Reader(drawn)
    assert not {"link", "iframe", "object"} & set(reader.tags)
    sources = [value for _, name, value in reader.attributes if name == "src"]
    assert all(tag in ("img", "a") for tag, name, _ in reader.attributes if name in ("src", "href"))
    links = [value for _, name, value in reader.attributes if name == "href"]
    assert links
    assert all(link.startswith("#") for link in links)
    assert "url(" not in page
    assert "@import" not in page
    for source in sources:
        kind, _, data = source.partition(";base64,")
        start = {"data:image/png": b"\x89PNG", "data:image/jpeg": b"\xff\xd8\xff"}[kind]
        assert base64.b64decode(data).startswith(start)


def test_style_and_script_are_allowed_by_their_hashes_alone(drawn):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', drawn)[1].replace(
        "&#39;", "'"
    )
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", drawn, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_every_image_has_a_description(drawn):
    reader = Reader(drawn)
    descriptions = [
        value for tag, name, value in reader.attributes if (tag, name) == ("img", "alt")
    ]
    assert len(descriptions) == reader.tags.count("img")
    assert all(descriptions)


@pytest.mark.usefixtures("no_drawing")
def test_same_text_again(analysis):
    assert render_report(analysis) == render_report(replace(analysis))


@pytest.mark.slow
def test_untrusted_names_are_text(analysis):
    evil = "<script>alert(1)</script>"
    attack = replace(
        analysis,
        experiment=Experiment(
            name=evil,
            phases=tuple(p.model_copy(update={"name": f"{evil}{p.name}"}) for p in PHASES),
        ),
        calibration=Calibration(indicator=evil, origin=evil),
        warnings=(evil, "$\\frac{1}{$"),
        counts={evil: 1},
        cells=analysis.cells.assign(reason=evil),
        responses=analysis.responses.assign(phase=evil),
        channels=(evil, "$x_{$"),
        provenance={"versions": {evil: evil}, "inputs": {'" onload="x': evil}},
    )
    page, reader = read(attack)
    plain, _ = read(analysis)
    assert page.count("<script") == plain.count("<script")
    assert page.count("</script") == plain.count("</script")
    assert "&lt;script&gt;" in page
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]


@pytest.mark.usefixtures("no_drawing")
def test_no_cells(analysis):
    empty = replace(
        analysis,
        traces=conform(pd.DataFrame(), TRACES, CHANNELS),
        cells=conform(pd.DataFrame(), CELLS, CHANNELS),
        responses=conform(pd.DataFrame(), RESPONSES, CHANNELS),
        labels=np.zeros_like(analysis.labels),
    )
    _, reader = read(empty)
    assert "No cells were found." in reader.text
    assert "segment.diameter_um" in reader.text
    assert "Responses" not in reader.text


@pytest.mark.usefixtures("no_drawing")
def test_without_calibration_it_speaks_of_f_f0(analysis):
    plain = replace(
        analysis,
        calibration=None,
        traces=analysis.traces.assign(zinc_nM=np.nan, flag="no_calibration"),
        experiment=Experiment(phases=(), name=""),
        provenance={},
    )
    _, reader = read(plain)
    assert "24 cells found, 2 excluded; 140 frames" in reader.text
    assert "No calibration was used" in reader.text
    assert "no baseline phase was named" in reader.text
    assert "zinc in" not in reader.text
    assert "Zinc analysis" in reader.text


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize(
    ("changes", "words", "with_beta"),
    [
        ({"beta": 2.5}, "2.5", True),
        ({"k_includes_beta": True, "beta": 2.5}, "contained in K", False),
        ({"k_sd_nM": 2.0}, "15 ± 2 nM", False),
    ],
)
def test_equation_shows_beta_where_it_is_applied(analysis, changes, words, with_beta):
    binding = Binding(**changes)
    page, reader = read(replace(analysis, calibration=Calibration(kind="ratio", binding=binding)))
    assert words in reader.text
    assert ("<i>β</i> ·" in page) == with_beta
    assert "Alker" not in reader.text


@pytest.mark.usefixtures("no_drawing")
def test_regions_have_their_own_parts(analysis):
    def both(table):
        return pd.concat([table.assign(region=region) for region in ("cell", "nucleus")])

    parted = replace(
        analysis,
        traces=both(analysis.traces),
        cells=both(analysis.cells),
        responses=both(analysis.responses),
    )
    _, reader = read(parted)
    assert "24 cells found" in reader.text
    assert "Free zinc : nucleus" in reader.text or "Free zinc: nucleus" in reader.text
    assert "EDTA wash (nucleus)" in reader.text


@pytest.mark.slow
def test_groups_of_a_gate_have_their_own_parts(analysis):
    signal = np.where(np.arange(24) < 9, 400.0, 2.0)
    gated = Gated(signal, signal > 50, 50.0, is_estimated=True)
    cells = analysis.cells.assign(reporter_signal=signal, group=gated.names)
    parted = replace(analysis, cells=cells, gated=gated)
    parted = replace(parted, experiment=Experiment(gate=Gate(channel="<b>mCherry")))
    page, reader = read(parted)
    assert "9 cells carry the reporter, 15 do not." in reader.text
    assert "The threshold of 50 counts was found from the cells (Otsu)." in reader.text
    titles = [word for word in reader.words if word.startswith("Free zinc: ")]
    assert titles == ["Free zinc: reporter positive", "Free zinc: reporter negative"]
    assert "EDTA wash (reporter negative)" in reader.text
    assert "<b>mCherry" not in page


@pytest.mark.slow
def test_table_of_traces_has_no_picture(analysis):
    mapping = ({"role": "time", "columns": "<i>t", "unit": "s", "how": "header"},)
    page, reader = read(replace(analysis, overview=None, labels=None, mapping=mapping))
    assert "Table" in reader.words
    assert "<i>t" in reader.words
    assert "as in the table" in reader.words
    assert "The image that was segmented" not in page


def test_levels_rank_what_lies_beyond_the_range(analysis):
    _, found = levels(analysis.traces, PHASES, "zinc_nM")
    by_phase = {level.phase: level for level in found}
    assert float(by_phase["rest"].quartiles[1]) == pytest.approx(1.3, abs=0.3)
    assert by_phase["rest"].below == "0"
    assert int(by_phase["TPEN"].below) > 20
    assert by_phase["TPEN"].above == "0"
    hidden = analysis.traces.assign(zinc_nM=np.nan, flag="below_min")
    assert levels(hidden, PHASES, "zinc_nM")[1][0].quartiles == ("below range",) * 3


def test_quartiles_in_words():
    assert _quartiles(np.array([])) == ("–", "–", "–")
    assert _quartiles(np.array([-np.inf, -np.inf, 2, np.inf, np.inf])) == (
        "below range",
        "2",
        "above range",
    )
    assert _quartiles(np.array([-np.inf, np.inf]))[1] == "beyond range"
    assert _quartiles(np.array([-0.004, -0.002, np.nan]))[1] == "−0.003"


def test_pm_levels_are_written_in_pm():
    unit, found = levels(make_tables(6, scale=0.005)["traces"], PHASES, "zinc_nM")
    assert unit == "pM"
    assert 3 < float(found[0].quartiles[1]) < 12


def test_levels_without_zinc_are_those_of_f_f0(analysis):
    unit, found = levels(analysis.traces.assign(f_f0=np.nan), PHASES, "f_f0")
    assert unit == ""
    assert found[0].quartiles == ("–", "–", "–")
    assert found[0].no_number == "100"


def test_shares_below_one_percent_are_not_written_as_none(analysis):
    flag = np.where(analysis.traces.index == 0, "below_min", "")
    _, found = levels(analysis.traces.assign(flag=flag), PHASES, "zinc_nM")
    assert found[0].below == "<1"


def test_responses_count_who_has_the_number(analysis):
    first = responses(analysis.responses)[0]
    by_name = {metric.name: metric for metric in first.metrics}
    assert by_name["Peak zinc"].n_cells == 23
    assert by_name["Initial rate"].unit == "nM/s"
    assert "Total flux" not in by_name
    assert responses(make_tables(6, scale=0.005)["responses"])[0].metrics[0].unit == "pM"


def test_reasons_are_counted_apart_for_excluded_and_used_cells():
    cells = pd.DataFrame(
        {"excluded": [True, True, False, True, False], "reason": ["b", "", "c", "b", ""]}
    )
    assert reasons(cells) == [
        ("b", "excluded", 2),
        ("no reason given", "excluded", 1),
        ("c", "used", 1),
    ]


@pytest.mark.usefixtures("no_drawing")
def test_settings_are_printed_as_toml(analysis):
    page, _ = read(analysis)
    assert re.search(r"\[\[phases\]\]\s+name = &#34;rest&#34;", page)


REACH = Reach(
    zinc_ranges=(ZincRange(2.0, 0.5, 150.0), ZincRange(3.0, 0.3, 240.0)),
    phases=("rest", "<b>Zn</b>"),
    zinc_nM=(1.0, 20.0),
    shared_factors=(1.3, 1.3),
    alternatives=(
        Alternative("HT-29 2020", "Nutrients", "secondary", 8.9, 1.0, (0.593, float("nan"))),
    ),
)


@pytest.mark.usefixtures("no_drawing")
def test_says_what_the_indicator_can_tell(analysis):
    page, reader = read(replace(analysis, reach=REACH))
    for words in (
        "within × 2 0.5 to 150 nM",
        "within × 3 0.3 to 240 nM",
        "used here 15 1 read in the source 1 20",
        "may move all cells by a factor of 1.3 1.3",
        "HT-29 2020 8.9 1 secondary 0.593 –",
        "that this movie tells within a factor of 2",
    ):
        assert words in reader.text, words
    assert "<b>Zn</b>" not in page


@pytest.mark.usefixtures("no_drawing")
def test_says_where_the_indicator_can_tell_nothing(analysis):
    nothing = replace(REACH, zinc_ranges=(ZincRange(2.0, np.nan, np.nan),) * 2, phases=())
    _, reader = read(replace(analysis, reach=nothing))
    assert "within × 2 no zinc at all" in reader.text
    assert "Grey:" not in reader.text
    only_three = (ZincRange(2.0, np.nan, np.nan), ZincRange(3.0, 1.0, 9.0))
    _, wider = read(replace(analysis, reach=replace(REACH, zinc_ranges=only_three)))
    assert wider.text.count("a factor of 3") == 2
    assert "from 10 % to 90 % saturation" in reader.text


@pytest.mark.usefixtures("no_drawing")
def test_says_what_became_of_corrections_by_hand(analysis):
    lost = Skipped(Numbered(3, Delete(point=(4, 5), cell_ids=(7,))), "no cell lies under [4, 5]")
    _, reader = read(replace(analysis, edits=EditSummary(2, (lost,))))
    assert "2 corrections by hand are part of this result" in reader.text
    assert "3 delete 7 no cell lies under [4, 5]" in reader.text
    _, untouched = read(analysis)
    assert "by hand" not in untouched.text
