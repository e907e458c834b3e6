"""Measure: exact against numpy and scikit-image, whatever the pixels and labels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import regionprops_table

from cases import BLANK, RING, SCATTERED, TOUCHING, draw
from zincflux.errors import ExperimentError
from zincflux.measure import LabelRuns, measure_labels

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
IDS = st.sampled_from([0, 0, 1, 2, 5, 300, 2**31 - 1])
DTYPES = ["uint8", "uint16", "int16", "int32", "float32", "float64"]


@st.composite
def labelled_frames(draw_):
    shape = draw_(SHAPES)
    labels = draw_(hnp.arrays(np.int32, shape, elements=IDS))
    dtype = np.dtype(draw_(st.sampled_from(DTYPES)))
    pixels = hnp.from_dtype(dtype)
    if dtype.kind == "f":
        width = 8 * dtype.itemsize
        pixels = st.floats(-1024, 1024, width=width) | st.just(np.nan) | st.just(np.inf)
    frame = draw_(hnp.arrays(dtype, (draw_(st.integers(1, 2)), *shape), elements=pixels))
    return frame, labels


@settings(deadline=None, max_examples=60)
@given(labelled_frames(), st.sampled_from([None, -3.5, 100, 254.5, 255, 65535, 1e9]))
def test_table_equals_masks_one_by_one(case, level):
    frame, labels = case
    cells = measure_labels(frame, labels, saturation_level=level)
    assert cells.ids.tolist() == [i for i in np.unique(labels) if i]
    for row, label in enumerate(cells.ids):
        for channel, image in enumerate(frame):
            pixels = image[labels == label].astype(np.float64)
            pixels = pixels[np.isfinite(pixels)]
            found = cells.mean[channel, row], cells.sd[channel, row]
            assert cells.n_valid[channel, row] == pixels.size
            expected = (pixels.mean(), pixels.std()) if pixels.size else (np.nan, np.nan)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-10)
            share = np.mean(pixels >= level) if level is not None and pixels.size else np.nan
            np.testing.assert_equal(cells.clipped_fraction[channel, row], share)


@settings(deadline=None, max_examples=40)
@given(hnp.arrays(np.int32, SHAPES, elements=st.sampled_from([0, 0, 1, 2, 5, 300])))
def test_geometry_equals_regionprops(labels):
    frame = np.arange(labels.size, dtype=np.uint16).reshape(1, *labels.shape)
    cells = measure_labels(frame, labels)
    names = ("label", "area", "centroid", "mean_intensity", "coords")
    props = regionprops_table(labels, frame[0], properties=names)
    np.testing.assert_array_equal(cells.ids, props["label"])
    np.testing.assert_array_equal(cells.area_px, props["area"])
    np.testing.assert_allclose(cells.mean[0], props["mean_intensity"], rtol=1e-14)
    if cells.ids.size:
        np.testing.assert_allclose(cells.y_px, props["centroid-0"], rtol=1e-14)
        np.testing.assert_allclose(cells.x_px, props["centroid-1"], rtol=1e-14)
        last = np.array(labels.shape) - 1
        border = [bool(((yx == 0) | (yx == last)).any()) for yx in props["coords"]]
        assert cells.touches_border.tolist() == border


@settings(deadline=None, max_examples=60)
@given(hnp.arrays(np.int32, SHAPES, elements=IDS), st.integers(-10, 10), st.integers(-10, 10))
def test_runs_draw_and_shift_the_same_image(labels, dy, dx):
    runs = LabelRuns.of(labels)
    np.testing.assert_array_equal(runs.to_labels(), labels)
    padded = np.pad(labels, 10)
    height, width = labels.shape
    cut = padded[10 - dy : 10 - dy + height, 10 - dx : 10 - dx + width]
    moved = runs.shifted(dy, dx)
    np.testing.assert_array_equal(moved.to_labels(), cut)
    np.testing.assert_array_equal(moved.ids, runs.ids)
    for row, label in enumerate(runs.ids):
        kept = (cut == label).sum() / (labels == label).sum()
        assert moved.inside_fraction[row] == kept
        assert moved.touches_border[row] or kept == 1


@settings(deadline=None, max_examples=30)
@given(labelled_frames(), st.randoms(use_true_random=False))
def test_relabelling_permutes_rows_only(case, random):
    frame, labels = case
    old = np.unique(labels[labels > 0])
    new = random.sample(range(1, 1000), old.size)
    relabelled = np.zeros_like(labels)
    for a, b in zip(old, new, strict=True):
        relabelled[labels == a] = b
    before, after = measure_labels(frame, labels), measure_labels(frame, relabelled)
    row = np.searchsorted(after.ids, np.array(new, dtype=int))
    np.testing.assert_array_equal(before.mean, after.mean[:, row])
    np.testing.assert_array_equal(before.sd, after.sd[:, row])


def test_drawn_cells():
    runs = LabelRuns.of(draw(TOUCHING))
    assert runs.area_px.tolist() == [4, 4, 2]
    assert runs.y_px.tolist() == [1.5, 1.5, 3]
    assert runs.x_px.tolist() == [1.5, 3.5, 2.5]
    assert not runs.touches_border.any()
    hole = LabelRuns.of(draw(RING))
    assert (hole.area_px.tolist(), hole.y_px.tolist()) == ([8], [2])
    assert LabelRuns.of(draw(SCATTERED)).touches_border.tolist() == [True, True]


def test_no_cells_give_empty_columns():
    cells = measure_labels(np.ones((2, 2, 4)), draw(BLANK), saturation_level=3)
    assert cells.mean.shape == cells.clipped_fraction.shape == (2, 0)
    table = cells.to_frame(["a", "b"], 0.5)
    assert len(table) == 0
    assert {"label", "a_raw", "b_sd", "clipped_fraction"} <= set(table.columns)


def test_frame_without_pixels():
    assert measure_labels(np.ones((1, 0, 0)), np.zeros((0, 0), int)).ids.size == 0


def test_table_has_micrometres_and_the_worst_channel():
    labels = draw(TOUCHING)
    frame = np.zeros((2, *labels.shape), np.uint8)
    frame[1][labels == 3] = 255, 7
    table = measure_labels(frame, labels, saturation_level=255).to_frame(["a", "b"], 0.5)
    expected = pd.DataFrame(
        {"label": [1, 2, 3], "y_um": [0.75, 0.75, 1.5], "area_um2": [1, 1, 0.5]}
    )
    pd.testing.assert_frame_equal(table[list(expected)], expected, check_dtype=False)
    assert table["clipped_fraction"].tolist() == [0, 0, 0.5]
    assert table["b_raw"].tolist() == [0, 0, 131]
    assert table["b_n_valid"].tolist() == [4, 4, 2]


def test_cell_outside_the_frame_keeps_an_empty_row():
    moved = LabelRuns.of(draw(TOUCHING)).shifted(0, 4)
    cells = measure_labels(np.ones((1, 5, 7)), moved, saturation_level=1)
    assert cells.inside_fraction.tolist() == [1, 0, 0.5]
    assert cells.area_px.tolist() == [4, 0, 1]
    assert np.isnan(cells.mean[0, 1])
    assert np.isnan(cells.x_px[1])
    assert np.isnan(cells.clipped_fraction[0, 1])
    assert moved.shifted(0, -4).inside_fraction.tolist() == [1, 0, 0.5]


def test_named_ids_keep_a_row_each():
    runs = LabelRuns.of(draw(TOUCHING), ids=[9, 2])
    assert runs.ids.tolist() == [2, 9]
    assert runs.area_px.tolist() == [4, 0]
    assert np.array_equal(runs.to_labels(), np.where(draw(TOUCHING) == 2, 2, 0))
    integers = measure_labels(np.ones((1, 5, 7), np.uint16), runs)
    assert np.isnan(integers.mean[0, 1])
    assert np.isnan(integers.sd[0, 1])


@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "uint32", "int64", ">u2", ">f4"])
def test_any_real_dtype(dtype):
    labels = draw(RING)
    values = np.random.default_rng(1).integers(0, 2, (1, *labels.shape)).astype(dtype)
    cells = measure_labels(values, labels)
    assert cells.mean[0, 0] == pytest.approx(values[0][labels == 7].astype(float).mean())


def test_frames_need_not_be_contiguous_nor_writeable():
    labels = draw(TOUCHING)
    stored = np.random.default_rng(2).integers(0, 65536, (*labels.shape, 2)).astype(np.uint16)
    expected = measure_labels(stored.transpose(2, 0, 1).copy(), labels)
    stored.flags.writeable = False
    found = measure_labels(stored.transpose(2, 0, 1), labels[:, ::-1][:, ::-1])
    np.testing.assert_array_equal(found.mean, expected.mean)
    np.testing.assert_array_equal(found.sd, expected.sd)


@pytest.mark.parametrize("offset", [0, 1e6, 1e12])
def test_small_spread_on_a_large_offset_keeps_its_digits(offset):
    labels = np.ones((30, 40), np.int32)
    spread = np.random.default_rng(3).integers(0, 64, labels.shape) / 64
    cells = measure_labels((spread + offset)[None], labels)
    assert cells.sd[0, 0] == pytest.approx(spread.std(), rel=1e-11)


def test_sixteen_bits_stay_exact():
    labels = np.ones((40, 50), np.int32)
    frame = np.full((1, *labels.shape), 65535, np.uint16)
    assert measure_labels(frame, labels).sd[0, 0] == 0
    frame[0, 0, 0] = 65534
    cells = measure_labels(frame, labels)
    n = labels.size
    assert cells.mean[0, 0] == 65535 - 1 / n
    assert cells.sd[0, 0] == pytest.approx(np.sqrt(n - 1) / n, rel=1e-13)


@pytest.mark.parametrize(
    ("frame", "labels", "message"),
    [
        (np.ones((4, 4)), np.ones((4, 4), int), r"axes \(C, Y, X\), found float64 \(4, 4\)"),
        (np.ones((1, 4, 4), complex), np.ones((4, 4), int), "real numbers.*complex128"),
        (np.ones((1, 4, 4)), np.ones((4, 5), int), r"\(4, 4\), found \(4, 5\).*segment.labels"),
        (np.ones((1, 4, 4)), np.ones((4, 4)), "whole numbers.*float64.*segment.labels"),
        (np.ones((1, 4, 4)), np.ones((1, 4, 4), int), "whole numbers.*segment.labels"),
        (np.ones((1, 4, 4)), np.full((4, 4), -1), "labels from 0 to 2147483647, found -1 to -1"),
        (np.ones((1, 4, 4)), np.full((4, 4), 2**40), "found 1099511627776"),
    ],
)
def test_refused_with_what_to_do(frame, labels, message):
    with pytest.raises(ExperimentError, match=message):
        measure_labels(frame, labels)


def test_runs_that_do_not_fit_one_another():
    one, two = np.zeros(1, np.int32), np.zeros(2, np.int32)
    with pytest.raises(ValueError, match=r"one length and 1 ids.*Use LabelRuns\.of"):
        LabelRuns(one, one, two, one, one, (2, 2), np.ones(1))


def test_table_needs_a_name_for_each_channel():
    with pytest.raises(ValueError, match="zip"):
        measure_labels(np.ones((2, 2, 4)), draw(BLANK)).to_frame(["only one"], 1.0)
