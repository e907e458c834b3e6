"""Commands on many movies at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zincflux.cli.options import AsJson, Assignments, Debug, Quiet, Version
from zincflux.cli.terminal import finish_batch, print_json, print_warnings
from zincflux.errors import ExperimentError

SOME_FAILED = 1
"""Exit status where some movies failed; the rest is complete."""


def batch(
    sheet: Annotated[
        str,
        typer.Argument(
            metavar="SHEET",
            help="Table with a row per movie (CSV, TSV, XLSX); with --init, a folder or file.",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder or address for the results; with --init, the table to write.",
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="TOML", help="Settings that all movies share, and how they are compared."
        ),
    ] = None,
    assignments: Assignments = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Movies at a time; by default as many as there are cores."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Dask scheduler of a cluster, such as tcp://host:8786."
        ),
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory to stay within, such as 4GB, for all movies."),
    ] = None,
    labels_format: Annotated[
        str, typer.Option(metavar="tiff|zarr", help="Labels as OME-TIFF or OME-Zarr.")
    ] = "tiff",
    init: Annotated[
        bool, typer.Option("--init", help="Write such a table for the movies of a folder or file.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what this batch did not write.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Run all movies of a table, then compare their conditions: tables, statistics, report."""
    options: dict[str, Any] = {
        "settings": settings,
        "assignments": assignments or (),
        "jobs": jobs,
        "scheduler": scheduler,
        "max_memory": max_memory,
        "labels_format": labels_format,
    }
    if init:
        _draft(sheet, out, options | {"as_json": as_json}, overwrite=overwrite, quiet=quiet)
        return
    from zincflux.batch import iter_batch
    from zincflux.opening import default_out
    from zincflux.wording import batch_text

    steps = iter_batch(
        sheet, default_out(sheet) if out is None else out, overwrite=overwrite, **options
    )
    outcome = finish_batch(steps, quiet=quiet)
    if as_json:
        print_json(outcome.summary())
    elif not quiet:
        print_warnings(outcome.summary()["warnings"])
        print(batch_text(outcome))
    if outcome.failed:
        raise typer.Exit(SOME_FAILED)


def _draft(
    source: str, out: str | None, options: dict[str, Any], *, overwrite: bool, quiet: bool
) -> None:
    """Write a table of the movies in a folder or file."""
    from zincflux.batch import draft_sheet
    from zincflux.results import write_text

    unset = {"assignments": (), "labels_format": "tiff", "as_json": False}
    for name, value in options.items():
        if value != unset.get(name):
            option = "--set" if name == "assignments" else f"--{name.removeprefix('as_')}"
            raise ExperimentError(
                f"{option.replace('_', '-')} has no effect with --init. Leave one of them out."
            )
    path = Path("sheet.csv" if out is None else out)
    if path.is_dir() or path.suffix.lower() != ".csv":
        raise ExperimentError(
            f"{path}: expected the name of a file that ends in .csv. Correct --out."
        )
    if path.exists() and not overwrite:
        raise ExperimentError(f"{path}: this file exists. Add --overwrite or choose another --out.")
    write_text(path, draft_sheet(source, path))
    if not quiet:
        print(path)
        print("Fill in condition, and dose, replicate and experiment where they apply.")
