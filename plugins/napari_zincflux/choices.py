"""The settings that are being chosen: an experiment in the making, which may not be whole yet."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zincflux
from zincflux.experiment import Experiment, is_toml, load_experiment, title
from zincflux.readers import MovieInput

STEPS = ("movie", "phases", "cells", "calibration", "results")
"""The order of the work."""

SECTIONS: dict[str, tuple[str, ...]] = {
    "movie": ("name", "movie", "channels", "camera", "drift", "flat_field"),
    "phases": ("phases",),
    "cells": ("segment", "track", "gate"),
    "calibration": (
        "indicator",
        "calibration",
        "background",
        "bleaching",
        "bleed_through",
        "uncertainty",
    ),
    "results": ("flux", "indicator_load", "edits"),
}
"""What is chosen in each step, by the names of the experiment file."""

SELECTORS = {"method", "source", "mode"}
"""Keys that decide which others are of use."""


class Choices:
    """Plain settings as TOML has them: only what differs from the defaults.

    Parameters
    ----------
    data
        Nested settings; not changed.

    Examples
    --------
    >>> choices = Choices.of_movie("dish1.tif")
    >>> choices.set("segment.diameter_um", 15.0)
    >>> choices.get("segment.diameter_um"), choices.get("segment.method")
    (15.0, 'watershed')
    """

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        self.data: dict[str, Any] = copy.deepcopy(dict(data or {}))

    @classmethod
    def of_movie(cls, path: str | os.PathLike[str]) -> Choices:
        """Start with the defaults for a movie."""
        return cls({"name": title(path), "movie": {"path": os.path.abspath(path)}})

    @classmethod
    def of_experiment(cls, experiment: Experiment) -> Choices:
        """Start with the settings of an experiment."""
        data = experiment.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        return cls(data)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Choices:
        """Start with an experiment file, or with the defaults for a movie.

        Raises
        ------
        zincflux.ZincfluxError
            If the experiment file cannot be read.
        """
        if not is_toml(path):
            return cls.of_movie(path)
        return cls.of_experiment(load_experiment(path))

    def experiment(self) -> Experiment:
        """Make the experiment.

        Raises
        ------
        zincflux.ZincfluxError
            If a setting is wrong or missing.
        """
        return Experiment.parse(self.data, where="settings", folder=Path.cwd())

    def get(self, key: str) -> Any:
        """Give the value of a dotted key, or its default where none was chosen."""
        value: Any = self.data
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return default_of(key)
            value = value[part]
        return value

    def set(self, key: str, value: Any) -> None:
        """Choose the value of a dotted key; None or the default takes the choice back.

        Where the key is a method, the keys that the new one would refuse go with it.
        """
        if key == "phases":
            self._follow_phases(value or [])
        *parents, last = key.split(".")
        table = self.data
        for part in parents:
            table = table.setdefault(part, {})
        if value is None or value == default_of(key):
            table.pop(last, None)
        else:
            table[last] = value
        if last in SELECTORS and len(parents) == 1:
            self._drop_unused(parents[0], last)
        self.data = {k: v for k, v in self.data.items() if v not in ({}, [])}

    def _follow_phases(self, phases: list[dict[str, Any]]) -> None:
        """Let what names phases follow those that are renamed or removed."""
        before = [phase.get("name") for phase in self.data.get("phases", [])]
        after = [phase.get("name") for phase in phases]
        renamed = dict(zip(before, after, strict=True)) if len(before) == len(after) else {}
        names = [n if n in after else renamed.get(n) for n in self.get("bleaching.phases") or []]
        kept = [name for name in names if name is not None]
        if names:
            self.set("bleaching.phases", kept)
        view = str(self.get("segment.projection"))
        if view.startswith("phase:") and view[6:] not in after:
            name = renamed.get(view[6:])
            self.set("segment.projection", None if name is None else f"phase:{name}")

    def _drop_unused(self, section: str, selector: str) -> None:
        """Drop keys of a section, one by one, whose absence mends what its model complains of."""
        for key in [key for key in self.data.get(section, {}) if key != selector]:
            complaint = self._complaint(section)
            if complaint is None:
                return
            value = self.data[section].pop(key)
            if self._complaint(section) == complaint:
                self.data[section][key] = value

    def _complaint(self, section: str) -> str | None:
        model = Experiment.model_fields[section].annotation
        try:
            model.parse(self.data.get(section, {}), where=section)  # type: ignore[union-attr]
        except zincflux.ZincfluxError as error:
            return str(error)
        return None

    def problem(self) -> str | None:
        """Say what is wrong with the settings, or None."""
        try:
            self.experiment()
        except zincflux.ZincfluxError as error:
            return str(error).removeprefix("settings: ")
        return None

    def step_of_problem(self) -> str | None:
        """Name the step that a wrong setting belongs to; None if all is well."""
        problem = self.problem()
        if problem is None:
            return None
        key = problem.partition(":")[0].strip().partition(".")[0]
        return next((step for step in STEPS if key in SECTIONS[step]), "results")

    def part(self, *steps: str) -> dict[str, Any]:
        """Give a copy of what was chosen in some steps, to be compared with later choices."""
        names = [name for step in steps for name in SECTIONS[step]]
        return copy.deepcopy({name: self.data[name] for name in names if name in self.data})


def default_of(key: str) -> Any:
    """Give the default of a dotted key, as plain data; None where there is none."""
    model: Any = Experiment
    *parents, last = key.split(".")
    for part in parents:
        field = model.model_fields.get(part)
        if field is None:
            return None
        model = MovieInput if part == "movie" else field.annotation
    field = model.model_fields.get(last)
    if field is None or field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value
