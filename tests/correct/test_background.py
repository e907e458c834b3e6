import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.correct.background import (
    Background,
    frame_background,
    roi_background,
    subtract_background,
)
from zincflux.correct.per_channel import per_channel
from zincflux.errors import ExperimentError
from zincflux.settings import dumps, read_toml

CHANNELS = ("CFP", "YFP")


def frame():
    rng = np.random.default_rng(0)
    return rng.normal([[[100]], [[200]]], 5, (2, 128, 128))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"roi": [0, 0, 5, 5]}, 'background.roi is used only with method = "roi"'),
        ({"method": "roi", "percentile": 5}, "background.percentile is used only"),
        ({"ring_um": [1, 2]}, "background.ring_um is used only"),
        ({"value": 3}, 'background.value is used only with method = "constant"'),
        ({"method": "roi"}, "needs background.roi"),
        ({"method": "constant"}, "needs background.value"),
        ({"method": "ring", "ring_um": [5, 2]}, "background.ring_um: expected"),
        ({"method": "roi", "roi": [5, 0, 5, 5]}, "background.roi: expected"),
        ({"percentile": 100}, "percentile: .*less than 100"),
        ({"method": "constant", "value": float("nan")}, "value: expected finite counts"),
        ({"autofluorescence": {"a": float("inf")}}, "autofluorescence: expected finite counts"),
        ({"blank": "b.tif"}, 'background.blank is used only with method = "blank"'),
        ({"method": "blank"}, "needs background.blank"),
        ({"value_sd": 3}, 'background.value_sd is used only with method = "constant"'),
        ({"method": "constant", "value": 3, "value_sd": -1}, "value_sd: expected a standard devia"),
        ({"autofluorescence_sd": {"a": -1}}, "autofluorescence_sd: expected a standard deviation"),
        ({"autofluorescence_sd": float("nan")}, "autofluorescence_sd: expected finite counts"),
        ({"unlabelled": "x", "autofluorescence": 3}, "unlabelled gives autofluorescence and its"),
        ({"unlabelled": "x", "autofluorescence_sd": {"a": 3}}, "unlabelled gives autofluorescence"),
    ],
)
def test_keys_that_do_not_fit_are_refused(keys, message):
    with pytest.raises(ExperimentError, match=message):
        Background.parse(keys, where="test")


def test_percentile_and_ring_have_defaults():
    assert Background().percentile_or_default() == 25
    assert Background(percentile=5).percentile_or_default() == 5
    assert Background(method="ring", percentile=5).ring_px(0.5) == (4, 16)
    assert Background(method="ring", ring_um=(1, 1.5)).ring_px(2.0) == (0.5, 1.5)


@pytest.mark.parametrize(
    "settings",
    [
        Background(),
        Background(method="roi", roi=(1, 2, 3, 4)),
        Background(method="ring", ring_um=(1.0, 2.0), autofluorescence=3.0),
        Background(method="constant", value={"CFP": 1.0}, autofluorescence={"CFP": 2.0}),
        Background(method="none"),
        Background(method="constant", value=3.0, value_sd=1.0, autofluorescence_sd={"CFP": 2.0}),
        Background(method="blank", blank="/x/blank.tif", unlabelled="/x/cells"),
    ],
)
def test_settings_survive_their_file(settings, tmp_path):
    (tmp_path / "x.toml").write_text(dumps(settings), encoding="utf-8")
    assert Background.parse(read_toml(tmp_path / "x.toml"), where="x") == settings


def test_each_method_gives_its_level():
    def level(**keys):
        return frame_background(frame(), Background(**keys), CHANNELS).level

    np.testing.assert_allclose(level(), [100, 200], atol=0.5)
    np.testing.assert_allclose(level(method="ring"), [100, 200], atol=0.5)
    np.testing.assert_allclose(level(method="roi", roi=(0, 0, 50, 50)), [100, 200], atol=0.5)
    np.testing.assert_array_equal(level(method="none"), [0, 0])
    np.testing.assert_array_equal(level(method="constant", value=9), [9, 9])
    given = level(method="constant", value={"CFP": 1, "YFP": 2})
    np.testing.assert_array_equal(given, [1, 2])


def test_cell_free_pixels_are_used_where_given():
    image = frame()
    image[:, :, 64:] += 50
    pixels = np.arange(128 * 128)[np.arange(128 * 128) % 128 >= 64]
    found = frame_background(image, Background(), CHANNELS, pixels)
    np.testing.assert_allclose(found.level, [150, 250], atol=0.5)


def test_roi_is_its_mean_moves_with_the_drift_and_skips_nan():
    image = frame()
    expected = image[:, 10:20, 5:30].mean(axis=(1, 2))
    found = roi_background(image, (10, 5, 20, 30))
    np.testing.assert_allclose(found.level, expected)
    np.testing.assert_allclose(found.noise_sd, 5, rtol=0.25)
    assert found.n_pixels == 250
    np.testing.assert_allclose(roi_background(image, (8, 8, 18, 33), shift=(2, -3)).level, expected)
    image[0, 12, 12] = np.nan
    assert np.isfinite(roi_background(image, (10, 5, 20, 30)).level).all()
    gone = roi_background(image, (0, 0, 5, 5), shift=(-9, 0))
    assert np.isnan(gone.level).all()
    assert np.isnan(gone.noise_sd).all()


@pytest.mark.parametrize("roi", [(0, 0, 129, 5), (0, 100, 5, 140)])
def test_roi_outside_the_frame_is_refused(roi):
    with pytest.raises(ExperimentError, match=r"background\.roi: expected a rectangle"):
        roi_background(frame(), roi)


def test_values_per_channel():
    np.testing.assert_array_equal(per_channel(3, CHANNELS, key="k"), [3, 3])
    np.testing.assert_array_equal(per_channel({" CFP": 3}, CHANNELS, key="k"), [3, 0])
    with pytest.raises(ExperimentError, match=r"k: expected names .*found 'YPF'.*mean 'YFP'"):
        per_channel({"YPF": 3}, CHANNELS, key="k")
    with pytest.raises(ExperimentError, match=r"found 'zzz'\.$"):
        per_channel({"zzz": 3}, CHANNELS, key="k")
    with pytest.raises(ExperimentError, match=r"background\.value: .*found none for 'YFP'"):
        frame_background(frame(), Background(method="constant", value={"CFP": 1}), CHANNELS)


@given(st.floats(0.1, 10), st.floats(-100, 100))
def test_subtracting_is_linear(gain, offset):
    mean = np.array([[300.0, 400.0, np.nan], [50.0, 60.0, 70.0]])
    level = np.array([[100.0], [70.0]])
    plain = subtract_background(mean, level)
    np.testing.assert_allclose(
        subtract_background(gain * mean + offset, gain * level + offset), gain * plain, atol=1e-9
    )


def test_subtracting_broadcasts_and_refuses_what_could_be_misread():
    mean = np.array([[300.0, 400.0], [50.0, 60.0]])
    np.testing.assert_array_equal(
        subtract_background(mean, [[100.0], [70.0]], [[1.0], [2.0]]), [[199, 299], [-22, -12]]
    )
    np.testing.assert_array_equal(subtract_background(mean, mean), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="background: expected one number or as many axes"):
        subtract_background(mean, [100.0, 70.0])
