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
