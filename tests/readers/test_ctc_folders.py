"""Folders of the Cell Tracking Challenge."""

import numpy as np
import pytest
import tifffile

from zincflux.errors import ReaderError
from zincflux.readers import input_files, open_labels, read_tracks
from zincflux.readers.ctc import read_ctc

SHAPE = (9, 20)


def save(folder, frames, table, name="mask", table_name="res_track.txt"):
    """Store labels, a column of pixels each, and the table."""
    folder.mkdir()
    for t, labels in enumerate(frames):
        image = np.zeros(SHAPE, dtype=np.uint16)
        for label in labels:
            image[2:5, label] = label
        tifffile.imwrite(folder / f"{name}{t:03d}.tif", image)
    (folder / table_name).write_text(table, encoding="utf-8")
    return folder


def rows(table, *columns):
    return [tuple(row) for row in table[list(columns)].to_numpy().tolist()]


@pytest.mark.parametrize(
    ("name", "table_name"), [("mask", "res_track.txt"), ("man_track", "man_track.txt")]
)
def test_labels_and_tracks(tmp_path, name, table_name):
    folder = save(
        tmp_path / "01", [[1], [2, 3]], "1 0 0 0\n2\t1 1 1\r\n3 1 1 1\n\n", name, table_name
    )
    labels = open_labels(folder, (2, *SHAPE))
    assert labels.shape == (2, *SHAPE)
    assert labels.doubts == ()
    assert [np.unique(labels[t]).tolist() for t in range(2)] == [[0, 1], [0, 2, 3]]
    table = read_tracks(folder, 0.5)
    assert rows(table, "frame", "label", "cell_id", "parent_id") == [
        (0, 1, 1, 0),
        (1, 2, 2, 1),
        (1, 3, 3, 1),
    ]
    assert rows(table, "y_um", "x_um") == [(1.5, 0.5), (1.5, 1.0), (1.5, 1.5)]
    assert [file.name for file in input_files(folder)] == [
        f"{name}000.tif",
        f"{name}001.tif",
        table_name,
    ]


def test_a_cell_that_was_missed_is_one_cell(tmp_path):
    folder = save(tmp_path / "01", [[4], [], [7], [], [9]], "4 0 0 0\n7 2 2 4\n9 4 4 7\n")
    assert rows(read_ctc(folder, 1.0), "label", "cell_id", "parent_id") == [
        (4, 4, 0),
        (7, 4, 0),
        (9, 4, 0),
    ]


def test_only_children_without_a_gap_are_born(tmp_path):
    folder = save(tmp_path / "01", [[4], [7], [], [9]], "9 3 3 7\n7 1 1 4\n4 0 0 0\n")
    assert rows(read_ctc(folder, 1.0), "label", "cell_id", "parent_id") == [
        (4, 4, 0),
        (7, 7, 4),
        (9, 7, 4),
    ]


def test_daughters_of_a_cell_that_was_missed(tmp_path):
    frames, table = [[1], [], [2], [3, 4]], "1 0 0 0\n2 2 2 1\n3 3 3 2\n4 3 3 2\n"
    folder = save(tmp_path / "01", frames, table)
    assert rows(read_ctc(folder, 1.0), "cell_id", "parent_id") == [(1, 0), (1, 0), (3, 1), (4, 1)]


def test_no_cells_at_all(tmp_path):
    assert read_ctc(save(tmp_path / "01", [[], []], ""), 1.0).empty


def test_no_such_folder(tmp_path):
    message = r"expected a folder of the Cell Tracking Challenge, found no label images such as"
    with pytest.raises(ReaderError, match=message):
        read_ctc(tmp_path / "01", 1.0)
    with pytest.raises(ReaderError, match=message):
        open_labels(tmp_path, SHAPE)


def test_image_is_missing(tmp_path):
    folder = save(tmp_path / "01", [[1], [1], [1]], "1 0 2 0")
    (folder / "mask001.tif").unlink()
    message = r"one label image per frame from 0 to 2, found none for frame 1\. Copy the folder"
    with pytest.raises(ReaderError, match=message):
        read_ctc(folder, 1.0)


def test_a_number_that_no_folder_reaches(tmp_path):
    folder = save(tmp_path / "01", [[1], [1]], "1 0 1 0")
    (folder / "mask001.tif").rename(folder / "mask999999999999.tif")
    message = r"one label image per frame from 0 to 999999999999, found none for frame 1\. Copy"
    with pytest.raises(ReaderError, match=message):
        read_ctc(folder, 1.0)


def test_track_beyond_the_last_image(tmp_path):
    folder = save(tmp_path / "01", [[1, 4], [1, 4]], "1 0 1 0\n4 0 2000000000 0\n")
    message = (
        r"tracks within the frames 0 to 1 of the label images, found label 4 up to frame "
        r"2000000000\. Copy the folder completely\."
    )
    with pytest.raises(ReaderError, match=message):
        read_ctc(folder, 1.0)


def test_table_is_missing(tmp_path):
    folder = save(tmp_path / "01", [[1]], "1 0 0 0", table_name="tracks.txt")
    message = r"expected the table of tracks res_track\.txt beside the label images, found none"
    with pytest.raises(ReaderError, match=message):
        read_ctc(folder, 1.0)


@pytest.mark.parametrize("table", ["1 0 zero 0", "1 0 0.5 0", "\xff"])
def test_no_whole_numbers(tmp_path, table):
    folder = save(tmp_path / "01", [[1]], "")
    (folder / "res_track.txt").write_bytes(table.encode("latin-1"))
    with pytest.raises(
        ReaderError, match=r"lines of four whole numbers \(L B E P\), found: .+ Exp"
    ):
        read_ctc(folder, 1.0)


@pytest.mark.parametrize(
    "line",
    ["1 0 0", "1 0 0 0 0", "0 0 0 0", "1 1 0 0", "1 -1 0 0", f"1 0 0 {2**31}", f"1 0 {10**22} 0"],
)
def test_no_track(tmp_path, line):
    folder = save(tmp_path / "01", [[1]], f"2 0 0 0\n{line}\n")
    with pytest.raises(ReaderError, match=rf"found {line} in line 2\. Export the tracks again\."):
        read_ctc(folder, 1.0)


def test_label_in_two_lines(tmp_path):
    folder = save(tmp_path / "01", [[1], [1]], "1 0 0 0\n1 1 1 0\n")
    with pytest.raises(ReaderError, match=r"one line per label, found label 1 in several\."):
        read_ctc(folder, 1.0)


@pytest.mark.parametrize(
    ("table", "found"),
    [("1 0 1 0\n2 1 1 1\n", "1 ends in frame 1"), ("1 0 1 0\n2 1 1 5\n", "5 is in no line")],
)
def test_parent_is_not_before(tmp_path, table, found):
    folder = save(tmp_path / "01", [[1], [1, 2]], table)
    message = rf"the parent of label 2 to end before frame 1, in which 2 begins, but parent {found}"
    with pytest.raises(ReaderError, match=message):
        read_ctc(folder, 1.0)


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        ([[1], []], r"label 1 in the table but not in the image of frame 1 \(1 such cases\)"),
        ([[1, 3], [1, 3]], r"label 3 not in the table but in the image of frame 0 \(2 such"),
    ],
)
def test_table_and_images_differ(tmp_path, frames, found):
    folder = save(tmp_path / "01", frames, "1 0 1 0\n")
    with pytest.raises(ReaderError, match=found):
        read_ctc(folder, 1.0)
