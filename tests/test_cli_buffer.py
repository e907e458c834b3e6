"""The command `buffer`: what it prints, and the exit status."""

import json

import pytest

from runs import Shell

PLAIN = ("buffer", "--chelator", "EGTA=1mM", "--ph", "7.2")
KEYS = {"free_M", "total_M", "bound_M", "apparent_k_M", "conventions"}


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


def test_json(zf):
    at = ("--temperature", "25", "--ionic-strength", "0.1", "--json")
    status, out, _ = zf(*PLAIN, "--metal", "Zn=0.5mM", *at)
    found = json.loads(out)
    assert status == 0
    assert set(found) >= KEYS
    assert found["free_M"]["Zn"] == pytest.approx(2.565e-9, rel=1e-3)
    assert found["bound_M"]["Zn"]["EGTA"] == pytest.approx(0.5e-3, rel=1e-3)
    assert found["conventions"]["hydrogen"] == "activity"
    assert found["conventions"]["charges"] == "true"
    assert found["conventions"]["hydrolysis"] is False


def test_text_names_the_conventions(zf):
    other = ("--hydrogen", "concentration", "--charges", "legacy", "--hydrolysis")
    status, out, err = zf(*PLAIN, "--metal", "Zn=0.02mM", *other)
    assert status == 0
    for text in ("concentration: [H+] = 10^-pH", "legacy:", "counted as free", "bare ion", "Kd"):
        assert text in out
    assert "warning: Zn fills 2.0% of EGTA" in err


def test_total_to_add(zf):
    _, out, _ = zf(*PLAIN, "--metal", "Zn", "--solve-for", "free=10nM")
    assert "add 795.9 µM Zn for 10 nM free" in out


def test_series(zf):
    status, out, err = zf(*PLAIN, "--points", "3", "--volume", "0.1mL")
    assert status == 0
    assert "Wells of 100 µL" in out
    assert "  50.00 µL" in out
    assert "* 3: EGTA is" in out
    assert err == ""


def test_own_constants(zf, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        '[[chelators]]\nname = "X"\ncharge = 2\nlog_k_protonation = []\nsource = "own"\n'
        '[[chelators.complexes]]\nmetal = "Mn"\nlog_k = 6.0\nlog_k_protonated = 3.0\n',
        encoding="utf-8",
    )
    own = ("buffer", "--chelator", "X=1mM", "--metal", "Mn=0.5mM", "--constants", path)
    _, out, _ = zf(*own, "--ph", 7, "--temperature", 20, "--json")
    assert json.loads(out)["apparent_k_M"]["Mn"]["X"] == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--metal", "Mn=1mM"), "Mn with EGTA: no stability constant"),
        (("--metal", "Zn=1"), "--metal Zn: expected a number"),
        (("--metal", "Zn=1mM", "--ph", "17"), "ph: "),
        (("--metal", "Zn=1mM", "--hydrogen", "both"), "hydrogen: "),
        (("--metal", "Zn=1mM", "--charges", "wrong"), "charges: "),
        (("--metal", "Zn=1mM", "--constants", "nowhere.toml"), "no such file"),
    ],
)
def test_errors_end_with_status_2(zf, options, message):
    status, out, err = zf(*PLAIN, *options)
    assert (status, out) == (2, "")
    assert message in err


def test_quiet(zf):
    assert zf(*PLAIN, "--metal", "Zn=0.5mM", "--quiet") == (0, "", "")


def test_keyboard_interrupt(zf, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("zincflux.buffers.request.compute_buffer", interrupt)
    status, out, err = zf(*PLAIN, "--metal", "Zn=0.5mM")
    assert (status, out) == (130, "")
    assert err == "zincflux: stopped; nothing was left half written.\n"
