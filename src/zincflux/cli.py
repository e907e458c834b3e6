"""The command line; everything it does is a function of the library."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from zincflux import __version__
from zincflux.errors import ExperimentError, ZincfluxError, ZincfluxWarning

if TYPE_CHECKING:
    from zincflux.experiment import Experiment
    from zincflux.indicators import Indicator
    from zincflux.pipeline import Progress

STOPPED = 130
"""Exit status after Ctrl-C, as shells expect it."""

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From fluorescence time-lapse movies to calibrated free zinc per cell.",
)

Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a key of the experiment; repeatable."),
]


def main() -> None:
    """Run the command line; the entry point of ``zincflux``."""
    debug = "--debug" in sys.argv
    warnings.simplefilter("ignore", ZincfluxWarning)  # printed from the record, once
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, stream=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # µ and Δ on a Windows console
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except ZincfluxError as error:
        if debug:
            raise
        _complain(str(error))
        sys.exit(error.exit_status)


def _complain(message: str) -> None:
    print(f"zincflux: {message}", file=sys.stderr)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"zincflux {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
    ),
]


@app.callback()
def _program(version: Version = False) -> None:
    """Take the options that stand before a command."""


@app.command()
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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results made with other settings.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Run one experiment: movie → traces, cells, labels, calibration, report."""
    from zincflux.workflow import default_out, iter_run

    experiment = _experiment(source, indicator, assignments or [])
    steps = iter_run(experiment, out or default_out(Path(source)), overwrite=overwrite, jobs=jobs)
    outcome = _finish(steps, quiet=quiet)
    if as_json:
        _print_json(outcome.summary())
    elif not quiet:
        _print_outcome(outcome.summary(), up_to_date=outcome.up_to_date)


def _experiment(source: str, indicator: str | None, assignments: list[str]) -> Experiment:
    from zincflux.experiment import experiment_of_movie, load_experiment

    if not source.endswith(".toml"):
        return experiment_of_movie(source, indicator=indicator or "none", assignments=assignments)
    if indicator is not None:
        raise ExperimentError(
            "--indicator belongs to a movie; an experiment file names its own. "
            f"Use --set indicator={indicator}."
        )
    return load_experiment(source, assignments)


def _print_outcome(summary: dict[str, Any], *, up_to_date: bool) -> None:
    for message in summary["warnings"]:
        print(f"warning: {message}", file=sys.stderr)
    if up_to_date:
        print("up to date: settings and inputs are those of the results that are there")
    print(
        f"{summary['n_cells']} cells in {summary['n_frames']} frames; "
        f"{summary['n_with_zinc']} with zinc, {summary['n_excluded']} excluded"
    )
    if summary["n_cells"] == 0:
        print("No cells were found: check segment.diameter_um and channels.segment.")
    print(os.path.join(summary["out"], "report.html"))


@app.command()
def init(
    movie: Annotated[str, typer.Argument(metavar="MOVIE", help="The movie to analyse.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("experiment.toml"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Write a commented experiment file filled from a movie's metadata."""
    from zincflux.experiment import draft
    from zincflux.results import write_text

    if out.exists() and not overwrite:
        raise ExperimentError(f"{out}: this file exists. Add --overwrite or choose another --out.")
    write_text(out, draft(movie, out.parent))
    if not quiet:
        print(out)


@app.command()
def info(
    movie: Annotated[str, typer.Argument(metavar="MOVIE", help="The movie to look at.")],
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Show axes, channels, pixel size, time axis and what is missing."""
    from zincflux.readers import describe

    found = describe(movie)
    if as_json:
        _print_json(found)
        return
    for key, value in found.items():
        if key == "missing":
            for item in value:
                print(f"missing: {item['what']}: set {item['key']}")
        else:
            print(f"{key}: {_brief(value)}")


def _brief(value: Any) -> str:
    if isinstance(value, list) and len(value) > 8:
        return f"{', '.join(map(str, value[:3]))} … {value[-1]} ({len(value)} values)"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "unknown" if value is None else str(value)


@app.command()
def indicators(
    name: Annotated[str | None, typer.Argument(help="Show this one in full.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """List the indicator library, or show one indicator with conditions and citations."""
    from zincflux.indicators import indicator_names, load_indicator

    chosen = [load_indicator(item) for item in ([name] if name else indicator_names())]
    if as_json:
        _print_json(
            chosen[0].model_dump(mode="json")
            if name
            else [one.model_dump(mode="json") for one in chosen]
        )
    elif name:
        _print_indicator(chosen[0])
    else:
        for one in chosen:
            print(f"{one.name:20} {one.kind:10} K = {one.record().k_nM:g} nM")


def _print_indicator(indicator: Indicator) -> None:
    for key, value in indicator.model_dump(mode="json", exclude={"records"}).items():
        print(f"{key}: {_brief(value)}")
    for record in indicator.records:
        print()
        for key, value in record.model_dump(mode="json", exclude_none=True).items():
            print(f"  {key}: {value}")


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the randomness.")] = 0,
    assignments: Assignments = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Write a movie with known zinc, cells and tracks, and its experiment file."""
    from zincflux.results import write_simulation
    from zincflux.settings import override
    from zincflux.synthetic import Simulation
    from zincflux.synthetic import simulate as make

    settings = Simulation.parse(override({"seed": seed}, assignments or []), where="--set")
    _finish(write_simulation(make(settings), out, overwrite=overwrite), quiet=quiet)
    if not quiet:
        print(out / "experiment.toml")


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2, ensure_ascii=False))


def _finish(steps: Generator[Progress, None, T], *, quiet: bool) -> T:
    """Drive long work to its end, with a progress bar where a person watches."""
    try:
        if quiet or not sys.stderr.isatty():
            return _drive(steps, lambda progress: None)
        return _finish_with_bar(steps)
    except KeyboardInterrupt:
        steps.close()
        _complain("stopped; nothing was left half written.")
        raise typer.Exit(STOPPED) from None


def _drive(steps: Generator[Progress, None, T], show: Callable[[Progress], None]) -> T:
    while True:
        try:
            show(next(steps))
        except StopIteration as stop:
            result: T = stop.value
            return result


def _finish_with_bar(steps: Generator[Progress, None, T]) -> T:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            stage, done, total = progress
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="")
            speed = bar.tasks[tasks[stage]].speed
            rate = f"{speed:.0f}/s" if speed else ""
            bar.update(tasks[stage], completed=done, rate=rate)

        return _drive(steps, show)
