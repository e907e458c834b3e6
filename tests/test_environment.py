"""What an install promises: a cheap import, no GUI, and a README that is true."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import zincflux

ROOT = Path(__file__).parents[1]
COSTLY = {
    *("matplotlib", "napari", "numba", "pandas", "pydantic", "scipy", "skimage", "tifffile"),
    *("PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "magicgui", "vispy"),
}


def imported_after(statement):
    """Run a statement in a fresh interpreter and name the packages that it has imported."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_import_is_cheap():
    assert imported_after("import zincflux") & COSTLY == set()


def test_listing_the_public_names_is_cheap():
    assert imported_after("import zincflux; dir(zincflux); zincflux.__version__") & COSTLY == set()


@pytest.mark.slow
def test_core_imports_no_gui():
    statement = "import zincflux\nfor name in zincflux.__all__: getattr(zincflux, name)"
    gui = {"napari", "qtpy", "magicgui", "vispy", "PyQt5", "PyQt6", "PySide2", "PySide6"}
    assert imported_after(statement) & gui == set()


def test_command_line_starts_without_science():
    assert imported_after("import zincflux.cli") & (COSTLY - {"pydantic"}) == set()


def test_public_names_exist_and_are_documented():
    for name in zincflux.__all__:
        assert name == "__version__" or getattr(zincflux, name).__doc__, name


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = zincflux.nonsense


def test_version_is_written_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project.get("version", zincflux.__version__) == zincflux.__version__


def test_readme_opens_with_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first_block = re.search(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert first_block is not None
    assert first_block[1].splitlines() == [
        "python -m pip install . && zincflux run sample_images/zinc_uptake/experiment.toml",
        'python -m pip install ".[all,test]" && python -m pytest',
    ]


def python_blocks():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_readme_python_runs(monkeypatch, capsys):
    blocks = python_blocks()
    assert blocks, "the README shows how to use the library"
    monkeypatch.chdir(ROOT)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_readme_commands_exist():
    from typer.main import get_command

    from zincflux.cli import app

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shell = "".join(re.findall(r"^```(?:bash|sh)?\n(.*?)^```", text, flags=re.M | re.S))
    named = set(re.findall(r"\bzincflux ([a-z]+)\b", shell))
    assert named, "the README shows the command line"
    assert named <= set(get_command(app).commands)


def test_changelog_and_citation_name_this_version():
    version = zincflux.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{version}]" in changelog
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: ['\"]?{re.escape(version)}['\"]?$", citation, flags=re.M)
