"""The files of a simulated study: movies, sheet, common settings, truth."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pandas as pd
import tomlkit

from zincflux.pipeline import Progress
from zincflux.results.images import write_frames
from zincflux.results.simulation import check_free
from zincflux.results.staging import move_into, staging, writing
from zincflux.synthetic import simulate
from zincflux.synthetic.study import StudySimulation, study_movies, true_effects

SHEET_FILE = "sheet.csv"
"""Written last: a folder that holds it is complete."""

SETTINGS_FILE = "settings.toml"

STUDY_SIMULATION_FILES = ("movies", SETTINGS_FILE, "truth.csv", "truth_cells.csv", SHEET_FILE)


def write_study_simulation(
    settings: StudySimulation, folder: Path, *, overwrite: bool = False
) -> Generator[Progress, None, Path]:
    """Write the movies of a simulated study, its sheet, its settings and the truth.

    Yields
    ------
    Progress
        After each movie.

    Returns
    -------
    Path
        The folder, as the generator's return value.

    Raises
    ------
    ExperimentError
        If files are there and ``overwrite`` is not set.
    ResultsError
        If the folder cannot be written.
    """
    check_free(folder, STUDY_SIMULATION_FILES, overwrite=overwrite)
    rows: list[dict[str, Any]] = []
    cells: list[pd.DataFrame] = []
    experiment: dict[str, Any] = {}
    with staging(folder) as aside, writing(folder):
        (aside / "movies").mkdir()
        for number, one in enumerate(study_movies(settings), start=1):
            simulated = simulate(one.simulation)
            path = f"movies/{one.keys['sample']}.ome.tif"
            movie = simulated.movie
            frames = (movie.frame(t) for t in range(movie.n_frames))
            write_frames(movie, frames, aside / path)
            rows.append({"path": path, **one.keys})
            cells.append(simulated.cells.assign(sample=one.keys["sample"]))
            experiment = experiment or simulated.experiment
            yield Progress("simulate", number, settings.n_movies)
        texts = {
            SHEET_FILE: _csv(pd.DataFrame(rows)),
            SETTINGS_FILE: _common(experiment),
            "truth.csv": _csv(true_effects(settings)),
            "truth_cells.csv": _csv(_sample_first(pd.concat(cells, ignore_index=True))),
        }
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8", newline="\n")
        move_into(aside, folder, last=SHEET_FILE)
    return folder


def _common(experiment: dict[str, Any]) -> str:
    """Write what all movies have in common, and how they are compared."""
    document = tomlkit.document()
    for key, value in experiment.items():
        document[key] = value
    study = tomlkit.table()
    study.add(tomlkit.comment("Each dose is compared with dose 0 of the same salt."))
    study.add("control_dose", 0.0)
    document["study"] = study
    return tomlkit.dumps(document)


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))


def _sample_first(cells: pd.DataFrame) -> pd.DataFrame:
    return cells[["sample", *(name for name in cells if name != "sample")]]
