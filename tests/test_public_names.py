"""The public names: each resolves, and is the same object as in its module."""

import importlib
import runpy
import sys

import pytest

import zincflux


@pytest.mark.parametrize("name", zincflux.__all__)
def test_public_name_is_that_of_its_module(name):
    module = importlib.import_module(f"zincflux.{zincflux._HOME[name]}")
    assert getattr(zincflux, name) is getattr(module, name)


def test_every_home_is_public():
    assert sorted(zincflux._HOME) == sorted(zincflux.__all__)
    assert set(zincflux.__all__) <= set(dir(zincflux))


def test_a_name_is_looked_up_once(monkeypatch):
    monkeypatch.delitem(vars(zincflux), "open_movie", raising=False)
    first = zincflux.open_movie
    assert vars(zincflux)["open_movie"] is first


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = zincflux.nothing


def test_the_package_is_a_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zincflux", "--version"])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("zincflux", run_name="__main__")
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"zincflux {zincflux.__version__}\n"
