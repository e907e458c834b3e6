"""Windows that ask for a file or folder and block nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QWidget

Asked = Literal["file", "folder", "new"]


def ask(
    parent: QWidget,
    title: str,
    place: Path,
    chosen: Callable[[str], None],
    *,
    kind: Asked = "file",
    filters: Sequence[str] = (),
) -> QFileDialog:
    """Ask for a file or folder; the window stays usable.

    Parameters
    ----------
    parent
        Window that the question belongs to.
    title
        What is asked for.
    place
        Folder to start in; for something new, the name that is proposed.
    chosen
        Called with what was chosen; not at all if nothing was.
    kind
        A file or folder that is there, or something new.
    filters
        Kinds of files that are offered, such as ``"GIF (*.gif)"``. A name without an ending gets
        that of the kind.
    """
    mode = {
        "file": QFileDialog.FileMode.ExistingFile,
        "folder": QFileDialog.FileMode.Directory,
        "new": QFileDialog.FileMode.AnyFile,
    }[kind]
    dialog = QFileDialog(parent, title, str(place.parent if kind == "new" else place))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setFileMode(mode)
    if kind == "new":
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        _offer(dialog, place, filters)
        dialog.selectFile(place.name)
    dialog.fileSelected.connect(chosen)
    dialog.show()
    return dialog


def _offer(dialog: QFileDialog, place: Path, filters: Sequence[str]) -> None:
    """Offer kinds of files, the one of the name that is proposed first."""

    def follow(chosen: str) -> None:
        dialog.setDefaultSuffix(chosen.rpartition("*")[2].strip(".)"))

    if not filters:
        # A folder has no ending, whatever the movie that it is named after is called.
        dialog.setDefaultSuffix("toml" if place.suffix == ".toml" else "")
        return
    dialog.setNameFilters(list(filters))
    dialog.filterSelected.connect(follow)
    first = next((one for one in filters if f"*{place.suffix})" in one), filters[0])
    dialog.selectNameFilter(first)
    follow(first)
