"""How well found cells fit true ones; and a field of cells to find."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def overlap(truth, found):
    """IoU of every true with every found object, shape (n true, n found)."""
    true_ids, t = np.unique(truth, return_inverse=True)
    found_ids, f = np.unique(found, return_inverse=True)
    pairs = np.bincount(
        t.ravel() * found_ids.size + f.ravel(), minlength=true_ids.size * found_ids.size
    )
    both = pairs.reshape(true_ids.size, found_ids.size)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0)[None] - both
    return (both / union)[true_ids > 0][:, found_ids > 0]


def counts(truth, found, iou=0.5):
    """Numbers of (matched, true, found) objects; above 0.5 an IoU can match only one."""
    table = overlap(truth, found)
    return np.array([(table > iou).sum(), *table.shape])


def f1(truth, found, iou=0.5):
    matched, n_true, n_found = counts(truth, found, iou)
    return 2 * matched / max(n_true + n_found, 1)


def ap50(truth, found):
    """TP / (TP + FP + FN) at an IoU of 0.5; 1 where there is nothing and nothing is found."""
    matched, n_true, n_found = counts(truth, found)
    either = n_true + n_found - matched
    return matched / either if either else 1.0


def seg_det(truth, found):
    """SEG and DET of the Cell Tracking Challenge, for one image.

    A true cell is matched by the found object that holds more than half of its pixels. SEG is the
    mean over true cells of the IoU with their match, 0 without one. DET counts 10 for each true
    cell without a match, 5 for each further true cell in one found object, 1 for each found object
    that matches none, relative to 10 for each true cell.

    References
    ----------
    .. [1] M. Maška et al., "The Cell Tracking Challenge: 10 years of objective benchmarking",
       Nat. Methods 20 (2023) 1010–1020.
    .. [2] P. Matula et al., "Cell tracking accuracy measurement based on comparison of acyclic
       oriented graphs", PLoS ONE 10 (2015) e0144959.
    """
    iou = overlap(truth, found)
    n_true = len(iou)
    if n_true == 0:
        return np.nan, np.nan
    area = np.bincount(truth.ravel())[1:]
    size = np.bincount(found.ravel())[1:]
    area, size = area[area > 0], size[size > 0]
    both = iou / (1 + iou) * (area[:, None] + size)
    match = both > 0.5 * area[:, None]
    per_found = match.sum(axis=0)
    missed = n_true - match.sum()
    wrong = 10 * missed + 5 * np.maximum(per_found - 1, 0).sum() + (per_found == 0).sum()
    return float(iou[match].sum() / n_true), 1 - min(wrong, 10 * n_true) / (10 * n_true)


def median_diameter(truth):
    """Diameter of a disc of the median object's area, pixels."""
    area = np.bincount(truth.ravel())[1:]
    return 2 * np.sqrt(np.median(area[area > 0]) / np.pi)


def field_of_cells(seed, n=60, side=400, diameter=28.0, load_sd=0.6, photons=100.0, haze=0.15):
    """Irregular, partly touching cells of lognormal brightness on an uneven background.

    Returns
    -------
    image, labels
        Counts with Poisson noise, and the truth.
    """
    rng = np.random.default_rng(seed)
    centres = _centres(rng, n, side, diameter)
    y, x = np.mgrid[:side, :side].astype(float)
    nearest = np.full((side, side), np.inf)
    labels = np.zeros((side, side), dtype=int)
    for number, (cy, cx) in enumerate(centres, start=1):
        turn, stretch = rng.uniform(0, np.pi), np.sqrt(rng.uniform(1, 1.6))
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        angle = np.arctan2(v, u)
        waves = [
            rng.normal(0, 0.18 / k) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
            for k in (2, 3, 4, 5)
        ]
        reach = np.hypot(u / stretch, v * stretch) / (diameter / 2) / (1 + sum(waves))
        mine = (reach < 1) & (reach < nearest)
        labels[mine], nearest[mine] = number, reach[mine]
    load = np.exp(rng.normal(0, load_sd, len(centres)))
    texture = 1 + 2 * ndimage.gaussian_filter(rng.normal(size=labels.shape), 3)
    depth = np.where(labels > 0, 0.5 + 0.5 * np.sqrt(np.clip(1 - nearest**2, 0.1, 1)), 0)
    light = photons * np.r_[0, load / np.median(load)][labels] * depth * np.clip(texture, 0.4, 2)
    light = (1 - haze) * ndimage.gaussian_filter(light, 1.5) + haze * ndimage.gaussian_filter(
        light, diameter
    )
    background = 50 * (1 + 0.7 * x / side + 0.3 * y / side)
    image = rng.poisson(light + background) + rng.normal(0, 3, labels.shape) + 100
    area = np.bincount(labels.ravel())
    return image, np.where(area[labels] < 0.15 * np.pi / 4 * diameter**2, 0, labels)


def _centres(rng, n, side, diameter):
    centres = []
    while len(centres) < n:
        place = rng.uniform(0.03 * side, 0.97 * side, 2)
        if centres and rng.random() < 0.6:
            angle = rng.uniform(0, 2 * np.pi)
            step = diameter * rng.uniform(0.85, 1.1)
            place = centres[rng.integers(len(centres))] + step * np.r_[np.sin(angle), np.cos(angle)]
        apart = all(np.hypot(*(place - other)) > 0.8 * diameter for other in centres)
        if apart and np.all((place > 3) & (place < side - 3)):
            centres.append(place)
    return centres
