"""Concentrations and volumes as people write them."""

import pytest

from zincflux.buffers import parse_amounts, parse_concentration, parse_volume
from zincflux.errors import ExperimentError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1fM", 1e-15), ("2 pM", 2e-12), ("0.5nM", 5e-10), ("3µM", 3e-6), ("3μM", 3e-6),
        ("3uM", 3e-6), ("1e1mM", 1e-2), (" 1.M ", 1.0), ("0", 0.0),
    ],
)  # fmt: skip
def test_concentrations(text, value):
    assert parse_concentration(text, key="x") == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("text", ["1", "nM", "", "-1nM", "1 nm", "nanM", "infM", "1,5mM", "1e999M"])
def test_concentrations_that_are_none(text):
    with pytest.raises(ExperimentError, match="--metal Zn: expected a number from 0 with a unit"):
        parse_concentration(text, key="--metal Zn")


def test_more_than_any_solution_holds():
    with pytest.raises(ExperimentError, match="from 0 to 10 M, found '20 M'"):
        parse_concentration("20 M", key="x")


@pytest.mark.parametrize(("text", "value"), [("200uL", 200), ("0.2 mL", 200), ("1L", 1e6)])
def test_volumes(text, value):
    assert parse_volume(text, key="x") == pytest.approx(value)


def test_no_volume():
    with pytest.raises(ExperimentError, match="--volume: expected a volume above 0"):
        parse_volume("0uL", key="--volume")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["=1mM"], "--chelator expects NAME=CONCENTRATION, found '=1mM'"),
        (["EGTA=1mM", "egta=2mM"], "--chelator egta: expected each name once"),
        (["EGTA="], "--chelator EGTA: expected a number"),
    ],
)
def test_amounts_that_cannot_be_read(items, message):
    with pytest.raises(ExperimentError, match=message):
        parse_amounts(items, option="--chelator")
