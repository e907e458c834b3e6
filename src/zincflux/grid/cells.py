"""Cells of a table → numbers and times."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta

Cell = str | float
"""A cell as it stands in the file: text, or a number where the file knows numbers."""

_MISSING = {"", "-", "--", "na", "n/a", "nan", "null", "none", "inf", "+inf", "-inf", "infinity"}
_MISSING |= {"-infinity", "#n/a", "#na", "#div/0!", "#num!", "#value!", "#ref!", "ovrflw"}
_PLAIN = re.compile(r"[-+\d.eE\n]*", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+")
_CLOCK = re.compile(r"(\d+):([0-5]?\d)(?::([0-5]?\d(?:[.,]\d+)?))?")
_MINUTES = re.compile(r"(\d+):([0-5]?\d[.,]\d+)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*")

# Excel counts days from here; a time of a day or more is given as a date of that age.
_EXCEL_DAY_0 = datetime(1899, 12, 31)


def is_missing(cell: Cell) -> bool:
    """Whether a cell holds no value: empty, or one of the words that programs write for none."""
    if isinstance(cell, str):
        return cell.lower() in _MISSING
    return not math.isfinite(cell)


def is_number(cell: Cell) -> bool:
    """Whether a cell that is not missing can be read as a number, with decimal point or comma."""
    if not isinstance(cell, str):
        return math.isfinite(cell)
    return _NUMBER.fullmatch(cell.replace(",", ".", 1).replace("−", "-")) is not None


def to_number(cell: Cell, *, decimal_comma: bool) -> float | None:
    """Read one cell; NaN where it is missing, None where it is no number."""
    if is_missing(cell):
        return math.nan
    if not isinstance(cell, str):
        return cell
    text = cell.replace("−", "-")
    if decimal_comma and "." not in text:
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def plain_numbers(cells: Sequence[Cell]) -> list[float] | None:
    """Read a column quickly that has numbers with a point, and empty cells, and nothing else.

    Returns
    -------
    The numbers, NaN where empty; None if there is anything else in the column.
    """
    if all(isinstance(cell, float) for cell in cells):
        return [float(cell) for cell in cells]
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) < len(cells) or _PLAIN.fullmatch("\n".join(texts)) is None:
        return None
    try:
        return [float(text) if text else math.nan for text in texts]
    except ValueError:
        return None


def looks_grouped(cells: Sequence[Cell]) -> Cell | None:
    """Find a comma that may group thousands instead of marking decimals.

    So it may where all commas stand before three digits, and the other cells have a decimal
    point, or are whole numbers that need no grouping although they are of hundreds.

    Returns
    -------
    The first such cell, None where there is none.
    """
    texts = [cell for cell in cells if isinstance(cell, str) and not is_missing(cell)]
    commas = [text for text in texts if "," in text]
    if not commas or not all(_GROUPED.fullmatch(text) for text in commas):
        return None
    others = [text for text in texts if "," not in text]
    hundreds = bool(others) and all(re.fullmatch(r"[-+]?\d{1,3}", text) for text in others)
    hundreds = hundreds and any(len(text.lstrip("+-")) == 3 for text in others)
    return commas[0] if hundreds or any("." in text for text in others) else None


def is_clock(cell: Cell) -> bool:
    """Whether a cell is a time such as 0:00:05.2, or a date with one."""
    return isinstance(cell, str) and bool(
        _CLOCK.fullmatch(cell) or _MINUTES.fullmatch(cell) or _DATE.fullmatch(cell)
    )


def clock_s(text: str) -> float | None:
    """Seconds of h:mm:ss, mm:ss.s or an ISO date with time; None for anything else.

    Of two fields without decimals nobody knows whether they are h:mm or mm:ss: None.

    Examples
    --------
    >>> clock_s("0:01:05.2"), clock_s("1:05.2"), clock_s("1:05")
    (65.2, 65.2, None)
    """
    if _DATE.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return (moment.replace(tzinfo=None) - _EXCEL_DAY_0).total_seconds()
    if found := _MINUTES.fullmatch(text):
        return 60 * float(found[1]) + float(found[2].replace(",", "."))
    found = _CLOCK.fullmatch(text)
    if found is None or found[3] is None:
        return None
    return 3600 * float(found[1]) + 60 * float(found[2]) + float(found[3].replace(",", "."))


def plain(value: object) -> Cell:
    """Turn what a workbook or a Parquet file holds into a cell; times become text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, time):
        return value.strftime("%H:%M:%S.%f")
    if isinstance(value, datetime):
        if value.year > 1900:
            return value.isoformat(" ")
        value = value - _EXCEL_DAY_0
    if isinstance(value, timedelta):
        return _hours(value.total_seconds())
    return str(value).strip()


def as_text(cell: Cell) -> str:
    """Write a cell as text; a whole number without decimals, a missing one as nothing."""
    if isinstance(cell, str):
        return "" if is_missing(cell) else cell
    if not math.isfinite(cell):
        return ""
    return str(int(cell)) if cell.is_integer() else str(cell)


def _hours(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:09.6f}"
