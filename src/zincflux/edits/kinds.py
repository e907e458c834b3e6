"""The kinds of edits."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from zincflux.movie import clean_name
from zincflux.settings import Settings

_LARGEST = 2**31 - 1

Pixel = Annotated[int, Field(ge=0, le=_LARGEST, strict=True)]
"""Row or column; 0 is the first."""

Number = Annotated[int, Field(ge=1, le=_LARGEST, strict=True)]
"""Number of a cell."""

Point = tuple[Pixel, Pixel]
"""Row and column (y, x) of a pixel of the label image."""

Run = tuple[Pixel, Pixel, Pixel]
"""Row, first column, and the column after the last one."""

Frame = Annotated[int, Field(ge=0, le=_LARGEST, strict=True)]

_FRAME = Field(
    default=None,
    description="Number of the frame, from 0, where cells are followed; not given for static cells",
)


def _one_line(text: str) -> str:
    """Replace what a line of text cannot hold by spaces."""
    return " ".join(
        "".join(" " if unicodedata.category(c).startswith("C") else c for c in text).split()
    )


class _Edit(Settings):
    """What all edits have."""

    cell_ids: tuple[Number, ...] = Field(
        default=(),
        max_length=10_000,
        description="Numbers that the cells had when the edit was made; shown in messages only",
    )
    note: Annotated[str, Field(max_length=1000), AfterValidator(_one_line)] = Field(
        default="", description="Remark; has no effect"
    )


class Merge(_Edit):
    """Several cells become one, which keeps the number of the first."""

    kind: Literal["merge"] = Field(default="merge", description="Merge cells")
    frame: Frame | None = _FRAME
    points: tuple[Point, ...] = Field(
        min_length=2, max_length=10_000, description="A pixel [y, x] of each cell, px"
    )

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return _texts(*self.points)


class Split(_Edit):
    """A cell becomes two; the part with ``point`` keeps the number."""

    kind: Literal["split"] = Field(default="split", description="Split a cell")
    frame: Frame | None = _FRAME
    point: Point = Field(description="A pixel [y, x] of the part that keeps the number, px")
    other: Point | None = Field(
        default=None,
        description="A pixel [y, x] of the other part, px: the cell is cut at the neck between",
    )
    line: tuple[Point, Point] | None = Field(
        default=None,
        description="Two pixels [y, x] of a straight line that cuts the cell, instead of other, px",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.other is None) == (self.line is None):
            found = "neither" if self.line is None else "both"
            raise ValueError(f"expected either other or line, found {found}. Give one of them")
        ends = (self.point, self.other) if self.line is None else self.line
        if ends[0] == ends[1]:
            raise ValueError("expected two different pixels, found one twice. Correct it")
        return self

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return _texts(self.point) if self.other is None else _texts(self.point, self.other)


class Delete(_Edit):
    """A cell is removed; its number is not used again."""

    kind: Literal["delete"] = Field(default="delete", description="Delete a cell")
    frame: Frame | None = _FRAME
    point: Point = Field(description="A pixel [y, x] of the cell, px")

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return _texts(self.point)


class Paint(_Edit):
    """Pixels are given to a cell, to a new cell, or to the background."""

    kind: Literal["paint"] = Field(default="paint", description="Paint pixels")
    frame: Frame | None = _FRAME
    onto: Literal["cell", "new", "background"] = Field(
        description="What the pixels become: part of the cell at point, a new cell, or background"
    )
    point: Point | None = Field(
        default=None, description="A pixel [y, x] that the cell had before, px; only for a cell"
    )
    runs: tuple[Run, ...] = Field(
        min_length=1,
        max_length=1_000_000,
        description="The pixels, as stretches [row, first column, column after the last], px",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.onto == "cell") != (self.point is not None):
            found = "none" if self.point is None else "one"
            expected = "a point" if self.onto == "cell" else "no point"
            raise ValueError(
                f'expected {expected} with onto = "{self.onto}", found {found}. Correct one of them'
            )
        for row, start, stop in self.runs:
            if start >= stop:
                raise ValueError(
                    "expected runs [row, first column, column after the last], found "
                    f"[{row}, {start}, {stop}], which holds no pixel. Correct it"
                )
        return self

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return _texts(self.runs[0][:2] if self.point is None else self.point)


class Place(Settings):
    """A pixel of a cell in a frame."""

    frame: Frame = Field(description="Number of the frame, from 0")
    point: Point = Field(description="A pixel [y, x] of the cell, px")

    def __str__(self) -> str:
        return f"{_text(self.point)} in frame {self.frame}"


class Relink(_Edit):
    """A cell goes on as another one, or ends."""

    kind: Literal["relink"] = Field(default="relink", description="Say how a cell goes on")
    before: Place = Field(description="Last place {frame, point} of which the cell is certain")
    after: Place | None = Field(
        default=None,
        description="Place {frame, point} in a later frame where it goes on; it ends if not given",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.after is not None:
            _check_order(self.before, self.after)
        return self

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return f"{self.before}" + ("" if self.after is None else f" and {self.after}")


class Division(_Edit):
    """A cell divides into two."""

    kind: Literal["division"] = Field(default="division", description="Say that a cell divides")
    mother: Place = Field(description="Last place {frame, point} of the mother")
    daughters: tuple[Place, Place] = Field(
        description="First place {frame, point} of each daughter, in later frames"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for daughter in self.daughters:
            _check_order(self.mother, daughter)
        if self.daughters[0] == self.daughters[1]:
            raise ValueError("daughters: expected two places, found one twice. Correct it")
        return self

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return ", ".join(str(place) for place in (self.mother, *self.daughters))


class Exclude(_Edit):
    """A cell is left out of summaries; it keeps its rows in the tables."""

    kind: Literal["exclude"] = Field(default="exclude", description="Leave a cell out of summaries")
    frame: Frame | None = _FRAME
    point: Point = Field(description="A pixel [y, x] of the cell, px")
    reason: Annotated[str, Field(max_length=80), AfterValidator(clean_name)] = Field(
        description="Why, as the table of cells will say it"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.reason:
            raise ValueError("reason: expected words, found none. Say why the cell is left out")
        return self

    @property
    def where(self) -> str:
        """The points that the edit names, for messages."""
        return _texts(self.point)


Suspect = Literal[
    "merge",
    "split",
    "swap",
    "area_jump",
    "intensity_jump",
    "gap",
    "short_track",
    "appears_inside",
    "ends_inside",
    "left_out",
    "doubtful",
]
"""What the table ``suspects`` can say of a cell."""


class Accept(_Edit):
    """A suspect is right as it is: it stays in the list, and is no longer to be looked at."""

    kind: Literal["accept"] = Field(default="accept", description="Accept a suspect")
    suspect: Suspect = Field(description="What it was suspected of, as the table suspects says it")
    frame: Frame | None = Field(
        default=None,
        description="Frame that the suspect is listed with, from 0; not given for static cells",
    )
    point: Point | None = Field(
        default=None,
        description="A pixel [y, x] of the cell in this frame, px; not given where a suspect "
        "stands for all cells of the frame",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.point is None and self.frame is None:
            raise ValueError(
                "expected a point or a frame, found neither. Name the cell by a pixel, or all "
                "cells of a frame by its number"
            )
        return self

    @property
    def where(self) -> str:
        """The point that the edit names, for messages."""
        return "all cells" if self.point is None else _texts(self.point)


LabelEdit = Merge | Split | Delete | Paint
"""An edit of the outlines in one frame."""

LinkEdit = Relink | Division
"""An edit of what belongs together over time."""

Edit = Merge | Split | Delete | Paint | Relink | Division | Exclude | Accept

KINDS: dict[str, type[Edit]] = {
    model.model_fields["kind"].default: model
    for model in (Merge, Split, Delete, Paint, Relink, Division, Exclude, Accept)
}
"""Every kind by the name that the log gives it."""


def _check_order(earlier: Place, later: Place) -> None:
    if earlier.frame >= later.frame:
        raise ValueError(
            f"expected a later frame than {earlier.frame}, found {later.frame}. Correct it"
        )


def _text(point: Point) -> str:
    return f"[{point[0]}, {point[1]}]"


def _texts(*points: Point) -> str:
    shown = [_text(point) for point in points[:3]] + (["…"] if len(points) > 3 else [])
    return ", ".join(shown)
