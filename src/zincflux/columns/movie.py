"""Tables of one movie."""

from __future__ import annotations

from zincflux.columns.column import Column

_CELL = Column("cell_id", "int64", "", "Number of the cell; the value it has in the label image")
_REGION = Column(
    "region", "string", "", "Measured part: cell, nucleus or ring; only where there are several"
)
_PHASE = Column("phase", "string", "", "Name of the phase; empty between phases")

TRACES: tuple[Column, ...] = (
    _CELL,
    _REGION,
    Column("frame", "int64", "", "Number of the frame, from 0"),
    Column("time_s", "float64", "s", "Time since the first frame"),
    _PHASE,
    Column("y_um", "float64", "µm", "Centroid, from the top edge of the frame"),
    Column("x_um", "float64", "µm", "Centroid, from the left edge of the frame"),
    Column("area_um2", "float64", "µm²", "Area"),
    Column("<channel>_raw", "float64", "counts", "Mean of the pixels as recorded"),
    Column("<channel>_background", "float64", "counts", "Background under the cell"),
    Column(
        "<channel>_corrected",
        "float64",
        "counts",
        "Mean after flat field, background, bleaching and bleed-through",
    ),
    Column("ratio", "float64", "", "Numerator over denominator; ratio and FRET indicators only"),
    Column("signal", "float64", "counts or ratio", "What is converted to zinc"),
    Column("f_f0", "float64", "", "Signal over its baseline mean F0"),
    Column("dff", "float64", "", "(F − F0) / F0"),
    Column(
        "nucleus_over_cytosol",
        "float64",
        "",
        "Signal of the nucleus over that of the cytosol, or else the ring, in the same frame; in "
        "rows of the nucleus",
    ),
    Column("saturation", "float64", "", "(S − S_min) / (S_max − S_min)"),
    Column("occupancy", "float64", "", "Fraction of the indicator bound; only where β is known"),
    Column("clipped_fraction", "float64", "", "Fraction of pixels at the camera's limit"),
    Column("zinc_nM", "float64", "nM", "Free zinc; empty outside the calibrated range"),
    Column("zinc_low_nM", "float64", "nM", "Lower end of the 95 % interval, or one-sided bound"),
    Column("zinc_high_nM", "float64", "nM", "Upper end of the 95 % interval, or one-sided bound"),
    Column("flag", "string", "", "Why there is no number, or why it is doubtful; empty if neither"),
)

CELLS: tuple[Column, ...] = (
    _CELL,
    _REGION,
    Column("parent_id", "int64", "", "Cell that it was born from; 0 if none is known"),
    Column("first_frame", "int64", "", "First frame with the cell"),
    Column("last_frame", "int64", "", "Last frame with the cell"),
    Column("n_frames", "int64", "", "Frames in which the cell was measured"),
    Column("y_um", "float64", "µm", "Mean centroid, from the top edge"),
    Column("x_um", "float64", "µm", "Mean centroid, from the left edge"),
    Column("area_um2", "float64", "µm²", "Mean area"),
    Column(
        "f0",
        "float64",
        "counts or ratio",
        "Mean signal in the first baseline; the first signal where there is no baseline phase",
    ),
    Column("signal_min", "float64", "counts or ratio", "Signal without zinc, S_min"),
    Column("signal_max", "float64", "counts or ratio", "Signal at saturation, S_max"),
    Column("dynamic_range", "float64", "", "S_max / S_min"),
    Column("baseline_zinc_nM", "float64", "nM", "Median free zinc in the baseline"),
    Column(
        "baseline_zinc_low_nM",
        "float64",
        "nM",
        "Lower end of the 95 % interval of the zinc of the mean signal in the baseline",
    ),
    Column("baseline_zinc_high_nM", "float64", "nM", "Upper end of the same interval"),
    Column(
        "baseline_zinc_shared_ln_sd",
        "float64",
        "",
        "Standard deviation of ln zinc there from K, n, β and pooled ends: part of the interval, "
        "and the same error in all cells, so that no mean over cells lessens it",
    ),
    Column(
        "reporter_signal",
        "float64",
        "counts",
        "Median brightness of the reporter over the movie; only with a gate",
    ),
    Column(
        "group",
        "string",
        "",
        "Reporter positive or negative by the gate; empty without one, or where the reporter was "
        "not measured",
    ),
    Column("excluded", "bool", "", "Whether summaries leave the cell out"),
    Column("reason", "string", "", "Why it is excluded or doubtful; empty if neither"),
)

RESPONSES: tuple[Column, ...] = (
    _CELL,
    _REGION,
    Column("phase", "string", "", "Name of the response phase"),
    Column("peak_zinc_nM", "float64", "nM", "Highest free zinc (running mean) in the phase"),
    Column("plateau_zinc_nM", "float64", "nM", "Median free zinc in the last fifth of the phase"),
    Column("peak_f_f0", "float64", "", "F/F0 farthest from 1 (running mean) in the phase"),
    Column("time_to_peak_s", "float64", "s", "From the start of the phase to the peak"),
    Column("rate_nM_per_s", "float64", "nM/s", "Slope of free zinc over the rate window"),
    Column("rate_low_nM_per_s", "float64", "nM/s", "Lower end of its 95 % interval"),
    Column("rate_high_nM_per_s", "float64", "nM/s", "Upper end of its 95 % interval"),
    Column("rate_f_f0_per_s", "float64", "1/s", "Slope of F/F0 over the rate window"),
    Column("rate_window_s", "float64", "s", "Length of the rate window"),
    Column("rate_r2", "float64", "", "Coefficient of determination of the slope of free zinc"),
    Column(
        "exponential_rate_nM_per_s",
        "float64",
        "nM/s",
        "Initial slope of a single exponential fitted to the phase",
    ),
    Column("half_time_s", "float64", "s", "Time to half of the change from baseline to plateau"),
    Column("auc_nM_s", "float64", "nM·s", "Area above the level before the phase"),
    Column("decay_rate_per_s", "float64", "1/s", "Rate constant of the fall, exponential fit"),
    Column("peak_normalised_rate_per_s", "float64", "1/s", "Slope of free zinc over its peak"),
    Column("residual_fraction", "float64", "", "Level at the end over the level at the start"),
    Column("total_rate_uM_per_s", "float64", "µM/s", "Total flux; only with load and κ given"),
    Column(
        "kappa_indicator",
        "float64",
        "",
        "Zinc bound by the indicator per rise of free zinc, median over the rate window",
    ),
    Column("responder", "bool", "", "Whether the cell responded by the stated criterion"),
)

FRAMES: tuple[Column, ...] = (
    Column("frame", "int64", "", "Number of the frame, from 0"),
    Column("time_s", "float64", "s", "Time since the first frame"),
    _PHASE,
    Column("drift_y_um", "float64", "µm", "Shift of the field downwards since the first frame"),
    Column("drift_x_um", "float64", "µm", "Shift of the field rightwards since the first frame"),
    Column("<channel>_background", "float64", "counts", "Background of the frame"),
    Column("<channel>_background_sd", "float64", "counts", "Noise of a background pixel"),
    Column("<channel>_bleach_factor", "float64", "", "Brightness left, relative to the start"),
    Column("focus", "float64", "", "Sharpness relative to the movie's median"),
    Column("defocused", "bool", "", "Whether the frame is out of focus"),
    Column("n_cells", "int64", "", "Cells measured in the frame"),
)

SUSPECTS: tuple[Column, ...] = (
    Column("cell_id", "int64", "", "Cell to look at; 0 stands for all cells of the frame"),
    Column("frame", "int64", "", "Frame to look at; of a step the later one"),
    Column("time_s", "float64", "s", "Time since the first frame"),
    Column(
        "kind",
        "string",
        "",
        "merge, split, swap, area_jump, intensity_jump, gap, short_track, appears_inside or "
        "ends_inside; left_out or doubtful where the table of cells says why",
    ),
    Column("doubt", "float64", "", "0 to 1; how far from what is usual in this movie"),
    Column("detail", "string", "", "The numbers behind it, and the other cell, or the reason"),
    Column("accepted", "bool", "", "Whether it was judged by hand to be right as it is"),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "traces": TRACES,
    "cells": CELLS,
    "responses": RESPONSES,
    "frames": FRAMES,
    "suspects": SUSPECTS,
}

FLAGS: dict[str, str] = {
    "below_min": "signal at or below S_min: zinc is below zinc_high_nM",
    "above_max": "signal at or above S_max: zinc is above zinc_low_nM",
    "saturated_pixels": "pixels at the camera's limit",
    "dim_denominator": "denominator of the ratio too close to its background",
    "off_edge": "more than a tenth of the cell has drifted out of the frame",
    "lost": "the cell was not found, could not be measured, or has come off, in this frame",
    "defocused": "the frame is out of focus",
    "no_calibration": "no calibration for this cell",
}
"""Reasons that may stand in ``flag``."""
