import pytest

from napari_zincflux import reader
from napari_zincflux.reader import get_reader

pytest.importorskip("dask.array", reason="comes with napari")


@pytest.fixture
def results(tmp_path):
    for name in reader.RESULT_FILES:
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("name", ["dish.oif", "DISH.OIF"])
def test_oif_is_accepted_by_name(name):
    assert get_reader(name) is reader.read_movie_file
    assert get_reader([name]) is reader.read_movie_file


def test_results_folder_is_accepted(results):
    assert get_reader(str(results)) is reader.read_results_folder


def test_folder_that_is_no_results_is_declined(results):
    (results / "run.json").unlink()
    assert get_reader(str(results)) is None


@pytest.mark.parametrize("path", ["dish.tif", ["a.oif", "b.oif"], "missing-folder"])
def test_anything_else_is_declined(path):
    assert get_reader(path) is None


def test_several_paths_cannot_be_read_at_once():
    with pytest.raises(ValueError, match=r"expected one path, found 2\. Open them one by one"):
        reader.read_movie_file(["a.oif", "b.oif"])


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
