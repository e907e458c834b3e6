"""Stand-ins for the slow parts of a batch: its processes and its study."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import MISSING, fields
from typing import Any

import pandas as pd

from zincflux.batch import BatchProgress, Sheet
from zincflux.batch.processes import News
from zincflux.batch.worker import iter_job
from zincflux.results.study import Study


def in_this_process(
    jobs: Sequence[dict[str, Any]], n: int, *, threads: int = 1
) -> Generator[News, None, None]:
    """Do what `iter_processes` does, without processes."""
    for number, job in enumerate(jobs):
        steps = iter_job(job)
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                yield News(number, "", 1, 1, stop.value)
                break
            yield News(number, step.stage, step.done, step.total)


def no_study(sheet: Sheet, place: Any, outcomes: Any) -> Generator[BatchProgress, None, Study]:
    """Stand in for the study, which takes longer than its movies."""
    yield BatchProgress("", "study", 1, 1, len(outcomes), len(outcomes))
    tables = {name: pd.DataFrame() for name in _TABLES}
    return Study(name=sheet.name, settings=sheet.study, **tables)


_TABLES = [
    field.name
    for field in fields(Study)
    if field.default is MISSING
    and field.default_factory is MISSING
    and field.name not in ("name", "settings")
]
