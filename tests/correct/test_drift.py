import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.registration import phase_cross_correlation

from zincflux.correct.drift import Drift, DriftTracker, common_area
from zincflux.errors import ExperimentError

PAD = 24


def scene(rng, size, n_cells=40):
    """Blurred ellipses of different brightness with a margin to drift into."""
    edge = size + 2 * PAD
    y, x = np.mgrid[:edge, :edge]
    image = np.zeros((edge, edge))
    for _ in range(n_cells):
        cy, cx = rng.uniform(0, edge, 2)
        a, b = rng.uniform(5, 10, 2)
        image += rng.lognormal(0, 0.5) * (((y - cy) / a) ** 2 + ((x - cx) / b) ** 2 < 1)
    return gaussian_filter(image, 1.5)


def moved(image, shift):
    fy, fx = np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None]
    ramp = np.exp(-2j * np.pi * (fy * shift[0] + fx * shift[1]))
    return np.fft.ifft2(np.fft.fft2(image) * ramp).real[PAD:-PAD, PAD:-PAD]


def shoot(rng, light):
    counts = rng.poisson(np.maximum(light, 0)) + rng.normal(100, 2, light.shape)
    return np.rint(counts).clip(0).astype(np.uint16)


def illumination(size):
    y, x = np.mgrid[:size, :size] / size - 0.5
    return 1 - y**2 - x**2


@pytest.mark.parametrize("size", [256, 300])
def test_shifts_are_found_within_a_tenth_of_a_pixel_rms(size):
    rng = np.random.default_rng(1)
    cells, light = scene(rng, size, 60), illumination(size)
    shifts = np.cumsum(rng.normal(0, 1, (15, 2)), axis=0)
    shifts[0] = 0
    tracker = DriftTracker(30)
    found = [tracker.update(shoot(rng, (200 * moved(cells, s) + 50) * light)) for s in shifts]
    assert np.sqrt(np.mean((found - shifts) ** 2)) < 0.1
    assert tracker.rejected == 0


def test_brightness_changes_and_bleaching_do_not_lose_the_reference():
    rng = np.random.default_rng(2)
    cells, light = scene(rng, 256, 60), illumination(256)
    shifts = np.cumsum(rng.normal(0, 0.5, (24, 2)), axis=0)
    shifts[0] = 0
    gain = np.where(np.arange(24) < 8, 1, np.where(np.arange(24) < 16, 10, 0.4))
    gain = gain * np.exp(-np.arange(24) / 100)
    tracker = DriftTracker(30)
    found = [
        tracker.update(shoot(rng, (150 * g * moved(cells, s) + 50) * light))
        for g, s in zip(gain, shifts, strict=True)
    ]
    assert np.sqrt(np.mean((found - shifts) ** 2)) < 0.2
    assert tracker.rejected == 0


def test_a_large_frame_is_binned_and_keeps_its_accuracy():
    rng = np.random.default_rng(3)
    image = gaussian_filter(rng.normal(size=(1024, 1100)), 4) * 1000 + 500
    tracker = DriftTracker()
    tracker.update(rng.poisson(image))
    found = tracker.update(rng.poisson(np.roll(image, (7, -5), axis=(0, 1))))
    assert found == pytest.approx((7, -5), abs=0.1)


def test_agrees_with_skimage():
    rng = np.random.default_rng(4)
    whole = gaussian_filter(rng.normal(size=(128 + 2 * PAD, 128 + 2 * PAD)), 2, mode="wrap")
    first, second = moved(whole, (0, 0)), moved(whole, (2.3, -1.6))
    tracker = DriftTracker()
    tracker.update(first)
    theirs = -phase_cross_correlation(first, second, upsample_factor=20, normalization=None)[0]
    ours = tracker.update(second)
    assert ours == pytest.approx((2.3, -1.6), abs=0.1)
    assert ours == pytest.approx(tuple(theirs), abs=0.25)


@pytest.mark.parametrize("bad", ["noise", "blank", "nan", "other"])
def test_a_frame_that_cannot_be_trusted_keeps_the_shift_before(bad):
    rng = np.random.default_rng(5)
    cells = scene(rng, 256, 60)
    frames = {
        "noise": rng.poisson(100, (256, 256)).astype(float),
        "blank": np.full((256, 256), 7.0),
        "nan": np.full((256, 256), np.nan),
        "other": shoot(rng, 200 * moved(scene(rng, 256, 60), (0, 0)) + 50),
    }
    tracker = DriftTracker()
    for _ in range(2):
        tracker.update(shoot(rng, 200 * moved(cells, (0, 0)) + 50))
    before = tracker.update(shoot(rng, 200 * moved(cells, (3.0, 4.0)) + 50))
    assert tracker.update(frames[bad]) == before
    assert tracker.rejected == 1


def test_a_shift_beyond_the_limit_is_not_believed():
    rng = np.random.default_rng(6)
    cells = scene(rng, 128)
    tracker = DriftTracker(max_shift_px=5)
    tracker.update(moved(cells, (0, 0)))
    assert tracker.update(moved(cells, (9, 0))) == (0.0, 0.0)
    assert tracker.rejected == 1


def test_bad_first_frames_do_not_spoil_the_rest():
    rng = np.random.default_rng(7)
    cells = scene(rng, 256, 60)
    tracker = DriftTracker()
    tracker.update(rng.poisson(100, (256, 256)))
    tracker.update(shoot(rng, 200 * moved(scene(rng, 256, 60), (0, 0)) + 50))
    tracker.update(shoot(rng, 200 * moved(cells, (0, 0)) + 50))
    assert tracker.rejected == 2
    found = tracker.update(shoot(rng, 200 * moved(cells, (1.5, 0.5)) + 50))
    assert found == pytest.approx((1.5, 0.5), abs=0.1)
    assert tracker.rejected == 2


def test_single_bad_pixels_do_no_harm():
    rng = np.random.default_rng(8)
    cells = scene(rng, 128)
    tracker = DriftTracker()
    first, second = 100 * moved(cells, (0, 0)), 100 * moved(cells, (2, 1))
    second[5, 5], second[60, 60] = np.nan, np.inf
    tracker.update(first)
    assert tracker.update(second) == pytest.approx((2, 1), abs=0.15)


def test_common_area():
    shifts = np.array([[0, 0], [2.4, -3.0], [-1.6, 0.2]])
    assert common_area(shifts, (50, 60)) == (slice(2, 48), slice(3, 60))
    assert common_area(np.zeros((3, 2)), (5, 6)) == (slice(0, 5), slice(0, 6))
    rows, _ = common_area(np.array([[0, 0], [-80.0, 0]]), (50, 60))
    assert rows.start == rows.stop


def test_common_area_is_seen_in_every_frame():
    rng = np.random.default_rng(9)
    shifts = rng.integers(-6, 7, (5, 2))
    rows, columns = common_area(shifts, (40, 40))
    for dy, dx in shifts:
        assert rows.start + dy >= 0
        assert rows.stop + dy <= 40
        assert columns.start + dx >= 0
        assert columns.stop + dx <= 40


def test_settings_make_the_tracker():
    assert Drift().tracker(0.5) is None
    tracker = Drift(method="phase-correlation", max_shift_um=5).tracker(0.5)
    assert tracker._max_shift_px == 10
    assert Drift(method="phase-correlation").tracker(0.5)._max_shift_px == 40


@pytest.mark.parametrize("key", [{"channel": "DAPI"}, {"max_shift_um": 3}])
def test_keys_of_another_method_are_refused(key):
    with pytest.raises(ExperimentError, match=f"drift.{next(iter(key))} is used only with"):
        Drift.parse(key, where="test")
