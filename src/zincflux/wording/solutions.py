"""What is said of buffers and titrations."""

from __future__ import annotations

from typing import Any

from zincflux.wording.layout import plural, table


def titration_text(found: dict[str, Any]) -> str:
    """Tell what a titration came to: the summary of `zincflux.titrate.Titrated`."""
    rows = [
        ("K", f"{found['k_nM']:.4g} nM ({_limits(found['k_low_nM'], found['k_high_nM'])})"),
        ("n", f"{found['hill']:.3g} ({_limits(found['hill_low'], found['hill_high'])})"),
        ("minimum", f"{found['minimum']:.4g}"),
        ("maximum", f"{found['maximum']:.4g}"),
        ("beta", None if found["beta"] is None else f"{found['beta']:.4g}"),
        ("points", f"{found['n_points']} in {plural(found['n_replicates'], 'replicate')}"),
        ("figure", ", ".join(found["figures"])),
    ]
    title = f"{found['indicator']}: titration, 95 % intervals"
    return "\n".join([title, *table(rows), found["out"]])


def _limits(low: float | None, high: float | None) -> str:
    """Write an interval, of which either end may not exist."""
    ends = ("no limit" if end is None else f"{end:.4g}" for end in (low, high))
    return " to ".join(ends)


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
    return "\n".join([*lines, *_wells(found), "", *table(_buffer_facts(found), indent="")])


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
