"""Commands on many movies: what they print, and the exit status."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batch_movies import make_batch, make_movies
from runs import Shell, names_in
from zincflux import batch as library
from zincflux.batch import BatchProgress


@dataclass
class Ended:
    """A batch that has ended, as far as the command line looks at it."""

    out: Path
    failures: dict[str, str]

    @property
    def failed(self):
        return len(self.failures)

    def summary(self) -> dict[str, Any]:
        return {
            "out": str(self.out),
            "done": 1,
            "failed": self.failed,
            "skipped": 2,
            "conditions": ["none", "zinc"],
            "failures": [{"sample": name, "reason": why} for name, why in self.failures.items()],
            "warnings": ["no control is named"],
        }


@pytest.fixture
def zf(monkeypatch, capsys):
    return Shell(monkeypatch, capsys)


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """A batch that takes no time; gives what it was called with."""
    calls = []

    def prepare(failures=None, steps=()):
        def iter_batch(sheet, out, **options):
            calls.append((sheet, out, options))
            yield from steps
            return Ended(tmp_path / "out", failures or {})

        monkeypatch.setattr(library, "iter_batch", iter_batch)
        return calls

    return prepare


@pytest.mark.slow
def test_a_batch_from_sheet_to_report(zf, tmp_path):
    sheet, settings = make_batch(tmp_path, 2)
    arguments = ("batch", sheet, "--settings", settings, "--out", tmp_path / "out", "--json")
    status, out, _ = zf(*arguments)
    found = json.loads(out)
    assert status == 0
    assert (found["done"], found["failed"], found["skipped"]) == (2, 0, 0)
    assert found["conditions"] == ["none", "zinc"]
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    page = (tmp_path / "out" / "report.html").read_bytes()
    (tmp_path / "out" / "report.html").unlink()
    assert zf("report", tmp_path / "out") == (0, f"{tmp_path / 'out' / 'report.html'}\n", "")
    assert (tmp_path / "out" / "report.html").read_bytes() == page


def test_what_a_batch_says(zf, stand_in, tmp_path):
    stand_in()
    assert zf("batch", "sheet.csv") == (
        0,
        f"1 movie done, 2 up to date, 0 failed\n{tmp_path / 'out'}/report.html\n",
        "warning: no control is named\n",
    )
    assert zf("batch", "sheet.csv", "--quiet") == (0, "", "")


def test_failed_movies_are_named_and_tell_by_the_status(zf, stand_in):
    stand_in({"dish 2": "movie.ome.tif: damaged"})
    status, out, _ = zf("batch", "sheet.csv")
    assert status == 1
    assert "1 movie done, 2 up to date, 1 failed\nfailed:\n  dish 2  movie.ome.tif: damaged" in out
    status, out, err = zf("batch", "sheet.csv", "--json", "--quiet")
    assert (status, json.loads(out)["failed"], err) == (1, 1, "")


def test_every_option_reaches_the_batch(zf, stand_in):
    calls = stand_in()
    options = {
        "settings": Path("common.toml"),
        "assignments": ["segment.diameter_um=12"],
        "jobs": 3,
        "scheduler": "tcp://localhost:1",
        "max_memory": "4GB",
        "labels_format": "zarr",
    }
    zf(
        *("batch", "a/sheet.csv", "--set", "segment.diameter_um=12", "--overwrite"),
        *("--settings", "common.toml", "--jobs", 3, "--scheduler", "tcp://localhost:1"),
        *("--max-memory", "4GB", "--labels-format", "zarr"),
    )
    assert calls == [("a/sheet.csv", Path("a/sheet"), options | {"overwrite": True})]


def test_bars_of_a_batch(zf, stand_in, monkeypatch):
    name = "dish\x1b[31m" + "x" * 50
    steps = [
        BatchProgress("", "check", 0, 2, 0, 2),
        BatchProgress(name, "measure", 3, 9, 0, 2),
        BatchProgress("other", "done", 1, 1, 1, 2),
        BatchProgress(name, "failed", 1, 1, 2, 2),
    ]
    stand_in(steps=steps)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    status, _, err = zf("batch", "sheet.csv")
    assert status == 0
    assert "movies" in err
    assert "2/2" in err
    assert "\x1b[31mx" not in err


def test_init_writes_a_sheet(zf, tmp_path):
    make_movies(tmp_path / "movies", 2)
    sheet = tmp_path / "sheet.csv"
    status, out, _ = zf("batch", "--init", tmp_path / "movies", "--out", sheet)
    assert status == 0
    assert (
        out == f"{sheet}\nFill in condition, and dose, replicate and experiment where they apply.\n"
    )
    assert sheet.read_text(encoding="utf-8").splitlines()[1].startswith("movies/dish1.ome.tif,")
    status, _, err = zf("batch", "--init", tmp_path / "movies", "--out", sheet)
    assert (status, err) == (
        2,
        f"zincflux: {sheet}: this file exists. Add --overwrite or choose another --out.\n",
    )
    assert zf("batch", "--init", tmp_path / "movies", "--out", sheet, "--overwrite", "--quiet") == (
        0,
        "",
        "",
    )


@pytest.mark.parametrize("out", ["table.txt", "."])
def test_init_writes_csv_only(zf, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    status, _, err = zf("batch", "--init", tmp_path, "--out", out)
    assert status == 2
    assert f"{out}: expected the name of a file that ends in .csv. Correct --out." in err
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--settings", ("--settings", "x.toml")),
        ("--set", ("--set", "a=1")),
        ("--jobs", ("--jobs", "2")),
        ("--scheduler", ("--scheduler", "tcp://x:1")),
        ("--max-memory", ("--max-memory", "4GB")),
        ("--labels-format", ("--labels-format", "zarr")),
        ("--json", ("--json",)),
    ],
)
def test_options_without_effect_on_init(zf, tmp_path, option, given):
    status, _, err = zf("batch", "--init", tmp_path, *given)
    assert status == 2
    assert f"{option} has no effect with --init. Leave one of them out." in err


def test_a_study_is_simulated(zf, tmp_path):
    out = tmp_path / "study"
    settings = ("n_experiments=1", "doses=[0]", "salts=['ZnCl2']", "most=[3]", "ec50=[60]")
    status, said, _ = zf(
        *("simulate", "--study", "--out", out),
        *(part for text in settings for part in ("--set", text)),
    )
    assert (status, said) == (0, f"{out / 'sheet.csv'}\n")
    assert {"sheet.csv", "settings.toml", "truth.csv"} <= names_in(out)
    status, _, err = zf("simulate", "--study", "--out", out)
    assert status == 2
    assert "is already there. Add --overwrite or choose another --out." in err


def test_report_of_a_folder_without_results(zf, tmp_path):
    status, _, err = zf("report", tmp_path)
    assert status == 1
    assert "expected the results of a run (run.json) or of a study (study.json)" in err
