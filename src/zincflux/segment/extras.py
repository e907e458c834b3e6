"""What segmenters of other projects need: their package, a loaded model, labels to our promises."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import relabel_sequential

from zincflux.errors import ExperimentError
from zincflux.movie import Image, Labels
from zincflux.segment.pieces import select
from zincflux.segment.size import CellSize

_MODELS: dict[tuple[str, str], Any] = {}
_LOCK = threading.Lock()


def import_extra(module: str, extra: str) -> Any:
    """Import a package that only an extra of zincflux installs.

    Raises
    ------
    ExperimentError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExperimentError(
            f'segment.method = "{extra}": expected the package {module.partition(".")[0]}, found '
            "that it cannot be "
            f"imported ({error}). Install it with: python -m pip install 'zincflux[{extra}]'"
        ) from error


def with_model(
    kind: str, name: str, load: Callable[[], Any], use: Callable[[Any], Any]
) -> NDArray[Any]:
    """Use a model that is loaded once; one frame at a time, since a model is not thread-safe.

    Raises
    ------
    ExperimentError
        If the model cannot be loaded.
    """
    with _LOCK:
        if (kind, name) not in _MODELS:
            try:
                _MODELS[kind, name] = load()
            except (OSError, ValueError, RuntimeError) as error:
                raise ExperimentError(
                    f"segment.model: expected a model of {kind}, found {name!r}, which cannot be "
                    f"loaded: {error}. Give the name of a published model or the path of your own."
                ) from error
        return np.asarray(use(_MODELS[kind, name]))


def filled(image: Image) -> NDArray[np.float32]:
    """Give an image (Y, X) without NaN, as networks need it."""
    pixels = np.asarray(image, dtype=np.float32)
    known = np.isfinite(pixels)
    if known.all():
        return pixels
    return np.where(known, pixels, pixels[known].min() if known.any() else 0).astype(np.float32)


def is_blank(image: NDArray[np.float32]) -> bool:
    """Tell whether there is nothing to see: networks stretch even noise to full contrast."""
    return image.size == 0 or float(np.ptp(image)) == 0


def tidy(labels: NDArray[Any], size: CellSize, pixel_size_um: float) -> Labels:
    """Make labels number from 1, without cells of a wrong size or at the border."""
    smallest, largest = size.area_limits_px(pixel_size_um)
    numbered = relabel_sequential(labels.astype(np.int64))[0].astype(np.int32)
    return select(numbered, smallest, largest, exclude_border=size.exclude_border)
