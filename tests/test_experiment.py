"""Experiment files: read, overridden, drafted from a movie; errors name the key."""

import os
from pathlib import Path

import numpy as np
import pytest

import zincflux
from runs import DIAMETER_UM, finished, pixels, run_quietly, save_bare, save_movie
from zincflux.draft import GAP, draft
from zincflux.errors import ExperimentError
from zincflux.experiment import Experiment, experiment_of_movie, load_experiment, title
from zincflux.indicators import load_indicator
from zincflux.settings import dumps

MINIMAL = '[movie]\npath = "cells.tif"\n'

INDICATOR = """\
name = "My sensor"
kind = "intensity"
default = 0
[[records]]
name = "ours"
k_nM = 4.0
k_includes_beta = false
source = "this laboratory"
confidence = "unverified"
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="experiment.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_paths_start_from_the_file(write, tmp_path):
    experiment = load_experiment(write(MINIMAL))
    assert Path(experiment.movie.path) == tmp_path.resolve() / "cells.tif"


def test_name_is_that_of_the_file_unless_given(write):
    assert load_experiment(write(MINIMAL, "dish 7.toml")).name == "dish 7"
    assert load_experiment(write('name = ""\n' + MINIMAL, "dish 7.toml")).name == "dish 7"
    assert load_experiment(write('name = "HT-29"\n' + MINIMAL)).name == "HT-29"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/cells.ome.tif", "cells"),
        ("cells.OME.TIFF", "cells"),
        ("2024.05.01_dish 1.tif", "2024.05.01_dish 1"),
        ("scan.oif", "scan"),
        ("folder/scan_t{t}_{c}.tif", "scan"),
        ("scan{t}.tif", "scan"),
        ("W0002--P001--T{t}--Z000.tif", "W0002--P001--Z000"),
        ("{t}.tif", "movie"),
        ("cells", "cells"),
    ],
)
def test_title_of_a_movie(path, name):
    assert title(path) == name


def test_written_experiment_reads_back(write, tmp_path):
    experiment = load_experiment(write(MINIMAL), ["segment.diameter_um=9", "indicator=Zinpyr-1"])
    other = tmp_path / "other"
    other.mkdir()
    copy = other / "copy.toml"
    copy.write_text(dumps(experiment, folder=other), encoding="utf-8")
    assert load_experiment(copy) == experiment


@pytest.mark.parametrize("suffix", [".toml", ".TOML"])
def test_indicator_file_moves_with_the_experiment(write, tmp_path, suffix):
    write(INDICATOR, f"sensor{suffix}")
    experiment = load_experiment(write(f'indicator = "sensor{suffix}"\n' + MINIMAL))
    assert experiment.load_indicator().name == "My sensor"
    assert f'indicator = "sensor{suffix}"' in dumps(experiment, folder=tmp_path.resolve())
    assert experiment.indicator == str(tmp_path.resolve() / f"sensor{suffix}")


def test_no_indicator(write):
    assert load_experiment(write(MINIMAL)).load_indicator() is None


def test_assignments_win_over_the_file(write):
    file = write("[segment]\ndiameter_um = 8\n" + MINIMAL)
    assert load_experiment(file, ["segment.diameter_um=20"]).segment.diameter_um == 20


def test_movie_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    experiment = experiment_of_movie("a.ome.tif", indicator="fluozin3", assignments=["movie.z=max"])
    assert (experiment.name, experiment.movie.z) == ("a", "max")
    assert Path(experiment.movie.path) == Path.cwd() / "a.ome.tif"
    assert experiment.load_indicator() == load_indicator("FluoZin-3")


def test_an_open_phase_is_closed(write):
    text = MINIMAL + "".join(
        f'[[phases]]\nname = "{name}"\nrole = "baseline"\nstart_s = {start}\n'
        for name, start in (("b", 60), ("a", 0))
    )
    phases = load_experiment(write(text)).phases
    assert [(phase.name, phase.end_s) for phase in phases] == [("a", 60), ("b", None)]


PHASE = '[[phases]]\nname = "{}"\nrole = "{}"\nstart_s = {}\nend_s = {}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected either movie.path or table.path, found neither. Give one of them"),
        ("colour = 1\n" + MINIMAL, "colour: unknown key. Known keys here: .*movie"),
        ("indicater = 1\n" + MINIMAL, "indicater: unknown key. Did you mean 'indicator'"),
        (MINIMAL + "[segmnt]\n", "segmnt: unknown key. Did you mean 'segment'"),
        (
            MINIMAL + "[segment]\ndiametr_um = 3",
            r"segment\.diametr_um: unknown key. Did you mean 'diameter_um'",
        ),
        (MINIMAL + "[segment]\ndiameter_um = -3", r"segment\.diameter_um: .*greater than 0.*-3"),
        ('indicator = "FluoZin"\n' + MINIMAL, "found 'FluoZin'. Did you mean 'FluoZin-3'"),
        ('indicator = "gone.toml"\n' + MINIMAL, r"gone\.toml: no such file"),
        (MINIMAL + '[channels]\nnumerator = "a"', "a ratio needs both numerator and denominator"),
        (
            MINIMAL + "[channels]\nsignal = 0\nnumerator = 0\ndenominator = 1",
            "give either signal, or numerator and denominator",
        ),
        (
            MINIMAL + PHASE.format("a", "baseline", 0, 50) + PHASE.format("b", "response", 40, 90),
            "'a' ends at 50 s but 'b' starts at 40 s. Phases must not overlap",
        ),
        (
            MINIMAL + PHASE.format("a", "baseline", 0, 50) + PHASE.format("a", "response", 60, 90),
            "two phases are named 'a'",
        ),
        (MINIMAL + PHASE.format("a", "base", 0, 50), r"phases\.0\.role: .*'baseline'.*'base'"),
        (
            MINIMAL
            + PHASE.format("a", "response", 0, 50)
            + '[bleaching]\nmethod = "exponential"\nphases = ["a"]',
            "bleaching.*'a'.*response",
        ),
        ("schema_version = 2\n" + MINIMAL, "schema_version: .*1.*found 2"),
        ("movie", "expected a TOML file, found: .*Correct the file"),
    ],
)
def test_wrong_file(write, text, message):
    with pytest.raises(ExperimentError, match=message) as caught:
        load_experiment(write(text))
    assert caught.value.exit_status == 2
    assert "experiment.toml" in str(caught.value)


def test_absent_file_suggests_the_near_one(write, tmp_path):
    write(MINIMAL)
    with pytest.raises(ExperimentError, match=r"no such file. Did you mean '.*experiment\.toml'"):
        load_experiment(tmp_path / "experimnt.toml")
    with pytest.raises(ExperimentError, match=r"no such file. Check the path"):
        load_experiment(tmp_path / "qqq.toml")


def test_a_movie_is_no_experiment_file():
    with pytest.raises(ExperimentError, match=r"whose name ends in .toml. For a movie, .* init"):
        load_experiment("cells.tif")


@pytest.mark.parametrize("text", ["segment.diameter_um", "=3"])
def test_assignment_without_key_or_value(write, text):
    with pytest.raises(ExperimentError, match="--set expects KEY=VALUE"):
        load_experiment(write(MINIMAL), [text])


def test_wrong_assignment_names_its_source(write):
    with pytest.raises(ExperimentError, match=r"experiment\.toml with --set: segment\.x: unknown"):
        load_experiment(write(MINIMAL), ["segment.x=1"])
    with pytest.raises(ExperimentError, match=r"^--set: segment\.x: unknown"):
        experiment_of_movie("a.tif", assignments=["segment.x=1"])


def fill(text, values):
    """Do what the lines marked MISSING ask for."""
    for key, value in values.items():
        assert text.count(f"# {key} = \n") == 1
        text = text.replace(f"# {key} = \n", f"{key} = {value}\n")
    return text


def test_draft_of_a_complete_movie_runs(tmp_path_factory, tmp_path):
    movie = finished(tmp_path_factory)[0].parent / "movie.ome.tif"
    text = draft(movie, tmp_path)
    assert GAP not in text
    assert 'signal = "dye"' in text
    assert "# Pixel size: 1 µm\n# Frame interval: 5 s\n" in text
    file = tmp_path / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    experiment = load_experiment(file)
    assert os.path.samefile(experiment.movie.path, movie)
    assert experiment.name == "movie"
    assert experiment.phases == ()


def test_phases_of_a_draft_need_only_their_marks_removed(tmp_path_factory, tmp_path):
    movie = finished(tmp_path_factory)[0].parent / "movie.ome.tif"
    text = draft(movie, tmp_path)
    head, _, phases = text.partition("# [[phases]]")
    phases = f"# [[phases]]{phases}".replace("# [[", "[[").replace("\n# ", "\n")
    file = tmp_path / "experiment.toml"
    file.write_text(head + phases, encoding="utf-8")
    roles = [phase.role for phase in load_experiment(file).phases]
    assert roles == ["baseline", "response", "minimum", "maximum"]


def test_draft_of_a_bare_stack_runs_once_it_is_filled_in(tmp_path):
    save_bare(tmp_path / "bare.tif", pixels(6))
    text = draft(tmp_path / "bare.tif", tmp_path)
    assert "Channels: not known yet" in text
    file = tmp_path / "experiment.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"movie\.axes.*pixel_size_um.*frame_interval_s"):
        run_quietly(file)
    values = {"axes": '"TYX"', "pixel_size_um": 1.0, "frame_interval_s": 5.0}
    text = fill(text, values).replace("diameter_um = 15.0", f"diameter_um = {DIAMETER_UM}")
    file.write_text(text, encoding="utf-8")
    assert run_quietly(file).summary()["n_cells"] == 4


def test_draft_asks_which_channel_is_what(tmp_path):
    data = np.concatenate([pixels(6), pixels(6)], axis=1)
    save_movie(tmp_path / "two.ome.tif", data, ['CFP "x"', "YFP"])
    text = draft(tmp_path / "two.ome.tif", tmp_path)
    assert 'The movie has "CFP \\"x\\"", "YFP".' in text
    file = tmp_path / "experiment.toml"
    file.write_text(fill(text, {"signal": '"YFP"'}), encoding="utf-8")
    assert load_experiment(file).channels.signal == "YFP"


def test_an_experiment_is_frozen():
    experiment = Experiment.parse({"movie": {"path": "a.tif"}}, where="test")
    with pytest.raises(ValueError, match="frozen"):
        experiment.name = "b"
    assert zincflux.Experiment is Experiment


@pytest.mark.parametrize(
    ("mode", "keys"),
    [
        ("static", {"over_time": False}),
        ("follow", {"projection": "max"}),
        ("follow", {"split_by_traces": False}),
    ],
)
def test_keys_of_the_other_mode_are_refused(mode, keys):
    (key,) = keys
    message = rf'segment\.{key} has no effect with track\.mode = "{mode}"\. Leave it out'
    with pytest.raises(ExperimentError, match=message):
        Experiment.parse(
            {
                "schema_version": 1,
                "movie": {"path": "a.tif"},
                "segment": keys,
                "track": {"mode": mode},
            },
            where="experiment.toml",
            folder=Path.cwd(),
        )
