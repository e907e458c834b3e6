"""How many movies at a time, and what each may take of the computer."""

from __future__ import annotations

import os
from typing import NamedTuple

from zincflux.batch.plan import Sheet
from zincflux.errors import ExperimentError
from zincflux.pipeline import parse_memory

BATCH_MB = 400.0
"""What the process takes that starts the others and puts the study together."""

_SPARE = 0.8
"""Share of the computer's memory that is used where no bound is given."""


class Share(NamedTuple):
    """What a batch may take.

    Attributes
    ----------
    jobs
        Movies at a time.
    threads
        Threads of each.
    memory_mb
        Memory of each, MB; None without bound.
    """

    jobs: int
    threads: int
    memory_mb: float | None


def share(sheet: Sheet, jobs: int | None, max_memory: str | None, *, is_remote: bool) -> Share:
    """Share cores and memory among movies.

    Parameters
    ----------
    sheet
        What is run.
    jobs
        Most movies at a time; as many as there are cores if not given.
    max_memory
        Memory for all, or on a cluster for each worker.
    is_remote
        Whether a cluster runs the movies.

    Raises
    ------
    ExperimentError
        If the largest movie needs more memory by itself, or the amount is none.
    """
    cores = count_cores()
    most = max(1, min(jobs or cores, len(sheet.rows)))
    largest = max(sheet.rows, key=lambda row: row.needed_mb)
    if max_memory is None:
        if is_remote:
            return Share(most, 1, None)
        found = _memory_of_computer_mb()
        if jobs is None and found is not None and largest.needed_mb:
            most = max(1, min(most, int(_SPARE * found / largest.needed_mb)))
        return Share(most, max(1, cores // most), None)
    given = parse_memory(max_memory)
    left = given if is_remote else given - BATCH_MB
    if largest.needed_mb > left:
        raise ExperimentError(
            f"--max-memory: expected at least {largest.needed_mb + given - left:.0f} MB, which the "
            f"movie of row {largest.line} takes in one thread, with what the batch itself takes; "
            f"found {given:.0f} MB. Give more, or bin or crop the movie."
        )
    if is_remote:
        return Share(most, 1, left)
    if largest.needed_mb:
        most = min(most, int(left / largest.needed_mb))
    return Share(most, max(1, cores // most), left / most)


def count_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_of_computer_mb() -> float | None:
    """Give the memory of the computer in MB; None where Python does not tell, as on Windows."""
    if not hasattr(os, "sysconf"):
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6
    except (OSError, ValueError):
        return None
