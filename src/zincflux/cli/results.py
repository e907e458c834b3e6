"""Commands on finished results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zincflux.cli.options import Debug, Quiet, Version
from zincflux.cli.terminal import doubts


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with finished results.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="ctc, geff, imagej-rois or ome-zarr.")],
    out: Annotated[Path, typer.Option(help="File or folder to write.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Write for other programs: CTC folder, GEFF graph, ImageJ regions, corrected movie."""
    from zincflux.results import export_results

    with doubts(quiet=quiet):
        written = export_results(folder, to, out, overwrite=overwrite)
    if not quiet:
        print(written)


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that run, convert or batch wrote.")
    ],
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Render the report of finished results once more."""
    from zincflux.rerender import rerender

    with doubts(quiet=quiet):
        written = rerender(folder)
    if not quiet:
        print(written)
