"""Memory is bounded by the number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zincflux.errors import ExperimentError
from zincflux.pipeline.memory import jobs_within, needed_mb, parse_memory
from zincflux.readers import movie_from_array


def movie(side_px=2048, n_channels=2):
    # A view of one pixel: nothing of its size is held.
    pixels = np.broadcast_to(np.uint16(7), (5, n_channels, side_px, side_px))
    return movie_from_array(pixels, "TCYX", pixel_size_um=0.5, frame_interval_s=1.0)


@pytest.mark.parametrize(
    ("text", "mb"),
    [("700MB", 700), ("4GB", 4000), (" 1.5 gb ", 1500), ("1GiB", 1073.741824), ("2TB", 2e6)],
)
def test_amounts_of_memory(text, mb):
    assert parse_memory(text) == pytest.approx(mb)


@pytest.mark.parametrize("text", ["4", "GB", "-1GB", "4 apples", "1e3MB", "nanGB", ""])
def test_no_amount_of_memory(text):
    with pytest.raises(ExperimentError, match=r"--max-memory: expected a number with MB, GB"):
        parse_memory(text)


def test_without_a_bound_all_threads_work():
    assert jobs_within(None, movie(), follows=True, jobs=7) == 7
    assert jobs_within(None, movie(), follows=True) >= 1


@given(
    limit=st.floats(1, 1e5),
    most=st.integers(1, 64),
    follows=st.booleans(),
    side=st.integers(8, 9000),
)
def test_the_most_threads_that_fit(limit, most, follows, side):
    large = movie(side)
    try:
        jobs = jobs_within(limit, large, follows=follows, jobs=most)
    except ExperimentError:
        assert needed_mb(large, 1, follows=follows) > limit
        return
    assert 1 <= jobs <= most
    assert needed_mb(large, jobs, follows=follows) <= limit
    assert jobs == most or needed_mb(large, jobs + 1, follows=follows) > limit


def test_a_bound_that_one_thread_exceeds():
    least = round(needed_mb(movie(), 1, follows=False))
    message = rf"--max-memory: expected at least {least} MB, .* found 100 MB\. Give more, or bin"
    with pytest.raises(ExperimentError, match=message):
        jobs_within(100.0, movie(), follows=False)
