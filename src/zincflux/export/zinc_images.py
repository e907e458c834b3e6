"""Free zinc of every pixel as OME-Zarr, with the reasons for pixels without a number."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from zincflux.export.kinds import Options, Steps
from zincflux.movie import Labels
from zincflux.pipeline import Progress, iter_zinc_images
from zincflux.pipeline.pixel_rows import code_of
from zincflux.pipeline.zinc_image import ZincImage
from zincflux.report.analysis import told_of
from zincflux.rerender import stored_analysis
from zincflux.results import Results
from zincflux.results.drawn import Drawn
from zincflux.results.zarr_images import (
    ImageFacts,
    iter_zarr_labels,
    iter_zarr_movie,
    write_label_list,
)

MADE = "zinc"
"""What the images are, by which an earlier export is known."""

REASONS = "no_number"
"""Name of the label image: 1 for the first flag of `zincflux.columns.FLAGS`, 2 for the second."""


def to_zinc_images(results: Results, path: Path, _: Options) -> Steps:
    """Write one image per frame, made as `zincflux.zinc_images` does.

    They are shown from the lowest to the highest zinc that is told well: single pixels close to
    the ends of the range are of any size.
    """
    images = yield from iter_zinc_images(results)
    plan, n_frames = images.source.plan, len(images)
    told = told_of(stored_analysis(results))
    shown = None if told is None else (told.low_nM, told.high_nM)
    facts = ImageFacts(MADE, plan.pixel_size_um, plan.time_s, ("zinc (nM)",), shown=shown)
    shape = (n_frames, 1, *plan.movie.frame_shape)

    # Zinc and reasons are written side by side, so that no image is made twice.
    @lru_cache(maxsize=1)
    def image(t: int) -> ZincImage:
        return images[t]

    def why(t: int) -> Labels:
        reason = image(t).reason.astype(np.int32)
        return np.maximum(reason - code_of(""), 0, dtype=np.int32)

    write_label_list(path / "labels", [REASONS])
    own = ImageFacts(REASONS, plan.pixel_size_um, plan.time_s, source="../../")
    zinc = iter_zarr_movie(path, (image(t).zinc_nM[None] for t in range(n_frames)), shape, facts)
    reasons = iter_zarr_labels(path / f"labels/{REASONS}", Drawn(n_frames, why), own)
    for t, _reason in zip(zinc, reasons, strict=True):
        yield Progress("zinc images", t + 1, n_frames)
