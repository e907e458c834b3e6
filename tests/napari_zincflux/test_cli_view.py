"""``zincflux view`` starts napari as a program of its own."""

import importlib.util
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from zincflux.cli import app

run = CliRunner().invoke


@pytest.fixture
def started(monkeypatch):
    """Commands that were started, without starting them."""
    calls = []

    def note(command, check):
        calls.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", note)
    return calls


def test_napari_is_started_with_the_place(started, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    result = run(app, ["view", str(tmp_path)])
    assert started == [[sys.executable, "-m", "napari_zincflux", str(tmp_path)]]
    assert result.exit_code == 3


def test_a_place_that_is_not_there_is_told(started, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    result = run(app, ["view", str(tmp_path / "none")])
    assert "no such file or folder. Check the path." in result.stderr
    assert result.exit_code == 3
    assert not started


def test_without_napari_it_says_what_to_install(started, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run(app, ["view", str(tmp_path)])
    assert 'python -m pip install "zincflux[napari]"' in result.stderr
    assert result.exit_code == 2
    assert not started
