import numpy as np
import pandas as pd
import pytest

pytest.importorskip("dask.array", reason="comes with napari")

from napari_zincflux.layers import (
    Axes,
    contrast_limits,
    even_step_s,
    labels_layer,
    movie_layers,
    tracks_layer,
)
from napari_zincflux.lazy_stacks import lazy_frames, moved_frames
from zincflux import Movie


class CountedFrames:
    """Frames (T, C, Y, X) that remember which of them were read."""

    def __init__(self, data):
        self.data, self.read = data, []

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)

    def __getitem__(self, t):
        self.read.append(t)
        return self.data[t]


def movie_of(data, **kwargs):
    channels = tuple(f"C{number}" for number in range(data.shape[1]))
    return Movie(data=data, channels=channels, **kwargs)


@pytest.fixture
def ramp():
    return np.arange(40 * 2 * 6 * 8, dtype=np.uint16).reshape(40, 2, 6, 8)


def test_each_channel_is_a_layer_with_the_pixels_of_the_movie(ramp):
    layers = movie_layers(movie_of(ramp), name="dish")
    assert [kind for _, _, kind in layers] == ["image", "image"]
    assert [options["name"] for _, options, _ in layers] == ["dish C0", "dish C1"]
    for number, (data, _, _) in enumerate(layers):
        assert data.dtype == np.uint16
        np.testing.assert_array_equal(np.asarray(data), ramp[:, number])


def test_frames_are_read_when_they_are_shown(ramp):
    frames = CountedFrames(ramp)
    (data, _, _), _ = movie_layers(movie_of(frames))
    assert len(set(frames.read)) <= 5
    frames.read.clear()
    np.asarray(data[17])
    assert frames.read == [17]


def test_scale_and_units_are_physical(ramp):
    movie = movie_of(ramp, pixel_size_um=0.65, time_s=np.arange(40) * 5.0)
    options = movie_layers(movie)[0][1]
    assert options["scale"] == (5.0, 0.65, 0.65)
    assert options["units"] == ("s", "µm", "µm")
    assert options["axis_labels"] == ("t", "y", "x")


def test_unknown_sizes_count_frames_and_pixels(ramp):
    options = movie_layers(movie_of(ramp))[0][1]
    assert options["scale"] == (1.0, 1.0, 1.0)
    assert options["units"] == ("pixel", "pixel", "pixel")


def test_uneven_times_are_kept_beside_an_axis_of_frames():
    axes = Axes.of(0.5, np.array([0.0, 1.0, 5.0, 6.0]))
    assert axes.scale == (1.0, 0.5, 0.5)
    assert axes.units == ("pixel", "µm", "µm")
    movie = movie_of(np.zeros((3, 1, 2, 2)), time_s=np.array([0.0, 1.0, 5.0]))
    np.testing.assert_array_equal(movie_layers(movie)[0][1]["metadata"]["time_s"], [0, 1, 5])


@pytest.mark.parametrize(
    ("time_s", "step"),
    [
        (None, None),
        ([0.0], None),
        ([0, 2, 4, 6], 2.0),
        ([0, 2.1, 3.9, 6], 2.0),
        ([0, 1, 2, 9], None),
    ],
)
def test_only_even_times_make_an_axis_in_seconds(time_s, step):
    found = even_step_s(None if time_s is None else np.array(time_s, dtype=float))
    assert found == (None if step is None else pytest.approx(step))


def test_a_layer_tells_what_it_was_opened_from(ramp):
    _, options, _ = movie_layers(movie_of(ramp), place="a/b.nd2", experiment="a/b.toml")[0]
    assert options["metadata"]["zincflux"] == {"movie": "a/b.nd2", "experiment": "a/b.toml"}


@pytest.mark.parametrize(
    ("pixels", "limits"),
    [([[0, 100], [50, 25]], (0.375, 99.7)), ([[7, 7], [7, 7]], (7.0, 8.0))],
)
def test_contrast_limits(pixels, limits):
    movie = movie_of(np.array(pixels, dtype=np.float64)[np.newaxis, np.newaxis])
    assert contrast_limits(movie, 0) == pytest.approx(limits)


def test_contrast_limits_without_a_number():
    assert contrast_limits(movie_of(np.full((1, 1, 2, 2), np.nan)), 0) == (0.0, 1.0)


def test_two_lazy_stacks_are_told_apart():
    one, two = (lazy_frames(lambda t, v=v: np.full((2, 2), v), 1, (2, 2), "u1") for v in (1, 2))
    assert int((one + two).sum()) == 12


CELLS = pd.DataFrame({"cell_id": [1, 2, 3], "parent_id": [0, 0, 1], "f0": [5.0, 6.0, 7.0]})


def test_features_are_tied_to_the_label():
    labels = np.zeros((1, 4, 4), dtype=np.int32)
    data, options, kind = labels_layer(labels, CELLS, Axes.of(0.5, None))
    assert kind == "labels"
    assert data.shape == (4, 4)
    assert options["scale"] == (0.5, 0.5)
    assert list(options["features"]["index"]) == [1, 2, 3]
    assert list(options["features"]["f0"]) == [5.0, 6.0, 7.0]


def test_features_of_several_regions_are_those_of_the_whole_cell():
    regions = pd.concat([CELLS.assign(region="cell"), CELLS.assign(region="nucleus")])
    data, options, _ = labels_layer(np.zeros((2, 4, 4), np.int32), regions, Axes.of(1, None))
    assert data.shape == (2, 4, 4)
    assert list(options["features"]["index"]) == [1, 2, 3]


def test_tracks_are_in_pixels_and_know_their_parents():
    traces = pd.DataFrame(
        {
            "cell_id": [3, 1, 1, 2],
            "frame": [1, 1, 0, 0],
            "y_um": [2.0, 1.0, 0.5, np.nan],
            "x_um": [4.0, 3.0, 2.5, np.nan],
            "zinc_nM": [9.0, np.nan, 1.0, np.nan],
        }
    )
    data, options, kind = tracks_layer(traces, CELLS, Axes.of(0.5, np.array([0.0, 10.0])))
    assert kind == "tracks"
    np.testing.assert_array_equal(data, [[1, 0, 1, 5], [1, 1, 2, 6], [3, 1, 4, 8]])
    assert options["graph"] == {3: [1]}
    assert options["scale"] == (10.0, 0.5, 0.5)
    np.testing.assert_array_equal(options["features"]["zinc_nM"], [1.0, np.nan, 9.0])


def drifting(dy_um, dx_um):
    return pd.DataFrame({"drift_y_um": [0.0, *dy_um], "drift_x_um": [0.0, *dx_um]})


def test_static_labels_follow_the_field():
    labels = np.zeros((1, 4, 5), dtype=np.int32)
    labels[0, 1, 3] = 7
    shown = moved_frames(labels, drifting([0.6, -9.0], [-1.0, 0.0]), 0.5)
    assert shown.shape == (3, 4, 5)
    places = [np.argwhere(np.asarray(shown[t])).tolist() for t in range(3)]
    assert places == [[[1, 3]], [[2, 1]], []]


@pytest.mark.parametrize(
    ("n_images", "drift"), [(1, ([0.0], [0.2])), (1, ([np.nan], [0.0])), (2, ([3.0], [3.0]))]
)
def test_labels_stay_where_nothing_is_to_be_moved(n_images, drift):
    labels = np.ones((n_images, 4, 5), dtype=np.int32)
    assert moved_frames(labels, drifting(*drift), 0.5) is labels
