"""The page of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from zincflux.report.arms import NAME_LENGTH, Arm, arms_of
from zincflux.report.chart_data import to_json
from zincflux.report.chart_tables import (
    course_table,
    dish_table,
    dose_table,
    heat_table,
    number_text,
    percent_text,
)
from zincflux.report.doses import dose_chart
from zincflux.report.headline import headline
from zincflux.report.heat import heat_chart
from zincflux.report.methods import methods_text
from zincflux.report.page import clip, render_page
from zincflux.report.panels import Panel, panels_of
from zincflux.report.pictures import static_picture
from zincflux.report.quality import films
from zincflux.report.study_courses import courses_chart
from zincflux.report.summary import NOTHING
from zincflux.report.superplot import superplot_chart
from zincflux.report.traces import Chart
from zincflux.results.study import Study
from zincflux.settings import dumps
from zincflux.statistics.keys import DISH, MAX_CENSORED, arm_label

_FILES = {
    "conditions.csv": "Each condition: n, estimates, intervals, fold changes",
    "tests.csv": "Every test",
    "dose_response.csv": "Fitted curves; only where there are doses",
    "experiments.csv": "Every movie: done or failed and why",
    "study.xlsx": "All of these as one workbook",
    "cells.parquet": "Every cell of every movie, with the keys of the sheet",
    "responses.parquet": "Every cell and response phase",
    "courses.parquet": "Time courses by condition",
    "wide/": "One table per metric with a column per condition, for Prism and the like",
    "figures/": "Figures as SVG and PDF",
    "study.json": "Versions, settings and warnings",
}


def render_study(study: Study) -> str:
    """Render a study as one HTML page.

    The page holds its style, script and figures, loads nothing, and is the same whenever the study
    is. Names of conditions, samples and phases are shown as text, whatever they hold.

    Parameters
    ----------
    study
        A finished study, also one in which every movie failed.

    Returns
    -------
    str
        The HTML text, to be stored as UTF-8.
    """
    return render_page("study.html.j2", _content(study))


def _content(study: Study) -> dict[str, Any]:
    panels, movies = panels_of(study), films(study)
    arms = arms_of(study.conditions, study.courses, control=study.settings.control)
    charts = _charts(study, arms, panels)
    done = int((study.experiments["status"] == "done").sum())
    return {
        "title": study.name or "Zinc study",
        "headline": headline(study),
        "facts": _facts(study, done),
        "warnings": _warnings(study),
        "failed": [film for film in movies if film["failed"]],
        "films": movies,
        "charts": charts,
        "statistics": [_statistics(study, panel, arms) for panel in panels],
        "compared": _compared(study),
        "curves": [row for panel in panels for row in _curves(study, panel)],
        "alpha": 100 * (1 - study.settings.alpha),
        "methods": methods_text(study),
        "constants": study.constants,
        "contents": _contents(charts, panels),
        "files_beside": _files(study),
        "settings": dumps(study.settings, comments=False),
        "versions": study.versions,
        "level": study.settings.level,
        "max_censored": MAX_CENSORED,
    }


def _contents(charts: Mapping[str, Chart | None], panels: list[Panel]) -> list[tuple[str, str]]:
    known = [
        ("courses", "Time courses", charts["courses"] is not None),
        ("dishes", "Dishes and cells", charts["superplot"] is not None),
        ("dose", "Dose response", charts["dose"] is not None),
        ("map", "All cells", charts["heat"] is not None),
        ("statistics", "Statistics", bool(panels)),
        ("quality", "Quality", True),
        ("methods", "Methods", True),
        ("provenance", "Files and provenance", True),
    ]
    return [(anchor, title) for anchor, title, is_there in known if is_there]


def _files(study: Study) -> list[tuple[str, str]]:
    absent = set() if len(study.dose_response) else {"dose_response.csv"}
    return [item for item in _FILES.items() if item[0] not in absent]


def _facts(study: Study, done: int) -> list[tuple[str, str]]:
    """Count what the study holds: number and what is counted."""
    rows = study.experiments[study.experiments["status"] == "done"]
    failed = len(study.experiments) - done
    n_days = rows["experiment"].nunique()
    n_dishes = len(rows[[name for name in DISH if name != "group"]].drop_duplicates())
    n_cells = int(pd.to_numeric(rows["n_cells"]).fillna(0).sum())
    n_out = int(pd.to_numeric(rows["n_excluded"]).fillna(0).sum())
    facts = [
        (str(n_days), "experiment" if n_days == 1 else "experiments"),
        (str(n_dishes), "dish" if n_dishes == 1 else "dishes"),
        (str(done), "movie" if done == 1 else "movies"),
        (str(n_cells - n_out), f"cells used, {n_out} excluded" if n_out else "cells used"),
    ]
    return [*facts, (str(failed), "failed")] if failed else facts


def _warnings(study: Study) -> list[tuple[str, list[str]]]:
    """Group the warnings that are the same in several samples: text, samples."""
    by_text: dict[str, list[str]] = {}
    for sample, text in study.warnings:
        by_text.setdefault(text, []).append(sample)
    return [(text, [name for name in names if name]) for text, names in by_text.items()]


def _charts(study: Study, arms: tuple[Arm, ...], panels: list[Panel]) -> dict[str, Chart | None]:
    """Make the charts that the study has data for."""
    has_doses = len(study.dose_response) > 0 and any(not np.isnan(arm.dose) for arm in arms)
    made: dict[str, Chart | None] = dict.fromkeys(("courses", "superplot", "dose", "heat"))
    if len(study.courses):
        made["courses"] = _chart(
            study, "courses", courses_chart(study, arms), course_table(study, arms)
        )
    if panels:
        chart, table = superplot_chart(study, arms, panels), dish_table(study, arms, panels)
        made["superplot"] = _chart(study, "superplot", chart, table)
    if panels and has_doses:
        chart, table = dose_chart(study, arms, panels), dose_table(study, arms, panels)
        made["dose"] = _chart(study, "dose_response", chart, table)
    if len(study.heat_map):
        made["heat"] = _chart(study, "heat_map", heat_chart(study, arms), heat_table(study, arms))
    return made


def _chart(
    study: Study, kind: str, chart: dict[str, Any], table: dict[str, Any] | None
) -> Chart | None:
    if not chart["measures"]:
        return None
    return Chart(to_json(chart), static_picture(study, kind), chart["title"], table)


def _p(value: float) -> str:
    """Write a P value as journals do."""
    if not np.isfinite(value):
        return NOTHING
    return "<0.0001" if value < 1e-4 else f"{value:.2g}"


def _between(low: float, high: float) -> str:
    if not (np.isfinite(low) and np.isfinite(high)):
        return NOTHING
    return f"{number_text(low)} to {number_text(high)}"


def _statistics(study: Study, panel: Panel, arms: tuple[Arm, ...]) -> dict[str, Any]:
    """Write one metric: its conditions and its tests."""
    conditions, tests = panel.rows(study.conditions), panel.rows(study.tests)
    scale, unit = panel.scale(conditions["mean_of_dishes"].to_numpy(dtype=np.float64))
    rows = [
        _condition(arm, row, scale) for arm in arms for _, row in arm.rows(conditions).iterrows()
    ]
    is_fold = not np.isfinite(conditions["difference"].to_numpy(dtype=np.float64)).any()
    return {
        "name": panel.name,
        "unit": unit,
        "change": "Fold change" if is_fold else "Difference",
        "conditions": rows,
        "tests": [_test(row) for _, row in tests.iterrows()],
        "notes": list(dict.fromkeys(note for note in conditions["note"] if note)),
    }


def _compared(study: Study) -> str:
    """Say what the changes in the tables are; empty where nothing is compared."""
    rows = study.conditions
    folds, differences = (
        np.isfinite(rows[name].to_numpy(dtype=np.float64)).any()
        for name in ("fold_change", "difference")
    )
    said = [
        "Fold changes are e to the mean log ratio to the control." if folds else "",
        "Differences are those of the means from the control." if differences else "",
        "Where experiments have both arms, they are compared within each experiment."
        if "paired" in set(rows["pairing"])
        else "",
        "Arms that share too few experiments are compared as independent (Welch)."
        if "unpaired" in set(rows["pairing"])
        else "",
    ]
    return " ".join(filter(None, said))


def _condition(arm: Arm, row: Any, scale: float) -> dict[str, Any]:
    sem = float(row["sem_of_dishes"]) * scale
    mean = number_text(row["mean_of_dishes"] * scale)
    shares = [percent_text(row[f"share_{of}"]) for of in ("below", "above", "missing")]
    change = [float(row[key]) for key in ("fold_change", "fold_low", "fold_high")]
    if np.isfinite(row["difference"]):
        names = ("difference", "difference_low", "difference_high")
        change = [float(row[key]) * scale for key in names]
    return {
        "name": arm.name,
        "counts": f"{row['n_experiments']} / {row['n_dishes']} / {row['n_cells']}",
        "median": number_text(row["median"] * scale),
        "mean": f"{mean} ± {number_text(sem)}" if np.isfinite(sem) else mean,
        "change": number_text(change[0]),
        "interval": _between(change[1], change[2]),
        "control": _short_control(arm, str(row["control"])),
        "p": _p(row["p_adjusted"] if np.isfinite(row["p_adjusted"]) else row["p_value"]),
        "effect": number_text(row["effect_size"]),
        "responders": percent_text(row["responder_fraction"]),
        "beyond": " / ".join(shares),
    }


def _short_control(arm: Arm, control: str) -> str:
    """Name the control; without the condition where that is the arm's own."""
    return clip(control.removeprefix(f"{arm.condition}, "), NAME_LENGTH)


def _test(row: Any) -> dict[str, Any]:
    is_ratio = row["scale"] == "log ratio"
    numbers = [float(row[key]) for key in ("estimate", "low", "high")]
    if is_ratio:
        numbers = [float(np.exp(value)) for value in numbers]
    group = f" (reporter {row['group']})" if row["group"] else ""
    return {
        "test": str(row["test"]),
        "compared": str(row["compared"]) + group,
        "control": str(row["control"]),
        "n": str(row["n_experiments"]),
        "estimate": number_text(numbers[0]),
        "scale": "ratio" if is_ratio else str(row["scale"]),
        "interval": _between(numbers[1], numbers[2]),
        "statistic": number_text(row["statistic"]),
        "df": number_text(row["df"]),
        "p": _p(row["p_value"]),
        "adjusted": _p(row["p_adjusted"]),
        "adjustment": str(row["adjustment"]),
        "is_headline": bool(row["is_headline"]),
        "note": str(row["note"]) if row["converged"] else f"did not converge; {row['note']}",
    }


def _curves(study: Study, panel: Panel) -> list[dict[str, str]]:
    """Write the fitted dose responses of one metric."""
    return [
        {
            "metric": panel.name,
            "condition": arm_label(str(row["condition"]), np.nan, "")
            + (f", reporter {row['group']}" if row["group"] else ""),
            "ec50": f"{number_text(row['ec50'])} {row['dose_unit']}"
            if np.isfinite(row["ec50"])
            else NOTHING,
            "interval": _between(row["ec50_low"], row["ec50_high"]),
            "hill": number_text(row["hill"]),
            "hill_interval": _between(row["hill_low"], row["hill_high"]),
            "n": f"{row['n_experiments']} / {row['n_dishes']} / {row['n_cells']}",
            "trend": _p(row["trend_p_value"]),
            "note": str(row["note"]) if row["converged"] else f"no curve; {row['note']}",
        }
        for _, row in panel.rows(study.dose_response).iterrows()
    ]
