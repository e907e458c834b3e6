"""The histogram that shows how a gate divided the cells."""

import numpy as np
import pandas as pd
import pytest

from zincflux.gate import Gate, gate
from zincflux.plot import gate_figure, to_png


def cells(signal, minimum=50.0):
    found = gate(signal, Gate(channel="mCherry", minimum=minimum))
    return pd.DataFrame({"reporter_signal": signal, "group": found.names})


def test_all_cells_are_counted_and_the_threshold_is_shown():
    signal = np.r_[np.linspace(-8, 8, 30), np.geomspace(80, 900, 12)]
    (axis,) = gate_figure(cells(signal), 50.0, "mCherry").axes
    assert sum(patch.get_height() for patch in axis.patches) == 42
    assert axis.lines[0].get_xdata()[0] == 50.0
    assert axis.get_xlabel() == "mCherry above background (counts)"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "30 negative",
        "12 positive",
    ]
    labels = [text.get_text() for text in axis.get_xticklabels()]
    assert {"0", "100", "300"} <= set(labels)
    assert not any("$" in label for label in labels)


@pytest.mark.slow
@pytest.mark.parametrize("signal", [[], [np.nan], [7.0], [0.0, 0.0]])
def test_few_cells_can_be_drawn(signal):
    assert to_png(gate_figure(cells(np.array(signal)), 50.0, "mCherry")).startswith(b"\x89PNG")


def test_threshold_below_zero():
    assert to_png(gate_figure(cells(np.array([-90.0, 5]), -20.0), -20.0, "m")).startswith(b"\x89P")
