"""Preview: the cells that would be measured, before anything is measured."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import ExperimentError
from zincflux.movie import Image, Labels, Movie
from zincflux.opening import Source, default_out, open_recording, resolve_experiment
from zincflux.pipeline import Progress, iter_view
from zincflux.plot import overlay_figure, to_png
from zincflux.results import staging
from zincflux.results.staging import move_into, writing


@dataclass(frozen=True, eq=False)
class Preview:
    """Cells found in one view of a movie.

    Attributes
    ----------
    out
        The picture.
    view
        Image (Y, X) that the cells were found in.
    labels
        Label image (Y, X).
    diameter_um
        Diameter of a cell that the segmenter was told.
    warnings
        What is doubtful about the movie.
    """

    out: Path
    view: Image
    labels: Labels
    diameter_um: float | str
    warnings: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Give what ``zincflux run --preview --json`` prints."""
        return {
            "out": str(self.out),
            "n_cells": int(np.count_nonzero(np.unique(self.labels))),
            "diameter_um": self.diameter_um,
            "warnings": list(self.warnings),
        }


def iter_preview(
    source: Source,
    out: str | os.PathLike[str] | None = None,
    *,
    indicator: str | None = None,
    assignments: Sequence[str] = (),
    overwrite: bool = False,
) -> Generator[Progress, None, Preview]:
    """Find the cells of one view of a movie, and draw them: the projection, or the first frame.

    Parameters
    ----------
    source
        An experiment file, a movie, or an experiment.
    out
        PNG file to write; by default the source's name with ``_preview.png``, beside it.
    indicator, assignments
        As for `zincflux.run`.
    overwrite
        Whether a file that is there may be replaced.

    Yields
    ------
    Progress
        After each frame that is read.

    Returns
    -------
    Preview
        As the generator's return value.

    Raises
    ------
    ZincfluxError
        If a setting is wrong, the movie cannot be read, or the picture cannot be written.
    """
    experiment = resolve_experiment(source, indicator, assignments)
    target = _target(source, out)
    if target.exists() and not overwrite:
        raise ExperimentError(
            f"{target}: this file exists. Add --overwrite or choose another --out."
        )
    recording, doubts = open_recording(experiment)
    if not isinstance(recording, Movie):
        raise ExperimentError(
            "--preview: expected a movie, found a table of traces, which holds no picture. "
            "Leave --preview out."
        )
    view, labels, pixel_size_um = yield from iter_view(experiment, recording)
    picture = to_png(overlay_figure(view, labels, pixel_size_um))
    with staging(target) as aside, writing(target):
        (aside / target.name).write_bytes(picture)
        move_into(aside, target.parent, last=target.name)
    return Preview(target, view, labels, experiment.segment.diameter_um, doubts)


def _target(source: Source, out: str | os.PathLike[str] | None) -> Path:
    if out is not None:
        target = Path(out)
        if target.suffix.lower() != ".png" or target.is_dir():
            raise ExperimentError(
                f"{target}: expected the name of a file that ends in .png. Correct --out."
            )
        return target
    if isinstance(source, str | os.PathLike):
        folder = default_out(source)
        return folder.with_name(f"{folder.name}_preview.png")
    raise ExperimentError("out: expected the name of a PNG file for the preview. Give out.")
