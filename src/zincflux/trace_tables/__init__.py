"""Tables of traces that another program measured, as arrays of cells and frames."""

from zincflux.trace_tables.settings import TableInput
from zincflux.trace_tables.table import Mapped, TraceTable

__all__ = ["Mapped", "TableInput", "TraceTable"]
