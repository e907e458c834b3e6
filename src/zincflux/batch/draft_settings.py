"""Draft: the settings of one movie as those that all movies of a sheet have in common."""

from __future__ import annotations

from pathlib import Path

from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment
from zincflux.settings import dumps

_OF_ONE_MOVIE = ("name", "movie.path", "movie.scene", "edits")
"""Keys that say which movie it is, or what was corrected in it."""

_FILES_OF_ONE_MOVIE = {"segment": "labels", "track": "file"}
"""Keys that name outlines or tracks of one movie."""

_PLACES = ("background", "bleaching")
"""Sections whose ``roi`` is a rectangle in the picture."""


def draft_settings(experiment: Experiment, file: Path) -> str:
    """Write the text of the settings file for ``zincflux batch`` from an experiment that is right.

    What says which movie it is, and corrections by hand, are left out.

    Parameters
    ----------
    experiment
        The experiment of one movie.
    file
        File that the text will be stored in: paths are written relative to its folder.

    Returns
    -------
    str
        TOML, each key with its help as a comment.

    Raises
    ------
    ExperimentError
        If cells or tracks come from files of this one movie.
    """
    for section, key in _FILES_OF_ONE_MOVIE.items():
        named = getattr(getattr(experiment, section), key)
        if named is not None:
            raise ExperimentError(
                f"{section}.{key}: expected settings that suit all movies, found {named}, which "
                "belongs to one. Leave it out here, and give each movie its own in a column "
                f"{section}.{key} of the sheet."
            )
    return dumps(experiment, folder=file.resolve().parent, without=_OF_ONE_MOVIE)


def places_in(experiment: Experiment) -> tuple[str, ...]:
    """Name the keys that hold a rectangle in the picture, which may suit one movie only."""
    return tuple(
        f"{section}.roi"
        for section in _PLACES
        if getattr(getattr(experiment, section), "roi", None) is not None
    )
