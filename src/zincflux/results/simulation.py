"""The files of a simulated movie."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from pathlib import Path

from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment
from zincflux.movie import Image
from zincflux.pipeline import Progress
from zincflux.results.images import write_frames, write_label_stack
from zincflux.results.staging import move_into, staging, writing
from zincflux.settings import dumps
from zincflux.synthetic import SyntheticMovie

SIMULATION_FILES = (
    "movie.ome.tif",
    "truth_labels.ome.tif",
    "truth.csv",
    "truth_cells.csv",
    "experiment.toml",
)

_LOOK_S = 0.05
"""How often a writer is asked how far it is."""


def write_simulation(
    simulated: SyntheticMovie, folder: Path, *, overwrite: bool = False
) -> Generator[Progress, None, Path]:
    """Write a simulated movie, its truth and its experiment file.

    Yields
    ------
    Progress
        After each frame or two.

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
    check_free(folder, SIMULATION_FILES, overwrite=overwrite)
    with staging(folder) as aside, writing(folder):
        yield from _write_images(simulated, aside)
        for name, text in _texts(simulated, folder).items():
            (aside / name).write_text(text, encoding="utf-8", newline="\n")
        move_into(aside, folder, last=SIMULATION_FILES[-1])
    return folder


def check_free(folder: Path, names: Iterable[str], *, overwrite: bool) -> None:
    """Refuse to write simulated files over others, unasked.

    Raises
    ------
    ExperimentError
        If one of these files is in the folder and ``overwrite`` is not set.
    """
    if folder.exists() and not folder.is_dir():
        raise ExperimentError(f"{folder}: expected a folder, found a file. Choose another --out.")
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise ExperimentError(
            f"{folder}: {there[0]} is already there. Add --overwrite or choose another --out."
        )


def _texts(simulated: SyntheticMovie, folder: Path) -> dict[str, str]:
    place = folder.resolve()
    experiment = Experiment.parse(
        {**simulated.experiment, "movie": {"path": str(place / SIMULATION_FILES[0])}},
        where="simulate",
        folder=place,
    )
    return {
        "truth.csv": simulated.truth.to_csv(index=False, lineterminator="\n"),
        "truth_cells.csv": simulated.cells.to_csv(index=False, lineterminator="\n"),
        "experiment.toml": dumps(experiment, folder=place),
    }


def _write_images(simulated: SyntheticMovie, aside: Path) -> Generator[Progress, None, None]:
    movie = simulated.movie
    n = movie.n_frames
    frames = (movie.frame(t) for t in range(n))
    yield from _watched(
        lambda images: write_frames(movie, images, aside / "movie.ome.tif"), frames, "render", n
    )
    truth = (simulated.labels(t) for t in range(n))
    shape = (n, *movie.frame_shape)
    yield from _watched(
        lambda images: write_label_stack(
            aside / "truth_labels.ome.tif", images, shape, movie.pixel_size_um, movie.time_s
        ),
        truth,
        "truth",
        n,
    )


def _watched(
    write: Callable[[Iterator[Image]], None], images: Iterable[Image], stage: str, total: int
) -> Generator[Progress, None, None]:
    """Run a writer that takes images from an iterator, and tell how many it has taken.

    The writer runs in a thread, since it returns only when the file is complete.
    """
    taken = 0
    is_stopped = False

    def counted() -> Iterator[Image]:
        nonlocal taken
        for image in images:
            if is_stopped:
                raise CancelledError
            taken += 1
            yield image

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write, counted())
        try:
            while not wait([writer], timeout=_LOOK_S).done:
                yield Progress(stage, taken, total)
        finally:
            is_stopped = True
        writer.result()
    yield Progress(stage, total, total)
