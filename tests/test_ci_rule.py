"""In CI, what must run may not be skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
NO_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:napari", "-p", "no:pytest-qt")
CASES = """
import pytest

@pytest.mark.realdata
def test_real(realdata):
    pass

@pytest.mark.gui
def test_gui():
    pytest.skip("no screen")

@pytest.mark.browser
def test_browser():
    pytest.skip("no browser")

def test_other():
    pytest.skip("not here")
"""


def outcomes(folder, in_ci):
    (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "test_cases.py").write_text(CASES, encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n  browser: x\n  gui: x\n  realdata: y\n"
    )
    env = {k: v for k, v in os.environ.items() if k not in {"CI", "ZINCFLUX_REALDATA"}}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *NO_PLUGINS, str(folder)],
        env=env | ({"CI": "true"} if in_ci else {}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_what_must_run_fails_in_ci_and_is_skipped_elsewhere(tmp_path):
    status, printed = outcomes(tmp_path, in_ci=False)
    assert status == 0
    assert "4 skipped" in printed
    status, printed = outcomes(tmp_path, in_ci=True)
    assert status == 1
    assert "1 skipped" in printed
    assert "test_browser must run in CI" in printed
    assert "test_gui must run in CI" in printed
    assert "test_real must run in CI" in printed
    assert "ZINCFLUX_REALDATA names no folder" in printed
