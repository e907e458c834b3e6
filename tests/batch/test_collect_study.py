"""From finished folders to a study: judged by plain pandas on the same folders."""

import io
import shutil

import numpy as np
import pandas as pd
import pytest
from finished_folders import edit_run, edit_table, make_sample, make_study
from PIL import Image

from runs import finished
from zincflux.batch.collect import collect_study
from zincflux.batch.finished import Sample, read_finished
from zincflux.columns import (
    CONDITIONS,
    COURSES,
    DISHES,
    EXPERIMENTS,
    HEAT_MAP,
    KEYS,
    QUALITY,
    STUDY_CELLS,
    STUDY_RESPONSES,
    TESTS,
)
from zincflux.errors import ExperimentError, ResultsError
from zincflux.statistics import StudySettings

SETTINGS = StudySettings(control="control")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return finished(tmp_path_factory)[1].out


@pytest.fixture(scope="module")
def samples(tmp_path_factory, base):
    made = make_study(tmp_path_factory.mktemp("study"), base)
    lost = Sample({"sample": "lost", "condition": "zinc"}, "lost.tif", "lost", None, "no such file")
    edit_run(made[1], warnings=["something is doubtful"])

    def leave_out(cells):
        cells.loc[0, "excluded"] = True
        cells.loc[0, "reason"] = "minimum: no plateau; no calibration"

    edit_table(made[3], "cells", leave_out)
    return [*made, lost]


@pytest.fixture(scope="module")
def study(samples):
    return collect_study(samples, SETTINGS, name="Two conditions", warnings=["told by the batch"])


def by_hand(samples, name):
    """Rows of all folders with their keys, of used cells only."""
    parts = []
    for sample in samples:
        if sample.folder is None:
            continue
        table = pd.read_parquet(sample.folder / f"{name}.parquet")
        cells = pd.read_parquet(sample.folder / "cells.parquet")
        used = cells.loc[~cells.excluded, "cell_id"]
        parts.append(table[table.cell_id.isin(used)].assign(**sample.filled_keys))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("cells", STUDY_CELLS),
        ("responses", STUDY_RESPONSES),
        ("dishes", DISHES),
        ("conditions", CONDITIONS),
        ("tests", TESTS),
        ("courses", COURSES),
        ("heat_map", HEAT_MAP),
        ("quality", QUALITY),
        ("experiments", EXPERIMENTS),
    ],
)
def test_tables_have_the_columns_of_the_dictionary(study, name, columns):
    assert list(getattr(study, name).columns) == [column.name for column in columns]


def test_cells_of_all_movies_stand_in_one_table_in_the_order_of_the_sheet(study, samples):
    names = [sample.sample for sample in samples if sample.folder is not None]
    assert list(dict.fromkeys(study.cells["sample"])) == names
    assert list(study.cells.columns[: len(KEYS)]) == [key.name for key in KEYS]
    one = study.cells[study.cells["sample"] == names[4]]
    stored = pd.read_parquet(samples[4].folder / "cells.parquet")
    np.testing.assert_array_equal(one["dynamic_range"], stored["dynamic_range"])


def test_dishes_are_medians_over_their_used_cells_of_all_fields(study, samples):
    rows = by_hand(samples, "responses")
    expected = rows.groupby(["condition", "experiment", "replicate"])["rate_nM_per_s"].median()
    found = study.dishes[study.dishes.metric == "rate_nM_per_s"]
    found = found.set_index(["condition", "experiment", "replicate"])
    assert found["level"].to_dict() == pytest.approx(expected.to_dict())
    first = rows[(rows.condition == "control") & (rows.experiment == "day 0")]
    assert found.loc[("control", "day 0", "a"), "n_cells"] == (first.replicate == "a").sum() == 8


def test_the_fold_is_that_of_the_means_of_log_dishes_paired_by_day(study, samples):
    rows = by_hand(samples, "responses")
    dishes = rows.groupby(["condition", "experiment", "replicate"])["rate_nM_per_s"].median()
    days = np.log(dishes).groupby(["condition", "experiment"]).mean().unstack("condition")
    expected = np.exp((days["zinc"] - days["control"]).mean())
    arms = study.conditions[study.conditions.metric == "rate_nM_per_s"].set_index("condition")
    assert arms.loc["zinc", "fold_change"] == pytest.approx(expected)
    assert arms.loc["zinc", "n_experiments"] == 3
    assert arms.loc["zinc", "pairing"] == "paired"


def test_courses_are_medians_of_dishes_on_the_time_of_the_aligned_phase(study, samples):
    course = study.courses[
        (study.courses.condition == "zinc") & (study.courses.quantity == "f_f0")
    ].set_index("time_s")
    rows = by_hand(samples, "traces")
    rows = rows[rows.condition == "zinc"]
    start = 40.0
    at = rows[rows.time_s == start + 10.0]
    dishes = at.groupby(["experiment", "replicate"])["f_f0"].median()
    expected = dishes.groupby("experiment").mean().mean()
    assert study.align_s == start
    assert course.loc[10.0, "mean_of_dishes"] == pytest.approx(expected)
    assert course.loc[10.0, "n_dishes"] == 6
    assert course.loc[10.0, "n_cells"] == at.f_f0.notna().sum()


def test_an_excluded_cell_counts_in_no_number(study, samples):
    name = samples[3].sample
    cells = study.cells[study.cells["sample"] == name]
    assert cells.excluded.sum() == 1
    shown = study.heat_map[study.heat_map["sample"] == name]
    assert set(shown.cell_id) <= set(cells.loc[~cells.excluded, "cell_id"])
    row = study.quality.set_index("sample").loc[name]
    assert (row.n_found, row.n_excluded, row.n_no_plateau) == (4, 1, 1)
    assert study.reasons.to_dict("records") == [
        {
            "sample": name,
            "reason": "minimum: no plateau; no calibration",
            "what": "excluded",
            "n_cells": 1,
        }
    ]


def test_failed_movies_are_listed_with_their_reason(study):
    row = study.experiments.set_index("sample").loc["lost"]
    assert (row.status, row.reason) == ("failed", "no such file")
    assert row.isna()["n_cells"]
    assert (study.experiments.status == "done").sum() == len(study.experiments) - 1


def test_warnings_name_their_movie_and_those_of_the_study_come_first(study, samples):
    assert study.warnings[0] == ("", "told by the batch")
    assert study.warnings[1][1].startswith("1 of 15 movies failed")
    assert (samples[1].sample, "something is doubtful") in study.warnings


def test_constants_are_told_once_for_all_samples_that_share_them(study, samples):
    assert len(study.constants) == 1
    constants = study.constants[0]
    assert len(constants.samples) == len(samples) - 1
    assert (constants.indicator, constants.k_nM, constants.hill) == ("FluoZin-3", 15.0, 1.0)
    assert "Gee" in constants.source
    assert constants.rate_window_s == 30.0


def test_every_movie_has_a_small_picture(study, samples):
    assert list(study.thumbnails) == [s.sample for s in samples if s.folder is not None]
    for png in study.thumbnails.values():
        assert len(png) <= 60_000
        assert Image.open(io.BytesIO(png)).size == (64, 64)


@pytest.mark.slow
def test_the_order_of_finishing_does_not_matter(study, samples):
    again = collect_study(samples, SETTINGS, name="Two conditions", warnings=["told by the batch"])
    for name in ("cells", "dishes", "conditions", "tests", "courses", "heat_map", "quality"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(study, name))
    assert again.thumbnails == study.thumbnails


def test_zinc_above_the_range_counts_as_above(tmp_path, base):
    made = [
        make_sample(tmp_path, base, {"sample": str(n), "condition": "c", "experiment": str(n)})
        for n in range(3)
    ]
    first_response = pd.read_parquet(base / "responses.parquet").phase.iloc[0]

    def saturate(traces):
        hit = traces.cell_id.isin([1, 2, 3]) & (traces.phase == first_response)
        traces.loc[hit, "zinc_nM"] = np.nan
        traces.loc[hit, "flag"] = "above_max"

    def unknown(responses):
        hit = responses.cell_id.isin([1, 2, 3])
        responses.loc[hit, ["peak_zinc_nM", "plateau_zinc_nM", "rate_nM_per_s"]] = np.nan

    edit_table(made[0], "traces", saturate)
    edit_table(made[0], "responses", unknown)
    study = collect_study(made, StudySettings())
    own = study.responses[study.responses["sample"] == "0"].sort_values("cell_id")
    assert own.peak_zinc_beyond.tolist() == ["above", "above", "above", ""]
    assert own.plateau_zinc_beyond.tolist() == ["above", "above", "above", ""]
    dishes = study.dishes[study.dishes.experiment == "0"].set_index("metric")
    peak = dishes.loc["peak_zinc_nM"]
    assert (peak.n_above, peak.n_missing, peak.beyond) == (3, 0, "above")
    assert np.isnan(peak.level)
    # The side of a slope is unknown: such cells are missing.
    assert dishes.loc["rate_nM_per_s", "n_missing"] == 3
    course = study.courses[study.courses.quantity == "zinc_nM"].set_index("time_s")
    assert course.loc[10.0, "share_above"] == pytest.approx(3 / 12)
    assert np.isnan(course.loc[10.0, "mean_of_dishes"])


def test_without_calibration_the_signal_is_compared(tmp_path, base):
    sample = make_sample(tmp_path, base, {"sample": "one", "condition": "c"})

    def no_zinc(table):
        for column in table:
            if "nM" in column:
                table[column] = np.nan
        if "flag" in table:
            table["flag"] = "no_calibration"

    for name in ("cells", "responses", "traces"):
        edit_table(sample, name, no_zinc)
    (sample.folder / "calibration.toml").unlink()
    edit_run(sample, reach=None)
    study = collect_study([sample], StudySettings())
    assert study.metrics[0] == "rate_f_f0_per_s"
    assert set(study.courses.quantity) == {"f_f0"} == set(study.heat_map.quantity)
    assert study.constants[0].indicator == ""
    assert np.isnan(study.quality.usable_low_nM).all()


def test_a_study_of_failures_is_a_study(tmp_path):
    lost = Sample({"sample": "lost"}, "lost.tif", "lost", None, "no such file")
    study = collect_study([lost], StudySettings())
    assert not len(study.cells)
    assert not len(study.conditions)
    assert study.metrics == ()
    assert study.headline == study.headline_phase == ""


def test_movies_with_other_phases_are_named(tmp_path, base):
    made = [
        make_sample(tmp_path, base, {"sample": name, "condition": "c"}) for name in ("one", "two")
    ]
    path = made[1].folder / "experiment.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('name = "rest"', 'name = "before"'), encoding="utf-8")
    study = collect_study(made, StudySettings())
    found = "1 movies have other phases than the first one, or the same ones at other times: two."
    assert any(found in text for _, text in study.warnings)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"origin = 1", b"[binding"])
def test_a_damaged_calibration_is_told_as_any_damage(tmp_path, base, content):
    made = make_sample(tmp_path, base, {"sample": "one", "condition": "c"})
    (made.folder / "calibration.toml").write_bytes(content)
    with pytest.raises(ResultsError, match=r"the results are damaged: .* Delete the folder"):
        read_finished(made).constants()


def test_metrics_can_be_named(samples):
    study = collect_study(samples[:2], StudySettings(metrics=("dynamic_range", "half_time_s")))
    assert study.metrics == ("dynamic_range", "half_time_s")
    assert study.headline_phase == ""
    assert set(study.dishes.metric) == {"dynamic_range", "half_time_s"}


def test_courses_can_be_aligned_to_any_phase(samples):
    study = collect_study(samples[:2], StudySettings(align_phase="TPEN"))
    assert study.align_s == 100.0
    assert study.courses.time_s.min() == -100.0


@pytest.mark.slow
def test_rates_without_those_of_a_control(samples):
    plain = collect_study(samples, StudySettings(control="control"))
    less = collect_study(samples, StudySettings(subtract_control="control"))
    level = {}
    for name, study in (("plain", plain), ("less", less)):
        rows = study.dishes[study.dishes.metric == "rate_nM_per_s"]
        level[name] = rows.groupby("condition")["level"].mean()
    assert abs(level["less"]["control"]) < 0.2 * level["plain"]["control"]
    assert level["less"]["zinc"] < level["plain"]["zinc"]


def test_unknown_metric_is_refused(samples):
    with pytest.raises(
        ExperimentError, match=r"study\.metrics: .* found 'rate_nm_per_s'\. Did you"
    ):
        collect_study(samples[:1], StudySettings(metrics=("rate_nm_per_s",)))


def test_unknown_phase_is_refused(samples):
    with pytest.raises(
        ExperimentError, match=r"study\.align_phase: .* found 'wash', which control"
    ):
        collect_study(samples[:1], StudySettings(align_phase="wash"))


def test_a_folder_without_results_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    sample = Sample({"sample": "empty"}, "empty.tif", "empty", tmp_path / "empty")
    with pytest.raises(ResultsError, match=r"empty: expected a folder with finished results"):
        collect_study([sample], StudySettings())


@pytest.mark.parametrize("name", ["cells.parquet", "traces.parquet", "calibration.toml"])
def test_a_damaged_folder_is_named(tmp_path, base, name):
    sample = make_sample(tmp_path, base, {"sample": "bad", "condition": "c"})
    (sample.folder / name).write_text("[no table", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"bad: the results are damaged: .* run the batch again"):
        collect_study([sample], StudySettings())


def test_damaged_pictures_are_named(tmp_path, base):
    sample = make_sample(tmp_path, base, {"sample": "bad", "condition": "c"})
    (sample.folder / "overview.tif").write_bytes(b"nothing")
    with pytest.raises(ResultsError, match=r"bad: the pictures of the cells are damaged"):
        collect_study([sample], StudySettings())


def test_results_of_a_table_have_no_picture(tmp_path, base):
    sample = make_sample(tmp_path, base, {"sample": "one", "condition": "c"})
    for name in ("labels.ome.tif", "overview.tif"):
        (sample.folder / name).unlink()
    assert collect_study([sample], StudySettings()).thumbnails == {}


def test_many_pictures_are_left_out(tmp_path, base, monkeypatch):
    monkeypatch.setattr("zincflux.batch.passes.MAX_THUMBNAILS", 1)
    made = [make_sample(tmp_path, base, {"sample": name, "condition": "c"}) for name in "ab"]
    assert list(collect_study(made, StudySettings()).thumbnails) == ["a"]
    shutil.rmtree(tmp_path)
