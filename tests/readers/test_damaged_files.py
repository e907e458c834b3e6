"""Files that are cut or have bytes flipped: one error each, soon, with bounded memory."""

import random
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import mm_files
import pytest
import recordings
from recordings import Recording, oif, pixels
from vendor_files import VENDOR, czi_tiles, czi_xml, write_czi

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie

MOST_SECONDS = 5.0
"""For one file of a few kB; each takes milliseconds, and a loop without end takes more."""


def czi_jpeg_xr(folder: Path) -> Recording:
    data = pixels(3, 2, 20, 24)
    tiles = czi_tiles(data, compression=4)
    return Recording(write_czi(folder / "dish.czi", tiles, xml=czi_xml()), data)


TIFFS = (
    recordings.ome,
    recordings.ome_stamped,
    recordings.ome_companion,
    recordings.image_j,
    recordings.plain,
    recordings.big_endian,
    recordings.big_tiff,
    recordings.compressed,
    recordings.tiled,
    recordings.tiled_uncompressed,
    recordings.strips,
    recordings.one_page_many_planes,
    recordings.stk,
    *mm_files.STACKS,
)

FORMATS: dict[Callable[[Path], Recording], str] = {
    **VENDOR,
    oif: "oiffile",
    czi_jpeg_xr: "imagecodecs",
    **dict.fromkeys(TIFFS, "tifffile"),
}


def damaged(good: bytes, number: int) -> bytes:
    """Cut a file at random, or flip 1, 3 or 30 of its bytes, half of them near its ends."""
    rng = random.Random(number)
    if number % 4 == 0:
        return good[: rng.randrange(len(good))]
    content = bytearray(good)
    for _ in range(rng.choice((1, 3, 30))):
        near = rng.randrange(min(len(content), 2000))
        place = rng.choice((rng.randrange(len(content)), near, len(content) - 1 - near))
        flipped = content[place] ^ (1 << rng.randrange(8))
        content[place] = rng.choice((0, 255, rng.randrange(256), flipped))
    return bytes(content)


def open_damaged(recording: Recording, content: bytes) -> str:
    recording.path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MetadataWarning)
        try:
            movie = open_movie(recording.path, **{"scene": 0, "z": "max"} | recording.keys)
            for t in range(min(movie.n_frames, 20)):
                movie.frame(t)
            describe(recording.path)
        except (ReaderError, ExperimentError) as error:
            return type(error).__name__
    return "read"


def check_variants(write: Callable[[Path], Recording], folder: Path, numbers: range) -> None:
    pytest.importorskip(FORMATS[write], reason="needs zincflux[formats]")
    recording = write(folder)
    good = recording.path.read_bytes()
    assert open_damaged(recording, good) == "read"
    outcomes: Counter[str] = Counter()
    for number in numbers:
        started = time.perf_counter()
        outcomes[open_damaged(recording, damaged(good, number))] += 1
        assert time.perf_counter() - started < MOST_SECONDS, number
    # A flipped pixel goes unseen, a cut file does not.
    assert outcomes["ReaderError"] >= len(numbers) // 4


@pytest.mark.slow
@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_damage_is_one_error(write: Callable[[Path], Recording], tmp_path: Path) -> None:
    check_variants(write, tmp_path, range(40))


@pytest.mark.slow
@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_damage_is_one_error_in_200_variants(
    write: Callable[[Path], Recording], tmp_path: Path
) -> None:
    check_variants(write, tmp_path, range(40, 240))


# The text of an OIF has no end to be missed; its pixels are in other files.
@pytest.mark.parametrize(
    "write", [write for write in FORMATS if write is not oif], ids=lambda write: write.__name__
)
def test_every_cut_is_noticed(write: Callable[[Path], Recording], tmp_path: Path) -> None:
    """A file without its last quarter is never read as a shorter recording without a word."""
    pytest.importorskip(FORMATS[write], reason="needs zincflux[formats]")
    recording = write(tmp_path)
    good = recording.path.read_bytes()
    assert open_damaged(recording, good[: len(good) * 3 // 4]) == "ReaderError"


@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_file_of_a_vendor_that_is_empty(write: Callable[[Path], Recording], tmp_path: Path) -> None:
    pytest.importorskip(FORMATS[write], reason="needs zincflux[formats]")
    path = write(tmp_path).path
    path.write_bytes(b"")
    with pytest.raises(ReaderError, match=r"found an empty file"):
        open_movie(path)
