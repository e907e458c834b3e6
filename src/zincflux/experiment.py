"""Experiment: all settings of one analysis, made of the settings of its steps."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    SerializationInfo,
    TypeAdapter,
    ValidationInfo,
    model_validator,
)

from zincflux import phases as phase_rules
from zincflux.calibrate import CalibrationSettings, Uncertainty
from zincflux.camera import Camera
from zincflux.correct.background import Background
from zincflux.correct.bleaching import Bleaching
from zincflux.correct.bleaching_phases import check_bleaching_phases
from zincflux.correct.bleed_through import BleedThrough
from zincflux.correct.drift import Drift
from zincflux.correct.flat_field import FlatField
from zincflux.edits import Edits
from zincflux.errors import ExperimentError
from zincflux.flux import Flux, IndicatorLoad
from zincflux.gate import Gate
from zincflux.indicators import Indicator, load_indicator
from zincflux.movie import Movie
from zincflux.phases import Phase
from zincflux.readers import MovieInput
from zincflux.segment import Segment
from zincflux.settings import InputPath, Settings, override, read_toml
from zincflux.trace_tables import TableInput
from zincflux.track import Track

Channel = str | int


class Channels(Settings):
    """Which channel plays which role: its name, or its number from 0."""

    signal: Channel | None = Field(
        default=None, description="Channel of an intensity indicator; the only one if not given"
    )
    numerator: Channel | None = Field(
        default=None, description="Upper channel of a ratio; of a FRET pair the FRET channel"
    )
    denominator: Channel | None = Field(
        default=None, description="Lower channel of a ratio; of a FRET pair the donor"
    )
    segment: Channel | None = Field(
        default=None,
        description="Channel the cells are found in; the signal, or the sum of both ratio "
        "channels, if not given",
    )
    nucleus: Channel | None = Field(
        default=None, description="Channel of a nuclear stain, for the regions nucleus and ring"
    )
    acceptor: Channel | None = Field(
        default=None, description="Acceptor channel, for the bleed-through of a FRET pair"
    )
    extra: tuple[Channel, ...] = Field(
        default=(), description="Further channels that are only measured"
    )

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.numerator is None) != (self.denominator is None):
            raise ValueError("a ratio needs both numerator and denominator; give the other one")
        if self.signal is not None and self.numerator is not None:
            raise ValueError("give either signal, or numerator and denominator, not both")
        return self


_PATH: TypeAdapter[str] = TypeAdapter(InputPath)


def is_toml(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path names a TOML file, and not a movie or an indicator of the library."""
    return Path(path).suffix.lower() == ".toml"


def _resolve_indicator(text: str, info: ValidationInfo) -> str:
    return _PATH.validate_python(text, context=info.context) if is_toml(text) else text


def _relative_indicator(text: str, info: SerializationInfo) -> str:
    return str(_PATH.dump_python(text, context=info.context)) if is_toml(text) else text


_OF_OTHER_MODE = {"static": ("over_time",), "follow": ("projection", "split_by_traces")}
"""Keys of ``[segment]`` that are of no use in each mode."""

_OF_MOVIES = (
    "channels",
    "drift",
    "camera",
    "flat_field",
    "background",
    "bleaching",
    "bleed_through",
    "segment",
    "gate",
    "track",
    "edits",
)
"""Sections that say what becomes of pixels."""


class Experiment(Settings):
    """All settings of one analysis.

    Raises
    ------
    ExperimentError
        From `Experiment.parse`, if keys are unknown, missing, out of bounds or contradict one
        another.
    """

    schema_version: Literal[1] = Field(default=1, description="Version of this file's layout")
    name: str = Field(
        default="", max_length=200, description="Title in the report; the file's name if not given"
    )
    indicator: Annotated[
        str, AfterValidator(_resolve_indicator), PlainSerializer(_relative_indicator)
    ] = Field(
        default="none",
        description="Name in the indicator library, path of an indicator file, or none",
    )
    movie: MovieInput | None = Field(default=None, description="What is read; or a table is")
    table: TableInput | None = Field(
        default=None, description="Traces that another program has measured, instead of a movie"
    )
    channels: Channels = Field(default=Channels(), description="Roles of the channels")
    phases: tuple[Phase, ...] = Field(default=(), description="What was done to the cells")
    drift: Drift = Field(default=Drift(), description="Movement of the stage")
    camera: Camera = Field(default=Camera(), description="Offset and noise of the camera")
    flat_field: FlatField = Field(default=FlatField(), description="Uneven illumination")
    background: Background = Field(default=Background(), description="Light that is not the cells'")
    bleaching: Bleaching = Field(default=Bleaching(), description="Loss of brightness with light")
    bleed_through: BleedThrough = Field(
        default=BleedThrough(), description="Light of donor and acceptor in the FRET channel"
    )
    segment: Segment = Field(default=Segment(), description="How cells are found")
    gate: Gate = Field(default=Gate(), description="Which cells carry a reporter")
    track: Track = Field(default=Track(), description="How cells are followed")
    edits: Edits = Field(default=Edits(), description="Corrections by hand")
    calibration: CalibrationSettings = Field(
        default=CalibrationSettings(), description="How the signal becomes zinc"
    )
    uncertainty: Uncertainty = Field(
        default=Uncertainty(), description="What the intervals hold beside measured noise"
    )
    indicator_load: IndicatorLoad = Field(
        default=IndicatorLoad(), description="Zinc buffering, for the total flux"
    )
    flux: Flux = Field(default=Flux(), description="How responses are measured")

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.movie is None) == (self.table is None):
            found = "neither" if self.movie is None else "both"
            raise ValueError(
                f"expected either movie.path or table.path, found {found}. Give one of them"
            )
        if self.table is None:
            return self
        fields = type(self).model_fields
        unused = [name for name in _OF_MOVIES if getattr(self, name) != fields[name].default]
        if unused:
            raise ValueError(
                f"{', '.join(unused)}: of no use for a table, whose traces are measured already. "
                "Remove it"
            )
        return self

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        """Refuse keys about static cells where cells move, and the other way round."""
        fields = type(self.segment).model_fields
        for key in _OF_OTHER_MODE[self.track.mode]:
            if getattr(self.segment, key) != fields[key].default:
                raise ValueError(
                    f'segment.{key} has no effect with track.mode = "{self.track.mode}". Leave it '
                    "out, or change track.mode"
                )
        return self

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        try:
            closed = phase_rules.close(self.phases)
            check_bleaching_phases(self.bleaching, closed)
            if self.indicator != "none":
                load_indicator(self.indicator)
        except ExperimentError as error:
            raise ValueError(str(error)) from None
        object.__setattr__(self, "phases", closed)
        return self

    def open_movie(self) -> Movie:
        """Open the movie.

        Raises
        ------
        ExperimentError
            If the experiment is about a table.
        ReaderError
            If the movie cannot be read.
        """
        if self.movie is None:
            raise ExperimentError(
                "movie: expected a movie, found an experiment about a table of traces. "
                "Set movie.path."
            )
        return self.movie.open()

    def load_indicator(self) -> Indicator | None:
        """Load the indicator, or give None where ``indicator`` is ``"none"``."""
        return None if self.indicator == "none" else load_indicator(self.indicator)


def load_experiment(path: str | os.PathLike[str], assignments: Sequence[str] = ()) -> Experiment:
    """Read an experiment file.

    Parameters
    ----------
    path
        A TOML file; relative paths in it start from its folder.
    assignments
        ``KEY=VALUE`` texts that replace keys of the file.

    Raises
    ------
    ExperimentError
        If the file cannot be read, or a setting is wrong.
    """
    file = Path(path)
    if not is_toml(file):
        raise ExperimentError(
            f"{file}: expected an experiment file, whose name ends in .toml. "
            "For a movie, write one with: zincflux init MOVIE"
        )
    if not file.exists():
        raise ExperimentError(f"{file}: no such file.{_near(file)} Check the path.")
    data = override(read_toml(file), assignments)
    where = f"{file} with --set" if assignments else str(file)
    return _named(data, where=where, folder=file.resolve().parent, name=file.stem)


def _near(file: Path) -> str:
    """Suggest a file of the same folder with a name like the one that is absent."""
    there = [path.name for path in file.parent.glob("*.toml")]
    near = difflib.get_close_matches(file.name, there, n=1)
    return f" Did you mean {str(file.parent / near[0])!r}?" if near else ""


def experiment_of_movie(
    path: str | os.PathLike[str], *, indicator: str = "none", assignments: Sequence[str] = ()
) -> Experiment:
    """Make the experiment of a movie with defaults, as ``zincflux run MOVIE`` does.

    Raises
    ------
    ExperimentError
        If an assignment is wrong.
    """
    data = override({"movie": {"path": os.fspath(path)}, "indicator": indicator}, assignments)
    return _named(data, where="--set", folder=Path.cwd(), name=title(path))


def experiment_of_table(
    path: str | os.PathLike[str],
    *,
    indicator: str = "none",
    mapping: Sequence[str] = (),
    assignments: Sequence[str] = (),
) -> Experiment:
    """Make the experiment of a table of traces, as ``zincflux convert TABLE`` does.

    Parameters
    ----------
    path
        The table.
    indicator
        Name in the indicator library, path of an indicator file, or none.
    mapping
        ``KEY=VALUE`` texts that set keys of ``[table]``: which column plays which role.
    assignments
        ``KEY=VALUE`` texts that replace settings.

    Raises
    ------
    ExperimentError
        If a role or an assignment is wrong.
    """
    table: dict[str, Any] = {"path": os.fspath(path)}
    keys = [key for key in TableInput.model_fields if key != "path"]
    for text in mapping:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or key not in keys or not value:
            raise ExperimentError(
                f"--map expects ROLE=COLUMN with a role among {', '.join(keys)}; found {text!r}. "
                "Write for example: --map signal='Mean (F340)'"
            )
        # Not as TOML: a column, or a sheet, named 1 is a name too.
        table[key] = value
    data = override({"table": table, "indicator": indicator}, assignments)
    return _named(data, where="--set", folder=Path.cwd(), name=title(path))


def _named(data: dict[str, Any], *, where: str, folder: Path, name: str) -> Experiment:
    data["name"] = data.get("name") or name
    return Experiment.parse(data, where=where, folder=folder)


def title(path: str | os.PathLike[str]) -> str:
    """Name an experiment after its file or movie.

    Examples
    --------
    >>> title("dishes/2024.05.01 dish 1.ome.tif")
    '2024.05.01 dish 1'
    >>> title("scan_t{t}_{c}.tif")
    'scan'
    """
    stem = Path(path).stem
    if stem.lower().endswith(".ome"):
        stem = stem[:-4]
    return re.sub(r"([\W_]+[a-zA-Z]?)?\{\w+\}", "", stem) or "movie"
