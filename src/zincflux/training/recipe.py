"""Recipes: everything that decides what is learnt, beside the pictures."""

from __future__ import annotations

from pydantic import Field

from zincflux.errors import ExperimentError
from zincflux.settings import Settings


class Recipe(Settings):
    """How a network is trained."""

    seed: int = Field(default=20261123, ge=0, description="Seed of weights and batches")
    steps: int = Field(default=400, ge=1, description="Number of batches")
    warm_up: int = Field(
        default=50, ge=1, description="Batches while the learning rate rises to its full value"
    )
    cool_down: int = Field(
        default=200, ge=0, description="Batches at the end while the learning rate falls to zero"
    )
    learning_rate: float = Field(default=3e-4, gt=0, description="Of AdamW")
    weight_decay: float = Field(default=0.01, ge=0, description="Of AdamW")
    early: int = Field(default=0, ge=0, description="Batches at the start that are larger")
    early_batch: int = Field(default=16, ge=2, multiple_of=2, description="Crops in each of these")
    batch: int = Field(default=8, ge=2, multiple_of=2, description="Crops in each of the others")
    side: int = Field(
        default=128, ge=16, multiple_of=16, description="Height and width of a crop, pixels"
    )
    averaging: float = Field(
        default=0.99, ge=0, lt=1, description="Decay of the running mean of the weights"
    )
    save_every: int = Field(default=250, ge=1, description="Batches between two checkpoints")

    def size(self, step: int) -> int:
        """Crops in the batch of a step."""
        return self.early_batch if step < self.early else self.batch

    def rate(self, step: int) -> float:
        """Learning rate of a step: up, level, down."""
        rising = min(1.0, (step + 1) / self.warm_up)
        falling = min(1.0, (self.steps - step) / max(self.cool_down, 1))
        return self.learning_rate * rising * falling

    def keep(self, step: int) -> float:
        """Share of the mean of the weights that a step keeps; early weights are forgotten soon."""
        return min(self.averaging, (step + 1) / (step + 10))


BUILTIN = Recipe(
    steps=9500,
    warm_up=200,
    cool_down=3500,
    learning_rate=2e-3,
    early=500,
    averaging=0.998,
)
"""The recipe of the built-in network, which begins from nothing."""


def recipe_for(data: str, *, steps: int | None = None, seed: int | None = None) -> Recipe:
    """Give the recipe of the built-in network, or of the user's own pictures, with changes.

    Parameters
    ----------
    data
        ``"builtin"`` or ``"own"``.
    steps
        Number of batches; warm-up and cool-down keep their shares.
    seed
        Seed.

    Raises
    ------
    ExperimentError
        If there is no such recipe, or a number is out of bounds.
    """
    if data not in ("own", "builtin"):
        raise ExperimentError(f"--recipe: expected own or builtin, found {data}. Name one of them.")
    base = BUILTIN if data == "builtin" else Recipe()
    changes: dict[str, int] = {} if seed is None else {"seed": seed}
    if steps is not None:
        share = steps / base.steps
        parts = {key: round(getattr(base, key) * share) for key in ("cool_down", "early")}
        changes |= parts | {"warm_up": max(1, round(base.warm_up * share)), "steps": steps}
    return Recipe.parse(base.model_dump() | changes, where="train")
