from __future__ import annotations

import numpy as np
import pytest

from zincflux.errors import ExperimentError
from zincflux.segment import GivenLabels


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint32, np.int64, np.float32])
def test_ids_are_kept(dtype):
    given = np.array([[0, 1], [0, 1]] if dtype is bool else [[0, 7], [3, 7]])
    labels = GivenLabels(given.astype(dtype))(np.zeros((2, 2)), 0.65)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, given)


def test_the_caller_may_change_what_it_gets():
    given = GivenLabels(np.ones((2, 2), dtype=int))
    given(np.zeros((2, 2)), 0.65)[:] = 9
    assert given(np.zeros((2, 2)), 0.65).max() == 1


def test_no_pixels():
    assert GivenLabels(np.zeros((0, 0), dtype=int))(np.zeros((0, 0)), 0.65).shape == (0, 0)


def test_another_shape():
    given = GivenLabels(np.zeros((4, 5), dtype=int), origin="cells.tif")
    with pytest.raises(ExperimentError, match=r"segment\.labels: expected 3 × 5 .* 4 × 5 in cells"):
        given(np.zeros((3, 5)), 0.65)


def test_a_stack():
    with pytest.raises(ExperimentError, match=r"one label image \(Y, X\), found shape \(2, 3, 3\)"):
        GivenLabels(np.zeros((2, 3, 3), dtype=int))


@pytest.mark.parametrize("values", [[[0.5]], [[np.nan]], [[-1]], [[2**31]], [[1 + 1j]]], ids=str)
def test_intensities_are_no_labels(values):
    with pytest.raises(ExperimentError, match="expected whole numbers from 0"):
        GivenLabels(np.array(values))
