from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from zincflux.focus import defocused, focus_score

REALDATA = os.environ.get("ZINCFLUX_REALDATA")
Y, X = np.mgrid[:200, :200]


def cells(blur=0.0, brightness=200.0, seed=0, slope=0.3):
    """Ten discs on a sloping background, through optics and camera."""
    places = np.random.default_rng(1).uniform(10, 190, (10, 2))
    light = sum(np.hypot(Y - cy, X - cx) < 11 for cy, cx in places) * brightness
    light = ndimage.gaussian_filter(light + 40.0 + slope * X, np.hypot(0.9, blur))
    return np.random.default_rng(seed).poisson(light) + 100.0


SHARP = focus_score(cells())


@pytest.mark.parametrize("blur", [2.0, 3.0, 5.0])
def test_blur_lowers_the_score(blur):
    assert focus_score(cells(blur)) < 0.75 * SHARP


@pytest.mark.parametrize("brightness", [40.0, 80.0, 2000.0])
def test_brightness_does_not(brightness):
    assert focus_score(cells(brightness=brightness)) == pytest.approx(SHARP, rel=0.1)


def test_neither_do_noise_and_gradient():
    image = cells()
    noise = np.random.default_rng(5).normal(0, 20, image.shape)
    assert focus_score(image + noise) == pytest.approx(SHARP, rel=0.1)
    assert focus_score(image + 2.0 * Y) == pytest.approx(SHARP, rel=0.1)


@given(gain=st.floats(1e-3, 1e3), offset=st.floats(-1e4, 1e4))
@settings(max_examples=20, deadline=None)
def test_gain_and_offset_change_nothing(gain, offset):
    assert focus_score((cells() + offset) * gain) == pytest.approx(SHARP, rel=1e-6)


def test_blur_lowers_the_score_of_a_large_image():
    """Only a part of it is looked at."""
    sharp, blurred = (focus_score(np.tile(cells(blur), (8, 8))) for blur in (0.0, 2.0))
    assert blurred < 0.75 * sharp


def test_nan_pixels_are_left_out():
    image = cells()
    image[:6] = np.nan
    image[100, 100] = np.inf
    assert focus_score(image) == pytest.approx(SHARP, rel=0.1)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((50, 50)),
        np.full((50, 50), np.nan),
        np.random.default_rng(0).poisson(100, (200, 200)),
        cells(brightness=3.0, slope=0.0),
        np.ones((23, 500)),
        np.where(np.add.outer(np.arange(50), np.arange(50)) % 2, np.nan, 1.0),
    ],
    ids=["constant", "nan", "noise", "too dim", "small", "no two pixels known"],
)
def test_no_score_where_nothing_is_seen(image):
    assert np.isnan(focus_score(image))


def test_frames_after_an_addition_are_found_at_any_brightness():
    """Zinc raises the brightness tenfold, TPEN takes it away; three frames are blurred."""
    brightness = np.repeat([60, 600, 50, 700], 15)
    blurred = [15, 16, 30]
    scores = [
        focus_score(cells(2.0 if t in blurred else 0.0, b, seed=t))
        for t, b in enumerate(brightness)
    ]
    assert np.flatnonzero(defocused(scores)).tolist() == blurred


def test_focus_lost_for_long():
    scores = np.random.default_rng(0).normal(4, 0.05, 120)
    scores[60:100] -= 2
    assert np.flatnonzero(defocused(scores)).tolist() == list(range(60, 100))


def test_slow_change_of_sharpness_is_no_defocus():
    assert not defocused(np.linspace(4.0, 3.3, 100)).any()


def test_noisy_scores_need_a_larger_drop():
    steady = np.full(40, 4.0) + 0.02 * (-1) ** np.arange(40)
    shaky = np.full(40, 4.0) + 0.4 * (-1) ** np.arange(40)
    steady[20] = shaky[20] = 3.0
    assert np.flatnonzero(defocused(steady)).tolist() == [20]
    assert not defocused(shaky).any()


def test_missing_scores_are_not_flagged():
    scores = np.tile([4.0, np.nan, 4.1, 4.2, 4.1], 4)
    scores[[3, 19]] = 1.0, -0.1
    assert np.flatnonzero(defocused(scores)).tolist() == [3, 19]


@pytest.mark.parametrize("scores", [[], [4.0], [4.0, 1.0], [np.nan] * 5])
def test_too_few_scores(scores):
    assert defocused(scores).tolist() == [False] * len(scores)


@pytest.mark.realdata
@pytest.mark.skipif(REALDATA is None, reason="ZINCFLUX_REALDATA is not set")
def test_real_cell_whose_brightness_rises_threefold():
    tifffile = pytest.importorskip("tifffile")
    folder = Path(REALDATA, "hek-fluo4-oif", "serial_stim_cell3")
    paths = [p for part in sorted(folder.glob("*.files")) for p in sorted(part.glob("*.tif"))]
    frames = [tifffile.imread(path) for path in paths]
    scores = np.array([focus_score(frame) for frame in frames if frame.shape == (128, 128)])
    assert not defocused(scores).any()
    blurred = ndimage.gaussian_filter(frames[70].astype(float), 2)
    noise = np.random.default_rng(0).normal(0, 20, blurred.shape)
    scores[70] = focus_score(blurred + noise)
    assert np.flatnonzero(defocused(scores)).tolist() == [70]
