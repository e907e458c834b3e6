"""Leica LIF, LOF, XLIF: images, positions, channels, times, and what is no recording."""

import struct
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import PIXEL_UM, STAMPS, pixels
from vendor_files import (
    STARTED_S,
    lif,
    lif_image,
    lof,
    write_lif,
    write_lof,
    write_xlif,
    xlif_lof,
    xlif_tiffs,
)

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.readers import describe, open_movie
from zincflux.readers.formats import reader_of

library = pytest.importorskip("liffile", reason="needs zincflux[formats]")


def test_library_reads_what_the_tests_write(tmp_path: Path) -> None:
    recording = lif(tmp_path)
    with library.LifFile(recording.path) as file:
        assert dict(file.images[0].sizes) == {"T": 3, "C": 2, "Y": 20, "X": 24}
        np.testing.assert_array_equal(file.images[0].asarray(), recording.data)


def test_images_are_scenes(tmp_path: Path) -> None:
    blocks = [pixels(3, 20, 24), pixels(2, 9, 8)]
    images = [
        lif_image(data, axes="TYX", name=f"dish {n}", block=f"MemBlock_{n + 1}")
        for n, data in enumerate(blocks)
    ]
    path = write_lif(tmp_path / "a.lif", images, blocks)
    for scene, data in enumerate(blocks):
        movie = open_movie(path, scene=scene)
        assert movie.source.scenes == ("dish 0", "dish 1")
        np.testing.assert_array_equal([movie.frame(t)[0] for t in range(len(data))], data)
    with pytest.warns(MetadataWarning, match=r"2 scenes \(dish 0, dish 1\).*movie\.scene"):
        open_movie(path)
    with pytest.raises(ExperimentError, match=r"expected a number from 0 to 1"):
        open_movie(path, scene=2)


def test_positions_are_scenes(tmp_path: Path) -> None:
    data = pixels(3, 4, 20, 24)
    for axes in ("PTYX", "TPYX"):
        image = lif_image(data, axes=axes, stamps_s=range(12))
        path = write_lif(tmp_path / f"{axes}.lif", [image], [data])
        n_positions = data.shape[axes.index("P")]
        for position in range(n_positions):
            movie = open_movie(path, scene=position)
            expected = data.take(position, axis=axes.index("P"))
            assert movie.source.scenes[position] == f"dish {position}"
            np.testing.assert_array_equal([f[0] for f in map(movie.frame, range(3))], expected[:3])
            # Whose the stamps are is not known: the pace counts.
            np.testing.assert_allclose(movie.time_s[:3], [0, 2, 4])


@pytest.mark.parametrize(
    ("axes", "shape"), [("CTYX", (2, 3, 20, 24)), ("TYXC", (3, 20, 24, 2)), ("YX", (20, 24))]
)
def test_any_order_of_the_axes(tmp_path: Path, axes: str, shape: tuple[int, ...]) -> None:
    data = pixels(*shape)
    movie = open_movie(write_lif(tmp_path / "a.lif", [lif_image(data, axes=axes)], [data]))
    ordered = np.moveaxis(
        data, [axes.index(a) for a in "TCYX" if a in axes], range(len(axes))
    ).reshape(movie.data.shape)
    for t in range(movie.n_frames):
        np.testing.assert_array_equal(movie.frame(t), ordered[t])
    assert movie.pixel_size_um == pytest.approx(PIXEL_UM)


def test_rows_that_are_filled_up(tmp_path: Path) -> None:
    stored = pixels(2, 9, 16)
    image = lif_image(stored[:, :, :13], axes="TYX")
    movie = open_movie(write_lif(tmp_path / "a.lif", [image], [stored]))
    np.testing.assert_array_equal(movie.frame(1)[0], stored[1, :, :13])


def test_axis_of_unknown_meaning_is_asked_for(tmp_path: Path) -> None:
    data = pixels(3, 9, 8)
    path = write_lif(tmp_path / "a.lif", [lif_image(data, axes="LYX")], [data])
    with pytest.raises(ExperimentError, match=r"what its axis of length 3"):
        open_movie(path)
    assert open_movie(path, axes="CYX").channels == ("C0", "C1", "C2")


def test_z_stack(tmp_path: Path) -> None:
    data = pixels(2, 3, 9, 8)
    path = write_lif(tmp_path / "a.lif", [lif_image(data, axes="TZYX")], [data])
    with pytest.raises(ExperimentError, match=r"found 3 planes in z\. Set movie\.z"):
        open_movie(path)
    np.testing.assert_array_equal(open_movie(path, z="max").frame(1)[0], data[1].max(axis=0))


@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("u2", 12), ("f4", 32)])
def test_types_of_pixels(tmp_path: Path, dtype: str, bits: int) -> None:
    data = pixels(2, 9, 8, dtype=dtype)
    movie = open_movie(
        write_lif(tmp_path / "a.lif", [lif_image(data, axes="TYX", bits=bits)], [data])
    )
    assert movie.data.dtype == np.dtype(dtype)
    assert movie.saturation_level == (None if dtype == "f4" else 2**bits - 1)
    np.testing.assert_array_equal(movie.frame(1)[0], data[1])


def test_times(tmp_path: Path) -> None:
    data = pixels(3, 2, 9, 8)
    image = lif_image(data, stamps_s=[0, 0.1, 2, 2.1, 5, 5.1])
    path = write_lif(tmp_path / "a.lif", [image], [data])
    np.testing.assert_allclose(open_movie(path).time_s, STAMPS)
    assert reader_of(path).started(path) == datetime.fromtimestamp(STARTED_S, UTC)
    # A number of stamps that does not fit: the pace counts.
    path = write_lif(tmp_path / "b.lif", [lif_image(data, stamps_s=[0, 3])], [data])
    np.testing.assert_allclose(open_movie(path).time_s, [0, 2, 4])
    path = write_lif(tmp_path / "c.lif", [lif_image(data)], [data])
    assert reader_of(path).started(path) is None


def test_what_the_file_does_not_say_is_missing(tmp_path: Path) -> None:
    data = pixels(3, 9, 1)
    image = (
        lif_image(data, axes="TYX").replace('Unit="s"', 'Unit=""').replace('Unit="m"', 'Unit=""')
    )
    path = write_lif(tmp_path / "a.lif", [image], [data])
    assert describe(path)["missing"] == [{"what": "pixel size", "key": "movie.pixel_size_um"}]


def test_lof_and_xlif(tmp_path: Path) -> None:
    assert describe(lof(tmp_path).path)["format"] == "Leica LOF"
    found = describe(xlif_lof(tmp_path).path)
    assert found["format"] == "Leica XLIF"
    assert [Path(file).name for file in found["files"]] == ["dish.xlif", "dish.lof"]


def test_project_of_several_files(tmp_path: Path) -> None:
    data = pixels(3, 2, 20, 24)
    write_lof(tmp_path / "one.lof", lif_image(data, name="one"), data)
    write_lof(tmp_path / "two.lof", lif_image(data[::-1].copy(), name="two"), data[::-1].copy())
    path = tmp_path / "all.xlef"
    path.write_text(
        '<?xml version="1.0"?><LMSDataContainerHeader Version="2"><Element Name="all"><Data>'
        '<Experiment/></Data><Children><Reference File="one.lof"/><Reference File="two.lof"/>'
        "</Children></Element></LMSDataContainerHeader>",
        encoding="utf-8",
    )
    movie = open_movie(path, scene=1)
    assert movie.source.scenes == ("one", "two")
    assert [file.name for file in movie.source.paths] == ["all.xlef", "two.lof"]
    np.testing.assert_array_equal(movie.frame(0), data[2])


def test_files_that_are_not_there(tmp_path: Path) -> None:
    recording = xlif_tiffs(tmp_path)
    (tmp_path / "dish--5.tif").unlink()
    with pytest.warns(MetadataWarning, match=r"announces 3 frames but holds 2"):
        open_movie(recording.path)
    for file in tmp_path.glob("*.tif"):
        file.unlink()
    with pytest.raises(ReaderError, match=r"its images are not beside it"):
        open_movie(recording.path)
    recording = xlif_lof(tmp_path)
    (tmp_path / "dish.lof").unlink()
    with pytest.raises(ReaderError, match=r"its pixels in .*dish\.lof, found no such file"):
        open_movie(recording.path)


OUTSIDE = [
    "/etc/x.tif",
    "C:\\x.tif",
    "C:x.tif",
    r"\\host\share\x.tif",
    "../x.tif",
    "a\\..\\..\\x.tif",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_out_of_the_project(tmp_path: Path, name: str) -> None:
    data = pixels(3, 2, 20, 24)
    path = write_xlif(tmp_path / "a.xlif", data, [(name, 0, data.nbytes)])
    with pytest.raises(ReaderError, match=r"expected the name of a file within .*leads out of it"):
        open_movie(path)
    assert _project(tmp_path / "b.xlef", name.replace("\\", "%5C")).exists()
    with pytest.raises(ReaderError, match=r"expected the name of a file within .*leads out of it"):
        open_movie(tmp_path / "b.xlef")


def _project(path: Path, name: str) -> Path:
    path.write_text(
        '<?xml version="1.0"?><LMSDataContainerHeader Version="2"><Element Name="all"><Data>'
        f'<Experiment/></Data><Children><Reference File="{name}"/></Children></Element>'
        "</LMSDataContainerHeader>",
        encoding="utf-8",
    )
    return path


def test_project_that_names_itself(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"a project of at most 8 levels"):
        open_movie(_project(tmp_path / "a.xlef", "a.xlef"))


def test_images_beside_the_folder_of_their_metadata(tmp_path: Path) -> None:
    data = pixels(3, 2, 20, 24)
    write_lof(tmp_path / "dish.lof", lif_image(data), data)
    (tmp_path / "Metadata").mkdir()
    path = write_xlif(tmp_path / "Metadata/a.xlif", data, [("..\\dish.lof", 0, data.nbytes)])
    np.testing.assert_array_equal(open_movie(path).frame(2), data[2])
    movie = open_movie(_project(tmp_path / "b.xlef", "Metadata/a.xlif"))
    np.testing.assert_array_equal(movie.frame(1), data[1])


def test_start_of_one_of_several_images_is_not_that_of_the_first(tmp_path: Path) -> None:
    data = pixels(3, 2, 9, 8)
    images = [
        lif_image(data, name=f"dish {n}", block=f"MemBlock_{n + 1}", stamps_s=range(6))
        for n in range(2)
    ]
    path = write_lif(tmp_path / "a.lif", images, [data, data])
    assert reader_of(path).started(path) is None


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    recording = xlif_tiffs(tmp_path)
    for file in tmp_path.glob("*.tif"):
        tifffile.imwrite(file, pixels(5, 5), metadata=None)
    with pytest.raises(ReaderError, match=r"expected an image of 20 × 24 pixels, found the shape"):
        open_movie(recording.path)
    data = pixels(3, 2, 20, 24)
    path = write_xlif(tmp_path / "b.xlif", data, [("b.ome.tif", 0, data.nbytes)])
    with pytest.raises(ReaderError, match=r"found b\.ome\.tif\. Open that file instead"):
        open_movie(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('ChannelTag="0"', 'ChannelTag="1"', r"found colours \(RGB\)"),
        ('Resolution="16" NameOfMeasuredQuantity="" Min="0" Max="1" Unit="" LUTName="Green" '
         'IsLUTInverted="0" BytesInc="960"', 'Resolution="8" BytesInc="960"', r"of 8, 16 bits"),
        ('Resolution="16"', 'Resolution="99"', r"truncated or damaged"),
        ('NumberOfElements="3"', 'NumberOfElements="0"', r"its axis T is described as"),
        ('NumberOfElements="3"', 'NumberOfElements="4"', r"8 planes of 20 × 24 pixels does not"),
        ('NumberOfElements="24"', 'NumberOfElements="4000000000"', r"does not fit its 5760 bytes"),
        ('NumberOfElements="3"', 'NumberOfElements="4000000000"', r"the 8000000000 images"),
        ('DimID="4"', 'DimID="1"', r"its axis X is described as"),
        ('DimID="1"', 'DimID="3"', r"axes X and Y in 'dish', found Z, Y, T"),
        ('BitInc="0" BytesInc="48"', 'BitInc="0" BytesInc="1"', r"does not fit its 5760 bytes"),
    ],
)  # fmt: skip
def test_descriptions_that_are_wrong(tmp_path: Path, old: str, new: str, message: str) -> None:
    data = pixels(3, 2, 20, 24)
    path = write_lif(tmp_path / "a.lif", [lif_image(data, change={old: new})], [data])
    with pytest.raises(ReaderError, match=message):
        open_movie(path)


def test_scan_of_x_and_z(tmp_path: Path) -> None:
    data = pixels(3, 9, 8)
    path = write_lif(tmp_path / "a.lif", [lif_image(data, axes="TZX")], [data])
    with pytest.raises(ReaderError, match=r"expected images with the axes X and Y.*found X, Z, T"):
        open_movie(path)


def test_channels_at_odd_places(tmp_path: Path) -> None:
    data = pixels(2, 4, 9, 8)
    image = lif_image(data, change={'BytesInc="288"': 'BytesInc="290"'})
    with pytest.raises(ReaderError, match=r"its channels begin at bytes \[0, 144, 290, 432\]"):
        open_movie(write_lif(tmp_path / "a.lif", [image], [data]))


def test_too_many_positions(tmp_path: Path) -> None:
    data = pixels(2, 9, 8)
    image = lif_image(
        data, axes="PYX", change={'NumberOfElements="2"': 'NumberOfElements="9999999"'}
    )
    with pytest.raises(ReaderError, match=r"expected the 9999999 images"):
        open_movie(write_lif(tmp_path / "a.lif", [image], [data]))


def test_files_that_are_cut(tmp_path: Path) -> None:
    path = lif(tmp_path).path
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(ReaderError, match=r"its pixels end at byte \d+, but it ends at byte \d+"):
        open_movie(path)
    path.write_bytes(content[:300])
    with pytest.raises(
        ReaderError, match=r"its header announces \d+ bytes, but it ends at byte 300"
    ):
        open_movie(path)
    path.write_bytes(content[:8])
    with pytest.raises(ReaderError, match=r"expected an image of a format that zincflux reads"):
        open_movie(path)
    path.write_bytes(content[:9] + struct.pack("<I", 0) + content[13:])
    with pytest.raises(ReaderError, match=r"truncated or damaged"):
        open_movie(path)


def test_file_without_images(tmp_path: Path) -> None:
    path = write_lif(tmp_path / "a.lif", [], [])
    with pytest.raises(ReaderError, match=r"expected images, found none"):
        open_movie(path)
    assert reader_of(path).started(path) is None


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lif(tmp_path).path
    monkeypatch.setitem(sys.modules, "liffile", None)
    with pytest.raises(ReaderError, match=r'needs the package liffile.*"zincflux\[formats\]"'):
        open_movie(path)
