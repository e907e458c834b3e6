from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zincflux.errors import ExperimentError
from zincflux.segment.projection import Projection

ORACLE = {"mean": np.nanmean, "max": np.nanmax, "sd": np.nanstd}
stacks = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(2), st.just(3)), elements=st.floats(-1e5, 1e5)
)


def project(kind, stack):
    projection = Projection(kind)
    for image in stack:
        projection.update(image)
    return projection.result()


@pytest.mark.parametrize("kind", ORACLE)
@given(stack=stacks)
def test_like_numpy_on_the_whole_stack(kind, stack):
    np.testing.assert_allclose(
        project(kind, stack), ORACLE[kind](stack, axis=0), rtol=1e-9, atol=1e-6
    )


@pytest.mark.parametrize("kind", ORACLE)
def test_nan_pixels_are_left_out(kind):
    stack = np.array([[[1.0, np.nan, np.nan]], [[3.0, 5.0, np.nan]], [[2.0, 9.0, np.nan]]])
    result = project(kind, stack)
    np.testing.assert_allclose(result[0, :2], ORACLE[kind](stack[:, :, :2], axis=0)[0])
    assert np.isnan(result[0, 2])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ORACLE)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "uint64", "int64"])
@given(data=st.data())
def test_whole_numbers_like_numpy(kind, dtype, data):
    shape = st.tuples(st.integers(1, 6), st.just(2), st.just(3))
    stack = data.draw(hnp.arrays(dtype, shape))
    wide = stack.astype(np.float64)
    largest = np.abs(wide).max()
    np.testing.assert_allclose(
        project(kind, stack), ORACLE[kind](wide, axis=0), rtol=1e-9, atol=1e-7 * largest
    )


def test_whole_numbers_are_exact():
    """A spread of one count on a bright pixel, for a long time."""
    stack = np.full((4000, 1, 2), 65535, dtype=np.uint16)
    stack[::2] = 65534
    np.testing.assert_array_equal(project("mean", stack), 65534.5)
    np.testing.assert_allclose(project("sd", stack), 0.5, rtol=1e-12)


@pytest.mark.parametrize("kind", ORACLE)
def test_counts_then_numbers(kind):
    """As where some frames of a movie are too bright, or come from another file."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 1000, (5, 3, 4)).astype(np.uint16)
    stack = [*first, *(first + 0.25), np.full((3, 4), np.nan), *first.astype(np.uint32) * 2**21]
    expected = ORACLE[kind](np.array(stack, dtype=np.float64), axis=0)
    np.testing.assert_allclose(project(kind, stack), expected, rtol=1e-9)


def test_small_changes_on_a_large_offset():
    stack = 1e9 + np.random.default_rng(0).normal(0, 1, (50, 3, 3))
    np.testing.assert_allclose(project("sd", stack), stack.std(axis=0), rtol=1e-6)


def test_integers_do_not_overflow():
    stack = np.full((3, 2, 2), 65535, dtype=np.uint16)
    assert project("mean", stack).max() == 65535


def test_frames_are_not_changed_and_the_result_is_free():
    image = np.ones((2, 2))
    projection = Projection("max")
    projection.update(image)
    projection.result()[:] = 9
    projection.update(3 * image)
    assert image.max() == 1
    assert projection.result().max() == 3


def test_no_frame():
    with pytest.raises(ExperimentError, match="at least one frame"):
        Projection().result()


def test_frames_of_another_shape():
    projection = Projection()
    projection.update(np.zeros((2, 2)))
    with pytest.raises(ExperimentError, match=r"expected frames of 2 × 2 pixels .* found 2 × 3"):
        projection.update(np.zeros((2, 3)))
