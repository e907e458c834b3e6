"""Training of our own network, on pictures with known cells; the only place that needs torch."""

from __future__ import annotations

import csv
import hashlib
import importlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from zincflux import __version__
from zincflux.errors import ExperimentError, ResultsError
from zincflux.pipeline import Progress
from zincflux.segment.learned import model_file
from zincflux.segment.learned.card import KNOWN, Card
from zincflux.settings import Settings
from zincflux.steps import complete
from zincflux.training import checkpoint
from zincflux.training.crops import Batches
from zincflux.training.graph import Convolution, convolutions_of, model_of
from zincflux.training.recipe import BUILTIN, Recipe
from zincflux.training.scores import judge
from zincflux.training.sources import Sources, builtin_sources, own_sources

__all__ = ["BUILTIN", "Options", "Recipe", "Trained", "iter_train", "train"]

CURVE_EVERY = 50
"""Batches whose mean loss is one line of the learning curve."""


class Options(Settings):
    """What is trained, beside the recipe."""

    data: Literal["own", "builtin"] = Field(
        default="own",
        description="own: pictures with label images, or results; builtin: what the built-in "
        "network was trained on",
    )
    start: str = Field(
        default="builtin",
        min_length=1,
        description="Network to begin from: builtin, the path of another one, or nothing",
    )
    name: str = Field(default="", description="Name of the network; that of its file if not given")
    licence: str = Field(
        default="not stated", min_length=1, description="Licence of the pictures, for the card"
    )
    resume: bool = Field(default=False, description="Go on with a training that was stopped")
    overwrite: bool = Field(default=False, description="Replace a file that is there")


@dataclass(frozen=True)
class Trained:
    """A network that was trained.

    Attributes
    ----------
    out
        Its file.
    card
        What the file says of it; its scores are on pictures that were not learnt from.
    before
        Scores of the network that the training began from; empty if it began from nothing, or if
        no picture was set aside.
    """

    out: Path
    card: Card
    before: Mapping[str, float]

    def summary(self) -> dict[str, Any]:
        """Give what ``zincflux train --json`` prints."""
        return {
            "out": str(self.out),
            "card": self.card.model_dump(mode="json", exclude_none=True),
            "before": dict(self.before),
        }


def train(
    data: Iterable[str | Path],
    out: str | Path,
    recipe: Recipe | None = None,
    options: Options | None = None,
) -> Trained:
    """Train a network; see `iter_train`."""
    return complete(iter_train(data, out, recipe, options))


def iter_train(
    data: Iterable[str | Path],
    out: str | Path,
    recipe: Recipe | None = None,
    options: Options | None = None,
) -> Generator[Progress, None, Trained]:
    """Train a network on pictures with known cells, and write it as an ONNX file.

    A checkpoint stands beside the file while it is trained, and stays when the training is
    stopped. The same data, recipe and version of torch give the same file.

    Parameters
    ----------
    data
        Folders: of pictures with label images, or of results. With ``data = "builtin"`` the one
        folder of the Data Science Bowl 2018.
    out
        ONNX file to write.
    recipe
        How to train; the one of the data by default.
    options
        What to train.

    Yields
    ------
    Progress
        After each picture that is prepared, and each batch.

    Returns
    -------
    Trained
        As the generator's return value.

    Raises
    ------
    ZincfluxError
        If torch or onnxruntime is not installed, a file is there already or cannot be read or
        written, or there is nothing to learn from.
    """
    options = options or Options()
    recipe = recipe or (BUILTIN if options.data == "builtin" else Recipe())
    folders, target = list(data), Path(out)
    _check_target(target, options)
    steps = _steps()
    start, parent = _start(options.start)
    sources = yield from _sources(folders, options)
    facts = _facts(recipe, sources, start)
    training = steps.Training(recipe, start)
    if options.resume:
        training.restore(checkpoint.load(checkpoint.path_beside(target), facts))
    yield from _run(training, Batches(sources.kinds, recipe.seed, recipe.side), target, facts)
    before = judge(model_file.network(_path_of(options.start)), sources.judged) if start else {}
    card = _card(target, options, recipe, sources, parent)
    _write(target, model_of(training.weights(), card))
    after = judge(model_file.network(str(target)), sources.judged)
    card = card.model_copy(update={"scores": after})
    _write(target, model_of(training.weights(), card))
    checkpoint.path_beside(target).unlink(missing_ok=True)
    return Trained(target, card, before)


def _sources(folders: Sequence[str | Path], options: Options) -> Generator[Progress, None, Sources]:
    if options.data == "own":
        return (yield from own_sources(folders, options.licence))
    if len(folders) != 1:
        raise ExperimentError(
            f"--recipe builtin: expected one folder, found {len(folders)}. Give the folder of the "
            "Data Science Bowl 2018."
        )
    return (yield from builtin_sources(folders[0]))


def _check_target(target: Path, options: Options) -> None:
    if target.suffix != ".onnx":
        raise ExperimentError(f"--out: expected a name that ends in .onnx, found {target}.")
    if target.exists() and not options.overwrite:
        raise ExperimentError(
            f"{target}: this file exists. Add --overwrite or choose another --out."
        )
    if not target.parent.is_dir():
        raise ResultsError(
            f"{target}: expected the folder {target.parent} to write to, found none. Make it, or "
            "choose another --out."
        )


def _steps() -> Any:
    """Import what needs torch."""
    try:
        return importlib.import_module("zincflux.training.steps")
    except ImportError as error:
        raise ExperimentError(
            f"zincflux train: expected the package torch, found that it cannot be imported "
            f"({error}). Install it with: python -m pip install 'zincflux[train]'"
        ) from error


def _path_of(start: str) -> str | None:
    return None if start == "builtin" else start


def _start(start: str) -> tuple[list[Convolution] | None, str | None]:
    """Read the weights to begin from, with the name of their network."""
    if start == "nothing":
        return None, None
    path = _path_of(start)
    card = model_file.network(path).card
    content = Path(path or model_file.BUILTIN).read_bytes()
    return convolutions_of(content, start), f"{card.name} {card.version}"


def _facts(recipe: Recipe, sources: Sources, start: Sequence[Convolution] | None) -> dict[str, Any]:
    """Say what must be the same when a training goes on."""
    digest = hashlib.sha256()
    for weight, offset in start or ():
        digest.update(weight.tobytes() + offset.tobytes())
    return {
        "recipe": recipe.model_dump(exclude={"save_every"}),
        "pictures": list(sources.names),
        "start": digest.hexdigest(),
    }


def _run(
    training: Any, batches: Batches, target: Path, facts: Mapping[str, Any]
) -> Generator[Progress, None, None]:
    """Train to the end; the checkpoint tells where, whenever it stops."""
    recipe, path = training.recipe, checkpoint.path_beside(target)
    losses: list[dict[str, float]] = []
    rows: list[list[str]] = []
    begun, done = training.step, False
    try:
        for loss in training.run(batches):
            losses.append(loss)
            if training.step % CURVE_EVERY == 0 or training.step == recipe.steps:
                rows.append(_row(training.step, losses))
                losses = []
            if training.step % recipe.save_every == 0:
                checkpoint.save(path, training.state, facts)
            yield Progress("training", training.step, recipe.steps)
        done = True
    finally:
        if not done and training.step > begun:
            checkpoint.save(path, training.state, facts)
        _add_to_curve(target.with_suffix(".curve.csv"), rows, anew=begun == 0)


def _row(step: int, losses: Sequence[Mapping[str, float]]) -> list[str]:
    means = [np.mean([loss[name] for loss in losses]) for name in ("inside", "depth", "size")]
    return [str(step), *(f"{mean:.5f}" for mean in means)]


def _add_to_curve(path: Path, rows: Sequence[Sequence[str]], *, anew: bool) -> None:
    with path.open("w" if anew else "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if anew:
            writer.writerow(["step", "inside", "depth", "size"])
        writer.writerows(rows)


def _card(
    target: Path, options: Options, recipe: Recipe, sources: Sources, parent: str | None
) -> Card:
    return Card.model_validate(
        {
            "name": options.name or target.stem,
            "version": "1",
            "input": KNOWN,
            "data": list(sources.data),
            "never_seen": list(sources.never_seen),
            "recipe": recipe.model_dump(),
            "parent": parent,
            "made_by": f"zincflux {__version__}",
        }
    )


def _write(target: Path, content: bytes) -> None:
    unfinished = target.with_suffix(".tmp")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(target)
    except OSError as error:
        raise ResultsError(
            f"{target}: expected to write the network there, found: {error.strerror}. Choose "
            "another --out."
        ) from error
