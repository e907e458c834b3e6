"""Training of our own network, on pictures with known cells; the only place that needs torch."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray
from pydantic import Field

from zincflux import __version__
from zincflux.errors import ExperimentError, ResultsError, SegmentationError
from zincflux.pipeline import Progress
from zincflux.results import staging, writing
from zincflux.segment.learned import model_file
from zincflux.segment.learned.card import KNOWN, Card
from zincflux.settings import Settings
from zincflux.steps import complete
from zincflux.training import checkpoint
from zincflux.training.crops import Batches
from zincflux.training.curve import Curve
from zincflux.training.graph import Convolution, convolutions_of, model_of
from zincflux.training.recipe import BUILTIN, Recipe
from zincflux.training.scores import iter_judge
from zincflux.training.sources import Sources, builtin_sources, own_sources

__all__ = ["BUILTIN", "Options", "Recipe", "Trained", "iter_train", "train"]

NOT_STATED = "not stated"
"""Licence of pictures of which nothing is known."""


class Options(Settings):
    """What is trained, beside the recipe."""

    data: Literal["own", "builtin"] = Field(
        default="own",
        description="own: pictures with label images, or results; builtin: what the built-in "
        "network was trained on",
    )
    start: str | None = Field(
        default=None,
        min_length=1,
        description="Network to begin from: builtin, the path of another one, or nothing; if not "
        "given builtin for own pictures, nothing for those of the built-in network",
    )
    name: str = Field(default="", description="Name of the network; that of its file if not given")
    licence: str = Field(
        default=NOT_STATED,
        min_length=1,
        description="Licence of the pictures, for the card; only of own ones",
    )
    resume: bool = Field(default=False, description="Go on with a training that was stopped")
    overwrite: bool = Field(default=False, description="Replace a file that is there")

    @property
    def begins_from(self) -> str:
        """Network to begin from, given or not."""
        return self.start or ("builtin" if self.data == "own" else "nothing")


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
    stopped; the learning curve, a table, stays in any case. The same data, recipe and version of
    torch give the same file on the same kind of processor.

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
        After each picture that is prepared, each batch, and each picture that is judged.

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
    start, parent = _start(options.begins_from)
    sources = yield from _sources(folders, options)
    facts = _facts(recipe, sources, start)
    training = steps.Training(recipe, start)
    if options.resume:
        training.restore(checkpoint.load(checkpoint.path_beside(target), facts))
    yield from _run(training, Batches(sources.kinds, recipe.seed, recipe.side), target, facts)
    before: dict[str, float] = {}
    if start:
        earlier = model_file.network(_path_of(options.begins_from))
        before = yield from iter_judge(earlier, sources.judged, "judging before")
    card = _card(target, options, recipe, sources, parent)
    card = yield from _finish(target, training.weights(), card, sources)
    checkpoint.path_beside(target).unlink(missing_ok=True)
    return Trained(target, card, before)


def _sources(folders: Sequence[str | Path], options: Options) -> Generator[Progress, None, Sources]:
    if options.data == "own":
        return (yield from own_sources(folders, options.licence))
    if options.licence != NOT_STATED:
        raise ExperimentError(
            "--licence has no effect with --recipe builtin, whose pictures are known. Leave it out."
        )
    if len(folders) != 1:
        raise ExperimentError(
            f"--recipe builtin: expected one folder, found {len(folders)}. Give the folder of the "
            "Data Science Bowl 2018."
        )
    return (yield from builtin_sources(folders[0]))


def _check_target(target: Path, options: Options) -> None:
    if target.suffix != ".onnx":
        raise ExperimentError(
            f"--out: expected a name that ends in .onnx, found {target}. Rename it."
        )
    if target.is_dir():
        raise ExperimentError(f"{target}: expected a file, found a folder. Choose another --out.")
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
    try:
        card = model_file.network(path).card
    except SegmentationError as error:
        raise SegmentationError(str(error).replace("segment.model", "--from")) from error
    content = Path(path or model_file.BUILTIN).read_bytes()
    return convolutions_of(content, start), f"{card.name} {card.version}"


def _facts(recipe: Recipe, sources: Sources, start: Sequence[Convolution] | None) -> dict[str, Any]:
    """Say what must be the same when a training goes on."""
    return {
        "recipe": recipe.model_dump(exclude={"save_every"}),
        "set of pictures": _digest(one for kind in sources.kinds for one in kind.examples),
        "network to begin from": _digest(part for pair in start or () for part in pair),
    }


def _digest(arrays: Iterable[NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for values in arrays:
        digest.update(str(values.shape).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _run(
    training: Any, batches: Batches, target: Path, facts: Mapping[str, Any]
) -> Generator[Progress, None, None]:
    """Train to the end; the checkpoint tells where, whenever it stops."""
    recipe, path = training.recipe, checkpoint.path_beside(target)
    curve = Curve(target.with_suffix(".curve.csv"), training.step)
    kept = training.step
    try:
        for loss in training.run(batches):
            is_last = training.step == recipe.steps
            curve.add(training.step, loss, is_last=is_last)
            if training.step % recipe.save_every == 0 or is_last:
                checkpoint.save(path, training.state, facts)
                kept = training.step
            yield Progress("training", training.step, recipe.steps)
    finally:
        if training.step > kept:
            checkpoint.save(path, training.state, facts)


def _finish(
    target: Path, weights: Sequence[Convolution], card: Card, sources: Sources
) -> Generator[Progress, None, Card]:
    """Judge the network as it will stand in its file, and put it there with its scores."""
    with staging(target) as aside, writing(target):
        file = aside / target.name
        file.write_bytes(model_of(weights, card))
        network = model_file.network(str(file))
        scores = yield from iter_judge(network, sources.judged, "judging after")
        card = card.model_copy(update={"scores": scores})
        file.write_bytes(model_of(weights, card))
        os.replace(file, target)
    return card


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
