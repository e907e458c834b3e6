"""TIFF: scenes, z, axes that must be asked for, colour, damage."""

import logging
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import compressed, image_j, ome, one_page_many_planes, pixels, plain, stk

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import open_movie


@pytest.fixture
def z_stack(tmp_path: Path) -> tuple[Path, np.ndarray]:
    data = pixels(2, 4, 2, 12, 10)  # T Z C Y X
    path = tmp_path / "z.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TZCYX"})
    return path, data


@pytest.mark.parametrize(
    ("z", "oracle"),
    [
        ("max", lambda data: data.max(axis=1)),
        ("mean", lambda data: data.mean(axis=1)),
        (0, lambda data: data[:, 0]),
        (3, lambda data: data[:, 3]),
    ],
)
def test_depth_is_projected_or_cut(z_stack, z, oracle) -> None:
    path, data = z_stack
    movie = open_movie(path, z=z)
    frames = np.stack([movie.frame(t) for t in range(2)])
    np.testing.assert_allclose(frames, oracle(data), rtol=1e-6)
    assert movie.data.dtype == frames.dtype == (np.float32 if z == "mean" else np.uint16)


def test_depth_without_a_choice_is_refused(z_stack) -> None:
    with pytest.raises(ExperimentError, match=r"found 4 planes in z\. Set movie\.z to") as caught:
        open_movie(z_stack[0])
    assert "movie.axes" not in str(caught.value)


def test_plane_outside_the_stack_is_refused(z_stack) -> None:
    with pytest.raises(ExperimentError, match=r"movie\.z: expected a plane from 0 to 3"):
        open_movie(z_stack[0], z=4)


def test_stack_tagged_z_may_be_time(tmp_path: Path) -> None:
    data = pixels(5, 12, 10)
    path = tmp_path / "slices.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "ZYX", "finterval": 3.0})
    with pytest.raises(ExperimentError, match=r'movie\.axes = "TYX" if these planes are time'):
        open_movie(path)
    movie = open_movie(path, axes="tyx")
    np.testing.assert_array_equal(movie.frame(4)[0], data[4])
    np.testing.assert_allclose(movie.time_s, np.arange(5) * 3.0)


def test_stack_without_tags_asks_for_its_axis(tmp_path: Path) -> None:
    path = plain(tmp_path).path
    with pytest.raises(ExperimentError, match=r'axis of length 3 is .* Set movie\.axes: "TYX"'):
        open_movie(path)
    assert open_movie(path, axes="CYX").data.shape == (1, 3, 64, 48)


def test_two_unknown_axes_are_asked_for_together(tmp_path: Path) -> None:
    path = tmp_path / "hyper.tif"
    tifffile.imwrite(
        path, pixels(4, 3, 12, 10), metadata={"axes": "QIYX"}, photometric="minisblack"
    )
    with pytest.raises(ExperimentError, match=r'axis of length 4, 3 .*"TCYX"'):
        open_movie(path)
    movie = open_movie(path, axes="CTYX")
    assert movie.data.shape == (3, 4, 12, 10)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("TCYX", r"one letter for each of the 3 axes .* \(3 × 64 × 48\), found 'TCYX'"),
        ("YTX", r"'YTX' moves Y"),
        ("TXY", r"'TXY' moves Y"),
        ("TYS", r"S \(colour samples\) cannot be measured"),
        ("TTYX", r"at most once"),
        ("TQYX", r"letters T C Z Y X"),
        ("T", r"with Y and X"),
    ],
)
def test_axes_that_do_not_fit_are_refused(tmp_path: Path, axes: str, message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        open_movie(plain(tmp_path).path, axes=axes)


def test_colour_picture_is_refused_but_may_be_named(tmp_path: Path) -> None:
    data = pixels(12, 10, 3, dtype=np.uint8)
    path = tmp_path / "rgb.tif"
    tifffile.imwrite(path, data, photometric="rgb", metadata=None)
    with pytest.raises(ExperimentError, match=r'colour picture \(RGB\).*movie\.axes = "YXC"'):
        open_movie(path)
    movie = open_movie(path, axes="YXC")
    np.testing.assert_array_equal(movie.frame(0), np.moveaxis(data, -1, 0))


def test_separate_samples_are_planes(tmp_path: Path) -> None:
    data = pixels(3, 12, 10)
    path = tmp_path / "planar.tif"
    tifffile.imwrite(
        path, data, photometric="rgb", planarconfig="separate", metadata=None, compression="zlib"
    )
    np.testing.assert_array_equal(open_movie(path, axes="CYX").frame(0), data)


def test_volume_in_one_page(tmp_path: Path) -> None:
    data = pixels(2, 4, 32, 16)
    path = tmp_path / "volume.tif"
    tifffile.imwrite(
        path, data, volumetric=True, tile=(4, 16, 16), metadata=None, photometric="minisblack"
    )
    movie = open_movie(path, axes="TZYX", z="max")
    np.testing.assert_array_equal(movie.frame(1)[0], data[1].max(axis=0))


def test_imagej_composite_saved_as_rgb_has_channels(tmp_path: Path) -> None:
    data = pixels(12, 10, 3)
    path = tmp_path / "composite.tif"
    text = "ImageJ=1.54f\nchannels=3\nmode=composite\n"
    tifffile.imwrite(path, data, photometric="rgb", metadata=None, description=text)
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(0), np.moveaxis(data, -1, 0))


def test_scenes_are_not_merged(tmp_path: Path) -> None:
    data = pixels(2, 3, 12, 10)
    path = tmp_path / "scenes.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for n, scene in enumerate(data):
            writer.write(
                scene,
                metadata={
                    "axes": "TYX",
                    "Name": f"P{n}",
                    "PhysicalSizeX": 1 + n,
                    "PhysicalSizeY": 1 + n,
                    "TimeIncrement": 1,
                },
            )
    with pytest.warns(MetadataWarning, match=r"2 scenes \(P0, P1\); the first is read"):
        movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(2)[0], data[0, 2])
    assert movie.source.scenes == ("P0", "P1")
    second = open_movie(path, scene=1)
    np.testing.assert_array_equal(second.frame(2)[0], data[1, 2])
    assert second.pixel_size_um == 2
    assert open_movie(path, scene=0).pixel_size_um == 1
    with pytest.raises(ExperimentError, match=r"movie\.scene: expected a number from 0 to 1"):
        open_movie(path, scene=2)


def test_scene_of_a_file_with_one(tmp_path: Path) -> None:
    path = ome(tmp_path).path
    assert open_movie(path, scene=0).source.scenes == ()
    with pytest.raises(ExperimentError, match=r"expected a number from 0 to 0"):
        open_movie(path, scene=1)


def test_regions_on_an_axis_are_scenes(tmp_path: Path) -> None:
    data = pixels(3, 2, 12, 10)  # T R Y X
    path = tmp_path / "regions.tif"
    tifffile.imwrite(path, data, metadata={"axes": "TRYX"})
    with pytest.warns(MetadataWarning, match="2 scenes"):
        open_movie(path)
    movie = open_movie(path, scene=1)
    assert movie.data.shape == (3, 1, 12, 10)
    np.testing.assert_array_equal(movie.frame(2)[0], data[2, 1])


def test_strange_pixels_are_passed_through(tmp_path: Path) -> None:
    data = np.array([[[np.nan, -3.5], [np.inf, 0]]], dtype=np.float32)
    path = tmp_path / "float.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "TYX"})
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(0), data)
    assert movie.saturation_level is None
    signed = tmp_path / "signed.tif"
    tifffile.imwrite(signed, np.array([[-5, 7]], np.int16), metadata=None)
    assert open_movie(signed).frame(0).min() == -5
    assert open_movie(signed).saturation_level == 32767


def test_nan_survives_a_projection(tmp_path: Path) -> None:
    data = np.ones((2, 2, 2), np.float32)
    data[1, 0, 0] = np.nan
    path = tmp_path / "nan.tif"
    tifffile.imwrite(path, data, imagej=True, metadata={"axes": "ZYX"})
    for z in ("max", "mean"):
        assert np.isnan(open_movie(path, z=z).frame(0)[0, 0, 0])


def test_packed_bits_give_the_saturation_level(tmp_path: Path) -> None:
    data = pixels(8, 16) * 16 + 5
    pairs = data.reshape(-1, 2)
    packed = np.stack(
        [pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1
    )
    tags = [(256, 16), (257, 8), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (279, 192)]
    path = tmp_path / "packed.tif"
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, 200)
        + packed.astype(np.uint8).tobytes()
        + struct.pack("<H", len(tags))
        + b"".join(struct.pack("<HHII", code, 4, 1, value) for code, value in tags)
        + bytes(4)
    )
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(0)[0], data)
    assert (movie.bit_depth, movie.saturation_level) == (12, 4095)


def test_sparse_tiles_are_zero(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    tiles = iter([np.full((16, 16), 9, np.uint16), None, None, None])
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            tiles, shape=(32, 32), dtype=np.uint16, tile=(16, 16), metadata=None, compression="zlib"
        )
    frame = open_movie(path).frame(0)[0]
    assert frame[:16, :16].min() == 9
    assert frame[16:].max() == 0


def test_complex_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "complex.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.complex64), metadata=None)
    with pytest.raises(ReaderError, match="expected pixels that are real numbers, found complex64"):
        open_movie(path)


def test_incomplete_recording_is_cut_at_whole_frames(tmp_path: Path) -> None:
    path = ome(tmp_path).path
    with tifffile.TiffFile(path) as tif:
        xml = tif.ome_metadata
    data = pixels(4, 20, 24)
    short = tmp_path / "aborted.ome.tif"
    with tifffile.TiffWriter(short) as writer:
        for n, page in enumerate(data):
            text = xml.replace('PlaneCount="6"', 'PlaneCount="4"') if n == 0 else None
            writer.write(page, description=text, metadata=None, contiguous=False)
    with pytest.warns(MetadataWarning, match="announces 3 frames but holds 2"):
        movie = open_movie(short)
    np.testing.assert_array_equal(movie.frame(1), data[2:])


def test_hole_in_a_recording_is_refused(tmp_path: Path) -> None:
    from recordings import ome_xml, write_ome

    tiff_data = "".join(f'<TiffData IFD="{n}" FirstT="{t}"/>' for n, t in enumerate([0, 2]))
    xml = ome_xml({"X": 10, "Y": 12, "C": 1, "Z": 1, "T": 3}, tiff_data=tiff_data)
    path = write_ome(tmp_path / "hole.ome.tif", pixels(2, 12, 10), xml)
    with pytest.raises(ReaderError, match="plane of frame 1, channel 0, z 0 is absent"):
        open_movie(path)


@pytest.mark.parametrize("write", [ome, image_j, plain, compressed, one_page_many_planes, stk])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.97])
def test_truncated_file_gives_one_clear_error(
    tmp_path: Path, write, kept: float, caplog: pytest.LogCaptureFixture
) -> None:
    recording = write(tmp_path)
    whole = recording.path.read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: max(9, int(len(whole) * kept))])
    with (
        caplog.at_level(logging.DEBUG, logger="tifffile"),
        pytest.raises(ReaderError, match=r"cut\.tif: .*(truncated|damaged)"),
    ):
        open_movie(cut, **recording.keys)
    assert [r for r in caplog.records if r.name == "tifffile"] == []


def test_damaged_page_is_reported_with_its_frame(tmp_path: Path) -> None:
    recording = compressed(tmp_path)
    with tifffile.TiffFile(recording.path) as tif:
        offset, count = tif.pages[1].dataoffsets[0], tif.pages[1].databytecounts[0]
    data = bytearray(recording.path.read_bytes())
    data[offset : offset + count] = b"\xff" * count
    recording.path.write_bytes(bytes(data))
    movie = open_movie(recording.path, **recording.keys)
    np.testing.assert_array_equal(movie.frame(0), recording.data[0])
    with pytest.raises(ReaderError, match=r"page 1 of 3 cannot be read.*\(frame 1\)"):
        movie.frame(1)


@pytest.mark.parametrize("write", [plain, compressed])
def test_file_that_shrinks_or_vanishes_after_opening(tmp_path: Path, write) -> None:
    recording = write(tmp_path)
    movie = open_movie(recording.path, **recording.keys)
    whole = recording.path.read_bytes()
    recording.path.write_bytes(whole[:500])
    with pytest.raises(ReaderError, match=r"page 2 of 3 cannot be read.*\(frame 2\)"):
        movie.frame(2)
    recording.path.unlink()
    with pytest.raises(ReaderError, match=r"can no longer be read .*\(frame 0\)"):
        movie.frame(0)


def test_description_that_promises_more_pages(tmp_path: Path) -> None:
    path = tmp_path / "few.tif"
    with tifffile.TiffWriter(path) as writer:
        for n, page in enumerate(pixels(3, 12, 10)):
            text = "ImageJ=1.5\nimages=9\nframes=9\n" if n == 0 else None
            writer.write(page, description=text, metadata=None, contiguous=False)
    with pytest.raises(ReaderError, match="truncated"):
        open_movie(path)


def test_description_beyond_the_end(tmp_path: Path) -> None:
    path = ome(tmp_path).path
    body = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        tag = tif.pages.first.tags[270]
    struct.pack_into("<I", body, tag.offset + 8, len(body) + 1000)
    path.write_bytes(body)
    with pytest.raises(ReaderError, match=r"the description of this TIFF lies beyond its end"):
        open_movie(path)


def test_tiff_header_without_pages(tmp_path: Path) -> None:
    path = tmp_path / "empty.tif"
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 0))
    with pytest.raises(ReaderError, match="truncated or damaged"):
        open_movie(path)


def test_other_threads_may_log_while_a_file_is_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from threading import Thread

    from zincflux.readers.stored import listening

    def complain() -> None:
        logging.getLogger("tifffile").error("somebody else's file")

    with listening("tifffile") as complaints:
        other = Thread(target=complain)
        other.start()
        other.join()
        logging.getLogger("tifffile").error("mine")
    assert complaints == ["mine"]
    assert "somebody else's file" in caplog.text
    assert "mine" not in caplog.text
    assert logging.getLogger("tifffile").filters == []


def test_absent_page_is_not_read(tmp_path: Path) -> None:
    movie = open_movie(plain(tmp_path).path, axes="TYX")
    planes = movie.data.planes
    holed = replace(planes, pages=(None, *planes.pages[1:]))
    with pytest.raises(ReaderError, match="page 0 is absent"):
        list(holed.read([1, 0]))
