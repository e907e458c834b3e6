"""Finished results for other programs: one line in `EXPORTS` per format."""

from zincflux.export.formats import EXPORTS
from zincflux.export.kinds import Export, Options
from zincflux.export.write import check_export, export_results, iter_export

__all__ = ["EXPORTS", "Export", "Options", "check_export", "export_results", "iter_export"]
