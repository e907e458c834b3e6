"""Experiment: all settings of one analysis, made of the settings of its steps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from zincflux import phases as phase_rules
from zincflux.calibrate import CalibrationSettings, Uncertainty
from zincflux.camera import Camera
from zincflux.correct.background import Background
from zincflux.correct.bleaching import Bleaching, check_bleaching_phases
from zincflux.correct.bleed_through import BleedThrough
from zincflux.correct.drift import Drift
from zincflux.correct.flat_field import FlatField
from zincflux.errors import ExperimentError
from zincflux.flux import Flux, IndicatorLoad
from zincflux.indicators import Indicator, load_indicator
from zincflux.phases import Phase
from zincflux.readers import MovieInput, describe
from zincflux.segment import Segment
from zincflux.settings import Settings, dumps, override, read_toml
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


def _resolve_indicator(text: str, info: ValidationInfo) -> str:
    folder = (info.context or {}).get("folder")
    if text.endswith(".toml") and folder is not None:
        return os.path.normpath(Path(folder) / text)
    return text


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
    indicator: Annotated[str, AfterValidator(_resolve_indicator)] = Field(
        default="none",
        description="Name in the indicator library, path of an indicator file, or none",
    )
    movie: MovieInput = Field(description="What is read")
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
    track: Track = Field(default=Track(), description="How cells are followed")
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
    data = override(read_toml(file), assignments)
    return _named(data, where=str(file), folder=file.resolve().parent, name=file.stem)


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
    return _named(data, where="--set", folder=Path.cwd(), name=Path(path).name.partition(".")[0])


def _named(data: dict[str, Any], *, where: str, folder: Path, name: str) -> Experiment:
    data["name"] = data.get("name") or name
    return Experiment.parse(data, where=where, folder=folder)


def draft(path: str | os.PathLike[str], folder: Path) -> str:
    """Write a commented experiment file filled from a movie's metadata.

    Parameters
    ----------
    path
        The movie.
    folder
        Folder that the text will be stored in: the movie's path is written relative to it.

    Returns
    -------
    str
        TOML; what the movie does not say stands in it as a line to fill in.
    """
    found = describe(path)
    channels: dict[str, Any] = {}
    if len(found["channels"]) == 1:
        channels["signal"] = found["channels"][0]
    experiment = Experiment.parse(
        {
            "movie": {"path": os.path.abspath(path)},
            "channels": channels,
            "name": Path(path).name.partition(".")[0],
        },
        where=str(path),
    )
    return _introduction(found) + dumps(experiment, folder=folder.resolve()) + _PHASES


def _introduction(found: dict[str, Any]) -> str:
    shape = " × ".join(f"{axis} {n}" for axis, n in zip(found["axes"], found["shape"], strict=True))
    lines = [
        "Experiment file of zincflux: zincflux run experiment.toml",
        f"The movie: {found['format']}, {shape}",
        f"Channels: {', '.join(found['channels'])}",
        f"Pixel size: {_with_unit(found['pixel_size_um'], 'µm')}",
        f"Frame interval: {_with_unit(found['frame_interval_s'], 's')}",
    ]
    lines += [f"MISSING, add it: {item['key']} ({item['what']})" for item in found["missing"]]
    if len(found["channels"]) > 1:
        lines.append(
            "MISSING, add it: channels.signal, or channels.numerator and channels.denominator"
        )
    return "".join(f"# {line}\n" for line in lines) + "\n"


def _with_unit(value: float | None, unit: str) -> str:
    return "not in the file" if value is None else f"{value:.6g} {unit}"


_PHASES = """
# What was done to the cells, in order. Remove the # and set the times.
# [[phases]]
# name = "rest"
# role = "baseline"    # F0
# start_s = 0
# [[phases]]
# name = "zinc"
# role = "response"    # measured: rate, peak, half time, area
# start_s = 60
# [[phases]]
# name = "TPEN"
# role = "minimum"     # zinc-free, for the calibration
# start_s = 300
# [[phases]]
# name = "Zn + pyrithione"
# role = "maximum"     # saturated, for the calibration
# start_s = 420
"""
