"""What every indicator of the library must fulfil."""

import re
from contextlib import nullcontext
from importlib import resources

import numpy as np
import pytest

from zincflux.calibrate import CalibrationSettings, resolve_binding
from zincflux.errors import CalibrationWarning
from zincflux.indicators import indicator_names, load_indicator
from zincflux.response import signal_from_zinc, zinc_from_signal

CONFIDENCE = ("read in the source", "secondary", "unverified")
"""From best to worst."""

DOIS = {
    "10.1021/acs.analchem.9b01802": "Chen et al., Anal. Chem. 2019",
    "10.1021/acschembio.6b00442": "ACS Chem. Biol. 2016;11:2744",
    "10.1021/ja011774y": "J. Am. Chem. Soc. 2002;124:776",
    "10.7554/eLife.51107": "eLife 2020;9:e51107",
}
"""Every DOI that was seen in print beside the work it belongs to. None comes from memory."""

RECORDS = [
    pytest.param(load_indicator(name), record, id=f"{name}: {record.name}")
    for name in indicator_names()
    for record in load_indicator(name).records
]


def test_library_is_large_and_sorted():
    assert len(indicator_names()) >= 30
    assert list(indicator_names()) == sorted(indicator_names(), key=str.casefold)


def test_names_differ_in_more_than_spelling():
    plain = [re.sub(r"[\s_-]", "", name).casefold() for name in indicator_names()]
    assert len(set(plain)) == len(plain)


def test_every_file_is_read():
    folder = resources.files("zincflux.indicators")
    files = [entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")]
    assert len(files) == len(indicator_names())


@pytest.mark.parametrize("name", indicator_names())
def test_indicator_is_described(name):
    indicator = load_indicator(name)
    assert indicator.name == name
    assert isinstance(indicator.default, str), "a number would move when a record is added"
    assert indicator.record().name == indicator.default
    optics = (indicator.excitation_nm, indicator.emission_nm, indicator.dynamic_range)
    assert bool(indicator.optics_source) == any(optics)
    assert all(optics[:2]) or "wavelengths" in indicator.note
    if indicator.dynamic_range:
        assert 1 < indicator.dynamic_range[0] <= indicator.dynamic_range[1]


@pytest.mark.parametrize("name", indicator_names())
def test_default_is_as_well_verified_as_any_record(name):
    indicator = load_indicator(name)
    ranks = [CONFIDENCE.index(record.confidence) for record in indicator.records]
    assert CONFIDENCE.index(indicator.record().confidence) == min(ranks)


@pytest.mark.parametrize(("indicator", "record"), RECORDS)
def test_record_has_a_citation(indicator, record):
    no_source = record.source.startswith("General knowledge; no source")
    assert no_source or re.search(r"\b(19|20)\d\d\b|year not known", record.source)
    if record.confidence != "unverified":
        assert " read)" in record.source, "a value that was read says what was read for it"
    if record.doi:
        assert DOIS[record.doi] in record.source
    assert record.k_includes_beta == (indicator.kind == "fret")


@pytest.mark.parametrize(("indicator", "record"), RECORDS)
def test_signal_to_zinc_to_signal(indicator, record):
    beta = 3.0 if indicator.kind == "ratio" else None
    settings = CalibrationSettings(record=record.name, beta=beta)
    doubt = pytest.warns(CalibrationWarning, match="is unverified")
    with doubt if record.confidence == "unverified" else nullcontext():
        binding = resolve_binding(indicator, settings)
    ends = (7.0, 2.0) if indicator.turn_off else (2.0, 7.0)
    constants = (binding.k_nM, binding.hill, binding.applied_beta)
    signal = np.linspace(2.05, 6.95, 50)
    zinc = zinc_from_signal(signal, *ends, *constants)
    assert np.all(zinc > 0)
    assert np.all(np.diff(zinc) < 0 if indicator.turn_off else np.diff(zinc) > 0)
    np.testing.assert_allclose(signal_from_zinc(zinc, *ends, *constants), signal)
