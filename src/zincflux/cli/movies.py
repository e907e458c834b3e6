"""Commands that look at a movie before it is analysed, or make one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zincflux.cli.options import AsJson, Assignments, Debug, Quiet, Version
from zincflux.cli.terminal import doubts, finish, print_json
from zincflux.errors import ExperimentError


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
    with doubts(quiet=quiet):
        text = draft(movie, out.parent)
    write_text(out, text)
    if not quiet:
        print(out)
        if f"# {GAP}" in text:
            print(f"Fill in the lines marked {GAP} before you run it.")


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
    with doubts(quiet=quiet):
        found = describe(movie)
    if as_json:
        print_json(found)
    elif not quiet:
        print(movie_text(found))


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the randomness.")] = 0,
    study: Annotated[
        bool, typer.Option("--study", help="Many movies: salts, doses, days, and their sheet.")
    ] = False,
    assignments: Assignments = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Write a movie, or a study, with known zinc, and what runs it."""
    from zincflux.results import write_simulation, write_study_simulation
    from zincflux.settings import override
    from zincflux.synthetic import Simulation, StudySimulation
    from zincflux.synthetic import simulate as make

    given = override({"seed": seed}, assignments or [])
    if study:
        many = StudySimulation.parse(given, where="--set")
        finish(write_study_simulation(many, out, overwrite=overwrite), quiet=quiet)
    else:
        one = Simulation.parse(given, where="--set")
        finish(write_simulation(make(one), out, overwrite=overwrite), quiet=quiet)
    if not quiet:
        print(out / ("sheet.csv" if study else "experiment.toml"))


def _check_movie(path: str) -> None:
    if Path(path).suffix.lower() == ".toml":
        raise ExperimentError(
            f"{path}: expected a movie, found an experiment file. Give the movie that it names."
        )
