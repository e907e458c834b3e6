"""What came of each step, in words; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from napari_zincflux.session import Session

MOST_WARNINGS = 4


def outcome(session: Session, step: str) -> str:
    """Tell in words what came of a step; empty where nothing did."""
    tell = {
        "movie": _movie,
        "phases": lambda _: "",
        "cells": _cells,
        "calibration": _calibration,
        "results": _results,
    }[step]
    return tell(session)


def _movie(session: Session) -> str:
    movie = session.movie
    if movie is None:
        if session.results is not None:
            return "The movie of these results is not where it was."
        return "Drag a movie into the window, or open one here."
    height, width = movie.frame_shape
    parts = [
        f"{movie.source.format}, {_count(movie.n_frames, 'frame')}, {width} × {height} px",
        ", ".join(movie.channels),
    ]
    if session.time_s is not None and len(session.time_s) > 1:
        parts.append(f"{_duration(float(session.time_s[-1]))} long")
    return " · ".join(parts)


def _cells(session: Session) -> str:
    if session.state("cells") == "missing":
        return ""
    cells = session.table("cells")
    if cells is not None:
        n = _whole(cells)["cell_id"].nunique()
        return f"{_count(n, 'cell')} measured"
    found = session.found
    return "" if found is None else f"{_count(found.n_cells, 'cell')} in this view"


def _calibration(session: Session) -> str:
    cells = session.table("cells")
    if cells is None:
        return ""
    whole = _whole(cells)
    n = int(np.count_nonzero(whole["baseline_zinc_nM"].notna()))
    if n == 0:
        return "No free zinc: F/F₀ only. A calibration needs a minimum and a maximum phase."
    median = float(whole["baseline_zinc_nM"].median())
    return f"{n} of {_count(len(whole), 'cell')} calibrated; median at rest {median:.3g} nM"


def _results(session: Session) -> str:
    responses = session.table("responses")
    if responses is None:
        return ""
    lines = []
    rows = _whole(responses)
    for phase, group in rows.groupby("phase", sort=False):
        share = f"{int(group['responder'].fillna(False).sum())} of {_count(len(group), 'cell')}"
        rate = group["rate_nM_per_s"].median()
        text = f"<b>{phase}</b>: {share} respond"
        if np.isfinite(rate):
            text += f", median rate {rate:.3g} nM/s"
        lines.append(text)
    return "<br>".join([*lines, *_doubts(session)])


def _doubts(session: Session) -> list[str]:
    if session.measured is not None:
        doubts = list(session.measured.analysis.warnings)
    elif session.results is not None:
        doubts = list(session.results.run.get("warnings", []))
    else:
        doubts = []
    shown = [f'<span style="color:#d4901a">▲</span> {text}' for text in doubts[:MOST_WARNINGS]]
    more = len(doubts) - len(shown)
    return [*shown, *([f"and {more} more in the report"] if more > 0 else [])]


def frame_text(session: Session, frame: int) -> str:
    """Tell the time and the phase of a frame."""
    time_s = session.time_s
    if time_s is None or frame >= len(time_s):
        return f"frame {frame}"
    phase = session.phase_at(frame)
    return f"{time_s[frame]:.1f} s" + (f"  ·  {phase}" if phase else "")


def proposed_name(session: Session, ending: str) -> str:
    """Propose a name for what is saved, with its ending."""
    return f"{session.choices.get('name') or 'experiment'}{ending}"


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["region"] == "cell"] if "region" in table else table


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
