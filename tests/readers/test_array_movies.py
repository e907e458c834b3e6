"""Movies of arrays in memory."""

import dask.array
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import pixels
from zarrs import write_array

import zincflux
from zincflux.errors import ExperimentError, ReaderError
from zincflux.readers import movie_from_array
from zincflux.readers.array_planes import ArrayPlanes

DATA = pixels(3, 2, 20, 24)


def test_numpy():
    movie = zincflux.movie_from_array(
        DATA, "tcyx", pixel_size_um=0.65, frame_interval_s=2, channels=["CFP", "YFP"]
    )
    assert movie.channels == ("CFP", "YFP")
    assert movie.pixel_size_um == 0.65
    np.testing.assert_array_equal(movie.time_s, [0, 2, 4])
    np.testing.assert_array_equal(movie.frame(1), DATA[1])
    assert movie.saturation_level == 65535
    assert movie.source.format == "array"


def test_still():
    movie = movie_from_array(DATA[0, 0], "YX")
    np.testing.assert_array_equal(movie.frame(0), DATA[0, :1])
    assert movie.require_time().tolist() == [0]


def test_nothing_is_guessed():
    movie = movie_from_array(DATA[:, 0], "TYX")
    with pytest.raises(ExperimentError, match=r"array: the file gives no pixel size"):
        movie.require_pixel_size()
    with pytest.raises(ExperimentError, match=r"movie\.frame_interval_s"):
        movie.require_time()


def test_zarr(tmp_path):
    zarr = pytest.importorskip("zarr", reason="needs zincflux[formats]")
    array = zarr.open_array(write_array(tmp_path / "a.zarr", DATA), mode="r")
    movie = movie_from_array(array, "TCYX")
    np.testing.assert_array_equal(movie.frame(2), DATA[2])


@pytest.mark.parametrize("chunks", [(1, 1, 20, 24), (2, 2, 10, 24), (3, 1, 7, 5)])
def test_dask(chunks, monkeypatch):
    movie = movie_from_array(dask.array.from_array(DATA, chunks), "TCYX")
    np.testing.assert_array_equal(movie.frame(2), DATA[2])
    monkeypatch.setattr("zincflux.readers.array_planes._SLAB_BYTES", 10)
    np.testing.assert_array_equal(movie.frame(1), DATA[1])


@pytest.mark.parametrize("wrap", [lambda data: data, dask.array.from_array])
def test_frames_are_not_views_of_the_array(wrap):
    data = DATA[:, 0].copy()
    frame = movie_from_array(wrap(data), "TYX").frame(1)
    frame[:] = 0
    np.testing.assert_array_equal(data, DATA[:, 0])
    still = movie_from_array(wrap(data[0]), "YX").frame(0)
    still[:] = 0
    np.testing.assert_array_equal(data, DATA[:, 0])


def test_memory_map(tmp_path):
    file = np.memmap(tmp_path / "a.dat", np.uint16, "w+", shape=DATA.shape)
    file[...] = DATA
    np.testing.assert_array_equal(movie_from_array(file, "TCYX").frame(1), DATA[1])


def test_stack_in_z():
    stack = pixels(3, 4, 20, 24)
    with pytest.raises(ExperimentError, match=r"array: found 4 planes in z"):
        movie_from_array(stack, "TZYX")
    movie = movie_from_array(stack, "TZYX", z="max")
    np.testing.assert_array_equal(movie.frame(1)[0], stack[1].max(axis=0))


@given(st.permutations("TCZYX"), st.booleans(), st.booleans(), st.data())
def test_any_order_of_axes(axes, has_z, has_c, data):
    """Whatever the order of the axes, pixel (t, c, y, x) is the one that stands there."""
    axes = "".join(a for a in axes if (a != "Z" or has_z) and (a != "C" or has_c))
    lengths = {"T": 3, "C": 2, "Z": 2, "Y": 4, "X": 5}
    array = np.arange(np.prod([lengths[a] for a in axes])).reshape([lengths[a] for a in axes])
    movie = movie_from_array(array, axes, z=1 if has_z else None)
    t = data.draw(st.integers(0, 2))
    place = {"T": t, "Z": 1}
    expected = array[tuple(place.get(a, slice(None)) for a in axes)]
    rest = [a for a in axes if a not in "TZ"]
    expected = expected.transpose([rest.index(a) for a in ("C", "Y", "X") if a in rest])
    np.testing.assert_array_equal(movie.frame(t), expected.reshape(-1, 4, 5))


@pytest.mark.parametrize(
    ("array", "axes", "message"),
    [
        (DATA, "TYX", r"axes: expected one different letter of TCZYX for each axis"),
        (DATA, "TTYX", r"axes: expected one different letter"),
        (DATA, "TSYX", r"axes: expected one different letter"),
        ([[1, 2]], "YX", r"axes: expected one different letter .* of shape \(\)"),
        (DATA, "TCZX", r"axes: expected an array of images, with the axes Y and X"),
        (DATA[:0], "TCYX", r"axes: expected an array of images.* no empty one"),
    ],
)
def test_axes_that_do_not_fit(array, axes, message):
    with pytest.raises(ExperimentError, match=message):
        movie_from_array(array, axes)


def test_names_that_do_not_fit():
    with pytest.raises(ExperimentError, match=r"channels: expected 2 names, .* found 1"):
        movie_from_array(DATA, "TCYX", channels=["a"])


def test_pixels_that_are_no_numbers():
    with pytest.raises(ReaderError, match=r"array: expected pixels that are real numbers"):
        movie_from_array(DATA.astype(complex), "TCYX")


def test_absurd_shapes():
    huge = np.broadcast_to(np.uint8(0), (2**25, 4, 4))
    with pytest.raises(ReaderError, match=r"expected at most 16777216 images of 8589934592 bytes"):
        movie_from_array(huge, "TYX")
    with pytest.raises(ReaderError, match=r"found 1 of 100000 × 100000 pixels"):
        ArrayPlanes(np.broadcast_to(np.uint8(0), (100_000, 100_000)), "YX", "array")


def test_errors_of_an_array_are_ours():
    def fail(block):
        raise OSError("the drive is gone")

    broken = dask.array.from_array(DATA).map_blocks(fail, dtype=np.uint16, meta=np.empty((0,) * 4))
    with pytest.raises(ReaderError, match=r"array: expected data that can be read.*the drive is g"):
        movie_from_array(broken, "TCYX").frame(0)
