"""Buffers by name: worked numbers, free and total as inverses, doubts, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zincflux.buffers import Conditions, compute_buffer
from zincflux.errors import ExperimentError

LEGACY = Conditions(ph=7.2, charges="legacy")
FRACTIONS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
WORKED = {
    "EGTA": (1e-9, (0.135, 0.285, 0.855, 2.565, 7.694, 23.08, 48.7)),
    "HEDTA": (1e-12, (0.081, 0.171, 0.514, 1.540, 4.62, 13.9, 29.3)),
    "NTA": (1e-9, (0.436, 0.920, 2.76, 8.28, 24.8, 74.5, 156.8)),
}


@pytest.mark.parametrize("name", WORKED)
def test_free_zinc_of_a_filling_chelator(name):
    unit, expected = WORKED[name]
    made = [compute_buffer({name: 1e-3}, {"Zn": part * 1e-3}, LEGACY) for part in FRACTIONS]
    found = [one.free_metal_M[0] / unit for one in made]
    np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_two_metals():
    made = compute_buffer({"EGTA": 1e-3}, {"Zn": 1e-4, "Ca": 5e-4}, LEGACY)
    np.testing.assert_allclose(made.free_metal_M, [0.6409e-9, 176.9e-9], rtol=1e-3)
    np.testing.assert_allclose(made.dissociation_M[:, 0], [2.5648e-9, 141.60e-9], rtol=1e-3)


def test_a_chelator_that_sits_on_calcium_is_not_zinc_free():
    alone = compute_buffer({"EDTA": 1e-4}, {"Zn": 1e-6}, LEGACY)
    ringer = compute_buffer({"EDTA": 1e-4}, {"Zn": 1e-6, "Ca": 2e-3}, LEGACY)
    assert ringer.free_metal_M[0] > 1e4 * alone.free_metal_M[0]
    assert any("Ca takes 99% of EDTA" in text for text in ringer.warnings)


@settings(max_examples=60, deadline=None)
@given(st.floats(-15, -4), st.floats(-8, -2), st.floats(5.0, 9.0), st.booleans())
def test_total_to_free_is_the_inverse_of_free_to_total(power, calcium, ph, hydrolysis):
    at = Conditions(ph=ph, hydrolysis=hydrolysis)
    mixture = {"EGTA": 1e-3, "citrate": 5e-3}
    others = {"Ca": 10**calcium, "Mg": 1e-3}
    to = compute_buffer(mixture, others, at, free_M={"Zn": 10**power})
    total = dict(zip(to.metals, to.total_metal_M, strict=True))
    back = compute_buffer(mixture, total, at)
    np.testing.assert_allclose(back.free_metal_M, to.free_metal_M, rtol=1e-6)
    np.testing.assert_allclose(to.free_metal_M + to.bound_M.sum(axis=1), to.total_metal_M)


def test_what_to_add_counts_what_is_there():
    empty = compute_buffer({"EGTA": 1e-3}, {"Zn": None}, LEGACY, free_M={"Zn": 1e-8})
    half = compute_buffer({"EGTA": 1e-3}, {"Zn": 5e-4}, LEGACY, free_M={"Zn": 1e-8})
    assert empty.to_add_M["Zn"] == empty.total_metal_M[0]
    assert half.to_add_M["Zn"] == pytest.approx(empty.to_add_M["Zn"] - 5e-4)


def test_hydrolysis_leaves_less_of_the_bare_ion():
    plain = compute_buffer({"EGTA": 0.0}, {"Zn": 1e-6}, LEGACY).summary()
    made = compute_buffer(
        {"EGTA": 0.0}, {"Zn": 1e-6}, Conditions(ph=7.2, hydrolysis=True)
    ).summary()
    assert plain["ion_M"]["Zn"] == pytest.approx(1e-6)
    assert made["ion_M"]["Zn"] == pytest.approx(0.984e-6, rel=1e-3)
    assert made["conventions"]["hydrolysis"] is True


def test_no_zinc_at_all():
    made = compute_buffer({"EGTA": 1e-3}, {"Zn": 0.0}, LEGACY)
    assert made.summary()["free_M"] == {"Zn": 0.0, "EGTA": 1e-3}
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("conditions", "chelator", "message"),
    [
        ({"ph": 3.9}, "EGTA", "pH 3.9 lies outside 4 to 10"),
        ({"ph": 7, "ionic_strength_M": 0.6}, "EGTA", "ionic strength 0.6 M lies outside"),
        ({"ph": 7, "ionic_strength_M": 0}, "EGTA", "ionic strength 0 M lies outside"),
        ({"ph": 7, "temperature_C": 41}, "EGTA", "41 °C lies 21 °C from where the constants"),
        ({"ph": 7, "temperature_C": 37}, "ADA", "not every enthalpy of the protons of ADA"),
        ({"ph": 7, "temperature_C": 37}, "ADA", "enthalpy of Zn with ADA is not known"),
        ({"ph": 8}, "EGTA", "9% of the Zn without chelator has taken up hydroxide at pH 8"),
    ],
)
def test_doubts_about_conditions(conditions, chelator, message):
    made = compute_buffer({chelator: 1e-3}, {"Zn": 5e-4}, Conditions(**conditions))
    assert any(message in text for text in made.condition_doubts)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (0.03, "Zn fills 3.0% of EGTA, beyond 5% to 95%"),
        (0.07, "Zn fills 7.0% of EGTA, at the edge of the useful 10% to 90%"),
        (0.93, "EGTA is 93.0% full, at the edge"),
        (1.50, "EGTA is 100.0% full, beyond 5% to 95%, where nothing is buffered"),
    ],
)
def test_doubts_about_filling(part, message):
    made = compute_buffer({"EGTA": 1e-3}, {"Zn": part * 1e-3}, LEGACY)
    assert len(made.warnings) == 1
    assert made.warnings[0].startswith(message)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_no_doubt_in_the_useful_range(part):
    assert compute_buffer({"EGTA": 1e-3}, {"Zn": part * 1e-3}, LEGACY).warnings == ()


def test_without_zinc_the_first_metal_is_the_one_buffered():
    made = compute_buffer({"EGTA": 1e-3}, {"Ca": 1e-5, "Mg": 1e-3}, LEGACY)
    assert made.filling_doubts[0].startswith("Ca fills 1.0%")


@pytest.mark.parametrize(
    ("chelators", "metals", "free", "message"),
    [
        ({}, {"Zn": 1e-3}, None, "at least one chelator and one metal"),
        ({"EGTA": 1e-3}, {}, None, "at least one chelator and one metal"),
        ({"EGTA": 1e-3, "egta": 1e-3}, {"Zn": 1e-3}, None, "expected each chelator once"),
        ({"EGTA": 1e-3}, {"Zn": 1e-3, "Zn2+": 1e-3}, None, "expected each metal once"),
        ({"EGTA": 1e-3}, {"Zn": None}, None, "--metal Zn: expected a concentration, or one to"),
        (
            {"EGTA": 1e-3},
            {"Zn": -1e-3},
            None,
            "expected finite concentrations from 0, found -0.001 M",
        ),
        (
            {"EGTA": -1e-3},
            {"Zn": 1e-3},
            None,
            "expected finite concentrations from 0, found -0.001 M",
        ),
        ({"EGTA": 1e-3}, {"Zn": 9e-4}, {"Zn": 1e-9}, "--solve-for Zn=1nM: .*M too much"),
        ({"EGTA": 1e-3}, {"Cd": 1e-3}, None, "Cd with EGTA: no stability constant"),
    ],
)
def test_errors(chelators, metals, free, message):
    with pytest.raises(ExperimentError, match=message):
        compute_buffer(chelators, metals, LEGACY, free_M=free)
