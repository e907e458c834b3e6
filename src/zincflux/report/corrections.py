"""What the report says of background, autofluorescence and bleaching."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zincflux.plot.style import digits


def correction_rows(corrections: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write what was subtracted and divided out, where from, and how well it is known.

    Parameters
    ----------
    corrections
        As in ``run.json``: ``background`` and ``bleaching``; empty for a table.

    Returns
    -------
    list
        ``(what, text)``; only what has an error in the intervals, or comes from another dish.
    """
    return [
        *_background(corrections.get("background", {})),
        *_bleaching(corrections.get("bleaching", {})),
    ]


def _background(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for channel, found in record.get("channels", {}).items():
        if "blank" in record:
            yield f"Background, {channel}", _blank(found, record["blank"])
        elif found["level_sd"]:
            yield f"Background, {channel}", f"{_with_sd(found['level'], found['level_sd'])} counts"
        if found["autofluorescence"] or found["autofluorescence_sd"]:
            level = _with_sd(found["autofluorescence"], found["autofluorescence_sd"])
            yield (
                f"Autofluorescence, {channel}",
                f"{level} counts from cell to cell{_unlabelled(found, record)}",
            )


def _blank(found: Mapping[str, Any], blank: Mapping[str, Any]) -> str:
    change = "unknown (one frame)" if found["change_sd"] is None else digits(found["change_sd"])
    return (
        f"{digits(found['level'])} counts from the blank {blank['from']} ({blank['n_frames']} "
        f"frame{'' if blank['n_frames'] == 1 else 's'}, {blank['n_tiles']} tiles as large as a "
        f"cell); standard deviation from place to place {digits(found['uneven_sd'])}, from frame "
        f"to frame {change}"
    )


def _unlabelled(found: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    if "unlabelled" not in record:
        return ""
    other = record["unlabelled"]
    return (
        f"; {other['n_cells']} unlabelled cells in {other['from']}, standard error of their mean "
        f"{digits(found['autofluorescence_se'])}"
    )


def _bleaching(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    borrowed = "from" in record
    for channel, found in record.get("channels", {}).items():
        rate, error = found["rate_per_s"], found["rate_se_per_s"]
        if rate is None and not borrowed:
            continue
        text = f"{100 * found['left_at_end']:.3g} % left in the last frame"
        if rate is not None:
            text = f"{_with_sd(rate, error or 0.0)} per s, {text}"
        if borrowed:
            per = "frame" if record["scales_with"] == "light" else "second"
            text += (
                f"; as the control {record['from']} lost per {per}, dishes taken to differ by "
                f"{100 * record['between_dishes_sd']:.3g} %"
            )
        yield f"Bleaching, {channel}", text


def _with_sd(value: float | None, sd: float) -> str:
    if value is None:
        return "–"
    return f"{digits(value)} ± {digits(sd)}" if sd else digits(value)
