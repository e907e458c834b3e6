"""The command that trains a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zincflux.cli.options import AsJson, Debug, Quiet, Version
from zincflux.cli.terminal import finish, print_json


def train(
    data: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...", help="Pictures with NAME_labels.tif beside them, or results."
        ),
    ],
    out: Annotated[Path, typer.Option(help="ONNX file to write.")] = Path("cells.onnx"),
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="builtin|nothing|MODEL.onnx",
            help="Network to begin from: builtin by default, nothing with --recipe builtin.",
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            metavar="own|builtin",
            help="own: learn from pictures of your own; builtin: make the built-in network anew.",
        ),
    ] = "own",
    steps: Annotated[
        int | None, typer.Option(help="Number of batches; that of the recipe if not given.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same network.")] = None,
    name: Annotated[str, typer.Option(help="Name of the network, for its card.")] = "",
    licence: Annotated[
        str | None, typer.Option(help="Licence of your pictures, for the card.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was stopped.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Train the learned segmenter on pictures with known cells, such as corrected results."""
    from zincflux.training import Options, iter_train
    from zincflux.training.recipe import recipe_for
    from zincflux.wording import training_text

    chosen = recipe_for(recipe, steps=steps, seed=seed)
    settings: dict[str, Any] = {
        "data": recipe,
        "start": start,
        "name": name,
        "licence": licence,
        "resume": resume,
        "overwrite": overwrite,
    }
    given = {key: value for key, value in settings.items() if value is not None}
    options = Options.parse(given, where="train")
    done = finish(iter_train(data, out, chosen, options), quiet=quiet).summary()
    if as_json:
        print_json(done)
    elif not quiet:
        print(training_text(done))
