"""Strategies for label images and edits of all kinds."""

from __future__ import annotations

from typing import get_args

import numpy as np
from hypothesis import strategies as st

from zincflux.edits import (
    Accept,
    Delete,
    Division,
    Edit,
    EditLog,
    Exclude,
    Merge,
    Paint,
    Place,
    Relink,
    Split,
)
from zincflux.edits.kinds import Suspect
from zincflux.movie import Labels

SIZE = 12

STATIC = st.none()
"""The frame of an edit of static cells."""

words = st.text(st.characters(codec="utf-8"), max_size=30)
seen = st.lists(st.integers(1, 99), max_size=3).map(tuple)


def points(size: int = SIZE) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))


def runs(size: int = SIZE) -> st.SearchStrategy[tuple[tuple[int, int, int], ...]]:
    run = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1), st.integers(1, 4)).map(
        lambda r: (r[0], r[1], min(r[1] + r[2], size))
    )
    return st.lists(run, min_size=1, max_size=6).map(tuple)


def label_edits(
    size: int = SIZE, frames: st.SearchStrategy[int | None] = STATIC
) -> st.SearchStrategy[Edit]:
    common = {"frame": frames, "cell_ids": seen, "note": words}
    two = st.lists(points(size), min_size=2, max_size=2, unique=True).map(tuple)
    return st.one_of(
        st.builds(
            Merge, points=st.lists(points(size), min_size=2, max_size=4).map(tuple), **common
        ),
        two.flatmap(lambda p: st.builds(Split, point=st.just(p[0]), other=st.just(p[1]), **common)),
        st.builds(Split, point=points(size), line=two, **common),
        st.builds(Delete, point=points(size), **common),
        st.builds(Paint, onto=st.sampled_from(["new", "background"]), runs=runs(size), **common),
        st.builds(Paint, onto=st.just("cell"), point=points(size), runs=runs(size), **common),
    )


def places(size: int, first: int, last: int) -> st.SearchStrategy[Place]:
    return st.builds(Place, frame=st.integers(first, last), point=points(size))


def link_edits(size: int = SIZE, n_frames: int = 4) -> st.SearchStrategy[Edit]:
    early = places(size, 0, n_frames - 2)
    common = {"cell_ids": seen, "note": words}

    def relink(before: Place) -> st.SearchStrategy[Edit]:
        after = st.none() | places(size, before.frame + 1, n_frames - 1)
        return st.builds(Relink, before=st.just(before), after=after, **common)

    def division(mother: Place) -> st.SearchStrategy[Edit]:
        two = st.lists(
            places(size, mother.frame + 1, n_frames - 1), min_size=2, max_size=2, unique=True
        )
        return st.builds(Division, mother=st.just(mother), daughters=two.map(tuple), **common)

    return st.one_of(early.flatmap(relink), early.flatmap(division))


def exclusions(
    size: int = SIZE, frames: st.SearchStrategy[int | None] = STATIC
) -> st.SearchStrategy[Edit]:
    return st.builds(
        Exclude, point=points(size), frame=frames, reason=st.sampled_from(["dead", "µ-debris"])
    )


def acceptances(
    size: int = SIZE, frames: st.SearchStrategy[int | None] = STATIC
) -> st.SearchStrategy[Edit]:
    kinds = st.sampled_from(get_args(Suspect))
    common = {"suspect": kinds, "cell_ids": seen, "note": words}
    of_all = st.builds(Accept, frame=st.integers(0, 3), **common)
    return st.builds(Accept, point=points(size), frame=frames, **common) | of_all


def logs(
    size: int = SIZE, frames: st.SearchStrategy[int | None] = STATIC, n_frames: int = 4
) -> st.SearchStrategy[EditLog]:
    edit = st.one_of(
        label_edits(size, frames),
        exclusions(size, frames),
        acceptances(size, frames),
        link_edits(size, n_frames),
    )
    return st.lists(edit, max_size=8).map(lambda edits: EditLog(edits=tuple(edits)))


@st.composite
def label_images(draw: st.DrawFn, size: int = SIZE) -> Labels:
    """Rectangles of increasing number, some over one another."""
    image = np.zeros((size, size), dtype=np.int32)
    for number in range(1, draw(st.integers(0, 6)) + 1):
        y, x = draw(points(size))
        height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
        image[y : y + height, x : x + width] = number
    return image


@st.composite
def two_pixels_of_a_cell(draw: st.DrawFn) -> tuple[Labels, tuple[int, int], tuple[int, int]]:
    """Draw a label image and two different pixels of one of its cells."""
    image = draw(label_images())
    y, x = draw(points(SIZE - 1))
    image[y : y + 2, x : x + 2] = 7  # so that there is a cell of two pixels
    cell = draw(st.sampled_from(np.flatnonzero(np.bincount(image.ravel()) > 1).tolist()))
    where = np.argwhere(image == (cell or 7)).tolist()
    one, other = draw(st.lists(st.sampled_from(where), min_size=2, max_size=2, unique_by=tuple))
    return image, tuple(one), tuple(other)
