"""What a sheet says about the comparison, checked before any movie runs: keys and ``[study]``."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from zincflux.batch.problems import Problems, column, shown
from zincflux.batch.values import METRICS
from zincflux.statistics.settings import StudySettings

Rows = Mapping[int, Mapping[str, str]]
"""Filled cells of each row by column, by the row's number in the spreadsheet."""

_ALL_OR_NONE = ("condition", "experiment")
_ALIKE = ("condition", "dose_unit", "experiment")
_MICRO = re.compile(r"(?<![^\W\d_])u(?=(?:m|mol|g)(?![^\W\d_]))")


def check_keys(rows: Rows, problems: Problems) -> None:
    """Refuse keys that would divide what belongs together, or join what does not.

    Parameters
    ----------
    rows
        All rows of the sheet.
    problems
        Takes what is wrong.
    """
    for name in _ALL_OR_NONE:
        _check_filled(rows, name, problems)
    for name in _ALIKE:
        _check_spelling(rows, name, problems)
    _check_units(rows, problems)


def alike(text: str) -> str:
    """Give what two spellings of one name share: case, width and the micro sign do not count.

    Examples
    --------
    >>> alike("5 uM ZnCl2") == alike("5 \u00b5M  zncl2") == alike("5 \u03bcM ZnCl2")
    True
    >>> alike("urea") == alike("\u03bcrea")
    False
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _MICRO.sub("\u03bc", unicodedata.normalize("NFKC", plain))


def _check_filled(rows: Rows, name: str, problems: Problems) -> None:
    empty = [line for line, row in rows.items() if name not in row]
    if not 0 < len(empty) < len(rows):
        return
    for line in empty:
        problems.add(
            line,
            column(name),
            "expected a name in every row or in none, found an empty cell. Fill it in",
        )


def _check_spelling(rows: Rows, name: str, problems: Problems) -> None:
    first: dict[str, tuple[str, int]] = {}
    for line, row in rows.items():
        if name not in row:
            continue
        other, other_line = first.setdefault(alike(row[name]), (row[name], line))
        if other != row[name]:
            problems.add(
                line,
                column(name),
                f"expected one spelling of a name, found {shown(row[name])} here and "
                f"{shown(other)} in row {other_line}, which differ only in case, spaces or letters "
                "that look alike, such as u and µ (U+00B5, U+03BC). Copy one spelling into both, "
                "or rename one if they are different",
            )


def _check_units(rows: Rows, problems: Problems) -> None:
    """Refuse several units in one condition; its rows without a dose are compared by themselves."""
    first: dict[tuple[str, bool], tuple[str, int]] = {}
    for line, row in rows.items():
        unit, condition = row.get("dose_unit", ""), row.get("condition", "")
        key = (alike(condition), "dose" in row)
        other, other_line = first.setdefault(key, (unit, line))
        if alike(other) != alike(unit):
            of = f"condition {shown(condition)}" if condition else "all rows"
            problems.add(
                line,
                column("dose_unit"),
                f"expected one unit for {of}, found {_unit(unit)} here and {_unit(other)} in row "
                f"{other_line}. Write its doses in one unit",
            )


def _unit(text: str) -> str:
    return shown(text) if text else "none"


def check_study(
    study: StudySettings,
    rows: Rows,
    phases: Mapping[int, Sequence[str]],
    where: str,
    problems: Problems,
) -> None:
    """Refuse names in ``[study]`` that nothing of the sheet has.

    Parameters
    ----------
    study
        The settings.
    rows
        All rows of the sheet.
    phases
        Names of the phases of each row whose settings could be read.
    where
        What the settings came from, as messages say it.
    problems
        Takes what is wrong.
    """
    conditions = sorted({row["condition"] for row in rows.values() if "condition" in row})
    for key in ("control", "subtract_control"):
        name = getattr(study, key)
        if name is not None and name not in conditions:
            text = f"expected a condition of the sheet, found {shown(name)}"
            problems.add(None, f"{where}, study.{key}", f"{text}. {_hint(name, conditions)}")
    for name in study.metrics:
        if name not in METRICS:
            problems.add(
                None,
                f"{where}, study.metrics",
                f"expected numbers of cells or responses, found {shown(name)}. "
                f"{_hint(name, METRICS, 'The result tables list them')}",
            )
    for line, text in _lacking(study.align_phase, phases):
        problems.add(line, f"{where}, study.align_phase", text)


def _lacking(wanted: str | None, phases: Mapping[int, Sequence[str]]) -> Iterator[tuple[int, str]]:
    for line, names in phases.items():
        if wanted is None or wanted in names:
            continue
        advice = _hint(wanted, names) if names else "Found none: add [[phases]], or remove the key"
        yield line, f"expected a phase of every movie, found {shown(wanted)}. {advice}"


def _hint(name: str, known: Collection[str], otherwise: str = "") -> str:
    # In order: the closest of a set would depend on how texts are hashed.
    near = difflib.get_close_matches(name, sorted(known), n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    if otherwise:
        return otherwise
    return f"Known: {', '.join(sorted(known))}" if known else "Found none: fill in the column"
