"""Cellpose and StarDist behind our protocol, tried with stand-ins that have their interface."""

import sys

import numpy as np
import pytest
from scipy import ndimage

import stand_ins
from zincflux import Experiment, analyze
from zincflux.errors import ExperimentError
from zincflux.movie import Movie
from zincflux.segment import Segment
from zincflux.segment.cellpose import Cellpose
from zincflux.segment.stardist import StarDist

SIDE = 140
CENTRES = [(30, 30), (40, 100), (100, 40), (95, 137)]


def field():
    y, x = np.mgrid[:SIDE, :SIDE]
    image = sum(np.hypot(y - cy, x - cx) < 11.5 for cy, cx in CENTRES) * 200.0
    noise = np.random.default_rng(0).normal(100, 4, (SIDE, SIDE))
    return ndimage.gaussian_filter(image, 1) + noise


@pytest.fixture(autouse=True)
def _networks(monkeypatch):
    stand_ins.install(monkeypatch)


@pytest.fixture(params=[Cellpose, StarDist])
def network(request):
    return request.param


def test_cells_are_found_and_numbered(network):
    labels = network(diameter_um=15)(field(), 0.65)
    assert labels.dtype == np.int32
    assert np.unique(labels).tolist() == [0, 1, 2, 3, 4]
    assert np.unique(network(diameter_um=15, exclude_border=True)(field(), 0.65)).size == 4


def test_model_is_loaded_once(network):
    for _ in range(3):
        network(diameter_um=15)(field(), 0.65)
    assert len(stand_ins.CALLS) == 4


def test_cellpose_is_told_the_diameter_in_pixels():
    Cellpose(diameter_um=13, model="mine.pth")(field(), 0.65)
    assert stand_ins.CALLS[0] == {"gpu": False, "pretrained_model": "mine.pth"}
    assert stand_ins.CALLS[1] == {"diameter": pytest.approx(20.0), "dtype": np.float32}


@pytest.mark.parametrize(("diameter_um", "scale"), [(13, None), (39, 0.5), (3.25, 2.0)])
def test_stardist_sees_nuclei_of_a_size_it_knows(diameter_um, scale):
    StarDist(diameter_um=diameter_um)(field(), 0.65)
    assert stand_ins.CALLS[-1]["scale"] == scale
    assert abs(stand_ins.CALLS[-1]["low"]) < 0.05


def test_own_model_of_stardist_is_a_folder(tmp_path):
    (tmp_path / "mine").mkdir()
    StarDist(diameter_um=15, model=str(tmp_path / "mine"))(field(), 0.65)
    assert stand_ins.CALLS[0] == {"name": "mine", "basedir": str(tmp_path)}


def test_missing_pixels_do_no_harm(network):
    image = field()
    image[:5] = np.nan
    assert network(diameter_um=15)(image, 0.65).max() == 4


@pytest.mark.parametrize("blank", [np.zeros((30, 30)), np.full((30, 30), np.nan), np.zeros((0, 9))])
def test_blank_image_is_not_shown_to_the_network(network, blank):
    assert network(diameter_um=15)(blank, 0.65).max(initial=0) == 0
    assert stand_ins.CALLS == []


@pytest.mark.parametrize("method", ["cellpose", "stardist"])
def test_missing_package(monkeypatch, method):
    monkeypatch.setitem(sys.modules, f"{method}.models", None)
    segmenter = Segment(method=method).segmenter()
    with pytest.raises(ExperimentError, match=rf"pip install 'zincflux\[{method}\]'"):
        segmenter(field(), 0.65)


@pytest.mark.parametrize("method", ["cellpose", "stardist"])
def test_missing_model(method):
    segmenter = Segment(method=method, model="missing").segmenter()
    with pytest.raises(ExperimentError, match=r"segment\.model: .*'missing'.*cannot be loaded"):
        segmenter(field(), 0.65)


@pytest.mark.parametrize("method", ["watershed", "otsu"])
def test_model_belongs_to_networks(method):
    with pytest.raises(ExperimentError, match='model has no effect with method = "'):
        Segment.parse({"method": method, "model": "cpsam"}, where="segment")


@pytest.mark.parametrize("method", ["cellpose", "stardist"])
def test_movie_is_analysed_with_a_network(method):
    data = np.stack([field()[None] for _ in range(3)])
    movie = Movie(data, ("dye",), pixel_size_um=0.65, time_s=np.arange(3.0))
    settings = {"movie": {"path": "dish.tif"}, "segment": {"method": method}}
    found = analyze(Experiment.parse(settings, where="test"), movie=movie)
    assert len(found.cells) == 4
