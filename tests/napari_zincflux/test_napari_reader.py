import re
from importlib.resources import files
from pathlib import Path

import pytest

from napari_zincflux import reader
from napari_zincflux.reader import get_reader

pytest.importorskip("dask.array", reason="comes with napari")


@pytest.fixture
def results(tmp_path):
    for name in reader.RESULT_FILES:
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("ending", reader.MOVIE_ENDINGS)
def test_every_claimed_ending_is_in_the_manifest_and_the_other_way_round(ending):
    manifest = (files("napari_zincflux") / "napari.yaml").read_text(encoding="utf-8")
    claimed = re.findall(r'- "\*(\..+)"', manifest)
    assert sorted(claimed) == sorted([*reader.MOVIE_ENDINGS, ".zarr"])
    assert get_reader(f"dish{ending}") is reader.read_movie_file


def zarr_folder(tmp_path, content, name):
    folder = tmp_path / "dish.zarr"
    folder.mkdir()
    (folder / name).write_text(content, encoding="utf-8")
    return folder


AXES_04 = '{"multiscales": [{"axes": [{"name": "%s"}, {"name": "y"}, {"name": "x"}]}]}'
AXES_05 = '{"attributes": {"ome": {"multiscales": [{"axes": [{"name": "%s"}]}]}}}'


@pytest.mark.parametrize(
    ("name", "content", "accepted"),
    [
        (".zattrs", AXES_04 % "t", True),
        (".zattrs", AXES_04 % "c", False),
        (".zattrs", '{"multiscales": [{"axes": ["t", "y", "x"]}]}', True),
        ("zarr.json", AXES_05 % "t", True),
        ("zarr.json", AXES_05 % "z", False),
        ("zarr.json", '{"attributes": {"ome": {"plate": {}}}}', False),
        ("zarr.json", "[1, 2]", False),
        ("zarr.json", "not json", False),
    ],
)
def test_only_ome_zarr_with_a_time_axis_is_accepted(tmp_path, name, content, accepted):
    folder = zarr_folder(tmp_path, content, name)
    assert get_reader(str(folder)) is (reader.read_movie_file if accepted else None)


@pytest.mark.parametrize("name", ["dish.oif", "DISH.OIF"])
def test_formats_are_accepted_by_name(name):
    assert get_reader(name) is reader.read_movie_file
    assert get_reader([name]) is reader.read_movie_file


def test_results_folder_is_accepted(results):
    assert get_reader(str(results)) is reader.read_results_folder


def test_folder_that_is_no_results_is_declined(results):
    (results / "run.json").unlink()
    assert get_reader(str(results)) is None


@pytest.mark.parametrize(
    "path", ["dish.tif", "dish.ome.tif", "dish.png", ["a.oif", "b.oif"], "missing-folder"]
)
def test_anything_else_is_declined(path):
    assert get_reader(path) is None


def test_several_paths_cannot_be_read_at_once():
    with pytest.raises(ValueError, match=r"expected one path, found 2\. Open them one by one"):
        reader.read_movie_file(["a.oif", "b.oif"])


@pytest.mark.parametrize(
    ("name", "title"),
    [("a/dish 1.nd2", "dish 1"), ("d.companion.ome", "d"), ("d.OME.zarr", "d"), ("x.zarr", "x")],
)
def test_layers_are_named_after_the_file(name, title):
    assert reader._title(Path(name)) == title


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore::zincflux.errors.MetadataWarning")
def test_real_oif(realdata):
    path = next(realdata.glob("hek-fluo4-oif/**/*.oif"))
    read = get_reader(str(path))
    ((data, options, kind),) = read(str(path))
    assert kind == "image"
    assert data.ndim == 3
    assert options["units"] == ("s", "µm", "µm")
    assert options["scale"] == pytest.approx((1.0, 0.274, 0.274), rel=0.02)
