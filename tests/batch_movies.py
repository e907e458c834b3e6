"""Small dishes and a sheet of them, for tests of batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from runs import DIAMETER_UM, phases_toml, pixels, save_movie

COMMON = f"""\
indicator = "FluoZin-3"
{phases_toml()}
[segment]
diameter_um = {DIAMETER_UM}
[calibration]
k_nM = 15.0
[study]
control = "none"
"""


def make_movies(folder: Path, n: int) -> list[Path]:
    """Store dishes of unequal brightness."""
    folder.mkdir(parents=True, exist_ok=True)
    base = pixels().astype(np.float64) - 100
    files = []
    for number in range(n):
        data = np.rint(100 + base * (1 + 0.05 * number)).astype(np.uint16)
        files.append(save_movie(folder / f"dish{number + 1}.ome.tif", data))
    return files


def write_sheet(
    file: Path, rows: Sequence[Mapping[str, object]], mark: str = ",", coding: str = "utf-8"
) -> Path:
    """Write a sheet with the columns of its first row."""
    columns = list(rows[0])
    lines = [mark.join(columns)]
    lines += [mark.join(str(row.get(name, "")) for name in columns) for row in rows]
    file.write_text("\n".join(lines) + "\n", encoding=coding)
    return file


def make_batch(folder: Path, n: int) -> tuple[Path, Path]:
    """Store movies, a sheet of them and the settings they have in common; give the two files."""
    movies = make_movies(folder, n)
    rows = [
        {
            "path": movie.name,
            "sample": f"dish {number}",
            "condition": "none" if number % 2 else "zinc",
            "dose": 0 if number % 2 else 30,
            "dose_unit": "nM",
            "experiment": f"day {(number + 1) // 2}",
        }
        for number, movie in enumerate(movies, start=1)
    ]
    settings = folder / "common.toml"
    settings.write_text(COMMON, encoding="utf-8")
    return write_sheet(folder / "sheet.csv", rows), settings
