"""Films as MP4 (H.264), the same bytes for the same frames.

References
----------
Rec. ITU-R BT.709-6 (2015), items 3 and 4: luma, colour differences and their quantization.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zincflux.errors import ResultsError

MARK = b"film of zincflux"
"""Stands in the file as a comment, by which an earlier export is known."""

MOST_FPS = 120.0

_THREADS = 2
"""Fixed: another number packs the same frames into other bytes."""

_BT709, _LIMITED = 1, 1


def need_av() -> Any:
    """Import PyAV; called before work is done for a film.

    Raises
    ------
    ResultsError
        If it is not installed.
    """
    try:
        import av
    except ModuleNotFoundError:
        raise ResultsError(
            "MP4: expected the package av, which is not installed. Install it: pip install "
            '"zincflux[film]", or choose a name that ends in .gif.'
        ) from None
    return av


class Mp4Film:
    """An MP4 that frames are added to.

    Parameters
    ----------
    path
        File to write.
    shape
        Height and width, px; both even.
    palette
        Colours (256, 3), uint8.
    fps
        Frames per second.
    """

    def __init__(
        self, path: Path, shape: tuple[int, int], palette: NDArray[np.uint8], fps: float
    ) -> None:
        self._av = need_av()
        self._shape = shape
        self._luma, self._chroma = _yuv(palette)
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        self._file = self._av.open(str(path), "w", format="mp4", options=options)
        self._file.metadata["comment"] = MARK.decode()
        rate = Fraction(fps).limit_denominator(1000)
        self._stream = stream = self._file.add_stream("libx264", rate=rate)
        stream.height, stream.width = shape
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.thread_count = _THREADS
        # Untold, programs guess by the size of the picture, and show other colours.
        codec.color_primaries = codec.color_trc = codec.colorspace = _BT709
        codec.color_range = _LIMITED
        stream.options = {
            "crf": "20",
            "preset": "medium",
            "tune": "animation",
            "flags": "+bitexact",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                for packet in self._stream.encode(None):
                    self._file.mux(packet)
        finally:
            self._file.close()

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame: places in the palette (height, width)."""
        height, width = self._shape
        planes = np.empty((height * 3 // 2, width), dtype=np.uint8)
        planes[:height] = self._luma[frame]
        quarters = frame.reshape(height // 2, 2, width // 2, 2)
        mixed = self._chroma[quarters].mean(axis=(1, 3)) + 0.5
        planes[height:] = mixed.astype(np.uint8).transpose(2, 0, 1).reshape(height // 2, width)
        picture = self._av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.colorspace, picture.color_range = _BT709, _LIMITED
        for packet in self._stream.encode(picture):
            self._file.mux(packet)


def _yuv(palette: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Give luma (256,) and colour differences (256, 2) of the colours, in the range of video."""
    red, green, blue = (palette[:, n] / 255 for n in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    differences = [(blue - luma) / 1.8556, (red - luma) / 1.5748]
    chroma = 128 + 224 * np.stack(differences, axis=1)
    return np.rint(16 + 219 * luma).astype(np.uint8), chroma.astype(np.float32)
