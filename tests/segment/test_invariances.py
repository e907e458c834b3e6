"""What must not matter to a segmenter: direction, units, a blank border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scores import field_of_cells, overlap

from zincflux.segment import Otsu, Watershed

SEGMENTERS = pytest.mark.parametrize("make", [Watershed, Otsu])
FIELDS = {seed: field_of_cells(seed, n=12, side=161)[0][:, :150] for seed in (600, 601)}


def find(make, image):
    return make(diameter_um=28)(image, 1.0)


def assert_same_cells(found, expected, iou):
    """The same cells under other ids."""
    assert found.max() == expected.max() > 0
    assert overlap(expected, found).max(axis=1).min() > iou


@SEGMENTERS
@given(seed=st.sampled_from(sorted(FIELDS)), turns=st.integers(0, 3), mirror=st.booleans())
@settings(max_examples=10, deadline=None)
def test_turned_and_mirrored(make, seed, turns, mirror):
    def turned(image):
        return np.rot90(image[:, ::-1] if mirror else image, turns)

    expected = turned(find(make, FIELDS[seed]))
    assert_same_cells(find(make, turned(FIELDS[seed])), expected, 0.99)


@SEGMENTERS
@given(
    value=st.sampled_from([0.0, 100.0, 1e4, np.nan]),
    widths=st.tuples(*[st.integers(0, 40)] * 4),
    seed=st.sampled_from(sorted(FIELDS)),
)
@settings(max_examples=10, deadline=None)
def test_blank_border(make, value, widths, seed):
    top, bottom, left, right = widths
    around = ((top, bottom), (left, right))
    framed = np.pad(FIELDS[seed], around, constant_values=value)
    expected = np.pad(find(make, FIELDS[seed]), around)
    np.testing.assert_array_equal(find(make, framed), expected)


@SEGMENTERS
@given(gain=st.floats(1e-3, 1e4), seed=st.sampled_from(sorted(FIELDS)))
@settings(max_examples=6, deadline=None)
def test_brighter_by_a_factor(make, gain, seed):
    assert_same_cells(find(make, gain * FIELDS[seed]), find(make, FIELDS[seed]), 0.999)
