"""Label images and movies drawn by hand, small enough to check by eye.

A dot is background; a digit is that label; a letter is a label from 10 (``a``) on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from zincflux.measure import measure_labels

TOUCHING = """
    .......
    .1122..
    .1122..
    ..33...
    .......
"""
"""Three cells that share edges; none reaches the frame's border."""

RING = """
    .....
    .777.
    .7.7.
    .777.
    .....
"""
"""One cell with a hole."""

SCATTERED = """
    44..4
    .....
    4...9
"""
"""A label in four pieces, three of them in corners, and another in the fourth corner."""

BLANK = """
    ....
    ....
"""

MOVING = (
    """
    ...........
    .11........
    .11....22..
    .......22..
    """,
    """
    ...........
    ..55...33..
    ..55...33..
    ...........
    """,
    """
    .......44..
    ...66..44..
    ...66......
    ...........
    """,
)
"""Two cells that move by a pixel a frame; the labels change from frame to frame."""

GAP = (MOVING[0], BLANK, MOVING[2])
"""The same two cells, both missed in the middle frame."""

DIVIDING = (
    """
    ............
    ...1111.....
    ...1111.....
    .........22.
    .........22.
    """,
    """
    ............
    ...1111.....
    ...1111.....
    .........22.
    .........22.
    """,
    """
    ............
    ..33..44....
    ..33..44....
    .........22.
    .........22.
    """,
    """
    ............
    .33....44...
    .33....44...
    .........22.
    .........22.
    """,
    """
    ............
    33......44..
    33......44..
    .........22.
    .........22.
    """,
)
"""A cell that halves in the third frame, and one that does not."""

FLICKER = (DIVIDING[0], DIVIDING[1], DIVIDING[2], DIVIDING[1], DIVIDING[1], DIVIDING[1])
"""The outline of a cell falls in two for one frame: no division."""


def draw(picture: str) -> np.ndarray:
    """Turn a drawing into a label image, int32 (Y, X)."""
    rows = picture.split()
    return np.array([[0 if c == "." else int(c, 36) for c in row] for row in rows], dtype=np.int32)


def objects(pictures: tuple[str, ...], pixel_size_um: float = 1.0) -> pd.DataFrame:
    """Measure the cells of a drawn movie: a row per frame and label, as `track.link` takes it."""
    tables = []
    for frame, picture in enumerate(pictures):
        labels = draw(picture)
        table = measure_labels(labels[None], labels).to_frame(["label"], pixel_size_um)
        tables.append(table[["label", "y_um", "x_um", "area_um2"]].assign(frame=frame))
    return pd.concat(tables, ignore_index=True)


def mother_of(tracks: pd.DataFrame) -> dict[int, int]:
    """Return the mother of each cell that has one."""
    born = tracks[tracks["parent_id"] > 0]
    return dict(zip(born["cell_id"].tolist(), born["parent_id"].tolist(), strict=True))


def wander(
    n_cells: int, n_frames: int, *, step_um: float, missed: float = 0.0, seed: int = 0
) -> pd.DataFrame:
    """Walk cells at random about the points of a square grid of 25 µm.

    Returns the columns of `objects` and the true ``cell``; the labels are shuffled in each frame.
    """
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(n_cells)))
    grid = 25.0 * np.column_stack(np.divmod(np.arange(n_cells), side))
    place = np.empty((n_frames, n_cells, 2))
    place[0] = grid
    for t in range(1, n_frames):
        place[t] = place[t - 1] + rng.normal(0, step_um, grid.shape) - 0.2 * (place[t - 1] - grid)
    seen = rng.random((n_frames, n_cells)) >= missed
    frame, cell = np.nonzero(seen)
    label = np.argsort(rng.random((n_frames, n_cells)), axis=1)[frame, cell] + 1
    area = 200 * np.exp(rng.normal(0, 0.1, frame.size))
    y, x = place[frame, cell].T
    columns = {"frame": frame, "label": label, "y_um": y, "x_um": x, "area_um2": area, "cell": cell}
    return pd.DataFrame(columns)


def links(tracks: pd.DataFrame, identity: str) -> set[tuple[int, int, int]]:
    """List the links from one frame to the next: frame, label there, label in the next frame."""
    rows = tracks.sort_values([identity, "frame"])
    after = rows.shift(-1)
    linked = (after[identity] == rows[identity]) & (after["frame"] == rows["frame"] + 1)
    columns = rows["frame"][linked], rows["label"][linked], after["label"][linked].astype(int)
    return set(zip(*(c.tolist() for c in columns), strict=True))
