"""A study from pixels to its fold change, as a user runs it."""

import warnings

import pandas as pd
import pytest

from zincflux.batch import run_batch
from zincflux.errors import ZincfluxWarning
from zincflux.results import read_study, write_study_simulation
from zincflux.synthetic import StudySimulation


@pytest.mark.slow
def test_the_batch_finds_the_fold_change_of_a_simulated_study(tmp_path):
    settings = StudySimulation(
        salts=("ZnCl2",), most=(4.0,), ec50=(50.0,), doses=(0.0, 90.0), n_experiments=3, seed=7
    )
    for _ in write_study_simulation(settings, tmp_path / "made"):
        pass
    made = tmp_path / "made"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        outcome = run_batch(
            made / "sheet.csv", tmp_path / "out", settings=made / "settings.toml", jobs=1
        )
    assert (outcome.done, outcome.failed) == (6, 0)
    truth = pd.read_csv(made / "truth.csv").set_index("dose").loc[90.0, "fold_change"]
    conditions = read_study(tmp_path / "out").conditions
    found = conditions[(conditions.metric == "rate_nM_per_s") & (conditions.dose == 90.0)].iloc[0]
    assert found.fold_low < truth < found.fold_high
    assert found.fold_change == pytest.approx(truth, rel=0.3)
    assert found.fold_low > 1.0
