"""OME-Zarr over addresses that fsspec opens."""

import functools
import http.server
import os
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from recordings import PIXEL_UM, pixels
from zarrs import write_group, write_image

from zincflux.errors import ReaderError
from zincflux.opening import default_out
from zincflux.readers import MovieInput, describe, open_movie
from zincflux.readers.zarr_places import Place, filesystem, fingerprint

pytest.importorskip("zarr", reason="needs zincflux[formats]")
fsspec = pytest.importorskip("fsspec", reason="needs zincflux[formats]")

DATA = pixels(3, 2, 20, 24)
SCALE = [2, 1, PIXEL_UM, PIXEL_UM]


def upload(path: Path, address: str) -> str:
    fs, root = filesystem(address)
    for file in filter(Path.is_file, path.rglob("*")):
        fs.pipe_file(f"{root}/{file.relative_to(path).as_posix()}", file.read_bytes())
    return address


@pytest.fixture(params=["0.4", "0.5"])
def address(request, tmp_path):
    path = write_image(tmp_path / "dish.zarr", DATA, scale=SCALE, version=request.param)
    yield upload(path, "memory://bucket/dish.zarr")
    fsspec.filesystem("memory").rm("/bucket", recursive=True)


@pytest.fixture
def server(tmp_path):
    """Address of a web server on this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("ending", ["", "/"])
def test_memory(address, ending):
    movie = open_movie(address + ending)
    np.testing.assert_array_equal(movie.frame(1), DATA[1])
    assert (movie.pixel_size_um, movie.time_s[1]) == (PIXEL_UM, 2)
    assert (movie.source.paths, movie.source.name) == ((), address)
    assert describe(address + ending)["path"] == address + ending


def test_gaps_are_seen_where_the_store_lists_its_objects(address):
    fs, root = filesystem(address)
    last = [key for key in fs.find(root) if "/c/2/" in key or "/2." in key]
    for key in last:
        fs.rm_file(key)
    with pytest.warns(UserWarning, match=r"announces 3 frames but holds 2"):
        assert open_movie(address).n_frames == 2


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_web_server(tmp_path, server, version):
    pytest.importorskip("aiohttp", reason="needs zincflux[formats]")
    write_image(tmp_path / "dish.zarr", DATA, scale=SCALE, version=version)
    movie = open_movie(f"{server}/dish.zarr")
    np.testing.assert_array_equal(movie.frame(2), DATA[2])
    # No list of what is there, so that gaps show only as the value that Zarr gives them.
    shutil.rmtree(tmp_path / "dish.zarr/0")
    with pytest.raises(ReaderError, match=r"dish\.zarr/0"):
        open_movie(f"{server}/dish.zarr")


def test_collection_on_a_web_server(tmp_path, server):
    pytest.importorskip("aiohttp", reason="needs zincflux[formats]")
    root = write_group(tmp_path / "plate.zarr", {"plate": {"wells": [{"path": "A/1"}]}})
    write_group(root / "A/1", {"well": {"images": [{"path": "0"}, {"path": "1"}]}})
    for n in range(2):
        write_image(root / f"A/1/{n}", DATA + n)
    assert describe(f"{server}/plate.zarr", scene=1)["scenes"] == ["A/1/0", "A/1/1"]
    np.testing.assert_array_equal(open_movie(f"{server}/plate.zarr/A/1/1").frame(0), DATA[0] + 1)


def test_nothing_there(server, address):
    for place in (f"{server}/nothing.zarr", "memory://bucket/nothing.zarr"):
        with pytest.raises(ReaderError, match=r"expected Zarr, found no zarr\.json"):
            open_movie(place)


def test_no_server():
    pytest.importorskip("aiohttp", reason="needs zincflux[formats]")
    with pytest.raises(ReaderError, match=r"damaged, incomplete or out of reach \(Cannot connect"):
        open_movie("http://127.0.0.1:9/dish.zarr")


def test_unknown_kind_of_address():
    with pytest.raises(ReaderError, match=r"expected an address such as s3://… or https://…"):
        open_movie("gopher2://lab/dish.zarr")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("fsspec.core", r"needs the package fsspec.*pip install \"zincflux\[formats\]\""),
        ("s3fs", r"cannot be opened: Install s3fs.*pip install \"zincflux\[formats\]\""),
    ],
)
def test_packages_that_are_not_installed(monkeypatch, module, message):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ReaderError, match=message):
        open_movie("s3://no-such-bucket-of-zincflux/dish.zarr")


def test_an_address_stays_as_it_is_in_settings(tmp_path):
    settings = MovieInput.parse({"path": "s3://lab/{t}.zarr"}, where="movie", folder=tmp_path)
    assert settings.path == "s3://lab/{t}.zarr"
    assert default_out("s3://lab/dish1.ome.zarr/") == Path("dish1")


def test_fingerprint_tells_a_change(address):
    before = fingerprint(address)
    assert fingerprint(f"{address}/") == before
    fs, root = filesystem(address)
    fs.pipe_file(f"{root}/0/more", b"x")
    assert fingerprint(address) != before


@pytest.mark.parametrize(
    "key", ["ETag", "etag", "md5Hash", "generation", "mtime", "LastModified", "size"]
)
def test_fingerprint_takes_what_the_store_tells(address, monkeypatch, key):
    """Google, Azure, S3 and others name their tags in ways of their own."""
    fs, _ = filesystem(address)

    def find(value):
        return lambda path, detail: {"a": {"name": "a", "size": 7} | {key: value}}

    monkeypatch.setattr(type(fs), "find", staticmethod(find(1)))
    before = fingerprint(address)
    assert fingerprint(address) == before
    monkeypatch.setattr(type(fs), "find", staticmethod(find(2)))
    assert fingerprint(address) != before
    monkeypatch.undo()  # for the end of the address


def test_fingerprint_tells_pixels_written_anew(address):
    before = fingerprint(address)
    fs, root = filesystem(address)
    chunk = next(key for key in fs.find(root) if "/c/1/" in key or "/1." in key)
    fs.pipe_file(chunk, fs.cat_file(chunk)[::-1])
    assert fingerprint(address) != before


def test_fingerprint_of_the_images_of_a_web_server(tmp_path, server):
    pytest.importorskip("aiohttp", reason="needs zincflux[formats]")
    root = write_group(tmp_path / "plate.zarr", {"plate": {"wells": [{"path": "A/1"}]}})
    write_group(root / "A/1", {"well": {"images": [{"path": "field"}, {"path": "../.."}]}})
    path = write_image(root / "A/1/field", DATA, scale=SCALE)
    seen = {fingerprint(f"{server}/plate.zarr")}
    assert {fingerprint(f"{server}/plate.zarr")} == seen
    file = path / "0/zarr.json"
    file.write_text(file.read_text(encoding="utf-8") + " ", encoding="utf-8")
    seen.add(fingerprint(f"{server}/plate.zarr"))
    os.utime(file, (10**9, 10**9))  # written anew, to the same
    seen.add(fingerprint(f"{server}/plate.zarr"))
    assert len(seen) == 3
    bare = write_group(tmp_path / "bare.zarr", {"bioformats2raw.layout": 3})
    seen.add(fingerprint(f"{server}/bare.zarr"))
    write_image(bare / "0", DATA)
    seen.add(fingerprint(f"{server}/bare.zarr"))
    (bare / "zarr.json").write_text("{", encoding="utf-8")
    seen.add(fingerprint(f"{server}/bare.zarr"))
    assert len(seen) == 6


def test_no_more_is_loaded_than_metadata_may_be(address, monkeypatch):
    fs, _ = filesystem(address)
    asked, cat_file = [], type(fs).cat_file

    def watched(self, path, start=None, end=None, **options):
        asked.append((start, end))
        return cat_file(self, path, start=start, end=end, **options)

    monkeypatch.setattr(type(fs), "cat_file", watched)
    Place.of(address).read("zarr.json")
    assert asked == [(0, 2**26 + 1)]


def test_fingerprint_of_a_web_server(tmp_path, server):
    pytest.importorskip("aiohttp", reason="needs zincflux[formats]")
    path = write_image(tmp_path / "dish.zarr", DATA, scale=SCALE)
    before = fingerprint(f"{server}/dish.zarr")
    write_group(path, {"multiscales": []})
    assert fingerprint(f"{server}/dish.zarr") != before


def test_metadata_that_are_no_metadata(monkeypatch, address):
    monkeypatch.setattr("zincflux.readers.zarr_places.LARGEST_JSON_BYTES", 10)
    with pytest.raises(ReaderError, match=r"expected metadata, found more than 0 MB"):
        Place.of(address).read_json("zarr.json") or Place.of(address).read_json(".zattrs")
