"""Real titrations against the fits that their makers published."""

import io
import warnings

import numpy as np
import pytest
from scipy.optimize import curve_fit

from zincflux.calibrate.titration import (
    TitrationFitting,
    calibration_of_titration,
    fit_titration,
)
from zincflux.calibrate.titration_table import TitrationTable, read_titration
from zincflux.errors import CalibrationWarning
from zincflux.indicators import load_indicator

openpyxl = pytest.importorskip("openpyxl")
pytestmark = pytest.mark.realdata
SENSORS = ("CaMBI", "CaBLAM_332W", "CaBLAM", "GeNL(Ca2+)_480", "CaBLAM_294W")
UPSTREAM = "example_af_am_al_ft"


def fitted(table, **keys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)
        return fit_titration(table, load_indicator("FluoZin-3"), TitrationFitting(**keys))


def upstream(folder, sensor):
    path = folder / "upstream_fit_results" / f"{UPSTREAM}_{sensor}.xlsx"
    rows = openpyxl.load_workbook(path)["fit_params"].iter_rows(values_only=True)
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("sensor", SENSORS)
def test_calcium_sensors(realdata, sensor):
    folder = realdata / "ca-sensor-titrations"
    table, expected = read_titration(folder / f"{sensor}.csv"), upstream(folder, sensor)
    k, hill = expected["EC50_nM"], expected["Hill_n"]
    # As upstream did: each replicate over its largest signal, which is held as the plateau.
    same = fitted(table, normalise="maximum", maximum=1.0)
    np.testing.assert_allclose([same.k_nM, same.k_sd_nM], k, rtol=5e-3)
    np.testing.assert_allclose([same.hill, same.hill_sd], hill, rtol=5e-3)
    assert abs(same.k_nM - k[0]) < k[1]
    assert abs(same.hill - hill[0]) < hill[1]
    # By default gains and plateau are fitted. Dividing by the largest of noisy signals moves K up
    # and n down (titrations_simulated.py), so upstream's values lie to one side, in the interval.
    free = fitted(table)
    assert free.k_interval_nM[0] < k[0] < free.k_interval_nM[1]
    assert free.hill_interval[0] < hill[0] < free.hill_interval[1]
    assert free.k_nM < k[0]
    assert free.hill > hill[0]


def test_poor_plateau_and_misplaced_replicates_are_reported(realdata):
    folder = realdata / "ca-sensor-titrations"
    poor = fitted(read_titration(folder / "GeNL(Ca2+)_480.csv"))
    assert any("the saturated plateau is poor" in text for text in poor.warnings)
    clear = fitted(read_titration(folder / "CaMBI.csv"))
    assert not clear.warnings
    # Replicates 5 and 6 repeat 2 and 3, some beside the wrong concentration.
    shifted = fitted(read_titration(folder / "CaBLAM.csv")).outliers
    assert {text.split(":")[0] for text in shifted} == {
        f"line {line}, rep {rep} ({zinc} nM)"
        for line, zinc in ((5, 264), (6, 440))
        for rep in (5, 6)
    }


def plate(path, label):
    """Wells of one label of a plate reader's file; NaN where the detector was over."""
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), data_only=True)
    rows = [row for row in book.worksheets[0].iter_rows(values_only=True) if row[0] is not None]
    starts = [at for at, row in enumerate(rows) if row[0] == "<>"]
    wells = {}
    for row in rows[starts[label] + 1 : starts[label] + 9]:
        for column, value in enumerate(row[1:13], start=1):
            wells[f"{row[0]}{column:02}"] = value if isinstance(value, int | float) else np.nan
    return wells


def as_table(out, x, unit, plates, volumes, wells):
    buffers = ("D01", "E01", "D12", "E12")
    head = [f"x ({unit})", "added", *buffers, *wells]
    lines = [
        ",".join(
            [f"{at:.9g}", f"{volume:g}"]
            + ["" if np.isnan(plate[w]) else f"{plate[w]:g}" for w in (*buffers, *wells)]
        )
        for at, volume, plate in zip(x, volumes, plates, strict=True)
    ]
    out.write_text("\n".join([",".join(head), *lines]), encoding="utf-8")
    return read_titration(out, TitrationTable(buffer=buffers, volume="added"))


def ph_titration(folder, out, well):
    names, ph = zip(
        *(line.split() for line in (folder / "list.pH").read_text().splitlines()), strict=True
    )
    volumes = [float(text) for text in (folder / "additions.pH").read_text().split()]
    plates = [plate(folder / name, 1) for name in names]
    return as_table(out, 10 ** -np.array(ph, float) * 1e9, "nM", plates, volumes, [well])


@pytest.mark.parametrize("well", ["H04", "D03", "D07", "F08"])
def test_ph_titration_with_dilution_and_buffer_wells(realdata, tmp_path, well):
    folder = realdata / "tecan-fp-sensor-titration"
    table = ph_titration(folder, tmp_path / "ph.csv", well)
    np.testing.assert_allclose(table.dilution, 1 + 0.02 * np.arange(7))
    fit = fitted(table, hill=1)
    rows = (folder / "fit1.csv").read_text().replace("\n  ", " ")
    row = next(line for line in rows.splitlines() if line.startswith(f"{well},"))
    k, spread = (float(row.rpartition('",')[2].split(",")[at]) for at in (3, 6))
    assert abs(9 - np.log10(fit.k_nM) - k) < max(0.15, spread)


def chloride_plates(folder):
    """Volume over that at the start, chloride in mM, and the plates of one label by a function."""
    names = [line.split()[0] for line in (folder / "list.cl").read_text().splitlines()]
    volumes = np.array([float(text) for text in (folder / "additions.cl").read_text().split()])
    total = np.cumsum(volumes)
    chloride = 1000 * (total - total[0]) / total  # a stock of 1 M was added
    return chloride, volumes, lambda label: [plate(folder / name, label) for name in names]


def test_a_wrong_well_of_the_chloride_titration_is_named(realdata, tmp_path):
    chloride, volumes, plates_of = chloride_plates(realdata / "tecan-fp-sensor-titration")
    plates = plates_of(1)
    plates[4] = {**plates[4], "B12": plates[4]["B12"] * 3}
    wells = ["A01", "B12", "H12"]
    table = as_table(tmp_path / "cl.csv", chloride, "mM", plates, volumes, wells)
    fit = fitted(table, hill=1)
    assert table.concentration_nM[0] == 0
    assert any("line 6, B12" in text for text in fit.outliers)
    assert table.describe(int(np.argmax(np.abs(fit.residual)))).startswith("line 6, B12")


CHLORIDE_SENSOR = """
name = "chloride sensor"
kind = "intensity"
turn_off = true
default = "test"

[[records]]
name = "test"
k_nM = 1e7
hill = 1.0
k_includes_beta = false
source = "a test"
confidence = "unverified"
"""


def test_chloride_quenches_with_the_k_of_an_independent_fit(realdata, tmp_path):
    """Upstream published fits of the pH titrations alone, so SciPy stands in for it here."""
    chloride, volumes, plates_of = chloride_plates(realdata / "tecan-fp-sensor-titration")
    sensor = tmp_path / "chloride.toml"
    sensor.write_text(CHLORIDE_SENSOR, encoding="utf-8")
    wells = ["A01", "B12", "H12"]  # one mutant
    plates = plates_of(1)
    table = as_table(tmp_path / "cl.csv", chloride, "mM", plates, volumes, wells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)
        settings = TitrationFitting(hill=1)
        fit = fit_titration(table, load_indicator(sensor), settings)
    buffers = ("D01", "E01", "D12", "E12")
    raw = np.array([[p[w] - np.mean([p[b] for b in buffers]) for w in wells] for p in plates])
    signal = raw * (np.cumsum(volumes) / volumes[0])[:, None]
    scaled = signal / signal.max(axis=0)

    def model(x, ln_k, quenched, *gains):
        part = 1 / (1 + np.exp(ln_k) / np.maximum(chloride, 1e-12))
        return ((1 + (quenched - 1) * part)[:, None] * np.array(gains)).ravel()

    found, _ = curve_fit(model, None, scaled.ravel(), p0=[3, 0.1, 1, 1, 1])
    assert fit.k_nM / 1e6 == pytest.approx(np.exp(found[0]), rel=0.02)
    quotient = calibration_of_titration(fit, load_indicator(sensor)).pooled
    assert abs(quotient.dynamic_range - found[1]) < quotient.dynamic_range_se
    assert fit.maximum < fit.minimum
    assert not any("should fall" in text for text in fit.warnings)
    low, high = (limit / 1e6 for limit in fit.k_interval_nM)
    for well in wells:  # each well by itself lies around the K of all
        alone = as_table(tmp_path / f"{well}.csv", chloride, "mM", plates, volumes, [well])
        one = fitted(alone, hill=1)
        assert one.k_interval_nM[0] / 1e6 < high
        assert one.k_interval_nM[1] / 1e6 > low
