"""What the command line says: plain text from plain data."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zincflux.indicators import Indicator, Record
    from zincflux.workflow import Outcome

_WIDTH = 96


def movie_text(found: dict[str, Any]) -> str:
    """Describe a movie: what `zincflux.readers.describe` found, and what is missing."""
    title = found["path"] if isinstance(found["path"], str) else found["path"][0]
    letters = (axis if axis in "TCZYX" else "?" for axis in found["axes"])
    axes = zip(letters, found["shape"], strict=True)
    rows = [
        ("format", found["format"]),
        ("axes", " × ".join(f"{axis} {length}" for axis, length in axes)),
        ("channels", ", ".join(found["channels"]) or None),
        ("pixel size", _number(found["pixel_size_um"], "µm")),
        ("frames", _count(found["n_frames"])),
        ("frame interval", _number(found["frame_interval_s"], "s")),
        ("time", _span(found["time_s"])),
        ("bit depth", _count(found["bit_depth"])),
        ("camera limit", _number(found["saturation_level"], "counts")),
        ("scenes", _several(found["scenes"])),
        ("files", _several([Path(file).name for file in found["files"]])),
    ]
    return "\n".join([title, *_table(row for row in rows if row[1] != ""), *_missing(found)])


def _missing(found: dict[str, Any]) -> list[str]:
    if not found["missing"]:
        return []
    items = [f"  {item['what']}: set {item['key']}" for item in found["missing"]]
    return [
        "missing:",
        *items,
        "zincflux init MOVIE writes an experiment file with a line for each.",
    ]


def _count(value: int | None) -> str | None:
    return None if value is None else str(value)


def _number(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:.6g} {unit}"


def _span(time_s: Sequence[float] | None) -> str | None:
    return None if time_s is None else f"{time_s[0]:.6g} to {time_s[-1]:.6g} s"


def _several(names: Sequence[str]) -> str:
    """List a few names; empty where there is only one, since it says nothing new."""
    if len(names) < 2:
        return ""
    shown = ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]} … {names[-1]}"
    return f"{len(names)}: {shown}"


def _table(rows: Iterable[tuple[str, str | None]], indent: str = "  ") -> list[str]:
    """Align names and values; a value that is long goes on in its own column."""
    kept = list(rows)
    width = max(len(name) for name, _ in kept) + 2
    lines = []
    for name, value in kept:
        text = textwrap.wrap(value or "not known", _WIDTH - width, break_on_hyphens=False)
        lines += [f"{indent}{name:{width}}{text[0]}"]
        lines += [f"{indent}{'':{width}}{more}" for more in text[1:]]
    return lines


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
    lines += _table(row for row in rows if row[1] != "")
    for record in indicator.records:
        mark = " (default)" if record is indicator.record() else ""
        lines += ["", f"{record.name}{mark}", *_table(_facts(record))]
    return "\n".join(lines)


def _facts(record: Record) -> list[tuple[str, str | None]]:
    conditions = [
        None if record.ph is None else f"pH {record.ph:g}",
        _number(record.temperature_C, "°C"),
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


def titration_text(found: dict[str, Any]) -> str:
    """Tell what a titration came to: the summary of `zincflux.titrate.Titrated`."""
    rows = [
        ("K", f"{found['k_nM']:.4g} nM ({_limits(found['k_low_nM'], found['k_high_nM'])})"),
        ("n", f"{found['hill']:.3g} ({_limits(found['hill_low'], found['hill_high'])})"),
        ("minimum", f"{found['minimum']:.4g}"),
        ("maximum", f"{found['maximum']:.4g}"),
        ("beta", None if found["beta"] is None else f"{found['beta']:.4g}"),
        ("points", f"{found['n_points']} in {_plural(found['n_replicates'], 'replicate')}"),
        ("figure", ", ".join(found["figures"])),
    ]
    title = f"{found['indicator']}: titration, 95 % intervals"
    return "\n".join([title, *_table(rows), found["out"]])


def _limits(low: float | None, high: float | None) -> str:
    """Write an interval, of which either end may not exist."""
    ends = ("no limit" if end is None else f"{end:.4g}" for end in (low, high))
    return " to ".join(ends)


def preview_text(found: dict[str, Any]) -> str:
    """Tell what a preview found, and where it is drawn."""
    size = found["diameter_um"]
    told = f"{size:g} µm" if isinstance(size, float) else str(size)
    cells = _plural(found["n_cells"], "cell")
    return f"{cells} found with a diameter of {told} (segment.diameter_um)\n{found['out']}"


def mapping_text(mapping: Sequence[dict[str, str]]) -> str:
    """Tell what each column of a table of traces was taken for."""
    rows = [
        (one["role"], " ".join(filter(None, (one["columns"], _in_unit(one["unit"]), one["how"]))))
        for one in mapping
    ]
    return "\n".join(["columns:", *_table(rows)])


def _in_unit(unit: str) -> str:
    return f"[{unit}]" if unit else ""


def outcome_text(outcome: Outcome) -> str:
    """Tell what a run came to, and where its report is."""
    found = outcome.summary()
    lines = []
    if outcome.up_to_date:
        lines.append("up to date: these results were made with the same settings and inputs")
    cells, frames = _plural(found["n_cells"], "cell"), _plural(found["n_frames"], "frame")
    lines.append(
        f"{cells} in {frames}: {found['n_with_zinc']} with zinc, {found['n_excluded']} excluded"
    )
    lines += _why_none(outcome, found)
    lines.append(str(outcome.out / "report.html"))
    return "\n".join(lines)


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _why_none(outcome: Outcome, found: dict[str, Any]) -> list[str]:
    if found["n_cells"] == 0:
        return [
            "No cells were found, so the tables are empty. "
            "Check segment.diameter_um and channels.segment."
        ]
    if found["n_with_zinc"] > 0 or (outcome.out / "calibration.toml").exists():
        return []
    if outcome.experiment.indicator == "none":
        return ["F/F0 only: no indicator is named. Set indicator, or add --indicator to a movie."]
    return [
        "F/F0 only: there is no calibration. Add phases with the roles minimum and maximum, or set "
        "calibration.minimum and calibration.maximum."
    ]


def buffer_text(found: dict[str, Any]) -> str:
    """Show a buffer: what `zincflux.buffers` computed, and by which conventions."""
    metals = found["apparent_k_M"]
    columns = (found["free_M"], found["total_M"])
    lines = [f"{'':12} {'free':>12} {'total':>12}"]
    lines += [
        f"{name:12} " + " ".join(f"{_molar(column[name]):>12}" for column in columns)
        for name in found["free_M"]
    ]
    for metal, constants in metals.items():
        lines += [
            f"{metal}-{chelator}: {_molar(found['bound_M'][metal][chelator])} bound, "
            f"apparent Kd {_molar(k)}"
            for chelator, k in constants.items()
        ]
    if found["conventions"]["hydrolysis"]:
        lines += [
            f"{metal} as the bare ion: {_molar(ion)}" for metal, ion in found["ion_M"].items()
        ]
    lines += [
        f"add {_molar(amount)} {metal} for {_molar(found['free_M'][metal])} free"
        for metal, amount in found["to_add_M"].items()
    ]
    return "\n".join([*lines, *_wells(found), "", *_table(_buffer_facts(found), indent="")])


def _wells(found: dict[str, Any]) -> list[str]:
    """List what to pipette into each well; a sign marks the wells that are doubtful."""
    wells = found.get("series")
    if not wells:
        return []
    metal = found["series_metal"]
    lines = [
        "",
        f"Wells of {found['volume_uL']:g} µL; above, the metal stock. The chelator stock is the "
        f"same without {metal}.",
        f"{'well':>4} {'free ' + metal:>12} {'p' + metal:>7} {'total ' + metal:>12} "
        f"{'chelator stock':>15} {'metal stock':>12}",
    ]
    for number, well in enumerate(wells, 1):
        exponent = "" if well["p_free"] is None else f"{well['p_free']:.2f}"
        lines.append(
            f"{number:>4} {_molar(well['free_M']):>12} {exponent:>7} {_molar(well['total_M']):>12} "
            f"{well['chelator_stock_uL']:>12.2f} µL {well['metal_stock_uL']:>9.2f} µL"
            f"{' *' if well['warnings'] else ''}"
        )
    doubts = [
        f"* {number}: {text}" for number, well in enumerate(wells, 1) for text in well["warnings"]
    ]
    return [*lines, *doubts]


def _buffer_facts(found: dict[str, Any]) -> list[tuple[str, str | None]]:
    at, by = found["conditions"], found["conventions"]
    hydrogen = "10^-pH / gamma" if by["hydrogen"] == "activity" else "10^-pH"
    charges = "as stored" if by["charges"] == "true" else "the number of protonation constants"
    return [
        (
            "conditions",
            f"pH {at['ph']:g}, {at['temperature_C']:g} °C, ionic strength "
            f"{at['ionic_strength_M']:g} M",
        ),
        ("hydrogen ion", f"{by['hydrogen']}: [H+] = {hydrogen}"),
        ("charges", f"{by['charges']}: {charges}"),
        ("hydrolysis", "counted as free" if by["hydrolysis"] else "not counted"),
        ("protonated", "complexes with a proton counted as bound"),
        ("free means", "held by no chelator"),
        ("constants", "; ".join(found["sources"])),
    ]


def _molar(value_M: float) -> str:
    """Write a concentration in the unit that suits it."""
    units = (("M", 1.0), ("mM", 1e-3), ("µM", 1e-6), ("nM", 1e-9), ("pM", 1e-12), ("fM", 1e-15))
    for unit, scale in units:
        if value_M >= 0.9999995 * scale:
            return f"{value_M / scale:.4g} {unit}"
    return f"{value_M / 1e-15:.4g} fM" if value_M else "0 M"
