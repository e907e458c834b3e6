"""Nucleus and cytosol of the same cells, measured together."""

import numpy as np
import pytest
from dishes import movie_of

from zincflux import Experiment, analyze


def stained_dish():
    """One cell whose nucleus is twice as bright as its cytosol, and three times in the end."""
    y, x = np.mgrid[:64, :64]
    cell, nucleus = np.hypot(y - 32, x - 32) < 20, np.hypot(y - 32, x - 32) < 8
    data = np.full((6, 2, 64, 64), 100.0)
    data[:, 0] += 200 * cell
    data[:3, 0] += 200 * nucleus
    data[3:, 0] += 400 * nucleus
    data[:, 1] += 500 * nucleus
    data += np.random.default_rng(1).normal(0, 1, data.shape)
    return movie_of(data, ("dye", "H2B"))


def analyse(*regions):
    settings = {
        "movie": {"path": "dish.tif"},
        "channels": {"signal": "dye", "nucleus": "H2B"},
        "segment": {"diameter_um": 40, "regions": regions},
    }
    return analyze(Experiment.parse(settings, where="test"), movie=stained_dish(), jobs=1)


@pytest.mark.parametrize("outer", ["ring", "cytosol"])
def test_ratio_of_nucleus_and_cytosol(outer):
    traces = analyse("nucleus", outer).traces
    inner = traces[traces["region"] == "nucleus"]
    np.testing.assert_allclose(inner["nucleus_over_cytosol"], [2, 2, 2, 3, 3, 3], rtol=0.03)
    assert traces.loc[traces["region"] == outer, "nucleus_over_cytosol"].isna().all()


def test_one_region_has_no_ratio():
    assert "nucleus_over_cytosol" not in analyse("nucleus").traces.columns
