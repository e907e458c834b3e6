"""Stands in for what needs torch, so that a training runs from its data to its file."""

from __future__ import annotations

import time
import types
from typing import Any, ClassVar

import numpy as np

import zincflux.training as training
from learned_models import random_convolutions
from zincflux.training import Recipe, sources

QUICK = Recipe(steps=3, side=32, batch=2)


class StandIn:
    """Adds to the offset of the last convolution what it has seen; `pause_s` makes a step last."""

    pause_s = 0.0
    made: ClassVar[list[StandIn]] = []

    def __init__(self, recipe: Recipe, start: Any) -> None:
        self.recipe, self.step = recipe, 0
        self.start = start or random_convolutions()
        self.state = {"step": np.array(0), "raised": np.array(0.0)}
        self.begun_at = 0
        self.made.append(self)

    def run(self, batches: Any) -> Any:
        while self.step < self.recipe.steps:
            time.sleep(self.pause_s)
            inputs, _ = batches.make(self.step, self.recipe.size(self.step))
            self.step += 1
            raised = self.state["raised"] + 1e-3 * inputs.mean()
            self.state = {"step": np.array(self.step), "raised": raised}
            yield {"inside": 1.0 / self.step, "depth": 0.5, "size": 0.1}

    def restore(self, state: Any) -> None:
        self.state, self.step = state, int(state["step"])
        self.begun_at = self.step

    def weights(self) -> Any:
        *first, (weight, offset) = self.start
        return [*first, (weight, offset + np.float32(self.state["raised"]))]


def stand_in(monkeypatch: Any, pause_s: float = 0.0) -> list[StandIn]:
    """Take the place of torch; give the list of the trainings that are made."""
    made: list[StandIn] = []
    monkeypatch.setattr(StandIn, "made", made)
    monkeypatch.setattr(StandIn, "pause_s", pause_s)
    monkeypatch.setattr(sources, "N_REHEARSED", 1)
    monkeypatch.setattr(sources, "REHEARSED_SIDE_PX", 80)
    monkeypatch.setattr(training, "_steps", lambda: types.SimpleNamespace(Training=StandIn))
    return made
