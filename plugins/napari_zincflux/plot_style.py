"""Colours of the live plots on napari's dark and light background; no Qt."""

from __future__ import annotations

from typing import NamedTuple

RGB = tuple[int, int, int]

# Okabe & Ito, "Color universal design" (2008): told apart with any kind of colour vision; black,
# grey and yellow are left out, which one of the backgrounds hides.
SERIES: tuple[RGB, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (0, 114, 178),
)

PHASE: dict[str, RGB] = {
    "baseline": (86, 180, 233),
    "response": (230, 159, 0),
    "minimum": (0, 114, 178),
    "maximum": (213, 94, 0),
    "ignore": (128, 128, 128),
}

BELOW_COLOUR: RGB = (77, 92, 242)
ABOVE_COLOUR: RGB = (255, 64, 153)
"""Zinc beyond the calibrated range, told apart from the ends of the colours."""

MISSING: RGB = (110, 110, 110)


class Theme(NamedTuple):
    """Colours that depend on the background.

    Attributes
    ----------
    background, text
        Of the plot and its words.
    faint
        Traces of cells that are not selected.
    strong
        The median.
    phase_alpha
        How opaque the shade of a phase is, 0 to 255.
    """

    background: RGB
    text: RGB
    faint: RGB
    strong: RGB
    phase_alpha: int


DARK = Theme((38, 41, 48), (240, 241, 242), (170, 178, 190), (255, 255, 255), 40)
LIGHT = Theme((250, 250, 250), (35, 35, 35), (95, 100, 110), (0, 0, 0), 45)


def theme(*, dark: bool) -> Theme:
    """Give the colours for a dark or a light background."""
    return DARK if dark else LIGHT


def series_colour(number: int) -> RGB:
    """Give the colour of a selected cell by its place in the selection; colours come again."""
    return SERIES[number % len(SERIES)]


def swatch(colour: RGB, name: str) -> str:
    """Write a name in a legend as rich text, with a square of its colour."""
    words = name.replace("_", " ").replace("&", "&amp;").replace("<", "&lt;")
    return f'<span style="color: rgb{colour}">■</span>&nbsp;{words.replace(" ", "&nbsp;")}'


def name_colour(number: int) -> RGB:
    """Give the colour of a name such as a flag; the first one, which stands for none, is grey."""
    return (140, 145, 153) if number == 0 else SERIES[(number - 1) % len(SERIES)]
