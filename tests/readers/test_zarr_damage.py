"""OME-Zarr that is damaged, incomplete or made to harm: one message, and nothing worse."""

import bz2
import contextlib
import gzip
import json
import lzma
import os
import resource
import shutil
import struct
import sys
import warnings
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from recordings import PIXEL_UM, pixels
from zarrs import (
    change,
    compressor,
    multiscale,
    omero,
    write_array,
    write_group,
    write_image,
)

from zincflux.errors import MetadataWarning, ReaderError, ZincfluxError
from zincflux.readers import open_movie, zarr_places

zarr = pytest.importorskip("zarr", reason="needs zincflux[formats]")

DATA = pixels(3, 2, 20, 24)
SCALE = [2, 1, PIXEL_UM, PIXEL_UM]
OME = ("attributes", "ome")
IMAGE = (*OME, "multiscales", 0)


@pytest.fixture
def dish(tmp_path):
    return write_image(tmp_path / "dish.ome.zarr", DATA, scale=SCALE, omero=omero("a", "b"))


@pytest.fixture
def old_dish(tmp_path):
    return write_image(tmp_path / "old.ome.zarr", DATA, scale=SCALE, version="0.4")


@contextlib.contextmanager
def little_memory():
    """Let nothing large be allocated: 1 GB above what there is."""
    if not sys.platform.startswith("linux"):
        yield
        return
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**30, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


# Metadata


@pytest.mark.parametrize("name", ["zarr.json", "0/zarr.json"])
@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2]", "null", '{"a": ' * 5000, "\udcff"], ids=range(6)
)
def test_broken_json(dish, name, text):
    (dish / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReaderError, match=r"expected (JSON|a JSON object|data|Zarr)"):
        open_movie(dish)


@pytest.mark.parametrize("name", [".zattrs", ".zarray"])
def test_broken_json_of_old_versions(old_dish, name):
    file = old_dish / name if name == ".zattrs" else old_dish / "0" / name
    file.write_text("{", encoding="utf-8")
    with pytest.raises(ReaderError, match=r"expected (JSON|data)"):
        open_movie(old_dish)


def test_metadata_without_end(dish, monkeypatch):
    monkeypatch.setattr(zarr_places, "LARGEST_JSON_BYTES", 2**20)
    (dish / "zarr.json").write_text(" " * (2**20 + 1), encoding="utf-8")
    with pytest.raises(ReaderError, match=r"expected metadata, found more than 1 MB"):
        open_movie(dish)


@pytest.mark.parametrize("value", [1, "x", [], {}, [1], [{}]])
@pytest.mark.parametrize(
    "key",
    [
        OME,
        (*OME, "multiscales"),
        (*OME, "omero"),
        (*OME, "omero", "channels"),
        (*IMAGE, "axes"),
        (*IMAGE, "datasets"),
        (*IMAGE, "datasets", 0, "path"),
        (*IMAGE, "datasets", 0, "coordinateTransformations"),
        (*IMAGE, "datasets", 0, "coordinateTransformations", 0, "scale"),
        (*IMAGE, "axes", 0, "unit"),
        (*IMAGE, "axes", 2, "name"),
    ],
)
def test_values_of_any_other_kind(dish, key, value):
    """Whatever stands where something else should: the pixels, or one message."""
    change(dish / "zarr.json", *key, to=value)
    with contextlib.suppress(ZincfluxError), warnings.catch_warnings():
        warnings.simplefilter("ignore", MetadataWarning)
        np.testing.assert_array_equal(open_movie(dish).frame(1), DATA[1])


@pytest.mark.parametrize(
    "path",
    ["../../secret", "0/../../secret", "/etc", "..", "", ".", "0//1", "a\\..\\b", "C:/x", "a:b"],
)
def test_paths_that_lead_out(dish, tmp_path, path):
    write_array(tmp_path / "secret", DATA)
    change(dish / "zarr.json", *IMAGE, "datasets", 0, "path", to=path)
    with pytest.raises(ReaderError, match=r"expected metadata that name a folder below this one"):
        open_movie(dish)


@pytest.mark.parametrize("what", ["well", "image", "series"])
def test_collections_that_lead_out(tmp_path, what):
    root = tmp_path / "plate.zarr"
    write_image(tmp_path / "secret", DATA)
    if what == "series":
        write_group(root, {"bioformats2raw.layout": 3})
        write_group(root / "OME", {"series": ["../secret"]})
    else:
        well = "../secret" if what == "well" else "A/1"
        write_group(root, {"plate": {"wells": [{"path": well}]}})
        write_group(root / "A/1", {"well": {"images": [{"path": "../../../secret"}]}})
    with pytest.raises(ReaderError, match=r"expected metadata that name a folder below"):
        open_movie(root)


def test_axes_that_do_not_fit(dish):
    described = multiscale("tyx", None)
    write_group(dish, {"multiscales": [described]})
    with pytest.raises(ReaderError, match=r"metadata that name 4 different axes, Y and X among"):
        open_movie(dish)
    write_group(dish, {"multiscales": [multiscale("tcyy", None)]})
    with pytest.raises(ReaderError, match=r"metadata that name 4 different axes"):
        open_movie(dish)


def test_no_arrays_are_listed(dish):
    write_group(dish, {"multiscales": [multiscale("tcyx", None) | {"datasets": []}]})
    with pytest.raises(ReaderError, match=r"expected metadata that name the array of the image"):
        open_movie(dish)


def test_a_group_without_images(tmp_path):
    path = write_group(tmp_path / "a.zarr", {})
    with pytest.raises(ReaderError, match=r"found a group that lists none"):
        open_movie(path)


def test_an_image_of_a_collection_without_metadata(tmp_path):
    root = write_group(tmp_path / "c.zarr", {"bioformats2raw.layout": 3})
    write_group(root / "0", {})
    with pytest.raises(ReaderError, match=r"found no metadata of one"):
        open_movie(root)
    shutil.rmtree(root / "0")
    write_array(root / "0", DATA)
    with pytest.raises(ReaderError, match=r"found no metadata of one"):
        open_movie(root)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_array_is_absent(tmp_path, version):
    path = write_image(tmp_path / "a.zarr", DATA, version=version)
    shutil.rmtree(path / "0")
    with pytest.raises(ReaderError, match=r"expected an array of Zarr, found none there"):
        open_movie(path)


# Arrays


@pytest.mark.parametrize("dtype", ["complex64", "datetime64[s]", "S4"])
def test_pixels_that_are_no_numbers(tmp_path, dtype):
    path = write_group(tmp_path / "a.zarr", {"multiscales": [multiscale("tcyx", None)]}, "0.4")
    zarr.create_array(
        store=zarr.storage.LocalStore(path / "0"),
        shape=DATA.shape,
        dtype=dtype,
        chunks=(1, 1, 20, 24),
        zarr_format=2,
    )
    with pytest.raises(ReaderError, match=r"expected (pixels that are real numbers|data|one of)"):
        open_movie(path)


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ([10**9, 2, 20, 24], [1, 1, 20, 24]),
        ([3, 2, 10**7, 10**7], [1, 1, 20, 24]),
        ([3, 2, 10**6, 10**6], [1, 1, 10**6, 10**6]),
        ([3, 2, 20, 24], [10**6, 10**6, 20, 24]),
        ([2**24, 2, 1, 1], [2**24, 2, 1, 1]),
        ([3, 2, 20, 0], [1, 1, 20, 24]),
        ([24], [24]),
        ([-3, 2, 20, 24], [1, 1, 20, 24]),
        ([3.5, 2, 20, 24], [1, 1, 20, 24]),
        ([3, 2, 20, 24], [0, 0, 0, 0]),
        ([3, 2, 20, 24], [1]),
        ([2**70, 2, 20, 24], [2**70, 1, 20, 24]),
    ],
)
def test_absurd_shapes(dish, shape, chunks):
    change(dish / "0/zarr.json", "shape", to=shape)
    change(dish / "0/zarr.json", "chunk_grid", "configuration", "chunk_shape", to=chunks)
    with little_memory(), pytest.raises(ReaderError, match=r"expected"):
        open_movie(dish)


def test_a_shape_beyond_what_is_there(dish):
    change(dish / "0/zarr.json", "shape", to=[10**6, 2, 20, 24])
    with pytest.warns(MetadataWarning, match=r"announces 1000000 frames but holds 3"):
        movie = open_movie(dish)
    assert movie.n_frames == 3


def test_codec_that_nobody_knows(dish, old_dish):
    change(dish / "0/zarr.json", "codecs", to=[{"name": "magic"}])
    with pytest.raises(ReaderError, match=r"expected one of the codecs .*found 'magic'"):
        open_movie(dish)
    change(old_dish / "0/.zarray", "compressor", to={"id": "magic"})
    with pytest.raises(ReaderError, match=r"expected one of the codecs .*found 'magic'"):
        open_movie(old_dish)


@pytest.mark.parametrize("codecs", ["bytes", {}, ["bytes"], [None], [{}], [[]], []])
def test_codecs_that_are_none(dish, codecs):
    change(dish / "0/zarr.json", "codecs", to=codecs)
    with pytest.raises(ReaderError, match=r"expected (data|one of)"):
        open_movie(dish).frame(0)


def test_no_compression(tmp_path):
    for version in ("0.4", "0.5"):
        path = write_image(tmp_path / version, DATA, version=version, compressors=None)
        np.testing.assert_array_equal(open_movie(path).frame(2), DATA[2])


@pytest.mark.parametrize("key", ["compressor", "filters"])
def test_codec_that_runs_programs(old_dish, tmp_path, key):
    """Pickle is a codec of numcodecs."""
    pickle = {"id": "pickle"}
    change(old_dish / "0/.zarray", key, to=pickle if key == "compressor" else [pickle])
    with pytest.raises(ReaderError, match=r"expected one of the codecs .*found 'pickle'"):
        open_movie(old_dish)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_blosc_whose_header_is_wrong(tmp_path, version):
    """Without the guard these end the interpreter."""
    codec = compressor("blosc", version)
    path = write_image(tmp_path / "a.zarr", DATA, version=version, compressors=codec)
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.frame(0), DATA[0])
    file = path / ("0/c/0/0/0/0" if version == "0.5" else "0/0.0.0.0")
    whole = file.read_bytes()
    for place, new in {0: 1, 3: 0, 7: 255, 11: 255, 15: 255, 6: 200, 8: 1}.items():
        file.write_bytes(whole[:place] + bytes([new]) + whole[place + 1 :])
        with pytest.raises(ReaderError, match=r"header of a Blosc chunk does|blosc decompression"):
            movie.frame(0)
    # Blocks so small that their places alone would fill more than the chunk.
    for damaged in (whole[:-1], whole[:8] + bytes([1, 0, 0, 0]) + whole[12:], b""):
        file.write_bytes(damaged)
        with pytest.raises(ReaderError, match=r"header of a Blosc chunk does not fit it"):
            movie.frame(0)


def test_blosc_in_shards(tmp_path):
    options = {"chunks": (1, 1, 10, 12), "shards": (1, 1, 20, 24)}
    codec = compressor("blosc", "0.5")
    path = write_array(tmp_path / "a.zarr", DATA, compressors=codec, **options)
    movie = open_movie(path, axes="TCYX")
    np.testing.assert_array_equal(movie.frame(1), DATA[1])
    file = path / "c/1/0/0/0"
    data = bytearray(file.read_bytes())
    data[7] = 255
    file.write_bytes(data)
    with pytest.raises(ReaderError, match=r"header of a Blosc chunk does not fit it"):
        movie.frame(1)


PACKERS = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "bz2": bz2.compress,
    "lzma": lzma.compress,
    "zstd": imagecodecs.zstd_encode,
    "lz4": lambda data: struct.pack("<I", len(data)) + imagecodecs.lz4_encode(data),
    "blosc": lambda data: imagecodecs.blosc_encode(data, compressor="lz4"),
}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("name", PACKERS)
def test_chunks_that_unpack_to_far_more_than_they_hold(tmp_path, name, version):
    """As little of a chunk's size is needed as 2 MB here; a real one goes on to any size."""
    if version == "0.4":
        path = write_image(tmp_path / "a.zarr", DATA, version=version, compressors=None)
        change(path / "0/.zarray", "compressor", to={"id": name})
    else:
        path = write_image(tmp_path / "a.zarr", DATA, version=version, compressors=None)
        codec = name if name in ("gzip", "zstd", "blosc") else f"numcodecs.{name}"
        endian = {"name": "bytes", "configuration": {"endian": "little"}}
        change(path / "0/zarr.json", "codecs", to=[endian, {"name": codec, "configuration": {}}])
    pack, movie = PACKERS[name], open_movie(path)
    for c in range(2):
        file = path / (f"0/c/0/{c}/0/0" if version == "0.5" else f"0/0.{c}.0.0")
        if not file.exists():
            file = path / f"0/0/{c}/0/0"
        file.write_bytes(pack(DATA[0, c].tobytes()))
    np.testing.assert_array_equal(movie.frame(0), DATA[0])
    file.write_bytes(pack(bytes(2**21)))
    with pytest.raises(ReaderError, match=r"unpacks to more|announces|Zstd|ZSTD|Blosc chunk"):
        movie.frame(0)
    if name not in ("lz4", "blosc"):
        file.write_bytes(pack(DATA[0, 1].tobytes())[:-9])
        with pytest.raises(ReaderError, match=r"expected data that can be read"):
            movie.frame(0)


def test_codec_of_another_kind(dish):
    gzip = {"name": "gzip", "configuration": {"level": 1}}
    endian = {"name": "bytes", "configuration": {"endian": "little"}}
    change(dish / "0/zarr.json", "codecs", to=[endian, gzip])
    movie = open_movie(dish)
    with pytest.raises(ReaderError, match=r"expected data that can be read, found them damaged"):
        movie.frame(0)


@pytest.mark.parametrize("size", [0, 5, -3])
def test_a_chunk_that_is_cut(dish, size):
    movie = open_movie(dish)
    file = dish / "0/c/1/0/0/0"
    file.write_bytes(file.read_bytes()[:size])
    np.testing.assert_array_equal(movie.frame(0), DATA[0])
    with pytest.raises(ReaderError, match=r"expected data that can be read.*\(frame 1\)"):
        movie.frame(1)


def test_a_chunk_of_the_wrong_size(dish, tmp_path):
    other = write_array(tmp_path / "other", DATA[:, :, :10])
    shutil.copy(other / "c/0/0/0/0", dish / "0/c/0/0/0/0")
    with pytest.raises(ReaderError, match=r"expected data that can be read"):
        open_movie(dish).frame(0)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_that_go_round(dish):
    (dish / "0/c/loop").symlink_to(dish / "0/c", target_is_directory=True)
    (dish / "0/c/more").symlink_to("more")
    np.testing.assert_array_equal(open_movie(dish).frame(1), DATA[1])
    shutil.rmtree(dish / "0/c/1")
    (dish / "0/c/1").symlink_to("1")
    with pytest.warns(MetadataWarning, match=r"2 of 6 chunks are absent"):
        movie = open_movie(dish)
    with pytest.raises(ReaderError, match=r"expected data that can be read.*symbolic links"):
        movie.frame(1)
    shutil.rmtree(dish / "0")
    (dish / "0").symlink_to("0")
    with pytest.raises(ReaderError, match=r"expected data that can be read"):
        open_movie(dish)


def test_a_folder_that_cannot_be_listed(dish, monkeypatch):
    def fail(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(ReaderError, match=r"expected a folder that can be read.*Permission denied"):
        zarr_places.Place.of(dish).keys()


def test_zarr_is_not_installed(dish, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ReaderError, match=r"needs the package zarr.*\"zincflux\[formats\]\""):
        open_movie(dish)


# Anything


def _harm(path: Path, rng: np.random.Generator) -> None:
    """Flip bytes of a file, cut or remove it, or put another one in its place."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size)
    # As often metadata as pixels, of which there are more.
    metadata = [file for file in files if file.suffix == ".json" or file.name.startswith(".z")]
    chosen = files if rng.random() < 0.5 else metadata
    file = chosen[rng.integers(len(chosen))]
    data = bytearray(file.read_bytes())
    match rng.integers(5):
        case 0:
            for place in rng.integers(len(data), size=rng.integers(1, 9)):
                data[place] = rng.integers(256)
            file.write_bytes(data)
        case 1:
            file.write_bytes(data[: rng.integers(len(data))])
        case 2:
            file.unlink()
        case 3:
            file.write_bytes(files[rng.integers(len(files))].read_bytes())
        case 4:
            # Numbers and names that are still JSON.
            digits = [n for n, byte in enumerate(data) if chr(byte).isdigit()]
            for place in rng.choice(digits or [0], 2):
                data[place] = rng.integers(48, 58)
            file.write_bytes(data)


def _fuzz(folder: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    version = ("0.4", "0.5")[seed % 2]
    codec = compressor(("blosc", "gzip", "zstd")[seed // 2 % 3], version)
    path = write_image(
        *(folder / "a.zarr", DATA),
        scale=SCALE,
        version=version,
        omero=omero("a", "b"),
        compressors=codec,
    )
    if seed % 3 == 0:
        root = write_group(folder / "p.zarr", {"well": {"images": [{"path": "a"}]}}, version)
        shutil.move(path, root / "a")
        path = root
    for _ in range(rng.integers(1, 4)):
        _harm(path, rng)
    with warnings.catch_warnings(), little_memory():
        warnings.simplefilter("ignore")
        try:
            movie = open_movie(path)
        except ZincfluxError as error:
            assert len(str(error)) < 2000  # noqa: PT017
            return
        for t in range(movie.n_frames):
            with contextlib.suppress(ReaderError):
                assert movie.frame(t).shape == movie.data.shape[1:]


@pytest.mark.parametrize("seed", range(40))
def test_damage_at_random(tmp_path, seed):
    _fuzz(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40, 240))
def test_more_damage_at_random(tmp_path, seed):
    _fuzz(tmp_path, seed)


def test_damage_from_the_command_line(dish, monkeypatch, capsys):
    from zincflux import cli

    (dish / "zarr.json").write_text("{", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["zincflux", "info", str(dish)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "zarr.json: expected JSON, found it broken" in err
    assert json.loads((dish / "0/zarr.json").read_text(encoding="utf-8"))
