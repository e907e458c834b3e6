"""The learning curve: a table that grows while a network is trained."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zincflux.results import writing

EVERY = 50
"""Batches whose mean loss is one row of the table."""

COLUMNS = ("step", "inside", "depth", "size")


class Curve:
    """Mean losses over the training, as a CSV file that is whole at every moment.

    Parameters
    ----------
    path
        The file; made, or cut to what was trained before.
    begun
        Batches that were trained before.

    Raises
    ------
    ResultsError
        If it cannot be written, here or when a row is added.
    """

    def __init__(self, path: Path, begun: int) -> None:
        self.path, self._losses = path, list[Mapping[str, float]]()
        self._write([COLUMNS, *(_rows_until(path, begun) if begun else [])], "w")

    def add(self, step: int, loss: Mapping[str, float], *, is_last: bool) -> None:
        """Take the losses of a batch; every so many of them, and the last, make a row."""
        self._losses.append(loss)
        if step % EVERY == 0 or is_last:
            means = (np.mean([one[name] for one in self._losses]) for name in COLUMNS[1:])
            self._write([[str(step), *(f"{mean:.5f}" for mean in means)]], "a")
            self._losses = []

    def _write(self, rows: Sequence[Sequence[str]], mode: str) -> None:
        with writing(self.path), self.path.open(mode, newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


def _rows_until(path: Path, step: int) -> list[list[str]]:
    """Read the rows up to a step; what came after it is trained again."""
    if not path.is_file():
        return []
    with writing(path), path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.reader(file))
    return [row for row in rows if row and row[0].isdecimal() and int(row[0]) <= step]
