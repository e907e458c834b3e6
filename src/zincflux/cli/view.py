"""The command that opens napari, as a program of its own: nothing here knows a window."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from zincflux.cli.options import Debug, Quiet, Version
from zincflux.errors import ExperimentError, ReaderError


def view(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="DIR|MOVIE", help="Folder with finished results, a movie or an experiment file."
        ),
    ],
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Open a movie or finished results in napari, with the dock beside it."""
    if importlib.util.find_spec("napari") is None:
        raise ExperimentError(
            "view: expected napari, which is not installed here. "
            'Install it with: python -m pip install "zincflux[napari]"'
        )
    if not place.exists():
        raise ReaderError(f"{place}: no such file or folder. Check the path.")
    # A program of its own: Ctrl-C and a crash of the window stay there.
    command = [sys.executable, "-m", "napari_zincflux", str(place)]
    raise typer.Exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - no shell
