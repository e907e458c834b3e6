"""OME-Zarr and MetaSeries folders that nobody on this project made."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from zincflux.errors import ExperimentError, MetadataWarning
from zincflux.readers import describe, open_movie

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize(
    ("name", "axes", "shape"),
    [
        ("3d_testing/xyt/3d_dataset", "TYX", [4, 64, 64]),
        ("4d_testing/xyct/4d_dataset", "TCYX", [4, 3, 64, 64]),
        ("5d_testing/5d_dataset", "TCZYX", [4, 3, 16, 64, 64]),
    ],
)
def test_both_versions_hold_the_same(realdata: Path, name: str, axes: str, shape: list) -> None:
    zarr = pytest.importorskip("zarr", reason="needs zincflux[formats]")
    z = "max" if "Z" in axes else None
    movies = []
    for version in (4, 5):
        path = realdata / "ome-zarr-fixtures" / f"{name}_v{version}.ome.zarr"
        found = describe(path, z=z)
        assert (found["axes"], found["shape"]) == (axes, shape)
        # The files name no units, so that a scale of 1 says nothing.
        assert [item["key"] for item in found["missing"]] == [
            "movie.pixel_size_um",
            "movie.frame_interval_s",
        ]
        movies.append(open_movie(path, z=z))
        whole = zarr.open_array(str(path / "0"), mode="r")[...]
        expected = whole.max(axis=2) if z else whole.reshape(4, -1, 64, 64)
        for t in range(4):
            np.testing.assert_array_equal(movies[-1].frame(t), expected[t])
    assert movies[0].channels == movies[1].channels
    for t in range(4):
        np.testing.assert_array_equal(movies[0].frame(t), movies[1].frame(t))


def test_names_of_channels_and_planes(realdata: Path) -> None:
    pytest.importorskip("zarr", reason="needs zincflux[formats]")
    path = realdata / "ome-zarr-fixtures/5d_testing/5d_dataset_v5.ome.zarr"
    with pytest.raises(ExperimentError, match=r"found 16 planes in z"):
        open_movie(path)
    movie = open_movie(path, z=3)
    assert movie.channels == ("lynEGFP", "NLStdTomato", "lynEGFP_2")


def test_collection_of_bioformats2raw(realdata: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="needs zincflux[formats]")
    folder = realdata / "ome-zarr-fixtures/bioformats2raw_testing"
    path = folder / "bf2raw_dataset_v5.ome.zarr"
    with pytest.warns(MetadataWarning, match=r"holds 2 scenes \(0, 1\); the first is read"):
        open_movie(path)
    for scene in (0, 1):
        movie = open_movie(path, scene=scene)
        # From the OME-XML: the metadata of the images name no unit.
        assert movie.pixel_size_um == 1
        expected = zarr.open_array(str(path / str(scene) / "0"), mode="r")[...]
        np.testing.assert_array_equal(movie.frame(0)[0], expected)
        np.testing.assert_array_equal(open_movie(path / str(scene)).frame(0)[0], expected)


@pytest.mark.parametrize("inner", ["", "1well-3C-2S-Zmix-T", "1well-3C-2S-Zmix-T/2024-04-22/1697"])
def test_metaseries_folder(realdata: Path, inner: str) -> None:
    path = realdata / "imagexpress-metaseries" / inner
    found = describe(path, scene=1)
    assert found["scenes"] == ["C07 site 1", "C07 site 2"]
    assert (found["axes"], found["shape"]) == ("TCYX", [2, 3, 256, 256])
    assert found["channels"] == ["FITC", "Cy3", "Texas Red"]
    assert found["pixel_size_um"] == pytest.approx(13.55, abs=0.001)
    assert found["time_s"] == pytest.approx([0, 5.577])
    assert (found["bit_depth"], found["missing"]) == (16, [])
    movie = open_movie(path, scene=1)
    np.testing.assert_allclose(movie.exposure_s, [[0.08, 0.1, 0.005]] * 2)
    for t in range(2):
        for c in range(3):
            (file,) = path.rglob(f"TimePoint_{t + 1}/*_s2_w{c + 1}*.tif")
            np.testing.assert_array_equal(movie.frame(t)[c], tifffile.imread(file))


def test_metaseries_by_pattern(realdata: Path) -> None:
    """The names hold an identifier of each file, which a pattern cannot pass over."""
    folder = realdata / "imagexpress-metaseries/1well-3C-2S-Zmix-T/2024-04-22/1697"
    first = sorted((folder / "TimePoint_1").glob("*_s1_w1*.tif"))[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        movie = open_movie(first)
    assert (movie.source.format, movie.channels) == ("MetaSeries TIFF", ("FITC",))
    assert movie.pixel_size_um == pytest.approx(13.5504)
