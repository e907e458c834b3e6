"""Commands about indicators, buffers and titrations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zincflux.cli.options import AsJson, Debug, Quiet, Version
from zincflux.cli.terminal import print_json, print_warnings


def indicators(
    name: Annotated[str | None, typer.Argument(help="Show this one in full.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """List the indicator library, or show one indicator with conditions and citations."""
    from zincflux.indicators import indicator_names, load_indicator
    from zincflux.wording import indicator_text, indicators_text

    chosen = [load_indicator(item) for item in ([name] if name else indicator_names())]
    if as_json:
        plain = [one.model_dump(mode="json") for one in chosen]
        print_json(plain[0] if name else plain)
    elif not quiet:
        print(indicator_text(chosen[0]) if name else indicators_text(chosen))


def buffer(
    chelators: Annotated[
        list[str], typer.Option("--chelator", metavar="NAME=TOTAL", help="Such as EGTA=1mM.")
    ],
    ph: Annotated[float, typer.Option(help="pH, as the electrode reads it.")],
    metals: Annotated[
        list[str] | None,
        typer.Option(
            "--metal", metavar="SYMBOL[=TOTAL]", help="Such as Zn=0.5mM; of a series, the stock."
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Temperature, °C.")] = 25.0,
    ionic_strength: Annotated[float, typer.Option(help="Ionic strength, M.")] = 0.1,
    solve_for: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=FREE", help="Such as Zn=10nM or free=10nM: the total to add."),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Free metal of each well, such as 0.1nM,1nM,10nM.")
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="Wells in equal steps between the two stocks.")
    ] = None,
    volume: Annotated[str, typer.Option(help="Volume of a well.")] = "200uL",
    hydrogen: Annotated[str, typer.Option(metavar="activity|concentration", help="H+.")] = (
        "activity"
    ),
    charges: Annotated[
        str, typer.Option(metavar="true|legacy", help="Charges of the chelators.")
    ] = "true",
    hydrolysis: Annotated[
        bool, typer.Option("--hydrolysis/--no-hydrolysis", help="Count hydroxides of the metal.")
    ] = False,
    constants: Annotated[
        Path | None, typer.Option(help="Constants of your own, over those of the package.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Compute free metal of a chelator buffer, the total to add, or a titration plate."""
    from zincflux.buffers import Conditions, Request
    from zincflux.wording import buffer_text

    conditions = {
        "ph": ph,
        "temperature_C": temperature,
        "ionic_strength_M": ionic_strength,
        "hydrogen": hydrogen,
        "charges": charges,
        "hydrolysis": hydrolysis,
    }
    request = Request.read(chelators, metals or (), solve_for or (), constants)
    found = request.answer(
        Conditions.parse(conditions, where="buffer"), series=series, points=points, volume=volume
    )
    if as_json:
        print_json(found)
    elif not quiet:
        print_warnings(found["warnings"])
        print(buffer_text(found))


def calibrate(
    table: Annotated[str, typer.Argument(metavar="TITRATION.csv", help="Table to fit.")],
    indicator: Annotated[str, typer.Option(help="Indicator that was titrated.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("calibration.toml"),
    unit: Annotated[
        str | None, typer.Option(help="Unit of the concentrations: pM, nM, uM, mM or M.")
    ] = None,
    buffer: Annotated[
        list[str] | None, typer.Option(help="Column of buffer wells to subtract; repeatable.")
    ] = None,
    numerator: Annotated[
        list[str] | None, typer.Option(help="Column to divide; once per replicate.")
    ] = None,
    denominator: Annotated[
        list[str] | None, typer.Option(help="Column to divide by; once per replicate.")
    ] = None,
    volume: Annotated[
        str | None, typer.Option(help="Column of added volumes, to correct for dilution.")
    ] = None,
    volume_start: Annotated[
        float | None, typer.Option(help="Volume before the first addition.")
    ] = None,
    total: Annotated[
        bool, typer.Option("--total", help="Concentrations are total, not free, metal.")
    ] = False,
    indicator_nm: Annotated[
        float | None, typer.Option("--indicator-nM", help="Indicator in the wells, nM.")
    ] = None,
    hill: Annotated[float | None, typer.Option(help="Hold the Hill coefficient.")] = None,
    maximum: Annotated[float | None, typer.Option(help="Hold the saturated signal.")] = None,
    beta: Annotated[float | None, typer.Option(help="Beta of a ratio, where known.")] = None,
    error: Annotated[str, typer.Option(help="constant or relative errors.")] = "constant",
    normalise: Annotated[
        str, typer.Option(help="Replicates: auto, gain, maximum or none.")
    ] = "auto",
    drop_outliers: Annotated[
        bool, typer.Option("--drop-outliers", help="Leave out the points that do not fit.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Fit a titration: K, Hill coefficient and both ends, with intervals and a figure."""
    from zincflux.calibrate.titration import TitrationFitting
    from zincflux.calibrate.titration_table import TitrationTable
    from zincflux.titrate import titrate
    from zincflux.wording import titration_text

    reading = TitrationTable.parse(
        {
            "unit": unit,
            "buffer": buffer or (),
            "numerator": numerator or (),
            "denominator": denominator or (),
            "volume": volume,
            "volume_start": volume_start,
        },
        where="calibrate",
    )
    fitting = TitrationFitting.parse(
        {
            "error": error,
            "normalise": normalise,
            "hill": hill,
            "maximum": maximum,
            "total": total,
            "indicator_nM": indicator_nm,
            "beta": beta,
            "drop_outliers": drop_outliers,
        },
        where="calibrate",
    )
    done = titrate(table, indicator, out, reading=reading, fitting=fitting, overwrite=overwrite)
    if as_json:
        print_json(done.summary())
    elif not quiet:
        print_warnings(done.summary()["warnings"])
        print(titration_text(done.summary()))
