"""Blank, unlabelled and control dish in the chain: opened, measured, subtracted, stored."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from dishes import BACKGROUND, SIZE, dish, experiment_of, levels, movie_of

from runs import EXPERIMENT, N_FRAMES, copy_dish, make_dish, pixels, run_quietly, save_movie
from zincflux.errors import ExperimentError, MetadataWarning, ReaderError, ZincfluxWarning
from zincflux.movie import Movie
from zincflux.opening import files_of
from zincflux.pipeline import Analysis, analyze
from zincflux.pipeline.plan import make_plan
from zincflux.pipeline.sources import offsets_of
from zincflux.pipeline.survey import Survey, survey
from zincflux.readers.axes import KeyNeeded

TIME = np.arange(50) * 5.0
UNEVEN, CHANGE = 4.0, 3.0


def blank_pixels(n_frames: int = 9, level: float = BACKGROUND, channels: int = 1) -> np.ndarray:
    """A field that falls off to its sides, and flickers."""
    rng = np.random.default_rng(3)
    slope = np.linspace(-UNEVEN, UNEVEN, SIZE) * 3**0.5
    flicker = rng.normal(0, CHANGE, (n_frames, 1, 1, 1))
    data = level + slope + flicker + rng.normal(0, 5, (n_frames, channels, SIZE, SIZE))
    return np.rint(data).astype(np.uint16)


def save_blank(path: Path, channels: tuple[str, ...] = ("dye",), **keys: Any) -> dict[str, Any]:
    save_movie(path, blank_pixels(channels=len(channels), **keys), channels)
    return {"background": {"method": "blank", "blank": str(path)}}


def surveyed(changes: dict[str, Any], movie: Movie | None = None) -> Survey:
    steps = survey(make_plan(experiment_of(changes), movie or dish()))
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            found: Survey = stop.value
            return found


def analysis_of(changes: dict[str, Any], trace: np.ndarray | None = None) -> Analysis:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        return analyze(experiment_of(changes), movie=dish(trace), jobs=1)


def width(analysis: Analysis) -> float:
    rest = analysis.traces[analysis.traces["phase"] == "zinc"]
    return float(np.log(rest["zinc_high_nM"] / rest["zinc_low_nM"]).median())


def test_the_blank_is_the_background(tmp_path: Path) -> None:
    analysis = analysis_of(save_blank(tmp_path / "blank.ome.tif"))
    record = analysis.corrections["background"]
    found = record["channels"]["dye"]
    assert found["level"] == pytest.approx(BACKGROUND, abs=3)
    assert found["uneven_sd"] == pytest.approx(UNEVEN, rel=0.15)
    assert found["change_sd"] == pytest.approx(CHANGE, rel=0.6)
    assert record["blank"]["from"] == "blank.ome.tif"
    assert (analysis.frames["dye_background"] == found["level"]).all()
    subtracted = analysis.traces["dye_raw"] - analysis.traces["dye_corrected"]
    assert subtracted.to_numpy() == pytest.approx(found["level"])


def test_one_image_is_a_blank_whose_change_is_unknown(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "blank.tif", blank_pixels(1)[0, 0])
    analysis = analysis_of(
        {"background": {"method": "blank", "blank": str(tmp_path / "blank.tif")}}
    )
    assert analysis.corrections["background"]["channels"]["dye"]["change_sd"] is None


def test_the_blank_goes_through_the_flat_field(tmp_path: Path) -> None:
    shade = np.linspace(0.7, 1.3, SIZE)[None, :] * np.ones((SIZE, 1))
    tifffile.imwrite(tmp_path / "flat.tif", (10000 * shade).astype(np.float32))
    shaded = np.rint(blank_pixels() * shade).astype(np.uint16)
    save_movie(tmp_path / "blank.ome.tif", shaded)
    background = {"method": "blank", "blank": str(tmp_path / "blank.ome.tif")}
    flat = {"method": "image", "image": str(tmp_path / "flat.tif")}
    raw = surveyed({"background": background}).blank
    corrected = surveyed({"background": background, "flat_field": flat}).blank
    assert raw is not None
    assert corrected is not None
    assert raw.uneven_sd[0] > 15
    assert corrected.uneven_sd[0] == pytest.approx(UNEVEN, rel=0.15)


def test_what_is_wrong_with_a_blank_widens_the_interval(tmp_path: Path) -> None:
    changes = {**save_blank(tmp_path / "blank.ome.tif"), "uncertainty": {"signal_error": 0.0}}
    exact = {"background": {"method": "constant", "value": BACKGROUND}}
    narrow = width(analysis_of({**changes, **exact}))
    assert width(analysis_of(changes)) > 1.5 * narrow
    names = [(o.name, o.is_shared, o.is_fixed) for o in offsets_of(surveyed(changes))]
    assert ("background at the cell", False, True) in names
    assert ("background of the moment", True, False) in names


def test_the_error_of_a_given_background_is_shared(tmp_path: Path) -> None:
    changes = {
        "uncertainty": {"signal_error": 0.0},
        "calibration": {"k_nM": 15.0, "k_sd_nM": 0.0},
        "background": {"method": "constant", "value": BACKGROUND, "value_sd": {"dye": 20.0}},
    }
    own = analysis_of(changes)
    assert own.cells["baseline_zinc_shared_ln_sd"].max() < 0.01
    given = {"source": "constants", "minimum": 100.0, "maximum": 1100.0, "k_nM": 15.0}
    borrowed = analysis_of({**changes, "calibration": {**given, "k_sd_nM": 0.0}})
    cells = borrowed.cells
    one = cells.loc[(cells["f0"] - 150).abs().idxmin()]
    assert one["baseline_zinc_shared_ln_sd"] == pytest.approx(20 * (1 / 50 + 1 / 950), rel=0.1)


@pytest.mark.parametrize(
    ("names", "blank_names"),
    [(("dye",), ("dye",)), (("dye", "H2B"), ("H2B", "dye")), (("dye", "H2B"), ("", ""))],
)
def test_channels_are_matched_by_name(
    tmp_path: Path, names: tuple[str, ...], blank_names: tuple[str, ...]
) -> None:
    movie = movie_of(np.zeros((50, len(names), SIZE, SIZE), np.uint16), names)
    changes = {**save_blank(tmp_path / "b.ome.tif", blank_names), "channels": {"signal": "dye"}}
    blank = make_plan(experiment_of(changes), movie).blank
    assert blank is not None
    assert blank.indices == ((1,) if blank_names[0] == "H2B" else (0,))


def test_a_blank_without_the_channel_is_refused(tmp_path: Path) -> None:
    changes = save_blank(tmp_path / "blank.ome.tif", ("YFP",))
    with pytest.raises(ExperimentError, match=r"'dye' in the blank .*blank\.ome\.tif, found 'YFP'"):
        make_plan(experiment_of(changes), dish())


def test_a_blank_of_another_size_is_refused(tmp_path: Path) -> None:
    save_movie(tmp_path / "b.ome.tif", np.zeros((2, 1, 40, 50), np.uint16))
    changes = {"background": {"method": "blank", "blank": str(tmp_path / "b.ome.tif")}}
    message = rf"background\.blank: expected frames of {SIZE} × {SIZE} .* found 40 × 50"
    with pytest.raises(ExperimentError, match=message):
        make_plan(experiment_of(changes), dish())


@pytest.mark.parametrize("found", [0.1001, 0.2, None])
def test_the_exposure_must_be_the_movies(monkeypatch, found: float | None) -> None:
    plain = dish()

    def exposed(data: np.ndarray, exposure: float | None) -> Movie:
        times = None if exposure is None else np.full((len(data), 1), exposure)
        return Movie(data, ("dye",), 1.0, np.arange(len(data)) * 5.0, exposure_s=times)

    blank = exposed(blank_pixels(), found)
    monkeypatch.setattr("zincflux.pipeline.blank.MovieInput.open", lambda _self: blank)
    changes = {"background": {"method": "blank", "blank": "b.tif"}}
    movie = exposed(np.asarray(plain.data), 0.1)
    if found == 0.2:
        with pytest.raises(
            ReaderError, match=r"an exposure of 0\.1 s of channel 'dye' like .*0\.2"
        ):
            make_plan(experiment_of(changes), movie)
    else:
        assert make_plan(experiment_of(changes), movie).blank is not None


def test_axes_are_asked_of_the_movie_where_a_blank_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "b.tif"
    tifffile.imwrite(path, blank_pixels()[:, 0], metadata=None, photometric="minisblack")
    changes = {"background": {"method": "blank", "blank": str(path)}}
    with pytest.raises(KeyNeeded, match=r"movie\.axes"):
        make_plan(experiment_of(changes), dish())
    with_axes = {**changes, "movie": {"path": "array", "axes": "TYX"}}
    with warnings.catch_warnings():
        warnings.simplefilter("error", MetadataWarning)
        assert make_plan(experiment_of(with_axes), dish()).blank is not None


BLEACHED = """
[bleaching]
method = "exponential"
phases = ["rest", "TPEN", "Zn"]
"""


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a dish that bleached by 0.1 % per s, with frames every 5 s."""
    folder = tmp_path_factory.mktemp("control")
    fade = np.exp(-1e-3 * 5.0 * np.arange(N_FRAMES))[:, None, None, None]
    data = 100 + (pixels().astype(float) - 100) * fade
    file = make_dish(folder / "dish", np.rint(data).astype(np.uint16), EXPERIMENT + BLEACHED)
    return run_quietly(file).out


def test_a_run_stores_what_it_found_of_bleaching(control: Path) -> None:
    record = json.loads((control / "run.json").read_text(encoding="utf-8"))
    found = record["bleaching"]["channels"]["dye"]
    assert record["bleaching"]["method"] == "exponential"
    assert found["rate_per_s"] == pytest.approx(1e-3, rel=0.05)
    assert 0 < found["rate_se_per_s"] < 1e-4
    assert record["background"]["method"] == "percentile"


def test_bleaching_of_a_control_is_undone(control: Path) -> None:
    fade = np.exp(-1e-3 * TIME)
    borrowed = {"bleaching": {"method": "experiment", "experiment": str(control)}}
    analysis = analysis_of(borrowed, levels() * fade)
    assert analysis.frames["dye_bleach_factor"].to_numpy() == pytest.approx(fade, rel=0.02)
    zinc = analysis.traces[analysis.traces["phase"] == "zinc"]["zinc_nM"]
    assert zinc.median() == pytest.approx(15.0, rel=0.05)
    exact = {"bleaching": {**borrowed["bleaching"], "between_dishes_sd": 0.0}}
    assert width(analysis) > 1.3 * width(analysis_of(exact, levels() * fade))
    record = analysis.corrections["bleaching"]
    assert (record["from"], record["scales_with"]) == (control.name, "light")


UNLABELLED_EXPERIMENT = """\
[movie]
path = "movie.ome.tif"
[segment]
diameter_um = 12.0
"""


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of four unlabelled cells of 10 to 40 counts."""
    data = 100 + (pixels()[:8].astype(float) - 100) / 150 * 20
    folder = tmp_path_factory.mktemp("unlabelled")
    return run_quietly(
        make_dish(folder, np.rint(data).astype(np.uint16), UNLABELLED_EXPERIMENT)
    ).out


def test_autofluorescence_of_unlabelled_cells(unlabelled: Path) -> None:
    changes = {"background": {"unlabelled": str(unlabelled)}}
    analysis = analysis_of(changes)
    plain = analysis_of({})
    found = analysis.corrections["background"]["channels"]["dye"]
    assert found["autofluorescence"] == pytest.approx(25, abs=2)
    assert found["autofluorescence_sd"] == pytest.approx(12.9, rel=0.1)
    assert found["autofluorescence_se"] == pytest.approx(found["autofluorescence_sd"] / 2, rel=0.1)
    less = plain.traces["dye_corrected"] - analysis.traces["dye_corrected"]
    assert less.to_numpy() == pytest.approx(found["autofluorescence"])
    sources = {o.name: o for o in offsets_of(surveyed(changes))}
    assert not sources["autofluorescence of the cell"].is_shared
    assert sources["mean autofluorescence"].is_shared


def test_a_run_names_every_file_it_depends_on(
    control: Path, unlabelled: Path, tmp_path: Path
) -> None:
    save_movie(tmp_path / "blank.ome.tif", pixels()[:3] * 0 + 100)
    text = f"""
[background]
method = "blank"
blank = "blank.ome.tif"
unlabelled = {json.dumps(str(unlabelled))}
[bleaching]
method = "experiment"
experiment = {json.dumps(str(control))}
"""
    dish_file = make_dish(tmp_path / "plain", text=EXPERIMENT)
    file = copy_dish(dish_file, tmp_path)
    file.write_text(EXPERIMENT + text, encoding="utf-8")
    outcome = run_quietly(file)
    names = {Path(path).name for path in outcome.record["inputs"]}
    others = {"blank.ome.tif", "traces.parquet", "cells.parquet", "frames.parquet"}
    assert others <= names
    assert outcome.record["bleaching"]["method"] == "experiment"
    page = (outcome.out / "report.html").read_text(encoding="utf-8")
    assert "Background, dye" in page
    assert "as the control" in page
    assert run_quietly(file).up_to_date
    record = json.loads((control / "run.json").read_text(encoding="utf-8"))
    record["bleaching"]["channels"]["dye"]["rate_se_per_s"] *= 2
    other = tmp_path / "control"
    shutil.copytree(control, other)
    (other / "run.json").write_text(json.dumps(record), encoding="utf-8")
    was = outcome.record["identity"]["inputs"]
    moved = json.dumps(str(control)), json.dumps(str(other))
    file.write_text(file.read_text(encoding="utf-8").replace(*moved), encoding="utf-8")
    with pytest.raises(ExperimentError, match="made with other settings and inputs"):
        run_quietly(file)
    assert len(was) == len(outcome.record["inputs"]) + 1


def test_other_runs_that_do_not_exist_are_refused_in_words(tmp_path: Path) -> None:
    for changes in (
        {"background": {"unlabelled": str(tmp_path / "x")}},
        {"bleaching": {"method": "experiment", "experiment": str(tmp_path / "x")}},
    ):
        experiment = experiment_of(changes)
        assert files_of(experiment, dish()) == []
        with pytest.raises(ExperimentError, match="expected a results folder that zincflux run"):
            make_plan(experiment, dish())


def test_bleed_through_carries_an_offset_on() -> None:
    changes = {
        "indicator": "ZapCY2",
        "channels": {"numerator": "FRET", "denominator": "CFP"},
        "calibration": {},
        "bleed_through": {"donor": 0.25},
        "background": {"method": "constant", "value": 0.0, "value_sd": {"CFP": 8.0}},
    }
    movie = movie_of(
        np.concatenate([np.asarray(dish().data), np.asarray(dish().data)], axis=1), ("CFP", "FRET")
    )
    analysis = analyze(experiment_of({**changes, "phases": []}), movie=movie, jobs=1)
    assert analysis.corrections["background"]["channels"]["CFP"]["level_sd"] == 8.0
    from zincflux.pipeline.sources import find_sources

    (source,) = find_sources(surveyed({**changes, "phases": []}, movie), None, 50)
    assert source.shift[0] == pytest.approx(-8.0)
    assert source.shift[1] == pytest.approx(2.0)
    assert source.is_shared
