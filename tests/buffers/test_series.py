"""Titration plates, and requests in words."""

import numpy as np
import pytest

from zincflux.buffers import Conditions, Plate, Request, compute_buffer, titration_series
from zincflux.errors import ExperimentError

AT = Conditions(ph=7.2)
PLATE = Plate("Zn", 1e-3, 200.0)


def test_wells_mixed_as_told_hold_the_free_zinc_asked_for():
    targets = [0.1e-9, 1e-9, 10e-9]
    wells = titration_series({"EGTA": 1e-3}, {"Ca": 1e-4}, AT, PLATE, targets)
    for well, target in zip(wells, targets, strict=True):
        assert well.chelator_stock_uL + well.metal_stock_uL == pytest.approx(200)
        zinc = PLATE.stock_M * well.metal_stock_uL / 200
        mixed = compute_buffer({"EGTA": 1e-3}, {"Zn": zinc, "Ca": 1e-4}, AT)
        assert mixed.free_metal_M[0] == pytest.approx(target, rel=1e-9)
        assert well.p_free == pytest.approx(-np.log10(target))
    assert wells[0].warnings
    assert not wells[1].warnings


def test_equal_steps_go_from_one_stock_to_the_other():
    wells = titration_series({"EGTA": 1e-3}, {}, AT, PLATE, 11)
    np.testing.assert_allclose([well.metal_stock_uL for well in wells], np.linspace(0, 200, 11))
    assert wells[0].free_M == 0
    assert wells[0].p_free is None
    assert np.all(np.diff([well.free_M for well in wells]) > 0)


def test_a_volume_that_cannot_be_pipetted():
    well = titration_series({"EGTA": 1e-3}, {}, AT, PLATE, [5e-12])[0]
    assert any("too little to pipette" in text for text in well.warnings)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([1e-3], r"--series: 1e\+06 nM free Zn needs .* metal stock holds 0.001 M"),
        ([], "--series: expected free concentrations"),
        (1, "--points: expected 2 or more wells, found 1"),
    ],
)
def test_series_that_cannot_be_made(targets, message):
    with pytest.raises(ExperimentError, match=message):
        titration_series({"EGTA": 1e-3}, {}, AT, PLATE, targets)


def test_a_plate_without_volume():
    with pytest.raises(ExperimentError, match="a metal stock and a volume above 0"):
        Plate("Zn", 1e-3, 0.0)


@pytest.mark.parametrize("metals", [["Zn"], ["Zn=1mM"], []])
def test_the_stock_is_full_unless_told(metals):
    found = Request.read(["EGTA=1mM"], metals).answer(AT, series="1nM,10nM", volume="0.1mL")
    assert found["volume_uL"] == 100
    assert found["series_metal"] == "Zn"
    assert found["total_M"]["Zn"] == pytest.approx(1e-3)
    assert [well["free_M"] for well in found["series"]] == pytest.approx([1e-9, 10e-9])


def test_another_metal_stays_in_both_stocks():
    found = Request.read(["EGTA=1mM"], ["Ca=0.1mM", "Zn=0.5mM"]).answer(AT, points=3)
    assert found["series_metal"] == "Zn"
    assert found["total_M"] == pytest.approx({"Zn": 5e-4, "Ca": 1e-4, "EGTA": 1e-3})


@pytest.mark.parametrize("metals", [["Zn"], ["Zn=0uM"], [], ["Ca=1uM", "Zn"]])
def test_free_stands_for_the_metal_that_is_not_known(metals):
    found = Request.read(["EGTA=1mM"], metals, ["free=10nM"]).answer(AT)
    assert found["free_M"]["Zn"] == pytest.approx(10e-9)
    assert found["to_add_M"]["Zn"] == pytest.approx(found["total_M"]["Zn"])


@pytest.mark.parametrize(
    ("metals", "free", "ask", "message"),
    [
        (["Zn=1mM"], ["free=1nM"], {"points": 3}, "one of --solve-for, --series and --points"),
        (["Zn"], [], {"points": 3, "series": "1nM"}, "one of --solve-for, --series and --points"),
        (["Zn", "Ca"], [], {"points": 3}, "one metal to titrate, found Zn, Ca"),
        (["Mg=1mM", "Ca=1mM"], [], {"points": 3}, "one metal to titrate, found Mg, Ca"),
        (["Zn", "Ca"], ["free=1nM"], {}, "one metal that it can mean, found Zn, Ca"),
        (["Zn"], ["free=1nM", "Zn=1nM"], {}, "expected Zn once, found it as free too"),
        (["Zn"], ["Zn"], {}, "--solve-for Zn: expected a concentration, found none"),
        (["Zn"], [], {"series": ","}, "--series: expected free concentrations"),
    ],
)
def test_requests_that_do_not_fit(metals, free, ask, message):
    with pytest.raises(ExperimentError, match=message):
        Request.read(["EGTA=1mM"], metals, free).answer(AT, **ask)
