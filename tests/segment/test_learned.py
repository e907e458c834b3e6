"""The built-in network on pictures that differ in what must not matter.

The built-in weights may be trained anew: the limits leave room for other ones.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scores import f1, overlap

from zincflux import Experiment, analyze
from zincflux.errors import ExperimentError, SegmentationError
from zincflux.movie import Movie
from zincflux.segment import Learned, Segment
from zincflux.segment.learned import trials
from zincflux.segment.learned.cells import find, predict
from zincflux.segment.learned.model_file import network
from zincflux.segment.learned.scaling import Scaled, inputs_of, resized
from zincflux.segment.learned.trials import is_inverted

pytest.importorskip("onnxruntime")

DIAMETER_PX = 20.0


def make_scene():
    """Bright cells of 20 pixels, some of which touch, on a dim background with noise."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:160, :176]
    labels = np.zeros(y.shape, dtype=np.int32)
    places = [(a, b) for a in range(25, 150, 32) for b in range(25, 165, 24)]
    for n, place in enumerate(places):
        cy, cx = place + rng.uniform(-3, 3, 2)
        labels[np.hypot(y - cy, (x - cx) * rng.uniform(0.8, 1.2)) < 10] = n + 1
    load = np.r_[0, np.exp(0.3 * rng.standard_normal(len(places)))]
    image = ndimage.gaussian_filter(800 * load[labels], 1.2) + 300
    return np.rint(image + rng.normal(0, 20, image.shape)), labels


IMAGE, TRUTH = make_scene()


def segment(image, diameter=DIAMETER_PX):
    return Learned(diameter_um=diameter)(image, 1.0)


@pytest.fixture(scope="module")
def found():
    return segment(IMAGE)


def test_cells_are_found(found):
    assert f1(TRUTH, found) > 0.93
    assert np.median(overlap(TRUTH, found).max(axis=1)) > 0.75


@given(gain=st.floats(0.1, 10), offset=st.floats(-1e5, 1e5))
@settings(max_examples=6, deadline=None)
def test_gain_and_offset_change_nothing(gain, offset):
    """Up to rounding, which may tip pixels whose probability is a half."""
    one, other = segment(IMAGE), segment(gain * IMAGE + offset)
    assert one.max() == other.max()
    assert np.mean((one > 0) != (other > 0)) < 1e-3
    assert f1(one, other) == 1


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64])
def test_the_type_of_number_changes_nothing(found, dtype):
    np.testing.assert_array_equal(segment(IMAGE.astype(dtype)), found)


def test_eight_bits_are_enough(found):
    assert f1(found, segment(np.clip((IMAGE - 200) / 16, 0, 255).astype(np.uint8))) > 0.95


@pytest.mark.parametrize(("turns", "mirror"), [(1, False), (2, False), (3, True)])
def test_turning_changes_the_numbers_of_cells_and_little_else(found, turns, mirror):
    """A network is not the same in all directions: it learns from cells turned at random.

    Of the cells at most one in thirty may be found in one direction only, and outlines of the
    others differ by the pixels whose probability is near a half.
    """

    def turned(image):
        return np.rot90(image[:, ::-1] if mirror else image, turns)

    other = segment(turned(IMAGE))
    assert f1(turned(found), other) > 0.97
    assert np.median(overlap(turned(found), other).max(axis=1)) > 0.9


@pytest.mark.parametrize("noise", [60, 120])
def test_noise(noise):
    rough = IMAGE + np.random.default_rng(1).normal(0, noise, IMAGE.shape)
    assert f1(TRUTH, segment(rough)) > 0.88


@pytest.mark.parametrize("sd_px", [0.7, 1.5])
def test_blur(sd_px):
    assert f1(TRUTH, segment(ndimage.gaussian_filter(IMAGE, sd_px))) > 0.88


@pytest.mark.parametrize("zoom", [0.5, 1.7, 3.0])
def test_other_magnifications(zoom):
    shape = tuple(round(n * zoom) for n in IMAGE.shape)
    found = segment(resized(IMAGE, shape), DIAMETER_PX * zoom)
    truth = ndimage.zoom(TRUTH, zoom, order=0)[: found.shape[0], : found.shape[1]]
    assert found.shape == shape
    assert f1(truth, found[: truth.shape[0], : truth.shape[1]]) > 0.88


@pytest.mark.parametrize("value", [0.0, 1e4, np.nan])
def test_a_blank_border_counts_as_not_there(found, value):
    framed = np.pad(IMAGE, ((7, 0), (30, 11)), constant_values=value)
    np.testing.assert_array_equal(segment(framed), np.pad(found, ((7, 0), (30, 11))))


def test_pixels_that_are_no_numbers_do_no_harm(found):
    image = IMAGE.copy()
    image[::40, ::40] = np.nan
    assert f1(found, segment(image)) > 0.95


@pytest.mark.parametrize("gain", [0.1, 0.3, 10])
def test_few_and_many_grey_levels(found, gain):
    """As a shorter or longer exposure gives: whole numbers."""
    assert f1(found, segment(np.rint(gain * IMAGE).astype(np.uint16))) > 0.95


@pytest.mark.parametrize("diameter", [DIAMETER_PX, "auto"])
def test_inverted_contrast_is_refused(diameter):
    chosen = Segment(method="learned", diameter_um=diameter)
    with pytest.raises(SegmentationError, match="brighter than the background, found dark"):
        chosen.with_diameter(2000 - IMAGE, 1.0).segmenter()(2000 - IMAGE, 1.0)


def test_a_bright_picture_without_dark_cells_is_not_called_inverted():
    """Most of it is bright, but its inverse shows no cells, or fewer than a few."""
    y, x = np.mgrid[:160, :160]
    image = 1000.0 - 900 * (np.hypot(y - 40, x - 50) < 9)
    noise = np.random.default_rng(0).normal(0, 5, image.shape)
    assert not is_inverted(network(), (image + noise).astype(np.float32), 20.0)


def test_few_bright_pixels_on_black_are_not_even_asked(monkeypatch):
    monkeypatch.setattr(trials, "attempt", lambda *_: pytest.fail("looked for dark cells"))
    image = np.zeros((200, 200), np.float32)
    image[50:55, 50:60] = 9
    assert not is_inverted(network(), image, 8.0)


def test_sizes_and_border(found):
    cut = Learned(diameter_um=20, exclude_border=True)(IMAGE[30:], 1.0)
    assert not any(edge.any() for edge in (cut[0], cut[-1], cut[:, 0], cut[:, -1]))
    small = np.median(np.bincount(found.ravel())[1:])
    fewer = Learned(diameter_um=20, smallest_um2=float(small))(IMAGE, 1.0)
    assert 0 < fewer.max() < found.max()


def test_too_small_cells_are_refused():
    with pytest.raises(ExperimentError, match="at least 3 pixels"):
        segment(IMAGE, 2.0)


def test_the_diameter_is_estimated():
    settings = Segment(method="learned", diameter_um="auto")
    assert settings.with_diameter(IMAGE, 0.5).diameter_um == pytest.approx(10, rel=0.15)


def test_there_may_be_nothing_to_estimate():
    settings = Segment(method="learned", diameter_um="auto")
    with pytest.raises(SegmentationError, match=r"segment\.diameter_um: expected cells whose"):
        settings.with_diameter(np.full((90, 90), 7.0), 0.5)


def test_a_diameter_too_small_for_cells_is_nothing(monkeypatch):
    """The estimate has to be good enough for what comes after it."""
    monkeypatch.setattr(trials, "SMALLEST_DIAMETER_PX", 25.0)
    with pytest.raises(SegmentationError, match=r"segment\.diameter_um: expected cells whose"):
        Learned().estimate_diameter(IMAGE, 1.0)


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (1, 1), (2, 3), (3, 5000), (1500, 2)])
def test_pictures_of_any_shape(shape):
    noise = np.random.default_rng(0).normal(100, 10, shape)
    assert segment(noise).shape == shape
    with pytest.raises(SegmentationError, match="looks like a cell"):
        Learned().estimate_diameter(noise, 1.0)


def test_nothing_is_found_in_noise():
    assert segment(np.random.default_rng(0).poisson(5, (300, 300))).max() == 0


def test_one_pixel_may_outshine_all_others():
    rng = np.random.default_rng(0)
    image = rng.random((80, 90)) * 1e-30
    image[40, 40] = 1
    assert segment(image).max() <= 1


def test_threads_change_nothing(monkeypatch, found):
    inputs = inputs_of(Scaled.of(IMAGE, DIAMETER_PX).level((slice(None), slice(None))))
    monkeypatch.setattr("zincflux.segment.learned.cells.TILE_PX", 64)
    one = predict(network(), inputs, threads=1)
    for threads in (2, 5, None):
        np.testing.assert_array_equal(predict(network(), inputs, threads), one)


def test_tiles_do_not_show(monkeypatch):
    inputs = inputs_of(Scaled.of(IMAGE, DIAMETER_PX).level((slice(None), slice(None))))
    whole = predict(network(), inputs)
    monkeypatch.setattr("zincflux.segment.learned.cells.TILE_PX", 64)
    tiled = predict(network(), inputs)
    assert np.mean((tiled[0] > 0.5) != (whole[0] > 0.5)) < 0.002
    assert np.abs(tiled - whole).mean() < 0.005


@pytest.mark.parametrize("zoom", [0.6, 1.0, 2.0])
def test_blocks_do_not_show(monkeypatch, zoom):
    """A cell that lies in two blocks is drawn once, with the outline of one of them."""
    shape = tuple(round(n * zoom) for n in IMAGE.shape)
    scaled = Scaled.of(resized(IMAGE, shape), DIAMETER_PX * zoom)
    whole = find(network(), scaled, shape)
    monkeypatch.setattr("zincflux.segment.learned.cells.BLOCK_PX", 90)
    monkeypatch.setattr("zincflux.segment.learned.cells.OVERLAP_PX", 48)
    parts = find(network(), scaled, shape)
    assert parts.max() == whole.max()
    assert f1(whole, parts) == 1
    assert np.mean((parts > 0) != (whole > 0)) < 0.01


@pytest.mark.parametrize("mode", ["static", "follow"])
def test_a_movie_is_analysed(mode):
    data = np.stack([IMAGE[None, :96, :96]] * 3)
    movie = Movie(data, ("dye",), pixel_size_um=0.5, time_s=np.arange(3.0))
    chosen = {
        "movie": {"path": "dish.tif"},
        "segment": {"method": "learned", "diameter_um": "auto"},
        "track": {"mode": mode},
    }
    analysis = analyze(Experiment.parse(chosen, where="test"), movie=movie)
    assert len(analysis.cells) == pytest.approx(12, abs=2)
