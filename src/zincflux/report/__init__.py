"""The report: one HTML page that needs nothing else, neither files nor a network."""

from zincflux.report.analysis import render_report
from zincflux.report.protocols import AnalysisLike
from zincflux.report.study import render_study

__all__ = ["AnalysisLike", "render_report", "render_study"]
