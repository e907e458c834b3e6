"""Corrected cells as pictures to learn from; no Qt."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zincflux
from napari_zincflux import lessons
from napari_zincflux.lessons import (
    cut,
    folder_beside,
    frames_to_learn,
    picture_at,
    prefix_of,
    store,
    take_over,
)
from zincflux.edits import Delete, EditLog, Merge, anchor_of
from zincflux.errors import ResultsError
from zincflux.training.pictures import Picture, read_pictures

pytestmark = pytest.mark.filterwarnings("ignore::zincflux.errors.ZincfluxWarning")


def grid(n_rows, n_columns, pitch=20, side=10, name="a"):
    """Squares in rows and columns; the picture is as bright as the number of the cell."""
    labels = np.zeros((n_rows * pitch, n_columns * pitch), np.int32)
    for row in range(n_rows):
        for column in range(n_columns):
            y, x = row * pitch + 5, column * pitch + 5
            labels[y : y + side, x : x + side] = 1 + row * n_columns + column
    return Picture(name, labels.astype(np.float32), labels)


@given(rows=st.integers(1, 8), columns=st.integers(1, 14), n=st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_cutting_loses_nothing(rows, columns, n):
    whole = [grid(rows, columns, name=f"p{k}") for k in range(n)]
    parts = cut(whole)
    assert len({part.name for part in parts}) == len(parts)
    assert len(parts) in (n, 5 * n)
    for picture in whole:
        own = [p for p in parts if p.name.startswith(picture.name)]
        axis = int(np.argmax(picture.labels.shape))
        joined = np.concatenate([p.labels for p in own], axis)
        np.testing.assert_array_equal(joined, picture.labels)
        np.testing.assert_array_equal(np.concatenate([p.image for p in own], axis), picture.image)


@pytest.mark.parametrize(
    ("picture", "n_parts"),
    [
        (grid(4, 15), 5),
        (grid(15, 4), 5),
        (grid(2, 15), 5),
        (grid(1, 10, pitch=30), 1),  # two cells in a band
        (grid(8, 8), 1),  # bands narrower than four cells
        (Picture("none", np.zeros((200, 200)), np.zeros((200, 200), np.int32)), 1),
    ],
)
def test_pictures_with_many_cells_are_cut(picture, n_parts):
    assert len(cut([picture])) == n_parts


def test_five_pictures_stay_whole():
    five = [grid(4, 15, name=f"p{n}") for n in range(5)]
    assert cut(five) == five
    assert len(cut(five[:4])) == 20


def test_static_cells_have_one_view(static):
    assert frames_to_learn(static) == [0]
    picture = picture_at(static, 0, "a")
    np.testing.assert_array_equal(picture.labels, static.label_images[0])
    np.testing.assert_array_equal(picture.image, static.overview.astype(np.float32))


def test_a_border_without_picture_is_left_out(static):
    overview, labels = np.full((80, 80), np.nan, np.float32), np.zeros((80, 80), np.int32)
    overview[8:72, 8:72], labels[8:72, 8:72] = static.overview, static.label_images[0]
    overview[20, 20] = np.nan
    framed = dataclasses.replace(static, overview=overview, label_images=(labels,))
    picture = picture_at(framed, 0, "a")
    assert picture.image.shape == (64, 64)
    assert np.isfinite(picture.image).all()
    np.testing.assert_array_equal(picture.labels, static.label_images[0])


def test_frames_of_moving_cells_are_those_that_were_corrected(moving):
    n_frames = len(moving.label_images)
    assert len(frames_to_learn(moving)) == 10
    assert {0, n_frames - 1} <= set(frames_to_learn(moving))
    log = EditLog()
    for t in (11, 3):
        labels = moving.label_images[t]
        cell = int(labels.max())
        log = log.with_edit(Delete(point=anchor_of(labels, cell), frame=t, cell_ids=(cell,)))
    corrected = zincflux.reanalyze(moving, log)
    assert frames_to_learn(corrected) == [3, 11]
    picture = picture_at(corrected, 11, "a")
    np.testing.assert_array_equal(picture.labels, corrected.label_images[11])
    assert len(np.unique(picture.labels)) == len(np.unique(moving.label_images[11])) - 1
    plan = moving.kept.found.plan
    np.testing.assert_array_equal(
        picture.image, plan.segment_image(plan.flat(plan.read(11))).astype(np.float32)
    )


def test_of_many_corrected_frames_some_are_learnt_from(moving, monkeypatch):
    monkeypatch.setattr(lessons, "MOST_FRAMES", 3)
    log = EditLog()
    for t in range(8):
        labels = moving.label_images[t]
        cell = int(labels.max())
        log = log.with_edit(Delete(point=anchor_of(labels, cell), frame=t, cell_ids=(cell,)))
    assert frames_to_learn(zincflux.reanalyze(moving, log)) == [0, 4, 7]


def test_corrected_outlines_of_static_cells_are_learnt(static):
    labels = static.label_images[0]
    log = EditLog().with_edit(
        Merge(points=(anchor_of(labels, 1), anchor_of(labels, 2)), cell_ids=(1, 2))
    )
    picture = picture_at(zincflux.reanalyze(static, log), 0, "a")
    assert len(np.unique(picture.labels)) == len(np.unique(labels)) - 1


@given(name=st.text(max_size=30), place=st.text(max_size=30))
@settings(max_examples=50, deadline=None)
def test_names_of_pictures_suit_every_disk(name, place):
    prefix = prefix_of(name, place)
    assert prefix.isascii()
    assert not set(prefix) & set('/\\:*?"<>| ')
    assert prefix == prefix_of(name, place)


def test_movies_of_one_name_are_told_apart():
    assert prefix_of("Pos0", "/monday/a.tif") != prefix_of("Pos0", "/tuesday/a.tif")


def test_what_is_stored_is_what_is_learnt_from(static, tmp_path):
    pictures = [picture_at(static, 0, "dish_view"), grid(3, 3, name="dish_t0001")]
    assert list(store(pictures, tmp_path / "p", "dish_")) == pictures
    read = {picture.name: picture for picture in read_pictures([tmp_path / "p"])}
    assert set(read) == {"dish_view", "dish_t0001"}
    for picture in pictures:
        np.testing.assert_array_equal(read[picture.name].image, picture.image)
        np.testing.assert_array_equal(read[picture.name].labels, picture.labels)


def test_only_the_pictures_of_the_movie_are_replaced(tmp_path):
    list(store([grid(3, 3, name="one_view"), grid(3, 3, name="one_x")], tmp_path, "one_"))
    list(store([grid(3, 3, name="two_view")], tmp_path, "two_"))
    list(store([grid(4, 4, name="one_view")], tmp_path, "one_"))
    read = {picture.name: picture for picture in read_pictures([tmp_path])}
    assert {name: p.labels.max() for name, p in read.items()} == {"one_view": 16, "two_view": 9}


def test_pictures_of_an_earlier_network_are_taken_over(tmp_path):
    earlier, folder = (folder_beside(tmp_path / name) for name in ("a.onnx", "b.onnx"))
    assert (earlier.name, folder.name) == ("a_pictures", "b_pictures")
    take_over(earlier, folder, "two_")
    assert not folder.exists()
    list(store([grid(3, 3, name="one_view")], earlier, "one_"))
    list(store([grid(3, 3, name="two_view")], earlier, "two_"))
    take_over(earlier, earlier, "two_")
    list(store([grid(4, 4, name="two_view")], folder, "two_"))
    take_over(earlier, folder, "two_")
    read = {picture.name: picture.labels.max() for picture in read_pictures([folder])}
    assert read == {"one_view": 9, "two_view": 16}


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match="file"):
        list(store([grid(3, 3)], tmp_path / "file", "a"))
