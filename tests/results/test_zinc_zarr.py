"""Free zinc of every pixel, exported as OME-Zarr."""

import json

import numpy as np
import pytest

from runs import finished
from zincflux import open_movie, read_results, zinc_images
from zincflux.columns import FLAGS
from zincflux.export import EXPORTS, export_results, iter_export
from zincflux.pipeline import ZincImages
from zincflux.readers import open_labels

pytest.importorskip("zarr")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return finished(tmp_path_factory)[1].out


def test_the_images_are_stored_with_the_reasons(done, tmp_path):
    assert "nM" in EXPORTS["zinc-zarr"].meaning
    path = export_results(done, "zinc-zarr", tmp_path / "zinc.ome.zarr")
    movie, images = open_movie(path), zinc_images(read_results(done))
    assert movie.channels == ("zinc (nM)",)
    assert movie.pixel_size_um == 1.0
    np.testing.assert_allclose(movie.time_s, np.arange(40) * 5.0)
    why = open_labels(path / "labels/no_number", (40, 64, 64))
    for t in (0, 12, 25):
        image = images[t]
        np.testing.assert_allclose(movie.frame(t)[0], image.zinc_nM, rtol=1e-6)
        np.testing.assert_array_equal(why[t], np.maximum(image.reason.astype(int) - 1, 0))
    assert (why[25] == 1 + [*FLAGS].index("below_min")).any()


def test_it_is_shown_over_the_zinc_that_is_told_well(done, tmp_path):
    path = export_results(done, "zinc-zarr", tmp_path / "zinc.ome.zarr")
    told = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
    (channel,) = told["ome"]["omero"]["channels"]
    least = read_results(done).run["reach"]["zinc_ranges_nM"][0]
    assert (channel["window"]["start"], channel["window"]["end"]) == pytest.approx(
        (least["low_nM"], least["high_nM"])
    )
    assert told["zincflux"] == {"made": "zinc"}


def test_each_image_is_made_once_and_counted(done, tmp_path, monkeypatch):
    made = []
    make = ZincImages.__getitem__
    monkeypatch.setattr(ZincImages, "__getitem__", lambda self, t: made.append(t) or make(self, t))
    steps = list(iter_export(done, "zinc-zarr", tmp_path / "zinc.ome.zarr"))
    assert made == list(range(40))
    written = [step for step in steps if step.stage == "zinc images" and step.total == 40]
    assert [step.done for step in written] == list(range(1, 41))


def test_label_images_need_not_be_in_memory(done):
    whole, lazy = read_results(done), read_results(done, labels=False)
    assert lazy.labels is None
    assert len(lazy.label_images) == len(whole.label_images) == 1
    np.testing.assert_array_equal(lazy.label_images[0], whole.label_images[0])
    np.testing.assert_array_equal(
        zinc_images(lazy)[3].zinc_nM, zinc_images(whole)[3].zinc_nM, strict=True
    )
    with pytest.raises(IndexError):
        lazy.label_images[1]
