"""From finished results folders to a study, one movie at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from zincflux.batch.courses import (
    Grid,
    pool,
)
from zincflux.batch.finished import Sample, read_finished
from zincflux.batch.heat import choose_cells
from zincflux.batch.passes import COUNTS, Gathered, Traced, stacked
from zincflux.batch.summaries import in_order, summarise
from zincflux.batch.values import choose_metrics, values_of
from zincflux.columns import (
    EXPERIMENTS,
    HEAT_MAP,
    QUALITY,
    conform,
)
from zincflux.pipeline import Progress
from zincflux.results.study import Study
from zincflux.statistics import StudySettings, missing_control
from zincflux.steps import complete


def collect_study(
    samples: Sequence[Sample],
    settings: StudySettings,
    *,
    name: str = "study",
    warnings: Sequence[str] = (),
) -> Study:
    """Make a study of finished results.

    Parameters
    ----------
    samples
        Rows of the sheet, in its order.
    settings
        How they are summarised.
    name
        Title.
    warnings
        What is doubtful beside the warnings of the movies.

    Raises
    ------
    ZincfluxError
        If a folder is damaged, or the settings do not fit the movies.
    """
    return complete(iter_collect(samples, settings, name=name, warnings=warnings))


def iter_collect(
    samples: Sequence[Sample],
    settings: StudySettings,
    *,
    name: str = "study",
    warnings: Sequence[str] = (),
) -> Generator[Progress, None, Study]:
    """Do what `collect_study` does, step by step, so that the caller can show progress or stop.

    The folders are read twice: first all but the traces, then the traces, one dish at a time.

    Yields
    ------
    Progress
        After each movie of each pass.

    Returns
    -------
    Study
        As the generator's return value.
    """
    done = [sample for sample in samples if sample.folder is not None]
    gathered = Gathered()
    for number, sample in enumerate(done, start=1):
        gathered.add(read_finished(sample), settings.align_phase)
        yield Progress("collect", number, len(done))
    grid = Grid.of(gathered.times)
    chosen = choose_cells(gathered.cells, gathered.responses, settings.metrics)
    traced = Traced(grid, chosen)
    for number, sample in enumerate(_by_dish(done), start=1):
        traced.add(read_finished(sample), settings.align_phase)
        yield Progress("courses", number, len(done))
    traced.close_dish()
    return _study(samples, settings, gathered, traced, (name, warnings))


def _by_dish(samples: Sequence[Sample]) -> list[Sample]:
    """Put the movies of one dish side by side, else in the order of the sheet."""
    place = {dish: n for n, dish in reversed(list(enumerate(s.dish for s in samples)))}
    return sorted(samples, key=lambda sample: place[sample.dish])


def _study(
    samples: Sequence[Sample],
    settings: StudySettings,
    gathered: Gathered,
    traced: Traced,
    told: tuple[str, Sequence[str]],
) -> Study:
    cells, responses = gathered.cells, gathered.responses
    _fill_beyond(cells, responses, traced.beyond)
    metrics = choose_metrics(settings.metrics, cells, responses)
    differing = gathered.differing(traced.grid.step_s)
    order = [sample.sample for sample in samples if sample.sample in traced.quality]
    tables = summarise(values_of(metrics, cells, responses), settings)
    conditions = [str(sample.filled_keys["condition"]) for sample in samples]
    for name in ("dishes", "conditions", "dose_response"):
        tables[name] = in_order(tables[name], conditions)
    return Study(
        name=told[0],
        settings=settings,
        experiments=_experiments(samples, gathered.counts),
        cells=cells,
        responses=responses,
        courses=in_order(pool(traced.courses, settings.alpha), conditions),
        heat_map=stacked(traced.heat, HEAT_MAP),
        quality=conform(
            pd.DataFrame([traced.quality[name] for name in order]), QUALITY, (), regions=True
        ),
        reasons=pd.DataFrame(
            [row for name in order for row in traced.reasons[name]],
            columns=["sample", "reason", "what", "n_cells"],
        ),
        warnings=(
            *(("", text) for text in (*told[1], *_own_warnings(samples, settings, differing))),
            *gathered.warnings,
        ),
        thumbnails=gathered.thumbnails,
        constants=tuple(
            replace(one, samples=tuple(names)) for one, names in gathered.constants.items()
        ),
        phases=gathered.phases,
        align_s=gathered.align_s,
        metrics=metrics,
        headline_phase=_headline_phase(metrics, tables["conditions"], settings),
        versions=gathered.versions,
        **tables,
    )


def _fill_beyond(cells: pd.DataFrame, responses: pd.DataFrame, found: dict[str, Any]) -> None:
    """Fill the columns that tell on which side of the range a level lies, in place."""
    sides = [found[str(name)] for name in cells["sample"].drop_duplicates()]
    if sides:
        cells["baseline_zinc_beyond"] = np.concatenate([side["baseline"] for side in sides])
    parts = [
        _beyond_responses(found[str(told[0])], str(told[1]), rows)
        for told, rows in responses.groupby(["sample", "phase"], sort=False)
    ]
    if parts:
        filled = pd.concat(parts)
        for level in filled:
            responses[level] = filled[level]


def _beyond_responses(sides: dict[str, Any], phase: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Tell the sides of the levels of one movie in one phase, with the index of its rows."""
    place = pd.MultiIndex.from_frame(sides["place"])
    at = place.get_indexer(pd.MultiIndex.from_frame(rows[["cell_id", "region"]]))
    columns = {}
    for level in ("peak", "plateau"):
        missing = rows[f"{level}_zinc_nM"].isna().to_numpy()
        side = np.where(missing, sides[level][phase][at], "").astype(object)
        columns[f"{level}_zinc_beyond"] = pd.Series(side, index=rows.index, dtype=object)
    return pd.DataFrame(columns)


def _experiments(samples: Sequence[Sample], counts: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **sample.filled_keys,
            "path": sample.path,
            "status": "failed" if sample.folder is None else "done",
            "reason": sample.reason,
            "folder": sample.name,
            **counts.get(sample.sample, dict.fromkeys((*COUNTS, "n_warnings"), pd.NA)),
        }
        for sample in samples
    ]
    return conform(pd.DataFrame(rows), EXPERIMENTS, (), regions=True)


def _own_warnings(
    samples: Sequence[Sample], settings: StudySettings, differing: Sequence[str]
) -> list[str]:
    """Say what is doubtful about the study as a whole."""
    failed = [sample.sample for sample in samples if sample.folder is None]
    keys = [sample.filled_keys for sample in samples]
    conditions, doses = ([key[name] for key in keys] for name in ("condition", "dose"))
    lacking = missing_control([str(c) for c in conditions], [float(d) for d in doses], settings)
    texts = [lacking] if lacking else []
    if failed:
        texts.append(
            f"{len(failed)} of {len(samples)} movies failed and are in none of the numbers: "
            f"{_listed(failed)}. The table of experiments says why."
        )
    if differing:
        texts.append(
            f"phases: {len(differing)} movies have other phases than the first one, or the same "
            f"ones at other times: {_listed(differing)}. Their courses are pooled all the same, "
            "aligned at the start of one phase; check that they belong together."
        )
    return texts


def _listed(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _headline_phase(
    metrics: Sequence[str], conditions: pd.DataFrame, settings: StudySettings
) -> str:
    """Choose the phase of the headline: the one that all are aligned to, else the first."""
    own = conditions.loc[conditions["metric"] == (metrics[0] if metrics else ""), "phase"]
    if settings.align_phase is not None and (own == settings.align_phase).any():
        return settings.align_phase
    return str(own.iloc[0]) if len(own) else ""
