"""Stack: the planes of a recording before their axes have been given a meaning."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from zincflux.errors import ExperimentError, MetadataWarning, ReaderError
from zincflux.movie import Movie, Source
from zincflux.readers.axes import Choice, PlaneTable, choose_depth, name_axes, plane_table
from zincflux.readers.metadata import Facts, saturation_level
from zincflux.readers.planes import PlaneFrames, Planes


@dataclass(frozen=True, eq=False)
class Stack:
    """Planes of a recording and what the file says about them.

    Attributes
    ----------
    planes
        The pixels; numbered in the order of the axes of ``source``, without Y and X.
    source
        Files, format, axes and scenes.
    facts
        Metadata.
    absent
        Numbers of planes that the file announces but does not hold.
    """

    planes: Planes
    source: Source
    facts: Facts = field(default_factory=Facts)
    absent: frozenset[int] = frozenset()

    def movie(self, choice: Choice) -> Movie:
        """Give the axes their meaning.

        Raises
        ------
        ExperimentError
            If a key is needed, or does not fit.
        ReaderError
            If a plane is absent.
        """
        table = plane_table(*name_axes(self.source, choice.axes))
        table = choose_depth(self._complete(table), choice.z, self.source)
        where = self.source.name
        frames = PlaneFrames(self.planes, table, "mean" if choice.z == "mean" else "max")
        n_channels = table.shape[1]
        names = self.facts.channels
        return Movie(
            data=frames,
            channels=names if len(names) == n_channels else ("",) * n_channels,
            pixel_size_um=self.facts.pixel_size_um,
            time_s=self.facts.time_s(table, where, warn=not choice.interval_given),
            saturation_level=saturation_level(self.planes.dtype, self.facts.bits),
            bit_depth=self.facts.bits,
            exposure_s=self.facts.exposure_s(table),
            source=self.source,
        )

    def _complete(self, table: PlaneTable) -> PlaneTable:
        """Cut off frames at the end that were never recorded; refuse holes before it."""
        if not self.absent:
            return table
        is_absent = np.isin(table, list(self.absent))
        n_whole = int(np.argmax(is_absent.any(axis=(1, 2))))
        # A recording that was stopped may end amid a frame.
        was_stopped = min(self.absent) > np.max(table, initial=-1, where=~is_absent)
        if n_whole == 0 or not (was_stopped or is_absent[n_whole:].all()):
            t, c, z = np.argwhere(is_absent)[0]
            raise ReaderError(
                f"{self.source.name}: expected {table.shape[0]} frames × {table.shape[1]} "
                f"channels × {table.shape[2]} planes, but the plane of frame {t}, channel {c}, z "
                f"{z} is absent. The recording is incomplete: copy or export it again."
            )
        warnings.warn(
            f"{self.source.name}: the file announces {len(table)} frames but holds {n_whole}; "
            f"these are read",
            MetadataWarning,
            stacklevel=3,
        )
        return table[:n_whole]


def pick_scene(scenes: Sequence[str], scene: int | None, where: str) -> int:
    """Return the number of the scene to read; the first if none is chosen.

    Raises
    ------
    ExperimentError
        If there is no such scene.

    Warns
    -----
    MetadataWarning
        If there are several and none is chosen.
    """
    if scene is None:
        if len(scenes) > 1:
            warnings.warn(
                f"{where}: the file holds {len(scenes)} scenes ({', '.join(scenes[:8])}); the "
                "first is read. Set movie.scene to choose",
                MetadataWarning,
                stacklevel=2,
            )
        return 0
    if not 0 <= scene < max(len(scenes), 1):
        raise ExperimentError(
            f"movie.scene: expected a number from 0 to {max(len(scenes), 1) - 1} in {where} "
            f"({', '.join(scenes) or 'one scene'}), found {scene}. Correct movie.scene."
        )
    return scene
