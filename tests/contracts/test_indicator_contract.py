"""What every indicator of the library must fulfil."""

import re

import numpy as np
import pytest

from zincflux.calibrate import CalibrationSettings, resolve_binding
from zincflux.indicators import indicator_names, load_indicator
from zincflux.response import signal_from_zinc, zinc_from_signal

FIRST_SET = {
    "FluoZin-3",
    "Zinpyr-1",
    "Newport Green DCF",
    "FuraZin-1",
    "Mag-fura-2",
    "ZapCY2",
    "ZapCV2",
    "eCALWY-4",
    "eZinCh-2",
    "GZnP2",
}
RECORDS = [
    pytest.param(load_indicator(name), record, id=f"{name}: {record.name}")
    for name in indicator_names()
    for record in load_indicator(name).records
]


def test_library_holds_the_first_set():
    assert set(indicator_names()) >= FIRST_SET
    assert list(indicator_names()) == sorted(indicator_names(), key=str.casefold)


@pytest.mark.parametrize("name", indicator_names())
def test_indicator_is_described(name):
    indicator = load_indicator(name)
    assert indicator.name == name
    assert isinstance(indicator.default, str), "a number would move when a record is added"
    assert indicator.record().name == indicator.default
    assert indicator.excitation_nm
    assert indicator.emission_nm
    assert indicator.optics_source
    if indicator.dynamic_range:
        assert 1 < indicator.dynamic_range[0] <= indicator.dynamic_range[1]


@pytest.mark.parametrize(("indicator", "record"), RECORDS)
def test_record_has_a_citation(indicator, record):
    assert re.search(r"\b(19|20)\d\d\b", record.source), "a citation names its year"
    if record.confidence == "not checked":
        assert "verify in the source before publishing" in record.note
    assert record.k_includes_beta == (indicator.kind == "fret")


@pytest.mark.parametrize(("indicator", "record"), RECORDS)
def test_signal_to_zinc_to_signal(indicator, record):
    beta = 3.0 if indicator.kind == "ratio" else None
    settings = CalibrationSettings(record=record.name, beta=beta)
    binding = resolve_binding(indicator, settings)
    ends = (7.0, 2.0) if indicator.turn_off else (2.0, 7.0)
    constants = (binding.k_nM, binding.hill, binding.applied_beta)
    signal = np.linspace(2.05, 6.95, 50)
    zinc = zinc_from_signal(signal, *ends, *constants)
    assert np.all(zinc > 0)
    assert np.all(np.diff(zinc) < 0 if indicator.turn_off else np.diff(zinc) > 0)
    np.testing.assert_allclose(signal_from_zinc(zinc, *ends, *constants), signal)
