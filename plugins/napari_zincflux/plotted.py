"""What is plotted over time, and where on the axis; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_zincflux.trace_data import Quantity, TraceData, spans_of

if TYPE_CHECKING:
    from zincflux.phases import Phase


class Plotted(NamedTuple):
    """What is plotted.

    Attributes
    ----------
    data
        The traces.
    quantity
        Which of their values; None where there is none.
    phases
        What is shaded.
    usable
        Zinc, nM, that the indicator tells; None if that is not known.
    """

    data: TraceData
    quantity: Quantity | None
    phases: tuple[Phase, ...] = ()
    usable: tuple[float, float] | None = None

    def y(self, values: Any) -> Any:
        """Put values on the axis: logarithms where it is logarithmic."""
        if self.quantity is None or not self.quantity.log:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log10(np.where(np.asarray(values) > 0, values, np.nan))

    @property
    def usable_y(self) -> tuple[float, float] | None:
        """Ends of the usable range on the axis; None where it is not of this quantity."""
        if self.usable is None or self.quantity is None or self.quantity.name != "zinc_nM":
            return None
        low, high = (float(v) for v in self.y(np.array(self.usable)))
        return low, high

    @property
    def of_interest(self) -> Any:
        """Frames that the first view shows in full height: at its ends zinc is anything."""
        times = self.data.time_s
        ends = np.zeros(len(times), dtype=bool)
        if self.quantity is not None and self.quantity.name == "zinc_nM":
            for _, role, start, end in spans_of(self.phases, times):
                if role in ("minimum", "maximum"):
                    ends |= (times >= start) & (times <= end)
        return ~ends if not ends.all() else slice(None)
