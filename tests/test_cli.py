"""The command line: what it prints, where, and the exit status."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tifffile

import zincflux
from runs import (
    DIAMETER_UM,
    N_FRAMES,
    Shell,
    copy_dish,
    finished,
    names_in,
    pixels,
    save_bare,
    save_movie,
)
from zincflux.cli.program import report_unforeseen
from zincflux.indicators import indicator_names
from zincflux.results import RESULT_FILES, read_results
from zincflux.results.simulation import SIMULATION_FILES

COMMANDS = (
    "run",
    "batch",
    "convert",
    "init",
    "info",
    "indicators",
    "buffer",
    "calibrate",
    "export",
    "report",
    "simulate",
    "train",
)
SIMULATION = (
    *("--set", "n_cells=3", "--set", "n_frames=5", "--set", "shape_px=[48,48]"),
    *("--seed", 3),
)


@pytest.fixture
def zf(monkeypatch, capsys):
    """Call the command line: exit status, stdout, stderr."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def dish(tmp_path_factory, tmp_path):
    """An experiment file of one's own, without results."""
    return copy_dish(finished(tmp_path_factory)[0], tmp_path / "own")


@pytest.fixture
def done(tmp_path_factory):
    """Experiment file that was run, to be read only."""
    return finished(tmp_path_factory)[0]


@pytest.fixture
def quick(monkeypatch):
    """Leave out the figures where they do not matter."""
    monkeypatch.setattr("zincflux.workflow.render_report", lambda *given: "<p>report</p>")


@pytest.fixture
def bare(tmp_path):
    """A stack that says nothing about itself."""
    return save_bare(tmp_path / "bare.tif", pixels(6))


def test_help_lists_the_commands(zf):
    status, out, _ = zf("--help")
    assert status == 0
    for command in COMMANDS:
        assert re.search(rf"^\W*{command} ", out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_options_of_all(zf, command):
    status, out, _ = zf(command, "--help")
    assert status == 0
    for option in ("--quiet", "--debug", "--version"):
        assert option in out
    assert zf(command, "--version") == (0, f"zincflux {zincflux.__version__}\n", "")


def test_version(zf):
    assert zf("--version") == (0, f"zincflux {zincflux.__version__}\n", "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["runn"], "No such command 'runn'"),
        (["run"], "Missing argument 'EXPERIMENT.toml|MOVIE'"),
        (["run", "a.toml", "--ovrwrite"], "--ovrwrite"),
        (["run", "a.toml", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["simulate"], "Missing option '--out'"),
        (["simulate", "--out", "a", "--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_wrong_command_line(zf, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = zf(*args)
    assert (status, out) == (2, "")
    assert message in err
    assert names_in(tmp_path) == set()


@pytest.mark.slow
def test_run_says_what_came_of_it(zf, dish):
    status, out, err = zf("run", dish)
    report = dish.parent / "experiment" / "report.html"
    assert (status, err) == (0, "")
    assert out.splitlines() == ["4 cells in 40 frames: 4 with zinc, 0 excluded", str(report)]
    assert report.is_file()


def test_run_again_is_up_to_date(zf, done):
    status, out, err = zf("run", done)
    assert (status, err) == (0, "")
    assert out.startswith("up to date: ")


def test_run_prints_json(zf, done):
    status, out, err = zf("run", done, "--json", "--quiet")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "out": str(done.parent / "experiment"),
        "n_frames": 40,
        "n_cells": 4,
        "n_excluded": 0,
        "n_with_zinc": 4,
        "n_suspects": 0,
        "n_suspects_accepted": 0,
        "warnings": [],
    }


def test_run_with_other_settings(zf, done):
    status, out, err = zf("run", done, "--set", "calibration.k_nM=20")
    assert (status, out) == (2, "")
    assert re.fullmatch(r"zincflux: .*experiment: this folder already holds .*--out\.\n", err)


def test_quiet_run_prints_nothing(zf, dish, quick):
    assert zf("run", dish, "--quiet", "--set", "movie.pixel_size_um=1.1") == (0, "", "")


def test_each_warning_is_printed_once(zf, dish, quick):
    args = ("run", dish, "--set", "movie.pixel_size_um=1.1", "--jobs", 1)
    status, _, err = zf(*args)
    assert status == 0
    assert err.count("movie.pixel_size_um = 1.1 replaces") == 1
    assert all(line.startswith("warning: ") for line in err.splitlines())
    assert zf(*args)[2] == err


def test_run_of_a_movie(zf, dish, quick, tmp_path):
    movie = dish.parent / "movie.ome.tif"
    args = ("run", movie, "--out", tmp_path / "out", "--set", f"segment.diameter_um={DIAMETER_UM}")
    status, out, _ = zf(*args)
    assert status == 0
    assert "F/F0 only: no indicator is named" in out
    status, out, _ = zf(*args, "--indicator", "fluozin-3", "--overwrite")
    assert status == 0
    assert "F/F0 only: there is no calibration" in out
    assert read_results(tmp_path / "out").experiment.name == "movie"


def test_one_cell_in_one_frame(zf, tmp_path, quick):
    data = pixels(1)
    data[:, :, :, 32:] = 100
    data[:, :, 32:] = 100
    save_movie(tmp_path / "one.ome.tif", data)
    set_size = ("--set", f"segment.diameter_um={DIAMETER_UM}")
    _, out, _ = zf("run", tmp_path / "one.ome.tif", *set_size)
    assert out.startswith("1 cell in 1 frame: ")


def test_cells_that_cannot_be_calibrated_are_explained_by_the_warning(zf, dish, quick):
    status, out, err = zf("run", dish, "--set", "calibration.minimum_dynamic_range=1000")
    assert status == 0
    assert "0 with zinc" in out
    assert "F/F0 only" not in out
    assert "could not be calibrated" in err


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["run", "gone.toml"], 2, "gone.toml: no such file"),
        (["run", "gone.tif"], 3, "gone.tif: no such file"),
        (["run", "."], 3, "expected a file, found a folder"),
        (["info", "a.toml"], 2, "expected a movie, found an experiment file"),
        (["init", "a.toml"], 2, "expected a movie, found an experiment file"),
        (["info", "gone.tif"], 3, "gone.tif: no such file"),
        (["init", "gone.tif"], 3, "gone.tif: no such file"),
        (["init", "gone.tif", "--out", "a.txt"], 2, "a file that ends in .toml. Correct --out"),
        (["init", "gone.tif", "--out", "."], 2, "a file that ends in .toml. Correct --out"),
        (["indicators", "fluozin"], 2, "Did you mean 'FluoZin-3'"),
        (["simulate", "--out", "s", "--set", "n_cell=3"], 2, "Did you mean 'n_cells'"),
        (["simulate", "--out", "s", "--set", "n_cells"], 2, "--set expects KEY=VALUE"),
    ],
)
def test_failure_is_one_message(zf, tmp_path, monkeypatch, args, status, message):
    monkeypatch.chdir(tmp_path)
    found, out, err = zf(*args)
    assert (found, out) == (status, "")
    assert err.startswith("zincflux: ")
    assert message in err
    assert len(err.splitlines()) == 1
    assert names_in(tmp_path) == set()


def test_debug_shows_where(zf, tmp_path):
    status, _, err = zf("run", tmp_path / "gone.toml", "--debug")
    assert status == 2
    assert err.startswith("Traceback")
    assert "ExperimentError" in err


def test_unforeseen_error_is_one_message_too(tmp_path):
    code = (
        "import sys, zincflux.cli, zincflux.indicators\n"
        "def fail(name): raise RuntimeError('boom')\n"
        "zincflux.indicators.load_indicator = fail\n"
        "zincflux.cli.main()\n"
    )
    for extra, lines in (((), 1), (("--debug",), None)):
        done = subprocess.run(
            [sys.executable, "-c", code, "indicators", "x", *extra],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) == bool(extra)
        assert "RuntimeError: boom" in done.stderr
        assert lines in (None, len(done.stderr.splitlines()))


def test_unforeseen_error_in_this_process(monkeypatch, capsys):
    report_unforeseen(RuntimeError, RuntimeError("boom"), None)
    assert "unexpected RuntimeError: boom. Run the command again" in capsys.readouterr().err


def test_warnings_that_were_asked_for_stay(zf, monkeypatch):
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    before = len(warnings.filters)
    assert zf("--version")[0] == 0
    assert len(warnings.filters) == before


def test_streams_that_cannot_be_set_up(zf, monkeypatch, capsys):
    class Plain:
        def __init__(self, stream):
            self.write, self.flush, self.isatty = stream.write, stream.flush, stream.isatty

    monkeypatch.setattr(sys, "stdout", Plain(sys.stdout))
    assert zf("--version")[:2] == (0, f"zincflux {zincflux.__version__}\n")


# Progress


def test_no_bar_without_a_terminal(zf, dish, quick):
    assert zf("run", dish)[2] == ""


@pytest.fixture
def terminal(monkeypatch):
    """Pretend that a person watches stderr."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def watch():
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    return watch


def test_bar_on_a_terminal(zf, dish, quick, terminal):
    terminal()
    status, out, err = zf("run", dish)
    assert status == 0
    assert re.search(r"measure .*40/40", err)
    assert "report" in err
    assert "measure" not in out


def test_quiet_has_no_bar(zf, dish, quick, terminal):
    terminal()
    assert zf("run", dish, "--quiet") == (0, "", "")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are of POSIX")
def test_bar_on_a_real_terminal(tmp_path):
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "zincflux", "simulate", "--out", tmp_path / "s"]
    with subprocess.Popen(
        [*command, *map(str, SIMULATION)], stdout=subprocess.PIPE, stderr=follower, text=True
    ) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 1000)
            except OSError:  # Linux ends a terminal so
                break
            if not part:
                break
            shown += part
        printed, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    assert b"render" in shown
    assert b"5/5" in shown
    assert printed.strip().endswith("experiment.toml")


# Ctrl-C


@pytest.mark.parametrize("command", ["run", "simulate"])
def test_keyboard_interrupt_while_working(zf, dish, quick, monkeypatch, command):
    def interrupt(steps, show):
        next(steps)
        raise KeyboardInterrupt

    monkeypatch.setattr("zincflux.cli.terminal._drive", interrupt)
    args = {"run": [dish], "simulate": ["--out", dish.parent / "s", *SIMULATION]}[command]
    status, out, err = zf(command, *args)
    assert (status, out) == (130, "")
    assert err == "zincflux: stopped; nothing was left half written.\n"
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml"}


def swallowed():
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def wrapped():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as error:
        raise RuntimeError("class body") from error


@pytest.mark.parametrize("lose", [swallowed, wrapped])
def test_interrupt_that_is_lost_on_its_way(zf, dish, quick, monkeypatch, lose):
    from zincflux import workflow

    files_of = workflow.files_of

    def losing(*given):
        lose()
        return files_of(*given)

    # Another test may have left a handler of its own.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(workflow, "files_of", losing)
    try:
        assert zf("run", dish) == (130, "", "zincflux: stopped; nothing was left half written.\n")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml"}


def test_interrupt_that_belongs_to_someone_else(zf):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert zf("indicators", "--quiet") == (0, "", "")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    "place",
    [
        "zincflux.opening.load_experiment",
        "zincflux.pipeline.frames.measure_labels",
        "zincflux.workflow.render_report",
        "zincflux.results.folder.write_label_stack",
        "zincflux.results.folder.move_into",
    ],
)
def test_keyboard_interrupt_anywhere(zf, dish, monkeypatch, place):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("zincflux.workflow.render_report", lambda *_: "<p>")
    monkeypatch.setattr(place, interrupt)
    status, _, err = zf("run", dish, "--jobs", 1)
    assert (status, err) == (130, "zincflux: stopped; nothing was left half written.\n")
    assert names_in(dish.parent) == {"movie.ome.tif", "experiment.toml"}


@pytest.mark.slow
def test_memory_can_be_bounded(zf, dish):
    status, _, err = zf("run", dish, "--max-memory", "1MB")
    assert status == 2
    assert "--max-memory: expected at least" in err
    assert zf("run", dish, "--max-memory", "8GB")[0] == 0


def test_memory_of_a_table_cannot_be_bounded(zf, tmp_path):
    table = tmp_path / "traces.csv"
    table.write_text("time_s,cell 1,cell 2\n0,5,6\n1,5,7\n2,6,8\n", encoding="utf-8")
    file = tmp_path / "experiment.toml"
    file.write_text('schema_version = 1\n[table]\npath = "traces.csv"\n', encoding="utf-8")
    status, _, err = zf("run", file, "--max-memory", "4GB")
    assert status == 2
    assert "--max-memory has no effect on a table" in err


# init, info, indicators, simulate


def test_init_writes_a_file_that_runs(zf, dish, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert zf("init", dish.parent / "movie.ome.tif") == (0, "experiment.toml\n", "")
    assert zf("run", "experiment.toml", "--set", f"segment.diameter_um={DIAMETER_UM}")[0] == 0
    assert names_in(tmp_path / "experiment") == {*RESULT_FILES}


def test_init_says_what_to_fill_in(zf, bare):
    file = bare.parent / "e.toml"
    status, out, err = zf("init", bare, "--out", file)
    assert (status, err) == (0, "")
    assert out == f"{file}\nFill in the lines marked MISSING before you run it.\n"


def test_init_replaces_nothing_unasked(zf, bare, tmp_path):
    file = tmp_path / "e.toml"
    file.write_text("mine", encoding="utf-8")
    status, _, err = zf("init", bare, "--out", file)
    assert status == 2
    assert "this file exists. Add --overwrite" in err
    assert file.read_text(encoding="utf-8") == "mine"
    assert zf("init", bare, "--out", file, "--overwrite", "--quiet") == (0, "", "")
    assert "MISSING" in file.read_text(encoding="utf-8")


def test_init_below_a_file(zf, bare):
    status, _, err = zf("init", bare, "--out", bare / "e.toml")
    assert status == 1
    assert "bare.tif is a file" in err


def test_info_of_a_complete_movie(zf, done):
    movie = done.parent / "movie.ome.tif"
    status, out, err = zf("info", movie)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        str(movie),
        "  format          OME-TIFF",
        f"  axes            T {N_FRAMES} × Y 64 × X 64",
        "  channels        dye",
        "  pixel size      1 µm",
        f"  frames          {N_FRAMES}",
        "  frame interval  5 s",
        "  time            0 to 195 s",
        "  bit depth       not known",
        "  camera limit    65535 counts",
    ]


def test_info_names_what_is_missing_and_its_key(zf, bare):
    _, out, _ = zf("info", bare)
    assert out.splitlines()[-5:] == [
        "missing:",
        "  meaning of the axis of length 6: set movie.axes",
        "  pixel size: set movie.pixel_size_um",
        "  frame interval: set movie.frame_interval_s",
        "zincflux init MOVIE writes an experiment file with a line for each.",
    ]
    assert "  axes            ? 6 × Y 64 × X 64" in out


def test_info_prints_json(zf, bare):
    status, out, err = zf("info", bare, "--json")
    assert (status, err) == (0, "")
    found = json.loads(out)
    promised = {"path", "format", "axes", "shape", "channels", "pixel_size_um", "time_s"}
    assert promised | {"frame_interval_s", "bit_depth", "scenes", "missing"} <= found.keys()
    assert {"what": "pixel size", "key": "movie.pixel_size_um"} in found["missing"]


def test_info_of_many_files(zf, tmp_path):
    for t in range(5):
        tifffile.imwrite(tmp_path / f"a_t{t}.tif", np.zeros((8, 8), np.uint8))
    _, out, _ = zf("info", tmp_path / "a_t{t}.tif")
    assert "  files           5: a_t0.tif, a_t1.tif … a_t4.tif" in out


def test_info_warns_once_and_not_when_quiet(zf, done, monkeypatch):
    from zincflux import readers
    from zincflux.errors import MetadataWarning

    describe = readers.describe

    def doubtful(path):
        for _ in range(2):
            warnings.warn("odd metadata", MetadataWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
        return describe(path)

    monkeypatch.setattr(readers, "describe", doubtful)
    movie = done.parent / "movie.ome.tif"
    assert zf("info", movie)[2] == "warning: odd metadata\n"
    assert zf("info", movie, "--quiet") == (0, "", "")


def test_indicators_are_listed(zf):
    status, out, err = zf("indicators")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == len(indicator_names()) + 2
    for name, line in zip(indicator_names(), lines[1:-1], strict=True):
        assert line.startswith(f"{name} ")
    assert max(map(len, lines)) <= 120
    assert re.search(r"FluoZin-3 +intensity +15 ± 2 nM +1  Gee", out)


def test_one_indicator_is_shown_with_conditions_and_citations(zf):
    status, out, _ = zf("indicators", "zapcv2")
    assert status == 0
    assert out.startswith("ZapCV2: fret, signal rises with zinc\n")
    assert "Lo 2020 (default)\n  K           5.3 nM, occupancy Z^n / (K^n + Z^n)\n" in out
    assert "https://doi.org/10.7554/eLife.51107" in out
    assert max(map(len, out.splitlines())) <= 100


def test_unknown_facts_are_called_so(zf):
    lines = zf("indicators", "FluoZin-3")[1].splitlines()
    assert any(re.fullmatch(r"  conditions +not known", line) for line in lines)
    assert any(re.fullmatch(r"  dynamic range +not known", line) for line in lines)


def test_an_indicator_file_of_ones_own(zf, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "Mine"\nkind = "ratio"\nturn_off = true\ndefault = 0\ndynamic_range = [3, 3]\n'
        '[[records]]\nname = "ours"\nk_nM = 4\nhill = 2\nhill_convention = "power"\nph = 7.2\n'
        'k_includes_beta = true\ntemperature_C = 37\nionic_strength_M = 0.1\nsource = "x"\n'
        'confidence = "unverified"\n',
        encoding="utf-8",
    )
    status, out, _ = zf("indicators", file)
    assert status == 0
    assert out.startswith("Mine: ratio, signal falls with zinc\n")
    assert "4 nM^2, occupancy Z^n / (K + Z^n)" in out
    assert "pH 7.2, 37 °C, I = 0.1 M" in out
    assert re.search(r"dynamic range +3\n", out)


@pytest.mark.parametrize("name", ["FluoZin-3", "ZapCY2"])
def test_indicator_as_json(zf, name):
    status, out, _ = zf("indicators", name, "--json")
    assert status == 0
    found = json.loads(out)
    assert {"name", "kind", "default", "records"} <= found.keys()
    keys = {"k_nM", "hill", "hill_convention", "k_includes_beta", "ph", "temperature_C"}
    for record in found["records"]:
        assert keys | {"ionic_strength_M", "source", "doi", "confidence"} <= record.keys()


def test_all_indicators_as_json(zf):
    found = json.loads(zf("indicators", "--json")[1])
    assert tuple(one["name"] for one in found) == indicator_names()


def test_quiet_indicators_print_nothing(zf):
    assert zf("indicators", "--quiet") == (0, "", "")
    assert zf("indicators", "FluoZin-3", "--quiet") == (0, "", "")


def test_simulate_writes_a_movie_its_truth_and_an_experiment(zf, tmp_path):
    status, out, err = zf("simulate", "--out", tmp_path / "s", *SIMULATION)
    assert (status, err) == (0, "")
    assert out == f"{tmp_path / 's' / 'experiment.toml'}\n"
    assert names_in(tmp_path / "s") == {*SIMULATION_FILES}
    assert zf("simulate", "--out", tmp_path / "t", *SIMULATION, "--quiet") == (0, "", "")
    for name in SIMULATION_FILES:
        assert (tmp_path / "s" / name).read_bytes() == (tmp_path / "t" / name).read_bytes()
    status, _, err = zf("simulate", "--out", tmp_path / "s", *SIMULATION)
    assert status == 2
    assert "is already there. Add --overwrite" in err
