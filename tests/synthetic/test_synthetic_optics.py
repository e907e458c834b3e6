from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from zincflux.synthetic import Simulation, optics
from zincflux.synthetic.kinetics import protocol


def test_photon_transfer_gives_gain_and_read_noise():
    settings = Simulation(gain_e=2.0, read_noise_e=4.0, offset=200)
    rng = np.random.default_rng(0)
    levels = np.array([0.0, 50, 200, 800, 3200])
    frames = optics.expose(np.repeat(levels, 200_000).astype(np.float32), settings, rng)
    counts = frames.reshape(len(levels), -1).astype(float)
    mean, variance = counts.mean(axis=1), counts.var(axis=1)
    np.testing.assert_allclose(mean, 200 + levels / 2.0, rtol=1e-3)
    # Poisson light of gain g has the variance mean/g in counts; rounding adds 1/12.
    np.testing.assert_allclose(variance, (levels + 16) / 4 + 1 / 12, rtol=0.02)


@pytest.mark.parametrize("bit_depth", [12, 16])
def test_the_camera_stops_at_its_bit_depth(bit_depth):
    settings = Simulation(bit_depth=bit_depth, gain_e=1.0, offset=0)
    counts = optics.expose(np.array([0.0, 1e6], np.float32), settings, np.random.default_rng(0))
    assert counts.dtype == np.uint16
    assert counts[1] == 2**bit_depth - 1
    assert counts[0] < 20


@given(st.floats(0, 6), st.floats(-0.5, 0.5))
def test_blur_kernel_keeps_light_and_moves_it(sigma, shift):
    kernel = optics.blur_kernel(sigma, shift)
    place = np.arange(len(kernel)) - len(kernel) // 2
    assert kernel.sum() == pytest.approx(1)
    assert kernel.min() > -1e-12
    assert (kernel * place).sum() == pytest.approx(shift, abs=2e-3)


def test_no_blur_and_no_drift_leave_the_image_as_it_is():
    canvas = np.random.default_rng(0).random((30, 34)).astype(np.float32)
    image = optics.image_sharp(canvas, 5, (20, 24), np.zeros(2), 0.0)
    np.testing.assert_allclose(image, canvas[5:-5, 5:-5], rtol=1e-6)


def test_whole_pixels_of_drift_move_the_content_down_and_right():
    canvas = np.zeros((30, 30), np.float32)
    canvas[12, 15] = 1
    image = optics.image_sharp(canvas, 5, (20, 20), np.array([2.0, -3.0]), 0.0)
    assert np.argwhere(image > 0.5).tolist() == [[12 - 5 + 2, 15 - 5 - 3]]


def test_blur_agrees_with_scipy():
    canvas = np.random.default_rng(1).random((80, 80)).astype(np.float32)
    ours = optics.image_sharp(canvas, 20, (40, 40), np.zeros(2), 2.5)
    # Integrating over pixels adds the variance of a triangle, 1/6.
    theirs = ndimage.gaussian_filter(canvas, np.sqrt(2.5**2 + 1 / 6), truncate=5)[20:-20, 20:-20]
    np.testing.assert_allclose(ours, theirs, atol=5e-4)


def test_haze_agrees_with_a_wide_gaussian():
    canvas = np.zeros((200, 200), np.float32)
    canvas[90:110, 95:115] = 100
    ours = optics.image_haze(canvas, 20, (160, 160), np.zeros(2), 20.0)
    theirs = ndimage.gaussian_filter(canvas, 20.0, truncate=6)[20:-20, 20:-20]
    assert np.abs(ours - theirs).max() < 0.02 * theirs.max()


def test_haze_moves_with_the_sample():
    canvas = np.zeros((104, 104), np.float32)
    canvas[48:56, 48:56] = 1
    still, moved = (
        optics.image_haze(canvas, 12, (80, 80), np.array([0.0, shift]), 9.0) for shift in (0, 5)
    )
    np.testing.assert_allclose(moved[:, 5:], still[:, :-5], rtol=0.02, atol=1e-5)


def test_drift_starts_at_zero_reaches_its_size_and_is_smooth():
    settings = Simulation(drift_um=6.5, n_frames=200)
    path = optics.drift_path(settings, np.random.default_rng(3))
    assert path.shape == (200, 2)
    assert path[0].tolist() == [0, 0]
    assert np.hypot(*path.T).max() == pytest.approx(10)
    assert np.abs(np.diff(path, axis=0)).max() < 0.5


@pytest.mark.parametrize("changes", [{"drift_um": 0}, {"n_frames": 1}])
def test_no_drift(changes):
    path = optics.drift_path(Simulation(**changes), np.random.default_rng(0))
    assert not path.any()


def test_additions_knock_frames_out_of_focus():
    settings = Simulation(defocus_frames=2)
    phases = protocol(settings)
    blur = optics.focus_path(settings, phases, np.random.default_rng(0))
    hit = np.flatnonzero(blur > settings.psf_um)
    assert hit.tolist() == [18, 19, 66, 67, 90, 91]
    assert blur[hit].min() > 1


@pytest.mark.parametrize("seed", range(5))
def test_background_is_positive_uneven_and_moves(seed):
    background = optics.Background.draw(Simulation(), np.random.default_rng(seed))
    first, last = background.field(0.0, (50, 70)), background.field(1.0, (50, 70))
    assert np.abs(first).max() <= 1
    assert np.ptp(first) > 0.2
    assert np.abs(first - last).max() > 0.05


def test_vignette_darkens_the_corners():
    light = optics.vignette(Simulation(n_cells=0, shading=0.4, shape_px=(99, 99)))
    assert light[49, 49] == pytest.approx(1)
    assert light[0, 0] == pytest.approx(0.6, abs=0.01)
