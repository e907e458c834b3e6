"""The files of a simulated movie."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment
from zincflux.pipeline import Progress
from zincflux.results.images import write_label_stack, write_movie
from zincflux.results.staging import staging
from zincflux.settings import dumps
from zincflux.synthetic import SyntheticMovie

SIMULATION_FILES = (
    "movie.ome.tif",
    "truth_labels.ome.tif",
    "truth.csv",
    "truth_cells.csv",
    "experiment.toml",
)


def write_simulation(
    simulated: SyntheticMovie, folder: Path, *, overwrite: bool = False
) -> Generator[Progress, None, Path]:
    """Write a simulated movie, its truth and its experiment file.

    Yields
    ------
    Progress
        After each file.

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
    there = [name for name in SIMULATION_FILES if (folder / name).exists()]
    if there and not overwrite:
        raise ExperimentError(
            f"{folder}: {there[0]} is already there. Add --overwrite or choose another --out."
        )
    with staging(folder) as aside:
        experiment = Experiment.parse(
            {**simulated.experiment, "movie": {"path": str(folder.resolve() / "movie.ome.tif")}},
            where="simulate",
            folder=folder.resolve(),
        )
        texts = {
            "truth.csv": simulated.truth.to_csv(index=False, lineterminator="\n"),
            "truth_cells.csv": simulated.cells.to_csv(index=False, lineterminator="\n"),
            "experiment.toml": dumps(experiment, folder=folder.resolve()),
        }
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8", newline="\n")
        write_movie(simulated.movie, aside / "movie.ome.tif")
        yield Progress("write", 1, 2)
        n_frames = simulated.movie.n_frames
        truth = (simulated.labels(t) for t in range(n_frames))
        write_label_stack(
            aside / "truth_labels.ome.tif",
            truth,
            (n_frames, *simulated.movie.frame_shape),
            simulated.movie.pixel_size_um,
            simulated.movie.time_s,
        )
        yield Progress("write", 2, 2)
        folder.mkdir(exist_ok=True)
        for name in SIMULATION_FILES:
            os.replace(aside / name, folder / name)
    return folder
