"""What is said of a finished batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zincflux.wording.layout import plural, table

if TYPE_CHECKING:
    from zincflux.batch import BatchOutcome


def batch_text(outcome: BatchOutcome) -> str:
    """Tell how many movies were run, which failed and why, and where the report is."""
    found = outcome.summary()
    lines = [
        f"{plural(found['done'], 'movie')} done, {found['skipped']} up to date, "
        f"{found['failed']} failed"
    ]
    if found["failures"]:
        lines += ["failed:", *table((one["sample"], one["reason"]) for one in found["failures"])]
    lines.append(f"{found['out']}/report.html")
    return "\n".join(lines)
