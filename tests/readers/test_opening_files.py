"""What is no movie, single images, label images, the settings, and the description."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import pixels, plain, write_oif

import zincflux
from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import MovieInput, describe, open_movie, read_image, read_labels
from zincflux.settings import dumps


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"hello, world, this is text", r"found the first bytes b'hello, world, th'\. Export it"),
        (b"ZISRAWFILE\0\0", r"Zeiss CZI"),
        (b"\xda\xce\xbe\x0a", r"Nikon ND2"),
        (b"", r"found an empty file"),
        (b"\xff\xfe[\0", r"expected an image of a format that zincflux reads \(OME-TIFF"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, start: bytes, message: str) -> None:
    path = tmp_path / "movie.bin"
    path.write_bytes(start)
    with pytest.raises(ReaderError, match=message):
        open_movie(path)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "movie1.tif").touch()
    with pytest.raises(ReaderError, match=r"no such file\. Did you mean 'movie1\.tif'\?"):
        open_movie(tmp_path / "movie2.tif")
    with pytest.raises(ReaderError, match=r"There is no folder"):
        open_movie(tmp_path / "dish" / "movie.tif")
    with pytest.raises(ReaderError, match=r"no such file\. Check movie\.path"):
        open_movie(tmp_path / "q")
    with pytest.raises(ReaderError, match=r"expected a file, found a folder"):
        open_movie(tmp_path)


def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plain(tmp_path).path

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ReaderError, match=r"cannot be read \(Permission denied\)"):
        open_movie(path)


def test_values_replace_those_of_the_file(tmp_path: Path) -> None:
    recording = plain(tmp_path)
    movie = open_movie(recording.path, axes="TYX", frame_interval_s=4, pixel_size_um=2)
    np.testing.assert_allclose(movie.time_s, [0, 4, 8])
    assert movie.pixel_size_um == 2
    path = tmp_path / "ij.tif"
    tifffile.imwrite(
        path,
        pixels(2, 4, 4),
        imagej=True,
        resolution=(2, 2),
        metadata={"axes": "TYX", "unit": "um"},
    )
    with pytest.warns(MetadataWarning, match=r"pixel_size_um = 0\.7 replaces the file's 0\.5"):
        open_movie(path, pixel_size_um=0.7)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"frame_interval_s": 0}, r"frame_interval_s: .*greater than 0"),
        ({"pixel_size_um": -1}, r"pixel_size_um: .*greater than 0"),
        ({"z": "median"}, r"z.*'max' or 'mean'"),
        ({"z": -1}, r"z.*greater than or equal to 0"),
        ({"scene": -1}, r"scene: .*greater than or equal to 0"),
    ],
)
def test_values_out_of_bounds_are_refused(tmp_path: Path, keys, message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        open_movie(plain(tmp_path).path, **keys)


def test_section_of_the_experiment_file(tmp_path: Path) -> None:
    recording = plain(tmp_path)
    section = {"path": "plain.tif", "axes": "TYX", "z": "max", "frame_interval_s": 2}
    settings = MovieInput.parse(section, where="test", folder=tmp_path)
    np.testing.assert_array_equal(settings.open().frame(2), recording.data[2])
    text = dumps(settings, folder=tmp_path)
    assert 'path = "plain.tif"' in text
    assert all(field.description for field in MovieInput.model_fields.values())
    many = MovieInput.parse({"path": ["plain.tif"] * 2, "axes": "TYX"}, where="t", folder=tmp_path)
    assert many.open().n_frames == 6


def test_settings_and_functions_agree(tmp_path: Path) -> None:
    assert zincflux.open_movie is open_movie


def test_description_of_a_file_that_says_nothing(tmp_path: Path) -> None:
    found = describe(plain(tmp_path).path)
    assert (found["axes"], found["shape"]) == ("IYX", [3, 64, 48])
    assert found["channels"] == []
    assert found["time_s"] is found["n_frames"] is found["frame_interval_s"] is None
    assert [item["key"] for item in found["missing"]] == [
        "movie.axes", "movie.pixel_size_um", "movie.frame_interval_s",
    ]  # fmt: skip


def test_description_of_a_z_stack(tmp_path: Path) -> None:
    path = tmp_path / "z.tif"
    tifffile.imwrite(path, pixels(5, 3, 4, 4), imagej=True, metadata={"axes": "TZYX"})
    found = describe(path)
    assert (found["n_frames"], found["channels"]) == (5, ["C0"])
    assert found["missing"][0]["key"] == "movie.z"
    assert describe(path, z=1)["missing"][0]["key"] == "movie.pixel_size_um"


def test_description_of_a_file_whose_axes_cannot_be_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "many.tif"
    tifffile.imwrite(
        path, pixels(2, 2, 2, 2, 4, 4), metadata={"axes": "QIHPYX"}, photometric="minisblack"
    )
    with pytest.raises(ExperimentError, match=r"does not say what its axis"):
        describe(path)


def test_image_and_mean_of_a_stack(tmp_path: Path) -> None:
    data = pixels(5, 12, 10)
    tifffile.imwrite(tmp_path / "stack.tif", data, metadata=None)
    image = read_image(tmp_path / "stack.tif")
    assert image.dtype == np.float64
    np.testing.assert_allclose(image, data.mean(axis=0))
    tifffile.imwrite(tmp_path / "one.tif", data[0].astype(np.float32))
    np.testing.assert_array_equal(read_image(tmp_path / "one.tif"), data[0])


def test_image_that_is_more_than_a_stack(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, pixels(2, 3, 4, 4), imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(ReaderError, match=r"an image or a stack of images, found 2 × 3 × 4 × 4"):
        read_image(path)
    tifffile.imwrite(path, pixels(4, 4, 3, dtype=np.uint8), photometric="rgb", metadata=None)
    with pytest.raises(ReaderError, match="Save the channel"):
        read_labels(path)
    with pytest.raises(ReaderError, match=r"expected a TIFF or OME-Zarr image, found Olympus OIF"):
        read_image(write_oif(tmp_path, pixels(1, 1, 4, 4)))


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f4", "i4", "?"])
def test_labels_of_any_type(tmp_path: Path, dtype: str) -> None:
    data = (pixels(3, 12, 10) % (2 if dtype == "?" else 100)).astype(dtype)
    tifffile.imwrite(tmp_path / "labels.tif", data, metadata=None, photometric="minisblack")
    labels = read_labels(tmp_path / "labels.tif")
    assert labels.shape == (3, 12, 10)
    assert labels[2].dtype == np.int32
    np.testing.assert_array_equal(labels[2], data[2])
    np.testing.assert_array_equal(labels[-1], data[2])
    with pytest.raises(IndexError):
        labels[3]


@pytest.mark.parametrize("value", [-1.0, 0.5, np.nan, 2.0**31])
def test_images_that_are_no_labels(tmp_path: Path, value: float) -> None:
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, np.array([[0, 1], [2, value]], np.float64))
    labels = read_labels(path)
    assert labels.shape == (1, 2, 2)
    with pytest.raises(ReaderError, match="expected labels, which are whole numbers from 0"):
        labels[0]
