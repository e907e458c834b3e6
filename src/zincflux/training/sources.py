"""What a training learns from: the user's pictures, or those of the built-in network."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zincflux.errors import ReaderError, ZincfluxWarning
from zincflux.pipeline import Progress
from zincflux.synthetic import Simulation, simulate
from zincflux.training.crops import Kind
from zincflux.training.pictures import (
    Picture,
    pairs_in,
    part_of,
    read_pair,
    read_pictures,
    set_aside,
)
from zincflux.training.targets import Example, example
from zincflux.training.whole_cells import field_of_whole_cells

SHARES = {"nuclei": 0.6, "fields": 0.22, "movies": 0.18}
"""How often the built-in recipe draws from images, simulated fields and simulated movies."""

N_FIELDS, N_MOVIES = 500, 180
"""Simulated fields of whole cells, and views of simulated movies, of the built-in recipe."""

FIRST_MOVIE = 500_000
"""Seed of the first movie; those that the segmenter is judged on are near 9000."""

N_REHEARSED, REHEARSED_SIDE_PX, REHEARSED_SHARE = 16, 240, 0.25
"""Simulated fields that are learnt beside the user's pictures, so that little is forgotten."""

SIMULATED = "BSD-3-Clause, simulated by zincflux"
"""Licence of what is simulated, as the card tells it."""


@dataclass(frozen=True, eq=False)
class Sources:
    """What is learnt from, and what is kept from the network to judge it.

    Attributes
    ----------
    kinds
        Examples, and how often each kind is drawn.
    judged
        Pictures that are not learnt from.
    data
        Name, licence and number of images of each part, for the card.
    never_seen
        What was kept from the network, in words.
    """

    kinds: Sequence[Kind]
    judged: Sequence[Picture] = ()
    data: Sequence[dict[str, Any]] = ()
    never_seen: Sequence[str] = ()


def own_sources(folders: Iterable[str | Path], licence: str) -> Generator[Progress, None, Sources]:
    """Prepare the user's pictures: four fifths to learn from, the rest to judge by.

    Parameters
    ----------
    folders
        See `zincflux.training.pictures.read_pictures`.
    licence
        Of the pictures, for the card.

    Yields
    ------
    Progress
        After each picture.
    """
    pictures = read_pictures(folders)
    learnt, judged = set_aside(pictures)
    own = yield from _examples(learnt, "examples", lambda picture: picture)
    seeds = range(10**6, 10**6 + N_REHEARSED)
    fields = yield from _examples(seeds, "simulated cells", _small_field)
    data = [
        {"name": "pictures of the user", "licence": licence, "images": len(learnt)},
        {"name": "simulated fields of whole cells", "licence": SIMULATED, "images": N_REHEARSED},
    ]
    kinds = [Kind(1 - REHEARSED_SHARE, own), Kind(REHEARSED_SHARE, fields)]
    aside = [f"{len(judged)} of the pictures of the user: {', '.join(p.name for p in judged)}"]
    return Sources(kinds, judged, data, aside if judged else ())


def builtin_sources(
    folder: str | Path, n_fields: int = N_FIELDS, n_movies: int = N_MOVIES
) -> Generator[Progress, None, Sources]:
    """Prepare what the built-in network learns from.

    Parameters
    ----------
    folder
        Fluorescence images of the Data Science Bowl 2018 (BBBC038), each as ``NAME_image.tif``
        and ``NAME_labels.tif``. Those held back and those that check the training are left out.
    n_fields, n_movies
        Simulated fields and movies; fewer for a trial.

    Yields
    ------
    Progress
        After each picture.

    Raises
    ------
    ReaderError
        If the folder holds no image to learn from.
    """
    pairs = list(pairs_in(Path(folder))) if Path(folder).is_dir() else []
    fit = [pair for pair in pairs if part_of(pair[0]) == "fit"]
    check = [pair for pair in pairs if part_of(pair[0]) == "check"]
    if not fit:
        raise ReaderError(
            f"{folder}: expected the images NAME_image.tif and labels NAME_labels.tif of the Data "
            f"Science Bowl 2018, found {len(pairs)} pairs. Give the folder that holds them."
        )
    nuclei = yield from _examples(fit, "nuclei", lambda pair: read_pair(*pair))
    fields = yield from _examples(range(n_fields), "fields", _field)
    movies = yield from _examples(range(FIRST_MOVIE, FIRST_MOVIE + n_movies), "movies", _movie)
    found = {"nuclei": nuclei, "fields": fields, "movies": movies}
    data = [
        {
            "name": "Data Science Bowl 2018 stage 1, fluorescence (BBBC038)",
            "licence": "CC0-1.0",
            "images": len(fit),
        },
        {"name": "simulated fields of whole cells", "licence": SIMULATED, "images": n_fields},
        {
            "name": f"zincflux.simulate, seeds from {FIRST_MOVIE}",
            "licence": SIMULATED,
            "images": n_movies,
        },
    ]
    never = ("DSB 2018, sha256(name) % 3 == 0", "u2os-cellpainting", "laptrack-nuclei")
    judged = [read_pair(*pair) for pair in check]
    kinds = [Kind(SHARES[name], examples) for name, examples in found.items() if examples]
    return Sources(kinds, judged, data, never)


def _examples(
    what: Sequence[Any], stage: str, make: Callable[[Any], Picture]
) -> Generator[Progress, None, list[Example]]:
    made = []
    for n, one in enumerate(what):
        made.append(example(make(one)))
        yield Progress(stage, n + 1, len(what))
    return made


def _small_field(seed: int) -> Picture:
    return Picture(f"field {seed}", *field_of_whole_cells(seed, REHEARSED_SIDE_PX))


def _field(seed: int) -> Picture:
    return Picture(f"field {seed}", *field_of_whole_cells(seed))


def _movie(seed: int) -> Picture:
    """Average some frames of a simulated movie of random density, contrast and texture."""
    rng = np.random.default_rng(np.random.SeedSequence([0xF11A, seed]))
    n_frames = int(rng.choice([1, 1, 4, 8]))
    settings = _drawn(seed, n_frames, rng)
    if rng.random() < 0.5:
        n_cells = int(settings.capacity * rng.uniform(0.5, 0.95))
        settings = settings.model_copy(update={"n_cells": n_cells})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZincfluxWarning)
        made = simulate(settings)
        image = np.mean([made.movie.data[t][0] for t in range(n_frames)], axis=0, dtype=float)
        labels = made.labels(0)
    return Picture(f"movie {seed}", image.astype(np.float32), labels.astype(np.int32))


def _drawn(seed: int, n_frames: int, rng: np.random.Generator) -> Simulation:
    return Simulation(
        seed=seed,
        n_frames=n_frames,
        shape_px=(288, 288),
        pixel_size_um=float(rng.choice([0.4, 0.65])),
        n_cells=int(rng.uniform(20, 140 if rng.random() < 0.5 else 60)) // 2,
        crowding=float(rng.uniform(0.3, 1)),
        irregularity=float(rng.uniform(0.2, 1)),
        diameter_spread=float(rng.uniform(0.08, 0.25)),
        load_spread=float(rng.uniform(0.2, 1)),
        nucleus_contrast=float(rng.uniform(-0.8, 0.6)),
        puncta=float(rng.uniform(0, 1.2)),
        debris=int(rng.integers(0, 8)),
        electrons_per_unit=float(np.exp(rng.uniform(np.log(4), np.log(500)))),
        haze_fraction=float(rng.uniform(0, 0.3)),
        psf_um=float(rng.uniform(0.3, 1.2)),
        shading=float(rng.uniform(0, 0.4)),
        drift_um=0.0,
        defocus_frames=0,
    )
