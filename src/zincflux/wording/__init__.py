"""What the command line says: plain text from plain data."""

from zincflux.wording.batches import batch_text
from zincflux.wording.indicators import indicator_text, indicators_text
from zincflux.wording.movies import movie_text, preview_text
from zincflux.wording.runs import mapping_text, outcome_text
from zincflux.wording.solutions import buffer_text, titration_text
from zincflux.wording.training import training_text

__all__ = [
    "batch_text",
    "buffer_text",
    "indicator_text",
    "indicators_text",
    "mapping_text",
    "movie_text",
    "outcome_text",
    "preview_text",
    "titration_text",
    "training_text",
]
