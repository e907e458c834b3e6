"""What is said of a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zincflux.wording.layout import plural, table

if TYPE_CHECKING:
    from zincflux.workflow import Outcome


def mapping_text(mapping: Sequence[dict[str, str]]) -> str:
    """Tell what each column of a table of traces was taken for."""
    rows = [
        (one["role"], " ".join(filter(None, (one["columns"], _in_unit(one["unit"]), one["how"]))))
        for one in mapping
    ]
    return "\n".join(["columns:", *table(rows)])


def _in_unit(unit: str) -> str:
    return f"[{unit}]" if unit else ""


def outcome_text(outcome: Outcome) -> str:
    """Tell what a run came to, and where its report is."""
    found = outcome.summary()
    lines = []
    if outcome.up_to_date:
        lines.append("up to date: these results were made with the same settings and inputs")
    cells, frames = plural(found["n_cells"], "cell"), plural(found["n_frames"], "frame")
    lines.append(
        f"{cells} in {frames}: {found['n_with_zinc']} with zinc, {found['n_excluded']} excluded"
    )
    lines += _suspects(found)
    lines += _why_none(outcome, found)
    lines.append(str(outcome.out / "report.html"))
    return "\n".join(lines)


def _suspects(found: dict[str, Any]) -> list[str]:
    n, accepted = found["n_suspects"], found["n_suspects_accepted"]
    if not n + accepted:
        return []
    seen = f", {accepted} accepted" if accepted else ""
    return [f"{plural(n, 'suspect')} to look at{seen} (suspects.csv)"]


def _why_none(outcome: Outcome, found: dict[str, Any]) -> list[str]:
    if found["n_cells"] == 0:
        return [
            "No cells were found, so the tables are empty. "
            "Check segment.diameter_um and channels.segment."
        ]
    if found["n_with_zinc"] > 0 or (outcome.out / "calibration.toml").exists():
        return []
    if outcome.experiment.indicator == "none":
        return ["F/F0 only: no indicator is named. Set indicator, or add --indicator to a movie."]
    return [
        "F/F0 only: there is no calibration. Add phases with the roles minimum and maximum, or set "
        "calibration.minimum and calibration.maximum."
    ]
