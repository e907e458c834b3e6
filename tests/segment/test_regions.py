from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu

from zincflux.errors import ExperimentError
from zincflux.segment.regions import Cytosol, nuclei, puncta, ring, split_regions

Y, X = np.mgrid[:60, :110]
CELLS = (5 * (np.hypot(Y - 30, X - 30) < 20) + 2 * (np.hypot(Y - 30, X - 78) < 20)).astype(np.int32)
NUCLEI = (np.hypot(Y - 30, X - 26) < 8) | (np.hypot(Y - 34, X - 78) < 8)
STAIN = ndimage.gaussian_filter(NUCLEI * np.where(X < 55, 300.0, 30.0), 1) + np.random.default_rng(
    0
).normal(100, 2, Y.shape)


def split(regions=("cell", "nucleus", "ring"), **keys):
    images = {name: keys.pop(name) for name in ("nucleus_image", "image") if name in keys}
    images = {"nucleus_image": STAIN, **images}
    return split_regions(CELLS, regions, pixel_size_um=0.5, cytosol=Cytosol(**keys), **images)


def test_regions_keep_the_ids_of_their_cells():
    parts = split()
    assert list(parts) == ["cell", "nucleus", "ring"]
    for part in parts.values():
        assert part.dtype == np.int32
        assert np.unique(part).tolist() == [0, 2, 5]
        assert np.all((part == 0) | (part == CELLS))


def test_bright_and_dim_nuclei_are_found():
    found = split()["nucleus"]
    both = (found > 0) & NUCLEI
    assert both.sum() / ((found > 0) | NUCLEI).sum() > 0.8


def test_ring_keeps_clear_of_every_nucleus():
    parts = split(ring_width_um=2.0, gap_um=1.0)
    distance = ndimage.distance_transform_edt(parts["nucleus"] == 0)
    in_ring = parts["ring"] > 0
    assert distance[in_ring].min() > 2
    assert distance[in_ring].max() <= 6
    expected = (distance > 2) & (distance <= 6) & (CELLS > 0)
    np.testing.assert_array_equal(in_ring, expected)


def test_ring_ends_at_the_cell():
    cells = np.zeros((9, 9), dtype=np.int32)
    cells[2:7, 2:7] = 1
    nucleus = np.zeros_like(cells)
    nucleus[4, 4] = 1
    np.testing.assert_array_equal(ring(cells, nucleus, 0, 50), cells - nucleus)


def test_cells_alone_need_no_stain():
    parts = split(("cell",), nucleus_image=None)
    assert list(parts) == ["cell"]
    np.testing.assert_array_equal(parts["cell"], CELLS)


def test_threshold_of_each_cell_is_otsus():
    """Against scikit-image with as many bins as there are values."""
    values = np.random.default_rng(1).integers(0, 40, Y.shape) + 100.0 * NUCLEI
    found = nuclei(CELLS, values)
    smooth = ndimage.gaussian_filter(values, 1.0, mode="nearest")
    for cell in (2, 5):
        bright = smooth > threshold_otsu(smooth[cell == CELLS], nbins=2048)
        np.testing.assert_array_equal(found == cell, bright & (cell == CELLS))


def test_cell_without_a_nucleus_has_none():
    stain = np.where(X < 55, STAIN, np.random.default_rng(2).normal(100, 2, Y.shape))
    found = nuclei(CELLS, stain)
    assert np.unique(found).tolist() == [0, 5]


@pytest.mark.parametrize("stain", [np.zeros(Y.shape), np.full(Y.shape, np.nan)])
def test_blank_stain_shows_no_nuclei(stain):
    assert nuclei(CELLS, stain).max() == 0


def test_no_cells():
    parts = split_regions(
        np.zeros_like(CELLS), ("nucleus", "ring"), pixel_size_um=0.5, nucleus_image=STAIN
    )
    assert parts["nucleus"].max() == parts["ring"].max() == 0


def test_missing_stain():
    with pytest.raises(ExperimentError, match=r"nucleus, ring need an image .*channels\.nucleus"):
        split(nucleus_image=None)


def test_stain_of_another_shape():
    with pytest.raises(ExperimentError, match=r"channels\.nucleus: expected 60 × 110 .* 5 × 5"):
        split(nucleus_image=np.zeros((5, 5)))


def test_unknown_region():
    with pytest.raises(
        ExperimentError, match="expected some of 'cell', 'nucleus', 'ring', 'cytosol', found 'halo'"
    ):
        split(("cell", "halo"))


def test_cytosol_is_the_cell_without_its_nucleus_and_a_gap():
    parts = split(("nucleus", "cytosol"), gap_um=1.0)
    distance = ndimage.distance_transform_edt(parts["nucleus"] == 0)
    np.testing.assert_array_equal(parts["cytosol"], np.where(distance > 2, CELLS, 0))


def test_cell_without_a_nucleus_has_no_cytosol():
    parts = split(("cytosol",), nucleus_image=np.where(X < 55, STAIN, 100.0))
    assert set(np.unique(parts["cytosol"])) == {0, 5}


def test_puncta_are_left_out_of_the_cytosol_only():
    rng = np.random.default_rng(2)
    spots = np.zeros(CELLS.shape)
    for y, x in ((18, 40), (40, 40), (20, 70), (44, 84)):
        spots += 400 * np.exp(-((Y - y) ** 2 + (X - x) ** 2) / (2 * 1.0**2))
    image = ndimage.gaussian_filter(np.where(CELLS > 0, 300.0, 0.0), 1.5) + spots
    image += rng.normal(100, 5, image.shape)
    keys = {"image": image, "puncta_um": 2.0}
    plain, spared = split(("cell", "cytosol")), split(("cell", "cytosol"), **keys)
    np.testing.assert_array_equal(spared["cell"], CELLS)
    taken = (plain["cytosol"] > 0) & (spared["cytosol"] == 0)
    bright = (spots > 40) & (plain["cytosol"] > 0)
    assert (taken & bright).sum() / bright.sum() > 0.95
    assert taken.sum() < 0.06 * (plain["cytosol"] > 0).sum()


def test_scaling_the_image_changes_no_punctum():
    image = np.random.default_rng(3).poisson(200, CELLS.shape) + 50.0 * (CELLS > 0)
    first, second = (puncta(CELLS, factor * image + 10, 4.0) for factor in (1.0, 64.0))
    np.testing.assert_array_equal(first, second)


def test_no_cells_have_no_puncta():
    assert not puncta(np.zeros_like(CELLS), STAIN, 4.0).any()


def test_even_cell_has_no_puncta():
    assert not puncta(CELLS, np.full(CELLS.shape, 7.0), 4.0).any()
