"""Scores of tracks by the measures of the Cell Tracking Challenge.

A track graph has a vertex per cell and frame, and an edge from each cell to the same cell in the
frame after, and from a mother to each daughter. `score` counts what it takes to turn the found
graph into the true one, and weighs it.

References
----------
Matula P. et al. (2015) Cell tracking accuracy measurement based on comparison of acyclic oriented
graphs. PLoS ONE 10:e0144959. doi:10.1371/journal.pone.0144959
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SPLIT, MISSED, FALSE = 5.0, 10.0, 1.0
"""Weights of vertices: one for several true cells, none for a true cell, and one too many."""

EDGE_FALSE, EDGE_MISSED, EDGE_WRONG = 1.0, 1.5, 1.0
"""Weights of edges: one too many, one missed, one of the wrong kind (parent or same cell)."""


@dataclass(frozen=True)
class Graph:
    """Cells and what becomes of them.

    Attributes
    ----------
    vertices
        ``frame``, ``label`` of every cell.
    edges
        ``frame``, ``label``, ``next_frame``, ``next_label``, ``is_parent``.
    """

    vertices: pd.DataFrame
    edges: pd.DataFrame


def graph(tracks: pd.DataFrame) -> Graph:
    """Make the graph of a table ``frame``, ``label``, ``cell_id``, ``parent_id``.

    A track that misses frames is taken in two parts, the first the parent of the second, as the
    challenge's file format wants it.
    """
    rows = tracks.sort_values(["cell_id", "frame"], ignore_index=True)
    after = rows.shift(-1)
    same = (after["cell_id"] == rows["cell_id"]).to_numpy()
    one = rows[same], after[same].astype(np.int64)
    first = rows.drop_duplicates("cell_id", keep="first")
    last = rows.drop_duplicates("cell_id", keep="last").set_index("cell_id")
    born = first[first["parent_id"].isin(last.index)]
    mother = last.loc[born["parent_id"]].reset_index()
    parts = [
        _edges(one[0], one[1], (one[1]["frame"].to_numpy() - one[0]["frame"].to_numpy()) > 1),
        _edges(mother, born, np.ones(len(born), dtype=bool)),
    ]
    return Graph(rows[["frame", "label"]], pd.concat(parts, ignore_index=True))


def _edges(here: pd.DataFrame, there: pd.DataFrame, is_parent: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "frame": here["frame"].to_numpy(np.int64),
            "label": here["label"].to_numpy(np.int64),
            "next_frame": there["frame"].to_numpy(np.int64),
            "next_label": there["label"].to_numpy(np.int64),
            "is_parent": is_parent,
        }
    )


def match(truth: list[np.ndarray], found: list[np.ndarray]) -> pd.DataFrame:
    """Match found to true cells, frame by frame: one that covers more than half of a true cell.

    Parameters
    ----------
    truth, found
        Label images (Y, X) of each frame.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``true``, ``label``; a label may stand for several true cells.
    """
    tables = []
    for frame, (true, own) in enumerate(zip(truth, found, strict=True)):
        both = (true > 0) & (own > 0)
        pairs, n = np.unique(np.stack([true[both], own[both]]), axis=1, return_counts=True)
        ids, area = np.unique(true[true > 0], return_counts=True)
        half = 2 * n > area[np.searchsorted(ids, pairs[0])]
        columns = {"frame": frame, "true": pairs[0][half], "label": pairs[1][half]}
        tables.append(pd.DataFrame(columns).astype(np.int64))
    return pd.concat(tables, ignore_index=True)


def same_labels(tracks: pd.DataFrame) -> pd.DataFrame:
    """Match every cell with itself, where the found labels are the true ones."""
    return tracks[["frame", "label"]].assign(true=tracks["label"])


def score(truth: Graph, found: Graph, matched: pd.DataFrame) -> dict[str, float]:
    """Compare two graphs.

    Parameters
    ----------
    truth, found
        The graphs; the labels of ``truth`` are the column ``true`` of ``matched``.
    matched
        Pairs of cells, as of `match`.

    Returns
    -------
    dict
        ``DET``, ``LNK``, ``TRA``, and ``edge_f1`` of all edges.
    """
    times = matched.groupby(["frame", "label"])["true"].transform("size")
    single = matched[times == 1]
    n_found = len(matched[["frame", "label"]].drop_duplicates())
    n_true, n_own = len(truth.vertices), len(found.vertices)
    splits, missed, false = len(matched) - n_found, n_true - len(matched), n_own - n_found
    vertex = SPLIT * splits + MISSED * missed + FALSE * false
    own = _in_true_labels(found.edges, single)
    keys = ["frame", "label", "next_frame", "next_label"]
    both = own.merge(truth.edges, on=keys, suffixes=("", "_true"))
    n_false, n_missed = len(own) - len(both), len(truth.edges) - len(both)
    n_wrong = int((both["is_parent"] != both["is_parent_true"]).sum())
    edge = EDGE_FALSE * n_false + EDGE_MISSED * n_missed + EDGE_WRONG * n_wrong
    all_vertices, all_edges = MISSED * n_true, EDGE_MISSED * len(truth.edges)
    return {
        "DET": 1 - min(vertex / all_vertices, 1),
        "LNK": 1 - min(edge / all_edges, 1),
        "TRA": 1 - min((vertex + edge) / (all_vertices + all_edges), 1),
        "edge_f1": 2 * len(both) / max(len(found.edges) + len(truth.edges), 1),
    }


def _in_true_labels(edges: pd.DataFrame, single: pd.DataFrame) -> pd.DataFrame:
    """Edges between cells that stand for one true cell each, in true labels."""
    for frame, label in (("frame", "label"), ("next_frame", "next_label")):
        name = single.rename(columns={"frame": frame, "label": label})
        edges = edges.merge(name, on=[frame, label])
        edges = edges.drop(columns=label).rename(columns={"true": label})
    return edges


def division_score(
    truth: pd.DataFrame, found: pd.DataFrame, matched: pd.DataFrame, tolerance: int = 0
) -> dict[str, float]:
    """Compare divisions, which may be found some frames early or late.

    A found division is right if it lies within the tolerance of a true one, its mother matched the
    true mother in the last frame of both, and each daughter another true daughter in the first.

    Parameters
    ----------
    truth, found
        Tables ``frame``, ``label``, ``cell_id``, ``parent_id``; in ``truth`` label is ``true`` of
        ``matched``.
    matched
        Pairs of cells, as of `match`.
    tolerance
        Frames.

    Returns
    -------
    dict
        ``division_f1`` and its counts ``divisions`` (true), ``found`` and ``right``.
    """
    pairs = matched.merge(found[["frame", "label", "cell_id"]], on=["frame", "label"])
    names = truth[["frame", "label", "cell_id"]].rename(columns={"label": "true"})
    both = pairs.merge(names, on=["frame", "true"], suffixes=("", "_true"))
    same = set(zip(both["frame"], both["cell_id_true"], both["cell_id"], strict=True))
    true, own = _divisions(truth), _divisions(found)
    free, right = list(own), 0
    for mother, daughters, frame in true:
        hits = [
            other
            for other in free
            if abs(other[2] - frame) <= tolerance
            and (min(frame, other[2]) - 1, mother, other[0]) in same
            and _pair_up(daughters, other[1], max(frame, other[2]), same)
        ]
        if hits:
            free.remove(min(hits, key=lambda other: abs(other[2] - frame)))
            right += 1
    n = len(true) + len(own)
    f1 = 2 * right / n if n else np.nan
    return {"division_f1": f1, "divisions": len(true), "found": len(own), "right": right}


_Division = tuple[int, tuple[int, int], int]


def _divisions(tracks: pd.DataFrame) -> list[_Division]:
    """Mother, two daughters and their first frame, of each division."""
    first = tracks.sort_values("frame").drop_duplicates("cell_id")
    born = first[first["parent_id"] > 0].groupby("parent_id")
    return [
        (int(mother), (int(rows["cell_id"].iloc[0]), int(rows["cell_id"].iloc[1])), int(frame))
        for mother, rows in born
        if len(rows) == 2 and (frame := rows["frame"].max()) == rows["frame"].min()
    ]


def _pair_up(true, own, frame, same) -> bool:
    """Whether two found cells are two true cells, one each."""
    straight = (frame, true[0], own[0]) in same and (frame, true[1], own[1]) in same
    crossed = (frame, true[0], own[1]) in same and (frame, true[1], own[0]) in same
    return straight or crossed


def in_field(labels: np.ndarray, margin_px: int) -> np.ndarray:
    """Take cells out of a label image (Y, X) that lie wholly within a margin of the edge.

    So does the challenge with its field of interest: a sliver of a cell at the edge is neither
    missed nor false.
    """
    inner = np.unique(labels[margin_px:-margin_px, margin_px:-margin_px])
    return np.where(np.isin(labels, inner), labels, 0)


def shown(tracks: pd.DataFrame, labels: list[np.ndarray]) -> pd.DataFrame:
    """Rows of the tracks whose cells the label images show."""
    rows = [pd.DataFrame({"frame": t, "label": np.unique(lab)}) for t, lab in enumerate(labels)]
    return tracks.merge(pd.concat(rows), on=["frame", "label"])
