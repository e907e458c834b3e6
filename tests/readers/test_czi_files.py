"""Zeiss CZI: scenes, tiles, times, compression, and what is no recording."""

from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from recordings import PIXEL_UM, STAMPS, pixels
from vendor_files import czi, czi_tiles, czi_xml, write_czi

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie
from zincflux.readers.formats import reader_of


def test_scenes_are_not_merged(tmp_path: Path) -> None:
    data = pixels(2, 3, 20, 24)
    # Both scenes at the same place, as in a subset made by ZEN.
    path = write_czi(
        tmp_path / "a.czi", czi_tiles(data, "ST"), xml=czi_xml(scenes=("A1", ""), channels=("c",))
    )
    with pytest.warns(MetadataWarning, match=r"2 scenes \(A1, scene 1\).*movie\.scene"):
        movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(2)[0], data[0, 2])
    movie = open_movie(path, scene=1)
    assert movie.source.scenes == ("A1", "scene 1")
    np.testing.assert_array_equal(movie.frame(2)[0], data[1, 2])
    with pytest.raises(ExperimentError, match=r"expected a number from 0 to 1"):
        open_movie(path, scene=2)


@pytest.mark.parametrize(
    ("dtype", "compression"),
    # High and low bytes are stored apart (6) only of 16 bits.
    [*product(["u1", "u2", "f4"], [0, 4, 5]), ("u2", 6)],
)
def test_compressions_and_types(tmp_path: Path, dtype: str, compression: int) -> None:
    data = pixels(2, 2, 37, 41, dtype=dtype)
    path = write_czi(tmp_path / "a.czi", czi_tiles(data, compression=compression))
    movie = open_movie(path)
    assert movie.data.dtype == np.dtype(dtype)
    for t in range(2):
        np.testing.assert_array_equal(movie.frame(t), data[t])


@pytest.mark.parametrize(
    "options", [None, "zstd0:ExplicitLevel=3", "zstd1:ExplicitLevel=2;PreProcess=HiLoByteUnpack"]
)
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_files_written_by_zeiss_library(tmp_path: Path, options: str | None, dtype: str) -> None:
    library = pytest.importorskip("pylibCZIrw.czi", reason="needs zincflux[test]")
    data = pixels(2, 3, 2, 40, 44, dtype=dtype)
    path = tmp_path / "a.czi"
    with library.create_czi(str(path), compression_options=options) as file:
        for s, t, c in np.ndindex(2, 3, 2):
            file.write(
                data[s, t, c][..., None],
                location=(1000 * s + 7, 5),
                plane={"T": t, "C": c},
                scene=s,
            )
        size_m = PIXEL_UM * 1e-6
        file.write_metadata("a", channel_names={0: "CFP", 1: "YFP"}, scale_x=size_m, scale_y=size_m)
    for scene in range(2):
        movie = open_movie(path, scene=scene)
        assert movie.channels == ("CFP", "YFP")
        assert movie.pixel_size_um == pytest.approx(PIXEL_UM)
        assert movie.data.dtype == np.dtype(dtype)
        for t in range(3):
            np.testing.assert_array_equal(movie.frame(t), data[scene, t])


def test_tiles_make_up_a_scene(tmp_path: Path) -> None:
    data = pixels(2, 30, 40)
    tiles: list[dict[str, Any]] = []
    for t in range(2):
        for m, (y, x) in enumerate(((0, 0), (0, 18), (14, 0), (14, 18))):
            image = data[t, y : y + 16, x : x + 22]
            tiles.append({"image": image, "x": x - 5, "y": y + 9, "place": {"T": t, "M": m}})
    # A smaller copy for display covers the whole.
    tiles.append({"image": data[0, ::2, ::2], "shrink": 2, "x": -5, "y": 9, "place": {"T": 0}})
    movie = open_movie(write_czi(tmp_path / "a.czi", tiles))
    assert movie.frame_shape == (30, 40)
    for t in range(2):
        np.testing.assert_array_equal(movie.frame(t)[0], data[t])


@pytest.mark.parametrize(
    "gap",
    # A corner; one that other tiles make up for in number; a tile in the second frame only.
    [{(0, 1, 1)}, {(1, 1, 1)}, {(0, 0, 1), (1, 0, 1)}],
)
def test_gaps_between_tiles_are_told(tmp_path: Path, gap: set[tuple[int, int, int]]) -> None:
    places = list(product(range(2), range(2), range(2)))
    tiles = [
        {"image": pixels(10, 12) + 1, "y": 10 * y, "x": 12 * x, "place": {"T": t, "M": 2 * y + x}}
        for t, y, x in places
        if (t, y, x) not in gap
    ]
    with pytest.warns(MetadataWarning, match=r"scene of 20 × 24 pixels; .* covers read as 0"):
        movie = open_movie(write_czi(tmp_path / "a.czi", tiles))
    t, y, x = min(gap)
    assert not movie.frame(t)[0, 10 * y : 10 * y + 10, 12 * x : 12 * x + 12].any()


def test_gap_that_the_area_of_the_tiles_hides(tmp_path: Path) -> None:
    places = [(0, 0), (0, 12), (10, 0), (1, 0), (2, 3), (10, 10)]
    tiles = [
        {"image": pixels(10, 12), "y": y, "x": x, "place": {"M": m}}
        for m, (y, x) in enumerate(places)
    ]
    with pytest.warns(MetadataWarning, match=r"covers read as 0"):
        open_movie(write_czi(tmp_path / "a.czi", tiles))


def test_of_tiles_that_overlap_the_last_is_on_top(tmp_path: Path) -> None:
    low, high = np.full((10, 10), 5, np.uint16), np.full((10, 10), 9, np.uint16)
    tiles = [
        {"image": high, "x": 6, "place": {"T": 0, "M": 1}},
        {"image": low, "place": {"T": 0, "M": 0}},
    ]
    frame = open_movie(write_czi(tmp_path / "a.czi", tiles)).frame(0)[0]
    np.testing.assert_array_equal(frame[0], [5] * 6 + [9] * 10)


def test_axis_of_unknown_meaning_is_asked_for(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", czi_tiles(pixels(3, 10, 12), "H"))
    with pytest.raises(ExperimentError, match=r"what its axis of length 3"):
        open_movie(path)
    assert open_movie(path, axes="TYX").n_frames == 3


@pytest.mark.parametrize("letter", ["B", "Q"])
def test_dimension_that_is_not_read_is_not_painted_over(tmp_path: Path, letter: str) -> None:
    path = write_czi(tmp_path / "a.czi", czi_tiles(pixels(2, 3, 10, 12), f"{letter}T"))
    with pytest.raises(ReaderError, match=rf"found 2 positions of the dimension {letter}"):
        open_movie(path)
    path = write_czi(tmp_path / "b.czi", czi_tiles(pixels(1, 3, 10, 12), f"{letter}T"))
    assert open_movie(path).n_frames == 3


def test_z_stack(tmp_path: Path) -> None:
    data = pixels(2, 3, 10, 12)
    path = write_czi(tmp_path / "a.czi", czi_tiles(data, "TZ"))
    with pytest.raises(ExperimentError, match=r"found 3 planes in z\. Set movie\.z"):
        open_movie(path)
    np.testing.assert_array_equal(open_movie(path, z="max").frame(1)[0], data[1].max(axis=0))
    np.testing.assert_array_equal(open_movie(path, z=2).frame(1)[0], data[1, 2])


def test_times_of_the_tiles_the_list_or_the_pace(tmp_path: Path) -> None:
    data = pixels(3, 10, 12)
    pace = "<T><Positions><Interval><Increment>4.5</Increment></Interval></Positions></T>"
    tiles = czi_tiles(data, "T")
    path = write_czi(tmp_path / "a.czi", tiles, xml=czi_xml(extra=pace))
    np.testing.assert_allclose(open_movie(path).time_s, [0, 4.5, 9])
    # Stamps that are not one for each frame are not taken.
    path = write_czi(tmp_path / "b.czi", tiles, xml=czi_xml(extra=pace), stamps_s=[1, 2])
    np.testing.assert_allclose(open_movie(path).time_s, [0, 4.5, 9])
    path = write_czi(tmp_path / "c.czi", tiles, xml=czi_xml(extra=pace), stamps_s=STAMPS)
    np.testing.assert_allclose(open_movie(path).time_s, STAMPS)
    path = write_czi(tmp_path / "d.czi", tiles, stamps_s=[])
    assert open_movie(path).time_s is None


def test_times_of_scenes_are_their_own(tmp_path: Path) -> None:
    data = pixels(3, 2, 10, 12)
    tiles = czi_tiles(data, "TS")
    for tile in tiles:
        t, s = tile["place"]["T"], tile["place"]["S"]
        second = 10 * t + (t + 1) * s
        tile["xml"] = f"<AcquisitionTime>2020-09-13T12:26:{second:02}Z</AcquisitionTime>"
    path = write_czi(tmp_path / "a.czi", tiles, stamps_s=[1, 2, 3])
    np.testing.assert_allclose(open_movie(path, scene=0).time_s, [0, 10, 20])
    np.testing.assert_allclose(open_movie(path, scene=1).time_s, [0, 11, 22])


def test_dates_that_cannot_be_read(tmp_path: Path) -> None:
    tiles = czi_tiles(
        pixels(3, 10, 12), "T", xml="<AcquisitionTime>yesterday, at noon</AcquisitionTime>"
    )
    path = write_czi(tmp_path / "a.czi", tiles)
    assert open_movie(path).time_s is None
    assert reader_of(path).started(path) is None


def test_channels_and_their_exposure(tmp_path: Path) -> None:
    path = czi(tmp_path).path
    movie = open_movie(path)
    np.testing.assert_allclose(movie.exposure_s, [[0.1, 0.2]] * 3)
    assert movie.channels == ("FluoZin-3", "H2B")
    # Where the number of names does not fit, none is taken.
    few = write_czi(
        tmp_path / "b.czi", czi_tiles(pixels(1, 2, 9, 9)), xml=czi_xml(channels=("one",))
    )
    assert open_movie(few).channels == ("C0", "C1")
    assert open_movie(few).exposure_s is None
    # A subset keeps the numbers of its channels.
    tiles = [{"image": pixels(9, 9), "place": {"C": 1}}]
    kept = write_czi(tmp_path / "c.czi", tiles, xml=czi_xml())
    assert open_movie(kept).channels == ("H2B",)


def test_what_the_file_does_not_say_is_missing(tmp_path: Path) -> None:
    path = write_czi(tmp_path / "a.czi", czi_tiles(pixels(3, 10, 12), "T"))
    keys = [item["key"] for item in describe(path)["missing"]]
    assert keys == ["movie.pixel_size_um", "movie.frame_interval_s"]
    assert open_movie(path).saturation_level == 65535


def test_start_of_the_recording(tmp_path: Path) -> None:
    path = czi(tmp_path).path
    expected = datetime(2020, 9, 13, 12, 26, 40, 123456, tzinfo=UTC)
    assert reader_of(path).started(path) == expected


def test_recording_that_was_stopped(tmp_path: Path) -> None:
    data = pixels(3, 2, 10, 12)
    tiles = czi_tiles(data)
    with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2"):
        assert open_movie(write_czi(tmp_path / "a.czi", tiles[:-1])).n_frames == 2
    with pytest.raises(ReaderError, match=r"the plane of frame 1, channel 0, z 0 is absent"):
        open_movie(write_czi(tmp_path / "b.czi", [*tiles[:2], *tiles[3:]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": 3}, r"pixels of type 3 \(colour or complex numbers\)"),
        ({"compression": 1}, r"found compression 1\. Save the file with Zstd"),
        ({"part": 1}, r"a recording that ZEN split into several"),
        ({"shrink": 2}, r"expected images, found none"),
        ({"image": np.zeros((0, 5), np.uint16)}, r"an image of 0 × 5 pixels"),
        ({"place": {"T": 2_000_000_000}}, r"expected the 2000000001 images"),
        ({"x": 2_000_000_000}, r"expected tiles that fill the scene.*Export the part"),
    ],
)
def test_tiles_that_cannot_be_read(tmp_path: Path, change: Any, message: str) -> None:
    good = czi_tiles(pixels(1, 10, 12), "T")
    only_this = set(change) & {"shrink"}
    tiles = [{**good[0], **change}] if only_this else [*good, {**good[0], **change}]
    with pytest.raises(ReaderError, match=message):
        open_movie(write_czi(tmp_path / "a.czi", tiles))


def _write_packed(folder: Path, compression: int, data: bytes, image: np.ndarray) -> Path:
    tile = {"image": image, "place": {"T": 0}, "compression": compression, "data": bytes(data)}
    return write_czi(folder / "a.czi", [tile])


@pytest.mark.parametrize(
    ("compression", "data", "message"),
    [
        (0, bytes(100), r"expected 8192 bytes of pixels, found 100"),
        (5, imagecodecs.zstd_encode(bytes(100)), r"expected 8192 bytes of pixels, found 100"),
        (5, b"", r"0 bytes cannot hold 64 × 64 pixels"),
        (5, b"no Zstd at all", r"image 0 cannot be read"),
        (4, imagecodecs.jpegxr_encode(pixels(32, 32)), r"does not announce 64 × 64 pixels"),
        (4, imagecodecs.jpegxr_encode(pixels(64, 64, dtype="u1")), r"expected \(64, 64\) pixels"),
        (4, b"II\xbc\x01" + bytes([8, 0, 0, 0, 9, 0]), r"its JPEG XR has no header"),
    ],
    ids=range(7),
)
def test_pixels_that_are_damaged(
    tmp_path: Path, compression: int, data: bytes, message: str
) -> None:
    with pytest.raises(ReaderError, match=message):
        open_movie(_write_packed(tmp_path, compression, data, pixels(64, 64))).frame(0)


def test_headers_of_zstd(tmp_path: Path) -> None:
    image = pixels(64, 64)
    packed = imagecodecs.zstd_encode(image.tobytes())
    for header in (b"\x01", b"\x03\x01\x00"):
        path = _write_packed(tmp_path, 6, header + packed, image)
        np.testing.assert_array_equal(open_movie(path).frame(0)[0], image)
    path = _write_packed(tmp_path, 6, b"\x03\x01\x01" + packed, image.astype(np.uint8))
    with pytest.raises(ReaderError, match=r"expected pixels of 2 bytes, found uint8"):
        open_movie(path).frame(0)


def _with_bytes(path: Path, name: bytes, offset: int, new: bytes) -> Path:
    content = bytearray(path.read_bytes())
    at = content.index(name) + offset
    content[at : at + len(new)] = new
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "offset", "new", "message"),
    [
        (b"ZISRAWFILE", 1, b"X", r"expected an image of a format"),
        (b"ZISRAWDIRECTORY", 0, b"X", r"expected its part ZISRAWDIRECTORY"),
        (b"ZISRAWDIRECTORY", 32, b"\xff\xff\xff\x7f", r"announces 2147483647 images"),
        (b"ZISRAWDIRECTORY", 160, b"XX", r"an entry b'XX' of"),
        (b"ZISRAWMETADATA", 32, b"\xff\xff\xff\x7f", r"metadata announces 2147483647 bytes"),
        (b"ZISRAWMETADATA", 32 + 256, b"<!", r"truncated or damaged"),
    ],
)
def test_parts_that_are_damaged(
    tmp_path: Path, name: bytes, offset: int, new: bytes, message: str
) -> None:
    with pytest.raises(ReaderError, match=message):
        open_movie(_with_bytes(czi(tmp_path).path, name, offset, new))


def test_block_that_is_damaged(tmp_path: Path) -> None:
    path = czi(tmp_path).path
    movie = open_movie(path)
    _with_bytes(path, b"ZISRAWSUBBLOCK", 32, b"\xff\xff\xff\xff")
    with pytest.raises(ReaderError, match=r"ZISRAWSUBBLOCK announces \(-1, 0, 960\) bytes"):
        movie.frame(0)
    _with_bytes(path, b"ZISRAWSUBBLOCK", 0, b"X")
    with pytest.raises(ReaderError, match=r"its part ZISRAWSUBBLOCK is absent"):
        movie.frame(0)


def test_entities_are_bounded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    xml = f"{bomb}]><ImageDocument>&j;</ImageDocument>"
    path = write_czi(tmp_path / "a.czi", czi_tiles(pixels(1, 4, 4), "T"), xml=xml)
    with pytest.raises(ReaderError, match=r"truncated or damaged.*amplification"):
        open_movie(path)
    outside = (
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ImageDocument>&a;</ImageDocument>'
    )
    path = write_czi(tmp_path / "b.czi", czi_tiles(pixels(1, 4, 4), "T"), xml=outside)
    with pytest.raises(ReaderError, match=r"undefined entity"):
        open_movie(path)
