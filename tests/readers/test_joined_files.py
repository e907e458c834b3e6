"""Files joined in time, and Olympus OIF."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import image_j, ome_stamped, pixels, write_oif

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie
from zincflux.readers.oif import started


def write(
    path: Path, n: int = 2, *, pixel: float = 0.5, shape=(12, 10), dtype="u2", **meta
) -> Path:
    tifffile.imwrite(
        path,
        pixels(n, *shape, dtype=dtype),
        imagej=True,
        resolution=(1 / pixel, 1 / pixel),
        metadata={"axes": "TYX", "unit": "um", **meta},
    )
    return path


def test_each_file_starts_one_interval_after_the_one_before(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a.tif", 3, finterval=2.0),
        write(tmp_path / "b.tif", 1),
        write(tmp_path / "c.tif", 2, finterval=5.0),
    ]
    movie = open_movie(paths)
    np.testing.assert_allclose(movie.time_s, [0, 2, 4, 6, 8, 13])
    np.testing.assert_array_equal(movie.frame(5), tifffile.imread(paths[2])[1:])
    assert movie.source.paths == tuple(paths)
    assert "3 files joined in time, each one frame interval after" in describe(paths)["format"]


def test_times_must_be_known_in_every_file(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.tif", finterval=2.0), write(tmp_path / "b.tif")]
    assert open_movie(paths).time_s is None
    assert [item["key"] for item in describe(paths)["missing"]] == ["movie.frame_interval_s"]
    np.testing.assert_allclose(open_movie(paths, frame_interval_s=3).time_s, [0, 3, 6, 9])


def test_single_frames_need_an_interval(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.tif", 1) for n in range(3)]
    assert open_movie(paths).time_s is None


def test_list_of_one_and_list_of_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", finterval=2.0)
    assert open_movie([path]).source.format == "ImageJ TIFF"
    with pytest.raises(Exception, match="at least 1 item"):
        open_movie([])


def test_pixels_are_widened_to_a_common_type(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.tif", dtype="u1"), write(tmp_path / "b.tif", dtype="u2")]
    with pytest.warns(MetadataWarning, match="differ in their saturation level"):
        movie = open_movie(paths)
    assert movie.frame(0).dtype == movie.frame(3).dtype == np.uint16
    assert movie.saturation_level == 255


def test_exposure_is_joined(tmp_path: Path) -> None:
    path = ome_stamped(tmp_path).path
    movie = open_movie([path, path])
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 6)
    np.testing.assert_allclose(movie.time_s, [0, 2, 5, 7.5, 9.5, 12.5])


def test_unlike_files_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a.tif")
    with pytest.raises(ReaderError, match=r"frames of the shape \(1, 12, 10\).*found \(1, 9, 10\)"):
        open_movie([first, write(tmp_path / "b.tif", shape=(9, 10))])
    with pytest.raises(ReaderError, match=r"pixel size 0\.5 µm .*found 0\.6 µm"):
        open_movie([first, write(tmp_path / "c.tif", pixel=0.6)])


def test_other_channel_names_are_told(tmp_path: Path) -> None:
    paths = []
    for n, names in enumerate((["CFP", "YFP"], ["YFP", "CFP"])):
        folder = tmp_path / str(n)
        folder.mkdir()
        path = image_j(folder).path
        tifffile.imwrite(
            path, pixels(3, 2, 20, 24), imagej=True, metadata={"axes": "TCYX", "Labels": names * 3}
        )
        paths.append(path)
    with pytest.warns(MetadataWarning, match="named YFP, CFP, those of the first file CFP, YFP"):
        open_movie(paths)


@pytest.fixture
def _oiffile() -> None:
    pytest.importorskip("oiffile", reason="needs zincflux[formats]")


@pytest.mark.usefixtures("_oiffile")
class TestOif:
    def test_metadata(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(3, 2, 12, 10))
        movie = open_movie(path)
        assert movie.channels == ("Fluo-4", "CHS2")
        assert (movie.bit_depth, movie.saturation_level) == (12, 4095)
        assert movie.source.format == "Olympus OIF"
        assert len(movie.source.paths) == 7
        assert started(path).isoformat() == "2021-01-21T18:20:54.500000"

    def test_interval_that_was_not_kept_is_told(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(3, 1, 12, 10), end_ms=4400)
        with pytest.warns(MetadataWarning, match=r"set to 2 s, .* taken 2\.2 s apart"):
            movie = open_movie(path)
        np.testing.assert_allclose(movie.time_s, [0, 2, 4])
        assert open_movie(path, frame_interval_s=2).time_s[1] == 2

    def test_single_frame_has_no_interval(self, tmp_path: Path) -> None:
        assert open_movie(write_oif(tmp_path, pixels(1, 1, 12, 10))).time_s is None

    @pytest.mark.parametrize(("second", "warns"), [("18:21:00", False), ("18:21:20", True)])
    def test_gap_between_files_is_told(self, tmp_path: Path, second: str, warns: bool) -> None:
        paths = [
            write_oif(tmp_path, pixels(3, 1, 12, 10), name="a.oif"),
            write_oif(tmp_path, pixels(3, 1, 12, 10), name="b.oif", started=f"2021-01-21 {second}"),
        ]
        if warns:
            with pytest.warns(MetadataWarning, match=r"were started at 0\.0, 26\.0 s"):
                movie = open_movie(paths)
        else:
            movie = open_movie(paths)
        np.testing.assert_allclose(movie.time_s, np.arange(6) * 2)
        open_movie(paths, frame_interval_s=2)

    def test_files_without_a_date_are_joined(self, tmp_path: Path) -> None:
        paths = [
            write_oif(tmp_path, pixels(2, 1, 12, 10), name=f"{n}.oif", started="once")
            for n in range(2)
        ]
        assert open_movie(paths).n_frames == 4

    def test_mixed_dates_are_not_compared(self, tmp_path: Path) -> None:
        paths = [
            write_oif(
                tmp_path, pixels(2, 1, 12, 10), name=f"{n}.oif", started=f"2021-01-2{n}{zone}"
            )
            for n, zone in enumerate(("T10:00:00+00:00", ""))
        ]
        assert open_movie(paths).n_frames == 4

    def test_aborted_recording_is_cut(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(3, 2, 12, 10))
        for c in (1, 2):
            (tmp_path / "cell.oif.files" / f"s_C00{c}T003.tif").unlink()
        with pytest.warns(MetadataWarning, match="announces 3 frames but holds 2"):
            assert open_movie(path).n_frames == 2

    def test_hole_is_refused(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(3, 2, 12, 10))
        (tmp_path / "cell.oif.files" / "s_C002T002.tif").unlink()
        with pytest.raises(ReaderError, match="plane of frame 1, channel 1, z 0 is absent"):
            open_movie(path)

    def test_folder_without_images(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(1, 1, 12, 10))
        (tmp_path / "cell.oif.files" / "s_C001T001.tif").unlink()
        with pytest.raises(ReaderError, match=r"expected images such as s_C001T001\.tif"):
            open_movie(path)

    def test_stack_in_one_file_is_refused(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(1, 1, 12, 10))
        tifffile.imwrite(
            tmp_path / "cell.oif.files" / "s_C001T001.tif",
            pixels(2, 12, 10),
            metadata={"axes": "TYX"},
        )
        with pytest.raises(ReaderError, match="expected one image in each file"):
            open_movie(path)

    def test_folder_is_absent(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(1, 1, 12, 10))
        (tmp_path / "cell.oif.files").rename(tmp_path / "elsewhere")
        with pytest.raises(ReaderError, match=r"its folder cell\.oif\.files beside it"):
            open_movie(path)

    def test_axes_that_are_not_read(self, tmp_path: Path) -> None:
        path = write_oif(
            tmp_path,
            pixels(1, 1, 12, 10),
            change={'AxisOrder="XYCT"': 'AxisOrder="XYLT"', 'AxisCode="C"': 'AxisCode="L"'},
        )
        with pytest.raises(ReaderError, match="axes T, C, Z, Y, X, found TLYX"):
            open_movie(path)

    def test_axes_that_are_not_named(self, tmp_path: Path) -> None:
        path = write_oif(tmp_path, pixels(1, 1, 12, 10), change={"AxisOrder": "Axes"})
        with pytest.raises(ReaderError, match="expected an OIF file that names its axes"):
            open_movie(path)


def test_oiffile_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_oif(tmp_path, pixels(1, 1, 12, 10))
    monkeypatch.setitem(sys.modules, "oiffile", None)
    with pytest.raises(ReaderError, match=r'pip install "zincflux\[formats\]"'):
        open_movie(path)
