"""From the session to a file in one of the core's formats; no Qt, no napari."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from napari_zincflux import summaries
from napari_zincflux.session import Session
from zincflux.export import EXPORTS, check_export, iter_export
from zincflux.pipeline import Progress


class Exported(NamedTuple):
    """What was written.

    Attributes
    ----------
    out
        The file or folder that was asked for.
    folder
        The folder of results that it was made from.
    is_new
        Whether that folder was made, or brought up to date, for it.
    """

    out: Path
    folder: Path
    is_new: bool


def stored_folder(session: Session) -> Path | None:
    """Give the folder of the results that are shown, where they are stored as they are shown."""
    if session.results is None or session.state("results") != "fresh":
        return None
    return session.results.folder


def can_export(session: Session) -> bool:
    """Tell whether there are results, or can be."""
    return stored_folder(session) is not None or session.can_run


def proposed_file(session: Session, to: str) -> str:
    """Propose a name for an export."""
    return summaries.proposed_name(session, EXPORTS[to].proposed_ending)


def filters(to: str) -> tuple[str, ...]:
    """Give the kinds of files that a window offers; none for a folder."""
    return tuple(f"{ending[1:].upper()} (*{ending})" for ending in EXPORTS[to].endings)


def iter_session_export(
    session: Session, to: str, out: Path, home: Path | None = None
) -> Generator[Progress, None, Exported]:
    """Write what the session has come to; the folder of results is made first where there is none.

    Parameters
    ----------
    session
        The session, looked at before the first step only.
    to
        One of the core's `EXPORTS`.
    out
        File or folder to write; an earlier export there is replaced.
    home
        Folder of results that the session may bring up to date; else a new one beside ``out``.

    Raises
    ------
    zincflux.ZincfluxError
        At once if something else lies there or a package is missing; from the generator if the
        results cannot be made or written.
    """
    check_export(out, to, overwrite=True)
    stored = stored_folder(session)
    making = None
    if stored is None:
        making = session.export(free_folder(session, out.parent) if home is None else home)

    def steps() -> Generator[Progress, None, Exported]:
        folder = stored
        if making is not None:
            folder = (yield from making).out
        assert folder is not None  # noqa: S101 - there is one, or it was made
        written = yield from iter_export(folder, to, out, overwrite=True)
        return Exported(written, folder, making is not None)

    return steps()


def free_folder(session: Session, place: Path) -> Path:
    """Name a folder for results that is not there yet."""
    name = summaries.proposed_name(session, "_results")
    folder, number = place / name, 1
    while folder.exists():
        number += 1
        folder = place / f"{name}_{number}"
    return folder
