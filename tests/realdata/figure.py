"""Draw the figure of docs/validation/real-data.md again, and print the numbers of its table.

``ZINCFLUX_REALDATA=… python tests/realdata/figure.py [--out docs/validation/real-data.png]``
analyses both recordings through the same function as the command line.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from real_experiments import committed
from scipy import ndimage

from zincflux import Analysis, analyze
from zincflux.phases import Phase
from zincflux.plot import to_png
from zincflux.plot.style import BLUE, GREY, VERMILLION, YELLOW, new_figure, styled

DEFAULT_OUT = Path(__file__).parents[2] / "docs" / "validation" / "real-data.png"
TINTS = {"baseline": "#ECECEC", "response": "#FBE9C6", "ignore": "#FFFFFF"}


def main() -> None:
    """Analyse, draw and print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--out", type=Path, default=DEFAULT_OUT, help="PNG to write")
    out = options.parse_args().out
    folder = os.environ.get("ZINCFLUX_REALDATA")
    if not folder:
        sys.exit("ZINCFLUX_REALDATA: expected the folder of the real recordings. Set it.")
    serial, single = (
        analyze(committed(f"hek_fluo4_{name}.toml", Path(folder))) for name in ("serial", "single")
    )
    out.write_bytes(to_png(draw(serial, single), dpi=88))
    print(out)
    for name, analysis in (("serial", serial), ("single", single)):
        print(f"\n{name}\n{table(analysis)}\n{levels(analysis)}")


@styled
def draw(serial: Analysis, single: Analysis) -> Figure:
    """Draw both cells with their outlines, and their traces."""
    figure = new_figure(6.6)
    cells, traces = figure.subplots(2, 2, width_ratios=[1, 1.75]).T
    for axis, analysis in zip(cells, (serial, single), strict=True):
        draw_cell(axis, analysis)
    for axis, analysis in zip(traces, (serial, single), strict=True):
        draw_trace(axis, analysis)
    cells[0].set_title("Four flashes")
    cells[1].set_title("A flash without release")
    traces[0].set_xlabel("Time (s), the six files joined at their frame interval")
    traces[1].set_xlabel("Time (s)")
    traces[1].set_ylim(0.92, 1.02)
    return figure


def draw_cell(axis: Axes, analysis: Analysis) -> None:
    """Draw the image that the cell was found in, brightened, and its outline."""
    low, high = np.quantile(analysis.overview, [0.01, 0.998])
    grey = np.sqrt(np.clip((analysis.overview - low) / (high - low), 0, 1))
    axis.imshow(grey, cmap="gray", vmin=0, vmax=1)
    inside = analysis.labels > 0
    edge = inside & ~ndimage.binary_erosion(inside)
    axis.imshow(np.ma.masked_where(~edge, edge), cmap=ListedColormap([YELLOW]))
    height, width = inside.shape
    bar = 5 / analysis.pixel_size_um
    axis.plot([width - 6 - bar, width - 6], [height - 7] * 2, color="white", lw=2.5)
    axis.text(width - 6 - bar / 2, height - 11, "5 µm", color="white", ha="center", size=8)
    axis.set_axis_off()


def draw_trace(axis: Axes, analysis: Analysis) -> None:
    """Draw F/F0 with phases, and mark the flashes."""
    time_s = analysis.frames["time_s"].to_numpy()
    for phase in analysis.experiment.phases:
        shade(axis, phase, float(time_s[-1]))
    axis.axhline(1, color=GREY, lw=0.8)
    axis.plot(time_s, analysis.traces["f_f0"], color=BLUE, marker=".", ms=3, lw=1)
    axis.set_xlim(0, time_s[-1])
    axis.set_ylabel("F/F0")


def shade(axis: Axes, phase: Phase, last_s: float) -> None:
    """Shade a phase and name it above; a flash is at the start of each response."""
    end = last_s if phase.end_s is None else phase.end_s
    axis.axvspan(phase.start_s, end, color=TINTS[phase.role], lw=0, zorder=0)
    middle = (phase.start_s + end) / 2
    transform = axis.get_xaxis_transform()
    axis.text(middle, 1.02, phase.name, transform=transform, ha="center", size=7.5)
    if phase.role == "response":
        axis.axvline(phase.start_s, color=VERMILLION, lw=1, ls=":")


def table(analysis: Analysis) -> str:
    """Write the responses as rows of a Markdown table."""
    rows = [
        "| phase | peak F/F0 | time to peak (s) | rate of F/F0 (1/s) | responder |",
        "|---|---|---|---|---|",
    ]
    for row in analysis.responses.itertuples():
        rows.append(
            f"| {row.phase} | {row.peak_f_f0:.2f} | {row.time_to_peak_s:.0f} | "
            f"{row.rate_f_f0_per_s:.4f} | {'yes' if row.responder else 'no'} |"
        )
    return "\n".join(rows)


def levels(analysis: Analysis) -> str:
    """Tell the background and the signal in counts."""
    background = analysis.frames["CHS1_background"]
    signal = analysis.traces["CHS1_corrected"]
    return (
        f"background {background.min():.1f} to {background.max():.1f}, signal {signal.min():.0f} "
        f"to {signal.max():.0f} counts above it, area {analysis.cells['area_um2'][0]:.0f} µm²"
    )


if __name__ == "__main__":
    main()
