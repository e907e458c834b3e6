"""Cells of small studies, made up or drawn."""

import numpy as np
import pandas as pd

COLUMNS = [
    *("condition", "dose", "dose_unit", "group", "experiment", "replicate", "value", "censored")
]


def values(rows):
    """Cells from (condition, experiment, replicate, numbers), without doses."""
    return pd.DataFrame(
        [
            (condition, np.nan, "", "", experiment, replicate, value, "")
            for condition, experiment, replicate, numbers in rows
            for value in numbers
        ],
        columns=COLUMNS,
    )


def drawn(
    arms,
    *,
    days=4,
    dishes=2,
    cells=20,
    seed=0,
    day_sd=0.3,
    dish_sd=0.1,
    cell_sd=0.4,
    groups=None,
):
    """Log-normal cells of arms: (condition, dose) → level. Days are shared by all arms."""
    rng = np.random.default_rng(seed)
    rows = []
    for day in range(days):
        shift = rng.normal(0, day_sd)
        for (condition, dose), level in arms.items():
            for dish in range(dishes):
                own = np.log(level) + shift + rng.normal(0, dish_sd)
                for group, factor in (groups or {"": 1.0}).items():
                    for value in np.exp(own + np.log(factor) + rng.normal(0, cell_sd, cells)):
                        unit = "" if np.isnan(dose) else "µM"
                        rows.append(
                            (condition, dose, unit, group, f"day {day}", str(dish), value, "")
                        )
    return pd.DataFrame(rows, columns=COLUMNS)


NO_DOSE = float("nan")
