"""Which key makes which correction, and on which layer it is listened to; no Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


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


class KeyBinding:
    """Listens to the keys on one layer, which cannot be painted on by other means meanwhile.

    What napari's brush paints would be in no log, and lost with the next outlines.

    Parameters
    ----------
    press
        Called with the name of a tool.
    walk
        Called with what to do with the list of suspects, ``next`` or ``accept``.
    show
        Called to show the keys, or to hide them.

    Attributes
    ----------
    layer
        Layer whose keys are listened to, or None.
    """

    def __init__(
        self, press: Callable[[str], None], walk: Callable[[str], None], show: Callable[[], None]
    ) -> None:
        self.layer: Any = None
        self._press, self._walk, self._show = press, walk, show

    def bind(self, layer: Any) -> None:
        """Listen to a layer, and to no other any more."""
        self.release()
        self.layer = layer
        for tool in TOOLS:
            layer.bind_key(tool.key, _calling(self._press, tool.name), overwrite=True)
        for key, method, _ in WALK:
            layer.bind_key(key, _calling(self._walk, method), overwrite=True)
        layer.bind_key(HELP_KEY, lambda _: self._show(), overwrite=True)
        layer.events.editable.connect(self._lock)
        self._lock()

    def release(self) -> None:
        """Listen no more."""
        if self.layer is not None:
            for key in (*(tool.key for tool in TOOLS), *(key for key, *_ in WALK), HELP_KEY):
                self.layer.bind_key(key, None, overwrite=True)
            self.layer.events.editable.disconnect(self._lock)
            self.layer.editable = True
        self.layer = None

    def _lock(self, event: Any = None) -> None:
        # A layer that gets other data thinks that it can be painted on again.
        self.layer.editable = False


def _calling(do: Callable[[str], None], name: str) -> Callable[[Any], None]:
    return lambda _layer: do(name)
