"""What the report says of the view that static cells were found in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zincflux.plot.style import digits


def view_text(view: Mapping[str, Any] | None) -> str:
    """Write which view the cells were found in, why, and how many were split by their courses.

    Parameters
    ----------
    view
        As in ``run.json``; None where there is nothing to say.
    """
    if view is None:
        return ""
    text = f"Found in the view {view['name']}"
    scores = view["scores"]
    if scores:
        others = [f"{name} {digits(score)}" for name, score in scores.items()]
        text += (
            f", which shows cells best (cells, weighted by how clear each is: {', '.join(others)})"
        )
    n_split = view["n_split_by_traces"]
    if n_split:
        text += f". {n_split} cut in two where the sides brighten and fade differently"
    return f"{text}."
