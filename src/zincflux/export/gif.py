"""Films as GIF, one frame in memory at a time.

References
----------
CompuServe, "Graphics Interchange Format, version 89a" (1990); the block that makes a film go round
is Netscape's.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MARK = b"film of zincflux"
"""Stands in a comment, by which an earlier export is known."""

MOST_FPS = 50.0
"""Delays are hundredths of a second, and programs take those below two for ten."""

_KEEP, _SEE_THROUGH = 1 << 2, 1
_EXTENSION, _PICTURE = 0x21, 0x2C


class GifFilm:
    """A GIF that frames are added to.

    Parameters
    ----------
    path
        File to write.
    shape
        Height and width, px.
    palette
        Colours (256, 3), uint8.
    fps
        Frames per second, at most `MOST_FPS`.
    unchanged
        Place in the palette that no pixel has: it stands for what is as it was before.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int],
        palette: NDArray[np.uint8],
        fps: float,
        unchanged: int,
    ) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 - closed by __exit__
        self._fps, self._unchanged = fps, unchanged
        self._before: NDArray[np.uint8] | None = None
        self._n_frames = 0
        height, width = shape
        self._file.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0))
        self._file.write(palette.tobytes())
        self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
        self._file.write(b"\x21\xfe" + bytes([len(MARK)]) + MARK + b"\x00")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._file.write(b"\x3b")
        self._file.close()

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame: places in the palette (height, width)."""
        shown = frame
        if self._before is not None:
            shown = np.where(frame == self._before, np.uint8(self._unchanged), frame)
        self._before = frame
        delay = self._hundredths(self._n_frames + 1) - self._hundredths(self._n_frames)
        self._n_frames += 1
        self._file.write(
            struct.pack(
                "<BBBBHBB", _EXTENSION, 0xF9, 4, _KEEP | _SEE_THROUGH, delay, self._unchanged, 0
            )
        )
        height, width = frame.shape
        self._file.write(struct.pack("<BHHHHB", _PICTURE, 0, 0, width, height, 0))
        self._file.write(packed(shown))

    def _hundredths(self, n_frames: int) -> int:
        """Give when a frame begins: rounded there, the whole film lasts as long as it should."""
        return round(100 * n_frames / self._fps)


def packed(frame: NDArray[np.uint8]) -> bytes:
    """Pack numbers of colours (height, width) as GIF does, without any header."""
    buffer = io.BytesIO()
    # As greys, so that nothing is sorted into another palette.
    Image.fromarray(frame).save(buffer, format="GIF", optimize=False, interlace=False)
    data = buffer.getvalue()
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    while data[at] == _EXTENSION:
        at = _after_blocks(data, at + 2)
    local = data[at + 9]
    at += 10 + (3 * 2 ** ((local & 7) + 1) if local & 0x80 else 0)
    return data[at : _after_blocks(data, at + 1)]


def _after_blocks(data: bytes, at: int) -> int:
    """Skip blocks, each behind its length, up to the empty one."""
    while data[at]:
        at += data[at] + 1
    return at + 1
