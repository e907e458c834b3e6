"""The chain from a movie to tables, step by step."""

from zincflux.pipeline.analysis import Analysis, analyze, iter_analyze
from zincflux.pipeline.frames import FrameRows, iter_frames
from zincflux.pipeline.reach import Reach
from zincflux.pipeline.survey import Progress

__all__ = [
    "Analysis",
    "FrameRows",
    "Progress",
    "Reach",
    "analyze",
    "iter_analyze",
    "iter_frames",
]
