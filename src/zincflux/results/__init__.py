"""The files of a finished analysis and of a simulated movie."""

from zincflux.results.folder import (
    CALIBRATION_FILE,
    LABELS_FILE,
    LABELS_FORMATS,
    LABELS_ZARR,
    OVERVIEW_FILE,
    RESULT_FILES,
    Results,
    read_results,
    read_run,
    write_results,
)
from zincflux.results.images import write_label_stack, write_movie
from zincflux.results.provenance import Hashing, peak_memory_mb, versions
from zincflux.results.simulation import write_simulation
from zincflux.results.staging import staging, write_text, writing
from zincflux.results.study import Constants, Study
from zincflux.results.study_files import STUDY_FILE, read_study, write_study
from zincflux.results.study_simulation import write_study_simulation
from zincflux.results.zarr_images import need_zarr

__all__ = [
    "CALIBRATION_FILE",
    "LABELS_FILE",
    "LABELS_FORMATS",
    "LABELS_ZARR",
    "OVERVIEW_FILE",
    "RESULT_FILES",
    "STUDY_FILE",
    "Constants",
    "Hashing",
    "Results",
    "Study",
    "need_zarr",
    "peak_memory_mb",
    "read_results",
    "read_run",
    "read_study",
    "staging",
    "versions",
    "write_label_stack",
    "write_movie",
    "write_results",
    "write_simulation",
    "write_study",
    "write_study_simulation",
    "write_text",
    "writing",
]
