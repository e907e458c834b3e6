"""What came of a training, as text for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zincflux.wording.layout import plural


def training_text(done: Mapping[str, Any]) -> str:
    """Tell how a network was trained, and how well it does on pictures that it has not seen."""
    card = done["card"]
    lines = [f"{part['name']}: {part['images']}" for part in card["data"]]
    lines.append(_scores_text(card["scores"], done["before"]))
    # As TOML wants it, whatever stands in the path.
    model = json.dumps(done["out"], ensure_ascii=False)
    lines.append(f'segment.method = "learned", segment.model = {model}')
    return "\n".join(lines)


def _scores_text(after: Mapping[str, float], before: Mapping[str, float]) -> str:
    if not after:
        return "no picture was set aside to judge the network: that takes five or more"
    was = f" (before: {before['F1']:.3f})" if before else ""
    cells, pictures = (plural(int(after[f"{noun}s"]), noun) for noun in ("cell", "picture"))
    return f"F1 {after['F1']:.3f}{was} on {cells} of {pictures} not learnt from"
