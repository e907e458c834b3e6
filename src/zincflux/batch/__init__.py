"""Many movies from one table: each run into a folder of its own, then compared."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zincflux.batch.draft import draft_sheet
    from zincflux.batch.draft_settings import draft_settings, places_in
    from zincflux.batch.plan import BatchOutcome, BatchProgress, MovieOutcome, Row, Sheet
    from zincflux.batch.run import iter_batch, run_batch
    from zincflux.batch.sheet import iter_sheet, read_sheet

_HOME = {
    "BatchOutcome": "plan",
    "BatchProgress": "plan",
    "MovieOutcome": "plan",
    "Row": "plan",
    "Sheet": "plan",
    "draft_settings": "draft_settings",
    "draft_sheet": "draft",
    "iter_batch": "run",
    "iter_sheet": "sheet",
    "places_in": "draft_settings",
    "read_sheet": "sheet",
    "run_batch": "run",
}

__all__ = [
    "BatchOutcome",
    "BatchProgress",
    "MovieOutcome",
    "Row",
    "Sheet",
    "draft_settings",
    "draft_sheet",
    "iter_batch",
    "iter_sheet",
    "places_in",
    "read_sheet",
    "run_batch",
]


def __getattr__(name: str) -> Any:
    # Not all at once: the processes that run movies need none of the statistics.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
