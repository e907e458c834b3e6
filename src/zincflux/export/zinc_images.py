"""Free zinc of every pixel as OME-Zarr, with the reasons for pixels without a number."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zincflux.export.kinds import Options, Steps
from zincflux.movie import Labels
from zincflux.pipeline import Progress, iter_zinc_images
from zincflux.pipeline.pixel_rows import code_of
from zincflux.results import Results
from zincflux.results.corrected import Drawn
from zincflux.results.zarr_images import (
    ImageFacts,
    write_label_list,
    write_zarr_labels,
    write_zarr_movie,
)

REASONS = "no_number"
"""Name of the label image: 1 for the first flag of `zincflux.columns.FLAGS`, 2 for the second."""


def to_zinc_images(results: Results, path: Path, options: Options) -> Steps:
    """Write one image per frame, made as `zincflux.zinc_images` does."""
    images = yield from iter_zinc_images(results)
    plan, n_frames = images.source.plan, len(images)
    yield Progress("zinc images", 0, n_frames)
    facts = ImageFacts("zinc", plan.pixel_size_um, plan.time_s, ("zinc (nM)",))
    shape = (n_frames, 1, *plan.movie.frame_shape)
    write_zarr_movie(path, (images[t].zinc_nM[np.newaxis] for t in range(n_frames)), shape, facts)

    def why(t: int) -> Labels:
        reason = images[t].reason.astype(np.int32)
        return np.maximum(reason - code_of(""), 0, dtype=np.int32)

    write_label_list(path / "labels", [REASONS])
    own = ImageFacts(REASONS, plan.pixel_size_um, plan.time_s, source="../../")
    write_zarr_labels(path / f"labels/{REASONS}", Drawn(n_frames, why), own)
