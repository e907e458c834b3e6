from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from zincflux.synthetic import Simulation
from zincflux.synthetic.placement import push_apart
from zincflux.synthetic.population import populate


def people(**settings):
    settings = Simulation(**{"n_cells": 30, "n_frames": 40, **settings})
    return settings, populate(settings, np.random.default_rng(settings.seed))


def test_cells_that_stand_still_are_all_in_the_frame():
    settings, cells = people()
    assert cells.n_cells == 30
    assert cells.exists.all()
    assert cells.y_px.min() >= 0
    assert cells.x_px.max() <= settings.shape_px[1] - 1
    assert not cells.same_as().any()


def test_edge_cells_can_be_left_out():
    settings, cells = people(edge_cells=False, n_cells=20)
    inset = settings.diameter_px / 2
    assert cells.y_px.min() > inset
    assert cells.x_px.max() < settings.shape_px[1] - inset


def test_a_frame_too_small_for_an_inset_keeps_its_cell_in_the_middle():
    _, cells = people(edge_cells=False, n_cells=1, shape_px=(26, 26))
    assert cells.y_px[0, 0] == pytest.approx(12.5)


def test_crowding_makes_cells_touch():
    def touching(crowding):
        settings, cells = people(crowding=crowding)
        centre = np.stack([cells.y_px[0], cells.x_px[0]], axis=1)
        return (pdist(centre) < settings.diameter_px).sum()

    assert touching(0.0) == 0
    assert touching(0.9) > 20


def test_push_apart_leaves_cells_that_do_not_overlap():
    centre = np.array([[0.0, 0.0], [0.0, 100.0]])
    bounds = np.array([[-10.0, -10.0], [200.0, 200.0]])
    moved = push_apart(centre, np.array([5.0, 5.0]), bounds, np.zeros(2, int), rounds=9)
    np.testing.assert_array_equal(moved, centre)


def test_push_apart_separates_cells():
    centre = np.array([[50.0, 50.0], [50.0, 52.0]])
    bounds = np.array([[0.0, 0.0], [100.0, 100.0]])
    moved = push_apart(centre, np.array([8.0, 8.0]), bounds, np.array([0, 1]), rounds=100)
    assert pdist(moved)[0] == pytest.approx(1.3 * 16, rel=0.02)


def test_wandering_cells_move_at_their_speed():
    settings, cells = people(moving=True, division_rate_per_h=0, crowding=0, n_cells=20)
    step = np.hypot(np.diff(cells.y_px, axis=0), np.diff(cells.x_px, axis=0))
    speed = np.sqrt((step**2).mean()) * settings.pixel_size_um
    assert speed == pytest.approx(settings.speed_um_per_min, rel=0.4)
    assert (cells.same_as() == np.arange(40)).all()


def test_mothers_end_where_daughters_start():
    _, cells = people(moving=True, division_rate_per_h=2.0, seed=1)
    mothers, counts = np.unique(cells.parent[cells.parent >= 0], return_counts=True)
    assert len(mothers) > 3
    assert set(counts) == {2}
    first, last = cells.exists.argmax(axis=0), 39 - cells.exists[::-1].argmax(axis=0)
    for daughter in np.flatnonzero(cells.parent >= 0):
        mother = cells.parent[daughter]
        assert first[daughter] == last[mother] + 1
        assert cells.family[daughter] == cells.family[mother]
        near = np.hypot(
            cells.y_px[first[daughter], daughter] - cells.y_px[last[mother], mother],
            cells.x_px[first[daughter], daughter] - cells.x_px[last[mother], mother],
        )
        assert near < 20
    assert (cells.radius_px[first[-1], -1]) < 0.7 * cells.radius_px[0].max()


def test_a_cell_keeps_its_sensor_through_division():
    # Light of the mother in her last frame against that of both daughters in their first.
    _, cells = people(moving=True, division_rate_per_h=2.0, seed=1)
    amount = cells.dye * cells.radius_px**2
    first = cells.exists.argmax(axis=0)
    daughter = np.flatnonzero(cells.parent >= 0)[0]
    mother = cells.parent[daughter]
    twins = np.flatnonzero(cells.parent == mother)
    frame = first[daughter]
    assert amount[frame, twins].sum() == pytest.approx(amount[frame - 1, mother], rel=0.05)


def test_dying_cells_shrink_round_up_and_fade():
    _, cells = people(dying_fraction=0.5, death_time_s=20)
    dying = np.isfinite(cells.death_frame)
    assert 0.2 < dying.mean() < 0.8
    assert (cells.radius_px[-1] < 0.75 * cells.radius_px[0])[dying].all()
    assert (cells.dye[-1] < 0.5)[dying].all()
    assert (cells.dye[-1] == 1)[~dying].all()
    before = np.arange(40)[:, None] <= cells.death_frame
    assert (cells.roundness[before] == 0).all()


def test_selecting_keeps_mothers_or_forgets_them():
    _, cells = people(moving=True, division_rate_per_h=2.0, seed=1)
    daughter = np.flatnonzero(cells.parent >= 0)[0]
    with_mother = cells.of(np.array([cells.parent[daughter], daughter]))
    assert with_mother.parent.tolist() == [-1, 0]
    assert cells.of(np.array([daughter])).parent.tolist() == [-1]
