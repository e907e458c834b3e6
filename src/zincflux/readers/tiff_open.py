"""Opening a TIFF with tifffile: its complaints as one error, and what it passes over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile

from zincflux.errors import ReaderError
from zincflux.readers.stored import listening
from zincflux.readers.tiff_pages import DAMAGE

_DESCRIPTION = 270  # code of the tag


@contextmanager
def opened(path: Path, omexml: str | None = None) -> Iterator[Any]:
    """Open a file with tifffile; what goes wrong becomes one error that holds its complaints."""
    with listening("tifffile") as complaints:
        try:
            with tifffile.TiffFile(path, omexml=omexml, is_mmstack=False) as tif:
                _check_numpy(tif, path)
                yield tif
        except DAMAGE as error:
            details = "; ".join(dict.fromkeys([str(error), *complaints[:2]]))
            raise ReaderError(
                f"{path}: expected a TIFF file, found one that is truncated or damaged "
                f"({details}). Copy or export it again."
            ) from error


def _check_numpy(tif: Any, path: Path) -> None:
    """Make sure that an NDTiff can be read: tifffile needs NumPy 2 for its index."""
    if tif.is_ndtiff and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        raise ReaderError(
            f"{path}: expected NumPy 2, which reading NDTiff takes, found {np.__version__}. Update "
            "it: python -m pip install --upgrade numpy"
        )


def check_description(tif: Any, path: Path) -> None:
    """Make sure that the description is not cut off: tifffile passes over a tag that is."""
    tiff, handle, page = tif.tiff, tif.filehandle, tif.pages.first
    order: Literal["little", "big"] = "little" if tif.byteorder == "<" else "big"
    handle.seek(page.offset)
    n_tags = int.from_bytes(handle.read(tiff.tagnosize), order)
    entries = handle.read(n_tags * tiff.tagsize)
    codes = [
        int.from_bytes(entries[n : n + 2], order) for n in range(0, len(entries), tiff.tagsize)
    ]
    if _DESCRIPTION in codes and _DESCRIPTION not in page.tags:
        raise ReaderError(
            f"{path}: the description of this TIFF lies beyond its end. The file is truncated: "
            "copy or export it again."
        )


def check_chain(tif: Any, path: Path) -> None:
    """Make sure that the last page says that it is the last: tifffile stops at a broken link."""
    position = tif.pages.next_page_offset
    # For old ScanImage files tifffile computes the pages and does not follow the chain.
    if position is None or tif.is_scanimage:
        return
    tif.filehandle.seek(position)
    link = tif.filehandle.read(tif.tiff.offsetsize)
    if len(link) < tif.tiff.offsetsize or any(link):
        raise ReaderError(
            f"{path}: expected more pages after page {len(tif.pages) - 1}, found none. The file is "
            "truncated: copy or export it again."
        )


def check_inside(files: Iterable[Path], folder: Path) -> None:
    """Make sure that a recording of several files lies in its folder, or below it.

    Raises
    ------
    ReaderError
        If its description or index led elsewhere.
    """
    home = os.path.abspath(folder)
    for file in files:
        if not Path(os.path.abspath(file)).is_relative_to(home):
            raise ReaderError(
                f"{folder}: expected all files of this recording in its folder, found that it "
                f"names {file}. Do not open it unless you trust who made it."
            )
