"""Label images of an analysis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zincflux.measure import LabelRuns
from zincflux.movie import Labels
from zincflux.pipeline.frames import FrameRows
from zincflux.pipeline.identities import Identities
from zincflux.pipeline.survey import Survey


@dataclass(frozen=True, eq=False)
class DrawnLabels(Sequence[Labels]):
    """Label images drawn on demand from run lengths, which are small enough to keep."""

    runs: tuple[LabelRuns, ...]

    @classmethod
    def of(cls, found: Survey, frames: Sequence[FrameRows], who: Identities) -> DrawnLabels:
        """Collect the cells of a movie: once for static cells, else per frame with cell ids."""
        if not found.plan.follows:
            return cls((found.regions["cell"],))
        return cls(
            tuple(
                replace(rows.runs["cell"], ids=cells.astype(np.int32))
                for rows, cells in zip(frames, who.of_frame, strict=True)
            )
        )

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, t: int) -> Labels:  # type: ignore[override] # no slices
        return self.runs[t].to_labels()
