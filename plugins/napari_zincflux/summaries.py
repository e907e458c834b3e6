"""What came of each step, in words; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zincflux.phases import frames_of, with_role
from zincflux.report.summary import NOTHING, levels, used_only

if TYPE_CHECKING:
    import pandas as pd

    from napari_zincflux.session import Session

MOST_WARNINGS = 4
REST: Final = "baseline"


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
    if _finished(session).calibration is None:
        return "No free zinc: F/F₀ only. A calibration needs a minimum and a maximum phase."
    used = used_only(_whole(cells), cells)
    # Zinc beyond the range has no number either, so the ends of the range tell.
    n = int(np.count_nonzero(used["signal_min"].notna() & used["signal_max"].notna()))
    text = f"{n} of {_count(len(used), 'cell')} calibrated"
    level = _at_rest(session, cells)
    return f"{text}; median at rest {level}" if level else text


def _at_rest(session: Session, cells: pd.DataFrame) -> str:
    """Write the median zinc of the first baseline, as the report does; empty where none is."""
    traces, baselines = session.table("traces"), with_role(session.outcome.experiment.phases, REST)
    if traces is None or not baselines:
        return ""
    rows = traces[frames_of(baselines[0], traces["time_s"].to_numpy(np.float64))]
    unit, (level,) = levels(used_only(_whole(rows), cells), baselines[:1], "zinc_nM")
    middle = level.quartiles[1]
    if middle == NOTHING:
        return ""
    return middle if middle.endswith("range") else f"{middle} {unit}"


def _finished(session: Session) -> Any:
    """Give the analysis, or the results that were opened."""
    return session.results if session.measured is None else session.measured.analysis


def _results(session: Session) -> str:
    responses, cells = session.table("responses"), session.table("cells")
    if responses is None or cells is None:
        return ""
    lines = []
    rows = _whole(responses)
    for phase, every in rows.groupby("phase", sort=False):
        group = used_only(every, cells)
        if not len(group):
            lines.append(f"<b>{phase}</b>: no cell responds, as all are excluded")
            continue
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
