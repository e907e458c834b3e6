"""The palette of a film: greys, colours of numbers, what lies beyond the range, and phases."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from zincflux.plot.film_scale import N_COLOURS, ColourScale
from zincflux.plot.film_text import N_GREYS
from zincflux.plot.phases import EDGES
from zincflux.plot.style import SKY, VERMILLION

Indices = NDArray[np.uint8]
"""Places in the palette."""

FIRST_COLOUR = N_GREYS
"""Place of the colour of the lowest number."""

BELOW, ABOVE, OUTLINED = (FIRST_COLOUR + N_COLOURS + n for n in range(3))
"""How a cell is drawn that has no colour: striped if beyond the range, else outlined."""

ROLES = {role: OUTLINED + 1 + n for n, role in enumerate(EDGES)}
"""Colours of the phases by their role."""

UNCHANGED = 255
"""Stands for what is as it was in the frame before; no pixel has this place itself."""

BLACK, GROUND, SHADE, WHITE = 0, 4, 16, N_GREYS - 1


def palette() -> NDArray[np.uint8]:
    """Give the 256 colours, shape (256, 3)."""
    colours = np.zeros((256, 3), dtype=np.uint8)
    colours[:N_GREYS] = np.linspace(0, 255, N_GREYS).round()[:, None]
    # Unlike cividis it has no grey, which is the colour of the picture.
    shades = mpl.colormaps["viridis"](np.linspace(0, 1, N_COLOURS))[:, :3]
    colours[FIRST_COLOUR : FIRST_COLOUR + N_COLOURS] = np.round(255 * shades)
    named = [SKY, VERMILLION, "#9A9A9A", *EDGES.values()]
    colours[BELOW : BELOW + len(named)] = [_rgb(name) for name in named]
    return colours


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def codes(scale: ColourScale, values: NDArray[np.float64]) -> Indices:
    """Give the place in the palette for each number of cells.

    Parameters
    ----------
    scale
        The colours.
    values
        Numbers of any shape: NaN without one, −inf below the range, +inf above it.
    """
    places = scale.places(np.where(np.isfinite(values), values, scale.low))
    result = (FIRST_COLOUR + places).astype(np.uint8)
    for is_kind, code in (
        (np.isnan(values), OUTLINED),
        (values == -np.inf, BELOW),
        (values == np.inf, ABOVE),
    ):
        result[is_kind] = code
    return result
