"""One image of a whole movie, made frame by frame."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ExperimentError
from zincflux.movie import FloatArray, Image

ProjectionKind = Literal["mean", "max", "sd"]


class Projection:
    """Running mean, maximum or standard deviation of the frames of a movie.

    One image is kept, and another for the standard deviation, however long the movie is. Pixels
    that are NaN or infinite in a frame are left out there, which takes one more; a pixel that is so
    in every frame becomes NaN.

    Parameters
    ----------
    kind
        ``"mean"``, ``"max"`` or ``"sd"`` (population standard deviation).

    References
    ----------
    .. [1] B. P. Welford, "Note on a method for calculating corrected sums of squares and
       products", Technometrics 4 (1962) 419–420.

    Examples
    --------
    >>> projection = Projection("max")
    >>> projection.update(np.array([[1, 5]]))
    >>> projection.update(np.array([[2, 3]]))
    >>> projection.result()
    array([[2., 5.]])
    """

    def __init__(self, kind: ProjectionKind = "mean") -> None:
        self.kind = kind
        self.n_frames = 0
        self._gaps: FloatArray | None = None
        self._value = np.zeros((0, 0))
        self._squares = np.zeros((0, 0))

    def update(self, image: Image) -> None:
        """Add one frame.

        Parameters
        ----------
        image
            Pixels (Y, X); every frame has the shape of the first.

        Raises
        ------
        ExperimentError
            If the shape differs from the first frame's.
        """
        pixels = np.asarray(image, dtype=np.float64)
        finite = np.isfinite(pixels)
        if not finite.all():
            pixels = np.where(finite, pixels, np.nan)
        if self.n_frames == 0:
            self._start(pixels.shape)
        if pixels.shape != self._value.shape:
            raise ExperimentError(
                f"projection: expected frames of {self._value.shape[0]} × {self._value.shape[1]} "
                f"pixels like the first one, found {' × '.join(map(str, pixels.shape))}. "
                "Analyse movies of different frame sizes separately."
            )
        self.n_frames += 1
        if self.kind == "max":
            np.fmax(self._value, pixels, out=self._value)
        else:
            self._welford(pixels, None if finite.all() else ~finite)

    def _start(self, shape: tuple[int, ...]) -> None:
        self._value = np.full(shape, np.nan if self.kind == "max" else 0.0)
        self._squares = np.zeros(shape if self.kind == "sd" else (0, 0))

    def _welford(self, pixels: FloatArray, missing: NDArray[np.bool_] | None) -> None:
        if missing is not None:
            earlier = 0.0 if self._gaps is None else self._gaps
            self._gaps = np.asarray(missing + earlier, dtype=np.float64)
        delta = pixels - self._value
        if missing is not None:
            delta[missing] = 0.0
        self._value += delta / np.maximum(self._count, 1)
        if self.kind == "sd":
            rest = pixels - self._value
            self._squares += delta * (rest if missing is None else np.where(missing, 0.0, rest))

    @property
    def _count(self) -> FloatArray | int:
        """Frames that each pixel was seen in."""
        return self.n_frames if self._gaps is None else self.n_frames - self._gaps

    def result(self) -> FloatArray:
        """Return the projection (Y, X), float64.

        Raises
        ------
        ExperimentError
            If no frame was added.
        """
        if self.n_frames == 0:
            raise ExperimentError(
                "projection: expected at least one frame, found none. Check the movie's length."
            )
        value = self._value
        if self.kind == "sd":
            value = np.sqrt(self._squares / np.maximum(self._count, 1))
        if self.kind == "max" or self._gaps is None:
            return value.copy()
        return np.where(np.asarray(self._count) > 0, value, np.nan)
