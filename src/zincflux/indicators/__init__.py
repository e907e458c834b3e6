"""The indicator library: literature values with their conditions, conflicts and citations."""

from zincflux.indicators.indicator import Indicator, Record
from zincflux.indicators.library import indicator_names, load_indicator

__all__ = ["Indicator", "Record", "indicator_names", "load_indicator"]
