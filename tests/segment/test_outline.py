from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from zincflux.segment.contrast import measure_contrast
from zincflux.segment.outline import (
    LEVELS,
    USUAL_LEVEL,
    brightness_of,
    draw,
    edge_levels,
    outline_levels,
    pixels_of,
)

DIAMETER = 22.0


def disc(radius, shape=(81, 81)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(y - shape[0] // 2, x - shape[1] // 2) < radius


def outlined(light, cells=None):
    """Area within the outline of what may be one cell anywhere in the middle of the image."""
    contrast = measure_contrast(light, DIAMETER)
    if cells is None:
        cells = (contrast.value > 0.02 * contrast.value.max()).astype(np.int32)
    return np.count_nonzero(draw(cells, contrast, outline_levels(cells, contrast)))


def blurred(light, sd=1.5):
    rng = np.random.default_rng(0)
    return ndimage.gaussian_filter(light, sd) + rng.normal(0, 0.2, light.shape)


def test_outline_of_a_flat_cell_with_a_blurred_edge():
    light = blurred(100.0 * disc(11))
    assert outlined(light) == pytest.approx(disc(11).sum(), rel=0.1)


@pytest.mark.parametrize("reach", [5.0, 10.0, 20.0])
def test_halo_is_left_out(reach):
    """A fifth of the light is scattered; what is looked at reaches to a fiftieth of the cell."""
    light = 100.0 * disc(11)
    light = blurred(0.8 * light + 0.2 * ndimage.gaussian_filter(light, reach))
    assert outlined(light) == pytest.approx(disc(11).sum(), rel=0.2)


@pytest.mark.parametrize("core", [2.0, 3.0])
def test_core_is_not_taken_for_the_cell(core):
    light = blurred(100.0 * disc(11) + (core - 1) * 100.0 * disc(4))
    assert outlined(light) == pytest.approx(disc(11).sum(), rel=0.15)


def test_dome_ends_where_it_is_steep():
    """A dome of radius 11 is half as bright as in its middle at 0.87 of that."""
    y, x = np.mgrid[:81, :81]
    height = np.sqrt(np.clip(1 - ((y - 40) ** 2 + (x - 40) ** 2) / 11**2, 0, None))
    area = outlined(blurred(100 * height))
    assert 0.75 * np.pi * 11**2 < area < 1.1 * np.pi * 11**2


@given(gain=st.floats(1e-3, 1e5), turns=st.integers(0, 3), seed=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_level_grows_with_the_light_and_does_not_turn(gain, turns, seed):
    rng = np.random.default_rng(seed)
    light = ndimage.gaussian_filter(rng.normal(size=(61, 61)), 6) * 100 + 200 * disc(14, (61, 61))
    cells = disc(20, (61, 61)).astype(np.int32)
    contrast = measure_contrast(light, DIAMETER)
    other = measure_contrast(gain * np.rot90(light, turns), DIAMETER)
    shape = contrast.value.shape
    small = cells[: 2 * shape[0] : 2, : 2 * shape[1] : 2]
    level = outline_levels(small, contrast)[1]
    turned = outline_levels(np.rot90(small, turns), other)[1]
    assert turned == pytest.approx(gain * level, rel=1e-3)


def test_every_cell_has_a_level_of_its_own():
    """Cells do not see each other: together or alone, the levels are the same."""
    rng = np.random.default_rng(1)
    ids = rng.permutation(np.repeat([1, 2, 4], 200))
    value, slope = rng.uniform(1, 10, 600) * ids, rng.uniform(0, 30, 600)
    together = edge_levels(ids, value, slope)
    assert np.isinf(together[[0, 3]]).all()
    for one in (1, 2, 4):
        mine = ids == one
        alone = edge_levels(ids[mine], value[mine], slope[mine])
        assert together[one] == pytest.approx(alone[one], rel=1e-12)


def test_level_is_drawn_to_the_slope():
    """The same brightness at all levels, steep near one of them only."""
    value = np.geomspace(0.1, 1, 2000)
    bright = brightness_of(np.ones(2000, dtype=int), value)[1]

    def found(level):
        near = np.abs(np.log(value / (level * bright))) < 0.2
        return edge_levels(np.ones(2000, dtype=int), value, np.where(near, 5.0, 1.0))[1] / bright

    assert found(0.3) == pytest.approx(0.3, rel=0.15)
    assert found(0.6) == pytest.approx(0.6, rel=0.15)


def test_without_any_slope_the_level_is_the_usual_one():
    """What is drawn without blur, or of a single value."""
    for value in (np.full(9, 7.0), np.geomspace(0.7, 7, 300)):
        ids = np.ones(value.size, dtype=int)
        level = edge_levels(ids, value, np.zeros(value.size))[1]
        assert level == pytest.approx(USUAL_LEVEL * brightness_of(ids, value)[1], rel=0.1)


def test_no_cells():
    empty = np.zeros(0)
    assert edge_levels(empty.astype(int), empty, empty).tolist() == [np.inf]


def test_level_lies_within_the_levels():
    rng = np.random.default_rng(2)
    value, slope = rng.lognormal(0, 3, 500), rng.lognormal(0, 3, 500)
    ids = rng.integers(1, 20, 500)
    share = edge_levels(ids, value, slope)[1:] / brightness_of(ids, value)[1:]
    assert share.min() >= LEVELS[0] * (1 - 1e-9)
    assert share.max() <= LEVELS[-1] * (1 + 1e-9)


def test_slope_per_diameter():
    contrast = measure_contrast(np.add.outer(np.zeros(60), np.arange(60.0)) + disc(9, (60, 60)), 20)
    cells = np.zeros(contrast.value.shape, dtype=np.int32)
    cells[4:8, 5:9] = 3
    ids, value, slope = pixels_of(cells, contrast)
    assert ids.tolist() == [3] * 16
    np.testing.assert_array_equal(value, contrast.value[4:8, 5:9].ravel())
    y, x = np.gradient(contrast.value)
    expected = np.hypot(y, x)[4:8, 5:9].ravel() * contrast.diameter_px
    np.testing.assert_allclose(slope, expected, rtol=1e-9)


def test_brightness_is_the_upper_quartile():
    ids = np.array([1, 1, 1, 1, 1, 3, 3])
    values = np.array([4.0, 3, 3, 3, 5, 7, 9])
    assert brightness_of(ids, values).tolist() == [np.inf, 4, np.inf, 7]


def test_brightness_of_equal_values():
    assert brightness_of(np.array([1, 1, 2]), np.full(3, 7.0)).tolist() == [np.inf, 7, 7]
