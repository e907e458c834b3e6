"""What every segmenter promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import stand_ins
from zincflux.segment import SEGMENTERS

PIXEL_UM = 0.65
DIAMETER_UM = 15.0
CENTRES = [(30, 30), (40, 100), (100, 40), (95, 105)]


def discs(scale=1.0, side=140):
    """Four blurred discs of a cell's diameter, drawn on a grid `scale` times finer."""
    side = round(side * scale)
    y, x = (np.mgrid[:side, :side] + 0.5) / scale
    radius = DIAMETER_UM / PIXEL_UM / 2
    image = sum(np.hypot(y - cy, x - cx) < radius for cy, cx in CENTRES)
    return ndimage.gaussian_filter(image * 200.0, scale)


def noisy(image, seed=0, sd=8.0):
    return image + np.random.default_rng(seed).normal(100, sd, image.shape)


@pytest.fixture(params=sorted(SEGMENTERS))
def segmenter(request, monkeypatch):
    stand_ins.install(monkeypatch)  # for networks of other projects, which CI does not install
    return SEGMENTERS[request.param](diameter_um=DIAMETER_UM)


def test_labels_are_int32_and_numbered_from_one(segmenter):
    labels = segmenter(noisy(discs()), PIXEL_UM)
    assert labels.dtype == np.int32
    assert labels.shape == (140, 140)
    assert np.unique(labels).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "blank",
    [
        np.zeros((90, 120)),
        np.full((90, 120), 32768, dtype=np.uint16),
        np.full((90, 120), np.nan),
        np.random.default_rng(0).normal(100, 5, (300, 300)),
        np.random.default_rng(1).poisson(3, (300, 300)).astype(np.uint16),
        np.random.default_rng(2).normal(size=(200, 200)) + np.linspace(0, 500, 200),
        ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(300, 300)), 1.5),
        np.zeros((1, 1)),
        np.arange(12.0).reshape(3, 4),
        np.eye(6),
    ],
    ids=[
        "zero",
        "offset",
        "nan",
        "normal",
        "poisson",
        "gradient",
        "smooth",
        "pixel",
        "ramp",
        "tiny",
    ],
)
def test_blank_image_has_no_cells(segmenter, blank):
    labels = segmenter(blank, PIXEL_UM)
    assert labels.dtype == np.int32
    assert labels.shape == blank.shape
    assert labels.max() == 0


def test_same_image_gives_same_labels(segmenter):
    image = noisy(discs())
    before = image.copy()
    np.testing.assert_array_equal(segmenter(image, PIXEL_UM), segmenter(image, PIXEL_UM))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("scale", [0.5, 2.0, 4.0])
def test_diameter_is_in_um(segmenter, scale):
    """A finer grid of the same field gives the same cells."""
    plain = segmenter(discs(), PIXEL_UM)
    finer = segmenter(discs(scale), PIXEL_UM / scale)
    um2 = np.bincount(plain.ravel())[1:] * PIXEL_UM**2
    finer_um2 = np.bincount(finer.ravel())[1:] * (PIXEL_UM / scale) ** 2
    assert len(um2) == len(finer_um2) == len(CENTRES)
    np.testing.assert_allclose(finer_um2, um2, rtol=0.15)
    np.testing.assert_allclose(um2, np.pi / 4 * DIAMETER_UM**2, rtol=0.15)


def test_what_is_much_smaller_than_a_cell_is_none(segmenter):
    large = segmenter.model_copy(update={"diameter_um": 4 * DIAMETER_UM})
    assert large(noisy(discs()), PIXEL_UM).max() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_any_real_dtype(segmenter, dtype):
    image = np.clip(noisy(discs(), sd=3) * 0.6, 0, 255)
    assert segmenter(image.astype(dtype), PIXEL_UM).max() == len(CENTRES)
