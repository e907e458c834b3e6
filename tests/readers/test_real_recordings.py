"""Recordings that nobody on this project made."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from zincflux.errors import ExperimentError, MetadataWarning
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


ND2_CHANNELS = {
    # The independent reference names roles, NIS-Elements the filters.
    "example-multichannel": {"Mono": "BRIGHTFIELD", "DAPI": "DAPI", "FITC BP": "FITC",
                             "TRITC BP": "TRITC"},
    "example-timelapse": {"GFP 488 nm": "FITC"},
    "example-zstack": {"FITC BP": "FITC"},
}  # fmt: skip


@pytest.mark.parametrize("name", ND2_CHANNELS)
def test_nikon_metadata_are_those_of_nis_elements(realdata: Path, name: str) -> None:
    pytest.importorskip("nd2", reason="needs zincflux[formats]")
    truth = read_known_metadata(realdata / "nd2-arcadia" / "known-metadata.yml")[f"{name}.nd2"]
    n_z = int(truth["FITC"]["z_size_px"])
    movie = open_movie(realdata / "nd2-arcadia" / f"{name}.nd2", z="max" if n_z > 1 else None)
    assert movie.channels == tuple(ND2_CHANNELS[name])
    sizes = dict(zip(movie.source.axes, movie.source.shape, strict=True))
    assert movie.exposure_s is not None
    for channel, role in enumerate(ND2_CHANNELS[name].values()):
        about = truth[role]
        assert movie.frame_shape == (int(about["y_size_px"]), int(about["x_size_px"]))
        assert sizes.get("Z", 1) == int(about["z_size_px"])
        assert movie.pixel_size_um == pytest.approx(float(about["xy_step_um"]), rel=1e-9)
        np.testing.assert_allclose(movie.exposure_s[:, channel], float(about["exposure_time_s"]))


def read_known_metadata(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Read the three levels of names and the values of the reference, which is simple YAML."""
    files: dict[str, dict[str, dict[str, str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        depth, (key, _, value) = len(line) - len(line.lstrip()), line.strip().partition(": ")
        key = key.removesuffix(":")
        if depth == 0 and key:
            channels = files.setdefault(key, {})
        elif depth == 2:
            values = channels.setdefault(key, {})
        elif value:
            values[key] = value
    return files


def test_nikon_times_and_pixels(realdata: Path) -> None:
    nd2 = pytest.importorskip("nd2", reason="needs zincflux[formats]")
    path = realdata / "nd2-arcadia" / "example-timelapse.nd2"
    movie = open_movie(path)
    assert movie.data.shape == (53, 1, 64, 64)
    # 500.16 ms from frame to frame, as each frame's own stamp says.
    np.testing.assert_allclose(np.diff(movie.time_s), 0.50016, atol=1e-6)
    with nd2.ND2File(path) as file:
        stamps = [file.frame_metadata(t).channels[0].time.relativeTimeMs for t in range(53)]
    np.testing.assert_allclose(movie.time_s, (np.array(stamps) - stamps[0]) / 1000, atol=1e-9)
    for name in ("cerevisiae", "multichannel", "pbmc", "timelapse"):
        path = realdata / "nd2-arcadia" / f"example-{name}.nd2"
        movie = open_movie(path)
        assert (movie.bit_depth, movie.saturation_level) == (16, 65535)
        read = np.stack([movie.frame(t) for t in range(movie.n_frames)])
        np.testing.assert_array_equal(read, nd2.imread(path).reshape(read.shape))


def test_nikon_z_stack(realdata: Path) -> None:
    nd2 = pytest.importorskip("nd2", reason="needs zincflux[formats]")
    path = realdata / "nd2-arcadia" / "example-zstack.nd2"
    with pytest.raises(ExperimentError, match=r"found 11 planes in z\. Set movie\.z"):
        open_movie(path)
    planes = nd2.imread(path)
    np.testing.assert_array_equal(open_movie(path, z="max").frame(0)[0], planes.max(axis=0))
    np.testing.assert_array_equal(open_movie(path, z=10).frame(0)[0], planes[10])


def test_zeiss_scenes_are_not_merged(realdata: Path) -> None:
    path = realdata / "czi-two-scenes" / "xyz__multiple_images.czi"
    with pytest.warns(MetadataWarning, match=r"2 scenes \(scene 0, scene 1\).*movie\.scene"):
        movie = open_movie(path, z="max")
    assert movie.data.shape == (1, 1, 251, 251)
    # Both scenes lie at the same place, so that reading without a scene would mix them.
    frames = [open_movie(path, scene=scene, z=1).frame(0)[0] for scene in range(2)]
    assert [frame.mean() for frame in frames] == pytest.approx([13344.149, 12146.007], abs=0.001)
    found = describe(path, scene=1)
    assert (found["axes"], found["shape"]) == ("ZYX", [2, 251, 251])
    assert found["scenes"] == ["scene 0", "scene 1"]
    assert found["channels"] == ["ChA"]
    assert found["pixel_size_um"] == pytest.approx(0.19564, abs=1e-5)
    assert found["bit_depth"] == 16
    assert [item["key"] for item in found["missing"]] == ["movie.z"]


def test_zeiss_pixels_are_those_of_zeiss_library(realdata: Path) -> None:
    library = pytest.importorskip("pylibCZIrw.czi", reason="needs zincflux[test]")
    path = realdata / "czi-two-scenes" / "xyz__multiple_images.czi"
    with library.open_czi(str(path)) as file:
        for scene, z in np.ndindex(2, 2):
            expected = file.read(plane={"Z": z, "C": 0, "T": 0}, scene=scene)[..., 0]
            np.testing.assert_array_equal(open_movie(path, scene=scene, z=z).frame(0)[0], expected)
