"""The learning curve of a network.

``python tests/benchmarks/learned_curve.py CSV … --out docs/validation/learned-curve.png`` draws the
tables that trainings have written, one after another where a training was gone on with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

LOSSES = ("in a cell or not", "depth", "size")


def read(tables: list[Path]) -> np.ndarray:
    """Read step and losses of all tables (n, 4); a later table replaces the end of an earlier."""
    rows: dict[int, list[float]] = {}
    for table in tables:
        lines = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()]
        found = {int(line[0]): [float(v) for v in line[-3:]] for line in lines if line[0].isdigit()}
        rows = {step: loss for step, loss in rows.items() if step < min(found)} | found
    return np.array([[step, *loss] for step, loss in sorted(rows.items())])


def main() -> None:
    """Draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    values = read(given.tables)
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    for loss, name in zip(values.T[1:], LOSSES, strict=True):
        axes.plot(values[:, 0], loss, label=name, linewidth=1)
    axes.set(xlabel="batches", ylabel="loss", yscale="log")
    figure.legend(frameon=False, loc="outside right center")
    figure.savefig(given.out, dpi=110)


if __name__ == "__main__":
    main()
