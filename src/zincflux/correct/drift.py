"""Drift: how far the content of each frame has moved, by phase correlation."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from zincflux.correct.method_keys import refuse_unused
from zincflux.correct.phase_correlation import Grid, Spectrum, find_peak, phase_ramp, spectrum_of
from zincflux.movie import FloatArray, Image
from zincflux.settings import Settings

DEFAULT_MAX_SHIFT_UM = 20.0


class Drift(Settings):
    """How the movement of the stage is found."""

    method: Literal["none", "phase-correlation"] = Field(
        default="none", description="How drift is found: none or phase-correlation"
    )
    channel: str | int | None = Field(
        default=None,
        description="Channel that drift is found on, name or number; the channel that is "
        "segmented if not given",
    )
    max_shift_um: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Largest shift that is believed, um; 20 if not given. A frame beyond it keeps "
        "the shift before",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        users = ("phase-correlation",)
        refuse_unused(self, "drift", self.method, {"channel": users, "max_shift_um": users})
        return self

    def tracker(self, pixel_size_um: float) -> DriftTracker | None:
        """Make the tracker of these settings; None if drift is not corrected."""
        if self.method == "none":
            return None
        return DriftTracker((self.max_shift_um or DEFAULT_MAX_SHIFT_UM) / pixel_size_um)


class DriftTracker:
    """Shift of each frame against a slowly updated average of the registered frames.

    Images are compared by the phases of their spectra, so that brightness does not count, each
    frequency weighted by how much of it is signal and not noise. The reference holds weighted
    spectra, and forgets slowly: cells that light up, bleach or change shape do not lose it.

    Parameters
    ----------
    max_shift_px
        Largest shift that is believed, px.
    memory
        Number of frames that the reference averages over.

    References
    ----------
    Kuglin CD, Hines DC. The phase correlation image alignment method. Proc IEEE Int Conf
    Cybernetics and Society 1975:163-165.
    Guizar-Sicairos M, Thurman ST, Fienup JR. Efficient subpixel image registration algorithms.
    Opt Lett 2008;33:156-158. (The refinement by a matrix product.)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.ndimage import gaussian_filter
    >>> image = gaussian_filter(np.random.default_rng(0).normal(size=(128, 128)), 2)
    >>> tracker = DriftTracker()
    >>> tracker.update(image)
    (0.0, 0.0)
    >>> dy, dx = tracker.update(np.roll(image, (3, -2), axis=(0, 1)))
    >>> round(dy), round(dx)
    (3, -2)
    """

    def __init__(self, max_shift_px: float = np.inf, *, memory: int = 20) -> None:
        self.rejected = 0
        self._max_shift_px = max_shift_px
        self._memory = memory
        self._grid: Grid | None = None
        self._reference: Spectrum | None = None
        self._accepted = 0
        self._last = (0.0, 0.0)

    def update(self, image: Image) -> tuple[float, float]:
        """Find where the content of the next frame lies.

        Parameters
        ----------
        image
            Pixels (Y, X) of one channel, any real dtype; the same shape at each call.

        Returns
        -------
        tuple of float
            (dy, dx) in px relative to the first frame: positive means moved down and right. A
            frame without a trustworthy peak keeps the shift before and is counted in
            ``rejected``.
        """
        if self._grid is None:
            self._grid = Grid.of(image.shape)
        spectrum = spectrum_of(image, self._grid)
        if self._reference is None:
            self._start(spectrum)
            return self._last
        peak = find_peak(spectrum, self._reference, self._grid)
        if peak is None:
            self._reject(spectrum)
        elif np.hypot(*peak) * self._grid.step > self._max_shift_px:
            self.rejected += 1
        else:
            self._learn(spectrum, peak)
            self._last = (peak[0] * self._grid.step, peak[1] * self._grid.step)
        return self._last

    def _start(self, spectrum: Spectrum) -> None:
        """Take the first frame that shows anything for the reference."""
        if spectrum.weight.any():
            self._reference = spectrum
            self._accepted = 1
        else:
            self.rejected += 1

    def _reject(self, spectrum: Spectrum) -> None:
        """Count a frame that does not match; a lone first one may be bad and gives way."""
        self.rejected += 1
        if self._accepted == 1 and spectrum.weight.any():
            self._reference = spectrum

    def _learn(self, spectrum: Spectrum, shift: tuple[float, float]) -> None:
        """Add a frame, moved back to where the first one lay, to the reference."""
        assert self._reference is not None  # noqa: S101 (set by the first frame)
        assert self._grid is not None  # noqa: S101
        self._accepted += 1
        share = np.float32(max(1 / self._accepted, 1 / self._memory))
        back = phase_ramp(self._grid, shift)
        old = self._reference
        self._reference = Spectrum(
            old.values + share * (spectrum.values * back - old.values),
            old.weight + share * (spectrum.weight - old.weight),
        )


def common_area(shifts: FloatArray, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Tell which part of the first frame stays in view in every frame.

    Parameters
    ----------
    shifts
        (dy, dx) of each frame in px, shape (T, 2); rounded to whole pixels, as they are used.
    shape
        Height and width of a frame in px.

    Returns
    -------
    tuple of slice
        Rows and columns in the coordinates of the first frame; empty if nothing stays in view.

    Examples
    --------
    >>> common_area(np.array([[0.0, 0.0], [2.2, -3.0]]), (100, 100))
    (slice(0, 98, None), slice(3, 100, None))
    """
    whole = np.rint(np.asarray(shifts, dtype=np.float64).reshape(-1, 2)).astype(int)
    area = []
    for moved, length in zip(whole.T, shape, strict=True):
        start = min(max(0, -int(moved.min(initial=0))), length)
        stop = length - max(0, int(moved.max(initial=0)))
        area.append(slice(start, max(start, stop)))
    return area[0], area[1]
