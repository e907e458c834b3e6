"""A small dish with known counts, run once, for tests of the command line and the results."""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from zincflux.cli import main
from zincflux.errors import ZincfluxWarning
from zincflux.movie import Movie
from zincflux.results import write_movie
from zincflux.workflow import Outcome, run

INTERVAL_S = 5.0
DIAMETER_UM = 12.0
CENTRES = ((16, 16), (16, 46), (46, 18), (44, 46))
PHASES = (
    ("rest", "baseline", 0.0, 150.0),
    ("zinc", "response", 40.0, 600.0),
    ("TPEN", "minimum", 100.0, 100.0),
    ("Zn", "maximum", 150.0, 1100.0),
)
"""Name, role, start in s, and counts of a cell above background."""

N_FRAMES = 40


def pixels(n_frames: int = N_FRAMES, size: int = 64) -> np.ndarray:
    """Counts (T, 1, Y, X), uint16: four cells of unequal dye load on a background of 100."""
    time_s = np.arange(n_frames) * INTERVAL_S
    starts = [start for _, _, start, _ in PHASES]
    level = np.array([counts for *_, counts in PHASES])
    level = level[np.searchsorted(starts, time_s, side="right") - 1]
    y, x = np.mgrid[:size, :size]
    image = np.zeros((size, size))
    for number, (cy, cx) in enumerate(CENTRES):
        image[(y - cy) ** 2 + (x - cx) ** 2 <= (DIAMETER_UM / 2) ** 2] = 0.5 + 0.5 * number
    noise = np.random.default_rng(1).normal(0, 2, (n_frames, 1, size, size))
    counts = 100 + level[:, None, None, None] * image + noise
    return np.rint(counts).astype(np.uint16)


def save_movie(path: Path, data: np.ndarray, channels: Sequence[str] = ("dye",)) -> Path:
    """Store pixels (T, C, Y, X) as an OME-TIFF with a pixel size and a frame interval."""
    time_s = np.arange(len(data)) * INTERVAL_S
    write_movie(Movie(data, tuple(channels), pixel_size_um=1.0, time_s=time_s), path)
    return path


def save_bare(path: Path, data: np.ndarray) -> Path:
    """Store pixels (T, 1, Y, X) as a TIFF that says nothing about them."""
    tifffile.imwrite(path, data[:, 0], metadata=None, photometric="minisblack")
    return path


def phases_toml() -> str:
    return "".join(
        f'[[phases]]\nname = "{name}"\nrole = "{role}"\nstart_s = {start}\n'
        for name, role, start, _ in PHASES
    )


EXPERIMENT = f"""\
indicator = "FluoZin-3"
[movie]
path = "movie.ome.tif"
{phases_toml()}
[segment]
diameter_um = {DIAMETER_UM}
[calibration]
k_nM = 15.0
"""


def make_dish(folder: Path, data: np.ndarray | None = None, text: str = EXPERIMENT) -> Path:
    """Store a dish and its experiment file; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    save_movie(folder / "movie.ome.tif", pixels() if data is None else data)
    file = folder / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    return file


def copy_dish(dish: Path, folder: Path, changes: Mapping[str, str] | None = None) -> Path:
    """Copy movie and experiment file, without results; replace words of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(dish.parent / "movie.ome.tif", folder)
    text = dish.read_text(encoding="utf-8")
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    return file


_FINISHED: list[tuple[Path, Outcome]] = []


def finished(factory: Any) -> tuple[Path, Outcome]:
    """Experiment file and outcome of a dish that is run once; to be read only."""
    if not _FINISHED:
        file = make_dish(factory.mktemp("dish"))
        _FINISHED.append((file, run_quietly(file)))
    return _FINISHED[0]


def run_quietly(*args: Any, **kwargs: Any) -> Outcome:
    """Run an experiment whose doubts are not the point of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        return run(*args, **kwargs)


def names_in(folder: Path) -> set[str]:
    """Name every file and folder, hidden ones too."""
    return {path.name for path in folder.iterdir()}


class Shell:
    """Calls the command line in this process, as `zincflux` does."""

    def __init__(self, monkeypatch: Any, capsys: Any) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def __call__(self, *args: object) -> tuple[int, str, str]:
        """Give exit status, stdout and stderr of a command."""
        self.monkeypatch.setattr(sys, "argv", ["zincflux", *map(str, args)])
        self.capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        printed = self.capsys.readouterr()
        return status, printed.out, printed.err
