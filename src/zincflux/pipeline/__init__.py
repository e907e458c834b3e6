"""The chain from a movie to tables, step by step."""

from zincflux.pipeline.analysis import Analysis, analyze, iter_analyze
from zincflux.pipeline.frames import FrameRows, iter_frames
from zincflux.pipeline.memory import jobs_within, parse_memory
from zincflux.pipeline.reach import Reach
from zincflux.pipeline.reanalysis import iter_reanalyze, reanalyze
from zincflux.pipeline.survey import Progress
from zincflux.pipeline.table import read_table
from zincflux.pipeline.view import iter_view
from zincflux.pipeline.zinc_image import ZincImage, ZincImages, iter_zinc_images, zinc_images

__all__ = [
    "Analysis",
    "FrameRows",
    "Progress",
    "Reach",
    "ZincImage",
    "ZincImages",
    "analyze",
    "iter_analyze",
    "iter_frames",
    "iter_reanalyze",
    "iter_view",
    "iter_zinc_images",
    "jobs_within",
    "parse_memory",
    "read_table",
    "reanalyze",
    "zinc_images",
]
