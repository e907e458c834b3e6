"""A calibration borrowed from a sister dish, and what that costs in certainty."""

import numpy as np
import pytest
from test_in_situ import PHASES, TIME, Dish

from zincflux.calibrate import CalibrationSettings, CellSignals, borrowed_calibration
from zincflux.calibrate.shared_error import shared_ln_sd
from zincflux.errors import CalibrationError, ExperimentError

REST, TPEN, MAXIMUM = PHASES


def signals(dish):
    return CellSignals(
        cell_ids=np.arange(1, len(dish.signal) + 1),
        time_s=TIME,
        signal=dish.signal,
        signal_sd=dish.sd,
        usable=dish.usable,
    )


def borrow(tmp_path, dish, sister, phases=(REST, TPEN), **changes):
    file = tmp_path / "calibration.toml"
    file.write_text(sister.to_toml(), encoding="utf-8")
    settings = CalibrationSettings(source="experiment", file=str(file), **changes)
    return borrowed_calibration(signals(dish), phases, dish.indicator, settings)


@pytest.mark.parametrize("phases", [(REST, TPEN), (REST, MAXIMUM)], ids=["minimum", "maximum"])
@pytest.mark.parametrize("name", ["FluoZin-3", "GZnP2"])
def test_intensity_takes_the_dynamic_range_and_keeps_its_own_end(tmp_path, name, phases):
    sister = Dish(name, n=60, seed=1, spread=0.05).calibrate()
    dish = Dish(name, n=80, seed=2, spread=0.05)
    found = borrow(tmp_path, dish, sister, phases)
    np.testing.assert_allclose(np.median(found.minimum / dish.minimum), 1, atol=0.03)
    np.testing.assert_allclose(np.median(found.maximum / dish.maximum), 1, atol=0.03)
    assert (found.reason == "").all()
    assert found.origin.startswith(f"{phases[1].role} of each cell; dynamic range borrowed")
    assert found.pooled.dynamic_range_se > 0.1 * found.pooled.dynamic_range * 0.99


def test_ratio_takes_both_ends_without_any_phase(tmp_path):
    sister = Dish("ZapCY2", n=60, seed=1).calibrate()
    dish = Dish("ZapCY2", n=20, seed=2)
    found = borrow(tmp_path, dish, sister, (REST,), between_dishes_sd=0.0)
    np.testing.assert_allclose(found.minimum, sister.pooled.minimum)
    np.testing.assert_allclose(found.maximum_sd, sister.pooled.maximum_sd)


def test_dishes_that_differ_make_the_interval_wider_and_share_the_error(tmp_path):
    sister, dish = Dish("FluoZin-3", seed=1).calibrate(), Dish("FluoZin-3", seed=2)
    alike, unlike = (borrow(tmp_path, dish, sister, between_dishes_sd=sd) for sd in (0.0, 0.2))
    np.testing.assert_allclose(np.median(unlike.maximum_sd / unlike.maximum), 0.2, rtol=0.1)
    assert (unlike.maximum_sd > alike.maximum_sd).all()
    half = np.full(len(dish.signal), 0.5)
    # At half saturation an error of the maximum counts 1/(S_max − S).
    expected = 0.2 * unlike.maximum / (0.5 * (unlike.maximum - unlike.minimum))
    np.testing.assert_allclose(shared_ln_sd(half, unlike), expected, rtol=0.05)


def test_a_cell_without_a_plateau_has_no_calibration(tmp_path):
    sister, dish = Dish("FluoZin-3", seed=1).calibrate(), Dish("FluoZin-3", seed=2)
    dish.usable[3] = False
    found = borrow(tmp_path, dish, sister)
    assert np.isnan(found.minimum[3])
    assert found.reason[3].startswith("minimum: ")
    assert found.reason[3].endswith("; no calibration")


def test_a_cell_lost_in_noise_has_no_calibration(tmp_path):
    sister, dish = Dish("FluoZin-3", seed=1).calibrate(), Dish("FluoZin-3", seed=2)
    dish.signal[5] -= dish.minimum[5]
    found = borrow(tmp_path, dish, sister)
    assert np.isnan(found.maximum[5])
    assert found.reason[5] == "minimum: not above the background; no calibration"


def test_needs_one_end_of_its_own(tmp_path):
    sister, dish = Dish("FluoZin-3", seed=1).calibrate(), Dish("FluoZin-3", seed=2)
    with pytest.raises(CalibrationError, match=r"found: none\. Record one of them"):
        borrow(tmp_path, dish, sister, (REST,))
    with pytest.raises(CalibrationError, match=r"found: 'TPEN', 'Zn.*role ignore"):
        borrow(tmp_path, dish, sister, PHASES)


@pytest.mark.parametrize(
    ("name", "what"), [("FluoZin-3", "the dynamic range"), ("ZapCY2", "minimum and maximum of")]
)
def test_a_dish_of_two_cells_has_nothing_to_lend(tmp_path, name, what):
    sister = Dish(name, n=2, seed=1).calibrate()
    with pytest.raises(CalibrationError, match=f"expected {what}.*at least three cells"):
        borrow(tmp_path, Dish(name, seed=2), sister)


def test_needs_a_file():
    with pytest.raises(ExperimentError, match="source = 'experiment' needs the key file"):
        CalibrationSettings.parse({"source": "experiment"}, where="x")
