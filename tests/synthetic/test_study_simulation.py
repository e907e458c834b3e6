"""A simulated study: what it is made with is what its files say."""

import filecmp

import numpy as np
import pandas as pd
import pytest
import tifffile

from zincflux.errors import ExperimentError
from zincflux.results import write_study_simulation
from zincflux.settings import read_toml
from zincflux.statistics import StudySettings
from zincflux.synthetic import StudySimulation, simulate
from zincflux.synthetic.study import simulation_of, study_movies, true_effects

SMALL = {
    "n_experiments": 2,
    "doses": (0.0, 60.0),
    "n_cells": 3,
    "n_frames": 20,
    "shape_px": (64, 64),
    "dose_unit": "µM",
}


def make(folder, **changes):
    steps = write_study_simulation(StudySimulation(**{**SMALL, **changes}), folder)
    return list(steps)


def test_the_effect_is_half_way_at_ec50():
    settings = StudySimulation(most=(3.0, 5.0), ec50=(60.0, 45.0))
    assert settings.fold(0, 0.0) == settings.fold(1, 0.0) == 1.0
    assert settings.fold(0, 60.0) == pytest.approx(2.0)
    assert settings.fold(1, 45.0) == pytest.approx(3.0)


def test_true_folds_are_those_of_the_zinc_taken_up_but_for_the_rest():
    settings = StudySimulation()
    truth = true_effects(settings)
    assert len(truth) == 10
    for row in truth.itertuples():
        salt = settings.salts.index(row.condition)
        assert row.fold_change == pytest.approx(settings.fold(salt, row.dose), rel=0.06)


def test_the_movies_have_the_true_median_rate():
    settings = StudySimulation(day_spread=0.0, dish_spread=0.0, n_cells=200, shape_px=(500, 500))
    truth = true_effects(settings).set_index(["condition", "dose"])["rate_nM_per_s"]
    one = simulate(simulation_of(settings, settings.fold(1, 90.0), 3))
    found = one.cells["initial_rate_nM_per_s"].median()
    # The median of 200 cells with a spread of about 0.35 is known to 3 %.
    assert found == pytest.approx(truth["Zn gluconate", 90.0], rel=0.1)


def test_all_dishes_of_a_day_share_its_factor():
    settings = StudySimulation(n_experiments=40, doses=(0.0,), dish_spread=0.0, day_spread=0.3)
    by_day = {}
    for one in study_movies(settings):
        gap = one.simulation.plateau_nM - one.simulation.rest_nM
        by_day.setdefault(one.keys["experiment"], set()).add(round(gap, 9))
    assert all(len(gaps) == 1 for gaps in by_day.values())
    factors = np.log([gaps.pop() / settings.gap_nM for gaps in by_day.values()])
    assert factors.std() == pytest.approx(0.3, rel=0.5)


def test_samples_have_names_and_seeds_of_their_own():
    movies = list(study_movies(StudySimulation(n_dishes=2)))
    assert len(movies) == StudySimulation(n_dishes=2).n_movies == 80
    assert len({one.keys["sample"] for one in movies}) == 80
    assert len({one.simulation.seed for one in movies}) == 80


def test_the_files_fit_one_another(tmp_path):
    out = tmp_path / "study"
    steps = make(out)
    assert [(step.done, step.total) for step in steps][-1] == (8, 8)
    sheet = pd.read_csv(out / "sheet.csv")
    assert list(sheet.columns[:2]) == ["path", "sample"]
    assert all((out / path).is_file() for path in sheet["path"])
    assert tifffile.imread(out / sheet["path"][0]).shape == (20, 64, 64)
    cells = pd.read_csv(out / "truth_cells.csv")
    assert set(cells["sample"]) == set(sheet["sample"])
    truth = pd.read_csv(out / "truth.csv")
    assert set(truth["condition"]) == set(sheet["condition"])
    common = read_toml(out / "settings.toml")
    assert StudySettings.parse(common["study"], where="settings.toml").control_dose == 0.0
    assert "movie" not in common


def test_the_same_settings_give_the_same_bytes(tmp_path):
    make(tmp_path / "a")
    make(tmp_path / "b")
    for path in sorted((tmp_path / "a").rglob("*.*")):
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        if path.is_file():
            assert filecmp.cmp(path, other, shallow=False), path.name


def test_another_seed_is_another_study(tmp_path):
    make(tmp_path / "a", doses=(0.0,), n_experiments=1)
    make(tmp_path / "b", doses=(0.0,), n_experiments=1, seed=1)
    first = "movies/d1-s1-0-1.ome.tif"
    assert not filecmp.cmp(tmp_path / "a" / first, tmp_path / "b" / first, shallow=False)


def test_files_are_not_replaced_unasked(tmp_path):
    make(tmp_path, doses=(0.0,), n_experiments=1)
    with pytest.raises(ExperimentError, match=r"movies is already there\. Add --overwrite"):
        make(tmp_path)
    settings = StudySimulation(**{**SMALL, "doses": (0.0,), "n_experiments": 1, "seed": 4})
    for _ in write_study_simulation(settings, tmp_path, overwrite=True):
        pass
    assert len(pd.read_csv(tmp_path / "sheet.csv")) == 2


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    file = tmp_path / "study"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"study: expected a folder, found a file"):
        make(file)


def test_stopping_leaves_nothing(tmp_path):
    steps = write_study_simulation(StudySimulation(**SMALL), tmp_path / "study")
    next(steps)
    steps.close()
    assert not list(tmp_path.iterdir())


def test_each_salt_has_its_own_effect():
    with pytest.raises(ValueError, match=r"most: expected 3 numbers, one for each of a, b, c"):
        StudySimulation(salts=("a", "b", "c"))


@pytest.mark.parametrize("name", ["salts", "doses"])
def test_nothing_is_named_twice(name):
    twice = {"salts": ("a", "a"), "doses": (1.0, 1.0)}[name]
    with pytest.raises(ValueError, match=rf"{name}: expected each once; found one twice"):
        StudySimulation(**{name: twice})
