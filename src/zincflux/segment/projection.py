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
        self._of: _Largest | _Sums | _Moments | None = None

    @property
    def n_frames(self) -> int:
        """Frames that were added."""
        return 0 if self._of is None else self._of.n_frames

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
        pixels = np.asarray(image)
        self._of = self._fitting(pixels)
        if pixels.shape != self._of.value.shape:
            height, width = self._of.value.shape
            raise ExperimentError(
                f"projection: expected frames of {height} × {width} pixels like the first one, "
                f"found {' × '.join(map(str, pixels.shape))}. "
                "Analyse movies of different frame sizes separately."
            )
        self._of.n_frames += 1
        self._of.add(pixels)

    def _fitting(self, pixels: Image) -> _Largest | _Sums | _Moments:
        """Give what takes such pixels; sums of whole numbers are exact, and fast."""
        if self._of is None:
            if self.kind == "max":
                return _Largest(pixels.shape)
            make = _Sums if _Sums.fit(pixels) else _Moments
            return make(pixels.shape, squares=self.kind == "sd")
        if isinstance(self._of, _Sums) and not _Sums.fit(pixels):
            return self._of.moments()
        return self._of

    def result(self) -> FloatArray:
        """Return the projection (Y, X), float64.

        Raises
        ------
        ExperimentError
            If no frame was added.
        """
        if self._of is None or not self._of.n_frames:
            raise ExperimentError(
                "projection: expected at least one frame, found none. Check the movie's length."
            )
        return self._of.result()


class _Largest:
    def __init__(self, shape: tuple[int, ...]) -> None:
        self.n_frames = 0
        self.value: FloatArray = np.full(shape, np.nan)

    def add(self, pixels: Image) -> None:
        if pixels.dtype.kind == "f":
            pixels = np.where(np.isfinite(pixels), pixels, np.nan)
        np.fmax(self.value, pixels, out=self.value)

    def result(self) -> FloatArray:
        return self.value.copy()


class _Sums:
    """Exact sums of whole numbers, and of their squares, that are small enough for it."""

    @staticmethod
    def fit(pixels: Image) -> bool:
        if pixels.dtype.kind not in "iu":
            return False
        # The sum of two channels of 16 bits has 17.
        return pixels.dtype.itemsize <= 2 or (
            pixels.dtype.kind == "u" and pixels.max(initial=0) < 2**20
        )

    def __init__(self, shape: tuple[int, ...], *, squares: bool) -> None:
        self.n_frames = 0
        self.value: NDArray[np.int64] = np.zeros(shape, np.int64)
        self.squares = np.zeros(shape, np.int64) if squares else None

    def add(self, pixels: Image) -> None:
        np.add(self.value, pixels, out=self.value, casting="unsafe")
        if self.squares is not None:
            wide = pixels.astype(np.int64)
            self.squares += np.multiply(wide, wide, out=wide)

    def result(self) -> FloatArray:
        return self.moments().result()

    def moments(self) -> _Moments:
        """Give the same as mean and sum of squared deviations."""
        result = _Moments(self.value.shape, squares=self.squares is not None)
        n = result.n_frames = self.n_frames
        result.value = self.value / n
        if self.squares is not None:
            # About the whole number below the mean the sum of squares stays exact.
            whole = self.value // n
            rest = self.value - whole * n
            result.squares = self.squares - n * whole**2 - 2 * whole * rest - rest**2 / n
        return result


class _Moments:
    """Mean, and sum of squared deviations from it, of any real pixels."""

    def __init__(self, shape: tuple[int, ...], *, squares: bool) -> None:
        self.n_frames = 0
        self.value: FloatArray = np.zeros(shape)
        self.squares: FloatArray | None = np.zeros(shape) if squares else None
        self._gaps: FloatArray | None = None

    def add(self, pixels: Image) -> None:
        delta = np.subtract(pixels, self.value, dtype=np.float64)
        missing = ~np.isfinite(delta)
        if missing.any():
            earlier = 0.0 if self._gaps is None else self._gaps
            self._gaps = np.asarray(missing + earlier, dtype=np.float64)
            delta[missing] = 0.0
        step = delta / np.maximum(self._count, 1)
        self.value += step
        if self.squares is not None:
            # What is left of the deviation once the mean has moved.
            np.subtract(delta, step, out=step)
            self.squares += np.multiply(delta, step, out=delta)

    @property
    def _count(self) -> FloatArray | int:
        """Frames that each pixel was seen in."""
        return self.n_frames if self._gaps is None else self.n_frames - self._gaps

    def result(self) -> FloatArray:
        value = self.value.copy()
        if self.squares is not None:
            value = np.sqrt(np.maximum(self.squares, 0) / np.maximum(self._count, 1))
        if self._gaps is None:
            return value
        return np.where(np.asarray(self._count) > 0, value, np.nan)
