"""Tables of a whole study: keys of the samples, what was measured, and what follows from it."""

from __future__ import annotations

from zincflux.columns.column import Column
from zincflux.columns.movie import CELLS, RESPONSES

SAMPLE, CONDITION, DOSE, DOSE_UNIT, REPLICATE, EXPERIMENT, BATCH, PLATE, WELL = KEYS = (
    Column("sample", "string", "", "Name of the movie, unique in the study"),
    Column("condition", "string", "", "What was done to the cells, as the sheet names it"),
    Column("dose", "float64", "dose_unit", "Dose; empty where there is none"),
    Column("dose_unit", "string", "", "Unit of the dose"),
    Column("replicate", "string", "", "Dish; several movies may be fields of one dish"),
    Column(
        "experiment", "string", "", "Independent repeat, such as the day; what n counts in tests"
    ),
    Column("batch", "string", "", "Batch of cells or reagents, as the sheet names it"),
    Column("plate", "string", "", "Plate"),
    Column("well", "string", "", "Well of the plate"),
)
"""Columns in front of every table of single samples.

A dish is told by ``condition``, ``dose``, ``dose_unit``, ``experiment`` and ``replicate`` together:
names of dishes may come again in another condition and on another day.
"""

GROUP = Column(
    "group", "string", "", "Reporter positive or negative by the gate; empty without a gate"
)
_METRIC = (
    Column("metric", "string", "", "Name of the number that is summarised, as in its own table"),
    Column("unit", "string", "", "Its unit; empty for ratios"),
    Column("phase", "string", "", "Response phase it belongs to; empty for numbers of a cell"),
    Column("region", "string", "", "Measured part; empty where there is only one"),
    GROUP,
)
ARM = (CONDITION, DOSE, DOSE_UNIT)
_CELLS_AND_DISHES = (
    Column("n_cells", "int64", "", "Cells, those beyond the range included"),
    Column("n_dishes", "int64", "", "Dishes"),
)
_COUNTS = (
    *_CELLS_AND_DISHES,
    Column(
        "n_experiments",
        "int64",
        "",
        "Independent experiments of the arm; a test may rest on fewer, see tests.csv",
    ),
)
_COUNTS_OF_TEST = (
    *_CELLS_AND_DISHES,
    Column("n_experiments", "int64", "", "Independent experiments that the test rests on: its n"),
)
_P_VALUES = (
    Column("p_value", "float64", "", "P value; empty below three experiments"),
    Column("p_adjusted", "float64", "", "P value adjusted for the number of comparisons"),
    Column("adjustment", "string", "", "How it was adjusted"),
    Column("effect_size", "float64", "", "Effect over the spread between experiments"),
    Column("effect_measure", "string", "", "How the effect size is defined"),
)
_NOTE = Column("note", "string", "", "Why a number is absent, or what to mind")
_BEYOND = (
    Column("share_below", "float64", "", "Share of cells below the calibrated range"),
    Column("share_above", "float64", "", "Share of cells above the calibrated range"),
)


def _beyond_range(number: str) -> Column:
    meaning = "Side of the range on which it lies, below or above; empty where it is a number"
    return Column(f"{number}_beyond", "string", "", f"{meaning}, or missing")


STUDY_CELLS = (*KEYS, *CELLS, _beyond_range("baseline_zinc"))

STUDY_RESPONSES = (
    *KEYS,
    *RESPONSES,
    GROUP,
    Column("excluded", "bool", "", "Whether summaries leave the cell out"),
    _beyond_range("peak_zinc"),
    _beyond_range("plateau_zinc"),
)

DISHES = (
    *_METRIC,
    *ARM,
    EXPERIMENT,
    REPLICATE,
    Column("n_cells", "int64", "", "Cells of the dish, those beyond the range included"),
    Column("n_below", "int64", "", "Cells below the calibrated range"),
    Column("n_above", "int64", "", "Cells above the calibrated range"),
    Column("n_missing", "int64", "", "Cells without a number for another reason"),
    Column(
        "median",
        "float64",
        "unit",
        "Median over cells, those beyond the range ranked first or last; empty if it lies beyond",
    ),
    Column("mean", "float64", "unit", "Mean; empty where more than 5 % lie beyond the range"),
    Column("geometric_mean", "float64", "unit", "Geometric mean, under the same condition"),
    Column("level", "float64", "unit", "Whichever of the three stands for the dish"),
    Column(
        "beyond",
        "string",
        "",
        "Why level is empty: below, above, both (of the range), or not positive",
    ),
)

CONDITIONS = (
    *_METRIC,
    *ARM,
    *_COUNTS,
    Column("median", "float64", "unit", "Median over all cells, those beyond the range ranked"),
    Column("mean_of_dishes", "float64", "unit", "Mean over dishes, of what stands for a dish"),
    Column("sem_of_dishes", "float64", "unit", "Standard error of that mean over dishes"),
    *_BEYOND,
    Column("share_missing", "float64", "", "Share of cells without a number for another reason"),
    Column("responder_fraction", "float64", "", "Share of cells that responded"),
    Column("control", "string", "", "Arm it is compared with; empty if there is none"),
    Column(
        "pairing",
        "string",
        "",
        "How it is compared: paired (by experiment) or unpaired; empty without a control",
    ),
    Column("fold_change", "float64", "", "Over the control: e to the mean log ratio"),
    Column("fold_low", "float64", "", "Lower end of its t interval over experiments"),
    Column("fold_high", "float64", "", "Upper end of its t interval over experiments"),
    Column("difference", "float64", "unit", "From the control, mean over experiments"),
    Column("difference_low", "float64", "unit", "Lower end of its t interval over experiments"),
    Column("difference_high", "float64", "unit", "Upper end of its t interval over experiments"),
    *_P_VALUES,
    Column(
        "bootstrap_low",
        "float64",
        "",
        "Lower end of the bootstrap interval of the fold change, or of the difference",
    ),
    Column("bootstrap_high", "float64", "", "Upper end; too narrow below ten experiments"),
    _NOTE,
)

TESTS = (
    *_METRIC,
    Column("test", "string", "", "Name of the test"),
    Column("compared", "string", "", "What is compared"),
    Column("control", "string", "", "With what it is compared"),
    *_COUNTS_OF_TEST,
    Column("estimate", "float64", "scale", "Estimated effect"),
    Column("scale", "string", "", "What the estimate is: log ratio, difference, …"),
    Column("low", "float64", "scale", "Lower end of its interval"),
    Column("high", "float64", "scale", "Upper end of its interval"),
    Column("statistic", "float64", "", "Test statistic"),
    Column("df", "float64", "", "Degrees of freedom"),
    *_P_VALUES,
    Column("converged", "bool", "", "Whether the fit, where there is one, converged"),
    Column("is_headline", "bool", "", "Whether the conclusion is to rest on this test"),
    _NOTE,
)

DOSE_RESPONSE = (
    *_METRIC,
    CONDITION,
    DOSE_UNIT,
    Column("n_doses", "int64", "", "Doses, 0 included"),
    Column("n_experiments", "int64", "", "Independent experiments"),
    Column("n_dishes", "int64", "", "Dishes"),
    Column("n_cells", "int64", "", "Cells, those beyond the range included"),
    Column("bottom", "float64", "unit", "Level that the curve leaves at low doses"),
    Column("top", "float64", "unit", "Level that it approaches at high doses"),
    Column("ec50", "float64", "dose_unit", "Dose of half the change"),
    Column("ec50_low", "float64", "dose_unit", "Lower end of its confidence interval"),
    Column("ec50_high", "float64", "dose_unit", "Upper end of its confidence interval"),
    Column("hill", "float64", "", "Hill coefficient of the curve"),
    Column("hill_low", "float64", "", "Lower end of its confidence interval"),
    Column("hill_high", "float64", "", "Upper end of its confidence interval"),
    Column("trend_statistic", "float64", "", "Statistic of the trend over ordered doses"),
    Column("trend_p_value", "float64", "", "Its p value; empty below three experiments"),
    Column("converged", "bool", "", "Whether the fit converged and tells the curve"),
    _NOTE,
)

COURSES = (
    *ARM,
    GROUP,
    Column("region", "string", "", "Measured part; empty where there is only one"),
    Column("quantity", "string", "", "Column of the traces that is followed"),
    Column("time_s", "float64", "s", "Time since the start of the phase that all are aligned to"),
    *_COUNTS,
    Column(
        "median", "float64", "as the quantity", "Median over dishes, those beyond the range ranked"
    ),
    Column("mean_of_dishes", "float64", "as the quantity", "Mean over experiments of dish medians"),
    Column("sem_of_dishes", "float64", "as the quantity", "Standard error over experiments"),
    Column("low", "float64", "as the quantity", "Lower end of the mean's confidence interval"),
    Column("high", "float64", "as the quantity", "Upper end of the mean's confidence interval"),
    *_BEYOND,
)

HEAT_MAP = (
    *ARM,
    GROUP,
    SAMPLE,
    Column("cell_id", "int64", "", "Number of the cell in its sample"),
    Column("quantity", "string", "", "Column of the traces that is followed"),
    Column("rank", "int64", "", "Place of the cell in its arm by the headline, 0 the largest"),
    Column("time_s", "float64", "s", "Time since the start of the phase that all are aligned to"),
    Column("value", "float64", "as the quantity", "Value; empty where there is no number"),
    Column("beyond", "string", "", "Side of the range on which it lies, or empty"),
)

EXPERIMENTS = (
    *KEYS,
    Column("path", "string", "", "Movie, as the sheet names it"),
    Column("status", "string", "", "How it ended: done or failed"),
    Column("reason", "string", "", "Why it failed"),
    Column("folder", "string", "", "Folder of its results, below that of the study"),
    Column("n_frames", "Int64", "", "Frames"),
    Column("n_cells", "Int64", "", "Cells found"),
    Column("n_excluded", "Int64", "", "Cells that summaries leave out"),
    Column("n_with_zinc", "Int64", "", "Cells with zinc in at least one frame"),
    Column("n_warnings", "Int64", "", "Warnings of the run"),
)

QUALITY = (
    *KEYS,
    Column("n_frames", "int64", "", "Frames"),
    Column("n_found", "int64", "", "Cells found"),
    Column("n_excluded", "int64", "", "Cells that summaries leave out"),
    Column("n_doubtful", "int64", "", "Cells that are used, but doubtful"),
    Column("n_with_zinc", "int64", "", "Cells with zinc in at least one frame"),
    *(
        Column(
            f"share_{side}", "float64", "", f"Share of measurements of used cells {side} the range"
        )
        for side in ("below", "above")
    ),
    Column("saturated_share", "float64", "", "Share of measurements with pixels at the limit"),
    Column("drift_um", "float64", "µm", "Farthest shift of the field from where it began"),
    Column("bleaching_left", "float64", "", "Brightness left at the end, of the dimmest channel"),
    Column("n_defocused", "int64", "", "Frames out of focus"),
    Column("focus_lowest", "float64", "", "Lowest sharpness relative to the movie's median"),
    Column("dynamic_range", "float64", "", "Median of S_max / S_min over used cells"),
    Column("dynamic_range_low", "float64", "", "Its lower quartile"),
    Column("dynamic_range_high", "float64", "", "Its upper quartile"),
    Column("usable_low_nM", "float64", "nM", "Least zinc that is told within the usual factor"),
    Column("usable_high_nM", "float64", "nM", "Most zinc that is told within the usual factor"),
    Column("n_no_plateau", "int64", "", "Cells whose minimum or maximum was not reached"),
    Column(
        "leak_per_min",
        "float64",
        "1/min",
        "Relative slope of the signal before the first response, median over used cells: dye that "
        "leaks, bleaching that is left, or drift",
    ),
    Column("n_warnings", "int64", "", "Warnings of the run"),
)

STUDY_TABLES: dict[str, tuple[Column, ...]] = {
    "experiments": EXPERIMENTS,
    "cells": STUDY_CELLS,
    "responses": STUDY_RESPONSES,
    "dishes": DISHES,
    "conditions": CONDITIONS,
    "tests": TESTS,
    "dose_response": DOSE_RESPONSE,
    "courses": COURSES,
    "heat_map": HEAT_MAP,
    "quality": QUALITY,
}
"""Tables of a study by the name of their file."""
