"""The scores themselves, by hand; and links of real nuclei against links by eye."""

import numpy as np
import pandas as pd
import pytest
from ctc import division_score, graph, in_field, match, same_labels, score, shown
from nuclei import by_eye, cells_of, eye_graph, pictures, rows_of

from zincflux.track import link


def tracks(*rows):
    return pd.DataFrame(rows, columns=["frame", "label", "cell_id", "parent_id"])


TRUE = tracks((0, 1, 1, 0), (1, 1, 1, 0), (2, 2, 2, 1), (2, 3, 3, 1), (3, 2, 2, 1), (3, 3, 3, 1))
"""A cell of two frames that divides; four vertices of daughters; edges: 1, 2 to daughters, 2."""


def test_the_truth_scores_one():
    result = score(graph(TRUE), graph(TRUE), same_labels(TRUE))
    assert result == {"DET": 1.0, "LNK": 1.0, "TRA": 1.0, "edge_f1": 1.0}
    assert division_score(TRUE, TRUE, same_labels(TRUE))["division_f1"] == 1.0


def test_a_missed_daughter_edge_costs_what_the_paper_says():
    orphan = TRUE.assign(parent_id=[0, 0, 1, 0, 1, 0])
    result = score(graph(TRUE), graph(orphan), same_labels(TRUE))
    assert result["LNK"] == pytest.approx(1 - 1.5 / (1.5 * 5))
    assert result["TRA"] == pytest.approx(1 - 1.5 / (10 * 6 + 1.5 * 5))
    assert division_score(TRUE, orphan, same_labels(TRUE))["right"] == 0


def test_an_edge_of_the_wrong_kind_costs_one():
    same = TRUE.assign(cell_id=[1, 1, 1, 3, 1, 3], parent_id=[0, 0, 0, 1, 0, 1])
    result = score(graph(TRUE), graph(same), same_labels(TRUE))
    # One edge to a daughter is taken for the same cell; the other ends at the wrong mother.
    assert result["LNK"] == pytest.approx(1 - (1 + 1 + 1.5) / (1.5 * 5))


def test_missed_and_false_cells_and_two_under_one_outline():
    truth = [np.array([[1, 1, 0, 2, 2, 0, 0]])]
    assert match(truth, [np.array([[5, 5, 0, 0, 0, 0, 6]])])["label"].tolist() == [5]
    rows = tracks((0, 1, 1, 0), (0, 2, 2, 0), (1, 1, 1, 0))
    other = tracks((0, 5, 1, 0), (0, 6, 2, 0), (1, 1, 1, 0))
    pairs = pd.DataFrame({"frame": [0, 0, 1], "true": [1, 2, 1], "label": [5, 5, 1]})
    result = score(graph(rows), graph(other), pairs)
    assert result["DET"] == pytest.approx(1 - (5 + 1) / 30)
    # An edge from an outline of two cells tells neither: it is missed, and not false.
    assert result["LNK"] == 0


def test_late_division_counts_within_its_tolerance():
    late = tracks((0, 1, 1, 0), (1, 1, 1, 0), (2, 9, 1, 0), (3, 2, 2, 1), (3, 3, 3, 1))
    pairs = pd.DataFrame(
        {"frame": [0, 1, 2, 2, 3, 3], "true": [1, 1, 2, 3, 2, 3], "label": [1, 1, 9, 9, 2, 3]}
    )
    assert division_score(TRUE, late, pairs)["right"] == 0
    assert division_score(TRUE, late, pairs, tolerance=1) == {
        "division_f1": 1.0, "divisions": 1, "found": 1, "right": 1,
    }  # fmt: skip


def test_slivers_at_the_edge_are_left_out():
    image = np.zeros((9, 9), dtype=int)
    image[0, :4], image[3:6, 0:5] = 1, 2
    kept = in_field(image, 2)
    assert np.unique(kept).tolist() == [0, 2]
    rows = tracks((0, 1, 1, 0), (0, 2, 2, 0))
    assert shown(rows, [kept])["label"].tolist() == [2]


def test_links_by_eye_use_each_nucleus_once():
    links = by_eye()
    assert not links.duplicated(["next_frame", "next_label"]).any()
    assert not links[~links["is_parent"]].duplicated(["frame", "label"]).any()
    assert (links[links["is_parent"]].groupby(["frame", "label"]).size() == 2).all()


@pytest.mark.realdata
def test_real_nuclei_are_followed_as_by_eye(realdata):
    images, outlines = pictures(realdata)
    known = set(map(tuple, cells_of(outlines).to_numpy()))
    links = by_eye()
    for frame, label in (("frame", "label"), ("next_frame", "next_label")):
        assert set(map(tuple, links[[frame, label]].to_numpy())) <= known
    rows = rows_of(images, outlines)
    found = graph(link(rows))
    assert score(eye_graph(outlines), found, same_labels(rows))["LNK"] >= 0.85
