"""A titration from its table to calibration.toml, as a function and as a command."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from runs import Shell
from zincflux.calibrate import Calibration
from zincflux.errors import ExperimentError
from zincflux.plot.titration import TitrationCurve, TitrationPoints, titration_figure
from zincflux.response import signal_from_zinc
from zincflux.titrate import titrate
from zincflux.wording import titration_text

ZINC = np.array([0, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900.0])


@pytest.fixture
def table(tmp_path):
    signal = signal_from_zinc(ZINC, 100, 1100, 15)
    rows = [f"{z:g},{s:.6f},{2 * s:.6f}" for z, s in zip(ZINC, signal, strict=True)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["zinc (nM),rep 1,rep 2", *rows]), encoding="utf-8")
    return path


def test_writes_calibration_and_figure(table, tmp_path):
    out = tmp_path / "new" / "calibration.toml"
    done = titrate(table, "FluoZin-3", out)
    assert done.fit.k_nM == pytest.approx(15, rel=1e-4)
    stored = Calibration.from_toml(out.read_text(encoding="utf-8"))
    assert stored.binding.source == "titration table.csv"
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "calibration.png",
        "calibration.svg",
        "calibration.toml",
    ]
    svg = out.with_suffix(".svg").read_bytes()
    with pytest.raises(ExperimentError, match="this file exists"):
        titrate(table, "FluoZin-3", out)
    titrate(table, "FluoZin-3", out, overwrite=True)
    assert out.with_suffix(".svg").read_bytes() == svg


def test_a_limit_that_does_not_exist_is_null(table, tmp_path):
    done = titrate(table, "FluoZin-3", tmp_path / "c.toml")
    loose = replace(done, fit=replace(done.fit, k_interval_nM=(2.5, float("inf"))))
    assert loose.summary()["k_high_nM"] is None
    assert json.dumps(loose.summary(), allow_nan=False)
    assert "nM (2.5 to no limit)" in titration_text(loose.summary())


def test_out_must_be_toml(table, tmp_path):
    with pytest.raises(ExperimentError, match=r"ends in \.toml"):
        titrate(table, "FluoZin-3", tmp_path / "c.txt")


def test_command(table, tmp_path, monkeypatch, capsys):
    shell = Shell(monkeypatch, capsys)
    out = tmp_path / "calibration.toml"
    status, text, _ = shell("calibrate", table, "--indicator", "FluoZin-3", "--out", out, "--json")
    found = json.loads(text)
    assert status == 0
    assert {
        *("indicator", "k_nM", "k_low_nM", "k_high_nM", "hill", "hill_low", "hill_high"),
        *("minimum", "maximum", "beta", "n_points", "warnings", "out"),
    } <= found.keys()
    status, text, _ = shell(
        "calibrate", table, "--indicator", "FluoZin-3", "--out", out, "--overwrite"
    )
    assert status == 0
    assert "15 nM" in text


@pytest.mark.parametrize(
    "place",
    [
        "zincflux.titrate.read_titration",
        "zincflux.titrate.fit_titration",
        "zincflux.titrate.to_png",
        "zincflux.titrate.move_into",
    ],
)
def test_keyboard_interrupt_leaves_nothing(table, tmp_path, monkeypatch, capsys, place):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupt)
    out = tmp_path / "new" / "calibration.toml"
    shell = Shell(monkeypatch, capsys)
    status, text, err = shell("calibrate", table, "--indicator", "FluoZin-3", "--out", out)
    assert (status, text) == (130, "")
    assert err == "zincflux: stopped; nothing was left half written.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_point_without_zinc_stands_left_of_a_break():
    x = np.array([0, 1, 10, 100.0])
    points = TitrationPoints(x, x, x * 0, np.zeros(4, int), x == 10, ("a",), 3.5)
    curve = TitrationCurve(x, x, x - 1, x + 1, 10.0)
    figure = titration_figure(points, curve, total=True)
    upper, lower = figure.axes
    assert lower.get_xlabel() == "Total metal (nM)"
    assert any(text.get_gid() == "break" for text in lower.texts)
    assert any(line.get_gid() == "outliers" for line in upper.lines)
    bare = TitrationPoints(x[1:], x[1:], x[1:], np.zeros(3, int), x[1:] < 0, ("a",), 3.5)
    figure = titration_figure(bare, TitrationCurve(*(x[1:],) * 4, 10.0))
    assert not any(text.get_gid() == "break" for text in figure.axes[1].texts)


def test_importing_the_package_leaves_lmfit_alone():
    import subprocess

    code = "import sys, zincflux, zincflux.cli; sys.exit('lmfit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
