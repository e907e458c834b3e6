"""Real zinc: population means of ZapCV2 and of its zinc-dead mutant, in media of known order.

Each curve is the mean ratio over the cells of one medium. Neither sensor was calibrated in these
cells; the authors took Rmin = 4.13 and assumed Rmax = 1.55 · Rmin (1.45 to 1.65).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import zincflux
from zincflux.calibrate import (
    CalibrationSettings,
    ZincEstimate,
    constant_calibration,
    resolve_binding,
)

pytestmark = pytest.mark.realdata

MEDIA = ["ZD2", "Minimal Media", "ZR15", "ZR30"]
"""From zinc-deficient to zinc-rich."""

MINIMUM, FOLD, FOLDS = 4.13, 1.55, (1.45, 1.55, 1.65)


@pytest.fixture(scope="module")
def ratios(realdata: Path) -> dict[str, pd.DataFrame]:
    """Ratio by frame and medium, for the working (wt) and the zinc-dead (dead) sensor."""
    tables = {}
    for sensor in ("wt", "dead"):
        path = realdata / "zapcv2-zinc-means" / f"zapcv2_nes_{sensor}_population_means.csv"
        rows = pd.read_csv(path).query("figure == 'resting_fret_asynchronous'")
        tables[sensor] = rows.pivot(index="hours", columns="condition", values="value")
    return tables


def to_zinc(ratio: pd.Series, minimum: float = MINIMUM, fold: float = FOLD) -> ZincEstimate:
    """Convert one ratio per medium with the constants of Lo et al. 2020."""
    indicator = zincflux.load_indicator("ZapCV2")
    settings = CalibrationSettings(
        source="constants", record="Lo 2020", minimum=minimum, maximum=fold * minimum
    )
    binding = resolve_binding(indicator, settings)
    cells = np.arange(1, len(ratio) + 1)
    calibration = constant_calibration(cells, indicator, binding, settings)
    return zincflux.free_zinc(ratio.to_numpy(), calibration)


def test_order_of_the_media_holds_in_zinc(ratios: dict[str, pd.DataFrame]) -> None:
    for fold in FOLDS:
        found = to_zinc(ratios["wt"].mean()[MEDIA], fold=fold)
        assert not found.flag.any()
        assert (np.diff(found.zinc_nM) > 0).all()


def test_levels_are_those_of_resting_cells(ratios: dict[str, pd.DataFrame]) -> None:
    # The publication reports 1, 80 and 210 pM in deficient, minimal and replete medium.
    deficient, minimal, replete, _ = to_zinc(ratios["wt"].mean()[MEDIA]).zinc_nM * 1000
    assert 0.5 < deficient < 5
    assert 30 < minimal < 160
    assert 100 < replete < 1000


def test_order_holds_when_the_minimum_is_the_lowest_mean(ratios: dict[str, pd.DataFrame]) -> None:
    mean = ratios["wt"].mean()[MEDIA]
    found = to_zinc(mean, minimum=mean.min() - 0.01)
    assert (np.diff(found.zinc_nM) > 0).all()


def test_zinc_dead_sensor_is_flagged_and_not_converted(ratios: dict[str, pd.DataFrame]) -> None:
    for fold in FOLDS:
        found = to_zinc(ratios["dead"].mean(), fold=fold)
        assert (found.flag == "below_min").all()
        assert np.isnan(found.zinc_nM).all()


def test_no_frame_of_the_zinc_dead_sensor_is_converted(ratios: dict[str, pd.DataFrame]) -> None:
    frames = pd.Series(ratios["dead"].to_numpy().ravel())
    assert (to_zinc(frames).flag == "below_min").all()


def test_zinc_dead_sensor_has_no_dynamic_range_of_its_own(
    ratios: dict[str, pd.DataFrame],
) -> None:
    """Between its own extremes it changes less than a cell must to be calibrated by itself."""
    change = {name: table.mean().max() / table.mean().min() for name, table in ratios.items()}
    required = CalibrationSettings().minimum_dynamic_range
    assert change["dead"] < 1.02 < required < change["wt"]
    # Even its most extreme single frames do not span what ZapCV2 is said to span.
    smallest = zincflux.load_indicator("ZapCV2").dynamic_range[0]
    assert np.ptp(np.log(ratios["dead"].to_numpy())) < np.log(smallest)


def test_zinc_dead_sensor_forced_through_does_not_order_the_media(
    ratios: dict[str, pd.DataFrame],
) -> None:
    """With extremes of its own it would yield numbers: noise, thousandfold below the sensor's."""
    mean = ratios["dead"].mean()[MEDIA]
    found = to_zinc(mean, minimum=mean.min() - 0.01)
    assert not (np.diff(found.zinc_nM) > 0).all()
    assert (found.zinc_nM * 1000 < 0.1).all()
