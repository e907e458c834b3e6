"""Label images that are made, or read, when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zincflux.movie import Labels


@dataclass(frozen=True, eq=False)
class Drawn(Sequence[Labels]):
    """Label images that are made when they are asked for.

    Attributes
    ----------
    n_images
        How many there are.
    draw
        Makes the one of this number.
    """

    n_images: int
    draw: Callable[[int], Labels]

    def __len__(self) -> int:
        return self.n_images

    def __getitem__(self, t: int) -> Labels:  # type: ignore[override] # no slices
        return self.draw(range(self.n_images)[t])
