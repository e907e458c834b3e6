"""The picture of the cells in a results folder: overview and first label image, nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from zincflux.errors import ResultsError, ZincfluxError
from zincflux.movie import Image, Labels
from zincflux.readers import read_labels
from zincflux.results.folder import LABELS_FILE, LABELS_ZARR, OVERVIEW_FILE


def read_pictures(folder: Path) -> tuple[Image | None, Labels | None]:
    """Read the overview (Y, X) and the labels (Y, X) that belong to it.

    Returns
    -------
    overview, labels
        None where the folder has none: of a table, or of an earlier version.

    Raises
    ------
    ResultsError
        If they cannot be read.
    """
    stored = next((folder / n for n in (LABELS_ZARR, LABELS_FILE) if (folder / n).exists()), None)
    overview = folder / OVERVIEW_FILE
    try:
        labels = None if stored is None else np.asarray(read_labels(stored)[0])
        image = tifffile.imread(overview) if overview.exists() else None
    except (OSError, ValueError, ZincfluxError, tifffile.TiffFileError) as error:
        raise ResultsError(
            f"{folder}: the pictures of the cells are damaged: {error}. Delete the folder and run "
            "the batch again."
        ) from error
    return image, labels
