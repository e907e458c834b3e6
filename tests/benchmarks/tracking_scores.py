"""How well cells are followed: real nuclei, TrackMate's own results, simulated movies, suspects.

``python tests/benchmarks/tracking_scores.py [--seeds 4] [--out docs/validation/tracking.md]``
scores tracks by the measures of the Cell Tracking Challenge and writes the page. Linking on the
true outlines and linking on the cells that zincflux finds are told apart. With the package
`py-ctcmetrics` installed the scores are checked against it. ``--fixtures`` names the folder
``tests/data`` of laptrack's source distribution, which holds tracks made by TrackMate
(``pip download laptrack --no-binary laptrack --no-deps``).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "track"))
from ctc import division_score, graph, in_field, match, same_labels, score, shown
from injected import found_errors, inject, true_tracks
from nuclei import cells_of, eye_graph, pictures, rows_of

from zincflux.segment import FilmSegmenter, Learned, Watershed
from zincflux.synthetic import Simulation, SyntheticMovie, simulate
from zincflux.track import Track, link, suspects

NUCLEUS_PX = 21.0
FIRST_SEED = 1000
"""Seeds below were looked at while the linking was written."""

LATE_S = 600.0
"""Time within which a division must be found: the simulated daughters part over 10 minutes."""

COLUMNS = ("frame", "label", "y_um", "x_um", "area_um2")
CASES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "twice as dense": {"n_cells": 40},
    "3 × the speed": {"speed_um_per_min": 1.5},
    "a frame every 5 min": {"frame_interval_s": 300.0, "speed_um_per_min": 0.3},
    "4 × the divisions": {"division_rate_per_h": 0.6},
    "drift of 40 µm": {"drift_um": 40.0},
    "a fifth of the cells dies": {"dying_fraction": 0.2},
    "5 % of the cells missed": {},
    "contrast 3": {"electrons_per_unit": 22.0},
    "contrast 100": {"electrons_per_unit": 4000.0},
}
"""Simulated movies. Contrast is the electrons of a cell over the noise of the background."""

INTRO = """# Tracking

Made by `python tests/benchmarks/tracking_scores.py --fixtures … --out docs/validation/tracking.md`,
where `…` is the folder `tests/data` of laptrack's source distribution. Scores are those of the
Cell Tracking Challenge ([Matula et al. 2015](https://doi.org/10.1371/journal.pone.0144959)): DET
for the cells, LNK for the links, TRA for both; 1 is the truth. *Nearest* is the plain way: the
least sum of squared distances from frame to frame, up to a median diameter. All keys of `[track]`
are left as they come, unless named.

Two things are told apart. **On true outlines** only the linking can fail. **On cells found by
zincflux** a cell that is missed, or two under one outline, costs as well; these scores are mostly
about segmentation."""

NUCLEI = """Six pictures of dense nuclei, about 45 in each (laptrack's example, scored as
`laptrack-nuclei`). From picture to picture the whole frame moves by 10 to 16 pixels, two thirds
of a nucleus: phase correlation of the pictures, which knows no outlines, says so too. The numbers
that the outlines come with do not follow it. They agree with a tracker that takes the nearest
nucleus, and contradict the pictures in about 30 % of the links. So the links were read off by eye,
from overlays with the motion taken off (`tests/track/nuclei_links.toml`), and the score against
the numbers of the file is given only beside: the last row shows what right links score there."""

TRACKMATE = """The same spots, with `max_step_um = 15` as TrackMate had it; the files come with
laptrack's source distribution. Edges of linking and of gap closing are the same. TrackMate's
splitting joins a new spot to any spot near it. zincflux asks for a mother whose area is shared by
two daughters, and these spots have no area, so it finds none: the two edges that differ are such
splits."""

MOVIES = """20 cells and 40 frames of a FRET sensor a minute apart, unless said otherwise. The seeds
were not looked at while linking was written. ± is the standard error over movies."""

FOUND = """The same movies. *The film*: the cells of a frame are settled together with those of the
frames around it, as is done by default in moving movies. *Each frame*: it is looked at by itself
(`segment.over_time = false`). *Learned*: `segment.method = "learned"`, whose network has learnt
from other seeds of the same simulator; how it does on real cells stands in
[The learned segmenter](learned.md).

As the challenge does with its field of interest, cells that lie wholly
within half a diameter of the edge do not count. A division counts if it is found within 10 minutes:
simulated daughters touch at first, and are found as two when they have parted. A link over a frame
in which a cell was missed counts as false in the challenge, which has no gaps: where many cells are
missed, leaving tracks in pieces scores more than joining them. Where 5 % of the cells are left out
after they were found, DET cannot exceed 0.95. How candidates are judged was learnt on simulated
movies and on swaying images of real nuclei with other seeds (below 1000)
(`tests/benchmarks/fit_over_time.py`).

What remains with the watershed, most of it in few cells over many frames: two cells under one
outline that no frame nearby parts, cells that the edge of the frame cuts, cells in parts, and dim
cells beside bright ones. Divisions are found late where daughters part late, and false ones where
an outline that held two cells lets one of them go."""

Linker = Callable[[pd.DataFrame], pd.DataFrame]


def nearest(rows: pd.DataFrame) -> pd.DataFrame:
    """Link by the least sum of squared distances up to a median diameter: the plain way."""
    far = 2 * np.sqrt(rows["area_um2"].median() / np.pi)
    rows = rows.sort_values(["frame", "label"], ignore_index=True)
    cell = np.arange(1, len(rows) + 1)
    groups = rows.groupby("frame").indices
    for frame in sorted(groups)[:-1]:
        here, there = groups[frame], groups.get(frame + 1, np.zeros(0, int))
        places = [rows.loc[k, ["y_um", "x_um"]].to_numpy() for k in (here, there)]
        cost = np.minimum(cdist(*places, "sqeuclidean"), far**2)
        i, j = linear_sum_assignment(cost)
        near = cost[i, j] < far**2
        cell[there[j[near]]] = cell[here[i[near]]]
    return rows[["frame", "label"]].assign(cell_id=cell, parent_id=0)


def real_nuclei(folder: Path) -> Iterator[str]:
    """Compare links of real nuclei with links by eye, and with the numbers they came with."""
    images, outlines = pictures(folder)
    counts = [image.astype(float) for image in images]
    found = [("of the file", outlines)]
    for name, segmenter in segmenters(NUCLEUS_PX).items():
        found.append((f"{name}, the film", np.stack(list(segmenter.film(counts, 1.0)))))
        found.append((f"{name}, each picture", np.stack([segmenter(one, 1.0) for one in counts])))
    numbers = graph(cells_of(outlines).assign(cell_id=lambda t: t["label"], parent_id=0))
    truths = (eye_graph(outlines), numbers)
    yield "| outlines | linked by | LNK, by eye | TRA | edge F1 | LNK, numbers of the file |"
    yield "|---|---|---|---|---|---|"
    for name, labels in found:
        rows, pairs = rows_of(images, labels), match(list(outlines), list(labels))
        for way, linker in (("zincflux", link), ("nearest", nearest)):
            eye, file = (score(truth, graph(linker(rows)), pairs) for truth in truths)
            yield (
                f"| {name} | {way} | {eye['LNK']:.3f} | {eye['TRA']:.3f} | {eye['edge_f1']:.3f} "
                f"| {file['LNK']:.3f} |"
            )
    eye = score(truths[1], truths[0], same_labels(truths[0].vertices))
    yield f"| of the file | by eye | 1 | 1 | 1 | {eye['LNK']:.3f} |"


def trackmate(folder: Path) -> Iterator[str]:
    """Compare the edges of three of TrackMate's results with ours for the same spots."""
    yield "| TrackMate's | its edges | ours | the same |"
    yield "|---|---|---|---|"
    for name, keys in (
        ("without_gap_closing", {"max_gap_frames": 0, "divisions": False}),
        ("with_gap_closing", {"max_gap_frames": 2, "divisions": False}),
        ("with_splitting", {"max_gap_frames": 2}),
    ):
        spots = pd.read_csv(folder / f"trackmate_tracks_{name}_spots.csv")
        edges = pd.read_csv(folder / f"trackmate_tracks_{name}_edges.csv")
        spots = spots.rename(columns={"id": "label", "position_y": "y_um", "position_x": "x_um"})
        rows = spots[["frame", "label", "y_um", "x_um"]].assign(area_um2=100.0)
        ours = graph(link(rows, Track(mode="follow", max_step_um=15.0, **keys))).edges
        pairs = edges[["spot_source_id", "spot_target_id"]].to_numpy()
        order = spots.set_index("label")["frame"]
        theirs = {(a, b) if order[a] < order[b] else (b, a) for a, b in pairs}
        own = set(zip(ours["label"], ours["next_label"], strict=True))
        text = name.replace("_", " ")
        yield f"| {text} | {len(theirs)} | {len(own)} | {len(theirs & own)} |"


def simulated(case: str, seed: int) -> SyntheticMovie:
    """Make a movie of moving cells."""
    common = {"kind": "fret", "moving": True, "n_cells": 20, "n_frames": 40, "seed": seed}
    common |= {"shape_px": (220, 220), "division_rate_per_h": 0.15}
    return simulate(Simulation(**common | CASES[case]))


def true_rows(made: SyntheticMovie) -> pd.DataFrame:
    """True cells of every frame, labelled by their number."""
    parents = made.cells[["cell_id", "parent_id"]]
    return made.truth.assign(label=made.truth["cell_id"]).merge(parents, on="cell_id")


def missing(rows: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Leave out some rows by chance."""
    return rows[np.random.default_rng(seed).random(len(rows)) >= share]


def on_true_outlines(case: str, made: SyntheticMovie, linker: Linker) -> dict[str, float]:
    """Score links of the true outlines."""
    true = true_rows(made)
    if case.endswith("missed"):
        true = missing(true, 0.05, made.settings.seed)
    tracks = linker(true[list(COLUMNS)])
    pairs = same_labels(true)
    return score(graph(true), graph(tracks), pairs) | division_score(true, tracks, pairs)


Cells = tuple[pd.DataFrame, list[np.ndarray]]


def segmenters(diameter_um: float) -> dict[str, FilmSegmenter]:
    """Segmenters that are compared."""
    return {
        "watershed": Watershed(diameter_um=diameter_um),
        "learned": Learned(diameter_um=diameter_um),
    }


def found_cells(made: SyntheticMovie, method: str, *, over_time: bool) -> Cells:
    """Find the cells, in the whole film or in each frame by itself."""
    size = made.settings.pixel_size_um
    frames = [np.asarray(made.movie.data[t], float).sum(0) for t in range(made.movie.n_frames)]
    segmenter = segmenters(made.settings.cell_diameter_um)[method]
    single = (segmenter(frame, size) for frame in frames)
    labels = list(segmenter.film(frames, size) if over_time else single)
    return rows_of(np.stack(frames), np.stack(labels), size), labels


def on_found_cells(
    case: str, made: SyntheticMovie, linker: Linker, cells: Cells
) -> dict[str, float]:
    """Score links of the cells that are found; slivers at the edge do not count."""
    rows, labels = cells
    if case.endswith("missed"):
        rows = missing(rows, 0.05, made.settings.seed)
    margin = round(made.settings.diameter_px / 2)
    truth, found = (
        [in_field(image, margin) for image in images]
        for images in ([made.labels(t) for t in range(made.movie.n_frames)], labels)
    )
    true, tracks = shown(true_rows(made), truth), shown(linker(rows), found)
    pairs = match(truth, found).merge(tracks[["frame", "label"]], on=["frame", "label"])
    late = max(int(LATE_S / made.settings.frame_interval_s), 1)
    return score(graph(true), graph(tracks), pairs) | division_score(true, tracks, pairs, late)


def pooled(scores: list[dict[str, float]]) -> str:
    """Cells of a table: means with their standard errors, and F1 of all divisions together."""
    table = pd.DataFrame(scores)
    error = [f" ± {e:.4f}" if len(table) > 1 else "" for e in table[["DET", "LNK", "TRA"]].sem()]
    names = ("DET", "LNK", "TRA")
    means = [f"{table[n].mean():.4f}{e}" for n, e in zip(names, error, strict=True)]
    true, found, right = (int(table[n].sum()) for n in ("divisions", "found", "right"))
    if not true + found:
        return " | ".join([*means, "none"])
    f1 = 2 * right / (true + found)
    return " | ".join([*means, f"{f1:.2f} ({right} of {true}, {found} found)"])


def true_movies(seeds: int) -> Iterator[str]:
    """Score all cases on true outlines, linked by zincflux and by the plain way."""
    yield "| movie | linked by | DET | LNK | TRA | division F1 |"
    yield "|---|---|---|---|---|---|"
    for case in CASES:
        made = [simulated(case, FIRST_SEED + n) for n in range(seeds)]
        for way, linker in (("zincflux", link), ("nearest", nearest)):
            scores = [on_true_outlines(case, m, linker) for m in made]
            yield f"| {case} | {way} | {pooled(scores)} |"


def found_movies(seeds: int) -> Iterator[str]:
    """Score all cases on cells that were found in the film, and in each frame by itself."""
    yield "| movie | cells found by | in | linked by | DET | LNK | TRA | division F1 |"
    yield "|---|---|---|---|---|---|---|---|"
    every: dict[str, list[dict[str, float]]] = {}
    for case in CASES:
        made = [simulated(case, FIRST_SEED + n) for n in range(seeds)]
        for method, where in product(segmenters(1.0), ("the film", "each frame")):
            over = where == "the film"
            cells = [found_cells(movie, method, over_time=over) for movie in made]
            linkers = {"zincflux": link} | ({"nearest": nearest} if over else {})
            for way, linker in linkers.items():
                pairs = zip(made, cells, strict=True)
                scores = [on_found_cells(case, movie, linker, found) for movie, found in pairs]
                name = f"{method} | {where} | {way}"
                yield f"| {case} | {name} | {pooled(scores)} |"
                if not case.endswith("missed"):
                    every.setdefault(name, []).extend(scores)
    for name, scores in every.items():
        yield f"| **all but those with cells left out** | {name} | {pooled(scores)} |"


def errors_found(seeds: int) -> Iterator[str]:
    """Put errors into true tracks and look for them at the top of the list."""
    hits = [
        found_errors(suspects(rows), errors)
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
        for rows, errors in [inject(true_tracks(seed), seed)]
    ]
    share = np.array([hit / k for hit, k in hits])
    clean = [suspects(true_tracks(s)) for s in range(FIRST_SEED, FIRST_SEED + seeds)]
    certain = np.mean([(listed["doubt"] > 0.5).sum() for listed in clean])
    yield (
        f"{sum(h for h, _ in hits)} of {sum(k for _, k in hits)} errors put into {seeds} movies "
        f"(merged outlines, swapped names, a cell missed for two frames) stand among the first k "
        f"suspects, where k is the number of errors in the movie: precision {share.mean():.2f} ± "
        f"{share.std(ddof=1) / np.sqrt(seeds):.2f}. Without errors {certain:.1f} suspects a movie "
        f"have a doubt above 0.5, and {np.mean([len(c) for c in clean]):.1f} are listed at all."
    )


def checked(images: tuple[np.ndarray, np.ndarray]) -> str:
    """Compare our scores with py-ctcmetrics on real nuclei; tell whether it could be done."""
    try:
        from ctc_metrics.metrics import det, lnk, tra
        from ctc_metrics.utils.representations import count_acyclic_graph_correction_operations
    except ImportError:
        return "py-ctcmetrics is not installed: the scores were not checked against it."
    seen, outlines = images
    found = np.stack([Watershed(diameter_um=NUCLEUS_PX)(i.astype(float), 1.0) for i in seen])
    tracks = link(rows_of(seen, found), Track(mode="follow", max_gap_frames=0))
    truth = cells_of(outlines).assign(cell_id=lambda t: t["label"], parent_id=0)
    # The reference has no gaps: a number that comes back counts as a new one.
    truth = truth.sort_values(["cell_id", "frame"])
    new = truth.groupby("cell_id")["frame"].diff().fillna(1) > 1
    truth["cell_id"] += 10_000 * new.groupby(truth["cell_id"]).cumsum().astype(int)
    pairs = match(list(outlines), list(found))
    own = score(graph(truth), graph(tracks), pairs)
    named = pairs.merge(truth, left_on=["frame", "true"], right_on=["frame", "label"])
    named = named.merge(tracks, left_on=["frame", "label_x"], right_on=["frame", "label"])
    lists = [
        [sorted(part["cell_id"]) for _, part in table.groupby("frame")] for table in (truth, tracks)
    ]
    mapped = [
        [list(part[name]) for _, part in named.groupby("frame")]
        for name in ("cell_id_x", "cell_id_y")
    ]
    files = [_track_file(table) for table in (truth, tracks)]
    counts = count_acyclic_graph_correction_operations(*files, *lists, *mapped)
    theirs = {"DET": det(**counts), "LNK": lnk(**counts), "TRA": tra(**counts)[0]}
    worst = max(abs(own[name] - value) for name, value in theirs.items())
    return f"DET, LNK and TRA differ from py-ctcmetrics by at most {worst:.1g} on real nuclei."


def _track_file(tracks: pd.DataFrame) -> np.ndarray:
    """Number, first and last frame and mother of each track, as the challenge wants them."""
    table = tracks.groupby("cell_id").agg(
        first=("frame", "min"), last=("frame", "max"), mother=("parent_id", "first")
    )
    return table.reset_index().to_numpy()


def page(seeds: int, fixtures: Path | None) -> Iterator[str]:
    """Lines of the page."""
    yield INTRO
    folder = os.environ.get("ZINCFLUX_REALDATA")
    yield from ("", "## Real nuclei", "", NUCLEI, "")
    if folder is None:
        yield "ZINCFLUX_REALDATA names no folder of real recordings."
    else:
        yield from real_nuclei(Path(folder))
        yield from ("", checked(pictures(Path(folder))))
    yield from ("", "## TrackMate", "", TRACKMATE, "")
    if fixtures is None:
        yield "No fixtures were given."
    else:
        yield from trackmate(fixtures)
    yield from ("", "## Simulated movies, true outlines", "", MOVIES, "")
    yield from true_movies(seeds)
    yield from ("", "## Simulated movies, cells found by zincflux", "", FOUND, "")
    yield from found_movies(seeds)
    yield from ("", "## Suspects", "")
    yield from errors_found(4 * seeds)


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--fixtures", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines = []
    for line in page(options.seeds, options.fixtures):
        print(line, flush=True)
        lines.append(line)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
