"""The cells that were found, outlined and numbered on the image."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage

from zincflux.movie import Image, Labels
from zincflux.plot.style import VERMILLION, WIDTH_IN, YELLOW, new_figure, styled

_MAX_NUMBERED = 250
_DRAWN_PX = 1000
"""About as many dots as the figure is wide; finer outlines would vanish."""


@styled
def overlay_figure(
    image: Image, labels: Labels, pixel_size_um: float, *, excluded: Collection[int] = ()
) -> Figure:
    """Draw the outlines and numbers of the cells on a grey image.

    Parameters
    ----------
    image
        Grey image (Y, X) of any real dtype; NaN is drawn black.
    labels
        Label image (Y, X) with the cell's number as value, 0 is background.
    pixel_size_um
        Edge of a pixel, for the scale bar.
    excluded
        Numbers of cells that are outlined in another colour, with their number in brackets.

    Returns
    -------
    matplotlib.figure.Figure
        Cells in yellow, excluded ones in vermillion. Above 250 cells the numbers are left out.
    """
    height, width = labels.shape
    figure = new_figure(float(np.clip(WIDTH_IN * height / width, 2.0, 9.0)), margin_in=0.0)
    axis = figure.subplots()
    axis.set_axis_off()
    axis.imshow(grey(image), cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    ids, y, x = _centres(labels)
    out = np.isin(ids, list(excluded))
    axis.imshow(outlines(labels, ids[out]), interpolation="antialiased")
    if len(ids) <= _MAX_NUMBERED:
        _write_numbers(axis, ids, y, x, out)
    _draw_scale_bar(axis, width, height, pixel_size_um)
    return figure


def grey(image: Image) -> NDArray[np.float64]:
    """Stretch to the bright and dark ends, brightening dim cells (square root)."""
    pixels = np.asarray(image, dtype=np.float64)
    known = pixels[np.isfinite(pixels)]
    if not known.size:
        return np.zeros_like(pixels)
    low, high = np.quantile(known, [0.01, 0.998])
    span = high - low if high > low else 1.0
    stretched: NDArray[np.float64] = np.sqrt(
        np.clip((np.nan_to_num(pixels, nan=low) - low) / span, 0, 1)
    )
    return stretched


def outlines(labels: Labels, excluded: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Colour the inner edge of every cell; transparent elsewhere, shape (Y, X, 4)."""
    # The smallest and largest neighbour agree only away from any edge.
    cross = ndimage.generate_binary_structure(2, 1)
    lowest = ndimage.minimum_filter(labels, footprint=cross, mode="nearest")
    highest = ndimage.maximum_filter(labels, footprint=cross, mode="nearest")
    edge = (labels > 0) & ((lowest != labels) | (highest != labels))
    thicken = round(max(labels.shape) / _DRAWN_PX) - 1
    if thicken > 0:
        edge = ndimage.binary_dilation(edge, cross, iterations=thicken) & (labels > 0)
    picture = np.zeros((*labels.shape, 4), dtype=np.uint8)
    picture[edge] = _rgba(YELLOW)
    picture[edge & np.isin(labels, excluded)] = _rgba(VERMILLION)
    return picture


def _rgba(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)] + [255]


def _centres(
    labels: Labels,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Give the numbers of the cells and their centroids in pixels."""
    rows, columns = np.nonzero(labels)
    ids, index = np.unique(labels[rows, columns], return_inverse=True)
    area = np.bincount(index)
    y, x = np.bincount(index, rows) / area, np.bincount(index, columns) / area
    return ids.astype(np.int64), y, x


def _write_numbers(
    axis: Axes,
    ids: NDArray[np.int64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    excluded: NDArray[np.bool_],
) -> None:
    size = 8.0 if len(ids) <= 100 else 6.5
    for cell, row, column, out in zip(ids, y, x, excluded, strict=True):
        axis.text(
            column,
            row,
            f"({cell})" if out else str(cell),
            color="white",
            size=size,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=1.6, foreground="black")],
        )


def _draw_scale_bar(axis: Axes, width: int, height: int, pixel_size_um: float) -> None:
    length_um = round_length(width * pixel_size_um / 4)
    length = length_um / pixel_size_um
    thick = max(height * 0.008, 1.0)
    left, top = width * 0.97 - length, height * 0.965 - thick
    pad = height * 0.012
    axis.add_patch(
        Rectangle(
            (left - pad, top - 5 * pad),
            length + 2 * pad,
            thick + 6 * pad,
            facecolor="black",
            alpha=0.45,
            lw=0,
        )
    )
    axis.add_patch(Rectangle((left, top), length, thick, facecolor="white", lw=0))
    axis.text(
        left + length / 2,
        top - height * 0.008,
        f"{length_um:g} µm",
        color="white",
        size=10,
        ha="center",
        va="bottom",
    )


def round_length(longest: float) -> float:
    """Give the largest of 1, 2, 5, 10, 20, … that is not longer."""
    power: float = 10.0 ** np.floor(np.log10(longest))
    # Rounding of the logarithm may lift the power above the length itself.
    steps = (0.5, 1, 2, 5)
    return max(step * power for step in steps if step * power <= longest)
