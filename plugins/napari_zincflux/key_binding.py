"""Keys of the corrections, listened to while a layer of outlines is active; no Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari_zincflux.edit_keys import HELP_KEY, TOOLS, WALK


class KeyBinding:
    """Listens to the keys on one layer.

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

    def release(self) -> None:
        """Listen no more."""
        if self.layer is not None:
            for key in (*(tool.key for tool in TOOLS), *(key for key, *_ in WALK), HELP_KEY):
                self.layer.bind_key(key, None, overwrite=True)
        self.layer = None


def _calling(do: Callable[[str], None], name: str) -> Callable[[Any], None]:
    return lambda _layer: do(name)
