"""The command line; everything it does is a function of the library."""

from __future__ import annotations

import sys
import warnings

import typer

from zincflux.cli.analysis import convert, run
from zincflux.cli.batches import batch
from zincflux.cli.chemistry import buffer, calibrate, indicators
from zincflux.cli.movies import info, init, simulate
from zincflux.cli.options import Version
from zincflux.cli.program import Commands, report_unforeseen
from zincflux.cli.results import export, report
from zincflux.cli.training import train
from zincflux.cli.view import view

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From fluorescence time-lapse movies to calibrated free zinc per cell.",
)

for command in (
    run,
    batch,
    convert,
    init,
    info,
    indicators,
    buffer,
    calibrate,
    export,
    report,
    simulate,
    train,
    view,
):
    app.command()(command)


@app.callback()
def _program(version: Version = False) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line; the entry point of ``zincflux``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # µ and Δ on a Windows console
            stream.reconfigure(encoding="utf-8", errors="replace")
    if not sys.warnoptions:  # what concerns the user is printed from the record, once
        warnings.simplefilter("ignore")
    sys.excepthook = report_unforeseen
    typer.main.get_command(app)()
