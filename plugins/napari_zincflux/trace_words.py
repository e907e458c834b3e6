"""What the line below the traces says; no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_zincflux.trace_data import Quantity, TraceData

NOTHING = "No traces yet."


def sentence(
    data: TraceData | None,
    quantity: Quantity | None,
    frame: int,
    selected: Sequence[int],
    cell: int | None = None,
) -> str:
    """Say the numbers of a cell, or of the selection, in a frame.

    Parameters
    ----------
    data, quantity
        What is plotted; None where there is nothing.
    frame
        Number of the frame; the last one stands for all that come after it.
    selected
        Numbers of the selected cells.
    cell
        The cell that is pointed at; the only selected one if not given.
    """
    if data is None or quantity is None or not data.n_frames:
        return NOTHING
    frame = min(frame, data.n_frames - 1)
    if cell is None and len(selected) == 1:
        cell = selected[0]
    when = f"frame {frame}, {data.time_s[frame]:g} s"
    if cell is not None and data.rows_of([cell]).size:
        return f"Cell {cell} · {_number(data, quantity, cell, frame)} · {when}"
    if selected:
        return f"{len(selected)} of {data.n_cells} cells selected · {when}"
    return f"{data.n_cells} cells, median dashed · {when} · click a trace"


def _number(data: TraceData, quantity: Quantity, cell: int, frame: int) -> str:
    row = int(data.rows_of([cell])[0])
    value = data.values(quantity.name)[row, frame]
    flag = data.flag_names[data.flags[row, frame]].replace("_", " ")
    if np.isnan(value):
        return f"no value ({flag})" if flag else "no value"
    text = f"{quantity.label} {value:.3g}"
    if quantity.low:
        low, high = (data.values(name)[row, frame] for name in (quantity.low, quantity.high))
        text += f" (95 % {low:.3g} to {high:.3g})"
    return f"{text}, {flag}" if flag else text
