"""The file that corrections by hand are kept in; no Qt."""

from __future__ import annotations

import os
from pathlib import Path

from napari_zincflux.errors import CorrectionError
from zincflux.edits import EditLog


class LogFile:
    """A file that a log is written to, unless somebody else has written to it meanwhile.

    The same movie may be open in two windows: neither may write over what the other one keeps.

    Parameters
    ----------
    path
        The file; it need not be there yet.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._known = self._content()

    def write(self, log: EditLog) -> None:
        """Write a log.

        Raises
        ------
        CorrectionError
            If the file is not what it was when it was last looked at, or cannot be written.
        """
        if self._content() != self._known:
            raise CorrectionError(
                f"{self.path}: expected the corrections of this window, found others: another "
                "window or program has changed the file. Nothing was done. Open the movie once "
                "more to go on from what is there."
            )
        try:
            log.write(self.path)
        except OSError as error:
            raise CorrectionError(
                f"{self.path}: the corrections cannot be saved: {error}. Nothing was done. Make "
                "room, or choose another folder."
            ) from error
        self._known = self._content()

    def _content(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except OSError:
            return None
