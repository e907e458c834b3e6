"""Free zinc of every pixel as layers: the image, and why pixels have no number; no Qt."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_zincflux.layers import Axes, LayerData
from napari_zincflux.lazy_stacks import lazy_frames
from napari_zincflux.plot_style import ABOVE_COLOUR, BELOW_COLOUR, MISSING, RGB
from zincflux.columns import FLAGS
from zincflux.pipeline.pixel_rows import code_of
from zincflux.response import zinc_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zincflux.pipeline import ZincImage, ZincImages

ZINC, REASON = "zinc (nM)", "zinc: no number"
"""Names of the two layers."""

MOST_DECADES = 3.0
"""The colours reach from the upper end this far down, at most: napari has 1024 of them in a row."""

KEPT_FRAMES = 8
"""Images that are remembered: two layers ask for the same one, and a slider goes back."""

COLOURS = "viridis"

BEYOND: dict[str, RGB] = {"below_min": BELOW_COLOUR, "above_max": ABOVE_COLOUR}
"""Reasons with a colour of their own; all others are grey."""


def usable_range_nM(finished: Any) -> tuple[float, float]:
    """Give the zinc at the two ends of the colours, in nM.

    It is the range in which a typical cell tells zinc within a factor of 3; where none is known,
    the zinc at saturations of 10 % and 90 %.

    Parameters
    ----------
    finished
        An analysis or stored results with a calibration.
    """
    low, high = np.nan, np.nan
    if hasattr(finished, "run"):
        reach = finished.run.get("reach") or {}
        ranges = [(r["low_nM"], r["high_nM"]) for r in reach.get("zinc_ranges_nM", [])]
    else:
        ranges = [(r.low_nM, r.high_nM) for r in finished.reach.zinc_ranges]
    if ranges:
        low, high = (np.nan if end is None else float(end) for end in ranges[-1])
    if not low < high:
        binding = finished.calibration.binding
        ends = zinc_range(binding.k_nM, binding.hill, binding.applied_beta)
        low, high = (float(end) for end in ends)
    return max(low, high * 10.0**-MOST_DECADES), high


def log_colours(low_nM: float, high_nM: float) -> Any:
    """Make a colour map whose colours are even steps of the logarithm.

    Parameters
    ----------
    low_nM, high_nM
        What the first and the last colour stand for.
    """
    from napari.utils.colormaps import Colormap, ensure_colormap

    high_nM = high_nM if high_nM > 0 else 1.0
    low_nM = min(max(low_nM, high_nM * 10.0**-MOST_DECADES), high_nM * 0.99)
    colours = ensure_colormap(COLOURS).map(np.linspace(0, 1, 256))
    steps = np.geomspace(low_nM, high_nM, len(colours))
    controls = (steps - steps[0]) / (steps[-1] - steps[0])
    controls[0], controls[-1] = 0.0, 1.0
    return Colormap(colours, controls=controls, name="zinc, logarithmic")


class Frames:
    """Images made when they are shown, the newest ones remembered.

    Parameters
    ----------
    images
        The images.
    """

    def __init__(self, images: ZincImages) -> None:
        self.images = images
        self._lock = threading.Lock()
        self._made: OrderedDict[int, ZincImage] = OrderedDict()

    def _image(self, t: int) -> ZincImage:
        with self._lock:
            if t not in self._made:
                self._made[t] = self.images[t]
                while len(self._made) > KEPT_FRAMES:
                    self._made.popitem(last=False)
            return self._made[t]

    def zinc_nM(self, t: int) -> NDArray[np.float32]:
        """Give the zinc of a frame, (Y, X); NaN where there is no number."""
        return self._image(t).zinc_nM.astype(np.float32)

    def reason(self, t: int) -> NDArray[np.uint8]:
        """Tell why pixels of cells have no number, (Y, X): label 1 for the first reason, and so on.

        Pixels with a number, and those outside cells, are 0.
        """
        reason = self._image(t).reason
        told = code_of("")
        return np.where(reason > told, reason - told, 0).astype(np.uint8)


def zinc_layers(images: ZincImages, axes: Axes, limits_nM: tuple[float, float]) -> list[LayerData]:
    """Give the image of zinc and, below it, the pixels without a number, coloured by the reason.

    Parameters
    ----------
    images
        Images of free zinc.
    axes
        Scale and units of the movie.
    limits_nM
        What the first and the last colour stand for.
    """
    frames, shape = Frames(images), images.source.plan.movie.frame_shape
    n_frames = len(images)
    zinc = lazy_frames(frames.zinc_nM, n_frames, shape, "float32")
    reason = lazy_frames(frames.reason, n_frames, shape, "uint8")
    options = {
        "name": ZINC,
        "colormap": log_colours(*limits_nM),
        "contrast_limits": limits_nM,
        "interpolation2d": "nearest",
        "blending": "translucent",
        **axes.kwargs(),
    }
    why = {
        "name": REASON,
        "features": reason_table(),
        "colormap": _reason_colours(),
        "opacity": 0.8,
        "blending": "translucent",
        **axes.kwargs(),
    }
    return [(reason, why, "labels"), (zinc, options, "image")]


def reason_table() -> pd.DataFrame:
    """Give the words that napari shows for a pixel without a number."""
    return pd.DataFrame({"index": range(1, len(FLAGS) + 1), "why": [*FLAGS.values()]})


def _reason_colours() -> Any:
    from napari.utils.colormaps import DirectLabelColormap

    colours: dict[int | None, tuple[float, ...]] = {None: (0.0, 0.0, 0.0, 0.0), 0: (0.0,) * 4}
    for number, name in enumerate(FLAGS, start=1):
        colours[number] = (*(part / 255 for part in BEYOND.get(name, MISSING)), 1.0)
    return DirectLabelColormap(color_dict=colours)
