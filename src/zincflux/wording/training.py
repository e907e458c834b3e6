"""What came of a training, as text for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def training_text(done: Mapping[str, Any]) -> str:
    """Tell how a network was trained, and how well it does on pictures that it has not seen."""
    card = done["card"]
    lines = [f"{part['images']} {part['name']}" for part in card["data"]]
    lines.append(_scores_text(card["scores"], done["before"]))
    lines.append(f'segment.method = "learned", segment.model = "{done["out"]}"')
    return "\n".join(lines)


def _scores_text(after: Mapping[str, float], before: Mapping[str, float]) -> str:
    if not after:
        return "no picture was set aside to judge the network: that takes five or more"
    was = f" (before: {before['F1']:.3f})" if before else ""
    return (
        f"F1 {after['F1']:.3f}{was} on {after['cells']:.0f} cells of {after['pictures']:.0f} "
        "pictures that were not learnt from"
    )
