"""The indicator library: values, choice of records, files of the user's own."""

import doctest

import pytest

from zincflux.errors import ExperimentError
from zincflux.indicators import Indicator, indicator_names, library, load_indicator
from zincflux.wording import indicator_text, indicators_text

MINE = """
name = "Mine"
kind = "intensity"
default = 0
[[records]]
name = "today"
k_nM = 3.0
k_includes_beta = false
source = "Own titration 2024"
confidence = "read in the source"
"""


def make(**changes):
    record = {
        "name": "a",
        "k_nM": 1.0,
        "k_includes_beta": False,
        "source": "Someone 2020",
        "confidence": "read in the source",
    }
    data = {"name": "X", "kind": "intensity", "default": "a", "records": [record]}
    return Indicator.parse({**data, **changes}, where="x.toml")


def test_examples_in_docstrings():
    assert doctest.testmod(library).failed == 0


def test_conflicting_records_stand_side_by_side():
    fluozin = load_indicator("FluoZin-3")
    assert [record.k_nM for record in fluozin.records] == [15.0, 8.9, 9.1]
    assert fluozin.record().k_sd_nM == 2.0
    zapcv2 = load_indicator("ZapCV2")
    assert [(r.k_nM, r.hill) for r in zapcv2.records] == [(5.3, 0.29), (2.3, 0.53)]
    assert [record.ph for record in load_indicator("eZinCh-2").records] == [7.1, 7.1, 6.0]
    green = [load_indicator(f"Newport Green {kind}").record().k_nM for kind in ("DCF", "PDX")]
    assert green == [1000.0, 30000.0]


def test_sensors_that_fall_with_zinc():
    falling = {name for name in indicator_names() if load_indicator(name).turn_off}
    assert falling == {*(f"eCALWY-{n}" for n in range(1, 7)), "redCALWY-1", "redCALWY-4"}


@pytest.mark.parametrize(
    ("name", "confidence"),
    [
        ("ZapCV2", "read in the source"),
        ("Mag-fura-2", "secondary"),
        ("ZapCY1", "unverified"),
    ],
)
def test_lists_say_which_value_is_unverified(name, confidence):
    indicator = load_indicator(name)
    assert indicator.record().confidence == confidence
    is_unverified = confidence == "unverified"
    assert ("  unverified: " in indicators_text([indicator])) == is_unverified
    default = indicator_text(indicator).split("(default)")[1].split("\n\n")[0]
    assert f"confidence  {confidence}" in default
    assert ("before you publish" in default) == is_unverified


def test_old_words_of_confidence_are_refused():
    record = {**make().records[0].model_dump(), "confidence": "full text"}
    with pytest.raises(ExperimentError, match=r"records\.0\.confidence"):
        make(records=[record])


@pytest.mark.parametrize("name", ["zapcv2", "ZapCV2", "ZAPCV-2", "zap cv2"])
def test_spelling_of_a_name_is_forgiven(name):
    assert load_indicator(name).name == "ZapCV2"


def test_own_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8")
    assert load_indicator(path).record().k_nM == 3.0
    assert load_indicator(str(path)).record(0).name == "today"
    assert "Mine" not in indicator_names()


def test_missing_file():
    with pytest.raises(ExperimentError, match=r"nowhere\.toml: no such file"):
        load_indicator("nowhere.toml")


def test_file_with_a_misspelt_key(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE.replace("k_nM", "k_nm"), encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"Did you mean 'k_nM'"):
        load_indicator(path)


def test_unknown_name_suggests_the_near_one():
    with pytest.raises(ExperimentError, match=r"found 'Fluzin-3'\. Did you mean 'FluoZin-3'\?"):
        load_indicator("Fluzin-3")


def test_unknown_name_tells_where_the_names_are():
    count = len(indicator_names())
    with pytest.raises(ExperimentError, match=rf"one of the {count} names .*found 'qqqqq'\.$"):
        load_indicator("qqqqq")


def test_unknown_record():
    with pytest.raises(ExperimentError, match=r"'Lo 2020'.* found 'Lo 2021'\. Did you mean"):
        load_indicator("ZapCV2").record("Lo 2021")
    with pytest.raises(ExperimentError, match=r"a number from 0\), found 2\. Set"):
        load_indicator("ZapCV2").record(2)


def test_default_must_exist():
    with pytest.raises(ExperimentError, match="found 'b'"):
        make(default="b")


def test_records_have_different_names():
    twice = [make().records[0].model_dump()] * 2
    with pytest.raises(ExperimentError, match="two records are named 'a'"):
        make(records=twice)


def test_intensity_has_no_beta():
    record = {**make().records[0].model_dump(), "k_includes_beta": True}
    with pytest.raises(ExperimentError, match="an intensity has no beta"):
        make(records=[record])


def test_doi_is_a_doi():
    record = {**make().records[0].model_dump(), "doi": "https://doi.org/10.1021/x"}
    with pytest.raises(ExperimentError, match=r"records\.0\.doi"):
        make(records=[record])
