from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from dishes import BACKGROUND, CENTRES, LEVELS, PHASES, RADIUS, SIZE, dish, experiment_of, movie_of

import zincflux
from zincflux.errors import ExperimentError
from zincflux.pipeline import analyze
from zincflux.pipeline.plan import make_plan
from zincflux.pipeline.still import spread, view_names, viewed_frames
from zincflux.report.view import view_text

SEGMENT = {"diameter_um": 2 * RADIUS, "method": "otsu"}


def plan_of(movie=None, phases=PHASES, **segment):
    return make_plan(
        experiment_of({"segment": {**SEGMENT, **segment}, "phases": list(phases)}), movie or dish()
    )


def test_views_of_a_movie():
    phases = tuple(f"phase:{phase['name']}" for phase in PHASES)
    assert view_names(plan_of()) == ("mean", "max", "sd", *phases)
    assert view_names(plan_of(projection="sd")) == ("sd",)
    assert view_names(plan_of(projection="phase:TPEN")) == ("phase:TPEN",)


def test_the_longest_phases_are_looked_at_and_none_that_is_ignored():
    starts = (0, 20, 50, 55, 95, 130, 160, 200)
    phases = [
        {"name": f"p{start}", "role": "ignore" if start == 200 else "response", "start_s": start}
        for start in starts
    ]
    names = view_names(plan_of(phases=phases))
    assert names == (
        "mean",
        "max",
        "sd",
        *(f"phase:p{start}" for start in (0, 20, 55, 95, 130, 160)),
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("phase:TPAN", r"found 'phase:TPAN'\. Did you mean 'phase:TPEN'\?"),
        ("phase:xyz", r"There are: rest, zinc, TPEN, Zn\."),
    ],
)
def test_a_phase_that_is_not_there(name, message):
    with pytest.raises(ExperimentError, match=r"segment\.projection: expected mean, .*" + message):
        analyze(experiment_of({"segment": {**SEGMENT, "projection": name}}), movie=dish())


def test_frames_of_the_phase_are_read_however_short_it_is():
    movie = dish(np.full(300, 500.0))
    phases = [
        {"name": "rest", "role": "baseline", "start_s": 0},
        {"name": "short", "role": "response", "start_s": 1000, "end_s": 1020},
    ]
    plain = viewed_frames(plan_of(movie, phases), 10)
    assert plain == spread(300, 10)
    chosen = viewed_frames(plan_of(movie, phases, projection="phase:short"), 10)
    assert set(chosen) == {*plain, 200, 201, 202, 203}


def test_view_of_a_phase_is_the_mean_of_its_frames():
    analysis = analyze(
        experiment_of({"segment": {**SEGMENT, "projection": "phase:zinc"}}), movie=dish(noise=0.0)
    )
    cell = analysis.overview[CENTRES[0]]
    assert cell == pytest.approx(BACKGROUND + LEVELS[1])
    assert analysis.view == {"name": "phase:zinc", "scores": {}, "n_split_by_traces": 0}


def test_cells_that_fade_before_others_are_loaded_are_found_by_auto():
    """Half of the cells are only bright at rest: only there all can be seen."""
    time = np.arange(50)
    early = np.where(time < 10, 60.0, 0.0)
    late = np.where(time < 10, 60.0, 2000.0)
    y, x = np.mgrid[:SIZE, :SIZE]
    data = np.full((50, 1, SIZE, SIZE), BACKGROUND)
    for (cy, cx), trace in zip(CENTRES, (early, early, late, late), strict=True):
        inside = np.hypot(y - cy, x - cx) <= RADIUS
        data[:, 0, inside] += trace[:, None]
    data += np.random.default_rng(0).standard_normal(data.shape)
    found = {}
    for name in ("auto", "mean"):
        experiment = experiment_of(
            {"segment": {**SEGMENT, "projection": name}, "calibration": {"source": "none"}}
        )
        found[name] = analyze(experiment, movie=movie_of(data))
    assert len(found["auto"].cells) == 4
    assert found["auto"].view["name"] == "phase:rest"
    assert len(found["mean"].cells) == 2


def touching_movie():
    y, x = np.mgrid[:SIZE, :SIZE]
    left, right = np.hypot(y - 40, x - 36) <= RADIUS, np.hypot(y - 40, x - 51) <= RADIUS
    time = np.arange(50)
    data = np.full((50, 1, SIZE, SIZE), BACKGROUND)
    data[:, 0, left] += np.where(time < 10, 100.0, 900.0)[:, None]
    data[:, 0, right & ~left] += np.where(time < 40, 150.0, 900.0)[:, None]
    return movie_of(data + np.random.default_rng(0).standard_normal(data.shape))


@pytest.mark.parametrize(("split", "n_cells"), [(True, 2), (False, 1)])
def test_touching_cells_with_different_traces(split, n_cells):
    segment = {**SEGMENT, "split_by_traces": split}
    experiment = experiment_of({"segment": segment, "calibration": {"source": "none"}})
    analysis = analyze(experiment, movie=touching_movie())
    assert len(analysis.cells) == n_cells
    assert analysis.view["n_split_by_traces"] == (1 if split else None)


def test_own_labels_are_taken_as_they_are(tmp_path):
    y, x = np.mgrid[:SIZE, :SIZE]
    labels = np.where((np.abs(y - 40) < 9) & (x > 27) & (x < 60), 7, 0).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells.tif", labels)
    segment = {"method": "labels", "labels": str(tmp_path / "cells.tif")}
    experiment = experiment_of({"segment": segment, "calibration": {"source": "none"}})
    analysis = analyze(experiment, movie=touching_movie())
    assert analysis.view == {"name": "mean", "scores": {}, "n_split_by_traces": None}
    np.testing.assert_array_equal(analysis.labels, labels)


def test_moving_cells_have_no_view():
    experiment = experiment_of({"segment": SEGMENT, "track": {"mode": "follow"}})
    assert analyze(experiment, movie=dish()).view is None


def test_the_choice_is_stored_and_reported():
    analysis = analyze(experiment_of({"segment": SEGMENT}), movie=dish())
    assert json.loads(json.dumps(analysis.view)) == analysis.view
    text = view_text(analysis.view)
    assert f"Found in the view {analysis.view['name']}, which shows cells best" in text
    assert isinstance(analysis, zincflux.Analysis)


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (None, ""),
        ({"name": "sd", "scores": {}, "n_split_by_traces": None}, "Found in the view sd."),
        (
            {"name": "sd", "scores": {}, "n_split_by_traces": 2},
            "Found in the view sd. 2 cut in two where the sides brighten and fade differently.",
        ),
    ],
)
def test_text_of_the_report(view, text):
    assert view_text(view) == text
