"""A believable study without any movie: two salts, five doses, four experiments."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
from PIL import Image

from zincflux.columns import (
    CONDITIONS,
    COURSES,
    DISHES,
    DOSE_RESPONSE,
    EXPERIMENTS,
    HEAT_MAP,
    KEYS,
    QUALITY,
    STUDY_CELLS,
    STUDY_RESPONSES,
    TESTS,
    conform,
)
from zincflux.phases import Phase, close
from zincflux.results.study import Constants, Study
from zincflux.statistics.settings import StudySettings

KEY_NAMES = [column.name for column in KEYS]
METRICS = ("rate_nM_per_s", "peak_zinc_nM", "plateau_zinc_nM", "baseline_zinc_nM")
UNITS = {"rate_nM_per_s": "nM/s"}
PHASES = close(
    [
        Phase(name="rest", role="baseline", start_s=0, end_s=60),
        Phase(name="Zn uptake", role="response", start_s=60, end_s=300),
        Phase(name="TPEN", role="minimum", start_s=300, end_s=400),
        Phase(name="Zn + pyrithione", role="maximum", start_s=400, end_s=500),
    ]
)
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x","y")',
    "+cmd|' /C calc'!A0",
    "@SUM(1)\n2\r3",
    "\u202eright to left\u05d0\u05d1 \"quoted\" 'too', µ",
    "long " * 2000,
)


def example_study(
    *,
    conditions=("ZnCl2", "Zn citrate"),
    doses=(0.0, 30.0, 60.0, 90.0, 180.0),
    n_experiments=4,
    n_dishes=2,
    n_cells=14,
    groups=("",),
    seed=7,
) -> Study:
    """Make the study; without doses (an empty tuple) the conditions are the arms."""
    rng = np.random.default_rng(seed)
    samples = _samples(conditions, doses, n_experiments, n_dishes)
    responses = _cells(samples, n_cells, groups, rng)
    settings = StudySettings(control=conditions[0] if not doses else None)
    courses, heat = _courses(responses, rng)
    names = list(samples["sample"])
    return Study(
        name="Uptake from two zinc salts",
        settings=settings,
        experiments=_experiments(samples, n_cells),
        cells=conform(responses, STUDY_CELLS, (), regions=True),
        responses=conform(responses, STUDY_RESPONSES, (), regions=True),
        courses=courses,
        heat_map=heat,
        quality=_quality(samples, n_cells, rng),
        reasons=pd.DataFrame(
            {
                "sample": names[:2],
                "reason": ["the signal never reached the maximum", "brightness jumps in the rest"],
                "what": ["excluded", "used"],
                "n_cells": [2, 1],
            }
        ),
        warnings=(
            ("", "control: none is named, so that conditions have no fold change."),
            (names[0], "phase 'Zn + pyrithione': the signal was still rising at its end."),
        ),
        thumbnails={name: _thumbnail(i, rng) for i, name in enumerate(names[:6])},
        constants=(
            Constants(
                samples=tuple(names),
                indicator="FluoZin-3",
                kind="intensity",
                k_nM=15.0,
                hill=1.0,
                source="Gee et al., J Am Chem Soc 2002;124:776",
                doi="10.1021/ja011774y",
                confidence="read in the source",
                origin="in situ, per cell",
                background="percentile",
                segmentation="watershed",
                bleaching="exponential",
                drift="phase-correlation",
                rate_window_s=30.0,
                responder_k=3.0,
            ),
        ),
        phases=PHASES,
        align_s=60.0,
        metrics=METRICS,
        headline_phase="Zn uptake",
        versions={"python": "3.11.7", "zincflux": "0.1.0"},
        **_summaries(responses, bool(doses)),
    )


def hostile_study() -> Study:
    """Names that try to break out of HTML, CSV and spreadsheets."""
    study = example_study(conditions=HOSTILE, doses=(), n_experiments=3, n_dishes=1, n_cells=4)
    said = tuple((name, f"{name}: {name}") for name in HOSTILE)
    phases = (PHASES[0].model_copy(update={"name": HOSTILE[0]}), *PHASES[1:])
    return replace(study, name=HOSTILE[0], warnings=said, phases=phases)


def _samples(conditions, doses, n_experiments, n_dishes) -> pd.DataFrame:
    rows = [
        {
            "sample": f"{condition[:60]}-{dose:g}-day{day + 1}-dish{dish + 1}",
            "condition": condition,
            "dose": dose,
            "dose_unit": "µM" if doses else "",
            "replicate": f"dish {dish + 1}",
            "experiment": f"day {day + 1}",
            "batch": "lot A",
            "plate": "",
            "well": "",
        }
        for day in range(n_experiments)
        for condition in conditions
        for dose in (doses or (np.nan,))
        for dish in range(n_dishes)
    ]
    return pd.DataFrame(rows)


def _cells(samples, n_cells, groups, rng) -> pd.DataFrame:
    """One row per cell: keys and numbers of both tables."""
    frames = []
    days = dict(zip(sorted(set(samples.experiment)), rng.normal(0, 0.25, 50), strict=False))
    conditions = list(dict.fromkeys(samples.condition))
    for _, sample in samples.iterrows():
        place = conditions.index(sample.condition)
        dose = 0.0 if np.isnan(sample.dose) else sample.dose
        arm = (1 + 0.6 * place) * (1 + 3.0 * dose / (dose + 70 / (1 + place)))
        dish = np.exp(days[sample.experiment] + rng.normal(0, 0.1))
        rate = 0.05 * arm * dish * rng.lognormal(0, 0.4, n_cells)
        peak = 2 + 60 * rate * rng.lognormal(0, 0.1, n_cells)
        above = peak > 40
        number = np.arange(1, n_cells + 1)
        cells = pd.DataFrame(
            {
                "cell_id": number,
                "region": "",
                "group": [groups[i % len(groups)] for i in range(n_cells)],
                "phase": "Zn uptake",
                "first_frame": 0,
                "last_frame": 99,
                "n_frames": 100,
                "area_um2": rng.normal(180, 20, n_cells),
                "dynamic_range": rng.normal(9, 1, n_cells),
                "baseline_zinc_nM": rng.lognormal(0.1, 0.3, n_cells),
                "rate_nM_per_s": rate,
                "rate_f_f0_per_s": rate / 10,
                "peak_f_f0": 1 + rate * 10,
                "peak_zinc_nM": np.where(above, np.nan, peak),
                "peak_zinc_beyond": np.where(above, "above", ""),
                "plateau_zinc_nM": np.where(above, np.nan, 0.9 * peak),
                "plateau_zinc_beyond": np.where(above, "above", ""),
                "responder": rate > 0.05,
                "excluded": False,
                "reason": "",
                "signal_level": peak,
            }
        )
        frames.append(cells.assign(**{name: sample[name] for name in KEY_NAMES}))
    return pd.concat(frames, ignore_index=True)


def _summaries(responses, has_doses) -> dict[str, pd.DataFrame]:
    """Tables of plausible numbers; what zincflux.statistics gives is tested elsewhere."""
    dishes, conditions, tests, curves = [], [], [], []
    for metric in METRICS:
        told = {
            "metric": metric,
            "unit": UNITS.get(metric, "nM"),
            "phase": "" if metric.startswith("baseline") else "Zn uptake",
        }
        arm = ["condition", "dose", "dose_unit", "group"]
        grouped = responses.groupby([*arm, "experiment", "replicate"], dropna=False, sort=False)
        levels = grouped[metric].agg(["median", "mean", "size"]).reset_index()
        levels = levels.rename(columns={"size": "n_cells"}).assign(**told)
        levels["level"], levels["geometric_mean"] = levels["median"], levels["mean"]
        dishes.append(levels)
        rows = levels.groupby(arm, dropna=False, sort=False)
        table = rows.agg(
            n_cells=("n_cells", "sum"),
            n_dishes=("level", "size"),
            n_experiments=("experiment", "nunique"),
            median=("level", "median"),
            mean_of_dishes=("level", "mean"),
            sem_of_dishes=("level", "sem"),
        ).reset_index()
        table = table.assign(**told, share_above=0.02, share_below=0.0, share_missing=0.0)
        first = table["mean_of_dishes"].iloc[0]
        table["fold_change"] = table["mean_of_dishes"] / first
        table["fold_low"], table["fold_high"] = table.fold_change * 0.8, table.fold_change * 1.25
        table["p_value"] = 0.003
        table["p_adjusted"], table["adjustment"] = 0.012, "Dunnett"
        table["control"], table["pairing"], table["effect_size"] = "0 µM", "paired", 1.4
        table["responder_fraction"] = 0.8
        control_only = ["fold_change", "fold_low", "fold_high", "p_value", "p_adjusted"]
        table.loc[0, control_only] = np.nan
        table.loc[0, ["control", "pairing"]] = ""
        conditions.append(table)
        tests.append(_tests(table, told))
        if has_doses:
            curves.append(_curves(table, told))
    return {
        "dishes": _join(dishes, DISHES),
        "conditions": _join(conditions, CONDITIONS),
        "tests": _join(tests, TESTS),
        "dose_response": _join(curves, DOSE_RESPONSE),
    }


def _tests(table, told) -> pd.DataFrame:
    rows = table.iloc[1:]
    names = [
        condition if np.isnan(dose) else f"{condition}, {dose:g} µM"
        for condition, dose in zip(rows.condition, rows.dose, strict=True)
    ]
    return pd.DataFrame(
        {
            **told,
            "test": "ratio paired t test",
            "compared": names,
            "control": "control",
            "n_cells": rows.n_cells,
            "n_dishes": rows.n_dishes,
            "n_experiments": rows.n_experiments,
            "estimate": np.log(rows.fold_change),
            "scale": "log ratio",
            "low": np.log(rows.fold_low),
            "high": np.log(rows.fold_high),
            "statistic": 4.1,
            "df": 3.0,
            "p_value": 0.003,
            "p_adjusted": 0.012,
            "adjustment": "Dunnett",
            "effect_size": 1.4,
            "converged": True,
            "is_headline": True,
        }
    )


def _curves(table, told) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                **told,
                "condition": condition,
                "group": group,
                "dose_unit": "µM",
                "n_doses": len(rows),
                "n_experiments": 4,
                "n_dishes": int(rows.n_dishes.sum()),
                "n_cells": int(rows.n_cells.sum()),
                "bottom": rows.mean_of_dishes.min(),
                "top": rows.mean_of_dishes.max() * 1.2,
                "ec50": 65.0,
                "ec50_low": 41.0,
                "ec50_high": 103.0,
                "hill": 1.1,
                "hill_low": 0.7,
                "hill_high": 1.6,
                "trend_statistic": 7.7,
                "trend_p_value": 0.0002,
                "converged": True,
            }
            for (condition, group), rows in table.groupby(["condition", "group"], sort=False)
        ]
    )


def _join(tables, columns) -> pd.DataFrame:
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return conform(rows, columns, (), regions=True)


def _courses(responses, rng) -> tuple[pd.DataFrame, pd.DataFrame]:
    time = np.arange(-60, 240, 5.0)
    arms, drawn = [], []
    for key, rows in responses.groupby(
        ["condition", "dose", "dose_unit", "group"], dropna=False, sort=False
    ):
        arm = dict(zip(["condition", "dose", "dose_unit", "group"], key, strict=True))
        top = rows.peak_zinc_nM.median()
        level = 1 + top * -np.expm1(-np.clip(time, 0, None) / 50)
        arms += [
            pd.DataFrame(
                {
                    **arm,
                    "quantity": quantity,
                    "time_s": time,
                    "n_cells": len(rows),
                    "n_dishes": 8,
                    "n_experiments": 4,
                    "median": level * scale,
                    "mean_of_dishes": level * scale,
                    "sem_of_dishes": 0.1 * level * scale,
                    "low": 0.7 * level * scale,
                    "high": 1.35 * level * scale,
                    "share_below": 0.0,
                    "share_above": np.clip(time / 2000, 0, 1),
                }
            )
            for quantity, scale in (("zinc_nM", 1.0), ("f_f0", 0.2))
        ]
        some = rows.iloc[:12].sort_values("rate_nM_per_s", ascending=False)
        for rank, (_, cell) in enumerate(some.iterrows()):
            value = 1 + cell.signal_level * -np.expm1(-np.clip(time, 0, None) / 50)
            value = value * rng.lognormal(0, 0.05, len(time))
            drawn.append(
                pd.DataFrame(
                    {
                        **arm,
                        "sample": cell["sample"],
                        "cell_id": cell.cell_id,
                        "quantity": "zinc_nM",
                        "rank": rank,
                        "time_s": time,
                        "value": np.where(value > 60, np.nan, value),
                        "beyond": np.where(value > 60, "above", ""),
                    }
                )
            )
    return _join(arms, COURSES), _join(drawn, HEAT_MAP)


def _experiments(samples, n_cells) -> pd.DataFrame:
    rows = samples.assign(
        path=[f"movies/{number}.tif" for number in range(len(samples))],
        status="done",
        reason="",
        folder=[f"sample-{number:03d}" for number in range(len(samples))],
        n_frames=100,
        n_cells=n_cells,
        n_excluded=0,
        n_with_zinc=n_cells,
        n_warnings=0,
    )
    failed = rows.iloc[:1].assign(
        sample="lost", status="failed", reason="movies/lost.tif: no such file. Check the path."
    )
    failed[["n_frames", "n_cells", "n_excluded", "n_with_zinc", "n_warnings"]] = pd.NA
    return _join(
        [rows.astype({"n_frames": "Int64"}), failed.astype({"n_frames": "Int64"})], EXPERIMENTS
    )


def _quality(samples, n_cells, rng) -> pd.DataFrame:
    n = len(samples)
    rows = samples.assign(
        n_frames=100,
        n_found=n_cells + 2,
        n_excluded=2,
        n_doubtful=1,
        n_with_zinc=n_cells,
        share_below=0.01,
        share_above=0.03,
        saturated_share=0.0,
        drift_um=rng.uniform(0.2, 4, n),
        bleaching_left=rng.uniform(0.9, 0.99, n),
        n_defocused=rng.integers(0, 4, n),
        focus_lowest=0.6,
        dynamic_range=rng.normal(9, 0.5, n),
        dynamic_range_low=8.0,
        dynamic_range_high=10.0,
        usable_low_nM=0.13,
        usable_high_nM=165.0,
        n_no_plateau=1,
        leak_per_min=rng.normal(-0.004, 0.002, n),
        n_warnings=0,
    )
    return conform(rows, QUALITY, (), regions=True)


def _thumbnail(number, rng) -> bytes:
    pixels = (rng.random((96, 128, 3)) * 60).astype(np.uint8)
    pixels[20:50, 20 + number : 50 + number] = (240, 228, 66)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()
