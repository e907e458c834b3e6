import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, shift

from zincflux.camera import (
    Camera,
    NoiseModel,
    estimate_noise,
    noise_from_settings,
    offset_from_settings,
)
from zincflux.errors import ExperimentError

GAIN, READ, OFFSET = 2.0, 3.0, 100.0


def cells(rng, size=256, light=400.0):
    """Expected electrons: blurred discs on a background."""
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size), 40.0)
    for cy, cx in rng.uniform(0, size, (size * size // 2500, 2)):
        image[(y - cy) ** 2 + (x - cx) ** 2 < 100] += light * rng.lognormal(0, 0.5)
    return gaussian_filter(image, 1.5)


def shoot(rng, electrons):
    counts = (rng.poisson(np.maximum(electrons, 0)) + rng.normal(0, READ, electrons.shape)) / GAIN
    return np.rint(counts + OFFSET).clip(0, 65535).astype(np.uint16)[None]


def expected(electrons):
    return (electrons + READ**2) / GAIN**2 + 1 / 12


def check(model, low=40.0, high=600.0, rel=0.1):
    for electrons in (low, high):
        found = model.variance([[electrons / GAIN + OFFSET]])[0, 0]
        assert found == pytest.approx(expected(electrons), rel=rel)


@pytest.mark.parametrize(
    ("move_px", "brighter"), [(0.0, 1.0), (1.0, 1.03)], ids=["still", "moving"]
)
def test_photon_transfer_finds_the_camera(move_px, brighter):
    rng = np.random.default_rng(0)
    scene = cells(rng)
    later = shift(scene, (0.6 * move_px, 0.8 * move_px), mode="nearest") * brighter
    model = estimate_noise([(shoot(rng, scene), shoot(rng, later)) for _ in range(5)])
    assert model.slope[0] == pytest.approx(1 / GAIN, rel=0.1)
    assert model.origin == "estimated"
    check(model)


def test_a_jump_of_brightness_in_one_pair_does_not_spoil_the_others():
    rng = np.random.default_rng(1)
    scene = cells(rng)
    pairs = [(shoot(rng, scene), shoot(rng, scene * factor)) for factor in (1, 10, 1, 1)]
    check(estimate_noise(pairs))


def test_one_frame_is_enough_and_says_so():
    rng = np.random.default_rng(2)
    frame = shoot(rng, cells(rng, 512))
    model = estimate_noise([(frame, frame)])
    assert model.origin == "estimated from one frame"
    check(model, rel=0.15)


def test_only_jumps_fall_back_to_one_frame():
    rng = np.random.default_rng(3)
    scene = cells(rng, 512)
    model = estimate_noise([(shoot(rng, scene), shoot(rng, 10 * scene))])
    assert model.origin == "estimated from one frame"
    check(model, rel=0.15)


def test_a_known_offset_saturation_and_bad_pixels():
    rng = np.random.default_rng(4)
    scene = cells(rng)
    pairs = []
    for _ in range(4):
        pair = [shoot(rng, scene).astype(np.float32) for _ in range(2)]
        for frame in pair:
            np.minimum(frame, 400, out=frame)
            frame[0, ::50, ::50] = np.nan
            frame[0, :40] = 0
        pairs.append(tuple(pair))
    model = estimate_noise(pairs, offset=OFFSET, saturation_level=400)
    check(model, high=300.0)
    assert model.variance([[OFFSET]])[0, 0] >= 0


def test_channels_have_their_own_line():
    rng = np.random.default_rng(5)
    scene = cells(rng)
    one = [np.concatenate([shoot(rng, scene), 3 * shoot(rng, scene)]) for _ in range(2)]
    model = estimate_noise([tuple(one)])
    assert model.slope[1] == pytest.approx(3 * model.slope[0], rel=0.2)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.01, 100), st.floats(-50, 1000))
def test_scaling_and_shifting_the_counts_carries_over(scale, offset):
    rng = np.random.default_rng(6)
    scene = cells(rng, 128)
    pair = tuple(shoot(rng, scene).astype(float) for _ in range(2))
    plain = estimate_noise([pair])
    other = estimate_noise([tuple(scale * frame + offset for frame in pair)])
    raw = np.array([[150.0, 300.0]])
    np.testing.assert_allclose(
        other.variance(scale * raw + offset), scale**2 * plain.variance(raw), rtol=1e-3
    )


def test_an_even_field_keeps_its_variance():
    rng = np.random.default_rng(7)
    field = np.full((256, 256), 200.0)
    model = estimate_noise([(shoot(rng, field), shoot(rng, field))])
    check(model, 200, 200)


@pytest.mark.parametrize(
    ("frame", "floor"),
    [
        (np.full((1, 64, 64), 100, dtype=np.uint8), 1 / 12),
        (np.full((1, 64, 64), 0.1), 1e-14),
        (np.zeros((1, 64, 64)), 1e-300),
        (np.full((1, 64, 64), np.nan), 1e-300),
        (np.zeros((1, 5, 5), dtype=np.uint16), 1 / 12),
    ],
)
def test_a_constant_image_has_slope_0_and_a_tiny_variance(frame, floor):
    model = estimate_noise([(frame, frame)])
    assert model.slope[0] == 0
    assert model.variance([[100.0]])[0, 0] == pytest.approx(floor)


def test_no_frame_is_an_error():
    with pytest.raises(ExperimentError, match="expected at least one frame to estimate noise"):
        estimate_noise([])


def test_given_keys_make_the_line():
    camera = Camera(offset=OFFSET, gain_e=GAIN, read_noise_e=READ)
    model = noise_from_settings(camera, 2)
    assert model.origin == "given"
    assert model.slope.shape == (2,)
    np.testing.assert_allclose(
        model.variance([[OFFSET, 300.0], [0.0, np.nan]]),
        [[expected(0), expected(400)], [expected(0), np.nan]],
    )
    assert noise_from_settings(Camera(), 2) is None


def test_a_dark_image_gives_the_offset():
    rng = np.random.default_rng(8)
    dark = rng.normal(OFFSET, 2, (100, 100))
    dark[0, :20] = 4000
    dark[1, 0] = np.nan
    camera = Camera(dark="dark.tif", gain_e=GAIN, read_noise_e=READ)
    assert offset_from_settings(camera, dark) == pytest.approx(OFFSET, abs=0.1)
    assert offset_from_settings(Camera(offset=7)) == 7
    assert offset_from_settings(Camera()) is None
    found = noise_from_settings(camera, 1, dark).variance([[OFFSET]])[0, 0]
    assert found == pytest.approx(expected(0), rel=0.02)
    with pytest.raises(ExperimentError, match=r"camera\.dark: expected its image"):
        noise_from_settings(camera, 1)
    with pytest.raises(ExperimentError, match=r"camera\.dark: expected an image with finite"):
        offset_from_settings(camera, np.full((2, 2), np.nan))


@given(st.integers(1, 10**6), st.floats(0, 1e5))
def test_the_variance_of_a_mean_falls_with_the_pixels(n, mean):
    model = NoiseModel(np.array([0.5]), np.array([2.0]), "given")
    found = model.variance_of_mean([[mean]], [n])[0, 0]
    assert found == pytest.approx(model.variance([[mean]])[0, 0] / n)


def test_the_mean_of_nothing_has_no_variance():
    model = NoiseModel(np.array([0.5]), np.array([-1000.0]), "given", floor=0.25)
    found = model.variance_of_mean([[10.0, 10.0]], [0, 5])
    np.testing.assert_array_equal(found, [[np.nan, 0.05]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(2), np.zeros(3), "given"), r"one shape \(C,\), found \(2,\) and \(3,\)"),
        ((np.array([np.nan]), np.zeros(1), "given"), "expected finite numbers"),
        ((np.zeros(1), np.zeros(1), "given", 0.0), "floor above 0"),
    ],
)
def test_a_noise_model_is_checked_at_birth(arguments, message):
    with pytest.raises(ValueError, match=message):
        NoiseModel(*arguments)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"gain_e": 2, "offset": 1}, "camera.gain_e is given without camera.read_noise_e"),
        ({"read_noise_e": 2}, "camera.read_noise_e is given without camera.gain_e"),
        ({"offset": 1, "dark": "d.tif"}, "camera.offset and camera.dark are both given"),
        ({"gain_e": 2, "read_noise_e": 1}, "camera.gain_e needs the counts without light"),
        ({"gain_e": 0}, "gain_e: .*greater than 0"),
    ],
)
def test_keys_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ExperimentError, match=message):
        Camera.parse(keys, where="test")
