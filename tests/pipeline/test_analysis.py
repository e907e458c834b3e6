import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from dishes import (
    BACKGROUND,
    CENTRES,
    PIXEL_UM,
    RADIUS,
    SIZE,
    discs,
    dish,
    experiment_of,
    levels,
    movie_of,
)

import zincflux
from zincflux.calibrate import CalibrationSettings, ZincRange
from zincflux.columns import OF_REGIONS, TABLES, expand
from zincflux.errors import CorrectionWarning, ExperimentError
from zincflux.movie import Movie
from zincflux.pipeline import Progress, analyze, iter_analyze, iter_frames


@pytest.fixture(scope="module")
def plain() -> zincflux.Analysis:
    return analyze(experiment_of(), movie=dish(), jobs=1)


def by_cell(table: pd.DataFrame, column: str) -> np.ndarray:
    return table.pivot(index="cell_id", columns="frame", values=column).to_numpy()


def by_brightness(table: pd.DataFrame, column: str) -> np.ndarray:
    """Order cells by what they show: how they are numbered may hang on a single pixel."""
    traces = by_cell(table, column)
    return traces[np.argsort(traces.mean(axis=1))]


def test_every_cell_is_found_where_it_is(plain: zincflux.Analysis) -> None:
    assert len(plain.cells) == len(CENTRES)
    found = plain.cells[["y_um", "x_um"]].to_numpy()
    nearest = np.linalg.norm(found[:, None] - np.array(CENTRES)[None] * PIXEL_UM, axis=2).min(
        axis=1
    )
    assert (nearest < 1.0).all()
    assert plain.cells["area_um2"].to_numpy() == pytest.approx(np.pi * RADIUS**2, rel=0.25)


def test_tables_have_exactly_their_columns(plain: zincflux.Analysis) -> None:
    for name, columns in TABLES.items():
        names = [c.name for c in expand(columns, plain.channels) if c.name not in OF_REGIONS]
        assert list(getattr(plain, name).columns) == names


def test_zinc_is_what_the_equation_says(plain: zincflux.Analysis) -> None:
    """F 150 and 600 between 100 and 1100 are 0.7895 and 15.0 nM at K 15 nM, whatever the load."""
    medians = plain.traces.groupby(["phase", "cell_id"])["zinc_nM"].median()
    assert medians["rest"].to_numpy() == pytest.approx(0.7895, rel=0.05)
    assert medians["zinc"].to_numpy() == pytest.approx(15.0, rel=0.02)


def test_interval_holds_the_number(plain: zincflux.Analysis) -> None:
    rows = plain.traces[plain.traces["phase"] == "zinc"]
    assert (rows["zinc_low_nM"] < rows["zinc_nM"]).all()
    assert (rows["zinc_nM"] < rows["zinc_high_nM"]).all()


def test_rows_without_a_number_say_why(plain: zincflux.Analysis) -> None:
    nothing = plain.traces["zinc_nM"].isna()
    assert (plain.traces.loc[nothing, "flag"] != "").all()
    assert (plain.traces.loc[~nothing, "flag"] == "").all()


def test_f_f0_is_relative_to_the_baseline(plain: zincflux.Analysis) -> None:
    expected = levels() / 150.0
    assert by_cell(plain.traces, "f_f0") == pytest.approx(np.tile(expected, (4, 1)), rel=0.03)
    assert (plain.traces["dff"] + 1).to_numpy() == pytest.approx(plain.traces["f_f0"].to_numpy())


def test_background_is_the_level_of_the_empty_field(plain: zincflux.Analysis) -> None:
    assert plain.frames["dye_background"].to_numpy() == pytest.approx(BACKGROUND, abs=0.3)


def test_responses_one_row_per_cell_and_phase(plain: zincflux.Analysis) -> None:
    assert list(plain.responses["phase"].unique()) == ["zinc"]
    assert plain.responses["responder"].all()
    assert plain.responses["plateau_zinc_nM"].to_numpy() == pytest.approx(15.0, rel=0.02)


def test_counts_add_up(plain: zincflux.Analysis) -> None:
    flags = sum(n for key, n in plain.counts.items() if key.startswith("n_rows_"))
    assert plain.counts["n_rows"] == flags == len(plain.traces)
    assert plain.counts["n_cells"] == plain.counts["n_with_zinc"] == 4


def test_same_tables_for_any_number_of_jobs(plain: zincflux.Analysis) -> None:
    other = analyze(experiment_of(), movie=dish(), jobs=3)
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(other, name), getattr(plain, name))


def test_memmap_is_the_same_as_memory(plain: zincflux.Analysis, tmp_path: Path) -> None:
    movie = dish()
    np.save(tmp_path / "movie.npy", movie.data)
    mapped = np.load(tmp_path / "movie.npy", mmap_mode="r")
    other = analyze(experiment_of(), movie=movie_of(mapped), jobs=1)
    pd.testing.assert_frame_equal(other.traces, plain.traces)


def test_gain_and_offset_leave_zinc_as_it_is(plain: zincflux.Analysis) -> None:
    movie = dish()
    other = analyze(experiment_of(), movie=movie_of(np.asarray(movie.data) * 2 + 500), jobs=1)
    assert other.traces["saturation"].to_numpy() == pytest.approx(
        plain.traces["saturation"].to_numpy(), abs=1e-3
    )


def test_drift_is_followed_and_changes_nothing() -> None:
    shifts = [(t // 12, -(t // 8)) for t in range(50)]
    experiment = experiment_of({"drift": {"method": "phase-correlation"}})
    analysis = analyze(experiment, movie=dish(shifts=shifts), jobs=1)
    drift = analysis.frames[["drift_y_um", "drift_x_um"]].to_numpy()
    assert drift == pytest.approx(np.array(shifts, float), abs=0.5)
    zinc = (
        analysis.traces[analysis.traces["phase"] == "zinc"].groupby("cell_id")["zinc_nM"].median()
    )
    assert zinc.to_numpy() == pytest.approx(15.0, rel=0.05)


def test_uncorrected_drift_is_said() -> None:
    shifts = [(t // 8, 0) for t in range(50)]
    with pytest.warns(CorrectionWarning, match=r"the last frame lies \d\.\d µm from the first"):
        analysis = analyze(experiment_of(), movie=dish(shifts=shifts), jobs=1)
    assert any("drift" in message for message in analysis.warnings)


def test_a_cell_that_drifts_out_of_view_is_flagged() -> None:
    shifts = [(-t, 0) for t in range(50)]
    experiment = experiment_of({"drift": {"method": "phase-correlation", "max_shift_um": 60}})
    analysis = analyze(experiment, movie=dish(shifts=shifts), jobs=1)
    flags = set(analysis.traces["flag"])
    assert "off_edge" in flags
    assert analysis.cells["excluded"].any()


def test_bleaching_is_undone() -> None:
    fade = np.exp(-1e-3 * np.arange(50) * 5.0)
    experiment = experiment_of(
        {"bleaching": {"method": "exponential", "phases": ["rest", "TPEN", "Zn"]}}
    )
    analysis = analyze(experiment, movie=dish(levels() * fade), jobs=1)
    assert analysis.frames["dye_bleach_factor"].to_numpy() == pytest.approx(fade, rel=0.01)
    zinc = (
        analysis.traces[analysis.traces["phase"] == "zinc"].groupby("cell_id")["zinc_nM"].median()
    )
    assert zinc.to_numpy() == pytest.approx(15.0, rel=0.05)


def test_bleaching_of_a_reference_region() -> None:
    fade = np.exp(-1e-3 * np.arange(50) * 5.0)
    data = np.asarray(dish(levels() * fade).data, dtype=np.float64)
    data[:, 0, 80:94, 2:16] += (500 * fade)[:, None, None]
    experiment = experiment_of({"bleaching": {"method": "reference", "roi": [82, 4, 92, 14]}})
    analysis = analyze(experiment, movie=movie_of(data), jobs=1)
    assert analysis.frames["dye_bleach_factor"].to_numpy() == pytest.approx(fade, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "background",
    [
        {"method": "ring", "ring_um": [3, 8]},
        {"method": "roi", "roi": [80, 30, 94, 50]},
        {"method": "constant", "value": BACKGROUND},
        {"method": "constant", "value": BACKGROUND - 7, "autofluorescence": 7},
    ],
)
def test_each_background_finds_the_same_level(
    plain: zincflux.Analysis, background: dict[str, object]
) -> None:
    analysis = analyze(experiment_of({"background": background}), movie=dish(), jobs=1)
    assert analysis.traces["dye_corrected"].to_numpy() == pytest.approx(
        plain.traces["dye_corrected"].to_numpy(), abs=1.0
    )


def test_flat_field_image_is_divided_out(plain: zincflux.Analysis, tmp_path: Path) -> None:
    shade = np.linspace(0.7, 1.3, SIZE)[None, :] * np.ones((SIZE, 1))
    tifffile.imwrite(tmp_path / "flat.tif", (10000 * shade).astype(np.float32))
    shaded = np.asarray(dish(dtype=np.float64).data) * shade
    experiment = experiment_of(
        {"flat_field": {"method": "image", "image": str(tmp_path / "flat.tif")}}
    )
    analysis = analyze(experiment, movie=movie_of(shaded), jobs=1)
    corrected = by_brightness(analysis.traces, "dye_corrected")
    assert corrected == pytest.approx(by_brightness(plain.traces, "dye_corrected"), abs=4.0)
    raw = by_brightness(analysis.traces, "dye_raw")
    assert raw[1] != pytest.approx(corrected[1] + BACKGROUND, rel=0.02)


def test_dark_image_is_subtracted(tmp_path: Path) -> None:
    dark = np.tile([40.0, 60.0], (SIZE, SIZE // 2))
    tifffile.imwrite(tmp_path / "dark.tif", dark.astype(np.float32))
    data = np.asarray(dish(dtype=np.float64).data) + dark
    analysis = analyze(
        experiment_of({"camera": {"dark": str(tmp_path / "dark.tif")}}),
        movie=movie_of(data),
        jobs=1,
    )
    # Only the pattern goes; the mean level stays with the background.
    assert analysis.frames["dye_background"].to_numpy() == pytest.approx(BACKGROUND + 50, abs=0.5)
    assert analysis.frames["dye_background_sd"].to_numpy() == pytest.approx(1.0, rel=0.2)


def test_labels_of_the_user(tmp_path: Path) -> None:
    labels = (discs([1, 2, 3, 4])).astype(np.int32) * 10
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    experiment = experiment_of(
        {"segment": {"method": "labels", "labels": str(tmp_path / "labels.tif")}}
    )
    analysis = analyze(experiment, movie=dish(), jobs=1)
    assert list(analysis.cells["cell_id"]) == [10, 20, 30, 40]
    assert np.array_equal(analysis.labels, labels)


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "labels.tif", np.zeros((5, 7), np.int32))
    experiment = experiment_of(
        {"segment": {"method": "labels", "labels": str(tmp_path / "labels.tif")}}
    )
    with pytest.raises(
        ExperimentError,
        match=r"segment\.labels: expected 96 × 96 pixels like the movie, found 5 × 7",
    ):
        analyze(experiment, movie=dish(), jobs=1)


def test_labels_of_the_wrong_number_of_frames(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "labels.tif", np.zeros((5, SIZE, SIZE), np.int32))
    experiment = experiment_of(
        {"segment": {"method": "labels", "labels": str(tmp_path / "labels.tif")}}
    )
    with pytest.raises(ExperimentError, match=r"expected 1 label image.*'static' .* found 5"):
        analyze(experiment, movie=dish(), jobs=1)


def test_regions_share_the_ids_of_their_cells() -> None:
    dye = np.asarray(dish().data)[:, 0]
    small = np.stack([dye[t] // 4 + (discs([300] * 4) > 0) * 0 for t in range(len(dye))])
    y, x = np.mgrid[:SIZE, :SIZE]
    for cy, cx in CENTRES:
        small[:, (y - cy) ** 2 + (x - cx) ** 2 <= 9] += 2000
    movie = movie_of(np.stack([dye, small], axis=1), ("dye", "DNA"))
    experiment = experiment_of(
        {
            "channels": {"signal": "dye", "nucleus": "DNA"},
            "segment": {"diameter_um": 16.0, "regions": ["cell", "nucleus", "ring"]},
        }
    )
    analysis = analyze(experiment, movie=movie, jobs=1)
    assert set(analysis.traces["region"]) == {"cell", "nucleus", "ring"}
    sizes = analysis.cells.pivot(index="cell_id", columns="region", values="area_um2")
    assert (sizes["nucleus"] < sizes["cell"]).all()
    assert sizes.notna().all(axis=None)


def test_ratio_with_bleed_through() -> None:
    donor = np.stack([discs([400.0] * 4) for _ in range(20)])
    ratio = np.repeat([2.0, 3.0], 10)
    fret = donor * ratio[:, None, None] + 0.4 * donor
    rng = np.random.default_rng(0)
    data = np.stack([donor, fret], axis=1) + 100 + rng.standard_normal((20, 2, SIZE, SIZE))
    experiment = experiment_of(
        {
            "indicator": "none",
            "calibration": {},
            "phases": [],
            "channels": {"numerator": "FRET", "denominator": "CFP"},
            "bleed_through": {"donor": 0.4},
        }
    )
    analysis = analyze(experiment, movie=movie_of(data, ("CFP", "FRET")), jobs=1)
    assert by_cell(analysis.traces, "ratio") == pytest.approx(np.tile(ratio, (4, 1)), rel=0.01)
    assert set(analysis.traces["flag"]) == {"no_calibration"}


def test_a_dim_denominator_gives_no_ratio() -> None:
    numerator = np.stack([discs([400.0] * 4) for _ in range(12)])
    rng = np.random.default_rng(0)
    data = np.stack([numerator * 0, numerator], axis=1) + 100
    data = data + rng.standard_normal(data.shape)
    experiment = experiment_of(
        {
            "indicator": "none",
            "calibration": {},
            "phases": [],
            "channels": {"numerator": "FRET", "denominator": "CFP"},
        }
    )
    analysis = analyze(experiment, movie=movie_of(data, ("CFP", "FRET")), jobs=1)
    assert set(analysis.traces["flag"]) == {"dim_denominator"}
    assert analysis.traces["ratio"].isna().all()


def test_saturated_cells_have_no_zinc() -> None:
    movie = dish(loads=(1.0, 0.5, 60.0, 1.5))
    clipped = np.minimum(np.asarray(movie.data), 20000)
    analysis = analyze(
        experiment_of({"camera": {"saturation_level": 20000}}), movie=movie_of(clipped), jobs=1
    )
    flagged = analysis.traces[analysis.traces["flag"] == "saturated_pixels"]
    assert flagged["cell_id"].nunique() == 1
    assert flagged["zinc_nM"].isna().all()
    assert (flagged["clipped_fraction"] > 0.9).all()


@pytest.mark.slow
def test_moving_cells_keep_their_identity() -> None:
    shifts = [(t // 3, t // 3) for t in range(50)]
    analysis = analyze(
        experiment_of({"track": {"mode": "follow", "divisions": False}}),
        movie=dish(shifts=shifts),
        jobs=1,
    )
    assert len(analysis.cells) == 4
    assert (analysis.cells["n_frames"] == 50).all()
    assert len(analysis.label_images) == 50
    last = analysis.traces[analysis.traces["frame"] == 49]
    for row in last.itertuples():
        assert analysis.label_images[49][int(row.y_um), int(row.x_um)] == row.cell_id


@pytest.mark.slow
def test_a_cell_lost_for_a_frame_says_so() -> None:
    data = np.asarray(dish(dtype=np.float64).data).copy()
    y, x = CENTRES[3]
    data[25, 0, y - 10 : y + 11, x - 10 : x + 11] = BACKGROUND
    analysis = analyze(experiment_of({"track": {"mode": "follow"}}), movie=movie_of(data), jobs=1)
    lost = analysis.traces[analysis.traces["flag"] == "lost"]
    assert list(lost["frame"]) == [25]
    assert lost["dye_raw"].isna().all()
    assert len(analysis.cells) == 4


def nothing(n_frames: int = 50, value: float = 100.0) -> Movie:
    return movie_of(np.full((n_frames, 1, 64, 64), value))


@pytest.mark.parametrize("mode", ["static", "follow"])
def test_empty_movie_gives_empty_tables_with_all_columns(mode: str) -> None:
    analysis = analyze(experiment_of({"track": {"mode": mode}}), movie=nothing(), jobs=1)
    assert analysis.counts["n_cells"] == 0
    for name in ("traces", "cells", "responses"):
        table = getattr(analysis, name)
        assert len(table) == 0
        assert len(table.columns) > 10
    assert len(analysis.frames) == 50


def test_one_frame() -> None:
    movie = Movie(np.asarray(dish().data)[:1], ("dye",), 1.0)
    analysis = analyze(
        experiment_of({"phases": [], "calibration": {}, "indicator": "none"}), movie=movie, jobs=1
    )
    assert len(analysis.traces) == len(analysis.cells) == 4
    assert analysis.traces["f_f0"].to_numpy() == pytest.approx(1.0)


def test_nan_and_negative_pixels() -> None:
    data = np.asarray(dish(dtype=np.float64).data) - 300.0
    data[:, 0, 40:44] = np.nan
    analysis = analyze(experiment_of(), movie=movie_of(data), jobs=1)
    assert len(analysis.cells) == 4
    zinc = (
        analysis.traces[analysis.traces["phase"] == "zinc"].groupby("cell_id")["zinc_nM"].median()
    )
    assert zinc.to_numpy() == pytest.approx(15.0, rel=0.05)


def test_an_infinite_frame_loses_no_cell() -> None:
    data = np.asarray(dish(dtype=np.float64).data)
    data[10] = np.inf
    with pytest.warns(CorrectionWarning, match="4 measurements in 1 of 50 frames leave out"):
        analysis = analyze(experiment_of(), movie=movie_of(data), jobs=1)
    assert len(analysis.cells) == 4
    assert analysis.traces.loc[analysis.traces["frame"] == 10, "dye_raw"].isna().all()


def test_iter_frames_gives_every_frame_in_order() -> None:
    rows = list(iter_frames(dish(), experiment_of(), jobs=2))
    assert [row.t for row in rows] == list(range(50))
    assert rows[0].labels.shape == (SIZE, SIZE)
    assert rows[0].raw["cell"].mean.shape == (1, 4)


def test_to_stop_is_to_stop_iterating() -> None:
    before = threading.active_count()
    steps = iter_analyze(experiment_of(), movie=dish(), jobs=2)
    for step in steps:
        assert isinstance(step, Progress)
        if step.stage == "measure":
            break
    steps.close()
    assert threading.active_count() == before


def test_flat_field_can_be_estimated() -> None:
    experiment = experiment_of({"flat_field": {"method": "estimate"}, "camera": {"offset": 0.0}})
    with pytest.warns(CorrectionWarning, match="flat"):
        analysis = analyze(experiment, movie=dish(), jobs=1)
    assert len(analysis.cells) == 4


def test_drift_channel_must_be_measured() -> None:
    movie = movie_of(np.repeat(np.asarray(dish().data), 2, axis=1), ("dye", "beads"))
    drift = {"method": "phase-correlation", "channel": "beads"}
    channels = {"signal": "dye"}
    with pytest.raises(ExperimentError, match=r"drift\.channel: 'beads' is not among"):
        analyze(experiment_of({"drift": drift, "channels": channels}), movie=movie, jobs=1)
    channels = {"signal": "dye", "extra": ["beads"]}
    analysis = analyze(experiment_of({"drift": drift, "channels": channels}), movie=movie, jobs=1)
    assert "beads_raw" in analysis.traces


def test_dark_of_the_flat_field_is_subtracted_from_the_movie(tmp_path: Path) -> None:
    shade = np.linspace(0.7, 1.3, SIZE)[None, :] * np.ones((SIZE, 1))
    tifffile.imwrite(tmp_path / "flat.tif", (10000 * shade + 100).astype(np.float32))
    tifffile.imwrite(tmp_path / "dark.tif", np.full((SIZE, SIZE), 100, np.float32))
    light = np.asarray(dish(dtype=np.float64).data) - BACKGROUND
    flat_field = {
        "method": "image",
        "image": str(tmp_path / "flat.tif"),
        "dark": str(tmp_path / "dark.tif"),
    }
    analysis = analyze(
        experiment_of({"flat_field": flat_field}), movie=movie_of(light * shade + 100), jobs=1
    )
    f0 = np.sort(analysis.cells["f0"].to_numpy())
    assert f0 == pytest.approx([75, 150, 225, 300], rel=0.03)


def test_a_dim_cell_does_not_rule_the_bleaching_fit(tmp_path: Path) -> None:
    fade = np.exp(-1e-3 * np.arange(50) * 5.0)
    bleaching = {"method": "exponential", "phases": ["rest", "TPEN", "Zn"]}
    tifffile.imwrite(tmp_path / "labels.tif", discs([1, 2, 3, 4]).astype(np.int32))
    segment = {"method": "labels", "labels": str(tmp_path / "labels.tif")}
    movie = dish(levels() * fade, loads=(1.0, 1.5, 2.0, 0.002), noise=3.0)
    experiment = experiment_of({"bleaching": bleaching, "segment": segment})
    rows = analyze(experiment, movie=movie, jobs=1).frames
    assert rows["dye_bleach_factor"].to_numpy() == pytest.approx(fade, rel=0.02)


@pytest.mark.slow
def test_a_cell_that_comes_after_the_baseline_says_why_it_has_no_f_f0() -> None:
    data = np.asarray(dish(dtype=np.float64).data).copy()
    y, x = CENTRES[3]
    data[:20, 0, y - 10 : y + 11, x - 10 : x + 11] = BACKGROUND
    analysis = analyze(experiment_of({"track": {"mode": "follow"}}), movie=movie_of(data), jobs=1)
    late = analysis.cells[analysis.cells["first_frame"] == 20]
    assert len(late) == 1
    assert late["f0"].isna().all()
    assert "no F0" in late["reason"].iloc[0]
    assert list(analysis.frames["n_cells"]) == [3] * 20 + [4] * 30


def test_without_a_baseline_f0_is_the_first_signal() -> None:
    analysis = analyze(
        experiment_of({"phases": [], "calibration": {}, "indicator": "none"}), movie=dish(), jobs=1
    )
    first = analysis.traces[analysis.traces["frame"] == 0]
    assert first["f_f0"].to_numpy() == pytest.approx(1.0)


def test_a_cell_without_a_finite_pixel_is_lost_there() -> None:
    data = np.asarray(dish(dtype=np.float64).data)
    y, x = CENTRES[0]
    data[25, 0, y - 12 : y + 13, x - 12 : x + 13] = np.nan
    with pytest.warns(CorrectionWarning, match="1 measurements in 1 of 50 frames"):
        analysis = analyze(experiment_of(), movie=movie_of(data), jobs=1)
    lost = analysis.traces[analysis.traces["flag"] == "lost"]
    assert list(lost["frame"]) == [25]
    assert lost["zinc_nM"].isna().all()


def test_reach_says_what_the_indicator_can_tell(plain: zincflux.Analysis) -> None:
    assert plain.reach is not None
    two, three = plain.reach.zinc_ranges
    assert three.low_nM < two.low_nM < 15 < two.high_nM < three.high_nM
    rest = plain.cells["baseline_zinc_nM"].median()
    assert plain.reach.zinc_nM[plain.reach.phases.index("rest")] == pytest.approx(rest)
    used = plain.reach.alternatives[0]
    assert used.zinc_nM == pytest.approx(plain.reach.zinc_nM)


def test_reach_is_plain_data_in_the_record(plain: zincflux.Analysis) -> None:
    assert plain.reach is not None
    lost = replace(plain.reach, zinc_ranges=(ZincRange(2.0, np.nan, np.nan),))
    assert lost.summary()["zinc_ranges_nM"] == [{"factor": 2.0, "low_nM": None, "high_nM": None}]
    assert json.dumps(plain.reach.summary(), allow_nan=False)


def test_a_sister_dish_lends_its_dynamic_range(plain: zincflux.Analysis, tmp_path: Path) -> None:
    file = tmp_path / "calibration.toml"
    assert plain.calibration is not None
    file.write_text(plain.calibration.to_toml(), encoding="utf-8")
    own = plain.experiment
    phases = [phase for phase in own.phases if phase.role != "maximum"]
    borrowing = {"source": "experiment", "file": str(file)}
    settings = own.model_copy(
        update={"phases": tuple(phases), "calibration": CalibrationSettings(**borrowing)}
    )
    found = analyze(settings, movie=dish())
    rest = "baseline_zinc_nM"
    np.testing.assert_allclose(found.cells[rest], plain.cells[rest], rtol=0.05)
    assert (found.cells["baseline_zinc_shared_ln_sd"] > 0.05).all()


def test_reach_ranks_cells_beyond_the_range_as_the_report_does() -> None:
    brim = list(levels())
    movie = dish(np.where(np.arange(len(brim)) < 10, min(brim) - 20, brim))
    found = analyze(experiment_of(), movie=movie)
    assert found.reach is not None
    assert "rest" not in found.reach.phases, "the median cell lies below the range"
