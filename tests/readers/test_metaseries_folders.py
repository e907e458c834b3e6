"""Folders of MetaXpress."""

import shutil

import numpy as np
import pytest
import tifffile
from recordings import PIXEL_UM, metaseries_xml, pixels, write_metaseries

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie
from zincflux.readers.formats import reader_of

DATA = pixels(3, 2, 20, 24)
GUID = "D5F8F51A-3E85-4358-AE51-A465AF87386F"


@pytest.fixture
def plate(tmp_path):
    return write_metaseries(tmp_path / "plate", DATA)


def points(plate):
    return plate / "2024-04-22/1697"


def test_names_exposure_and_bits(plate):
    movie = open_movie(plate)
    assert movie.channels == ("w0", "w1")
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
    np.testing.assert_allclose(movie.exposure_s, np.full((3, 2), 0.08))
    assert movie.source.format == "MetaSeries folder"
    assert len(movie.source.paths) == 6


@pytest.mark.parametrize("inner", ["2024-04-22", "2024-04-22/1697"])
def test_any_folder_on_the_way_down_is_the_same(plate, inner):
    np.testing.assert_array_equal(open_movie(plate / inner).frame(2), DATA[2])


def test_sites_and_wells_are_scenes(plate):
    write_metaseries(plate, DATA[::-1], site=2)
    write_metaseries(plate, DATA + 1, well="B03", site=None)
    with pytest.warns(MetadataWarning, match=r"3 scenes \(B03, C07 site 1, C07 site 2\)"):
        movie = open_movie(plate)
    np.testing.assert_array_equal(movie.frame(0), DATA[0] + 1)
    np.testing.assert_array_equal(open_movie(plate, scene=2).frame(0), DATA[2])
    with pytest.raises(ExperimentError, match=r"movie\.scene: expected a number from 0 to 2"):
        open_movie(plate, scene=3)
    assert describe(plate, scene=1)["scenes"] == ["B03", "C07 site 1", "C07 site 2"]


def test_a_single_time_point_without_folders(plate, tmp_path):
    flat = tmp_path / "flat"
    write_metaseries(tmp_path / "other", DATA[:1], guid=GUID)
    shutil.copytree(points(tmp_path / "other") / "TimePoint_1", flat)
    movie = open_movie(flat)
    np.testing.assert_array_equal(movie.frame(0), DATA[0])
    assert movie.n_frames == 1


def test_steps_in_z_and_their_projection(plate):
    for t in range(3):
        place = points(plate) / f"TimePoint_{t + 1}"
        for z in range(2):
            (place / f"ZStep_{z + 1}").mkdir()
            for c in (1, 2):
                name = f"plate_C07_s1_w{c}.tif"
                image = DATA[t, c - 1] + z
                tifffile.imwrite(place / f"ZStep_{z + 1}" / name, image, software="MetaSeries")
        (place / "ZStep_3").write_text("no folder")
    with pytest.raises(ExperimentError, match=r"found 2 planes in z"):
        open_movie(plate)
    np.testing.assert_array_equal(open_movie(plate, z=1).frame(1), DATA[1] + 1)
    assert describe(plate, z="max")["axes"] == "TCZYX"


def test_last_time_point_was_not_finished(plate):
    (points(plate) / "TimePoint_3/plate_C07_s1_w2.tif").unlink()
    with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2"):
        movie = open_movie(plate)
    assert movie.n_frames == 2
    (points(plate) / "TimePoint_3/plate_C07_s1_w1.tif").unlink()
    assert open_movie(plate).n_frames == 2
    (points(plate) / "TimePoint_1/plate_C07_s1_w1.tif").unlink()
    with pytest.raises(ReaderError, match=r"the plane of frame 0, channel 0, z 0 is absent"):
        open_movie(plate)


@pytest.mark.parametrize("number", [2 * 10**9, 10**30])
def test_time_points_far_apart(plate, number):
    (points(plate) / "TimePoint_3").rename(points(plate) / f"TimePoint_{number}")
    with pytest.raises(ReaderError, match=rf"expected the {number} images .* found 6"):
        open_movie(plate)


def test_a_time_point_in_between_is_absent(plate):
    shutil.rmtree(points(plate) / "TimePoint_2")
    with pytest.raises(ReaderError, match=r"the plane of frame 1, channel 0, z 0 is absent"):
        open_movie(plate)


def test_two_files_of_one_plane(plate):
    place = points(plate) / "TimePoint_1"
    shutil.copy(place / "plate_C07_s1_w1.tif", place / f"plate_C07_s1_w1{GUID}.tif")
    with pytest.raises(ReaderError, match=r"expected one file for each time point, site and wave"):
        open_movie(plate)


def test_no_images(plate):
    for file in plate.rglob("*.tif"):
        file.unlink()
    with pytest.raises(ReaderError, match=r"expected images such as plate_C07_s1_w1\.tif"):
        open_movie(plate)


def test_several_pages_in_a_file(plate):
    for file in plate.rglob("*.tif"):
        tifffile.imwrite(file, DATA[:2, 0], metadata={"axes": "TYX"})
    with pytest.raises(ReaderError, match=r"expected one image in each file of a MetaSeries"):
        open_movie(plate)


def test_two_plates_are_not_one(plate, tmp_path):
    write_metaseries(tmp_path / "second", DATA)
    with pytest.raises(ReaderError, match=r"expected a file, found a folder that is none of"):
        open_movie(tmp_path)


def test_folders_that_go_too_deep(plate, tmp_path):
    (tmp_path / "a/b/c").mkdir(parents=True)
    shutil.move(plate, tmp_path / "a/b/c/plate")
    with pytest.raises(ReaderError, match=r"expected a file, found a folder"):
        open_movie(tmp_path)


def test_without_time_stamps(plate):
    for file in plate.rglob("*.tif"):
        tifffile.imwrite(file, DATA[0, 0], metadata=None)
    movie = open_movie(plate)
    assert movie.time_s is None
    assert movie.pixel_size_um is None
    assert movie.exposure_s is None


def test_start_of_the_recording(plate):
    start = reader_of(plate).started(plate)
    assert start.isoformat() == "2024-04-22T09:57:10"
    for file in plate.rglob("*.tif"):
        file.unlink()
    assert reader_of(plate).started(plate) is None


def test_joined_with_another_acquisition(plate, tmp_path):
    other = write_metaseries(tmp_path / "second", DATA)
    with pytest.warns(MetadataWarning, match=r"the 2 joined files were started at 0\.0, 0\.0 s"):
        movie = open_movie([plate, other])
    assert movie.n_frames == 6


@pytest.mark.parametrize(
    ("key", "value", "pixel_size_um", "bits"),
    [
        ("spatial-calibration-state", "off", None, 12),
        ("spatial-calibration-units", "pixel", None, 12),
        ("Camera Bit Depth", "0", PIXEL_UM, None),
        ("spatial-calibration-x", "nan", PIXEL_UM, 12),
    ],
)
def test_one_image(tmp_path, key, value, pixel_size_um, bits):
    xml = metaseries_xml("FITC", "20240422 09:57:10.000", **{key: value})
    path = tmp_path / "one.tif"
    tifffile.imwrite(path, DATA[0, 0], description=xml, software="MetaSeries", metadata=None)
    movie = open_movie(path)
    assert movie.source.format == "MetaSeries TIFF"
    assert (movie.pixel_size_um, movie.bit_depth) == (pixel_size_um, bits)
