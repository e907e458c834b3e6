"""Micro-Manager: image stacks, and folders with one file per image."""

import json
import shutil
import struct
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from mm_files import (
    NAMES,
    MMStack,
    image_meta,
    summary,
    write_images,
    write_ndtiff,
    write_old_images,
    write_stacks,
)
from recordings import PIXEL_UM, STAMPS, pixels, write_ome
from test_damaged_files import damaged

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import MovieInput, describe, micromanager, open_movie
from zincflux.readers.formats import reader_of
from zincflux.settings import dumps

DATA = pixels(2, 4, 2, 3, 12, 10)  # P T C Z Y X
FLAT = DATA[:, :, :, :1]


def test_stack_is_what_tifffile_reads(tmp_path: Path) -> None:
    paths = write_stacks(tmp_path, DATA, cut=3)
    whole = tifffile.imread(paths[0])
    movies = [open_movie(path, z=1) for path in (paths[0], paths[2])]
    for p, movie in enumerate(movies):
        for t in range(4):
            np.testing.assert_array_equal(movie.frame(t), DATA[p, t, :, 1])
    # Time after position, and z after channel, as the summary says.
    np.testing.assert_array_equal(whole.reshape(2, 4, 3, 2, 12, 10).swapaxes(2, 3), DATA)


@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_of_a_stack(tmp_path: Path, order: str) -> None:
    path = write_stacks(tmp_path, FLAT[:1, :3], order=order)[0]
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(2), FLAT[0, 2, :, 0])
    assert movie.channels == NAMES
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
    assert movie.pixel_size_um == PIXEL_UM
    np.testing.assert_allclose(movie.time_s, STAMPS)
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 3)
    assert movie.source.format == "Micro-Manager stack"
    assert reader_of(path).started(path).isoformat() == "2024-05-06T07:08:09.250000+02:00"


def test_positions_are_scenes_and_a_file_opens_its_own(tmp_path: Path) -> None:
    paths = write_stacks(tmp_path, FLAT, cut=2)
    assert [path.name for path in paths][2:] == [
        "dish_1_MMStack_Pos1.ome.tif",
        "dish_1_MMStack_Pos1_1.ome.tif",
    ]
    for path, own in zip(paths, (0, 0, 1, 1), strict=True):
        movie = open_movie(path)
        np.testing.assert_array_equal(movie.frame(3), FLAT[own, 3, :, 0])
        assert movie.source.scenes == ("well 0", "well 1")
        # Whichever file is named, the recording began with the first.
        assert movie.source.paths == tuple(paths[2 * own : 2 * own + 2])
    assert describe(paths[0], scene=1)["scenes"] == ["well 0", "well 1"]
    np.testing.assert_array_equal(open_movie(paths[0], scene=1).frame(0), FLAT[1, 0, :, 0])
    with pytest.raises(ExperimentError, match=r"movie\.scene: expected a number from 0 to 1"):
        open_movie(paths[0], scene=2)


def test_settings_that_are_stored_open_the_same_position(tmp_path: Path) -> None:
    """What a run stores of its settings names no scene that nobody chose."""
    path = write_stacks(tmp_path, FLAT)[1]
    stored = MovieInput.parse({"path": str(path)}, where="movie", folder=tmp_path)
    again = tomllib.loads(dumps(stored, folder=tmp_path))
    movie = MovieInput.parse(again, where="movie", folder=tmp_path).open()
    np.testing.assert_array_equal(movie.frame(2), FLAT[1, 2, :, 0])


def test_positions_in_one_file(tmp_path: Path) -> None:
    stack = MMStack(summary(FLAT), 20)
    for p, t, c in np.ndindex(2, 4, 2):
        stack.add(FLAT[p, t, c, 0], (c, 0, t, p), image_meta(t, c, p, PositionName=None))
    path = stack.write(tmp_path / "dish_1_MMStack.ome.tif")
    with pytest.warns(MetadataWarning, match=r"2 scenes \(Pos0, Pos1\); the first is read"):
        open_movie(path)
    np.testing.assert_array_equal(open_movie(path, scene=1).frame(1), FLAT[1, 1, :, 0])


def test_part_of_a_stack_that_only_points_to_another_file(tmp_path: Path) -> None:
    """The files after the first hold no OME-XML but the name of the first."""
    path = write_stacks(tmp_path, FLAT)[1]
    xml = '<OME><BinaryOnly MetadataFile="dish_1_MMStack_Pos0.ome.tif" UUID="u"/></OME>'
    body = bytearray(path.read_bytes())
    # The resolution's tag, which nobody asks for, becomes the description.
    first = struct.unpack_from("<I", body, 4)[0]
    at = first + 2 + 12 * 9
    assert struct.unpack_from("<H", body, at)[0] == 282
    struct.pack_into("<HHII", body, at, 270, 2, len(xml) + 1, len(body))
    path.write_bytes(bytes(body) + xml.encode() + b"\0")
    with tifffile.TiffFile(path) as tif:
        assert tif.is_ome
    np.testing.assert_array_equal(open_movie(path).frame(2), FLAT[1, 2, :, 0])


def test_stopped_stack(tmp_path: Path) -> None:
    """A recording that was stopped: fewer frames than the summary announces."""
    stack = MMStack(summary(FLAT), 40)
    for t, c in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]:
        stack.add(FLAT[0, t, c, 0], (c, 0, t, 0), image_meta(t, c, 0))
    path = stack.write(tmp_path / "dish_1_MMStack_Pos0.ome.tif", finished=False)
    with pytest.warns(MetadataWarning, match=r"announces 4 frames but holds 2"):
        movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(1), FLAT[0, 1, :, 0])


def test_hole_in_a_stack(tmp_path: Path) -> None:
    paths = write_stacks(tmp_path, FLAT[:1], cut=1)
    paths[1].unlink()
    with pytest.raises(ReaderError, match=r"plane of frame 1, channel 0, z 0 is absent"):
        open_movie(paths[0])


def test_an_image_twice(tmp_path: Path) -> None:
    path = write_stacks(tmp_path, FLAT[:1])[0]
    shutil.copy(path, path.with_name("dish_1_MMStack_copy.ome.tif"))
    with pytest.raises(ReaderError, match=r"expected each image once, but that of position 0, fr"):
        open_movie(path)


def test_files_beside_a_stack_that_are_none(tmp_path: Path) -> None:
    path = write_stacks(tmp_path, FLAT[:1])[0]
    tifffile.imwrite(tmp_path / "dish_1_MMStack_mask.tif", FLAT[0, 0, 0, 0])
    (tmp_path / "dish_1_MMStack_metadata.txt").write_text("{}", encoding="utf-8")
    assert len(open_movie(path).source.paths) == 1
    renamed = path.rename(tmp_path / "cells.tif")
    assert len(open_movie(renamed).source.paths) == 1


@pytest.mark.parametrize(
    ("about", "meta", "expected"),
    [
        ({"PixelSize_um": 0.5}, {"PixelSizeUm": 0}, 0.5),
        ({}, {"PixelSizeUm": {"PropVal": "0.25", "PropType": "DOUBLE"}}, 0.25),
        ({"PixelSizeUm": "nan"}, {"PixelSizeUm": None}, None),
    ],
)
def test_pixel_size_of_a_stack(tmp_path: Path, about, meta, expected) -> None:
    path = write_stacks(tmp_path, FLAT[:1], about=about, meta=meta)[0]
    assert open_movie(path).pixel_size_um == expected


def test_times_of_a_stack(tmp_path: Path) -> None:
    """Without stamps the interval that was set counts; 0 stands for as fast as possible."""
    # Some versions write zeros: https://github.com/micro-manager/micro-manager/issues/2188
    path = write_stacks(tmp_path, FLAT[:1], meta={"ElapsedTime-ms": 0})[0]
    np.testing.assert_allclose(open_movie(path).time_s, np.arange(4) * 2.5)
    write_stacks(tmp_path, FLAT[:1], meta={"ElapsedTime-ms": None}, about={"Interval_ms": 0})
    assert open_movie(path).time_s is None


@pytest.mark.parametrize(
    "about",
    [{"Frames": 1e300}, {"Frames": 10**9, "Channels": 10**9}],
    ids=["infinite", "many"],
)
def test_absurd_numbers_of_images(tmp_path: Path, about) -> None:
    path = write_stacks(tmp_path, FLAT[:1], about=about)[0]
    with pytest.raises(ReaderError, match=r"images that the file announces, found 8"):
        open_movie(path)
    folder = write_images(tmp_path / "a" / "Default", FLAT[0], about=about).parent
    with pytest.raises(ReaderError, match=r"images that the file announces, found 8"):
        open_movie(folder)


@pytest.mark.parametrize(
    ("tag", "value", "message"),
    [
        (0, 11, r"the image of frame 3, channel 1, z 0 cannot be found.*the width 10 of the first"),
        (5, 2**31, r"page 7 of 8 ends at byte 2147483888, but the file ends"),
    ],
)
def test_page_that_does_not_fit(tmp_path: Path, tag: int, value: int, message: str) -> None:
    path = write_stacks(tmp_path, FLAT[:1])[0]
    body = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        at = int(tif.micromanager_metadata["IndexMap"][7, 4]) + 2 + 12 * tag
    struct.pack_into("<I", body, at + 8, value)
    path.write_bytes(body)
    with pytest.raises(ReaderError, match=message):
        open_movie(path)


def test_tag_of_another_kind(tmp_path: Path) -> None:
    path = write_stacks(tmp_path, FLAT[:1])[0]
    body = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        at = int(tif.micromanager_metadata["IndexMap"][7, 4]) + 2
    struct.pack_into("<I", body, at + 4, 3)
    path.write_bytes(body)
    with pytest.raises(ReaderError, match=r"expected one number in tag 256, found 3"):
        open_movie(path)


def test_compressed_again_is_read_by_its_description(tmp_path: Path) -> None:
    """A copy that another program wrote keeps the tag, but not what the index points to."""
    path = tmp_path / "dish_1_MMStack_Pos0.ome.tif"
    tag = (51123, "s", 0, json.dumps(image_meta(0, 0, 0)), True)
    tifffile.imwrite(path, FLAT[0, :, :, 0], compression="zlib", extratags=[tag], ome=True,
                     metadata={"axes": "TCYX"})  # fmt: skip
    movie = open_movie(path)
    assert movie.source.format == "OME-TIFF"
    np.testing.assert_array_equal(movie.frame(1), FLAT[0, 1, :, 0])


def test_stacks_by_pattern_are_scenes(tmp_path: Path) -> None:
    write_stacks(tmp_path, FLAT)
    movie = open_movie(str(tmp_path / "dish_1_MMStack_Pos{s}.ome.tif"), scene=1)
    np.testing.assert_array_equal(movie.frame(2), FLAT[1, 2, :, 0])


def test_index_of_an_ndtiff_stays_in_its_folder(tmp_path: Path) -> None:
    write_ndtiff(tmp_path / "other", FLAT[0, :, :, 0])
    listed = "../other/dish_NDTiffStack.tif"
    path = write_ndtiff(tmp_path / "dish", FLAT[0, :, :, 0], listed=listed)
    with pytest.raises(ReaderError, match=r"all files of this recording in its folder, found that"):
        open_movie(path)


def test_ndtiff_needs_numpy_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_ndtiff(tmp_path, FLAT[0, :, :, 0])
    monkeypatch.setattr(np, "__version__", "1.26.4")
    with pytest.raises(ReaderError, match=r"expected NumPy 2, which reading NDTiff takes, found 1"):
        open_movie(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_images(tmp_path / "dish_1" / "Default", FLAT[0, :3]).parent


def test_metadata_of_a_folder(folder: Path) -> None:
    movie = open_movie(folder)
    assert movie.channels == NAMES
    assert (movie.bit_depth, movie.pixel_size_um) == (12, PIXEL_UM)
    np.testing.assert_allclose(movie.time_s, STAMPS)
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 3)
    assert movie.source.format == "Micro-Manager folder"
    assert movie.source.paths[-1] == folder / "Default/metadata.txt"
    assert len(movie.source.paths) == 7
    assert reader_of(folder).started(folder).isoformat() == "2024-05-06T07:08:09.250000+02:00"
    assert describe(folder)["missing"] == []


def test_folder_of_one_position_is_the_same(folder: Path) -> None:
    np.testing.assert_array_equal(open_movie(folder / "Default").frame(2), FLAT[0, 2, :, 0])


@pytest.mark.parametrize("write", [write_images, write_old_images])
def test_folders_of_positions_are_scenes(tmp_path: Path, write) -> None:
    for p, name in enumerate(["Pos10", "Pos9"]):
        write(tmp_path / "dish" / name, DATA[p])
    with pytest.warns(MetadataWarning, match=r"2 scenes \(Pos9, Pos10\); the first is read"):
        movie = open_movie(tmp_path / "dish", z=2)
    np.testing.assert_array_equal(movie.frame(3), DATA[1, 3, :, 2])
    movie = open_movie(tmp_path / "dish", scene=1, z="max")
    np.testing.assert_array_equal(movie.frame(0), DATA[0, 0].max(axis=1))


def test_positions_in_one_folder_are_scenes(folder: Path) -> None:
    images = folder / "Default"
    for file in sorted(images.glob("*.tif")):
        shutil.copy(file, images / file.name.replace("position000", "position001"))
    shutil.copy(images / "img_channel000_position000_time000000000_z000.tif",
                images / "img_channel000_position001_time000000001_z000.tif")  # fmt: skip
    assert describe(folder, scene=1)["scenes"] == ["Default 0", "Default 1"]
    np.testing.assert_array_equal(open_movie(folder, scene=1).frame(1)[0], FLAT[0, 0, 0, 0])


def test_channels_of_the_old_names(tmp_path: Path) -> None:
    """The order is that of the summary; of the alphabet where that names other channels."""
    folder = write_old_images(tmp_path / "dish", FLAT[0, :3])
    movie = open_movie(folder)
    assert movie.channels == ("YFP", "CFP")
    np.testing.assert_array_equal(movie.frame(1), FLAT[0, 1, :, 0])
    np.testing.assert_allclose(movie.time_s, STAMPS)
    assert movie.pixel_size_um == PIXEL_UM
    assert reader_of(folder).started(folder).isoformat() == "2024-05-06T07:08:09+02:00"
    text = (folder / "metadata.txt").read_text(encoding="utf-8")
    (folder / "metadata.txt").write_text(text.replace('"CFP"', '"other"'), encoding="utf-8")
    movie = open_movie(folder)
    assert movie.channels == ("CFP", "YFP")
    np.testing.assert_array_equal(movie.frame(1), FLAT[0, 1, ::-1, 0])


def test_stopped_folder(folder: Path) -> None:
    """The metadata ends without its last brace, and images of the last frame are absent."""
    path = folder / "Default/metadata.txt"
    text = path.read_text(encoding="utf-8").rstrip().removesuffix("}")
    path.write_text(text.rstrip() + ",\n", encoding="utf-8")
    (folder / "Default/img_channel001_position000_time000000002_z000.tif").unlink()
    with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2"):
        movie = open_movie(folder)
    assert movie.n_frames == 2
    np.testing.assert_allclose(movie.time_s, STAMPS[:2])


def test_hole_in_a_folder(folder: Path) -> None:
    (folder / "Default/img_channel001_position000_time000000001_z000.tif").unlink()
    with pytest.raises(ReaderError, match=r"plane of frame 1, channel 1, z 0 is absent"):
        open_movie(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{]", r"metadata of Micro-Manager \(JSON\), found a broken file"),
        ("[" * 100_000, r"found a broken file"),
        ("[1]", r"metadata of Micro-Manager, found list"),
    ],
)
def test_broken_metadata(folder: Path, text: str, message: str) -> None:
    (folder / "Default/metadata.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ReaderError, match=message):
        open_movie(folder)


def test_metadata_of_absurd_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zincflux.readers.mm_images.MOST_BYTES", 100)
    with pytest.raises(ReaderError, match=r"expected at most 100 bytes of metadata, found \d+"):
        open_movie(folder)


def test_metadata_that_says_nothing(folder: Path) -> None:
    odd = {"Summary": [1], "FrameKey-0-0-0": 3, "Metadata-x": None, "Coords-x": {"time": 1}}
    (folder / "Default/metadata.txt").write_text(json.dumps(odd), encoding="utf-8")
    movie = open_movie(folder)
    assert movie.channels == ("C0", "C1")
    assert movie.time_s is movie.pixel_size_um is movie.exposure_s is movie.bit_depth is None
    assert reader_of(folder).started(folder) is None


def test_an_image_under_two_names(folder: Path) -> None:
    images = folder / "Default"
    shutil.copy(images / "img_channel000_position000_time000000000_z000.tif",
                images / "img_channel0_position0_time0_z0.tif")  # fmt: skip
    with pytest.raises(ReaderError, match=r"expected one file for each image, found img_channel0"):
        open_movie(folder)


def test_several_images_in_a_file(folder: Path) -> None:
    for file in (folder / "Default").glob("*.tif"):
        tifffile.imwrite(file, FLAT[0, :2, 0, 0], metadata={"axes": "TYX"})
    with pytest.raises(ReaderError, match=r"one image in each file of a Micro-Manager folder"):
        open_movie(folder)


def test_other_folders_are_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/metadata.txt").write_text("{}", encoding="utf-8")
    write_ome(tmp_path / "a/image.tif", FLAT[0, 0, 0, 0], "<OME/>")
    with pytest.raises(ReaderError, match=r"expected a file, found a folder that is none of"):
        open_movie(tmp_path)


@pytest.mark.parametrize("file", ["metadata.txt", "img_channel001_position000_time000000001_z000"])
def test_damage_in_a_folder_is_one_error(folder: Path, file: str) -> None:
    path = next((folder / "Default").glob(f"{file}*"))
    good = path.read_bytes()
    outcomes = set()
    for number in range(40):
        path.write_bytes(damaged(good, number))
        outcomes.add(_open(folder))
    assert outcomes == {"read", "ReaderError"}
    path.write_bytes(b"")
    assert _open(folder) == "ReaderError"


def _open(folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetadataWarning)
        try:
            movie = open_movie(folder)
            for t in range(movie.n_frames):
                movie.frame(t)
        except (ReaderError, ExperimentError) as error:
            return type(error).__name__
    return "read"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-01-18 Tue 16:52:41 -0800", "2011-01-18T16:52:41-08:00"),
        ("2024-05-06 07:08:09.25", "2024-05-06T07:08:09.250000"),
        ("2024-13-06 07:08:09", None),
        ("yesterday", None),
        ("null", None),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    found = micromanager.started([{}, {"Time": text}])
    assert (found and found.isoformat()) == expected


def test_numbers() -> None:
    meta = {"a": "1.5", "b": [1], "c": "inf", "d": 10**400, "e": {"scalar": 2}, "f": True}
    assert micromanager.number(meta, "b", "c", "d", "a") == 1.5
    assert micromanager.number(meta, "e") == 2
    assert np.isnan(micromanager.number(meta, "x"))
    assert micromanager.count({"n": -3}, "n") == micromanager.count({}, "n") == 1
