"""What all tests share: the real recordings, and the rule that CI skips nothing it should run."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if IN_CI else "local")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of the real recordings."""
    folder = os.environ.get("ZINCFLUX_REALDATA", "")
    if not folder:
        pytest.skip("ZINCFLUX_REALDATA names no folder of real recordings")
    if not Path(folder).is_dir():
        pytest.skip(f"ZINCFLUX_REALDATA: no such folder: {folder}")
    return Path(folder)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gui") is None:
        return
    if importlib.util.find_spec("napari") is None:
        pytest.skip("napari is not installed")
    # Without a screen Qt ends the whole process instead of raising.
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        pytest.skip("no display; run pytest under xvfb-run")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    must_run = any(item.get_closest_marker(name) for name in ("gui", "realdata", "browser"))
    if IN_CI and must_run and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} must run in CI. {reason}"
    return report
