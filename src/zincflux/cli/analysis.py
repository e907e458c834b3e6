"""Commands that turn a movie or a table into results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from zincflux.cli.options import AsJson, Assignments, Debug, Quiet, Version
from zincflux.cli.terminal import finish, print_json, print_warnings
from zincflux.errors import ExperimentError


def run(
    source: Annotated[str, typer.Argument(metavar="EXPERIMENT.toml|MOVIE", help="What to run.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; beside the source by default.")
    ] = None,
    indicator: Annotated[
        str | None, typer.Option(help="Indicator, for a movie without an experiment file.")
    ] = None,
    assignments: Assignments = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Threads; the number of cores by default.")
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory to stay within, such as 4GB: fewer threads."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results made with other settings.")
    ] = False,
    labels_format: Annotated[
        str, typer.Option(metavar="tiff|zarr", help="Labels as OME-TIFF or OME-Zarr.")
    ] = "tiff",
    preview: Annotated[
        bool, typer.Option("--preview", help="Only draw the cells of one view, as PNG.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Run one experiment: movie → traces, cells, labels, calibration, report."""
    if preview:
        given = {
            "--jobs": jobs is not None,
            "--max-memory": max_memory is not None,
            "--labels-format": labels_format != "tiff",
        }
        for option in (name for name, is_given in given.items() if is_given):
            raise ExperimentError(f"{option} has no effect with --preview. Leave one of them out.")
        _preview(source, out, indicator, assignments or (), overwrite, as_json, quiet)
        return
    from zincflux.wording import outcome_text
    from zincflux.workflow import iter_run

    steps = iter_run(
        source,
        out,
        indicator=indicator,
        assignments=assignments or (),
        overwrite=overwrite,
        jobs=jobs,
        max_memory=max_memory,
        labels_format=labels_format,
    )
    outcome = finish(steps, quiet=quiet)
    if as_json:
        print_json(outcome.summary())
    elif not quiet:
        print_warnings(outcome.summary()["warnings"])
        print(outcome_text(outcome))


def _preview(
    source: str,
    out: Path | None,
    indicator: str | None,
    assignments: Sequence[str],
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from zincflux.preview import iter_preview
    from zincflux.wording import preview_text

    steps = iter_preview(
        source, out, indicator=indicator, assignments=assignments, overwrite=overwrite
    )
    found = finish(steps, quiet=quiet).summary()
    if as_json:
        print_json(found)
    elif not quiet:
        print_warnings(found["warnings"])
        print(preview_text(found))


def convert(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="CSV, TSV, XLSX or Parquet.")],
    indicator: Annotated[
        str, typer.Option(help="Indicator of the traces; without one, F/F0 only.")
    ] = "none",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; beside the table by default.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="ROLE=COLUMN", help="What a column holds; repeatable."),
    ] = None,
    minimum: Annotated[
        float | None, typer.Option(help="Signal without zinc, above background; or ratio.")
    ] = None,
    maximum: Annotated[
        float | None, typer.Option(help="Signal at saturation, above background; or ratio.")
    ] = None,
    assignments: Assignments = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results made with other settings.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Convert traces that another program has measured: table → zinc, flux, report."""
    from zincflux.experiment import experiment_of_table
    from zincflux.opening import default_out
    from zincflux.wording import mapping_text, outcome_text
    from zincflux.workflow import iter_run

    ends = {"minimum": minimum, "maximum": maximum}
    given = [f"calibration.{name}={value!r}" for name, value in ends.items() if value is not None]
    constants = ["calibration.source=constants", *given] if given else []
    experiment = experiment_of_table(
        table,
        indicator=indicator,
        mapping=mapping or (),
        assignments=[*constants, *(assignments or ())],
    )
    steps = iter_run(experiment, out or default_out(table), overwrite=overwrite)
    outcome = finish(steps, quiet=quiet)
    if as_json:
        print_json(outcome.summary())
    elif not quiet:
        print_warnings(outcome.summary()["warnings"])
        print(mapping_text(outcome.summary()["mapping"]))
        print(outcome_text(outcome))
