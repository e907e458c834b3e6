"""Letters on a frame of a film."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

N_GREYS = 64
"""Greys that the palette begins with, from black to white."""


class Lettering:
    """Writes with the letters that figures have too, the same on every machine.

    Parameters
    ----------
    size
        Height of the letters, px.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.line = round(1.25 * size)
        folder = Path(mpl.get_data_path()) / "fonts/ttf"
        self._fonts = {
            is_bold: ImageFont.truetype(
                str(folder / f"DejaVuSans{'-Bold' if is_bold else ''}.ttf"),
                size,
                layout_engine=ImageFont.Layout.BASIC,
            )
            for is_bold in (False, True)
        }

    def width(self, text: str, *, bold: bool = False) -> int:
        """Give the width of a text, px."""
        return int(np.ceil(self._fonts[bold].getlength(text)))

    def fitted(self, text: str, room: int) -> str:
        """Shorten a text until it is no wider than the room, px."""
        if self.width(text) <= room:
            return text
        while text and self.width(f"{text}…") > room:
            text = text[:-1]
        return f"{text.rstrip()}…" if text else ""

    def put(
        self,
        frame: NDArray[np.uint8],
        text: str,
        place: tuple[int, int],
        *,
        bold: bool = False,
        grey: int = 255,
    ) -> None:
        """Write on a frame of places in a palette that begins with `N_GREYS` greys.

        Parameters
        ----------
        frame
            The frame, changed in place.
        text
            One line.
        place
            Left and top of the line.
        bold
            Whether the letters are bold.
        grey
            0 to 255.
        """
        left, top = (max(one, 0) for one in place)
        room = frame[top : top + round(1.4 * self.size), left:]
        if not text or not room.size:
            return
        wide = min(self.width(text, bold=bold) + 2, room.shape[1])
        mask = Pictures.new("L", (wide, room.shape[0]))
        font = self._fonts[bold]
        ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
        cover = np.asarray(mask, dtype=np.float32) / 255
        under = np.minimum(room[:, :wide], N_GREYS - 1).astype(np.float32)
        ink = grey * (N_GREYS - 1) / 255
        letters = np.rint(under + cover * (ink - under)).astype(np.uint8)
        room[:, :wide] = np.where(cover > 0, letters, room[:, :wide])
