"""What is said of the indicator library."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zincflux.wording.layout import number, table

if TYPE_CHECKING:
    from zincflux.indicators import Indicator, Record


def indicators_text(indicators: Sequence[Indicator]) -> str:
    """List indicators in columns, each with its default record, and say which is unverified."""
    lines = [f"{'name':18} {'kind':10} {'K':>12}  {'n':>4}  source of K and n"]
    for one in indicators:
        record = one.record()
        doubt = "unverified: " if record.confidence == "unverified" else ""
        source = textwrap.shorten(doubt + record.source, 60, placeholder=" …")
        lines.append(f"{one.name:18} {one.kind:10} {_k(record):>12}  {record.hill:>4g}  {source}")
    lines.append("zincflux indicators NAME shows conditions, other values, citations and checks.")
    return "\n".join(lines)


def indicator_text(indicator: Indicator) -> str:
    """Show one indicator with all its records."""
    direction = "signal falls with zinc" if indicator.turn_off else "signal rises with zinc"
    rows = [
        ("excitation", _wavelengths(indicator.excitation_nm)),
        ("emission", _wavelengths(indicator.emission_nm)),
        ("dynamic range", _range(indicator.dynamic_range)),
        ("source of these", indicator.optics_source or None),
        ("note", indicator.note),
    ]
    lines = [f"{indicator.name}: {indicator.kind}, {direction}"]
    lines += table(row for row in rows if row[1] != "")
    for record in indicator.records:
        mark = " (default)" if record is indicator.record() else ""
        lines += ["", f"{record.name}{mark}", *table(_facts(record))]
    return "\n".join(lines)


def _facts(record: Record) -> list[tuple[str, str | None]]:
    conditions = [
        None if record.ph is None else f"pH {record.ph:g}",
        number(record.temperature_C, "°C"),
        None if record.ionic_strength_M is None else f"I = {record.ionic_strength_M:g} M",
    ]
    is_power = record.hill_convention == "power"
    rows = [
        ("K", f"{_k(record)}, occupancy Z^n / ({'K' if is_power else 'K^n'} + Z^n)"),
        ("n", f"{record.hill:g}"),
        ("beta", "contained in K" if record.k_includes_beta else "not contained in K"),
        ("conditions", ", ".join(text for text in conditions if text) or None),
        ("source", record.source),
        ("doi", f"https://doi.org/{record.doi}" if record.doi else None),
        ("confidence", _confidence(record)),
        ("note", record.note),
    ]
    return [row for row in rows if row[1] != ""]


def _confidence(record: Record) -> str:
    if record.confidence == "unverified":
        return "unverified: not read in any source, look it up before you publish"
    return record.confidence


def _k(record: Record) -> str:
    """Write K with its unit: nM^n where the record uses the power convention."""
    spread = "" if record.k_sd_nM is None else f" ± {record.k_sd_nM:g}"
    unit = f"nM^{record.hill:g}" if record.hill_convention == "power" else "nM"
    return f"{record.k_nM:g}{spread} {unit}"


def _wavelengths(values_nm: Sequence[float]) -> str | None:
    return f"{', '.join(f'{value:g}' for value in values_nm)} nm" if values_nm else None


def _range(limits: tuple[float, float] | None) -> str | None:
    if limits is None:
        return None
    low, high = limits
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
