"""Labels as ImageJ's regions: they come back, and roifile reads what ImageJ would."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zincflux.errors import ResultsError
from zincflux.readers import open_labels
from zincflux.readers.rois import read_rois
from zincflux.results.rois import write_rois


def two_cells():
    """Squares in two frames; the second cell is only in the second one."""
    images = np.zeros((2, 5, 8), dtype=np.int32)
    images[:, 1:4, :3] = 12
    images[1, 1:4, 4:7] = 7
    return images


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9), st.integers(1, 5)), max_size=12),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_regions_come_back(tmp_path_factory, n_frames, squares):
    """Squares over squares: pieces, holes and corners that touch."""
    images = np.zeros((n_frames, 9, 11), dtype=np.int32)
    images[:, 0, 0] = 1000
    for number, (y, x, size) in enumerate(squares, start=1):
        images[number % n_frames, y : y + size, x : x + size] = number % 4
    path = tmp_path_factory.mktemp("export") / "RoiSet.zip"
    write_rois(images, path)
    labels = open_labels(path, images.shape)
    assert labels.doubts == ()
    assert np.array_equal(np.stack([labels[t] for t in range(n_frames)]), images)


def test_regions_as_imagej_sees_them(tmp_path):
    import roifile

    images = two_cells()
    images[1, 2, 1] = 0
    write_rois(images, tmp_path / "a.zip")
    named = {roi.name: roi for roi in roifile.roiread(tmp_path / "a.zip")}
    assert set(named) == {"12_t1", "12_t2", "7_t2"}
    square = named["12_t1"]
    assert square.roitype == roifile.ROI_TYPE.TRACED
    assert square.coordinates().tolist() == [[0, 1], [3, 1], [3, 4], [0, 4]]
    assert (square.left, square.top, square.right, square.bottom) == (0, 1, 3, 4)
    assert (square.t_position, named["7_t2"].t_position, square.position) == (1, 2, 1)
    ring = named["12_t2"]
    assert ring.composite
    assert len(ring.coordinates(multi=True)) == 2
    write_rois(images[:1], tmp_path / "b.zip")
    (still,) = read_rois(tmp_path / "b.zip")
    assert (still.name, still.frame) == ("12", None)


def test_the_same_labels_give_the_same_bytes(tmp_path):
    for name in ("a.zip", "b.zip"):
        write_rois(two_cells(), tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_images_too_large_for_imagej(tmp_path):
    with pytest.raises(
        ResultsError, match=r"at most 32767 px, .* found 1 × 40000\. Use labels\.ome"
    ):
        write_rois(np.zeros((1, 1, 40000), np.int32), tmp_path / "a.zip")
