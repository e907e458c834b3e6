"""Autofluorescence from a run of unlabelled cells, or as numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zincflux.correct.background import Background
from zincflux.correct.unlabelled import find_autofluorescence, measure_unlabelled
from zincflux.errors import CorrectionWarning, ExperimentError

LEVEL, SPREAD, NOISE, FRAMES = 30.0, 6.0, 8.0, 25


def store(
    folder: Path, n: int = 200, *, settings: str = "", channels=("CFP", "YFP"), seed: int = 0
) -> str:
    """Write what a run of n unlabelled cells leaves behind."""
    rng = np.random.default_rng(seed)
    own = LEVEL + SPREAD * rng.standard_normal(n)
    cell = np.repeat(np.arange(1, n + 1), FRAMES)
    traces = pd.DataFrame(
        {"cell_id": cell, "frame": np.tile(np.arange(FRAMES), n), "flag": "no_calibration"}
    )
    for factor, name in enumerate(channels, start=1):
        noise = NOISE * rng.standard_normal(len(cell))
        traces[f"{name}_corrected"] = factor * own[cell - 1] + noise
    folder.mkdir(parents=True, exist_ok=True)
    traces.to_parquet(folder / "traces.parquet")
    cells = pd.DataFrame({"cell_id": np.arange(1, n + 1), "excluded": False})
    cells.to_parquet(folder / "cells.parquet")
    (folder / "experiment.toml").write_text(f"{settings}\n", encoding="utf-8")
    return str(folder)


def rewrite(folder: str, name: str, change) -> None:
    path = Path(folder) / f"{name}.parquet"
    table = pd.read_parquet(path)
    change(table)
    table.to_parquet(path)


def test_mean_spread_and_its_error(tmp_path):
    found = measure_unlabelled(store(tmp_path), ("CFP", "YFP"))
    assert found.n_cells == 200
    assert found.level == pytest.approx([LEVEL, 2 * LEVEL], abs=3 * 2 * SPREAD / 200**0.5)
    assert found.sd == pytest.approx([SPREAD, 2 * SPREAD], rel=0.12)
    expected = np.hypot(found.sd, NOISE / FRAMES**0.5) / 200**0.5
    assert found.se == pytest.approx(expected, rel=0.02)


def test_noise_of_frames_is_not_spread_between_cells(tmp_path):
    folder = store(tmp_path)

    def level_out(table):
        of_cell = table.groupby("cell_id")["CFP_corrected"].transform("mean")
        table["CFP_corrected"] += (
            LEVEL - of_cell + np.random.default_rng(1).normal(0, 8, len(table))
        )

    rewrite(folder, "traces", level_out)
    assert measure_unlabelled(folder, ("CFP",)).sd[0] < 0.8


def test_excluded_cells_and_unfit_frames_have_no_say(tmp_path):
    folder = store(tmp_path)
    before = measure_unlabelled(folder, ("CFP",))

    def spoil(table):
        table.loc[table["cell_id"] == 7, "CFP_corrected"] = 1e6
        table.loc[table["frame"] == 3, ["CFP_corrected", "flag"]] = [1e6, "defocused"]

    rewrite(folder, "traces", spoil)
    rewrite(folder, "cells", lambda t: t.__setitem__("excluded", t["cell_id"] == 7))
    after = measure_unlabelled(folder, ("CFP",))
    assert after.n_cells == 199
    assert after.level == pytest.approx(before.level, abs=0.5)


@pytest.mark.parametrize(
    ("asked", "counts", "other"),
    [
        (["nucleus", "cell"], "cell", "nucleus"),
        (["ring", "nucleus"], "ring", "nucleus"),
        (["cell", "cytosol"], "cell", "cytosol"),
    ],
)
def test_of_several_regions_the_cell_or_the_first_asked_for_counts(tmp_path, asked, counts, other):
    folder = store(tmp_path, settings=f"[segment]\nregions = {asked}")
    before = measure_unlabelled(folder, ("CFP",))
    for name in ("traces", "cells"):
        path = tmp_path / f"{name}.parquet"
        table = pd.read_parquet(path)
        second = table.assign(region=other)
        if name == "traces":
            second["CFP_corrected"] = 1e6
        both = [second, table.assign(region=counts)]
        pd.concat(both).sort_values(["cell_id", "region"]).to_parquet(path)
    assert measure_unlabelled(folder, ("CFP",)).level == pytest.approx(before.level)


def test_numbers_are_taken_as_they_are():
    settings = Background(autofluorescence={"CFP": 5.0}, autofluorescence_sd=2.0)
    found = find_autofluorescence(settings, ("CFP", "YFP"))
    assert found.level == pytest.approx([5, 0])
    assert found.sd == pytest.approx([2, 2])
    assert (found.se == 0).all()


def test_the_run_is_asked_where_one_is_named(tmp_path):
    settings = Background(unlabelled=store(tmp_path))
    assert find_autofluorescence(settings, ("CFP",)).n_cells == 200


@pytest.mark.parametrize(
    ("settings", "channels", "n", "message"),
    [
        ("", ("dye",), 9, r"expected the movie's channels \('dye'\), found 'CFP', 'YFP'"),
        ("", ("CFP",), 2, "expected at least 3 cells that are not excluded, found 2"),
        ("background.autofluorescence = 3.0", ("CFP",), 9, "one that subtracts it from the"),
        ("background.autofluorescence = {CFP = 3.0}", ("CFP",), 9, "one that subtracts it"),
        ('background.unlabelled = "other"', ("CFP",), 9, "one that subtracts it"),
        ("bleed_through.donor = 0.4", ("CFP",), 9, r"found bleed_through\.donor = 0\.4 in .*twice"),
        ("bleed_through.acceptor = 0.1", ("CFP",), 9, r"found bleed_through\.acceptor = 0\.1 in"),
        ('bleaching.method = "exponential"', ("CFP",), 9, r'"none", found "exponential" in'),
        ('indicator = "FluoZin-3"', ("CFP",), 9, r'without indicator, found .*"FluoZin-3" in'),
        ("bleaching = 3", ("CFP",), 9, "toml whose bleaching is no group"),
    ],
)
def test_a_run_that_cannot_serve_is_refused(tmp_path, settings, channels, n, message):
    folder = store(tmp_path, n, settings=settings)
    with pytest.raises(ExperimentError, match=rf"background\.unlabelled: .*{message}"):
        measure_unlabelled(folder, channels)


def test_settings_that_change_nothing_are_accepted(tmp_path):
    settings = (
        'indicator = "none"\nbleed_through.donor = 0.0\nbleed_through.acceptor = 0.0\n'
        'bleaching.method = "none"\nbackground.autofluorescence = 0.0'
    )
    assert measure_unlabelled(store(tmp_path, settings=settings), ("CFP",)).n_cells == 200


def test_another_background_method_is_doubted(tmp_path):
    folder = store(tmp_path, settings='background.method = "ring"')
    settings = Background(method="none", unlabelled=folder)
    with pytest.warns(CorrectionWarning, match=r'background\.method = "ring", these with "none"'):
        find_autofluorescence(settings, ("CFP",))


@pytest.mark.parametrize(
    ("table", "column"),
    [("cells", "excluded"), ("cells", "cell_id"), ("traces", "cell_id"), ("traces", "flag")],
)
def test_a_table_without_its_column_is_refused(tmp_path, table, column):
    folder = store(tmp_path, 9)
    rewrite(folder, table, lambda t: t.pop(column))
    with pytest.raises(ExperimentError, match=rf"found: {table}\.parquet without '{column}'\. "):
        measure_unlabelled(folder, ("CFP",))


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("experiment.toml", None, r"no experiment\.toml in it"),
        ("experiment.toml", "a = [", r"an experiment\.toml that is no TOML"),
        ("cells.parquet", "no table", "Parquet .*"),
    ],
)
def test_a_message_says_once_what_to_do(tmp_path, name, content, found):
    folder = store(tmp_path, 9)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ExperimentError, match=rf"found: .*{found}\. Check the path") as caught:
        measure_unlabelled(folder, ("CFP",))
    assert str(caught.value).count("Check the path") == 1
    assert ".." not in str(caught.value)


@pytest.mark.parametrize("missing", ["experiment.toml", "traces.parquet", "cells.parquet"])
def test_a_folder_without_results_is_refused(tmp_path, missing):
    folder = store(tmp_path, 9)
    (tmp_path / missing).unlink()
    with pytest.raises(ExperimentError, match=r"background\.unlabelled: expected a results folder"):
        measure_unlabelled(folder, ("CFP",))
