"""Free zinc of every pixel, exported as OME-Zarr."""

import numpy as np
import pytest

from runs import finished
from zincflux import open_movie, read_results, zinc_images
from zincflux.columns import FLAGS
from zincflux.export import EXPORTS, export_results
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
