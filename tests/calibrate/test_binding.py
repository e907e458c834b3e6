"""Constants that are used: the record's, replaced by what the settings give."""

import numpy as np
import pytest

from zincflux.calibrate import Binding, CalibrationSettings, resolve_binding
from zincflux.errors import CalibrationError, ExperimentError
from zincflux.indicators import Indicator, load_indicator

pytestmark = pytest.mark.filterwarnings("ignore:.*is unverified")


def resolve(name, **settings):
    return resolve_binding(load_indicator(name), CalibrationSettings(**settings))


def test_default_record():
    binding = resolve("FluoZin-3")
    assert (binding.k_nM, binding.hill, binding.beta, binding.k_sd_nM) == (15, 1, 1, 2)
    assert binding.doi == "10.1021/ja011774y"
    assert binding.record == "Gee 2002"
    assert binding.applied_beta == binding.occupancy_beta == 1


def test_other_record():
    assert resolve("ZapCV2", record="Fiedler 2017").hill == 0.53
    assert resolve("ZapCV2", record=1).k_nM == 2.3


def test_replaced_constants_are_named_as_such():
    binding = resolve("FluoZin-3", k_nM=9.0)
    assert (binding.k_nM, binding.k_sd_nM, binding.doi) == (9, None, "")
    assert binding.source.startswith("k_nM given in the experiment file, the rest from the record")
    assert resolve("FluoZin-3", hill=0.9).k_nM == 15


def test_beta_is_not_applied_twice():
    """K of a FRET sensor was read off a titration of the ratio."""
    binding = resolve("ZapCV2", beta=2.0)
    assert binding.applied_beta == 1
    assert binding.occupancy_beta == 2
    assert np.isnan(resolve("ZapCV2").occupancy_beta)


def test_ratio_dye_needs_beta():
    with pytest.raises(CalibrationError, match=r"needs beta.*calibration\.k_includes_beta = true"):
        resolve("Mag-fura-2")
    assert resolve("Mag-fura-2", beta=5).applied_beta == 5
    own = resolve("Mag-fura-2", k_nM=80.0, k_includes_beta=True)
    assert own.applied_beta == 1
    assert np.isnan(own.occupancy_beta)


@pytest.mark.parametrize("settings", [{"beta": 2.0}, {"k_includes_beta": True}])
def test_beta_of_an_intensity_is_refused(settings):
    with pytest.raises(ExperimentError, match=r"FluoZin-3 is an intensity indicator\. Remove them"):
        resolve("FluoZin-3", **settings)


def test_unknown_record():
    with pytest.raises(
        ExperimentError, match=r"found 'Fielder 2017'\. Did you mean 'Fiedler 2017'"
    ):
        resolve("ZapCV2", record="Fielder 2017")


def test_other_hill_convention_is_converted():
    record = {
        "name": "a",
        "k_nM": 9.0,
        "k_sd_nM": 0.9,
        "hill": 2.0,
        "hill_convention": "power",
        "k_includes_beta": True,
        "source": "Someone 2020",
        "confidence": "read in the source",
    }
    data = {"name": "X", "kind": "fret", "default": 0, "records": [record]}
    binding = resolve_binding(Indicator.parse(data, where="x"), CalibrationSettings())
    assert binding.k_nM == pytest.approx(3.0)
    assert binding.k_sd_nM == pytest.approx(3.0 * 0.1 / 2)
    del record["k_sd_nM"]
    binding = resolve_binding(Indicator.parse(data, where="x"), CalibrationSettings())
    assert binding.k_sd_nM is None


@pytest.mark.parametrize(
    "wrong", [{"k_nM": 0}, {"k_nM": np.nan}, {"hill": -1}, {"beta": 0}, {"k_nM": np.inf}]
)
def test_constants_are_above_zero(wrong):
    with pytest.raises(CalibrationError, match=f"expected {next(iter(wrong))} above 0, found"):
        Binding(**{"k_nM": 1.0, "beta": 1.0, **wrong})
