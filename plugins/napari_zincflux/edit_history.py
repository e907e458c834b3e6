"""Commands on a log of edits: made, undone, made again, and saved each time; no Qt."""

from __future__ import annotations

import os

from napari_zincflux.errors import CorrectionError
from napari_zincflux.log_file import LogFile
from zincflux.edits import Division, Edit, EditLog, Relink


class EditHistory:
    """A log of edits that grows by commands of one edit or more, each undone as a whole.

    Parameters
    ----------
    log
        The edits so far; each of them is a command.
    autosave
        File that the log is written to after each command. A command that cannot be saved is not
        made.

    Attributes
    ----------
    log
        The edits as they are now.
    autosave
        The file; it may be changed.
    """

    def __init__(
        self, log: EditLog, autosave: LogFile | str | os.PathLike[str] | None = None
    ) -> None:
        self.autosave = LogFile(autosave) if isinstance(autosave, str | os.PathLike) else autosave
        self.log = log
        self._made = [1] * len(self.log)
        self._undone: list[tuple[Edit, ...]] = []

    def go_on_from(self, earlier: EditHistory) -> None:
        """Undo and redo what was done in an earlier history, as long as it has the same log."""
        if earlier.log.edits == self.log.edits:
            self._made, self._undone = list(earlier._made), list(earlier._undone)

    @property
    def can_undo(self) -> bool:
        """Whether there is a command to undo."""
        return bool(self._made)

    @property
    def can_redo(self) -> bool:
        """Whether there is a command to make again."""
        return bool(self._undone)

    def add(self, *edits: Edit) -> None:
        """Make a command of one or more edits.

        Raises
        ------
        CorrectionError
            If the log cannot be saved; then nothing was done.
        """
        self._save((*self.log.edits, *edits))
        self._made.append(len(edits))
        self._undone.clear()

    def undo(self) -> int | None:
        """Take back the newest command; give the frame that it was made in, None if in all.

        Raises
        ------
        CorrectionError
            If there is none.
        """
        if not self._made:
            raise CorrectionError("undo: nothing was corrected.")
        n = self._made[-1]
        kept, taken = self.log.edits[:-n], self.log.edits[-n:]
        self._save(kept)
        self._made.pop()
        self._undone.append(taken)
        return _frame_of(taken[0])

    def redo(self) -> int | None:
        """Make again what was undone last; give its frame, None if it is in all.

        Raises
        ------
        CorrectionError
            If nothing was undone, or another command was made since.
        """
        if not self._undone:
            raise CorrectionError("redo: nothing was undone.")
        edits = self._undone[-1]
        self._save((*self.log.edits, *edits))
        self._undone.pop()
        self._made.append(len(edits))
        return _frame_of(edits[0])

    def _save(self, edits: tuple[Edit, ...]) -> None:
        """Make edits the log, once they are in the file."""
        log = EditLog.model_construct(schema_version=1, edits=edits)
        if self.autosave is not None:
            self.autosave.write(log)
        self.log = log


def _frame_of(edit: Edit) -> int | None:
    if isinstance(edit, Relink):
        return int(edit.before.frame)
    if isinstance(edit, Division):
        return int(edit.mother.frame)
    return edit.frame
