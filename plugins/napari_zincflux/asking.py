"""Windows that ask for a file or folder and block nothing."""

from __future__ import annotations

from collections.abc import Callable
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
        if place.suffix == ".toml":
            dialog.setDefaultSuffix("toml")
        dialog.selectFile(place.name)
    dialog.fileSelected.connect(chosen)
    dialog.show()
    return dialog
