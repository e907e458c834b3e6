"""The report: one HTML page that needs nothing else, neither files nor a network."""

from zincflux.report.page import render_report
from zincflux.report.protocols import AnalysisLike

__all__ = ["AnalysisLike", "render_report"]
