"""The ``movie`` section of the experiment file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from zincflux.movie import Movie
from zincflux.readers import joined, pattern
from zincflux.readers.axes import KNOWN, Choice
from zincflux.readers.formats import open_file
from zincflux.settings import InputPath, Settings

Plane = Annotated[int, Field(ge=0)]


class MovieInput(Settings):
    """What is read, and what the file does not say or says wrongly."""

    path: InputPath | Annotated[tuple[InputPath, ...], Field(min_length=1)] = Field(
        description="A file, a folder (OME-Zarr, MetaSeries, Micro-Manager), an address of "
        "OME-Zarr (s3://…, https://…), a list of these joined in time, or a pattern with {t} {c} "
        "{z} {s}"
    )
    frame_interval_s: float | None = Field(
        default=None, gt=0, description="Time between frames, s; only where the file is wrong"
    )
    pixel_size_um: float | None = Field(
        default=None, gt=0, description="Edge of a pixel, µm; only where the file is wrong"
    )
    scene: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Number of the scene (position), from 0; else that of the file, or the first",
    )
    z: Literal["max", "mean"] | Plane | None = Field(
        default=None, description="Only for stacks with z: max, mean, or a plane number from 0"
    )
    axes: str | None = Field(
        default=None,
        description="Letters of the axes where the file does not say, such as TYX (T C Z Y X)",
    )

    @field_validator("axes")
    @classmethod
    def _check_axes(cls, axes: str | None) -> str | None:
        if axes is None:
            return None
        axes = axes.upper()
        if "S" in axes:
            raise ValueError(
                "S (colour samples) cannot be measured. Name the samples C if they are channels"
            )
        if set(axes) - set(KNOWN) or len(set(axes)) < len(axes) or not {"Y", "X"} <= set(axes):
            raise ValueError(
                "expected each of the letters T C Z Y X at most once, with Y and X, as in TYX"
            )
        return axes

    def open(self) -> Movie:
        """Open the movie; its pixels are read when they are asked for.

        Raises
        ------
        ReaderError
            If a file cannot be read.
        ExperimentError
            If the file leaves something open that only a key can say.

        Warns
        -----
        MetadataWarning
            If metadata is odd, or is overridden.
        """
        paths = (self.path,) if isinstance(self.path, str) else self.path
        parts = [self._open_one(path, is_first=number == 0) for number, path in enumerate(paths)]
        movie = (
            parts[0]
            if len(parts) == 1
            else joined.join(parts, interval_given=self.frame_interval_s is not None)
        )
        return movie.with_metadata(
            frame_interval_s=self.frame_interval_s, pixel_size_um=self.pixel_size_um
        )

    def _open_one(self, path: str, *, is_first: bool) -> Movie:
        # Of files that are joined, one doubt about the frame interval is enough.
        choice = Choice(
            self.scene, self.z, self.axes, self.frame_interval_s is not None or not is_first
        )
        if pattern.is_pattern(path):
            return pattern.read(path, choice)
        return open_file(path, choice)
