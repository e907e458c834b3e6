"""The built-in network on hand-drawn nuclei of many laboratories, made better and worse.

They are of the part that checks the training: nothing was learnt from them.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scores import overlap

from zincflux.errors import SegmentationError
from zincflux.segment import Learned, Segment
from zincflux.training.pictures import pairs_in, part_of, read_pair

pytest.importorskip("onnxruntime")

pytestmark = pytest.mark.realdata

N_PICTURES, SIDE_PX = 4, 256


@pytest.fixture(scope="module")
def pictures(realdata):
    """Small pictures, each of twenty nuclei or more."""
    folder = realdata / "dsb2018-fluorescence"
    checked = (read_pair(*pair) for pair in pairs_in(folder) if part_of(pair[0]) == "check")
    fitting = (one for one in checked if one.image.shape == (SIDE_PX, SIDE_PX))
    return [one for one, _ in zip(filter(_is_full, fitting), range(N_PICTURES), strict=False)]


def _is_full(picture):
    return np.unique(picture.labels).size > 20


def score(pictures, change):
    """Pooled F1 of changed pictures, beside the hand-drawn cells."""
    right = total = 0
    for picture in pictures:
        rng = np.random.default_rng(len(picture.name))
        finder = Learned(diameter_um=picture.diameter_px)
        iou = overlap(picture.labels, finder(change(picture.image, rng), 1.0))
        right, total = right + (iou > 0.5).sum(), total + sum(iou.shape)
    return 2 * right / total


@pytest.fixture(scope="module")
def plain(pictures):
    return score(pictures, lambda image, rng: image)


def test_nuclei_are_found(pictures, plain):
    assert len(pictures) == N_PICTURES
    assert plain > 0.88


def spread(image):
    return np.percentile(image, 99.8) - np.percentile(image, 1)


@pytest.mark.parametrize(
    ("change", "may_lose"),
    [
        pytest.param(lambda image, rng: 0.1 * image, 0.003, id="gain 0.1"),
        pytest.param(lambda image, rng: 10 * image, 0.003, id="gain 10"),
        pytest.param(lambda image, rng: image + 1e4, 0.003, id="offset"),
        pytest.param(lambda image, rng: (257 * image).astype(np.uint16), 0.003, id="16 bit"),
        pytest.param(
            lambda image, rng: np.rint(255 * image / image.max()).astype(np.uint8), 0.01, id="8 bit"
        ),
        pytest.param(
            lambda image, rng: np.rint(20 * image / spread(image)), 0.04, id="20 grey levels"
        ),
        pytest.param(lambda image, rng: ndimage.gaussian_filter(image, 1.0), 0.04, id="blur"),
        pytest.param(
            lambda image, rng: image + rng.normal(0, 0.05 * spread(image), image.shape),
            0.04,
            id="noise",
        ),
    ],
)
def test_what_must_not_matter_does_not(pictures, plain, change, may_lose):
    assert score(pictures, change) > plain - may_lose


@pytest.mark.parametrize("diameter", ["given", "auto"])
def test_inverted_pictures_are_refused(pictures, diameter):
    for picture in pictures:
        image = picture.image.max() - picture.image
        chosen = Segment(
            method="learned",
            diameter_um=picture.diameter_px if diameter == "given" else "auto",
        )
        with pytest.raises(SegmentationError, match="found dark ones on a bright background"):
            chosen.with_diameter(image, 1.0).segmenter()(image, 1.0)
