"""How well, and how fast, the learned segmenter finds cells beside watershed and plain chain.

``python tests/benchmarks/learned_segmentation.py [--set NAME …] [--held-back] [--model FILE]
[--page docs/validation/learned.md]`` prints the tables, or writes them into the page between its
marks. Every method is given the diameter of a disc of the median true area, or estimates it: the
learned one with its network, the others with `estimate_diameter`.

The Data Science Bowl images fall into three parts by a hash of their names. The network learns from
one; rules and progress are judged on ``check``; the third is held back: ``--held-back`` is for the
end, once, when nothing is changed any more.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime
import segmentation_data as data
from plain_chain import plain_chain
from scores import counts, median_diameter
from segmentation import SEEDS, without_ignored

import zincflux
from zincflux.errors import ExperimentError
from zincflux.segment import Learned, Watershed, estimate_diameter
from zincflux.segment.learned.model_file import network
from zincflux.synthetic import Simulation
from zincflux.training.pictures import part_of
from zincflux.training.whole_cells import field_of_whole_cells

SETS = ("check", "simulated", "fields", "u2os", "laptrack", "speed")

FIRST_UNSEEN_FIELD, N_FIELDS = 10_000, 10
"""Seeds of simulated whole cells that are not learnt from, which is those from 0 to 499."""

Read = Callable[[], list[data.Picture]]


def methods(model: str | None) -> dict[str, tuple[Callable, Callable]]:
    """Finder and estimator of each method, both for pixels of 1 µm."""
    learned = Learned(model=model)
    return {
        "learned": (
            lambda image, diameter: learned.model_copy(update={"diameter_um": diameter})(image, 1),
            lambda image: learned.estimate_diameter(image, 1.0),
        ),
        "watershed": (
            lambda image, diameter: Watershed(diameter_um=diameter)(image, 1.0),
            lambda image: estimate_diameter(image, 1.0),
        ),
        "plain chain": (plain_chain, lambda image: estimate_diameter(image, 1.0)),
    }


@dataclass(frozen=True)
class Row:
    """Numbers of right, closely right, true and found cells of one picture."""

    group: str
    method: str
    estimated: bool
    right: int
    closely: int
    n_true: int
    n_found: int
    ratio: float


def dsb_names(part: str) -> list[str]:
    """Names of the images of the Data Science Bowl 2018 in a part."""
    names = sorted(data.dsb_names(held_back=False) + data.dsb_names(held_back=True))
    return [name for name in names if part_of(name) == part]


def groups(chosen: list[str], held_back: bool) -> Iterator[tuple[str, Read]]:
    """Name the group of every picture of the chosen sets, and how to get it."""
    for part in (*chosen, *(["held back"] if held_back else [])):
        yield from GROUPS.get(part, _none)()


def _dsb(part: str) -> Iterator[tuple[str, Read]]:
    for name in dsb_names(part):
        yield f"DSB 2018, {part}", partial(_one, data.dsb, name)


def _simulated() -> Iterator[tuple[str, Read]]:
    for kind, seed in product(data.SIMULATED, SEEDS):
        yield f"simulated, {kind}", partial(_one, data.simulated, kind, seed)


def _fields() -> Iterator[tuple[str, Read]]:
    for seed in range(FIRST_UNSEEN_FIELD, FIRST_UNSEEN_FIELD + N_FIELDS):
        yield "simulated whole cells", partial(_one, whole_cells, seed)


def _none() -> Iterator[tuple[str, Read]]:
    return iter(())


GROUPS: dict[str, Callable[[], Iterator[tuple[str, Read]]]] = {
    "check": partial(_dsb, "check"),
    "held back": partial(_dsb, "held back"),
    "simulated": _simulated,
    "fields": _fields,
    "u2os": lambda: iter([("U2OS whole cells", partial(_all, data.u2os))]),
    "laptrack": lambda: iter([("laptrack nuclei", partial(_all, data.laptrack))]),
}


def whole_cells(seed: int) -> data.Picture:
    """Simulate whole cells as the network learns from, of a seed that it does not."""
    image, labels = field_of_whole_cells(seed)
    return data.Picture(f"field {seed}", image, labels.astype(np.int64))


def _one(read: Callable[..., data.Picture], *what: object) -> list[data.Picture]:
    return [read(*what)]


def _all(read: Callable[[], Iterator[data.Picture]]) -> list[data.Picture]:
    return list(read())


def judge(model: str | None, job: tuple[str, Read]) -> list[Row]:
    """Score all methods on the pictures of a group."""
    group, read = job
    rows = []
    for picture in read():
        true = median_diameter(picture.truth)
        for name, (find, estimate) in methods(model).items():
            for estimated in (False, True):
                diameter = _estimate(estimate, picture.image) if estimated else true
                found = np.zeros_like(picture.truth)
                if diameter > 0:
                    found = without_ignored(find(picture.image, diameter), picture.ignored)
                right, n_true, n_found = counts(picture.truth, found)
                closely = counts(picture.truth, found, 0.75)[0]
                numbers = (int(right), int(closely), n_true, n_found)
                rows.append(Row(group, name, estimated, *numbers, diameter / true))
    return rows


def _estimate(estimate: Callable[[np.ndarray], float], image: np.ndarray) -> float:
    """Diameter, or 0 where no cell is seen: then none is found."""
    try:
        return estimate(image)
    except ExperimentError:
        return 0.0


def summary(rows: list[Row]) -> list[str]:
    """Average over pictures (AP), with its standard error, and pool over cells (F1)."""
    right, closely, n_true, n_found = (
        np.array([getattr(row, name) for row in rows], dtype=float)
        for name in ("right", "closely", "n_true", "n_found")
    )
    cells = []
    for matched in (right, closely):
        either = n_true + n_found - matched
        ap = np.where(either > 0, matched / np.maximum(either, 1), 1.0)
        error = f" ± {ap.std(ddof=1) / np.sqrt(len(rows)):.3f}" if len(rows) > 1 else ""
        cells.append(f"{ap.mean():.3f}{error}")
    total = max(float(n_true.sum() + n_found.sum()), 1.0)
    cells += [f"{2 * matched.sum() / total:.3f}" for matched in (right, closely)]
    return [*cells, f"{np.median([row.ratio for row in rows]):.2f}"]


def table(rows: list[Row]) -> str:
    """Make the table of scores."""
    lines = [
        "| pictures | n, cells | method | diameter | AP50 | AP75 | F1@0.5 | F1@0.75 | used/true |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for group in dict.fromkeys(row.group for row in rows):
        first = True
        for method, estimated in product(methods(None), (False, True)):
            part = [
                r for r in rows if (r.group, r.method, r.estimated) == (group, method, estimated)
            ]
            numbers = f"{len(part)}, {sum(row.n_true for row in part)}"
            start = [group, numbers] if first else ["", ""]
            how = "estimated" if estimated else "true"
            lines.append("| " + " | ".join([*start, method, how, *summary(part)]) + " |")
            first = False
    return "\n".join(lines)


def speed(model: str | None) -> str:
    """Time all methods on 1024 × 1024 pixels with cells 20 pixels across."""
    settings = Simulation(
        seed=9100, n_frames=1, shape_px=(1024, 1024), n_cells=700, pixel_size_um=0.75
    )
    made = zincflux.simulate(settings)
    image, truth = made.movie.data[0][0], np.asarray(made.labels(0)).astype(np.int64)
    lines = [
        "| method | processor time, s per megapixel | elapsed | F1@0.5 |",
        "|---|---|---|---|",
    ]
    n_megapixels = image.size / 1e6
    for name, (find, _) in methods(model).items():
        used, elapsed, found = _best(partial(find, image, 20.0))
        right, n_true, n_found = counts(truth, found)
        f1 = 2 * right / max(n_true + n_found, 1)
        lines.append(
            f"| {name} | {used / n_megapixels:.2f} | {elapsed / n_megapixels:.2f} | {f1:.3f} |"
        )
    return "\n".join(lines)


def _best(work: Callable[[], np.ndarray], repeats: int = 4) -> tuple[float, float, np.ndarray]:
    """Least processor and elapsed time of a few calls."""
    used, elapsed, result = [], [], work()
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        result = work()
        used.append(time.process_time() - start[0])
        elapsed.append(time.perf_counter() - start[1])
    return min(used), min(elapsed), result


def card_table(model: str | None) -> str:
    """Make the table of what the card of the network says."""
    card = network(model).card
    recipe, scores = (
        ", ".join(f"{key} {value}" for key, value in part.items())
        for part in (card.recipe, card.scores)
    )
    facts = {
        "name": f"{card.name} {card.version}",
        "learnt from": "; ".join(
            f"{part['images']} × {part['name']} ({part['licence']})" for part in card.data
        ),
        "never seen": "; ".join(card.never_seen),
        "recipe": recipe,
        "scores on the part *check*": scores,
    }
    lines = ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in facts.items())]
    return "\n".join(lines)


def put(page: Path, name: str, text: str) -> None:
    """Put text between the marks of a page."""
    content = page.read_text(encoding="utf-8")
    mark = rf"(<!-- {name} -->\n).*?(\n<!-- end of {name} -->)"
    new, n_marks = re.subn(mark, lambda m: f"{m[1]}\n{text}\n{m[2]}", content, flags=re.DOTALL)
    if n_marks != 1:
        raise SystemExit(f"{page}: expected the marks of {name} once, found {n_marks}")
    page.write_text(new, encoding="utf-8", newline="\n")


def main() -> None:
    """Run the chosen sets, and print the tables or put them into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", dest="sets", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--held-back", action="store_true")
    parser.add_argument("--model", help="a network of your own; the built-in one by default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.jobs) as pool:
        jobs = list(groups(given.sets, given.held_back))
        found = pool.map(partial(judge, given.model), jobs, chunksize=2)
        rows = [row for part in found for row in part]
    seen = [row for row in rows if not row.group.endswith("held back")]
    parts = {"card": card_table(given.model)}
    if seen:
        parts["scores"] = table(seen)
    if given.held_back:
        parts["held back"] = table([row for row in rows if row.group.endswith("held back")])
    if "speed" in given.sets:
        machine = f"{platform.machine()}, {os.cpu_count()} cores"
        versions = f"onnxruntime {onnxruntime.__version__}, NumPy {np.__version__}, {machine}."
        parts["speed"] = f"{speed(given.model)}\n\n{versions}"
    for name, text in parts.items():
        if given.page:
            put(given.page, name, text)
        else:
            print(f"\n{name}\n{text}")


if __name__ == "__main__":
    main()
