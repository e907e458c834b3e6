from __future__ import annotations

import pydantic
import pytest

from zincflux.errors import ExperimentError
from zincflux.settings import Settings, keys
from zincflux.synthetic import Simulation


def test_defaults_follow_what_is_simulated():
    assert Simulation().channels == ("FluoZin-3",)
    fret = Simulation(kind="fret")
    assert (fret.channels, fret.k_nM, fret.dynamic_range) == (("CFP", "FRET"), 0.811, 2.0)
    assert Simulation(bit_depth=12).gain_e > Simulation(bit_depth=16).gain_e
    assert Simulation(moving=True).frame_interval_s == 60


def test_a_given_value_wins_over_a_default():
    assert Simulation(kind="fret", k_nM=5.3).k_nM == 5.3
    assert Simulation(bit_depth=12, gain_e=1.0).gain_e == 1.0


def test_written_settings_read_back_as_the_same():
    settings = Simulation(kind="fret", moving=True, n_cells=7)
    assert Simulation.parse(settings.model_dump(), where="test") == settings


def test_every_key_has_help():
    assert all(key.help for key in keys(Simulation))
    assert issubclass(Simulation, Settings)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bleach_rate_per_s": [0.1, 0.1]}, "bleach_rate_per_s: expected 1 rates"),
        ({"phase_shares": [0, 0, 0, 0]}, "phase_shares: expected at least one share above 0"),
        ({"n_cells": 900}, "n_cells: 900 cells of 15 µm do not fit in 320 x 320 pixels"),
        ({"bit_depth": 11}, "bit_depth"),
        ({"n_frame": 3}, "Did you mean 'n_frames'"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong, message):
    with pytest.raises(ExperimentError, match=message):
        Simulation.parse(wrong, where="simulate")


def test_what_is_not_a_table_is_refused():
    with pytest.raises(pydantic.ValidationError):
        Simulation.model_validate(3)


def test_fewer_cells_fit_where_the_edge_may_not_cut_them():
    tight = Simulation(n_cells=1, edge_cells=False)
    assert tight.capacity < Simulation(n_cells=1).capacity
