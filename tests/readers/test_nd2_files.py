"""Nikon ND2: loops, positions, times, and what is no recording."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from recordings import PIXEL_UM, STAMPS, pixels
from vendor_files import STARTED_S, nd2_loops, write_nd2

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie
from zincflux.readers.formats import reader_of
from zincflux.readers.nd2_chunks import Nd2Pages, image_chunk, n_images, read_chunks
from zincflux.readers.stored import StoredPlanes, read_exactly

library = pytest.importorskip("nd2", reason="needs zincflux[formats]")


def frames(*shape: int, dtype: str = "u2") -> np.ndarray:
    return pixels(*shape, dtype=dtype)


def test_library_reads_what_the_tests_write(tmp_path: Path) -> None:
    data = frames(12, 5, 6, 2)
    path = write_nd2(tmp_path / "a.nd2", data, [("T", 2), ("P", 3), ("Z", 2)], row_bytes=32)
    with library.ND2File(path) as file:
        assert file.sizes == {"T": 2, "P": 3, "Z": 2, "C": 2, "Y": 5, "X": 6}
        np.testing.assert_array_equal(
            file.asarray(), np.moveaxis(data, -1, 1).reshape(2, 3, 2, 2, 5, 6)
        )


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("row_bytes", [0, 32])
def test_positions_are_scenes(tmp_path: Path, compressed: bool, row_bytes: int) -> None:
    data = frames(12, 5, 6, 2)
    path = write_nd2(
        tmp_path / "a.nd2",
        data,
        [("T", 2), ("P", 3), ("Z", 2)],
        times_s=np.arange(12) * 1.5 + 3,
        compressed=compressed,
        row_bytes=row_bytes,
    )
    numbered = data.reshape(2, 3, 2, 5, 6, 2)
    for scene in range(3):
        movie = open_movie(path, scene=scene, z=1)
        assert movie.source.axes == "TZCYX"
        assert movie.source.scenes == ("well 0", "well 1", "well 2")
        for t in range(2):
            np.testing.assert_array_equal(movie.frame(t), np.moveaxis(numbered[t, scene, 1], -1, 0))
        # A position is revisited after the other two: 6 frames of 1.5 s later.
        np.testing.assert_allclose(movie.time_s, [0, 9])
    with pytest.warns(MetadataWarning, match=r"3 scenes \(well 0, well 1, well 2\).*movie\.scene"):
        open_movie(path, z="max")
    with pytest.raises(ExperimentError, match=r"expected a number from 0 to 2"):
        open_movie(path, scene=3)
    assert describe(path, scene=0)["missing"][0]["key"] == "movie.z"


def test_position_without_a_name(tmp_path: Path) -> None:
    loops = nd2_loops([("P", 2)])
    assert loops["uLoopPars"]["Points"][0].pop("dPosName") == "well 0"
    path = write_nd2(tmp_path / "a.nd2", frames(2, 4, 4, 1), loops=loops)
    assert open_movie(path, scene=0).source.scenes == ("position 0", "well 1")


def test_times_fall_back_to_the_pace(tmp_path: Path) -> None:
    data = frames(3, 4, 4, 1)
    path = write_nd2(tmp_path / "a.nd2", data, [("T", 3)])
    np.testing.assert_allclose(open_movie(path).time_s, [0, 2, 4])
    # Fewer stamps than frames: those that there are would leave frames without a time.
    path = write_nd2(tmp_path / "b.nd2", data, [("T", 3)], times_s=[0, 2.5])
    np.testing.assert_allclose(open_movie(path).time_s, [0, 2, 4])
    # Loops of several paces have none in common.
    path = write_nd2(tmp_path / "c.nd2", data, [("N", 3)])
    assert open_movie(path).time_s is None
    path = write_nd2(tmp_path / "d.nd2", data, [("N", 3)], times_s=STAMPS)
    np.testing.assert_allclose(open_movie(path).time_s, STAMPS)


def test_what_the_file_does_not_say_is_missing(tmp_path: Path) -> None:
    path = write_nd2(
        tmp_path / "a.nd2",
        frames(3, 4, 4, 2),
        [("N", 3)],
        picture={"bCalibrated": False, "sPicturePlanes": {"uiCount": 2}},
        attributes={"uiBpcSignificant": 0},
    )
    found = describe(path)
    keys = [item["key"] for item in found["missing"]]
    assert keys == ["movie.pixel_size_um", "movie.frame_interval_s"]
    assert (found["channels"], found["saturation_level"]) == (["C0", "C1"], 65535)
    assert open_movie(path).exposure_s is None
    assert reader_of(path).started(path) is None


def test_exposures_of_some_channels_are_none(tmp_path: Path) -> None:
    planes = [{"uiSampleIndex": 1, "sDescription": "a"}, {"uiSampleIndex": 5, "sDescription": "b"}]
    about = {"uiCount": 2, "sPlaneNew": planes, "sSampleSetting": [{"dExposureTime": 5.0}] * 2}
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 2), picture={"sPicturePlanes": about})
    movie = open_movie(path)
    assert movie.channels == ("a", "b")
    assert movie.exposure_s is None


@pytest.mark.parametrize(("dtype", "level"), [("u1", 255), ("u2", 4095), ("f4", None)])
def test_types_of_pixels(tmp_path: Path, dtype: str, level: float | None) -> None:
    data = frames(1, 4, 5, 1, dtype=dtype)
    movie = open_movie(write_nd2(tmp_path / "a.nd2", data))
    assert movie.data.dtype == np.dtype(dtype)
    assert movie.saturation_level == level
    assert movie.pixel_size_um == PIXEL_UM
    frame = movie.frame(0)
    np.testing.assert_array_equal(frame[0], data[0, ..., 0])
    frame[:] = 0  # a copy, not a view of the file


def test_start_of_the_recording(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 1), times_s=[7.5])
    expected = datetime.fromtimestamp(STARTED_S, UTC) + timedelta(seconds=7.5)
    assert abs(reader_of(path).started(path) - expected) < timedelta(milliseconds=1)
    path = write_nd2(
        tmp_path / "b.nd2", frames(1, 4, 4, 1), times_s=[7.5], picture={"dTimeAbsolute": 1e300}
    )
    assert reader_of(path).started(path) is None


def test_start_of_one_of_several_positions_is_not_that_of_the_first(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(2, 4, 4, 1), [("P", 2)], times_s=[7.5, 9])
    assert reader_of(path).started(path) is None


def test_recording_that_was_stopped(tmp_path: Path) -> None:
    data = frames(6, 4, 4, 1)
    loops = [("T", 3), ("Z", 2)]
    for leave_out in ([4, 5], [5]):  # between two frames, amid a frame
        path = write_nd2(tmp_path / "a.nd2", data, loops, leave_out=leave_out)
        with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2"):
            movie = open_movie(path, z="max")
        np.testing.assert_array_equal(movie.frame(1)[0], data[2:4].max(axis=0)[..., 0])
    # The library gives zeros for a frame that is absent.
    path = write_nd2(tmp_path / "b.nd2", data, loops, leave_out=[2])
    with pytest.raises(ReaderError, match=r"the plane of frame 1, channel 0, z 0 is absent"):
        open_movie(path, z="max")


def test_loop_of_unknown_meaning_is_asked_for(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(3, 4, 4, 1), [("X", 3)])
    with pytest.raises(ExperimentError, match=r'length 3 is.*Set movie\.axes: "TYX"'):
        open_movie(path)
    assert open_movie(path, axes="TYX").n_frames == 3


def test_recording_until_stopped_loses_no_frame(tmp_path: Path) -> None:
    data = frames(5, 4, 4, 1)
    for name, loops in (("a.nd2", ()), ("b.nd2", [("T", 0)])):
        path = write_nd2(tmp_path / name, data, loops)
        with pytest.raises(ExperimentError, match=r'length 5 is.*Set movie\.axes: "TYX"'):
            open_movie(path)
        movie = open_movie(path, axes="TYX", frame_interval_s=2)
        np.testing.assert_array_equal([movie.frame(t)[0] for t in range(5)], data[..., 0])


def test_more_frames_than_the_loops_account_for(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(5, 4, 4, 1), [("T", 3)])
    with pytest.warns(MetadataWarning, match=r"holds 5 images, but its loops account for 3"):
        assert open_movie(path).n_frames == 3


def test_two_loops_over_time_are_refused(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(6, 4, 4, 1), [("T", 3), ("N", 2)])
    with pytest.raises(ReaderError, match=r"found the loops TimeLoop, NETimeLoop"):
        open_movie(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eCompression": 1}, r"found lossy compression"),
        ({"uiComp": 6}, r"found a colour picture"),
        ({"uiWidth": 500_000}, r"images of 4 × 500000 pixels.*fit neither rows of 16 bytes"),
        ({"uiHeight": 0}, r"images of 0 × 4 pixels"),
        ({"uiHeight": 4_000_000_000}, r"nor the file's \d+ bytes"),
    ],
)
def test_frames_that_cannot_be_read(tmp_path: Path, change: dict[str, int], message: str) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 2), attributes=change)
    with pytest.raises(ReaderError, match=message):
        open_movie(path)


def test_more_frames_than_a_file_can_hold(tmp_path: Path) -> None:
    data = frames(1, 4, 4, 1)
    path = write_nd2(tmp_path / "a.nd2", data, [("T", 4_000_000_000)])
    with pytest.raises(ReaderError, match=r"expected the 4000000000 images.*found 1\. It is"):
        open_movie(path)
    path = write_nd2(tmp_path / "b.nd2", data, leave_out=[0])
    with pytest.raises(ReaderError, match=r"expected the 1 images.*found 0"):
        open_movie(path)


def test_metadata_that_cannot_be_decoded(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 1), times_s=[0])
    content = bytearray(path.read_bytes())
    where = content.index("dTimeAbsolute".encode("utf-16-le"))
    content[where - 2] = 10  # a type that is not used
    path.write_bytes(content)
    with pytest.raises(ReaderError, match=r"truncated or damaged"):
        open_movie(path)


def test_damage_of_one_frame_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(3, 4, 4, 1), [("T", 3)], compressed=True)
    movie = open_movie(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"ImageDataSeq|1!")
    content[at] = 0
    path.write_bytes(content)
    movie.frame(0)
    with pytest.raises(ReaderError, match=r"image 1 cannot be read.*ImageDataSeq\|1!.*\(frame 1\)"):
        movie.frame(1)
    content[at] = ord("I")
    data = at + 4072 + 8
    content[data : data + 40] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(ReaderError, match=r"image 1 cannot be read.*while decompressing"):
        movie.frame(1)


def test_frame_with_too_few_pixels(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 1), attributes={"uiHeight": 5})
    with pytest.raises(ReaderError, match=r"expected 40 bytes of pixels, found 32"):
        open_movie(path).frame(0)


def test_file_that_is_gone(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 1))
    movie = open_movie(path)
    path.unlink()
    with pytest.raises(ReaderError, match=r"can no longer be read"):
        movie.frame(0)


def test_frame_that_is_absent_is_never_zeros(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 1))
    pages = Nd2Pages((0,), (None,), (4, 4), np.dtype("<u2"), 1, 8)
    with pytest.raises(ReaderError, match=r"the file does not hold this frame"):
        next(StoredPlanes(path, pages).read([0]))


def test_file_that_shrinks_while_it_is_read() -> None:
    class Shrinking(BytesIO):
        def read(self, *args: int) -> bytes:
            return b""

    with pytest.raises(OSError, match=r"expected 4 bytes at 2, found 0"):
        read_exactly(Shrinking(bytes(8)), 2, 4)
    with pytest.raises(OSError, match=r"expected 9 bytes at 2, but the file ends at 8"):
        read_exactly(BytesIO(bytes(8)), 2, 9)


def test_map_of_the_chunks(tmp_path: Path) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(3, 4, 4, 1), [("T", 3)])
    chunks = read_chunks(path)
    assert n_images(chunks) == 3
    assert image_chunk(chunks, 3) is None
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ReaderError, match=r"no map of its chunks"):
        open_movie(path)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_nd2(tmp_path / "a.nd2", frames(1, 4, 4, 1))
    monkeypatch.setitem(sys.modules, "nd2", None)
    with pytest.raises(ReaderError, match=r'needs the package nd2.*"zincflux\[formats\]"'):
        open_movie(path)


def test_packages_of_vendors_are_imported_only_when_needed() -> None:
    code = (
        "import sys, zincflux.readers\n"
        "sys.exit(str({'nd2', 'liffile', 'oiffile', 'dask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
