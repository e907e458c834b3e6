"""Recordings that nobody on this project made."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie, read_image, read_labels

pytestmark = pytest.mark.realdata


def test_olympus_recordings_joined(realdata: Path) -> None:
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")
    folder = realdata / "hek-fluo4-oif" / "serial_stim_cell3"
    paths = sorted(folder.glob("*.oif"))
    movie = open_movie(paths, frame_interval_s=1)
    assert movie.data.shape == (130, 1, 128, 128)
    # The file states 0.276 µm; 35.052 µm (its first to last pixel) over 128 pixels would be 0.274.
    assert movie.pixel_size_um == pytest.approx(0.276)
    np.testing.assert_allclose(movie.time_s, np.arange(130))
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
    last = tifffile.imread(folder / "cell3_06.oif.files" / "s_C001T060.tif")
    np.testing.assert_array_equal(movie.frame(129)[0], last)
    eleventh = tifffile.imread(folder / "cell3_02.oif.files" / "s_C001T001.tif")
    np.testing.assert_array_equal(movie.frame(10)[0], eleventh)


def test_olympus_times_from_the_files(realdata: Path) -> None:
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")
    paths = sorted((realdata / "hek-fluo4-oif" / "serial_stim_cell3").glob("*.oif"))
    with pytest.warns(MetadataWarning) as warned:
        movie = open_movie(paths)
    np.testing.assert_allclose(movie.time_s, np.arange(130))
    texts = [str(w.message) for w in warned]
    assert len(texts) == 2
    assert "set to 1 s" in texts[0]
    assert "started at 0.0, 14.7, 35.3, 55.8, 76.3, 97.5 s" in texts[1]


def test_imagej_float_movie(realdata: Path) -> None:
    path = next((realdata / "golgi-bfa-timelapse").glob("*.tif"))
    movie = open_movie(path)
    assert movie.data.shape == (30, 1, 137, 147)
    assert movie.data.dtype == np.float32
    assert movie.pixel_size_um == pytest.approx(0.351, abs=0.001)
    assert movie.time_s[1] == pytest.approx(59.86)
    assert movie.saturation_level is None
    np.testing.assert_array_equal(movie.frame(29)[0], tifffile.imread(path)[29])


def test_stack_without_axes(realdata: Path) -> None:
    path = realdata / "mda231-migration" / "cancer_cell_migration_crop.tif"
    with pytest.raises(ExperimentError, match=r'Set movie\.axes: "TYX"'):
        open_movie(path)
    movie = open_movie(path, axes="TYX")
    np.testing.assert_array_equal(movie.frame(47)[0], tifffile.imread(path)[47])
    with pytest.raises(ExperimentError, match=r"Set movie\.frame_interval_s"):
        movie.require_time()
    with pytest.raises(ExperimentError, match=r"Set movie\.pixel_size_um"):
        movie.require_pixel_size()


def test_images_with_labels(realdata: Path) -> None:
    folder = realdata / "laptrack-nuclei"
    movie = open_movie(folder / "example_images.tif", axes="TYX")
    labels = read_labels(folder / "example_label.tif")
    assert labels.shape == (movie.n_frames, *movie.frame_shape) == (6, 200, 200)
    stored = tifffile.imread(folder / "example_label.tif")
    for t in range(6):
        np.testing.assert_array_equal(labels[t], stored[t])


def test_one_file_per_time_point(realdata: Path) -> None:
    folder = realdata / "mitocheck-hela-h2b"
    name = "EMBO_2012_Group3--empty--empty--W0002--P001--T{t}--Z000--C.tif"
    movie = open_movie(folder / name)
    assert movie.data.shape == (30, 1, 190, 211)
    for t in (0, 9, 29):
        file = folder / name.replace("{t}", f"{t:05}")
        np.testing.assert_array_equal(movie.frame(t)[0], tifffile.imread(file))


def test_metamorph(realdata: Path) -> None:
    movie = open_movie(realdata / "metamorph-tiff" / "MetamorphImage.tif")
    assert movie.data.shape == (1, 1, 520, 696)
    assert movie.pixel_size_um == pytest.approx(0.645)
    assert movie.channels == ("Cy5",)
    # Early versions of tifffile do not read the tag with the bit depth.
    assert (movie.bit_depth, movie.saturation_level) in ((12, 4095), (None, 65535))
    np.testing.assert_allclose(movie.exposure_s, [[0.3]])


def test_scan_r_still(realdata: Path) -> None:
    path = realdata / "neubias-stills" / "xy_16bit__scanR_datatype_issue.tif"
    movie = open_movie(path)
    assert movie.data.shape == (1, 1, 1024, 1344)
    assert movie.frame(0).min() == 32963
    assert [item["key"] for item in describe(path)["missing"]] == ["movie.pixel_size_um"]


def test_composite_and_dark_frame(realdata: Path) -> None:
    folder = realdata / "neubias-stills"
    movie = open_movie(folder / "xyc_16bit__hela-cells.tif")
    assert movie.data.shape == (1, 3, 512, 672)
    assert movie.pixel_size_um == pytest.approx(0.0515, abs=1e-4)
    dark = read_image(folder / "xy_16bit__bg_camera_downsampled.tif")
    assert dark.shape == (512, 512)
    assert 5 <= dark.min() <= dark.max() <= 6


def test_membrane_movie(realdata: Path) -> None:
    path = realdata / "membrane-timelapse" / "membrane_2d_timelapse.tif"
    with pytest.raises(ExperimentError, match=r"movie\.axes"):
        open_movie(path)
    assert open_movie(path, axes="TYX").frame(4).max() == 4095


def test_format_of_later_work_is_refused(realdata: Path) -> None:
    with pytest.raises(ReaderError, match=r"ZISRAWFILE.*Zeiss CZI"):
        open_movie(realdata / "czi-two-scenes" / "xyz__multiple_images.czi")
