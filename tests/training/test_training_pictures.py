"""Which pictures are learnt from, and what is said of those that cannot be."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from zincflux import Experiment, analyze
from zincflux.errors import ReaderError
from zincflux.movie import Movie
from zincflux.results import staging, write_results
from zincflux.training.pictures import Picture, part_of, read_pictures, set_aside

LABELS = np.zeros((40, 50), np.uint16)
LABELS[5:15, 5:15], LABELS[5:15, 15:30], LABELS[30:36, 30:36] = 1, 2, 7
IMAGE = (100 + 50 * (LABELS > 0)).astype(np.uint16)


def store(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, pixels in files.items():
        tifffile.imwrite(folder / f"{name}.tif", pixels)
    return folder


@pytest.mark.parametrize("ending", ["_labels", "_label", "_masks"])
@pytest.mark.parametrize("image", ["a", "a_image"])
def test_names_of_pictures_and_labels(tmp_path, ending, image):
    store(tmp_path, **{image: IMAGE, f"a{ending}": LABELS, "alone": IMAGE})
    (tmp_path / "notes.txt").write_text("x")
    (found,) = read_pictures([tmp_path])
    assert found.name == "a"
    np.testing.assert_array_equal(found.image, IMAGE)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.diameter_px == pytest.approx(2 * np.sqrt(100 / np.pi))


def test_several_folders_and_pictures_without_cells(tmp_path):
    one = store(tmp_path / "one", a=IMAGE, a_labels=LABELS, b=IMAGE, b_labels=0 * LABELS)
    two = store(tmp_path / "two", c=IMAGE, c_masks=LABELS)
    assert [picture.name for picture in read_pictures([one, two])] == ["a", "c"]


def test_pictures_of_one_name_are_told_apart(tmp_path):
    folders = [store(tmp_path / day, a=IMAGE, a_labels=LABELS) for day in ("mon", "tue", "wed")]
    assert [picture.name for picture in read_pictures(folders)] == ["a", "a (2)", "a (3)"]


@pytest.mark.parametrize("background", [0, 5])
def test_ids_of_any_size_take_no_memory(tmp_path, background):
    large = np.where(LABELS > 0, 2**31 - 1 - LABELS.astype(np.int64), background).astype(np.uint32)
    (found,) = read_pictures([store(tmp_path, a=IMAGE, a_labels=large)])
    assert found.labels.max() <= 4
    assert ((found.labels > 0) == (large > 0)).all()
    np.testing.assert_array_equal(found.labels == found.labels[6, 6], LABELS == 1)


def test_results_are_pictures_with_their_corrected_cells(tmp_path):
    y, x = np.mgrid[:60, :80]
    image = 50 + 200.0 * (np.hypot(y - 30, x - 20) < 9) + 200.0 * (np.hypot(y - 30, x - 58) < 9)
    data = np.stack([image[None]] * 3)
    movie = Movie(data, ("dye",), pixel_size_um=1.0, time_s=np.arange(3.0))
    settings = {"movie": {"path": "dish.tif"}, "segment": {"diameter_um": 18, "method": "otsu"}}
    analysis = analyze(Experiment.parse(settings, where="test"), movie=movie)
    folder = tmp_path / "dish"
    with staging(folder) as aside:
        write_results(analysis, aside, folder, report="", record={})
    (found,) = read_pictures([folder])
    assert found.name == "dish"
    np.testing.assert_array_equal(found.labels, analysis.label_images[0])
    np.testing.assert_allclose(found.image, analysis.overview)
    (folder / "overview.tif").unlink()
    with pytest.raises(ReaderError, match=r"expected results with label images and the picture"):
        read_pictures([folder])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"expected NAME_labels\.tif beside NAME\.tif, found no label image"),
        ({"a": IMAGE}, r"found no label image"),
        ({"a_labels": LABELS}, r"expected its picture as a\.tif or a_image\.tif beside it"),
        (
            {"a": IMAGE[:-1], "a_labels": LABELS},
            r"a: expected a picture and labels of one size, found 39 × 50 and 40 × 50 pixels",
        ),
        ({"a": IMAGE, "a_labels": 0 * LABELS}, r"expected cells .* found 1 label images without"),
        (
            {"a": IMAGE, "a_labels": np.stack([LABELS] * 5)},
            r"expected one label image, found 5",
        ),
        (
            {"a": IMAGE, "a_labels": np.arange(1, 2001, dtype=np.uint16).reshape(40, 50)},
            r"at least 4 pixels across, found a median of 1\.1",
        ),
        (
            {"a": np.where(LABELS == 1, np.nan, IMAGE).astype(np.float32), "a_labels": LABELS},
            r"expected pixels that are numbers",
        ),
        ({"a": IMAGE, "a_labels": -LABELS.astype(np.int16)}, r"a_labels"),
    ],
)
def test_pictures_that_cannot_be_learnt_from(tmp_path, files, message):
    with pytest.raises(ReaderError, match=message):
        read_pictures([store(tmp_path, **files)])


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ReaderError, match=r"expected a folder of pictures .* found none"):
        read_pictures([tmp_path / "nothing"])


@given(st.text(min_size=1))
def test_parts_do_not_overlap_and_stay_the_same(name):
    assert part_of(name) == part_of(name)
    assert part_of(name) in {"fit", "check", "held back"}


def test_a_third_is_held_back():
    parts = [part_of(f"picture {n}") for n in range(3000)]
    assert parts.count("held back") == pytest.approx(1000, abs=100)
    assert parts.count("check") == pytest.approx(250, abs=60)


@given(st.integers(0, 40))
def test_a_fifth_is_set_aside(n):
    pictures = [Picture(f"p{k}", IMAGE, LABELS.astype(np.int32)) for k in range(n)]
    learnt, judged = set_aside(pictures)
    assert len(judged) == n // 5
    assert sorted(p.name for p in learnt + judged) == sorted(p.name for p in pictures)
