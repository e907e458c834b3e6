"""The data dictionary: name, dtype, unit and meaning of every column of every table."""

from zincflux.columns.column import CHANNEL, OF_REGIONS, Column, Dtype, conform, expand
from zincflux.columns.movie import CELLS, FLAGS, FRAMES, RESPONSES, SUSPECTS, TABLES, TRACES
from zincflux.columns.study import (
    CONDITIONS,
    COURSES,
    DISHES,
    DOSE_RESPONSE,
    EXPERIMENTS,
    HEAT_MAP,
    KEYS,
    QUALITY,
    STUDY_CELLS,
    STUDY_RESPONSES,
    STUDY_TABLES,
    TESTS,
)

__all__ = [
    "CELLS",
    "CHANNEL",
    "CONDITIONS",
    "COURSES",
    "DISHES",
    "DOSE_RESPONSE",
    "EXPERIMENTS",
    "FLAGS",
    "FRAMES",
    "HEAT_MAP",
    "KEYS",
    "OF_REGIONS",
    "QUALITY",
    "RESPONSES",
    "STUDY_CELLS",
    "STUDY_RESPONSES",
    "STUDY_TABLES",
    "SUSPECTS",
    "TABLES",
    "TESTS",
    "TRACES",
    "Column",
    "Dtype",
    "conform",
    "expand",
]
