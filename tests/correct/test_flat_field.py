import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zincflux.correct.flat_field import FlatField, FlatFieldEstimator, Flattening, flat_gain
from zincflux.errors import CorrectionWarning, ExperimentError


def light(shape=(120, 150)):
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    field = np.exp(-0.5 * ((y - 0.2) ** 2 + (x + 0.1) ** 2))
    return field / field.mean()


@settings(deadline=None, max_examples=20)
@given(st.floats(1, 1e4), st.floats(0, 500))
def test_a_flat_field_made_flat_is_flat(counts, offset):
    field = counts * light((30, 40)) + offset
    dark = np.full((30, 40), offset)
    flat = Flattening(flat_gain(field, dark), dark)(field[None])
    np.testing.assert_allclose(flat, counts + offset, rtol=1e-4)


def test_an_even_field_changes_nothing():
    frame = np.random.default_rng(0).integers(0, 4000, (2, 30, 40)).astype(np.uint16)
    gain = flat_gain(np.full((30, 40), 700.0))
    np.testing.assert_allclose(gain, 1)
    flat = Flattening(gain)(frame)
    np.testing.assert_allclose(flat, frame, rtol=1e-6)
    assert flat.dtype == np.float32


def test_gain_has_mean_one_and_dead_pixels_take_after_their_surroundings():
    field = 1000 * light()
    field[50, 60], field[51, 60] = 0, np.nan
    gain = flat_gain(field)
    assert gain.mean() == pytest.approx(1)
    np.testing.assert_allclose(gain, light(), rtol=0.03)


def test_many_dead_pixels_warn():
    field = 1000 * light()
    field[:, :20] = 0
    with pytest.warns(CorrectionWarning, match=r"flat_field\.image: 13\.3% of the pixels"):
        assert flat_gain(field).min() > 0


def test_one_dark_level_serves_all_pixels():
    field = light()
    frame = (500 * field + 100)[None]
    np.testing.assert_allclose(Flattening(field[None], 100.0)(frame), 600, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: flat_gain(np.ones((3, 4)), np.ones((4, 3))), r"flat_field\.dark: expected an"),
        (lambda: flat_gain(np.ones((3, 4)), np.ones((3, 4))), r"flat_field\.image: expected an"),
        (lambda: flat_gain(np.full((3, 4), np.nan)), r"flat_field\.image: .*mean of nan"),
        (lambda: Flattening(np.ones((4, 3)))(np.ones((1, 3, 4))), r"flat_field\.image: .*\(4, 3\)"),
        (
            lambda: Flattening(np.ones((3, 4)), np.ones((4, 3))),
            r"flat_field\.dark: .*\(4, 3\)",
        ),
        (lambda: FlatFieldEstimator().result(), "needs frames, found none"),
    ],
)
def test_images_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ExperimentError, match=message):
        call()


def cells_moving(n_frames, *, offset=100, move=True):
    rng = np.random.default_rng(0)
    field = light((200, 240))
    places = rng.uniform(0, 1, (12, 2)) * (200, 240)
    y, x = np.mgrid[:200, :240]
    for _ in range(n_frames):
        places = places + (rng.normal(0, 6, places.shape) if move else 0)
        sample = np.full((200, 240), 200.0)
        for cy, cx in places:
            sample[(y - cy) ** 2 + (x - cx) ** 2 < 144] += 800
        yield np.stack([rng.poisson(sample * field) + offset, rng.poisson(sample) + offset])


@pytest.mark.parametrize("move", [True, False])
def test_the_illumination_is_estimated_between_the_cells(move):
    estimator = FlatFieldEstimator(dark=100)
    for frame in cells_moving(20, move=move):
        estimator.update(frame)
    with pytest.warns(CorrectionWarning, match="An image of an even field is better"):
        gains = estimator.result()
    np.testing.assert_allclose(gains[0], light((200, 240)), rtol=0.06)
    np.testing.assert_allclose(gains[1], 1, atol=0.05)
    np.testing.assert_allclose(gains.mean(axis=(1, 2)), 1)


def test_long_movies_are_thinned_evenly():
    estimator = FlatFieldEstimator()
    frame = np.full((1, 16, 16), 50.0)
    for _ in range(1000):
        estimator.update(frame)
    assert 64 <= len(estimator._tiles) <= 128
    with pytest.warns(CorrectionWarning, match="estimated from the movie"):
        np.testing.assert_allclose(estimator.result(), 1)


def test_a_movie_without_light_is_taken_to_be_even():
    estimator = FlatFieldEstimator(dark=100)
    estimator.update(np.full((1, 64, 64), 90.0))
    with pytest.warns(CorrectionWarning) as caught:
        np.testing.assert_array_equal(estimator.result(), 1)
    assert any("too little light between the cells" in str(w.message) for w in caught)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"image": "flat.tif"}, 'flat_field.image is used only with method = "image"'),
        ({"dark": "dark.tif"}, "flat_field.dark is used only with"),
        ({"method": "image"}, "needs flat_field.image"),
    ],
)
def test_keys_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ExperimentError, match=message):
        FlatField.parse(keys, where="test")


def test_settings_that_fit():
    assert FlatField(method="image", image="flat.tif", dark="dark.tif").dark == "dark.tif"
    assert FlatField(method="estimate").image is None
