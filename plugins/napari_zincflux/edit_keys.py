"""Which key makes which correction; no Qt."""

from __future__ import annotations

from typing import NamedTuple


class Tool(NamedTuple):
    """A correction that a key makes.

    Attributes
    ----------
    name
        Method of `EditTools`.
    key
        Key, as napari writes it.
    label
        What stands on a button.
    tip
        What it does.
    """

    name: str
    key: str
    label: str
    tip: str


TOOLS = (
    Tool("merge", "Shift-M", "Merge", "Make one cell of the selected ones"),
    Tool("split", "Shift-S", "Split", "Cut the selected cell at its neck, or in half"),
    Tool("cut", "Shift-C", "Cut", "Cut the selected cell along a line that you drag"),
    Tool("delete", "Shift-X", "Delete", "Remove the selected cells"),
    Tool("draw", "Shift-D", "Draw", "Paint outlines with napari's brush; press again to finish"),
    Tool("relink", "Shift-R", "Relink", "Select a cell, press; later select what it becomes"),
    Tool("divide", "Shift-B", "Divide", "Select the mother, press; later select both daughters"),
    Tool("end", "Shift-E", "End", "The selected cell ends in this frame"),
    Tool("exclude", "Shift-O", "Exclude", "Leave the selected cells out of summaries"),
    Tool("undo", "Control-Z", "Undo", "Take back the last correction"),
    Tool("redo", "Control-Shift-Z", "Redo", "Make it again"),
)  # fmt: skip

WALK = (("Shift-N", "next", "Next suspect"), ("Shift-A", "accept", "Accept suspect"))
HELP_KEY = "Shift-K"


def shown_key(key: str) -> str:
    """Write a key as it stands on buttons."""
    return key.replace("Control-", "Ctrl+").replace("Shift-", "⇧")


def all_keys() -> list[tuple[str, str]]:
    """List every key with what it does."""
    keys = [(tool.key, tool.label) for tool in TOOLS]
    return [*keys, *((key, label) for key, _, label in WALK), (HELP_KEY, "Hide these keys")]
