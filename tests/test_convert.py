"""Traces of another program get the numbers that the movie itself would get."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from runs import PHASES, Shell, finished
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.experiment import experiment_of_table
from zincflux.results import LABELS_FILE, OVERVIEW_FILE, RESULT_FILES, read_results
from zincflux.workflow import convert, run

IN_TOML = [
    "calibration.k_nM=15.0",
    "phases=["
    + ",".join(
        f'{{name="{name}",role="{role}",start_s={start}}}' for name, role, start, _ in PHASES
    )
    + "]",
]


@pytest.fixture
def movie(tmp_path_factory):
    """The results of a movie, to be read only."""
    return read_results(finished(tmp_path_factory)[1].out)


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def quick(monkeypatch):
    """Leave out the figures where they do not matter."""
    monkeypatch.setattr("zincflux.workflow.render_report", lambda *_: "<p>report</p>")


@pytest.fixture
def table(movie, tmp_path):
    """What another program would have measured in the movie: one column per cell."""
    wide = movie.traces.pivot(index="time_s", columns="cell_id", values="dye_raw")
    wide.columns = [f"Mean{cell}" for cell in wide.columns]
    background = movie.traces.groupby("time_s")["dye_background"].first()
    path = tmp_path / "cells.csv"
    wide.assign(Background=background).rename_axis("Time (s)").reset_index().to_csv(
        path, index=False
    )
    return path


def test_zinc_is_that_of_the_movie(movie, table, quick):
    found = read_results(convert(table, indicator="FluoZin-3", assignments=IN_TOML).out)
    for column in ("signal", "f_f0", "saturation", "zinc_nM"):
        np.testing.assert_allclose(
            found.traces[column], movie.traces[column], rtol=1e-9, err_msg=column
        )
    assert list(found.traces["flag"]) == list(movie.traces["flag"])
    for column in ("peak_zinc_nM", "plateau_zinc_nM", "rate_nM_per_s", "auc_nM_s"):
        np.testing.assert_allclose(found.responses[column], movie.responses[column], rtol=1e-9)
    width = [
        np.log(one.cells["baseline_zinc_high_nM"] / one.cells["baseline_zinc_low_nM"])
        for one in (found, movie)
    ]
    np.testing.assert_allclose(width[0], width[1], rtol=0.1)


def test_tables_have_the_columns_of_a_movie(movie, table, quick):
    found = read_results(convert(table, indicator="FluoZin-3", assignments=IN_TOML).out)
    ours = {name.replace("signal_", "dye_") for name in found.traces.columns}
    assert ours == set(movie.traces.columns)
    for name in ("cells", "responses"):
        assert list(getattr(found, name).columns) == list(getattr(movie, name).columns)


def test_folder_holds_all_but_the_images(table):
    outcome = convert(table, indicator="FluoZin-3", assignments=IN_TOML)
    names = {path.name for path in outcome.out.iterdir()}
    assert names == {*RESULT_FILES, "calibration.toml"} - {LABELS_FILE, OVERVIEW_FILE}
    assert read_results(outcome.out).labels is None
    page = (outcome.out / "report.html").read_text(encoding="utf-8")
    assert "measured by another program" in page
    assert "The image that was segmented" not in page
    roles = [one["role"] for one in outcome.summary()["mapping"]]
    assert {"time", "signal", "background"} <= set(roles)


def test_resolved_file_gives_the_same_bytes(table, tmp_path, quick):
    first = convert(table, indicator="FluoZin-3", assignments=IN_TOML).out
    again = run(first / "experiment.toml", tmp_path / "again").out
    for name in ("traces.parquet", "cells.csv", "responses.parquet", "frames.parquet"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_second_time_is_up_to_date(table, quick):
    assert not convert(table).up_to_date
    assert convert(table).up_to_date
    with pytest.raises(ExperimentError, match="results made with other settings"):
        convert(table, indicator="FluoZin-3", assignments=IN_TOML)
    table.write_text(table.read_text().replace("\n0.0,", "\n0.0,9"))
    with pytest.raises(ExperimentError, match="results made with other inputs"):
        convert(table)


def test_results_of_a_movie_are_not_mixed_with_those_of_a_table(movie, table, tmp_path, quick):
    shutil.copytree(movie.folder, tmp_path / "out")
    outcome = convert(table, tmp_path / "out", overwrite=True)
    assert not (outcome.out / LABELS_FILE).exists()


def test_constants_calibrate(table, zf, quick):
    status, out, _ = zf(
        "convert", table, "--indicator", "FluoZin-3", "--minimum", 100, "--maximum", 1100, "--json"
    )
    assert status == 0
    found = json.loads(out)
    assert found["n_with_zinc"] == 4
    assert read_results(found["out"]).experiment.calibration.source == "constants"


def test_command_prints_the_mapping(table, zf, quick):
    status, out, err = zf("convert", table)
    assert status == 0
    assert out.startswith("columns:\n")
    assert "Time (s)" in out
    assert "4 cells in 40 frames" in out
    assert err == ""


def test_command_exits_with_2_where_columns_are_ambiguous(tmp_path, zf):
    path = tmp_path / "two.csv"
    frames = pd.DataFrame({"Frame": range(12)})
    for cell in (1, 2):
        frames[f"FITC{cell}"], frames[f"TRITC{cell}"] = 100.0 + cell, 90.0 + cell
    frames.to_csv(path, index=False)
    status, _, err = zf("convert", path, "--set", "table.frame_interval_s=5")
    assert status == 2
    assert "--map signal=" in err


def test_map_sets_any_key_of_the_table(tmp_path, zf, quick):
    path = tmp_path / "minutes.csv"
    path.write_text("Time,Mean1\n" + "".join(f"{t},{100 + t}\n" for t in range(12)))
    status, out, _ = zf("convert", path, "--map", "time_unit=min", "--json")
    assert status == 0
    frames = read_results(json.loads(out)["out"]).frames
    np.testing.assert_allclose(frames["time_s"], 60.0 * np.arange(12))


def test_map_decides(tmp_path, zf, quick):
    path = tmp_path / "two.csv"
    frames = pd.DataFrame({"Frame": range(12)})
    for cell in (1, 2):
        frames[f"FITC{cell}"], frames[f"TRITC{cell}"] = 100.0 + cell, 90.0 + cell
    frames.to_csv(path, index=False)
    status, out, _ = zf(
        *("convert", path, "--set", "table.frame_interval_s=5", "--map", "signal=TRITC", "--json")
    )
    assert status == 0
    np.testing.assert_array_equal(read_results(json.loads(out)["out"]).cells["f0"], [91.0, 92.0])


def test_short_traces_do_not_tell_their_noise(tmp_path, quick):
    path = tmp_path / "short.csv"
    pd.DataFrame({"t (s)": [0, 5, 10], "Mean1": [5, 6, 7], "Mean2": [5.0, 5, 5]}).to_csv(
        path, index=False
    )
    with pytest.warns(CorrectionWarning, match="fewer than 10 successive frames"):
        convert(path)


@pytest.mark.parametrize("text", ["signal", "colour=Mean", "signal="])
def test_wrong_map(text):
    with pytest.raises(
        ExperimentError, match=r"--map expects ROLE=COLUMN with a role among sheet, layout"
    ):
        experiment_of_table("cells.csv", mapping=[text])


def test_settings_of_pixels_are_refused():
    with pytest.raises(ExperimentError, match=r"segment, drift|drift, .*of no use for a table"):
        experiment_of_table(
            "cells.csv", assignments=["segment.diameter_um=9", "drift.method=phase-correlation"]
        )


def test_kind_of_the_indicator_must_fit(table):
    with pytest.raises(ExperimentError, match=r"expected numerator and denominator"):
        convert(table, indicator="ZapCY2")
