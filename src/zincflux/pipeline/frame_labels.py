"""Which cell lies under a pixel of a frame."""

from __future__ import annotations

from collections.abc import Callable

from zincflux.edits import cell_at
from zincflux.edits.kinds import Point
from zincflux.movie import Labels


class FrameLabels:
    """Label images of frames, drawn when they are asked for; the last one is remembered.

    Parameters
    ----------
    draw
        Gives the label image (Y, X) of a frame.
    """

    def __init__(self, draw: Callable[[int], Labels]) -> None:
        self._draw = draw
        self._last: tuple[int, Labels] | None = None

    def label(self, t: int, point: Point) -> int:
        """Give the label under a pixel.

        Raises
        ------
        NotApplicable
            If there is none, or the pixel lies outside the image.
        """
        if self._last is None or self._last[0] != t:
            self._last = (t, self._draw(t))
        return cell_at(self._last[1], point)
