"""What was painted on outlines, as edits; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zincflux.edits import Edit, Paint, anchor_of, runs_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Labels = NDArray[np.int32]


def strokes_of(before: Labels, drawn: Labels, frame: int | None) -> list[Edit]:
    """Turn a painted image into edits: those whose cell is all painted over come first.

    Parameters
    ----------
    before, drawn
        Label images (Y, X) before and after painting.
    frame
        Number of the frame; None for static cells.
    """
    changed = before != drawn
    existing = set(np.unique(before).tolist())
    edits: list[tuple[bool, Edit]] = []
    for value in np.unique(drawn[changed]).tolist():
        runs = runs_of(changed & (drawn == value))
        if value == 0:
            edits.append((True, Paint(onto="background", runs=runs, frame=frame)))
        elif value not in existing:
            edits.append((True, Paint(onto="new", runs=runs, frame=frame)))
        else:
            left = np.where(changed, 0, before)
            survives = bool((left == value).any())
            point = anchor_of(left if survives else before, value)
            edit = Paint(onto="cell", point=point, runs=runs, frame=frame, cell_ids=(value,))
            edits.append((survives, edit))
    return [edit for _, edit in sorted(edits, key=lambda item: item[0])]
