"""Movies of other microscopes, most with moving cells: each runs, or is refused by key."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_experiments import UNKNOWN_SCALE, breaks_inside, f1, n_labels, run, same_links

import zincflux
from zincflux import Analysis
from zincflux.errors import ExperimentError

pytestmark = pytest.mark.realdata

GOLGI = "golgi-bfa-timelapse/xyt_calibrated_16bit__golgi_bfa_sum_projection.tif"
MIGRATION = "mda231-migration/cancer_cell_migration_crop.tif"
DENSE = "laptrack-nuclei/example_images.tif"
DENSE_LABELS = "laptrack-nuclei/example_label.tif"
MITOSES = "mitocheck-hela-h2b/EMBO_2012_Group3--empty--empty--W0002--P001--T{t}--Z000--C.tif"
UNKNOWN_TIME = {"frame_interval_s": 60.0}
FOLLOW = {"mode": "follow"}


TOO_TIGHT = pytest.mark.xfail(
    strict=True,
    reason="outlines keep to the bright part of a cell (docs/validation/segmentation.md)",
)


def golgi(realdata: Path) -> Analysis:
    return run(
        realdata,
        {"path": GOLGI},
        segment={"diameter_um": 40},
        phases=[
            {"name": "early", "role": "baseline", "start_s": 0},
            {"name": "late", "role": "response", "start_s": 600},
        ],
        flux={"rate_window_s": 600},
    )


@TOO_TIGHT
def test_outline_holds_the_whole_cell_around_its_golgi(realdata: Path) -> None:
    assert 0.75 < golgi(realdata).traces["f_f0"].iloc[-5:].mean() < 0.95


def test_golgi_of_one_cell(realdata: Path) -> None:
    analysis = golgi(realdata)
    assert len(analysis.cells) == 1
    assert analysis.pixel_size_um == pytest.approx(0.351, abs=0.001)
    assert analysis.frames["time_s"].iloc[-1] == pytest.approx(29 * 59.86, abs=1)
    movie = zincflux.open_movie(realdata / GOLGI)
    inside = analysis.labels == 1
    by_hand = [movie.frame(t)[0][inside].mean(dtype=float) for t in range(30)]
    np.testing.assert_allclose(analysis.traces["C0_raw"], by_hand, rtol=1e-6)
    # Brefeldin A empties the Golgi into the rest of the cell, part of which is too dim beside the
    # Golgi to lie within the outline.
    assert 0.68 < analysis.traces["f_f0"].iloc[-5:].mean() < 0.95


def test_stack_without_metadata_asks_for_one_key_after_the_other(realdata: Path) -> None:
    movie: dict[str, Any] = {"path": MIGRATION}
    with pytest.raises(ExperimentError, match=r'Set movie\.axes: "TYX" if it is time'):
        run(realdata, movie)
    movie["axes"] = "TYX"
    with pytest.raises(ExperimentError, match=r"Set movie\.frame_interval_s"):
        run(realdata, movie)
    movie["frame_interval_s"] = 60.0
    with pytest.raises(ExperimentError, match=r"Set movie\.pixel_size_um"):
        run(realdata, movie)


def test_migrating_nuclei_keep_their_identity(realdata: Path) -> None:
    analysis = run(
        realdata,
        {"path": MIGRATION, "axes": "TYX", **UNKNOWN_TIME, **UNKNOWN_SCALE},
        segment={"diameter_um": 25},
        track=FOLLOW,
    )
    cells = analysis.cells
    # Nine of the ten nuclei of the first frame stay in view; by eye, all keep their number.
    assert ((cells["first_frame"] == 0) & (cells["n_frames"] >= 44)).sum() >= 8
    assert n_labels(analysis.label_images[0]) in (9, 10, 11)
    assert 15 <= n_labels(analysis.label_images[47]) <= 19
    assert len(cells) <= 26
    _, ends = breaks_inside(analysis, margin_um=15)
    assert ends <= 4


@pytest.fixture(scope="module")
def dense(realdata: Path) -> dict[str, Analysis]:
    """Dense nuclei that move by more than half of their diameter a frame, outlined in two ways."""
    movie = {"path": DENSE, "axes": "TYX", **UNKNOWN_TIME, **UNKNOWN_SCALE}
    track = {"mode": "follow", "max_step_um": 25}
    ways = {"images": {"diameter_um": 22}, "labels": {"method": "labels", "labels": DENSE_LABELS}}
    return {name: run(realdata, movie, segment=how, track=track) for name, how in ways.items()}


def test_dense_nuclei_are_found(dense: dict[str, Analysis]) -> None:
    images, labels = dense["images"], dense["labels"]
    agreement = [f1(images.label_images[t], labels.label_images[t]) for t in range(6)]
    assert np.mean(agreement) > 0.9
    assert min(agreement) > 0.8


def test_dense_nuclei_are_followed(dense: dict[str, Analysis]) -> None:
    images, labels = dense["images"], dense["labels"]
    given = sum(map(n_labels, labels.label_images))
    # 39 nuclei at first, 50 at last; the whole field moves by a fifth of its height, and cells
    # divide.
    assert 55 <= len(labels.cells) <= 70
    assert given / len(labels.cells) >= 3.9
    assert max(breaks_inside(labels, margin_um=15)) <= 6
    assert abs(len(images.cells) - len(labels.cells)) <= 6
    length = [float(found.cells["n_frames"].mean()) for found in (images, labels)]
    assert length[0] == pytest.approx(length[1], rel=0.1)
    assert same_links(labels, images) > 0.93


def test_labels_do_not_fit_a_static_movie(realdata: Path) -> None:
    with pytest.raises(ExperimentError, match=r"segment\.labels: .* change track\.mode"):
        run(
            realdata,
            {"path": DENSE, "axes": "TYX", **UNKNOWN_TIME, **UNKNOWN_SCALE},
            segment={"method": "labels", "labels": DENSE_LABELS},
        )


def test_one_file_per_time_point_asks_for_its_interval(realdata: Path) -> None:
    with pytest.raises(ExperimentError, match=r"Set movie\.frame_interval_s"):
        run(realdata, {"path": MITOSES, **UNKNOWN_SCALE}, track=FOLLOW)


def test_nuclei_of_one_file_per_time_point(realdata: Path) -> None:
    analysis = run(
        realdata,
        {"path": MITOSES, **UNKNOWN_TIME, **UNKNOWN_SCALE},
        segment={"diameter_um": 12},
        track=FOLLOW,
    )
    cells = analysis.cells
    counts = [n_labels(labels) for labels in analysis.label_images]
    assert len(counts) == 30
    assert min(counts) >= 15
    assert max(counts) <= 26
    assert (cells["n_frames"] >= 29).sum() >= 12
    mothers = set(cells["parent_id"]) - {0}
    assert len(mothers) >= 2
    for mother in mothers:
        assert (cells["parent_id"] == mother).sum() == 2
