"""How well cells are found, beside cells that were drawn."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from zincflux.movie import FloatArray, Labels
from zincflux.pipeline import Progress
from zincflux.segment.learned.cells import find
from zincflux.segment.learned.model_file import Network
from zincflux.segment.learned.scaling import Scaled
from zincflux.training.pictures import Picture


def overlap(truth: Labels, found: Labels) -> FloatArray:
    """Intersection over union of every true with every found cell, shape (n true, n found)."""
    true_ids, t = np.unique(truth, return_inverse=True)
    found_ids, f = np.unique(found, return_inverse=True)
    pairs = t.ravel() * found_ids.size + f.ravel()
    both = np.bincount(pairs, minlength=true_ids.size * found_ids.size)
    both = both.reshape(true_ids.size, found_ids.size)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0)[None] - both
    return np.asarray((both / union)[true_ids > 0][:, found_ids > 0])


def iter_judge(
    network: Network, pictures: Sequence[Picture], stage: str
) -> Generator[Progress, None, dict[str, float]]:
    """Score a network on pictures, each with the diameter of a disc of its median true cell.

    Parameters
    ----------
    network
        What finds the cells.
    pictures
        With known cells.
    stage
        Name of this work, for whoever watches.

    Yields
    ------
    Progress
        After each picture.

    Returns
    -------
    dict
        ``pictures`` and ``cells``; pooled over cells ``F1`` and ``F1_75``: 2 × right /
        (true + found), a cell being right where it overlaps a true one by more than 0.5 or 0.75
        of their union. Empty without pictures.
    """
    if not pictures:
        return {}
    right, closely, total, n_true = 0, 0, 0, 0
    for n, picture in enumerate(pictures, start=1):
        scaled = Scaled.of(picture.image, picture.diameter_px)
        height, width = picture.labels.shape
        none = np.zeros_like(picture.labels)
        found = none if scaled is None else find(network, scaled, (height, width))
        iou = overlap(picture.labels, found)
        right += int((iou > 0.5).sum())
        closely += int((iou > 0.75).sum())
        total, n_true = total + sum(iou.shape), n_true + iou.shape[0]
        yield Progress(stage, n, len(pictures))
    return {
        "pictures": len(pictures),
        "cells": n_true,
        "F1": round(2 * right / max(total, 1), 4),
        "F1_75": round(2 * closely / max(total, 1), 4),
    }
