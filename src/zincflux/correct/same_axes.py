"""Numbers that must line up with the axes of the means they correct."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from zincflux.movie import FloatArray


def same_axes(part: ArrayLike, values: FloatArray, name: str) -> FloatArray:
    """Make sure that a correction is one number, or has the axes of what it corrects.

    Broadcasting alone would take a number per channel for a number per cell where there are as
    many cells as channels.

    Raises
    ------
    ValueError
        If the number of axes differs.
    """
    numbers = np.asarray(part, dtype=np.float64)
    if numbers.ndim not in (0, values.ndim):
        raise ValueError(
            f"{name}: expected one number or as many axes as the means of shape {values.shape}, "
            f"found shape {numbers.shape}. Add the missing axes with numpy.newaxis."
        )
    return numbers
