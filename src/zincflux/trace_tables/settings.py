"""The ``table`` section of the experiment file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zincflux.settings import InputPath, Settings
from zincflux.trace_tables.table import TraceTable

Kind = Literal["intensity", "ratio", "fret"]
SheetNumber = Annotated[int, Field(ge=1)]


class TableInput(Settings):
    """A table of traces, and what its headers do not say or say wrongly."""

    path: InputPath = Field(description="The table: CSV, TSV, XLSX or Parquet")
    sheet: SheetNumber | str | None = Field(
        default=None, description="Sheet of a workbook: its name, or its number from 1"
    )
    layout: Literal["wide", "long"] | None = Field(
        default=None,
        description="wide: columns per cell; long: one row per cell and frame; told by the headers "
        "if not given",
    )
    cell: str | None = Field(default=None, description="Column that names the cell; only in long")
    time: str | None = Field(default=None, description="Column of the time")
    frame: str | None = Field(default=None, description="Column of the frame's number")
    signal: str | None = Field(
        default=None,
        description="Column of the signal or the ready ratio, or what the columns of all cells "
        "have in common, such as Mean in Mean1, Mean2; * for every column of numbers",
    )
    numerator: str | None = Field(
        default=None,
        description="The same for the channel that is divided; beside a ready ratio, its name in "
        "the header, such as 340 in 340/380",
    )
    denominator: str | None = Field(
        default=None, description="The same for the channel to divide by"
    )
    background: str | None = Field(
        default=None,
        description="Column, or name of the region, that is subtracted from all channels; where "
        "there is one per cell, what they have in common",
    )
    numerator_background: str | None = Field(
        default=None, description="The same for the numerator alone"
    )
    denominator_background: str | None = Field(
        default=None, description="The same for the denominator alone"
    )
    area: str | None = Field(default=None, description="Column of the area, or what all share")
    x: str | None = Field(default=None, description="Column of the centroid's x, or what all share")
    y: str | None = Field(default=None, description="Column of the centroid's y, or what all share")
    inverted: bool | None = Field(
        default=None,
        description="Whether the table's ready ratio is denominator over numerator: 1/ratio is "
        "taken",
    )
    time_unit: Literal["ms", "s", "min", "h"] | None = Field(
        default=None, description="Unit of the time, where the header names none or a wrong one"
    )
    length_unit: Literal["um", "px"] | None = Field(
        default=None,
        description="Unit of area and centroid (squared for the area), where the headers name none",
    )
    frame_interval_s: float | None = Field(
        default=None, gt=0, description="Time between frames, s, where the table has no times"
    )
    pixel_size_um: float | None = Field(
        default=None, gt=0, description="Edge of a pixel, µm, where lengths are in pixels"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.numerator is None) != (self.denominator is None):
            raise ValueError(
                "numerator and denominator: expected both or none, found one. Name the other"
            )
        for role in ("numerator", "denominator"):
            key = f"{role}_background"
            if getattr(self, key) is not None and self.background is not None:
                raise ValueError(f"{key}: expected without background, found both. Remove one")
            if getattr(self, key) is not None and getattr(self, role) is None:
                raise ValueError(f"{key}: expected beside {role}, which is not given. Name it")
        if self.time is not None and self.frame_interval_s is not None:
            raise ValueError(
                "frame_interval_s: expected without time, which gives the times, found both. "
                "Remove one"
            )
        if self.time_unit is not None and self.frame_interval_s is not None:
            raise ValueError(
                "time_unit: expected without frame_interval_s, which replaces the column of the "
                "time, found both. Remove one"
            )
        if self.layout == "wide" and self.cell is not None:
            raise ValueError(
                'cell: expected with layout = "long", found "wide", where headers name the cells. '
                "Remove one"
            )
        return self

    def read(self, *, kind: Kind | None = None) -> TraceTable:
        """Read the table.

        Parameters
        ----------
        kind
            Kind of the indicator: an intensity needs one signal, a ratio and FRET need numerator
            and denominator or a ready ratio. None takes what the table has, if that is clear.

        Raises
        ------
        ReaderError
            If the file cannot be read, or a cell of it is wrong.
        ExperimentError
            If the headers leave open what a column is; the message names the key that says it.

        Warns
        -----
        MetadataWarning
            If a unit is overridden, a ready ratio is probably upside down, or a column that may be
            a cell is not used.
        """
        from zincflux.trace_tables.reading import read_table

        return read_table(self, kind)
