"""Commands on finished results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zincflux.cli.options import Debug, Quiet, Version
from zincflux.cli.terminal import doubts, finish

FORMATS = (
    "csv, parquet, xlsx, prism, figures, movie, report, imagej-rois, ctc, geff, ome-zarr or "
    "zinc-zarr."
)
"""The names in `zincflux.export.EXPORTS`, which is slow to import."""


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with finished results.")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help=FORMATS)],
    out: Annotated[Path, typer.Option(help="File or folder to write.")],
    fps: Annotated[
        float | None, typer.Option(help="Frames of a film per second; only with movie.")
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(help="Pixels of a film per pixel of the movie; only with movie."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Write for other programs: tables, workbook, figures, film, report, outlines, tracks."""
    from zincflux.export import Options, iter_export

    options = Options(fps=fps, scale=scale)
    with doubts(quiet=quiet):
        steps = iter_export(folder, to, out, overwrite=overwrite, options=options)
        written = finish(steps, quiet=quiet)
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
