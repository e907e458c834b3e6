"""Means over discs that never leave a cell, against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zincflux.measure.within import disc_px, mean_within_cells


@pytest.mark.parametrize(("diameter_px", "n"), [(0.0, 1), (1.9, 1), (2.0, 5), (3.0, 9), (4.0, 13)])
def test_a_disc_holds_the_pixels_within_its_radius(diameter_px, n):
    disc = disc_px(diameter_px)
    assert disc.shape == (n, 2)
    assert (np.hypot(*disc.T) <= diameter_px / 2).all()
    np.testing.assert_array_equal(disc.sum(axis=0), 0)


@settings(max_examples=60, deadline=None)
@given(
    labels=hnp.arrays(
        np.int32, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 3)
    ),
    diameter=st.floats(0, 9),
    seed=st.integers(0, 99),
    n_channels=st.integers(1, 2),
    missing=st.sampled_from([0.0, 0.1]),
)
def test_means_are_those_of_a_plain_loop(labels, diameter, seed, n_channels, missing):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(n_channels, *labels.shape))
    image[rng.random(image.shape) < missing] = np.nan
    mean, n = mean_within_cells(image[:, labels > 0], labels, disc_px(diameter))
    grid = np.mgrid[: labels.shape[0], : labels.shape[1]]
    for place, (y, x) in enumerate(np.argwhere(labels > 0)):
        near = np.hypot(grid[0] - y, grid[1] - x) <= diameter / 2
        values = image[:, near & (labels == labels[y, x])]
        known = np.isfinite(values)
        np.testing.assert_array_equal(n[:, place], known.sum(axis=1))
        expected = [v[k].mean() if k.any() else np.nan for v, k in zip(values, known, strict=True)]
        np.testing.assert_allclose(mean[:, place], expected, atol=1e-12)
