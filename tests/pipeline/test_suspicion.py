from __future__ import annotations

import numpy as np
import pytest
import tifffile
from dishes import BACKGROUND, PIXEL_UM, SIZE, experiment_of, levels, movie_of
from hypothesis import given
from hypothesis import strategies as st

from zincflux.pipeline import analyze
from zincflux.pipeline.suspicion import (
    DEAD,
    DEBRIS,
    DETACHED,
    MAYBE_DEBRIS,
    debris_or_dead,
    detached,
    unmoved,
)

N, T = 12, 60
PARTS = [np.arange(T) < 20, (np.arange(T) >= 20) & (np.arange(T) < 40), np.arange(T) >= 40]
COURSE = np.repeat([200.0, 20.0, 1000.0], 20)
SD = np.ones((N, T))


def cells(*, noise=1.0, seed=0):
    """Traces of cells that all answer, of different brightness."""
    rng = np.random.default_rng(seed)
    load = np.exp(0.5 * rng.standard_normal(N))
    return load[:, None] * COURSE + noise * rng.standard_normal((N, T))


def areas(**changed):
    area = np.full(N, 100.0)
    for row, value in changed.items():
        area[int(row[1:])] = value
    return area


def test_nothing_is_held_against_usual_cells():
    signal = cells()
    still = unmoved(signal, SD, PARTS)
    assert not still.any()
    assert set(debris_or_dead(areas(), np.median(signal, axis=1), still)) == {""}
    assert not detached(signal, SD).any()


def test_what_answers_nothing_while_others_do():
    signal = cells()
    signal[3] = 300.0
    signal[4] = 300.0 + 60 * (COURSE > 500)  # a fifth, where others change fourfold
    assert np.flatnonzero(unmoved(signal, SD, PARTS)).tolist() == [3, 4]


def test_a_noisy_trace_is_not_called_unmoved():
    signal, sd = cells(), SD.copy()
    signal[3], sd[3] = 300.0, 1000.0
    assert not unmoved(signal, sd, PARTS).any()


def test_where_hardly_anything_changes_nothing_stands_out():
    flat = 300 + np.random.default_rng(0).standard_normal((N, T))
    assert not unmoved(flat, SD, PARTS).any()


def test_one_part_or_no_number_tells_nothing():
    assert not unmoved(cells(), SD, PARTS[:1]).any()
    assert not unmoved(np.full((N, T), np.nan), SD, PARTS).any()


@pytest.mark.parametrize(
    ("size", "level", "still", "kind"),
    [
        (100, 1, False, ""),
        (100, 1, True, ""),
        (100, 5, True, ""),
        (30, 1, False, MAYBE_DEBRIS),
        (30, 1, True, DEBRIS),
        (30, 5, True, DEAD),
        (50, 5, True, DEAD),
        (50, 5, False, ""),
        (50, 1, True, ""),
    ],
)
def test_debris_and_dead(size, level, still, kind):
    brightness = np.ones(N)
    brightness[2] = level
    is_still = np.zeros(N, dtype=bool)
    is_still[2] = still
    expected = [""] * N
    expected[2] = kind
    assert debris_or_dead(areas(c2=size), brightness, is_still).tolist() == expected


def test_few_cells_say_nothing_of_what_is_usual():
    area = np.array([100.0] * 6 + [5.0])
    assert set(debris_or_dead(area, np.ones(7), np.ones(7, dtype=bool))) == {""}
    assert not detached(cells()[:7], SD[:7]).any()


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_units_do_not_matter(gain, size):
    signal = cells()
    signal[3, 30:], signal[5] = 0.0, 250.0
    still = unmoved(gain * signal, gain * SD, PARTS)
    np.testing.assert_array_equal(still, unmoved(signal, SD, PARTS))
    np.testing.assert_array_equal(detached(gain * signal, gain * SD), detached(signal, SD))
    level = np.median(signal, axis=1)
    np.testing.assert_array_equal(
        debris_or_dead(size * areas(c5=20), gain * level, still),
        debris_or_dead(areas(c5=20), level, still),
    )


@pytest.mark.parametrize("t", [8, 12, 45])
def test_a_detached_cell_is_lost_from_then_on(t):
    signal = cells()
    signal[4, t:] = np.random.default_rng(1).standard_normal(T - t)
    lost = detached(signal, SD)
    assert not np.delete(lost, 4, axis=0).any()
    np.testing.assert_array_equal(np.flatnonzero(lost[4]), np.arange(t, T))


def test_a_fall_over_a_few_frames():
    signal = cells()
    signal[4, 8:12] *= (0.8, 0.45, 0.2, 0.05)
    signal[4, 12:] = 0.0
    assert np.flatnonzero(detached(signal, SD)[4])[0] in (9, 10)


def test_frames_that_were_not_measured_are_passed_over():
    signal = cells()
    signal[4, 12:] = 0.0
    signal[:, 25] = np.nan
    assert detached(signal, SD)[4, 12:].all()


def test_a_chelator_detaches_nobody():
    """All fall at once, and one of them rises again; some lower than others."""
    signal = np.concatenate([cells()[:, :20], 0.01 * cells()[:, 20:40]], axis=1)
    signal[3, 30:] = 900.0
    assert not detached(signal, SD[:, :40]).any()


def test_a_cell_that_does_not_answer_is_not_detached():
    signal = cells()
    signal[4] = 100.0
    assert not detached(signal, SD).any()


def test_dim_cells_and_short_movies_tell_nothing():
    signal = cells()
    signal[4, 12:] = 0.0
    assert not detached(signal, 1e3 * SD).any()
    assert not detached(signal[:, :14], SD[:, :14]).any()


def test_a_cell_gone_in_the_last_frames_may_come_back():
    signal = cells()
    signal[4, -4:] = 0.0
    assert not detached(signal, SD).any()


RADIUS = 7


def crowd(changes, n_frames=50, size=SIZE):
    """Nine discs; ``changes`` gives radius and trace of some."""
    y, x = np.mgrid[:size, :size]
    data = np.full((n_frames, 1, size, size), BACKGROUND)
    centres = [(cy, cx) for cy in (18, 46, 74) for cx in (18, 46, 74)]
    for number, (cy, cx) in enumerate(centres):
        radius, trace = changes.get(number, (RADIUS, levels(n_frames)))
        inside = np.hypot(y - cy, x - cx) <= radius
        data[:, 0, inside] += np.asarray(trace)[:, None]
    data += np.random.default_rng(0).standard_normal(data.shape)
    return movie_of(data), centres


def analysed(folder, changes, **sections):
    """Analyse with the true outlines."""
    movie, centres = crowd(changes)
    y, x = np.mgrid[:SIZE, :SIZE]
    labels = np.zeros((SIZE, SIZE), dtype=np.uint16)
    for number, (cy, cx) in enumerate(centres):
        radius = changes.get(number, (RADIUS,))[0]
        labels[np.hypot(y - cy, x - cx) <= radius] = number + 1
    tifffile.imwrite(folder / "cells.tif", labels)
    segment = {"method": "labels", "labels": str(folder / "cells.tif")}
    analysis = analyze(experiment_of({"segment": segment, **sections}), movie=movie)
    table = analysis.cells.set_index("cell_id")
    numbers = [int(analysis.labels[place]) for place in centres]
    return analysis, table, numbers


def test_the_chain_excludes_debris_and_the_dead(tmp_path):
    _, table, numbers = analysed(
        tmp_path, {4: (4, np.full(50, 600.0)), 0: (5, np.full(50, 1500.0))}
    )
    assert len(table) == 9
    assert table.loc[numbers[4], "reason"].startswith(DEBRIS)
    assert table.loc[numbers[0], "reason"].startswith(DEAD)
    assert sorted(table.index[table["excluded"]]) == sorted([numbers[4], numbers[0]])


def test_without_calibration_phases_small_ones_are_only_doubtful(tmp_path):
    phases = [
        {"name": "rest", "role": "baseline", "start_s": 0},
        {"name": "zinc", "role": "response", "start_s": 50},
    ]
    none = {"source": "none"}
    _, table, numbers = analysed(
        tmp_path, {4: (4, np.full(50, 600.0))}, phases=phases, calibration=none
    )
    assert table.loc[numbers[4], "reason"] == MAYBE_DEBRIS
    assert not table["excluded"].any()


def test_rows_of_a_detached_cell_are_lost(tmp_path):
    trace = levels()
    trace[14:] = 0.0
    analysis, table, numbers = analysed(tmp_path, {4: (RADIUS, trace)})
    assert table.loc[numbers[4], "reason"].startswith(DETACHED)
    rows = analysis.traces.set_index("cell_id").loc[numbers[4]]
    assert (rows["flag"].to_numpy()[14:] == "lost").all()
    assert "lost" not in rows["flag"].to_numpy()[:14]
    others = analysis.traces[analysis.traces["cell_id"] != numbers[4]]
    assert "lost" not in set(others["flag"])


def test_cells_cut_by_the_edge_are_not_called_debris():
    movie, _ = crowd({})
    data = np.array(movie.data)
    data[:, 0, :2, 40:50] += levels()[:, None, None]
    segment = {"diameter_um": 2 * RADIUS, "smallest_um2": 10, "method": "otsu"}
    table = analyze(experiment_of({"segment": segment}), movie=movie_of(data)).cells
    small = table[table["area_um2"] < 40 * PIXEL_UM**2]
    assert len(small) == 1
    assert not small["reason"].str.contains("debris").any()


def test_a_ratio_is_compared_as_a_ratio():
    """Debris glows alike in both channels, while the sum of a living cell hardly changes."""
    movie, centres = crowd({4: (3, np.full(50, 1000.0))})
    one = np.array(movie.data) - BACKGROUND
    share = np.clip(levels() / 1500, 0.1, 0.8)[:, None, None]
    y, x = np.mgrid[:SIZE, :SIZE]
    speck = np.hypot(y - centres[4][0], x - centres[4][1]) <= 3
    mask = one[:, 0].max(axis=0) > 500
    bound = np.where(speck, 0.5, share)
    two = BACKGROUND + np.stack([bound, 1 - bound], axis=1) * 2000.0 * mask
    two += np.random.default_rng(1).standard_normal(two.shape)
    experiment = experiment_of(
        {
            "indicator": "ZapCY2",
            "channels": {"numerator": "FRET", "denominator": "CFP"},
            "calibration": {"k_nM": 0.8, "beta": 1.0},
            "segment": {"diameter_um": 2 * RADIUS, "smallest_um2": 10, "method": "otsu"},
        }
    )
    analysis = analyze(experiment, movie=movie_of(two, ("FRET", "CFP")))
    table = analysis.cells.set_index("cell_id")
    assert table.loc[int(analysis.labels[centres[4]]), "reason"].startswith(DEBRIS)
    assert table["excluded"].sum() == 1


def test_followed_cells_are_not_suspected():
    movie, _ = crowd({4: (4, np.full(50, 600.0))})
    experiment = experiment_of(
        {
            "segment": {"diameter_um": 2 * RADIUS, "smallest_um2": 10, "method": "otsu"},
            "track": {"mode": "follow"},
        }
    )
    assert not analyze(experiment, movie=movie).cells["reason"].str.contains("debris").any()
