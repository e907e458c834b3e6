"""Layers over the picture: outlines of the selected cells, and cells coloured by a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_zincflux.plot_style import ABOVE_COLOUR, BELOW_COLOUR, SERIES, name_colour

if TYPE_CHECKING:
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_zincflux.colouring import Choice

SELECTION, COLOUR = "selected cells", "colour"


class OwnLayer:
    """A layer that was put into the viewer, and may be removed by the user.

    Attributes
    ----------
    layer
        The layer, or None before there was one.
    """

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.layer: Any = None

    @property
    def is_there(self) -> bool:
        """Whether it is among the viewer's layers."""
        return self.layer is not None and self.layer in self.viewer.layers

    @property
    def is_shown(self) -> bool:
        """Whether it is there and visible."""
        return self.is_there and bool(self.layer.visible)

    def remove(self) -> None:
        """Take it away."""
        layer, self.layer = self.layer, None
        if layer is not None and layer in self.viewer.layers:
            self.viewer.layers.remove(layer)

    @property
    def was_removed(self) -> bool:
        """Whether the user has taken it away."""
        return self.layer is not None and not self.is_there

    def refill(self, picture: NDArray[Any], placed: dict[str, Any]) -> None:
        """Give it other pixels, and another place if they have one.

        Parameters
        ----------
        picture
            Shape (Y, X); of the same shape they need no new frame around them.
        placed
            Scale, translation and units of the layer.
        """
        for name, value in placed.items():
            if tuple(getattr(self.layer, name)) != tuple(value):
                setattr(self.layer, name, value)
        if self.layer.data.shape != picture.shape:
            self.layer.data = picture
            return
        if picture is not self.layer.data:
            self.layer.data[:] = picture
        self.layer.refresh(thumbnail=False, highlight=False, extent=False)

    def _add(self, picture: NDArray[Any], **options: Any) -> None:
        """Add it; the layer that is active stays so."""
        active = self.viewer.layers.selection.active
        self.layer = self.viewer.add_image(picture, blending="translucent", **options)
        self.viewer.layers.selection.active = active


class SelectionLayer(OwnLayer):
    """Outlines of the selected cells in the colours of their traces."""

    def show(self, drawn: NDArray[np.uint8], placed: dict[str, Any]) -> None:
        """Show outlines.

        Parameters
        ----------
        drawn
            As `napari_zincflux.colouring.outlines_of` gives them, (Y, X).
        placed
            Scale, translation and units of the layer.
        """
        if self.is_there:
            self.refill(drawn, placed)
            if not self.layer.visible:  # to set it makes napari draw everything anew
                self.layer.visible = True
            return
        colours = _selection_colours()
        self._add(drawn, name=SELECTION, colormap=colours, contrast_limits=(0, 12), **placed)

    def hide(self) -> None:
        """Show none."""
        if self.is_shown:
            self.layer.visible = False


class ColourLayer(OwnLayer):
    """Cells in the colours of a value."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(viewer)
        self._limits = (0.0, 1.0)

    def follow_limits(self, limits: tuple[float, float]) -> None:
        """Take other values for the two ends of the colours, unless the user has chosen some."""
        if limits != self._limits and tuple(self.layer.contrast_limits) == self._limits:
            self.layer.contrast_limits = limits
        self._limits = limits

    def show(
        self,
        painted: NDArray[np.float32],
        choice: Choice,
        limits: tuple[float, float],
        placed: dict[str, Any],
        below: Any,
    ) -> None:
        """Show values.

        Parameters
        ----------
        painted
            As `napari_zincflux.colouring.Colouring.paint` gives them, (Y, X).
        choice
            What they are.
        limits
            Values at the two ends of the colours.
        placed
            Scale, translation and units of the layer.
        below
            Layer under which it comes to lie.
        """
        self._limits = limits
        active = self.viewer.layers.selection.active
        self._add(
            painted,
            name=f"{COLOUR}: {choice.label}",
            colormap=_colours(choice),
            contrast_limits=limits,
            interpolation2d="nearest",
            **placed,
        )
        if hasattr(self.layer, "colorbar"):  # since napari 0.7
            self.layer.colorbar.visible = not choice.names
        layers = self.viewer.layers
        layers.move(layers.index(self.layer), layers.index(below))
        layers.selection.active = active


def _selection_colours() -> Any:
    from napari.utils.colormaps import Colormap

    colours = np.zeros((13, 4))
    colours[1:, :3] = [np.array(SERIES[k % len(SERIES)]) / 255 for k in range(12)]
    colours[1:, 3] = 1.0
    return Colormap(colours, name="selected", interpolation="zero", controls=np.linspace(0, 1, 14))


def _colours(choice: Choice) -> Any:
    from napari.utils.colormaps import Colormap, ensure_colormap

    if choice.names:
        n = max(len(choice.names), 2)
        colours = np.ones((n, 4))
        colours[:, :3] = [np.array(name_colour(k)) / 255 for k in range(n)]
        controls = np.linspace(0, 1, n + 1)
        return Colormap(colours, name=choice.key, interpolation="zero", controls=controls)
    viridis = ensure_colormap("viridis")
    if choice.key != "zinc_nM":
        return viridis
    return Colormap(
        viridis.colors,
        name="zinc",
        low_color=np.array([*BELOW_COLOUR, 255]) / 255,
        high_color=np.array([*ABOVE_COLOUR, 255]) / 255,
    )
