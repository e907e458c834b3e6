"""The report as a page that stands alone."""

from __future__ import annotations

from pathlib import Path

from zincflux.export.kinds import Options, Steps
from zincflux.pipeline import Progress
from zincflux.report import render_report
from zincflux.rerender import stored_analysis
from zincflux.results import Results

MARK = b"\xc2\xb7 zincflux</title>"
"""Ends the title of every page, by which an earlier export is known."""


def to_page(results: Results, path: Path, _: Options) -> Steps:
    """Write the report without links to the files that lie beside it in a results folder."""
    yield Progress("report", 0, 1)
    path.write_text(render_report(stored_analysis(results), None), encoding="utf-8", newline="\n")
