from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scores import field_of_cells, median_diameter

from zincflux.errors import ExperimentError
from zincflux.segment import Segment, Watershed, estimate_diameter


@pytest.mark.slow
@pytest.mark.parametrize("seed", [700, 701])
def test_diameter_is_near_the_true_one_and_in_um(seed):
    image, truth = field_of_cells(seed, n=30, side=256)
    expected = median_diameter(truth)
    estimate = estimate_diameter(image, 1.0)
    assert 0.75 < estimate / expected < 1.3
    assert estimate_diameter(image, 0.5) == pytest.approx(estimate / 2)


@pytest.mark.slow
def test_large_pictures_are_estimated_from_their_middle():
    image, _ = field_of_cells(702, n=20, side=200)
    framed = np.pad(np.tile(image, (4, 4)), 30)
    middle = np.tile(image, (4, 4))[80:720, 80:720]
    assert estimate_diameter(framed, 1.0) == estimate_diameter(middle, 1.0)


@pytest.mark.parametrize("image", [np.zeros((60, 60)), np.zeros((0, 5)), np.eye(9)])
def test_nothing_looks_like_a_cell(image):
    with pytest.raises(ExperimentError, match=r"segment\.diameter_um: expected cells whose diam"):
        estimate_diameter(image, 1.0)


def test_auto_is_replaced_once_there_is_an_image():
    image, _ = field_of_cells(700, n=30, side=256)
    known = Segment(diameter_um="auto").with_diameter(image, 0.5)
    assert known.diameter_um == estimate_diameter(image, 0.5)
    given = Segment(diameter_um=9.0)
    assert given.with_diameter(image, 0.5) is given


def test_auto_is_no_number():
    with pytest.raises(ExperimentError, match=r"segment\.diameter_um: expected a number of µm"):
        Watershed(diameter_um="auto")(np.zeros((9, 9)), 1.0)


def test_auto_has_nothing_to_look_at_in_labels():
    with pytest.raises(ValidationError, match='diameter_um = "auto" has no effect with method'):
        Segment(method="labels", labels="a.tif", diameter_um="auto")


def test_limits_are_compared_even_without_a_diameter():
    assert Segment(diameter_um="auto", smallest_um2=5.0).smallest_um2 == 5.0
    with pytest.raises(ValidationError, match="smallest_um2 must be below largest_um2"):
        Segment(diameter_um="auto", smallest_um2=50.0, largest_um2=5.0)


def test_any_other_word_is_refused():
    with pytest.raises(ValidationError, match="auto"):
        Segment(diameter_um="large")
