"""The command line; everything it does is a function of the library."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from zincflux import __version__
from zincflux.errors import ExperimentError, ZincfluxError, ZincfluxWarning

if TYPE_CHECKING:
    from zincflux.pipeline import Progress

STOPPED = 130
"""Exit status after Ctrl-C, as shells expect it."""

_DEBUG = "zincflux.debug"

T = TypeVar("T")


class _Commands(TyperGroup):
    """Ends every command that fails with one message and its exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _complain("stopped; nothing was left half written.")
            raise typer.Exit(STOPPED) from None
        except ZincfluxError as error:
            if _DEBUG in ctx.meta:
                traceback.print_exc()
            else:
                _complain(str(error))
            raise typer.Exit(error.exit_status) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From fluorescence time-lapse movies to calibrated free zinc per cell.",
)


def main() -> None:
    """Run the command line; the entry point of ``zincflux``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # µ and Δ on a Windows console
            stream.reconfigure(encoding="utf-8", errors="replace")
    if not sys.warnoptions:  # what concerns the user is printed from the record, once
        warnings.simplefilter("ignore")
    sys.excepthook = _report_unforeseen
    typer.main.get_command(app)()


def _report_unforeseen(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    _complain(
        f"unexpected {kind.__name__}: {error}. Run the command again with --debug, and report "
        "what it shows."
    )


def _complain(message: str) -> None:
    print(f"zincflux: {message}", file=sys.stderr)


def _show_traceback(context: typer.Context, wanted: bool) -> None:
    if wanted:
        context.meta[_DEBUG] = True
        sys.excepthook = sys.__excepthook__
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", ZincfluxWarning)  # still printed from the record


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"zincflux {__version__}")
        raise typer.Exit


Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing but errors, and what --json asks for.")
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", callback=_show_traceback, is_eager=True, help="Show where an error arose."
    ),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a key of the settings; repeatable."),
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
    outcome = _finish(steps, quiet=quiet)
    if as_json:
        _print_json(outcome.summary())
    elif not quiet:
        _print_warnings(outcome.summary()["warnings"])
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
    found = _finish(steps, quiet=quiet).summary()
    if as_json:
        _print_json(found)
    elif not quiet:
        _print_warnings(found["warnings"])
        print(preview_text(found))


@app.command()
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
    outcome = _finish(steps, quiet=quiet)
    if as_json:
        _print_json(outcome.summary())
    elif not quiet:
        _print_warnings(outcome.summary()["warnings"])
        print(mapping_text(outcome.summary()["mapping"]))
        print(outcome_text(outcome))


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
    from zincflux.draft import GAP, draft
    from zincflux.experiment import is_toml
    from zincflux.results import write_text

    if out.is_dir() or not is_toml(out):
        raise ExperimentError(
            f"{out}: expected the name of a file that ends in .toml. Correct --out."
        )
    if out.exists() and not overwrite:
        raise ExperimentError(f"{out}: this file exists. Add --overwrite or choose another --out.")
    _check_movie(movie)
    with _doubts(quiet=quiet):
        text = draft(movie, out.parent)
    write_text(out, text)
    if not quiet:
        print(out)
        if f"# {GAP}" in text:
            print(f"Fill in the lines marked {GAP} before you run it.")


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
    from zincflux.wording import movie_text

    _check_movie(movie)
    with _doubts(quiet=quiet):
        found = describe(movie)
    if as_json:
        _print_json(found)
    elif not quiet:
        print(movie_text(found))


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
    from zincflux.wording import indicator_text, indicators_text

    chosen = [load_indicator(item) for item in ([name] if name else indicator_names())]
    if as_json:
        plain = [one.model_dump(mode="json") for one in chosen]
        _print_json(plain[0] if name else plain)
    elif not quiet:
        print(indicator_text(chosen[0]) if name else indicators_text(chosen))


@app.command()
def buffer(
    chelators: Annotated[
        list[str], typer.Option("--chelator", metavar="NAME=TOTAL", help="Such as EGTA=1mM.")
    ],
    ph: Annotated[float, typer.Option(help="pH, as the electrode reads it.")],
    metals: Annotated[
        list[str] | None,
        typer.Option(
            "--metal", metavar="SYMBOL[=TOTAL]", help="Such as Zn=0.5mM; of a series, the stock."
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Temperature, °C.")] = 25.0,
    ionic_strength: Annotated[float, typer.Option(help="Ionic strength, M.")] = 0.1,
    solve_for: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=FREE", help="Such as Zn=10nM or free=10nM: the total to add."),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Free metal of each well, such as 0.1nM,1nM,10nM.")
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="Wells in equal steps between the two stocks.")
    ] = None,
    volume: Annotated[str, typer.Option(help="Volume of a well.")] = "200uL",
    hydrogen: Annotated[str, typer.Option(metavar="activity|concentration", help="H+.")] = (
        "activity"
    ),
    charges: Annotated[
        str, typer.Option(metavar="true|legacy", help="Charges of the chelators.")
    ] = "true",
    hydrolysis: Annotated[
        bool, typer.Option("--hydrolysis/--no-hydrolysis", help="Count hydroxides of the metal.")
    ] = False,
    constants: Annotated[
        Path | None, typer.Option(help="Constants of your own, over those of the package.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Compute free metal of a chelator buffer, the total to add, or a titration plate."""
    from zincflux.buffers import Conditions, Request
    from zincflux.wording import buffer_text

    conditions = {
        "ph": ph,
        "temperature_C": temperature,
        "ionic_strength_M": ionic_strength,
        "hydrogen": hydrogen,
        "charges": charges,
        "hydrolysis": hydrolysis,
    }
    request = Request.read(chelators, metals or (), solve_for or (), constants)
    found = request.answer(
        Conditions.parse(conditions, where="buffer"), series=series, points=points, volume=volume
    )
    if as_json:
        _print_json(found)
    elif not quiet:
        _print_warnings(found["warnings"])
        print(buffer_text(found))


@app.command()
def calibrate(
    table: Annotated[str, typer.Argument(metavar="TITRATION.csv", help="Table to fit.")],
    indicator: Annotated[str, typer.Option(help="Indicator that was titrated.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("calibration.toml"),
    unit: Annotated[
        str | None, typer.Option(help="Unit of the concentrations: pM, nM, uM, mM or M.")
    ] = None,
    buffer: Annotated[
        list[str] | None, typer.Option(help="Column of buffer wells to subtract; repeatable.")
    ] = None,
    numerator: Annotated[
        list[str] | None, typer.Option(help="Column to divide; once per replicate.")
    ] = None,
    denominator: Annotated[
        list[str] | None, typer.Option(help="Column to divide by; once per replicate.")
    ] = None,
    volume: Annotated[
        str | None, typer.Option(help="Column of added volumes, to correct for dilution.")
    ] = None,
    volume_start: Annotated[
        float | None, typer.Option(help="Volume before the first addition.")
    ] = None,
    total: Annotated[
        bool, typer.Option("--total", help="Concentrations are total, not free, metal.")
    ] = False,
    indicator_nm: Annotated[
        float | None, typer.Option("--indicator-nM", help="Indicator in the wells, nM.")
    ] = None,
    hill: Annotated[float | None, typer.Option(help="Hold the Hill coefficient.")] = None,
    maximum: Annotated[float | None, typer.Option(help="Hold the saturated signal.")] = None,
    beta: Annotated[float | None, typer.Option(help="Beta of a ratio, where known.")] = None,
    error: Annotated[str, typer.Option(help="constant or relative errors.")] = "constant",
    normalise: Annotated[
        str, typer.Option(help="Replicates: auto, gain, maximum or none.")
    ] = "auto",
    drop_outliers: Annotated[
        bool, typer.Option("--drop-outliers", help="Leave out the points that do not fit.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Fit a titration: K, Hill coefficient and both ends, with intervals and a figure."""
    from zincflux.calibrate.titration import TitrationFitting
    from zincflux.calibrate.titration_table import TitrationTable
    from zincflux.titrate import titrate
    from zincflux.wording import titration_text

    reading = TitrationTable.parse(
        {
            "unit": unit,
            "buffer": buffer or (),
            "numerator": numerator or (),
            "denominator": denominator or (),
            "volume": volume,
            "volume_start": volume_start,
        },
        where="calibrate",
    )
    fitting = TitrationFitting.parse(
        {
            "error": error,
            "normalise": normalise,
            "hill": hill,
            "maximum": maximum,
            "total": total,
            "indicator_nM": indicator_nm,
            "beta": beta,
            "drop_outliers": drop_outliers,
        },
        where="calibrate",
    )
    done = titrate(table, indicator, out, reading=reading, fitting=fitting, overwrite=overwrite)
    if as_json:
        _print_json(done.summary())
    elif not quiet:
        _print_warnings(done.summary()["warnings"])
        print(titration_text(done.summary()))


@app.command()
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

    with _doubts(quiet=quiet):
        written = export_results(folder, to, out, overwrite=overwrite)
    if not quiet:
        print(written)


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


def _check_movie(path: str) -> None:
    if Path(path).suffix.lower() == ".toml":
        raise ExperimentError(
            f"{path}: expected a movie, found an experiment file. Give the movie that it names."
        )


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def _print_warnings(messages: list[str]) -> None:
    for message in messages:
        print(f"warning: {message}", file=sys.stderr)


@contextlib.contextmanager
def _doubts(*, quiet: bool) -> Iterator[None]:
    """Print each doubt that arises in the block once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ZincfluxWarning)
        yield
    if not quiet:
        own = [str(item.message) for item in caught if issubclass(item.category, ZincfluxWarning)]
        _print_warnings(list(dict.fromkeys(own)))


def _finish(steps: Generator[Progress, None, T], *, quiet: bool) -> T:
    """Drive long work to its end, with a progress bar where a person watches."""
    with contextlib.closing(steps):
        if quiet or not sys.stderr.isatty():
            return _drive(steps, lambda progress: None)
        return _finish_with_bar(steps)


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
