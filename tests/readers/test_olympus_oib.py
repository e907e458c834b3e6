"""Olympus OIB: an OIF recording in a compound file."""

import struct
import sys
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import pixels, write_oif
from vendor_files import oib, write_oib, write_ole

from zincflux.errors import MetadataWarning, ReaderError
from zincflux.readers import open_movie
from zincflux.readers.formats import reader_of
from zincflux.readers.ole import find_streams, read_stream

library = pytest.importorskip("oiffile", reason="needs zincflux[formats]")


def _rewrite(folder: Path, change: dict[str, bytes | None]) -> Path:
    """Write an OIB with some of its streams changed or left out."""
    path = oib(folder).path
    with path.open("rb") as handle:
        streams = {name: read_stream(handle, stream) for name, stream in find_streams(path).items()}
    kept = {name: change.get(name, data) for name, data in streams.items()}
    return write_ole(path, {name: data for name, data in kept.items() if data is not None})


def _tiff(data: np.ndarray) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, data, metadata=None)
    return file.getvalue()


def test_library_reads_what_the_tests_write(tmp_path: Path) -> None:
    recording = oib(tmp_path)
    with library.OifFile(recording.path) as file:
        assert (file.axes, file.shape) == ("TCYX", (3, 2, 20, 24))
        image = tifffile.imread(file.open_file("s_C002T003.tif"))
        np.testing.assert_array_equal(image, recording.data[2, 1])


def test_small_and_large_streams_of_any_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    streams = {
        f"s{n}": rng.bytes(n) for n in (0, 1, 63, 64, 65, 4095, 4096, 4097, 100_000, 200_001)
    }
    path = write_ole(tmp_path / "a.bin", streams)
    compound = library.CompoundFile(path)
    found = find_streams(path)
    with path.open("rb") as handle:
        for name, data in streams.items():
            assert read_stream(handle, found[name]) == data
            assert compound.open_file(name).read() == data
    compound.close()


def test_large_images(tmp_path: Path) -> None:
    data = pixels(2, 1, 100, 90)
    source = tmp_path / "source"
    source.mkdir()
    movie = open_movie(write_oib(tmp_path / "a.oib", write_oif(source, data)))
    for t in range(2):
        np.testing.assert_array_equal(movie.frame(t), data[t])


def test_start_of_the_recording(tmp_path: Path) -> None:
    path = oib(tmp_path).path
    assert reader_of(path).started(path) == datetime(2021, 1, 21, 18, 20, 54, 500_000)


def test_images_that_are_absent(tmp_path: Path) -> None:
    # Streams 1 and 2 are the settings and the reference image; the last is C2 of the last frame.
    path = _rewrite(tmp_path, {"Stream00008": None})
    with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2"):
        assert open_movie(path).n_frames == 2


def test_recording_without_images(tmp_path: Path) -> None:
    path = _rewrite(tmp_path, {f"Stream{n:05}": None for n in range(2, 9)})
    with pytest.raises(ReaderError, match=r"expected the 6 images.*found 0"):
        open_movie(path)


def test_images_that_differ(tmp_path: Path) -> None:
    movie = open_movie(_rewrite(tmp_path, {"Stream00008": _tiff(pixels(5, 5))}))
    movie.frame(1)
    with pytest.raises(ReaderError, match=r"expected \(20, 24\) pixels uint16, found \(5, 5\)"):
        movie.frame(2)


def test_image_that_is_a_stack(tmp_path: Path) -> None:
    path = _rewrite(tmp_path, {"Stream00003": _tiff(pixels(3, 20, 24))})
    with pytest.raises(
        ReaderError, match=r"expected one image in each file.*found 1 of shape \(3, 20"
    ):
        open_movie(path)


def test_list_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"truncated or damaged \('OibInfo\.txt'\)"):
        open_movie(_rewrite(tmp_path, {"OibInfo.txt": None}))


def test_compound_file_of_another_name(tmp_path: Path) -> None:
    path = oib(tmp_path).path
    with pytest.raises(ReaderError, match=r"Olympus OIB, if its name ended in \.oib"):
        open_movie(path.rename(tmp_path / "thesis.doc"))


def _with_bytes(path: Path, offset: int, new: bytes) -> Path:
    content = bytearray(path.read_bytes())
    content[offset : offset + len(new)] = new
    path.write_bytes(content)
    return path


def test_chain_that_runs_in_a_circle(tmp_path: Path) -> None:
    path = write_ole(tmp_path / "a.oib", {"OibInfo.txt": bytes(5000)})
    content = path.read_bytes()
    fat = content.index(struct.pack("<4I", 1, 2, 3, 4))
    _with_bytes(path, fat + 4 * 4, struct.pack("<I", 0))
    with pytest.raises(ReaderError, match=r"its chain of sectors is broken after"):
        open_movie(path)
    _with_bytes(path, fat + 4 * 4, struct.pack("<I", 77_777))
    with pytest.raises(ReaderError, match=r"its chain of sectors is broken after"):
        open_movie(path)
    _with_bytes(path, fat + 4 * 4, struct.pack("<I", 0xFFFFFFFE))
    with pytest.raises(ReaderError, match=r"a stream of 5000 bytes has 5 sectors"):
        open_movie(path)


def test_header_that_is_wrong(tmp_path: Path) -> None:
    path = _with_bytes(oib(tmp_path).path, 30, b"\x1f")
    with pytest.raises(ReaderError, match=r"a header of version 3 with sectors of 2\^31 bytes"):
        open_movie(path)


def test_more_tables_than_the_header_names(tmp_path: Path) -> None:
    """Above 6.8 MB the header has no room to name every table of sectors."""
    data = np.random.default_rng(1).bytes(7_200_000)
    path = write_ole(tmp_path / "a.bin", {"large": data})
    with path.open("rb") as handle:
        assert read_stream(handle, find_streams(path)["large"]) == data
    compound = library.CompoundFile(path)
    assert compound.open_file("large").read() == data
    compound.close()


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = oib(tmp_path).path
    monkeypatch.setitem(sys.modules, "oiffile", None)
    with pytest.raises(ReaderError, match=r'needs the package oiffile.*"zincflux\[formats\]"'):
        open_movie(path)
