"""Settings of the calibration: keys that are not used are refused."""

import pytest

from zincflux.calibrate import CalibrationSettings
from zincflux.errors import CalibrationWarning, ExperimentError
from zincflux.phases import Phase
from zincflux.settings import dumps, keys

REST = Phase(name="rest", role="baseline", start_s=0)
TPEN = Phase(name="TPEN", role="minimum", start_s=10)
ZINC = Phase(name="Zn", role="maximum", start_s=20)


def parse(**data):
    return CalibrationSettings.parse(data, where="experiment.toml: calibration")


def test_every_key_has_help():
    assert all(key.help for key in keys(CalibrationSettings))


def test_source_follows_the_phases():
    assert parse().resolve([REST, TPEN, ZINC]) == "in-situ"
    assert parse().resolve([REST]) == "none"
    assert parse(source="none").resolve([REST, TPEN, ZINC]) == "none"


def test_one_of_two_phases_is_a_warning():
    with pytest.warns(CalibrationWarning, match="no phase with the role maximum, so zinc is not"):
        assert parse().resolve([REST, TPEN]) == "none"
    with pytest.warns(CalibrationWarning, match="no phase with the role minimum"):
        assert parse().resolve([REST, ZINC]) == "none"


def test_constants_of_the_indicator_without_phases_are_refused():
    with pytest.raises(ExperimentError, match=r"no phase with the role minimum or maximum.* k_nM"):
        parse(k_nM=9.0).resolve([REST])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"source": "in-situ", "minimum": 1.0},
            "'in-situ' does not use minimum; set source = 'con",
        ),
        ({"minimum": 1.0}, "'in-situ' does not use minimum; set source = 'constants'"),
        ({"same_optics": True}, "does not use same_optics; set source = 'file', or remove"),
        ({"source": "none", "k_nM": 1.0}, "'none' does not use k_nM; set source = 'in-situ' or"),
        (
            {"source": "constants", "minimum": 1.0, "maximum": 2.0, "scope": "pooled"},
            "'constants' does not use scope; set source = 'in-situ', or remove it",
        ),
        ({"source": "file", "file": "a.toml", "k_nM": 1.0}, "'file' does not use k_nM"),
        (
            {"source": "none", "minimum": 1.0, "scope": "pooled"},
            "'none' does not use scope, minimum; remove it",
        ),
        ({"file": "a.toml", "hill": 1.0}, "file gives K, hill and beta already; remove hill"),
        ({"source": "file"}, "source = 'file' needs the key file"),
        ({"source": "constants", "maximum": 1.0}, "needs the key minimum"),
        ({"source": "constants", "minimum": 1.0}, "needs the key maximum"),
        ({"source": "constants", "minimum": 1.0, "maximum": 1.0}, "are both 1; correct one"),
        ({"plateau_frames": 2}, "plateau_frames: .*greater than or equal to 3; found 2"),
        ({"minimun": 2}, "Did you mean 'minimum'"),
    ],
)
def test_what_does_not_fit_is_refused(data, message):
    with pytest.raises(ExperimentError, match=message):
        parse(**data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"source": "in-situ", "scope": "pooled", "record": "Gee 2002", "hill": 0.9},
        {"source": "in-situ", "file": "titration.toml"},
        {"source": "constants", "minimum": 1.0, "maximum": 2.0, "minimum_sd": 0.1, "beta": 2.0},
        {"source": "file", "file": "titration.toml", "same_optics": True},
        {"source": "none"},
    ],
)
def test_resolved_settings_can_be_read_again(data, tmp_path):
    """They state every key, also those that the source does not use."""
    import tomllib

    settings = CalibrationSettings.parse(data, where="x", folder=tmp_path)
    text = dumps(settings, folder=tmp_path)
    again = CalibrationSettings.parse(tomllib.loads(text), where="x", folder=tmp_path)
    assert again == settings
