"""Moving cells in the chain: frames settle each other's doubts, whatever the number of jobs."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from dishes import discs, experiment_of, movie_of
from scipy import ndimage

from zincflux.movie import Movie
from zincflux.pipeline import analyze, iter_frames

N_FRAMES = 14


def wandering(blurred: int | None = None) -> Movie:
    """Four cells that drift apart a little, one frame out of focus."""
    rng = np.random.default_rng(1)
    frames = []
    for t in range(N_FRAMES):
        image = discs([300.0, 150.0, 600.0, 450.0], shift=(t // 3, -t // 4))
        frames.append(ndimage.gaussian_filter(image, 9.0 if t == blurred else 0.5))
    data = np.stack(frames)[:, None] + 100 + rng.standard_normal((N_FRAMES, 1, *frames[0].shape))
    return movie_of(np.rint(data).astype(np.uint16))


def follow(over_time: bool = True):
    segment = {"diameter_um": 16.0, "over_time": over_time}
    return experiment_of(
        {
            "track": {"mode": "follow"},
            "segment": segment,
            "phases": [],
            "calibration": {"source": "none"},
        }
    )


def labels_of(movie: Movie, jobs: int, over_time: bool = True) -> list[np.ndarray]:
    return [rows.labels for rows in iter_frames(movie, follow(over_time), jobs=jobs)]


def test_same_cells_and_numbers_for_any_number_of_jobs() -> None:
    movie = wandering(blurred=6)
    one, three = (list(iter_frames(movie, follow(), jobs=jobs)) for jobs in (1, 3))
    assert [rows.t for rows in three] == list(range(N_FRAMES))
    for here, there in zip(one, three, strict=True):
        np.testing.assert_array_equal(here.labels, there.labels)
        np.testing.assert_array_equal(here.flat["cell"].mean, there.flat["cell"].mean)


def test_each_frame_by_itself_if_wanted() -> None:
    movie = wandering()
    segmenter = follow().segment.segmenter()
    frames = np.asarray(movie.data)[:, 0]
    for labels, frame in zip(labels_of(movie, 2, over_time=False), frames, strict=True):
        np.testing.assert_array_equal(labels, segmenter(frame, movie.pixel_size_um))


def test_every_cell_keeps_its_track() -> None:
    analysis = analyze(follow(), movie=wandering(), jobs=2)
    assert len(analysis.cells) == 4
    assert (analysis.cells["n_frames"] == N_FRAMES).all()


@pytest.mark.parametrize("jobs", [1, 2])
def test_stopping_leaves_no_thread_behind(jobs: int) -> None:
    before = threading.active_count()
    frames = iter_frames(wandering(), follow(), jobs=jobs)
    assert next(frames).t == 0
    frames.close()
    assert threading.active_count() == before
