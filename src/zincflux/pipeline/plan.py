"""Plan: an experiment met with its movie; every question of the settings answered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from zincflux.camera import NoiseModel, noise_from_settings
from zincflux.correct.control import Control
from zincflux.correct.flat_field import Flattening, flat_gain
from zincflux.correct.unlabelled import Autofluorescence, find_autofluorescence
from zincflux.edits import Schedule
from zincflux.errors import ExperimentError
from zincflux.experiment import Channels, Experiment
from zincflux.gate import Gate
from zincflux.indicators import Indicator
from zincflux.movie import FloatArray, Image, Movie
from zincflux.phases import check_inside
from zincflux.pipeline.assay import Assay
from zincflux.pipeline.blank import Blank, open_blank
from zincflux.pipeline.exposure import check_exposure
from zincflux.readers import read_image


@dataclass(frozen=True)
class Roles:
    """Roles of the measured channels beside the signal, as positions among them.

    Attributes
    ----------
    segment
        Channels whose sum the cells are found in.
    nucleus, acceptor, reporter
        Nuclear stain, acceptor and the channel that cells are gated by, or None.
    """

    segment: tuple[int, ...]
    nucleus: int | None
    acceptor: int | None
    reporter: int | None


@dataclass(frozen=True, eq=False)
class Plan(Assay):
    """What the analysis of a movie needs to know before the first frame is read.

    Attributes
    ----------
    movie
        What is analysed.
    indices
        Numbers of the measured channels in the movie, ascending.
    roles
        Roles of these channels.
    pixel_size_um
        Edge of a pixel.
    dark
        Level or image (Y, X) that is subtracted before the flat field, in counts.
    gains
        Flat-field gains (C, Y, X), or None.
    noise
        Camera noise from the settings, or None where it must be estimated.
    saturation_level
        Counts at which a pixel is at the camera's limit, or None.
    autofluorescence
        Light of cells without indicator.
    blank
        The dish without cells that the background is taken from, or None.
    control
        The dish that bleaching is taken from, or None.
    edits
        Corrections by hand.
    """

    movie: Movie
    indices: tuple[int, ...]
    roles: Roles
    pixel_size_um: float
    dark: FloatArray | float
    gains: Image | None
    noise: NoiseModel | None
    saturation_level: float | None
    autofluorescence: Autofluorescence
    blank: Blank | None
    control: Control | None
    edits: Schedule = field(default_factory=Schedule)

    def read(self, t: int) -> Image:
        """Read the measured channels of frame ``t``, shape (C, Y, X)."""
        frame = self.movie.frame(t)
        return frame if len(self.indices) == len(frame) else frame[list(self.indices)]

    def flat(self, frame: Image) -> Image:
        """Apply dark and flat field to a frame (C, Y, X); the frame itself where there is none."""
        if not self.corrects_pixels:
            return frame
        return self._flattening(frame)

    @cached_property
    def _flattening(self) -> Flattening:
        gains = np.ones(self.movie.frame_shape) if self.gains is None else self.gains
        return Flattening(gains, self.dark)

    @property
    def corrects_pixels(self) -> bool:
        """Whether pixels are changed before they are measured."""
        return self.gains is not None or np.ndim(self.dark) > 0

    def segment_image(self, flat: Image) -> Image:
        """Give the image (Y, X) the cells are found in: one channel, or the sum of two."""
        first, *others = self.roles.segment
        if not others:
            return np.asarray(flat[first])
        is_short = flat.dtype.kind == "u" and flat.dtype.itemsize <= 2
        total: Image = flat[first].astype(np.uint32 if is_short else np.float64)
        for other in others:
            total += flat[other]
        return total

    def with_gains(self, gains: Image) -> Plan:
        """Return the plan with flat-field gains that were estimated from the movie."""
        return replace(self, gains=gains)


def make_plan(experiment: Experiment, movie: Movie) -> Plan:
    """Meet an experiment with its movie.

    Raises
    ------
    ExperimentError
        If a channel, the pixel size or the frame interval is missing, phases lie outside, or
        another dish that is named cannot serve.
    ReaderError
        If the exposure changes within the movie, or differs from that of the blank.
    """
    time_s = movie.require_time()
    check_inside(experiment.phases, time_s)
    indicator = experiment.load_indicator()
    wanted = _named_channels(experiment.channels, experiment.gate, indicator, movie)
    indices = tuple(sorted({index for group in wanted.values() for index in group}))
    signal = tuple(
        indices.index(index)
        for role in ("signal", "numerator", "denominator")
        for index in wanted[role]
    )
    check_exposure(movie, indices)
    shape = movie.frame_shape
    dark = _dark(experiment, shape)
    channels = tuple(movie.channels[index] for index in indices)
    return Plan(
        movie=movie,
        experiment=experiment,
        indicator=indicator,
        indices=indices,
        channels=channels,
        signal=signal,
        is_ratio=len(signal) == 2,
        roles=_roles(wanted, indices, signal, experiment),
        time_s=time_s,
        pixel_size_um=movie.require_pixel_size(),
        dark=dark,
        gains=_given_gains(experiment, shape, len(indices)),
        noise=noise_from_settings(
            experiment.camera, len(indices), None if isinstance(dark, float) else dark
        ),
        saturation_level=experiment.camera.saturation_level or movie.saturation_level,
        autofluorescence=find_autofluorescence(experiment.background, channels),
        blank=open_blank(experiment, movie, indices),
        control=_control(experiment, [channels[position] for position in signal]),
        edits=Schedule.of(
            experiment.edits.load(),
            n_frames=movie.n_frames,
            follows=experiment.track.mode == "follow",
        ),
    )


def _control(experiment: Experiment, channels: Sequence[str]) -> Control | None:
    """Read what the control dish says of bleaching, where one is named."""
    settings = experiment.bleaching
    return Control(settings, channels) if settings.method == "experiment" else None


def _named_channels(
    channels: Channels, gate: Gate, indicator: Indicator | None, movie: Movie
) -> dict[str, tuple[int, ...]]:
    """Find every channel that has a role; the value is empty where the role is not given."""
    named: dict[str, tuple[int, ...]] = {
        role: ()
        if getattr(channels, role) is None
        else (movie.channel_index(getattr(channels, role), key=f"channels.{role}"),)
        for role in ("signal", "numerator", "denominator", "segment", "nucleus", "acceptor")
    }
    named["extra"] = tuple(movie.channel_index(c, key="channels.extra") for c in channels.extra)
    named["reporter"] = (
        () if gate.channel is None else (movie.channel_index(gate.channel, key="gate.channel"),)
    )
    if not named["signal"] and not named["numerator"]:
        named["signal"] = (_only_channel(movie),)
    _check_kind(indicator, ratio=bool(named["numerator"]))
    return named


def _only_channel(movie: Movie) -> int:
    if len(movie.channels) == 1:
        return 0
    raise ExperimentError(
        f"channels: the movie has {len(movie.channels)} channels "
        f"({', '.join(map(repr, movie.channels))}) and none is named. Set channels.signal, or "
        "channels.numerator and channels.denominator."
    )


def _check_kind(indicator: Indicator | None, *, ratio: bool) -> None:
    if indicator is None:
        return
    if indicator.kind == "intensity" and ratio:
        raise ExperimentError(
            f"channels: {indicator.name} is an intensity indicator, but numerator and denominator "
            "are given. Set channels.signal instead."
        )
    if indicator.kind != "intensity" and not ratio:
        raise ExperimentError(
            f"channels: {indicator.name} is a {indicator.kind} indicator and needs two channels. "
            "Set channels.numerator and channels.denominator."
        )


def _roles(
    wanted: dict[str, tuple[int, ...]],
    indices: tuple[int, ...],
    signal: tuple[int, ...],
    experiment: Experiment,
) -> Roles:
    def place(role: str) -> int | None:
        return indices.index(wanted[role][0]) if wanted[role] else None

    segment = tuple(indices.index(index) for index in wanted["segment"])
    roles = Roles(
        segment=segment or signal,
        nucleus=place("nucleus"),
        acceptor=place("acceptor"),
        reporter=place("reporter"),
    )
    _check_uses(roles, experiment, is_ratio=len(signal) == 2)
    return roles


def _check_uses(roles: Roles, experiment: Experiment, *, is_ratio: bool) -> None:
    """Refuse settings that ask for a channel which has not been named."""
    bleed = experiment.bleed_through
    if (bleed.donor or bleed.acceptor) and not is_ratio:
        raise ExperimentError(
            "bleed_through: a correction is set, but the movie is not analysed as a ratio. "
            "Set channels.numerator and channels.denominator."
        )
    if bleed.acceptor and roles.acceptor is None:
        raise ExperimentError(
            "bleed_through.acceptor is set, but there is no acceptor channel. "
            "Set channels.acceptor."
        )
    inner = set(experiment.segment.regions) - {"cell"}
    if inner and roles.nucleus is None:
        raise ExperimentError(
            f"segment.regions: {', '.join(sorted(inner))} need a nuclear stain. "
            "Set channels.nucleus."
        )


def _dark(experiment: Experiment, shape: tuple[int, int]) -> FloatArray | float:
    camera, flat_field = experiment.camera, experiment.flat_field
    if camera.dark is not None:
        return _image_of(camera.dark, shape, "camera.dark")
    if camera.offset is None and flat_field.dark is not None:
        return _image_of(flat_field.dark, shape, "flat_field.dark")
    return float(camera.offset or 0.0)


def _given_gains(experiment: Experiment, shape: tuple[int, int], n_channels: int) -> Image | None:
    flat_field = experiment.flat_field
    if flat_field.method != "image" or flat_field.image is None:
        return None
    image = _image_of(flat_field.image, shape, "flat_field.image")
    dark = None
    if flat_field.dark is not None:
        dark = _image_of(flat_field.dark, shape, "flat_field.dark")
    gain = flat_gain(image, dark)
    return np.broadcast_to(gain, (n_channels, *shape))


def _image_of(path: str, shape: tuple[int, int], key: str) -> FloatArray:
    image = read_image(path)
    if image.shape != shape:
        raise ExperimentError(
            f"{key}: expected an image of {shape[0]} × {shape[1]} pixels like the movie, found "
            f"{image.shape[0]} × {image.shape[1]} in {path}. Use one made with the same camera "
            "settings."
        )
    return image
