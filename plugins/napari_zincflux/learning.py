"""From the corrections of a session to a network that has learnt from them; no Qt."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from napari_zincflux import summaries
from napari_zincflux.corrected_outlines import log_of
from napari_zincflux.lessons import (
    cut,
    folder_beside,
    frames_to_learn,
    picture_at,
    prefix_of,
    store,
    take_over,
)
from napari_zincflux.session import Session
from zincflux import Analysis, ZincfluxError
from zincflux.errors import ExperimentError, ResultsError
from zincflux.pipeline import Progress
from zincflux.segment.learned import model_file
from zincflux.training import Options, Recipe, Trained, checkpoint, iter_train
from zincflux.training.pictures import Picture

BUILTIN = "builtin"

OWN = "pictures of the user"
"""What the card of a network calls pictures that are not those of the built-in one."""

PREPARING = {"examples", "simulated cells"}
"""Stages of a training before it is known whether one that was stopped goes on."""

SCORES = {"F1": "F1", "F1_75": "F1, close outlines"}
"""Scores that are shown, and what they are called."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is to be learnt.

    Attributes
    ----------
    analysis
        Its cells, as they were corrected.
    prefix
        Begins the names of its pictures.
    out
        ONNX file to write.
    start
        Network to begin from: builtin, or the path of another one.
    """

    analysis: Analysis
    prefix: str
    out: Path
    start: str


@dataclass(frozen=True, eq=False)
class Learned:
    """What came of it.

    Attributes
    ----------
    trained
        The network, and its scores.
    start
        Network that it began from.
    folder
        The pictures that it learnt from.
    """

    trained: Trained
    start: str
    folder: Path


def missing_packages() -> str:
    """Say what has to be installed before anything can be learnt; empty if nothing."""
    packages = ("torch", "onnxruntime")
    missing = [one for one in packages if importlib.util.find_spec(one) is None]
    if not missing:
        return ""
    what = "packages" if len(missing) > 1 else "package"
    return (
        f"Learning needs the {what} {' and '.join(missing)}, not installed here. In a terminal: "
        'python -m pip install "zincflux[train]". Then start napari again.'
    )


def obstacle_to_learning(session: Session) -> str:
    """Say why there is nothing to learn from; empty if there is."""
    if session.measured is None:
        if session.results is None:
            return (
                "Run the analysis first, and correct its cells: then there is something to learn."
            )
        return "Make these results correctable first: then there is something to learn."
    analysis = session.measured.analysis
    if not len(analysis.cells) or not analysis.label_images:
        return "There are no cells to learn from. Draw some, or change how cells are found."
    if log_of(analysis).edits != session.log.edits:
        return "The last corrections are not measured yet. Wait for it, or run the analysis again."
    return ""


def start_of(session: Session) -> str:
    """Name the network that learning begins from: the one in use, else the built-in one."""
    model = session.choices.get("segment.model")
    is_own = session.choices.get("segment.method") == "learned" and model
    return str(Path(model).absolute()) if is_own else BUILTIN


def proposed_file(session: Session) -> Path:
    """Propose a file for the network, beside what is open."""
    place = session.file or session.place
    folder = Path.home() if place is None else Path(place).absolute().parent
    path = folder / summaries.proposed_name(session, "_cells.onnx")
    number = 1
    while str(path) == start_of(session):
        number += 1
        path = folder / summaries.proposed_name(session, f"_cells_{number}.onnx")
    return path


def iter_session_learn(
    session: Session, file: str | os.PathLike[str], recipe: Recipe | None = None
) -> Generator[Progress, None, Learned]:
    """Train a network on the corrected cells of a session.

    Their pictures are stored first, in a folder beside the file. A training of the same pictures
    that was stopped is gone on with.

    Parameters
    ----------
    session
        The session, looked at before the first step only.
    file
        ONNX file to write; one that is there is replaced.
    recipe
        How to train.

    Raises
    ------
    zincflux.ZincfluxError
        At once if there is nothing to learn from, or the file cannot be used; from the generator
        if a package is missing, or something cannot be read or written.
    """
    obstacle = obstacle_to_learning(session)
    if obstacle:
        raise ExperimentError(obstacle)
    assert session.measured is not None  # noqa: S101 - there would be an obstacle
    out, start = Path(file).absolute(), start_of(session)
    out = out if out.suffix == ".onnx" else out.with_name(f"{out.name}.onnx")
    if start != BUILTIN and out.resolve() == Path(start).resolve():
        raise ExperimentError(
            f"expected a new file, found {out}, the network in use. Choose another name: what was "
            "found with the one could not be told from what is found with the other."
        )
    place = str(session.choices.get("movie.path") or session.place)
    prefix = prefix_of(summaries.proposed_name(session, ""), place)
    lesson = Lesson(session.measured.analysis, prefix, out, start)
    return _learn(lesson, recipe)


def _learn(lesson: Lesson, recipe: Recipe | None) -> Generator[Progress, None, Learned]:
    if lesson.start != BUILTIN:
        model_file.network(lesson.start)  # what is wrong with it is told before anything is written
    folder = folder_beside(lesson.out)
    pictures = yield from _pictures(lesson)
    for n, _ in enumerate(store(pictures, folder, lesson.prefix), start=1):
        yield Progress("pictures", n, len(pictures))
    if lesson.start != BUILTIN:
        take_over(folder_beside(Path(lesson.start)), folder, lesson.prefix)
    options = Options(start=lesson.start, overwrite=True)
    trained = None
    if checkpoint.path_beside(lesson.out).is_file():
        trained = yield from _resumed(folder, lesson.out, recipe, options)
    if trained is None:
        trained = yield from iter_train([folder], lesson.out, recipe, options)
    return Learned(trained, lesson.start, folder)


def _pictures(lesson: Lesson) -> Generator[Progress, None, list[Picture]]:
    analysis, prefix = lesson.analysis, lesson.prefix
    frames, made = frames_to_learn(analysis), []
    for n, t in enumerate(frames, start=1):
        name = "view" if len(analysis.label_images) == 1 else f"t{t:04d}"
        made.append(picture_at(analysis, t, prefix + name))
        yield Progress("pictures", n, len(frames))
    return cut(made)


def _resumed(
    folder: Path, out: Path, recipe: Recipe | None, options: Options
) -> Generator[Progress, None, Trained | None]:
    """Go on with a training that was stopped; None where it was another one."""
    again = options.model_copy(update={"resume": True})
    with contextlib.closing(iter_train([folder], out, recipe, again)) as steps:
        has_begun = False
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                trained: Trained = end.value
                return trained
            except ResultsError:
                if has_begun:
                    raise
                return None
            has_begun = has_begun or step.stage not in PREPARING
            yield step


def use_network(session: Session, file: Path) -> None:
    """Let the cells be found with a network from the next run on."""
    session.choices.set("segment.method", "learned")
    session.choices.set("segment.model", str(file))


def learned_words(learned: Learned) -> str:
    """Tell what was learnt from, and how well cells were found before and after, as rich text."""
    trained = learned.trained
    own = sum(part["images"] for part in trained.card.data if part["name"] == OWN)
    what = f"Learnt from {_count(own, 'picture')} in {escape(str(learned.folder))}."
    return f"{what}<br>{_scores_words(learned)}"


def _scores_words(learned: Learned) -> str:
    after, before = learned.trained.card.scores, learned.trained.before
    if not after:
        return (
            "Whether it finds cells better is not known: nothing was set aside to judge it by. "
            "That takes five corrected frames, or a picture with more cells. Look at a preview."
        )
    old = "built-in" if learned.start == BUILTIN else Path(learned.start).stem
    rows = [
        ("", escape(old), escape(learned.trained.out.stem)),
        *((title, f"{before[key]:.3f}", f"{after[key]:.3f}") for key, title in SCORES.items()),
    ]
    table = "".join(
        f"<tr>{''.join(f'<td>{one}&nbsp;&nbsp;</td>' for one in row)}</tr>" for row in rows
    )
    cells = f"{_count(after['cells'], 'cell')} of {_count(after['pictures'], 'picture')}"
    text = f"On {cells} more, not learnt from:<table>{table}</table>"
    return text + _verdict(before, after) + _caution(learned.start)


def _verdict(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    changes = [after[key] - before[key] for key in SCORES]
    if max(changes) <= 0:
        return "It finds them no better: rather keep the one before."
    return "Not clearly better: look at a preview first." if min(changes) < 0 else ""


def _count(n: float, word: str) -> str:
    return f"{n:.0f} {word}{'' if n == 1 else 's'}"


def _caution(start: str) -> str:
    """Say where the network before may have learnt from what it is judged on."""
    if start == BUILTIN:
        return ""
    try:
        card = model_file.network(start).card
    except ZincfluxError:
        return ""
    has_learnt = any(part.get("name") == OWN for part in card.data)
    return " The one before may have learnt from these cells." if has_learnt else ""
